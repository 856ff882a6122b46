// SPDX-License-Identifier: MIT
#include "process/cgroup_mounts.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static char line[256];

static bool parse(const char *text, struct cgroup_mount *out)
{
	snprintf(line, sizeof(line), "%s", text);
	return cgroup_mount_parse(line, out);
}

/* Lines as a hybrid systemd machine and a Docker container have them. */
static void mounts_are_known_by_their_type(void **state)
{
	(void)state;
	struct cgroup_mount m;
	assert_true(
		parse("41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw", &m));
	assert_string_equal(m.root, "/");
	assert_string_equal(m.point, "/sys/fs/cgroup/unified");
	assert_int_equal(m.rank, 1);
	assert_true(parse(
		"35 31 0:32 /docker/ab /mnt/a\\040b rw,nosuid shared:9 master:2 - cgroup cgroup "
		"rw,cpu,perf_event,xattr",
		&m));
	assert_string_equal(m.root, "/docker/ab");
	assert_string_equal(m.point, "/mnt/a b");
	assert_int_equal(m.rank, 0);
	assert_true(parse("35 31 0:32 / /c rw - cgroup none rw,memory,perf_events", &m));
	assert_int_equal(m.rank, 2);
}

static void other_lines_are_passed_over(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"",
		"-",
		"22 1 0:21 / /sys/fs/cgroup rw - tmpfs cgroup rw",
		"1 2 3 / /x rw -",
		"1 2 3 / /x rw - cgroup",
		"1 2 3 / /x rw - cgroup none",
		"a b c d e f g h i j k",
		"- - - - - - - cgroup",
	};
	struct cgroup_mount m;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_false(parse(lines[i], &m));
}

static void a_name_becomes_a_folder(void **state)
{
	(void)state;
	struct cgroup_mount plain = { "/", "/sys/fs/cgroup", 1 },
			    inner = { "/docker/ab", "/cg", 1 };
	struct strbuf text = { 0 };
	cgroup_mounts_folder(&plain, "/system.slice/x", &text);
	assert_string_equal(strbuf_text(&text), "/sys/fs/cgroup/system.slice/x");
	cgroup_mounts_folder(&plain, "x", &text);
	assert_string_equal(strbuf_text(&text), "/sys/fs/cgroup/x");
	cgroup_mounts_folder(&inner, "/docker/ab/job", &text);
	assert_string_equal(strbuf_text(&text), "/cg/job");
	cgroup_mounts_folder(&inner, "/docker/ab", &text);
	assert_string_equal(strbuf_text(&text), "/cg");
	cgroup_mounts_folder(&inner, "/docker/abc", &text);
	assert_string_equal(strbuf_text(&text), "/cg/docker/abc");
	strbuf_deinit(&text);
}

static void what_is_meant_is_near(void **state)
{
	(void)state;
	assert_true(cgroup_names_are_near("nginx", "nginx.service"));
	assert_true(cgroup_names_are_near("ngimx.service", "nginx.service"));
	assert_true(cgroup_names_are_near("nignx.service", "nginx.service"));
	assert_true(cgroup_names_are_near("nginx.servic", "nginx.service"));
	assert_false(cgroup_names_are_near("cron.service", "nginx.service"));
	assert_false(cgroup_names_are_near("a", "b"));
	assert_false(cgroup_names_are_near("", "b"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mounts_are_known_by_their_type),
		cmocka_unit_test(other_lines_are_passed_over),
		cmocka_unit_test(a_name_becomes_a_folder),
		cmocka_unit_test(what_is_meant_is_near),
	};
	return cmocka_run_group_tests_name("process/cgroup_mounts", tests, NULL, NULL);
}
