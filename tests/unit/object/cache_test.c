// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "../support/elf_builder.h"
#include "object/cache.h"

#include <cmocka.h>

static struct object *with_id(uint8_t first)
{
	uint8_t id[20] = {first};
	struct elf_builder b;
	struct strbuf file = {0}, note = {0};
	struct object *o = NULL;
	elf_builder_init(&b, ET_DYN);
	if (first)
		elf_note(&note, NT_GNU_BUILD_ID, id, sizeof(id));
	elf_builder_section(&b, ".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, 0, note.text,
	                    note.length);
	elf_build(&b, &file);
	assert_int_equal(object_open_image(file.text, file.length, "x", &o, NULL), 0);
	strbuf_deinit(&file);
	strbuf_deinit(&note);
	return o;
}

static void equal_build_ids_share_an_object(void **state)
{
	(void)state;
	struct object_cache *c = object_cache_create();
	struct object *first = object_cache_add(c, with_id(1));
	struct object *second = object_cache_add(c, with_id(1));
	struct object *other = object_cache_add(c, with_id(2));
	assert_ptr_equal(first, second);
	assert_ptr_not_equal(first, other);
	struct object *got = object_cache_get(c, other->build_id, 20);
	assert_ptr_equal(got, other);
	assert_null(object_cache_get(c, other->build_id, 19));
	const uint8_t unknown[20] = {9};
	assert_null(object_cache_get(c, unknown, 20));
	object_unref(got);
	object_unref(first);
	object_unref(second);
	object_unref(other);
	object_cache_destroy(c);
}

static void an_object_without_build_id_is_not_kept(void **state)
{
	(void)state;
	struct object_cache *c = object_cache_create();
	struct object *o = object_cache_add(c, with_id(0));
	assert_int_equal(o->references, 1);
	assert_null(object_cache_get(c, o->build_id, 0));
	object_unref(o);
	object_cache_destroy(c);
	object_cache_destroy(NULL);
}

static void trimming_drops_what_nobody_holds(void **state)
{
	(void)state;
	struct object_cache *c = object_cache_create();
	uint8_t id[20] = {0};
	object_unref(object_cache_add(c, with_id(1)));
	struct object *held = object_cache_add(c, with_id(2));
	object_unref(object_cache_add(c, with_id(3)));
	assert_int_equal(object_cache_trim(c), 1);
	id[0] = 1;
	assert_null(object_cache_get(c, id, 20));
	id[0] = 2;
	struct object *got = object_cache_get(c, id, 20);
	assert_ptr_equal(got, held);
	object_unref(got);
	object_unref(held);
	assert_int_equal(object_cache_trim(c), 0);
	object_cache_destroy(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(equal_build_ids_share_an_object),
	        cmocka_unit_test(an_object_without_build_id_is_not_kept),
	        cmocka_unit_test(trimming_drops_what_nobody_holds),
	};
	return cmocka_run_group_tests_name("object/cache", tests, NULL, NULL);
}
