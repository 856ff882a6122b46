// SPDX-License-Identifier: MIT
#include "sampler/perf_attr.h" /* before cmocka.h, which has a macro fail() */
#include "sampler/perf_decode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "perf_bytes.h"

static struct perf_bytes b;

/* What the sampler asks for where it may see the kernel. */
static struct perf_layout ours(void)
{
	const struct perf_shape shape = { .features = { .kernel = true }, .stack_bytes = 64 };
	struct perf_event_attr attr;
	struct perf_layout layout;
	perf_attr_sampling(&shape, 1, false, &attr);
	perf_layout_of(&attr, &layout);
	return layout;
}

static bool decode(struct record *out)
{
	struct perf_layout layout = ours();
	return perf_decode(&layout, b.at, b.size, NULL, out);
}

static void a_sample_has_all_its_parts(void **state)
{
	(void)state;
	struct record r;
	sample(&b, 9, 9, 64, 40);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_SAMPLE);
	assert_int_equal(r.pid, 70);
	assert_int_equal(r.tid, 71);
	assert_int_equal(r.time_ns, 123456789);
	assert_true(r.sample.in_kernel);
	assert_false(r.sample.fixed_period);
	assert_int_equal(r.sample.pc, 0xffffffff81001234);
	assert_int_equal(r.sample.kernel_pc_count, 2);
	assert_int_equal(r.sample.kernel_pcs[0], 0xffffffff81001234);
	assert_int_equal(r.sample.kernel_pcs[1], 0xffffffff81005678);
	assert_true(r.sample.has_registers);
	assert_int_equal(r.sample.stack_size_bytes, 40);
	assert_false(r.sample.stack_copy_full);
	assert_int_equal(r.sample.stack[39], 39);
}

/* perf's order is ax bx cx dx si di bp sp ip r8..r15; DWARF's is rax rdx rcx rbx rsi rdi rbp rsp
 * r8.. rip. */
static void registers_are_in_dwarf_order(void **state)
{
	(void)state;
	static const uint64_t expected[REGISTER_COUNT] = { 1000, 1003, 1002, 1001, 1004, 1005,
							   1006, 1007, 1009, 1010, 1011, 1012,
							   1013, 1014, 1015, 1016, 1008 };
	struct record r;
	sample(&b, 9, 9, 0, 0);
	assert_true(decode(&r));
	assert_memory_equal(r.sample.registers, expected, sizeof(expected));
	assert_int_equal(r.sample.registers[REGISTER_RSP], 1007);
	assert_int_equal(r.sample.registers[REGISTER_PC], 1008);
	assert_null(r.sample.stack);
}

static void a_copy_is_full_when_nothing_is_left_free(void **state)
{
	(void)state;
	struct record r;
	sample(&b, 9, 9, 64, 64);
	assert_true(decode(&r));
	assert_true(r.sample.stack_copy_full);
}

static void an_inherited_copy_has_a_fixed_period(void **state)
{
	(void)state;
	struct record r;
	sample(&b, 9, 10, 64, 64);
	assert_true(decode(&r));
	assert_true(r.sample.fixed_period);
}

