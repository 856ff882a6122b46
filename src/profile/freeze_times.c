// SPDX-License-Identifier: MIT
#include "profile/freeze.h"

#include <stdlib.h>

static int compare_times(const void *x, const void *y)
{
	const struct profile_time *a = x, *b = y;
	int r = compare_u64(a->time_ns, b->time_ns);
	return r ? r : compare_u64(a->sample, b->sample);
}

/* Samples mostly arrive in the order of time; only those of one moment are sorted then. */
static void sort_times(struct profile_time *times, size_t count)
{
	size_t run = 0;
	for (size_t i = 1; i < count; i++) {
		if (times[i].time_ns < times[i - 1].time_ns) {
			qsort(times, count, sizeof(*times), compare_times);
			return;
		}
	}
	for (size_t i = 1; i <= count; i++) {
		if (i < count && times[i].time_ns == times[run].time_ns)
			continue;
		if (i - run > 1)
			qsort(times + run, i - run, sizeof(*times), compare_times);
		run = i;
	}
}

/* Adds up equal rows of one moment. @return how many are left */
static size_t merge_times(struct profile_time *times, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		struct profile_time *last = kept ? &times[kept - 1] : NULL;
		if (last && !compare_times(last, &times[i]) &&
		    times[i].count <= UINT32_MAX - last->count)
			last->count += times[i].count;
		else
			times[kept++] = times[i];
	}
	return kept;
}

static size_t capture_bytes(const struct freeze *f)
{
	uint64_t unit_ns = f->time_cell_ns ? f->time_cell_ns : 1, last = 0;
	size_t bytes = 0, count_bytes = 0;
	bool counted = false;
	for (size_t i = 0; i < f->time_count; i++) {
		const struct profile_time *t = &f->times[i];
		bytes += time_entry_bytes((t->time_ns - last) / unit_ns, t->sample);
		count_bytes += varint_bytes(t->count);
		counted |= t->count != 1;
		last = t->time_ns;
	}
	return counted ? bytes + count_bytes : bytes;
}

/* Numbers of rows are others than the builder's, and may take more bytes. */
static void fit_budget(struct freeze *f)
{
	while (capture_bytes(f) > f->b->times.budget_bytes) {
		f->time_cell_ns = time_cell_after(f->time_cell_ns);
		if (!f->time_cell_ns) {
			f->time_count = 0;
			return;
		}
		for (size_t i = 0; i < f->time_count; i++)
			f->times[i].time_ns -= f->times[i].time_ns % f->time_cell_ns;
		sort_times(f->times, f->time_count);
		f->time_count = merge_times(f->times, f->time_count);
	}
}

bool freeze_times(struct freeze *f)
{
	const struct time_log *log = &f->b->times;
	struct time_log_reader r = time_log_read(log);
	struct profile_time t;
	f->times = malloc((log->count ? log->count : 1) * sizeof(*f->times));
	if (!f->times)
		return false;
	f->time_cell_ns = log->cell_ns;
	while (f->time_count < log->count && time_log_next(&r, &t)) {
		t.sample = f->sample_of[t.sample];
		f->times[f->time_count++] = t;
	}
	sort_times(f->times, f->time_count);
	f->time_count = merge_times(f->times, f->time_count);
	fit_budget(f);
	return true;
}
