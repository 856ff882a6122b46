// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../support/elf_builder.h"
#include "base/file.h"
#include "symbol/debug_file.h"

#include <cmocka.h>

static const uint8_t ID[20] = { 0xab, 0xcd, 0xef, 1 }, OTHER_ID[20] = { 0xab, 0xcd, 0xef, 2 };

struct folder {
	char root[64];
};

/* Below our own root, unless the object has one. */
static int look_for(int (*how)(const struct object *, const struct debug_places *,
			       struct object **),
		    const struct object *o, const char *debug_dir, struct object **out)
{
	struct file_roots roots = { .count = 0 };
	struct debug_places places = { .debug_dir = debug_dir };
	assert_int_equal(file_roots_get(&roots, 0, &places.ours, NULL), 0);
	int rc = how(o, &places, out);
	file_root_unref(places.ours);
	file_roots_deinit(&roots);
	return rc;
}

static void path_in(const struct folder *f, char out[PATH_MAX], const char *name)
{
	snprintf(out, PATH_MAX, "%s/%s", f->root, name);
}

static void make_folder(const struct folder *f, const char *name)
{
	char path[PATH_MAX];
	path_in(f, path, name);
	for (char *at = path + strlen(f->root) + 1;; at++) {
		if (*at != '/' && *at)
			continue;
		char was = *at;
		*at = 0;
		mkdir(path, 0700);
		*at = was;
		if (!was)
			return;
	}
}

static void save(const struct folder *f, const char *name, const struct strbuf *b)
{
	char path[PATH_MAX];
	path_in(f, path, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->text, b->length), b->length);
	close(fd);
}

/* A file that has an identity, and perhaps a link to a file of debug information. */
static void build(struct strbuf *out, const uint8_t *id, const char *link_section, const void *link,
		  size_t link_size)
{
	struct elf_builder b;
	struct strbuf note = { 0 };
	elf_builder_init(&b, ET_DYN);
	if (id)
		elf_note(&note, NT_GNU_BUILD_ID, id, 20);
	elf_builder_section(&b, ".note.gnu.build-id", SHT_NOTE, SHF_ALLOC, 0, note.text,
			    note.length);
	if (link_section)
		elf_builder_section(&b, link_section, SHT_PROGBITS, 0, 0, link, link_size);
	elf_build(&b, out);
	strbuf_deinit(&note);
}

static struct object *open_as(const struct folder *f, const char *name, const struct strbuf *b)
{
	char path[PATH_MAX];
	struct object *o = NULL;
	path_in(f, path, name);
	assert_int_equal(object_open_image(b->text, b->length, path, &o, NULL), 0);
	return o;
}

static int set_up(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));
	strcpy(f->root, "/tmp/debug_file_test.XXXXXX");
	assert_non_null(mkdtemp(f->root));
	make_folder(f, "debug/.build-id/ab");
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct folder *f = *state;
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", f->root);
	int rc = system(command);
	free(f);
	return rc;
}

static void find(const struct folder *f, const struct object *o, const char *wanted)
{
	char debug[PATH_MAX], path[PATH_MAX];
	struct object *found = NULL;
	path_in(f, debug, "debug");
	int rc = look_for(debug_file_find, o, debug, &found);
	if (!wanted) {
		assert_int_equal(rc, -ENOENT);
		return;
	}
	path_in(f, path, wanted);
	assert_int_equal(rc, 0);
	assert_string_equal(found->path, path);
	object_unref(found);
}

static void found_by_build_id_only_if_it_has_that_id(void **state)
{
	struct folder *f = *state;
	static const char name[] =
		"debug/.build-id/ab/cdef0100000000000000000000000000000000.debug";
	struct strbuf binary = { 0 }, good = { 0 }, bad = { 0 };
	char path[PATH_MAX];
	build(&binary, ID, NULL, NULL, 0);
	build(&good, ID, NULL, NULL, 0);
	build(&bad, OTHER_ID, NULL, NULL, 0);
	struct object *o = open_as(f, "binary", &binary);
	find(f, o, NULL);
	save(f, name, &bad);
	find(f, o, NULL);
	save(f, name, &good);
	find(f, o, name);
	path_in(f, path, name);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0); /* must not block, must not be opened */
	find(f, o, NULL);
	object_unref(o);
	strbuf_deinit(&binary);
	strbuf_deinit(&good);
	strbuf_deinit(&bad);
}