static void mappings_by_build_id_and_by_inode(void **state)
{
	(void)state;
	struct record r;
	uint8_t identity[24] = { 20, 0, 0, 0, 0xaa, 0xbb };
	begin(&b, PERF_RECORD_MMAP2, PERF_RECORD_MISC_MMAP_BUILD_ID | PERF_RECORD_MISC_USER);
	put_u32(&b, 5, 6);
	put_u64(&b, 0x7000);
	put_u64(&b, 0x2000);
	put_u64(&b, 0x1000);
	put(&b, identity, sizeof(identity));
	put_u32(&b, 5, 2); /* PROT_READ | PROT_EXEC, MAP_PRIVATE */
	put_text(&b, "/lib/x.so");
	end(&b, 5, 6, 77, 9, 9);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_MMAP);
	assert_int_equal(r.mmap.start, 0x7000);
	assert_int_equal(r.mmap.end, 0x9000);
	assert_int_equal(r.mmap.file_off, 0x1000);
	assert_true(r.mmap.executable);
	assert_true(r.mmap.has_build_id);
	assert_int_equal(r.mmap.build_id_size, 20);
	assert_int_equal(r.mmap.build_id[1], 0xbb);
	assert_string_equal(r.mmap.path, "/lib/x.so");
	assert_int_equal(r.time_ns, 77);

	begin(&b, PERF_RECORD_MMAP2, PERF_RECORD_MISC_USER);
	put_u32(&b, 5, 6);
	put_u64(&b, 0x7000);
	put_u64(&b, 0x2000);
	put_u64(&b, 0);
	put_u32(&b, 8, 1); /* major, minor */
	put_u64(&b, 4711);
	put_u64(&b, 0);
	put_u32(&b, 1, 2);
	put_text(&b, "//anon");
	end(&b, 5, 6, 77, 9, 9);
	assert_true(decode(&r));
	assert_false(r.mmap.has_build_id);
	assert_false(r.mmap.executable);
	assert_int_equal(r.mmap.device, 0x800000001);
	assert_int_equal(r.mmap.inode, 4711);
}

static void tasks_come_and_go(void **state)
{
	(void)state;
	struct record r;
	begin(&b, PERF_RECORD_FORK, 0);
	put_u32(&b, 20, 10); /* pid, ppid */
	put_u32(&b, 21, 11); /* tid, ptid */
	put_u64(&b, 500);
	end(&b, 10, 11, 501, 9, 9);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_FORK);
	assert_int_equal(r.pid, 20);
	assert_int_equal(r.tid, 21);
	assert_int_equal(r.fork.parent_pid, 10);
	assert_int_equal(r.fork.parent_tid, 11);

	begin(&b, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC);
	put_u32(&b, 20, 21);
	put_text(&b, "tool");
	end(&b, 20, 21, 600, 9, 9);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_COMM);
	assert_true(r.comm.is_exec);
	assert_string_equal(r.comm.comm, "tool");
}

static void counters_come_out(void **state)
{
	(void)state;
	struct record r;
	begin(&b, PERF_RECORD_LOST, 0);
	put_u64(&b, 9);
	put_u64(&b, 17);
	end(&b, 1, 2, 3, 9, 9);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_LOST);
	assert_int_equal(r.lost.count, 17);

	begin(&b, PERF_RECORD_READ, 0);
	put_u32(&b, 30, 31);
	put_u64(&b, 5000000);
	end(&b, 30, 31, 3, 9, 10);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_CPU);
	assert_int_equal(r.tid, 31);
	assert_int_equal(r.cpu.cpu_ns, 5000000);

	begin(&b, PERF_RECORD_THROTTLE, 0);
	put_u64(&b, 1);
	put_u64(&b, 2);
	put_u64(&b, 3);
	end(&b, 30, 31, 3, 9, 9);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_THROTTLE);
}

