/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROFILE_FIXTURE_H
#define TESTS_PROFILE_FIXTURE_H

#include "base/cursor.h"
#include "base/gzip.h"
#include "base/random.h"
#include "profile/builder.h"
#include "profile/pprof.h"

/* Behind ours, since cmocka has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

/*
 * One program whose capture is known by construction: a main binary with an inlined call, libc under
 * two paths with one build-id, a library that was deleted and has no symbols, the kernel, JIT code,
 * a truncated stack, a thread that changed its name and one that was never sampled. Every list is
 * added in the order of a permutation, so that tests can show that the order does not matter.
 */

enum { FIXTURE_STACKS = 7 };

struct fixture {
	struct builder *b;
	struct random random;
	module_id program, libc, libc_again, plugin, kernel;
	thread_id renamed_before, renamed_after, worker;
};

static inline void fixture_shuffle(struct random *r, unsigned *order, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	for (unsigned i = count; r->state && i > 1; i--) {
		unsigned j = (unsigned)random_between(r, 0, i - 1), swap = order[i - 1];
		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static inline void fixture_module(struct fixture *f, unsigned which)
{
	static const uint8_t libc_id[] = { 0xab, 0xcd, 0x01 }, program_id[] = { 0x11, 0x22 };
	static const uint8_t plugin_id[] = { 0xff };
	switch (which) {
	case 0:
		f->program =
			builder_add_module(f->b, &(struct builder_module){ .path = "/usr/bin/work",
									   .build_id = program_id,
									   .build_id_size = 2,
									   .is_main = true });
		builder_set_file_offset(f->b, f->program, 0x401000, 0x1000);
		break;
	case 1:
		f->libc =
			builder_add_module(f->b, &(struct builder_module){ .path = "/lib/libc.so.6",
									   .build_id = libc_id,
									   .build_id_size = 3 });
		break;
	case 2: /* the same file in a container; its build-id and its segments come late */
		f->libc_again = builder_add_module(
			f->b, &(struct builder_module){ .path = "/docker/7/lib/libc.so.6",
							.deleted = true });
		builder_set_build_id(f->b, f->libc_again, libc_id, 3);
		builder_set_file_offset(f->b, f->libc_again, 0x28000, 0x27000);
		break;
	case 3:
		f->plugin = builder_add_module(f->b,
					       &(struct builder_module){ .path = "/opt/plug;in.so",
									 .build_id = plugin_id,
									 .build_id_size = 1,
									 .deleted = true });
		break;
	case 4:
		f->kernel = builder_add_module(
			f->b, &(struct builder_module){ .path = "[kernel.kallsyms]" });
		break;
	default: /* never sampled */
		builder_add_module(f->b, &(struct builder_module){ .path = "/lib/unused.so" });
	}
}

static inline void fixture_thread(struct fixture *f, unsigned which)
{
	switch (which) {
	case 0: f->renamed_before = builder_thread(f->b, 100, 100, "bash"); break;
	case 1: f->renamed_after = builder_thread(f->b, 100, 100, "work"); break;
	default: f->worker = builder_thread(f->b, 100, 101, "worker"); break;
	}
}

static inline frame_id fixture_main_frame(struct fixture *f)
{
	frame_id frame = builder_frame(f->b, f->program, 0x401010, FRAME_USER, NULL);
	struct builder_line line = { "main", "main", "/src/work.c", 12, 10 };
	assert_int_equal(builder_name_frame(f->b, frame, &line, 1), 0);
	return frame;
}

static inline frame_id fixture_inline_frame(struct fixture *f)
{
	frame_id frame = builder_frame(f->b, f->program, 0x401234, FRAME_USER, NULL);
	struct builder_line lines[] = {
		{ "swap<int>(int&, int&)", "_Z4swapIiEvRT_S1_", "/src/swap.h", 3, 2 },
		{ "sort(int*, int)", "_Z4sortPii", "/src/sort.cc", 44, 40 },
	};
	assert_int_equal(builder_name_frame(f->b, frame, lines, 2), 0);
	return frame;
}

static inline frame_id fixture_libc_frame(struct fixture *f, bool again)
{
	module_id m = again ? f->libc_again : f->libc;
	frame_id frame = builder_frame(f->b, m, 0x29d90, FRAME_USER, NULL);
	struct builder_line line = { "memcpy", "memcpy", "", 0, 0 };
	if (!again)
		assert_int_equal(builder_name_frame(f->b, frame, &line, 1), 0);
	return frame;
}

static inline frame_id fixture_kernel_frame(struct fixture *f)
{
	return builder_frame(f->b, f->kernel, UINT64_C(0xffffffff81000123), FRAME_KERNEL, NULL);
}

static inline stack_id fixture_stack(struct fixture *f, unsigned which)
{
	static const module_id none;
	stack_id root = { 0 };
	if (which == 6) {
		frame_id cut = builder_frame(f->b, none, 0, FRAME_TRUNCATED, NULL);
		stack_id s = builder_stack(f->b, root, cut);
		return builder_stack(f->b, s, fixture_inline_frame(f));
	}
	stack_id main = builder_stack(f->b, root, fixture_main_frame(f));
	switch (which) {
	case 0: return builder_stack(f->b, main, fixture_inline_frame(f));
	case 1: return builder_stack(f->b, main, fixture_libc_frame(f, false));
	case 2: return builder_stack(f->b, main, fixture_libc_frame(f, true));
	case 3:
	case 4: { /* two addresses in one function that has no name */
		frame_id frame = builder_frame(f->b, f->plugin, which == 3 ? 0x1234 : 0x1250,
					       FRAME_USER, NULL);
		builder_frame_function_start(f->b, frame, 0x1230);
		return builder_stack(f->b, main, frame);
	}
	default: {
		stack_id jit = builder_stack(
			f->b, main, builder_frame(f->b, none, 0x7f0000001000, FRAME_JIT, NULL));
		return builder_stack(f->b, jit, fixture_kernel_frame(f));
	}
	}
}

/*
 * Sample counts: 1, 2, 3, ... by stack; stacks 0 to 2 on the thread that is renamed. Samples of stack n
 * are taken n, 10 + n, 20 + n, ... ms after the start.
 */
static inline void fixture_sample(struct fixture *f, unsigned which, unsigned i)
{
	stack_id stack = fixture_stack(f, which);
	const char *truncated = which == 6 ? "read-failed" : "";
	thread_id t = which > 2 ? f->worker : i ? f->renamed_after : f->renamed_before;
	uint64_t time_ns = (10 * (uint64_t)i + which) * 1000000;
	assert_int_equal(builder_sample(f->b, time_ns, t, stack, truncated), 0);
}

static inline void fixture_samples(struct fixture *f, unsigned which)
{
	for (unsigned i = 0; i <= which; i++)
		fixture_sample(f, which, i);
}

static inline void fixture_meta(struct fixture *f)
{
	struct profile_meta *m = builder_meta(f->b);
	m->command = builder_intern(f->b, "work --fast");
	m->backend = builder_intern(f->b, "perf");
	m->unwind = builder_intern(f->b, "auto");
	m->event = builder_intern(f->b, "cpu");
	m->host = builder_intern(f->b, "box");
	m->kernel = builder_intern(f->b, "6.1.0");
	m->cpus = 2;
	m->rate_hz = 999;
	m->start_unix_ns = UINT64_C(1700000000123456789);
	m->duration_ns = 2500000000;
	m->lost_samples = 5;
	m->throttled = 6;
	m->fixed_period_samples = 7;
	m->profiler_cpu_ns = 8;
	m->profiler_kernel_ns = 10;
	m->profiler_written_bytes = 11;
	m->wanted_rate_hz = 1999;
	m->unsampled_kernel_ns = 9;
	m->kernel_sampled = true;
	assert_int_equal(builder_note(f->b, "2 children outlived CMD"), 0);
	assert_int_equal(builder_target_pid(f->b, 100), 0);
	assert_int_equal(builder_reason(f->b, "no-rule", "no unwind rule"), 0);
	assert_int_equal(builder_reason(f->b, "read-failed", "stack memory could not be read"), 0);
}

/** @param seed 0: in order, else a random order. The caller destroys the builder. */
static inline struct builder *fixture_build(uint64_t seed)
{
	struct fixture f = { .random = { seed } };
	unsigned order[FIXTURE_STACKS];
	assert_int_equal(builder_create(&f.b, NULL), 0);
	fixture_meta(&f);
	fixture_shuffle(&f.random, order, 6);
	for (unsigned i = 0; i < 6; i++)
		fixture_module(&f, order[i]);
	fixture_shuffle(&f.random, order, 3);
	for (unsigned i = 0; i < 3; i++)
		fixture_thread(&f, order[i]);
	fixture_shuffle(&f.random, order, FIXTURE_STACKS);
	for (unsigned i = 0; i < FIXTURE_STACKS; i++)
		fixture_samples(&f, order[i]);
	assert_int_equal(builder_thread_cpu(f.b, 100, 101, 22000001), 0);
	assert_int_equal(builder_thread_cpu(f.b, 100, 100, 4000000), 0);
	assert_int_equal(builder_thread_cpu(f.b, 100, 100, 2000001), 0);
	assert_int_equal(builder_thread_cpu(f.b, 100, 102, 77), 0);
	return f.b;
}

static inline struct profile *fixture_profile(uint64_t seed)
{
	struct builder *b = fixture_build(seed);
	struct profile *p = NULL;
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	builder_destroy(b);
	return p;
}

/** @return the capture's message, not gzipped; the caller deinits */
static inline struct strbuf fixture_message(const struct profile *p)
{
	struct strbuf packed = { 0 }, plain = { 0 };
	assert_int_equal(pprof_write(p, &packed, NULL), 0);
	assert_int_equal(gzip_decompress(packed.text, packed.length, SIZE_MAX, &plain, NULL), 0);
	strbuf_deinit(&packed);
	return plain;
}

#endif
