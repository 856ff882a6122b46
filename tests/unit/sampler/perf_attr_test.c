// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "sampler/perf_attr.h"
#include "sampler/perf_limits.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "base/strbuf.h"

/* What goes to perf_event_open(2), field by field; a field that is 0 is left out. */
static void describe(const struct perf_event_attr *a, struct strbuf *out)
{
#define SHOW(field)   \
	if (a->field) \
	strbuf_printf(out, "%s=%lld ", #field, (long long)a->field)
	strbuf_clear(out);
	SHOW(type);
	SHOW(config);
	SHOW(sample_period);
	SHOW(read_format);
	SHOW(disabled);
	SHOW(inherit);
	SHOW(exclude_user);
	SHOW(exclude_kernel);
	SHOW(exclude_hv);
	SHOW(exclude_idle);
	SHOW(mmap);
	SHOW(comm);
	SHOW(freq);
	SHOW(inherit_stat);
	SHOW(enable_on_exec);
	SHOW(task);
	SHOW(watermark);
	SHOW(precise_ip);
	SHOW(mmap_data);
	SHOW(sample_id_all);
	SHOW(exclude_callchain_kernel);
	SHOW(exclude_callchain_user);
	SHOW(mmap2);
	SHOW(comm_exec);
	SHOW(use_clockid);
	SHOW(build_id); /* never: see report_tasks() */
	SHOW(inherit_thread);
	SHOW(sigtrap);
	SHOW(wakeup_watermark);
	SHOW(sample_regs_user);
	SHOW(sample_stack_user);
	SHOW(clockid);
#undef SHOW
	strbuf_printf(out, "sample_type=0x%llx", (unsigned long long)a->sample_type);
}

static void assert_attr(const struct perf_event_attr *a, const char *expected)
{
	struct strbuf text = { 0 };
	assert_int_equal(a->size, sizeof(*a));
	describe(a, &text);
	assert_string_equal(strbuf_text(&text), expected);
	strbuf_deinit(&text);
}

/* 16712191 = 0xff01ff: ax bx cx dx si di bp sp ip, r8-r15. Sample types: IP 1, TID 2, TIME 4,
 * CALLCHAIN 0x20, STREAM_ID 0x200, REGS_USER 0x1000, STACK_USER 0x2000, IDENTIFIER 0x10000. */
static void as_root_with_children(void **state)
{
	(void)state;
	struct perf_shape shape = { .features = { true, true },
				    .children = true,
				    .stack_bytes = 65528,
				    .watermark_bytes = 8388608 };
	struct perf_event_attr a;
	perf_attr_sampling(&shape, 1001001, true, &a);
	assert_attr(&a, "type=1 sample_period=1001001 disabled=1 inherit=1 exclude_hv=1 mmap=1 "
			"comm=1 inherit_stat=1 "
			"enable_on_exec=1 task=1 watermark=1 sample_id_all=1 "
			"exclude_callchain_user=1 mmap2=1 "
			"comm_exec=1 use_clockid=1 wakeup_watermark=8388608 "
			"sample_regs_user=16712191 "
			"sample_stack_user=65528 clockid=1 sample_type=0x13227");
}

static void as_a_user_without_children_on_an_old_kernel(void **state)
{
	(void)state;
	struct perf_shape shape = { .stack_bytes = 8192, .watermark_bytes = 65536 };
	struct perf_event_attr a;
	perf_attr_sampling(&shape, 800000, false, &a);
	assert_attr(
		&a,
		"type=1 sample_period=800000 disabled=1 exclude_kernel=1 exclude_hv=1 mmap=1 "
		"comm=1 task=1 "
		"watermark=1 sample_id_all=1 exclude_callchain_user=1 mmap2=1 comm_exec=1 "
		"use_clockid=1 "
		"wakeup_watermark=65536 sample_regs_user=16712191 sample_stack_user=8192 clockid=1 "
		"sample_type=0x13207");
}

static void threads_but_no_children(void **state)
{
	(void)state;
	struct perf_shape shape = { .features = { false, true }, .stack_bytes = 8192 };
	struct perf_event_attr a;
	perf_attr_sampling(&shape, 800000, false, &a);
	assert_true(a.inherit && a.inherit_thread && a.inherit_stat);
}

/* Nothing to inherit: each CPU's event sees all that runs there, but not the idle task. */
static void the_whole_system(void **state)
{
	(void)state;
	struct perf_shape shape = { .features = { true, true },
				    .scope = SCOPE_SYSTEM,
				    .children = true,
				    .stack_bytes = 8192 };
	struct perf_event_attr a;
	perf_attr_sampling(&shape, 800000, false, &a);
	assert_true(a.exclude_idle && !a.inherit && !a.inherit_thread && !a.inherit_stat);
	shape.scope = SCOPE_CGROUP;
	perf_attr_sampling(&shape, 800000, false, &a);
	assert_true(!a.exclude_idle && !a.inherit);
}

static void what_counts_nothing(void **state)
{
	(void)state;
	struct perf_event_attr a;
	perf_attr_ring_owner(4096, &a);
	assert_attr(&a, "type=1 config=9 exclude_kernel=1 exclude_hv=1 watermark=1 use_clockid=1 "
			"wakeup_watermark=4096 "
			"clockid=1 sample_type=0x0");
	perf_attr_fence(&a);
	assert_attr(&a, "type=1 config=9 disabled=1 exclude_kernel=1 exclude_hv=1 use_clockid=1 "
			"clockid=1 sample_type=0x0");
}

static void cpu_lists(void **state)
{
	(void)state;
	int cpus[16];
	assert_int_equal(perf_parse_cpu_list("0-2,5,8-9\n", cpus, 16), 6);
	static const int expected[] = { 0, 1, 2, 5, 8, 9 };
	assert_memory_equal(cpus, expected, sizeof(expected));
	assert_int_equal(perf_parse_cpu_list("0\n", cpus, 16), 1);
	assert_true(perf_parse_cpu_list("3-1\n", cpus, 16) < 0);
	assert_true(perf_parse_cpu_list("0-99999999\n", cpus, 16) < 0);
	assert_true(perf_parse_cpu_list("0-16\n", cpus, 16) < 0);
	assert_true(perf_parse_cpu_list("1;2\n", cpus, 16) < 0);
	assert_true(perf_parse_cpu_list("x", cpus, 16) < 0);
}

static void descriptors_are_left_for_object_files(void **state)
{
	(void)state;
	assert_int_equal(perf_families_that_fit(64, 2), (64 - 32 - 2) / 3);
	assert_int_equal(perf_families_that_fit(1024, 2), (1024 - 256 - 2) / 3);
	assert_int_equal(perf_families_that_fit(1 << 20, 128), ((1 << 20) - 256 - 128) / 129);
	assert_int_equal(perf_families_that_fit(64, 128), 1);
	assert_int_equal(perf_families_that_fit(0, 2), 1);
	assert_true(perf_families_that_fit(UINT64_MAX, 1) > 1 << 30);
	assert_int_equal(perf_descriptors_for(10, 2), 64);
	assert_int_equal(perf_descriptors_for(41, 2), 256);
	assert_int_equal(perf_descriptors_for(10000, 128), 2 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_root_with_children),
		cmocka_unit_test(as_a_user_without_children_on_an_old_kernel),
		cmocka_unit_test(threads_but_no_children),
		cmocka_unit_test(the_whole_system),
		cmocka_unit_test(what_counts_nothing),
		cmocka_unit_test(cpu_lists),
		cmocka_unit_test(descriptors_are_left_for_object_files),
	};
	return cmocka_run_group_tests_name("sampler/perf_attr", tests, NULL, NULL);
}
