// SPDX-License-Identifier: MIT
#include "profile/pprof_values.h"

#include <string.h>

uint64_t pprof_time_unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "nanoseconds", 1 },        { "nanosecond", 1 },        { "ns", 1 },
		{ "microseconds", 1000 },    { "microsecond", 1000 },    { "us", 1000 },
		{ "milliseconds", 1000000 }, { "millisecond", 1000000 }, { "ms", 1000000 },
		{ "seconds", 1000000000 },   { "second", 1000000000 },   { "s", 1000000000 },
	};
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(unit, units[i].name))
			return units[i].ns;
	return 0;
}

/* How well a type serves as our count or time; 0: not at all. The default and later types win ties.
 */
static int rank_count(const struct pprof_value_type *t)
{
	if (strcmp(t->unit, "count") != 0)
		return 0;
	return !strcmp(t->type, "samples") || !strcmp(t->type, "sample") ? 2 : 1;
}

static int rank_time(const struct pprof_value_type *t)
{
	if (!pprof_time_unit_ns(t->unit))
		return 0;
	return !strcmp(t->type, "cpu") ? 2 : 1;
}

static bool choose(const struct pprof_value_type *types, size_t count, const char *default_type,
		   int (*rank)(const struct pprof_value_type *), size_t *out)
{
	int best = 0;
	for (size_t i = 0; i < count; i++) {
		int r = 2 * rank(&types[i]);
		if (r && !strcmp(types[i].type, default_type))
			r++;
		if (r && r >= best) {
			best = r;
			*out = i;
		}
	}
	return best > 0;
}

/* No type is a count or a time: the default type's numbers are all there is. */
static size_t any_type(const struct pprof_value_type *types, size_t count, const char *default_type)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(types[i].type, default_type))
			return i;
	return count - 1;
}

struct pprof_choice pprof_choose(const struct pprof_value_type *types, size_t count,
				 const char *default_type, struct pprof_value_type period_type,
				 uint64_t period)
{
	struct pprof_choice c = { 0 };
	c.has_count = choose(types, count, default_type, rank_count, &c.count_index);
	c.has_time = choose(types, count, default_type, rank_time, &c.time_index);
	if (c.has_time)
		c.time_unit_ns = pprof_time_unit_ns(types[c.time_index].unit);
	if (__builtin_mul_overflow(period, pprof_time_unit_ns(period_type.unit), &c.period_ns))
		c.period_ns = 0;
	if (count && !c.has_count && (!c.has_time || !c.period_ns)) {
		c.has_count = true;
		c.count_index = any_type(types, count, default_type);
	}
	return c;
}

bool pprof_choice_apply(const struct pprof_choice *c, const int64_t *values, uint64_t *out_count,
			uint64_t *out_cpu_ns)
{
	int64_t number = c->has_count ? values[c->count_index] : 0;
	int64_t time = c->has_time ? values[c->time_index] : 0;
	if (number < 0 || time < 0)
		return false;
	*out_count = (uint64_t)number;
	if (__builtin_mul_overflow((uint64_t)time, c->time_unit_ns, out_cpu_ns))
		*out_cpu_ns = UINT64_MAX;
	if (!c->has_count && *out_cpu_ns) {
		uint64_t whole = *out_cpu_ns / c->period_ns;
		whole += *out_cpu_ns % c->period_ns >= c->period_ns - c->period_ns / 2;
		*out_count = whole ? whole : 1;
	}
	return true;
}
