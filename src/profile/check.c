// SPDX-License-Identifier: MIT
#include "profile/profile.h"

#include <errno.h>
#include <stdlib.h>

#include "profile/facts.h"

/* The first row of a table that is wrong, in words. */
struct finding {
	const char *table, *what;
	size_t row;
};

static bool wrong(struct finding *out, const char *table, size_t row, const char *what)
{
	*out = (struct finding){ table, what, row };
	return false;
}

static bool has_string(const struct profile *p, string_id id)
{
	return id.v < p->strings.count;
}

static bool check_modules(const struct profile *p, struct finding *out)
{
	for (size_t i = 0; i < p->module_count; i++) {
		const struct profile_module *m = &p->modules[i];
		if (!has_string(p, m->path) || !has_string(p, m->build_id))
			return wrong(out, "modules", i, "has a string that is not there");
		if (m->start_vaddr > m->limit_vaddr)
			return wrong(out, "modules", i, "ends before it begins");
	}
	return true;
}

static bool check_functions(const struct profile *p, struct finding *out)
{
	for (size_t i = 0; i < p->function_count; i++) {
		const struct profile_function *f = &p->functions[i];
		if (!has_string(p, f->name) || !has_string(p, f->system_name) ||
		    !has_string(p, f->file))
			return wrong(out, "functions", i, "has a string that is not there");
		if (i && !f->name.v)
			return wrong(out, "functions", i, "has no name");
	}
	for (size_t i = 0; i < p->line_count; i++)
		if (!p->lines[i].function.v || p->lines[i].function.v >= p->function_count)
			return wrong(out, "lines", i, "has a function that is not there");
	return true;
}

static bool check_frames(const struct profile *p, struct finding *out)
{
	for (size_t i = 1; i < p->frame_count; i++) {
		const struct profile_frame *f = &p->frames[i];
		if (f->module.v >= p->module_count)
			return wrong(out, "frames", i, "has a module that is not there");
		if (f->first_line > p->line_count ||
		    f->line_count > p->line_count - f->first_line || !f->line_count)
			return wrong(out, "frames", i, "has no lines, or lines that are not there");
		if ((unsigned)f->kind > FRAME_TRUNCATED)
			return wrong(out, "frames", i, "has an unknown kind");
	}
	return true;
}

static bool check_stacks(const struct profile *p, struct finding *out)
{
	for (size_t i = 1; i < p->stack_count; i++) {
		if (p->stack_parent[i].v >= i)
			return wrong(out, "stacks", i, "comes before its parent");
		if (!p->stack_frame[i].v || p->stack_frame[i].v >= p->frame_count)
			return wrong(out, "stacks", i, "has a frame that is not there");
	}
	return true;
}

static bool check_samples(const struct profile *p, struct finding *out)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (!has_string(p, p->threads[i].comm))
			return wrong(out, "threads", i, "has a string that is not there");
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *s = &p->samples[i];
		if (s->stack.v >= p->stack_count || s->thread.v >= p->thread_count)
			return wrong(out, "samples", i, "has a stack or thread that is not there");
		if (!has_string(p, s->truncated))
			return wrong(out, "samples", i, "has a string that is not there");
	}
	return true;
}

static bool check_time(const struct profile *p, size_t row, uint64_t *seen, struct finding *out)
{
	const struct profile_time *t = &p->times[row];
	if (t->sample >= p->sample_count)
		return wrong(out, "times", row, "has a sample that is not there");
	if (row && (t->time_ns < t[-1].time_ns ||
		    (t->time_ns == t[-1].time_ns && t->sample < t[-1].sample)))
		return wrong(out, "times", row, "is out of order");
	if (p->time_cell_ns && t->time_ns % p->time_cell_ns)
		return wrong(out, "times", row, "does not begin a cell");
	seen[t->sample] += t->count;
	if (!t->count || seen[t->sample] > p->samples[t->sample].count)
		return wrong(out, "times", row, "counts more samples than there are, or none");
	return true;
}

static bool check_times(const struct profile *p, struct finding *out)
{
	uint64_t *seen = calloc(p->sample_count + 1, sizeof(*seen));
	if (!seen)
		return wrong(out, "times", 0, "cannot be checked: out of memory");
	bool ok = true;
	for (size_t i = 0; ok && i < p->time_count; i++)
		ok = check_time(p, i, seen, out);
	free(seen);
	return ok;
}

static bool check_meta(const struct profile *p, struct finding *out)
{
	struct profile_meta copy = p->meta, *m = &copy;
	for (unsigned i = 0; i < FACT_TEXTS; i++)
		if (!has_string(p, *profile_fact_text(m, i)))
			return wrong(out, "facts", i, "has a string that is not there");
	for (size_t i = 0; i < m->note_count; i++)
		if (!has_string(p, m->notes[i]))
			return wrong(out, "notes", i, "has a string that is not there");
	for (size_t i = 0; i < m->reason_count; i++)
		if (!has_string(p, m->reasons[i].id) || !has_string(p, m->reasons[i].sentence))
			return wrong(out, "reasons", i, "has a string that is not there");
	return true;
}

int profile_check(const struct profile *p, struct error *err)
{
	struct finding f;
	if (!p->module_count || !p->function_count || !p->frame_count || !p->stack_count ||
	    !p->thread_count)
		return fail(err, -EBADMSG, "a table has no row 0");
	if (check_modules(p, &f) && check_functions(p, &f) && check_frames(p, &f) &&
	    check_stacks(p, &f) && check_samples(p, &f) && check_times(p, &f) && check_meta(p, &f))
		return 0;
	return fail(err, -EBADMSG, "row %zu of %s %s", f.row, f.table, f.what);
}
