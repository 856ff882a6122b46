// SPDX-License-Identifier: MIT
#include "profile/profile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void profile_destroy(struct profile *p)
{
	if (!p)
		return;
	free(p->meta.pids);
	free(p->meta.inner_pids);
	free(p->meta.run_cpu_ns);
	free(p->meta.notes);
	free(p->meta.reasons);
	free(p->modules);
	free(p->functions);
	free(p->lines);
	free(p->frames);
	free(p->stack_parent);
	free(p->stack_frame);
	free(p->threads);
	free(p->samples);
	free(p->times);
	for (size_t i = 0; i < p->source_count; i++) {
		free(p->sources[i].file);
		free(p->sources[i].text);
	}
	free(p->sources);
	strings_deinit(&p->strings);
	free(p);
}

bool profile_name_is_place(const char *name)
{
	if (!name || *name != '[')
		return false;
	if (!strcmp(name, "[anon]") || !strcmp(name, "[unknown]"))
		return true;
	const char *plus = strrchr(name, '+');
	if (!plus || plus[1] != '0' || plus[2] != 'x')
		return false;
	size_t digits = strspn(plus + 3, "0123456789abcdef");
	return digits > 0 && !strcmp(plus + 3 + digits, "]");
}

/* @return the first row that is not before `time_ns` */
static size_t times_from(const struct profile *p, uint64_t time_ns)
{
	size_t low = 0, high = p->time_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (p->times[middle].time_ns < time_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct profile_span profile_times_between(const struct profile *p, uint64_t begin_ns,
					  uint64_t end_ns)
{
	struct profile_span span = { times_from(p, begin_ns), times_from(p, end_ns) };
	if (span.limit < span.first)
		span.limit = span.first;
	return span;
}

uint64_t profile_total_count(const struct profile *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->sample_count; i++)
		sum += p->samples[i].count;
	return sum;
}

uint64_t profile_truncated_count(const struct profile *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->sample_count; i++)
		if (p->samples[i].truncated.v)
			sum += p->samples[i].count;
	return sum;
}

uint64_t profile_total_cpu_ns(const struct profile *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->sample_count; i++)
		sum += p->samples[i].cpu_ns;
	return sum;
}