static size_t debuglink(char out[64], const char *name, const struct strbuf *file)
{
	size_t at = (strlen(name) + 4) & ~(size_t)3;
	uint32_t crc = (uint32_t)crc32(0, (const Bytef *)file->text, (uInt)file->length);
	memset(out, 0, 64);
	strcpy(out, name);
	memcpy(out + at, &crc, sizeof(crc));
	return at + sizeof(crc);
}

static void found_by_debuglink_only_if_the_checksum_is_right(void **state)
{
	struct folder *f = *state;
	char link[64], under_debug[PATH_MAX];
	struct strbuf binary = { 0 }, debug = { 0 }, other = { 0 };
	build(&debug, NULL, NULL, NULL, 0);
	build(&other, OTHER_ID, NULL, NULL, 0);
	size_t size = debuglink(link, "x.debug", &debug);
	build(&binary, NULL, ".gnu_debuglink", link, size);
	make_folder(f, "bin/.debug");
	struct object *o = open_as(f, "bin/x", &binary);
	find(f, o, NULL);
	save(f, "bin/x.debug", &other);
	find(f, o, NULL);

	snprintf(under_debug, sizeof(under_debug), "debug/%s/bin", f->root);
	make_folder(f, under_debug);
	snprintf(under_debug, sizeof(under_debug), "debug/%s/bin/x.debug", f->root);
	save(f, under_debug, &debug);
	find(f, o, under_debug);
	save(f, "bin/.debug/x.debug", &debug);
	find(f, o, "bin/.debug/x.debug");
	save(f, "bin/x.debug", &debug);
	find(f, o, "bin/x.debug");
	object_unref(o);
	strbuf_deinit(&binary);
	strbuf_deinit(&debug);
	strbuf_deinit(&other);
}

static void a_debuglink_leads_out_of_no_folder(void **state)
{
	struct folder *f = *state;
	char link[64];
	struct strbuf binary = { 0 }, debug = { 0 };
	build(&debug, NULL, NULL, NULL, 0);
	make_folder(f, "bin");
	save(f, "x.debug", &debug);
	size_t size = debuglink(link, "../x.debug", &debug);
	for (size_t cut = 0; cut <= size; cut++) {
		build(&binary, NULL, ".gnu_debuglink", link, cut);
		struct object *o = open_as(f, "bin/x", &binary);
		find(f, o, NULL);
		object_unref(o);
		strbuf_deinit(&binary);
	}
	strbuf_deinit(&debug);
}

static void the_alternate_file_is_found_by_path_and_id(void **state)
{
	struct folder *f = *state;
	char link[64] = "../common.debug", debug[PATH_MAX];
	struct strbuf binary = { 0 }, common = { 0 }, other = { 0 };
	memcpy(link + 16, ID, 20);
	build(&common, ID, NULL, NULL, 0);
	build(&other, OTHER_ID, NULL, NULL, 0);
	build(&binary, NULL, ".gnu_debugaltlink", link, 36);
	make_folder(f, "bin");
	path_in(f, debug, "debug");
	struct object *o = open_as(f, "bin/x.debug", &binary), *found = NULL;
	save(f, "common.debug", &other);
	assert_int_equal(look_for(debug_file_find_alternate, o, debug, &found), -ENOENT);
	save(f, "common.debug", &common);
	assert_int_equal(look_for(debug_file_find_alternate, o, debug, &found), 0);
	assert_memory_equal(found->build_id, ID, 20);
	object_unref(found);
	object_unref(o);
	strbuf_deinit(&binary);
	strbuf_deinit(&common);
	strbuf_deinit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(found_by_build_id_only_if_it_has_that_id, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(found_by_debuglink_only_if_the_checksum_is_right,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_debuglink_leads_out_of_no_folder, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_alternate_file_is_found_by_path_and_id, set_up,
						tear_down),
	};
	return cmocka_run_group_tests_name("symbol/debug_file", tests, NULL, NULL);
}
