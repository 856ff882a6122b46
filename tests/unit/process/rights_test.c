// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "base/file.h"
#include "process/rights.h"

#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A machine made of files. */
struct machine {
	char root[64];
};

static void put(const struct machine *m, const char *path, const char *text, size_t size)
{
	char full[256];
	snprintf(full, sizeof(full), "%s%s", m->root, path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(full, 0700);
		*slash = '/';
	}
	FILE *f = fopen(full, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	fclose(f);
}

static void put_text(const struct machine *m, const char *path, const char *text)
{
	put(m, path, text, strlen(text));
}

static void put_namespace(const struct machine *m, const char *name, const char *target)
{
	char full[256];
	put_text(m, "/proc/self/ns/.keep", "");
	snprintf(full, sizeof(full), "%s/proc/self/ns/%s", m->root, name);
	assert_int_equal(symlink(target, full), 0);
}

static void machine_init(struct machine *m)
{
	snprintf(m->root, sizeof(m->root), "/tmp/rights_test.XXXXXX");
	assert_non_null(mkdtemp(m->root));
}

static void machine_deinit(const struct machine *m)
{
	char command[128];
	snprintf(command, sizeof(command), "rm -rf '%s'", m->root);
	assert_int_equal(system(command), 0);
}

static void test_empty(void **state)
{
	(void)state;
	struct machine m;
	struct rights r;
	machine_init(&m);
	rights_read(m.root, &r);
	assert_true(r.perf_paranoid == RIGHTS_UNKNOWN && r.ptrace_scope == RIGHTS_UNKNOWN);
	assert_int_equal(r.capabilities, 0);
	assert_false(r.in_pid_namespace || r.in_user_namespace || r.has_kernel_addresses);
	assert_string_equal(r.container, "");
	machine_deinit(&m);
}

static void test_container(void **state)
{
	(void)state;
	static const char environment[] = "PATH=/bin\0container=lxc\0HOME=/";
	struct machine m;
	struct rights r;
	machine_init(&m);
	put_text(&m, "/proc/self/status",
		 "Name:\tx\nCapInh:\t0000000000000000\nCapEff:\t0000004000000001\n"
		 "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n");
	put_text(&m, "/proc/sys/kernel/perf_event_paranoid", "-1\n");
	put_text(&m, "/proc/sys/kernel/kptr_restrict", "words\n");
	put_text(&m, "/proc/kallsyms", "0000000000000000 A fixed\n0000000000000000 T _text\n");
	put_text(&m, "/proc/self/mountinfo",
		 "29 23 0:25 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put(&m, "/proc/1/environ", environment, sizeof(environment));
	put_namespace(&m, "user", "user:[4026531837]");
	put_namespace(&m, "pid", "pid:[4026532201]");
	rights_read(m.root, &r);
	assert_true(rights_have(&r, CAP_PERFMON) && rights_have(&r, CAP_CHOWN));
	assert_false(rights_have(&r, CAP_SYS_ADMIN));
	assert_true(rights_may_sample_all(&r));
	assert_true(r.under_seccomp);
	assert_int_equal(r.perf_paranoid, -1);
	assert_true(r.kptr_restrict == RIGHTS_UNKNOWN);
	assert_false(r.has_kernel_addresses || r.has_cgroup_v1);
	assert_true(r.has_cgroup_v2 && r.in_pid_namespace);
	assert_false(r.in_user_namespace);
	assert_string_equal(r.container, "lxc (container= of process 1)");
	put_text(&m, "/.dockerenv", "");
	put_text(&m, "/proc/kallsyms", "0000000000000000 A fixed\nffffffff81000000 T _text\n");
	rights_read(m.root, &r);
	assert_string_equal(r.container, "docker (/.dockerenv)");
	assert_true(r.has_kernel_addresses);
	machine_deinit(&m);
}

static void test_owner(void **state)
{
	(void)state;
	struct process_owner owner;
	process_owner_read(getpid(), &owner);
	assert_true(owner.known && owner.same_user);
	assert_false(owner.undumpable);
	assert_true(owner.name[0]);
	process_owner_read(0x7fffffff, &owner);
	assert_false(owner.known || owner.undumpable);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_owner),
	};
	return cmocka_run_group_tests_name("process/rights", tests, NULL, NULL);
}
