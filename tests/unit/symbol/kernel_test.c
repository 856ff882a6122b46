// SPDX-License-Identifier: MIT
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "object/object.h"
#include "symbol/kernel.h"
#include "symbol/symbol.h"

#include <cmocka.h>

static int parse(struct kernel_symbols *k, const char *text, struct error *err)
{
	struct strbuf b = { 0 };
	strbuf_puts(&b, text);
	int rc = kernel_symbols_parse(k, &b, err);
	assert_null(b.text);
	return rc;
}

static const char *name_at(const struct kernel_symbols *k, uint64_t pc)
{
	const struct kernel_symbol *s = kernel_symbols_find(k, pc);
	return s ? k->text.text + s->name_off : "";
}

static void lines_become_functions(void **state)
{
	(void)state;
	struct kernel_symbols k;
	struct error err = { 0 };
	assert_int_equal(parse(&k,
			       "ffffffff81002000 t second\n"
			       "ffffffff81000000 T first\n"
			       "ffffffff81000000 T alias_of_first\n"
			       "ffffffff81000800 D data\n"
			       "0000000000000000 A absolute\n"
			       "ffffffffc0000000 t ext4_read\t[ext4]\n"
			       "ffffffffc0000100 W weak\t[ext4]\n"
			       "garbage\n"
			       "\n"
			       "ffffffff8100 t\n"
			       "ffffffff81003000 T last_without_newline",
			       &err),
			 0);
	assert_string_equal(name_at(&k, 0xffffffff80ffffff), "");
	assert_string_equal(name_at(&k, 0xffffffff81000000), "first");
	assert_string_equal(name_at(&k, 0xffffffff81000900), "first");
	assert_string_equal(name_at(&k, 0xffffffff81002fff), "second");
	assert_string_equal(name_at(&k, 0xffffffff81003001), "last_without_newline");
	assert_string_equal(name_at(&k, 0xffffffffc0000110), "weak");
	assert_string_equal(name_at(&k, 0xfffffffff0000000), ""); /* far behind the last one */
	const struct kernel_symbol *s = kernel_symbols_find(&k, 0xffffffffc0000001);
	assert_non_null(s);
	assert_string_equal(k.text.text + s->module_off, "[ext4]");
	s = kernel_symbols_find(&k, 0xffffffff81000000);
	assert_int_equal(s->module_off, 0);
	kernel_symbols_deinit(&k);
}

static void hidden_addresses_are_said(void **state)
{
	(void)state;
	struct kernel_symbols k;
	struct error err = { 0 };
	assert_int_equal(parse(&k, "0000000000000000 T first\n0000000000000000 t second\n", &err),
			 -EPERM);
	assert_non_null(strstr(err.text, "kptr_restrict"));
	assert_string_equal(name_at(&k, 0), "");
	kernel_symbols_deinit(&k);
	assert_int_equal(parse(&k, "", &err), -ENODATA);
	assert_string_equal(name_at(&k, 1), "");
	kernel_symbols_deinit(&k);
}

static void the_vdso_names_its_functions(void **state)
{
	(void)state;
	struct object *o = NULL;
	struct error err = { 0 };
	if (symbol_vdso_object(&o, &err) == -ENOENT)
		skip();
	assert_non_null(o);
	struct symbol_resolver *r = NULL;
	const struct symbol_config config = { .inlines = true };
	assert_int_equal(symbol_resolver_create(&config, &r, &err), 0);
	bool found = false;
	for (uint32_t i = 0; i < o->segment_count; i++) {
		const struct object_segment *s = &o->segments[i];
		for (uint64_t at = s->vaddr; s->executable && at < s->vaddr + s->mem_size_bytes;
		     at += 16) {
			struct symbol_result result;
			symbol_resolve(r, o, at, &result);
			found |= result.line_count &&
				 strstr(result.lines[0].function, "clock_gettime");
		}
	}
	assert_true(found);
	symbol_resolver_destroy(r);
	object_unref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_become_functions),
		cmocka_unit_test(hidden_addresses_are_said),
		cmocka_unit_test(the_vdso_names_its_functions),
	};
	return cmocka_run_group_tests_name("symbol/kernel", tests, NULL, NULL);
}
