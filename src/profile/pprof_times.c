// SPDX-License-Identifier: MIT
#include "profile/pprof_read.h"

#include "profile/pprof_fields.h"
#include "profile/protobuf.h"

struct times { /* columns; all have one number a row */
	uint64_t samples, cell_ns;
	struct cursor step, sample, count;
	bool counted;
};

static bool is_cell(uint64_t cell_ns)
{
	uint64_t known_ns = PROFILE_TIME_CELL_NS;
	while (known_ns < cell_ns && known_ns <= UINT64_MAX / 2)
		known_ns *= 2;
	return !cell_ns || known_ns == cell_ns;
}

static int read_columns(struct pprof_reader *r, struct cursor c, struct times *out)
{
	const uint8_t *begin = c.begin;
	struct protobuf_field f;
	*out = (struct times){ 0 };
	while (protobuf_next(&c, &f)) {
		switch (f.number) {
		case TIMES_SAMPLES: out->samples = f.value; break;
		case TIMES_CELL_NS: out->cell_ns = f.value; break;
		case TIMES_STEP: out->step = f.bytes; break;
		case TIMES_SAMPLE: out->sample = f.bytes; break;
		case TIMES_COUNT:
			out->count = f.bytes;
			out->counted = true;
			break;
		default: break;
		}
	}
	if (c.bad || !is_cell(out->cell_ns))
		return pprof_damaged(r, c.bad ? c.bad : begin, "the times of samples are damaged");
	return 0;
}

static int read_row(struct pprof_reader *r, struct times *t)
{
	const uint8_t *begin = t->step.at;
	uint64_t step = cursor_uleb(&t->step), row = cursor_uleb(&t->sample) - r->row_base;
	uint64_t count = t->counted ? cursor_uleb(&t->count) : 1;
	bool bad = t->step.bad || t->sample.bad || t->count.bad || row >= r->rows.count;
	if (__builtin_mul_overflow(step, t->cell_ns ? t->cell_ns : 1, &step) ||
	    __builtin_add_overflow(r->time_ns, step, &r->time_ns))
		bad = true;
	if (bad || !count || count > UINT32_MAX || count > r->rows.at[row].untimed)
		return pprof_damaged(r, begin, "the time of a sample is damaged");
	r->rows.at[row].untimed -= count;
	int status = pprof_count_part(r);
	if (!status && builder_add_time(r->b, r->rows.at[row].row, r->time_ns, (uint32_t)count) < 0)
		status = pprof_no_memory(r);
	return status;
}

static int read_rows(struct pprof_reader *r, struct times *t)
{
	if (builder_set_time_cell(r->b, t->cell_ns) < 0)
		return pprof_no_memory(r);
	int status = 0;
	while (!status && cursor_left(&t->step))
		status = read_row(r, t);
	if (!status && (cursor_left(&t->sample) || cursor_left(&t->count)))
		status = pprof_damaged(r, t->sample.at, "there are samples without their time");
	return status;
}

int pprof_times_read(struct pprof_reader *r)
{
	struct times t = { 0 };
	int status = 0;
	for (size_t i = 0; !status && i < r->times.count; i++)
		status = read_columns(r, r->times.at[i], &t);
	if (t.samples != r->row_base + r->rows.count) /* what the last part says counts */
		return status;
	for (size_t i = 0; !status && i < r->times.count; i++) {
		status = read_columns(r, r->times.at[i], &t);
		if (!status)
			status = read_rows(r, &t);
	}
	return status;
}
