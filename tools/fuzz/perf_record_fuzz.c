// SPDX-License-Identifier: MIT
/*
 * Decodes one record of a perf ring. What is accepted must lie inside the bytes, and the quick look
 * (perf_decode_meta) must agree with the whole one.
 */
#include <stdlib.h>
#include <string.h>

#include "sampler/perf_attr.h"
#include "sampler/perf_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool inside(const void *at, size_t length, const uint8_t *bytes, size_t size_bytes)
{
	const uint8_t *p = at;
	return p >= bytes && p <= bytes + size_bytes && length <= (size_t)(bytes + size_bytes - p);
}

static void check_sample(const struct record_sample *s, const uint8_t *bytes, size_t size_bytes)
{
	require(!s->kernel_pc_count ||
		inside(s->kernel_pcs, s->kernel_pc_count * sizeof(uint64_t), bytes, size_bytes));
	require(!s->user_pc_count ||
		inside(s->user_pcs, s->user_pc_count * sizeof(uint64_t), bytes, size_bytes));
	require(!s->stack || inside(s->stack, s->stack_size_bytes, bytes, size_bytes));
}

static void check_text(const char *text, const uint8_t *bytes, size_t size_bytes)
{
	require(inside(text, strlen(text) + 1, bytes, size_bytes));
}

/* Ours without and with the kernel, and all that a file may hold. */
enum { LAYOUTS = 3 };

static struct perf_layout layout_of(unsigned which)
{
	const struct perf_shape shape = { .features = { .kernel = which > 0 }, .stack_bytes = 64 };
	struct perf_event_attr attr;
	struct perf_layout layout;
	perf_attr_sampling(&shape, 1, false, &attr);
	if (which == 2) {
		attr.sample_type = PERF_SAMPLE_WEIGHT * 2 - 1;
		attr.read_format = PERF_FORMAT_MAX - 1;
		attr.branch_sample_type = PERF_SAMPLE_BRANCH_HW_INDEX;
		attr.sample_regs_user = UINT64_MAX;
	}
	perf_layout_of(&attr, &layout);
	return layout;
}

static void check_record(const struct perf_layout *layout, const uint8_t *bytes, size_t size_bytes)
{
	struct record r;
	struct perf_meta meta;
	size_t part = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
	bool known = perf_decode_meta(layout, bytes, bytes + size_bytes - part, size_bytes, &meta);
	bool decoded = perf_decode(layout, bytes, size_bytes, NULL, &r);
	require(!decoded || known);
	require(decoded || r.kind == RECORD_NONE);
	require(!decoded || r.time_ns == meta.time_ns);
	if (r.kind == RECORD_SAMPLE)
		check_sample(&r.sample, bytes, size_bytes);
	if (r.kind == RECORD_MMAP) {
		require(r.mmap.end >= r.mmap.start && r.mmap.build_id_size <= BUILD_ID_MAX);
		check_text(r.mmap.path, bytes, size_bytes);
	}
	if (r.kind == RECORD_COMM)
		check_text(r.comm.comm, bytes, size_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	for (unsigned i = 0; i < LAYOUTS; i++) {
		struct perf_layout layout = layout_of(i);
		check_record(&layout, bytes, size_bytes);
	}
	return 0;
}