/* As `perf record -g -e cpu-clock,...` asks for: no IDENTIFIER, both halves by the kernel. */
static void a_sample_of_a_file_has_a_chain_and_a_period(void **state)
{
	(void)state;
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME |
			       PERF_SAMPLE_ADDR | PERF_SAMPLE_ID | PERF_SAMPLE_CPU |
			       PERF_SAMPLE_PERIOD | PERF_SAMPLE_READ | PERF_SAMPLE_CALLCHAIN,
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_RUNNING,
		.sample_id_all = 1,
	};
	struct perf_layout layout;
	struct record r;
	struct perf_meta meta;
	perf_layout_of(&attr, &layout);
	assert_int_equal(layout.trailer_bytes, 32);
	assert_int_equal(layout.user_half, USER_HALF_CHAIN);
	assert_true(layout.is_clock);
	begin(&b, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_KERNEL);
	put_u64(&b, 0xffffffff81001234);
	put_u32(&b, 70, 71);
	put_u64(&b, 123456789);
	put_u64(&b, 0xabcdef); /* ADDR */
	put_u64(&b, 42);       /* ID */
	put_u32(&b, 1, 0);     /* CPU */
	put_u64(&b, 1001001);  /* PERIOD */
	put_u64(&b, 2);        /* READ: two counters of a group */
	for (unsigned i = 0; i < 5; i++)
		put_u64(&b, 7);
	put_u64(&b, 6);
	put_u64(&b, (uint64_t)PERF_CONTEXT_KERNEL);
	put_u64(&b, 0xffffffff81001234);
	put_u64(&b, (uint64_t)PERF_CONTEXT_USER);
	put_u64(&b, 0x401000);
	put_u64(&b, 0x402000);
	put_u64(&b, (uint64_t)PERF_CONTEXT_GUEST);
	end_with_size(&b);
	assert_true(
		perf_decode_meta(&layout, b.at, b.at + b.size - PERF_HEAD_BYTES, b.size, &meta));
	assert_int_equal(meta.id, 42);
	assert_int_equal(meta.period, 1001001);
	assert_int_equal(meta.time_ns, 123456789);
	assert_true(perf_decode(&layout, b.at, b.size, NULL, &r));
	assert_int_equal(r.tid, 71);
	assert_int_equal(r.sample.kernel_pc_count, 1);
	assert_int_equal(r.sample.user_pc_count, 2);
	assert_int_equal(r.sample.user_pcs[0], 0x401000);
	assert_int_equal(r.sample.user_pcs[1], 0x402000);
	assert_false(r.sample.has_registers);
}

/* perf record without -g, with --user-regs=sp,ip,r8: only what the mask names is there. */
static void a_sample_without_a_chain_is_its_pc(void **state)
{
	(void)state;
	struct perf_event_attr attr = {
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_RAW | PERF_SAMPLE_BRANCH_STACK |
			       PERF_SAMPLE_REGS_USER,
		.sample_regs_user = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 16,
	};
	struct perf_layout layout;
	struct record r;
	perf_layout_of(&attr, &layout);
	assert_int_equal(layout.trailer_bytes, 0);
	assert_int_equal(layout.user_half, USER_HALF_MISSING);
	begin(&b, PERF_RECORD_SAMPLE, PERF_RECORD_MISC_USER);
	put_u64(&b, 0x401234);
	put_u32(&b, 12, 0x1111); /* RAW of 12 bytes */
	put_u64(&b, 0x2222);
	put_u64(&b, 1); /* a branch: from, to, flags */
	put_u64(&b, 1);
	put_u64(&b, 2);
	put_u64(&b, 3);
	put_u64(&b, PERF_SAMPLE_REGS_ABI_64);
	put_u64(&b, 0x7000); /* sp */
	put_u64(&b, 0x8000); /* ip */
	put_u64(&b, 0x9000); /* flags */
	put_u64(&b, 0xa000); /* r8 */
	end_with_size(&b);
	assert_true(perf_decode(&layout, b.at, b.size, NULL, &r));
	assert_int_equal(r.sample.user_pc_count, 1);
	assert_int_equal(r.sample.user_pcs[0], 0x401234);
	assert_int_equal(r.sample.kernel_pc_count, 0);
	assert_int_equal(r.sample.registers[REGISTER_RSP], 0x7000);
	assert_int_equal(r.sample.registers[REGISTER_PC], 0x8000);
	assert_int_equal(r.sample.registers[8], 0xa000);
	for (size_t size = 8; size < b.size; size++)
		assert_false(perf_decode(&layout, b.at, size, NULL, &r));
}

