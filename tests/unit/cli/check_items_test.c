// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "cli/check_items.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define BIT(capability) (UINT64_C(1) << (capability))
#define ROOTS                                                                            \
	(BIT(CAP_PERFMON) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYSLOG) | \
	 BIT(CAP_BPF) | BIT(CAP_CHECKPOINT_RESTORE) | BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_RESOURCE))

static struct check_facts root_facts(void)
{
	return (struct check_facts){
		.rights = { .capabilities = ROOTS,
			    .perf_paranoid = 2,
			    .max_sample_rate_hz = 100000,
			    .cpu_time_max_percent = 25,
			    .mlock_kib = 516,
			    .nr_open = 1048576,
			    .ptrace_scope = 1,
			    .has_kernel_addresses = true },
		.permits = { .cpus = 4 },
		.has_bpf = true,
		.descriptors = { 1024, 524288 },
		.locked_memory = { 8 << 20, 8 << 20 },
		.rate_hz = 999,
	};
}

static struct check_facts user_facts(int64_t paranoid)
{
	struct check_facts f = root_facts();
	f.rights.euid = 1000;
	f.rights.capabilities = 0;
	f.rights.perf_paranoid = paranoid;
	f.rights.has_kernel_addresses = false;
	f.permits.own_kernel = f.permits.everybody = -EACCES;
	f.permits.own_user = paranoid > 2 ? -EACCES : 0;
	f.ptrace = -EPERM;
	return f;
}

static const struct check_item *find(const struct check_items *items, const char *id)
{
	for (size_t i = 0; i < items->count; i++)
		if (!strcmp(items->at[i].id, id))
			return &items->at[i];
	return NULL;
}

static bool offers(const struct check_item *item, enum remedy_id id)
{
	for (size_t i = 0; i < item->remedy_count; i++)
		if (item->remedies[i] == id)
			return true;
	return false;
}

static void test_root(void **state)
{
	(void)state;
	struct check_facts f = root_facts();
	struct check_items items;
	check_items_make(&f, &items);
	for (size_t i = 0; i < items.count; i++)
		assert_true(items.at[i].state <= CHECK_NOTE);
	assert_true(check_can_profile(&f));
}

static void test_ptrace_takes_the_place_of_perf(void **state)
{
	(void)state;
	struct check_facts f = user_facts(3);
	struct check_items items;
	f.ptrace = 0;
	check_items_make(&f, &items);
	assert_true(check_can_profile(&f));
	assert_int_equal(find(&items, "perf_event_open")->state, CHECK_LACKS);
	assert_int_equal(find(&items, "ptrace backend")->state, CHECK_NOTE);
	assert_non_null(strstr(find(&items, "ptrace backend")->costs, "time-out"));
	f.permits.own_user = 0; /* then it is nothing to worry about */
	check_items_make(&f, &items);
	assert_int_equal(find(&items, "ptrace backend")->state, CHECK_OK);
}

static void test_ordinary_user(void **state)
{
	(void)state;
	struct check_facts f = user_facts(2);
	struct check_items items;
	check_items_make(&f, &items);
	const struct check_item *item = find(&items, "perf_event_open");
	assert_int_equal(item->state, CHECK_LACKS);
	assert_non_null(strstr(item->found, "user mode only"));
	assert_true(offers(item, REMEDY_PARANOID_1));
	assert_int_equal(find(&items, "other users")->state, CHECK_LACKS);
	/* 516 KiB for each of 4 CPUs and 8 MiB are less than 16 MiB a CPU. */
	item = find(&items, "ring memory");
	assert_int_equal(item->state, CHECK_LACKS);
	assert_non_null(strstr(item->found, "10.0 MiB for 4 CPUs"));
	assert_true(offers(find(&items, "ptrace_scope"), REMEDY_YAMA_0));
	/* Names in the kernel are no loss where it is not sampled. */
	assert_int_equal(find(&items, "kernel names")->state, CHECK_NOTE);
	f.permits.own_kernel = 0;
	check_items_make(&f, &items);
	assert_int_equal(find(&items, "kernel names")->state, CHECK_LACKS);
	assert_true(check_can_profile(&f));
}

static void test_paranoid_4(void **state)
{
	(void)state;
	struct check_facts f = user_facts(4);
	struct check_items items;
	check_items_make(&f, &items);
	const struct check_item *item = find(&items, "perf_event_open");
	assert_int_equal(item->state, CHECK_STOPS);
	assert_non_null(strstr(item->found, "perf_event_paranoid forbids it"));
	assert_true(offers(item, REMEDY_PARANOID_2) && offers(item, REMEDY_SUDO));
	assert_false(offers(item, REMEDY_CONTAINER));
	assert_false(check_can_profile(&f));
}

/* docker run without more: root with few capabilities, and a filter that answers EPERM. */
static void test_container(void **state)
{
	(void)state;
	struct check_facts f = root_facts();
	struct check_items items;
	f.rights.capabilities = BIT(CAP_CHOWN);
	f.rights.under_seccomp = true;
	f.permits = (struct perf_permits){ -EPERM, -EPERM, -EPERM, -EPERM, 4 };
	f.ptrace = -EPERM;
	check_items_make(&f, &items);
	const struct check_item *item = find(&items, "perf_event_open");
	assert_int_equal(item->state, CHECK_STOPS);
	assert_non_null(strstr(item->found, "a seccomp filter forbids it"));
	assert_true(offers(item, REMEDY_CONTAINER) && offers(item, REMEDY_SECCOMP));
	assert_false(offers(item, REMEDY_PARANOID_2));
}

static void test_limits(void **state)
{
	(void)state;
	struct check_facts f = root_facts();
	struct check_items items;
	f.rights.max_sample_rate_hz = 1000; /* seven tenths are used */
	f.rights.capabilities &= ~BIT(CAP_SYS_RESOURCE);
	f.descriptors.rlim_max = 1024;
	check_items_make(&f, &items);
	assert_non_null(
		strstr(find(&items, "max_sample_rate")->costs, "700 samples a second at most"));
	assert_true(offers(find(&items, "open files"), REMEDY_NOFILE));
	assert_non_null(strstr(find(&items, "open files")->found, "1024, enough for 152 threads"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_ptrace_takes_the_place_of_perf),
		cmocka_unit_test(test_ordinary_user),
		cmocka_unit_test(test_paranoid_4),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests_name("cli/check_items", tests, NULL, NULL);
}
