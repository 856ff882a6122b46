// SPDX-License-Identifier: MIT
#include "process/maps_file.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Lines as proc(5) shows them, and as a hostile file name makes them. */
static const char maps[] =
	"55d0c0a00000-55d0c0a02000 r--p 00000000 fd:01 1234                       /usr/bin/cat\n"
	"55d0c0a02000-55d0c0a07000 r-xp 00002000 fd:01 1234                       /usr/bin/cat\n"
	"7f0000000000-7f0000001000 rwxp 00000000 00:00 0 \n"
	"7f0000002000-7f0000003000 r-xp 00000000 00:05 99   /tmp/a b\\012c (deleted)\n"
	"this is no mapping\n"
	"7ffff7fc9000-7ffff7fcb000 r-xp 00000000 00:00 0                          [vdso]\n"
	"9000-8000 r-xp 00000000 00:00 0\n"
	"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]";

static void executable_mappings_come_out(void **state)
{
	(void)state;
	static const struct {
		uint64_t start, end, file_off, device, inode;
		const char *path;
	} expected[] = {
		{ 0x55d0c0a02000, 0x55d0c0a07000, 0x2000, 0xfd00000001, 1234, "/usr/bin/cat" },
		{ 0x7f0000000000, 0x7f0000001000, 0, 0, 0, "" },
		{ 0x7f0000002000, 0x7f0000003000, 0, 5, 99, "/tmp/a b\nc (deleted)" },
		{ 0x7ffff7fc9000, 0x7ffff7fcb000, 0, 0, 0, "[vdso]" },
		{ 0xffffffffff600000, 0xffffffffff601000, 0, 0, 0, "[vsyscall]" },
	};
	struct cursor c = cursor_of(maps, sizeof(maps) - 1);
	struct record_mmap m;
	char path[64];
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_true(maps_file_next(&c, &m, path, sizeof(path)));
		assert_int_equal(m.start, expected[i].start);
		assert_int_equal(m.end, expected[i].end);
		assert_int_equal(m.file_off, expected[i].file_off);
		assert_int_equal(m.device, expected[i].device);
		assert_int_equal(m.inode, expected[i].inode);
		assert_string_equal(m.path, expected[i].path);
		assert_true(m.executable);
	}
	assert_false(maps_file_next(&c, &m, path, sizeof(path)));
}

static void a_long_path_is_cut(void **state)
{
	(void)state;
	struct cursor c = cursor_of(maps, sizeof(maps) - 1);
	struct record_mmap m;
	char path[5];
	assert_true(maps_file_next(&c, &m, path, sizeof(path)));
	assert_string_equal(path, "/usr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(executable_mappings_come_out),
		cmocka_unit_test(a_long_path_is_cut),
	};
	return cmocka_run_group_tests_name("process/maps_file", tests, NULL, NULL);
}