/* Of an event that did not ask for build-ids, while another one did: the kernel's flag is wrong. */
static void a_flag_of_somebody_elses_event_is_not_believed(void **state)
{
	(void)state;
	struct record r;
	struct perf_layout layout = ours();
	begin(&b, PERF_RECORD_MMAP2, PERF_RECORD_MISC_MMAP_BUILD_ID | PERF_RECORD_MISC_USER);
	put_u32(&b, 5, 6);
	put_u64(&b, 0x7000);
	put_u64(&b, 0x2000);
	put_u64(&b, 0);
	put_u32(&b, 0xfe, 1); /* major, minor: 254 is no size of a build-id, 8 could be one */
	put_u64(&b, 4711);
	put_u64(&b, 0);
	put_u32(&b, 5, 2);
	put_text(&b, "/lib/x.so");
	end(&b, 5, 6, 77, 9, 9);
	layout.has_build_ids = false;
	for (unsigned major = 8; major < 255; major += 0xfe - 8) {
		b.at[40] = (uint8_t)major;
		assert_true(perf_decode(&layout, b.at, b.size, NULL, &r));
		assert_false(r.mmap.has_build_id);
		assert_int_equal(r.mmap.device, (uint64_t)major << 32 | 1);
		assert_int_equal(r.mmap.inode, 4711);
	}
	layout.has_build_ids = true;
	assert_false(perf_decode(&layout, b.at, b.size, NULL, &r));
}

static void old_mappings_and_the_kernels_own(void **state)
{
	(void)state;
	struct record r;
	begin(&b, PERF_RECORD_MMAP, PERF_RECORD_MISC_USER);
	put_u32(&b, 5, 6);
	put_u64(&b, 0x7000);
	put_u64(&b, 0x2000);
	put_u64(&b, 0x1000);
	put_text(&b, "/lib/x.so");
	end(&b, 5, 6, 77, 9, 9);
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_MMAP);
	assert_true(r.mmap.executable);
	assert_int_equal(r.mmap.end, 0x9000);
	assert_int_equal(r.mmap.inode, 0);
	assert_string_equal(r.mmap.path, "/lib/x.so");
	b.at[4] = PERF_RECORD_MISC_KERNEL;
	assert_true(decode(&r));
	assert_int_equal(r.kind, RECORD_NONE);
}

/* Whatever is cut off: no record, or one whose pointers stay inside (the sanitizers watch). */
static void a_damaged_record_is_refused(void **state)
{
	(void)state;
	struct record r;
	struct perf_layout layout = ours();
	sample(&b, 9, 9, 64, 64);
	for (size_t size = 0; size < b.size; size++) {
		uint8_t *cut = malloc(size ? size : 1);
		memcpy(cut, b.at, size);
		assert_false(perf_decode(&layout, cut, size, NULL, &r));
		free(cut);
	}
	sample(&b, 9, 9, 64, 65); /* more copied than there is room for */
	assert_false(decode(&r));
	sample(&b, 9, 9, 64, 64);
	memset(b.at + 48, 0xff, 8); /* the length of the call chain */
	assert_false(decode(&r));
	begin(&b, PERF_RECORD_MMAP2, 0);
	end(&b, 1, 1, 1, 1, 1);
	assert_false(decode(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sample_has_all_its_parts),
		cmocka_unit_test(registers_are_in_dwarf_order),
		cmocka_unit_test(a_copy_is_full_when_nothing_is_left_free),
		cmocka_unit_test(an_inherited_copy_has_a_fixed_period),
		cmocka_unit_test(mappings_by_build_id_and_by_inode),
		cmocka_unit_test(a_flag_of_somebody_elses_event_is_not_believed),
		cmocka_unit_test(old_mappings_and_the_kernels_own),
		cmocka_unit_test(a_sample_of_a_file_has_a_chain_and_a_period),
		cmocka_unit_test(a_sample_without_a_chain_is_its_pc),
		cmocka_unit_test(tasks_come_and_go),
		cmocka_unit_test(counters_come_out),
		cmocka_unit_test(a_damaged_record_is_refused),
	};
	return cmocka_run_group_tests_name("sampler/perf_decode", tests, NULL, NULL);
}
