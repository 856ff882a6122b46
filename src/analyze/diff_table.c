// SPDX-License-Identifier: MIT
#include "analyze/diff_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/identity.h"

enum {
	LIVE_BLOCKS = 12,        /* of a live process: enough degrees of freedom, long blocks */
	LIVE_BLOCK_SAMPLES = 10, /* on average; else the whole is one unit */
	UNITS_MAX = 4096,
	CELLS_MAX = 1 << 26,
};

/* One capture on its way into the table. */
struct source {
	const struct profile *profile;
	enum diff_side side;
	size_t first_unit, unit_count;
	bool by_block;
	struct identities ids;
	uint32_t *row_of; /* by identity: row + 1, made when met */
};

enum diff_kind diff_kind_of(const struct profile *p)
{
	const char *command = profile_string(p, p->meta.command);
	if (p->meta.foreign || !*command)
		return DIFF_KIND_UNKNOWN;
	return strncmp(command, "attach ", 7) ? DIFF_KIND_RUN : DIFF_KIND_LIVE;
}

static double seconds_of(uint64_t ns)
{
	return (double)ns / 1e9;
}

static void plan_units(struct source *s)
{
	const struct profile_meta *m = &s->profile->meta;
	bool is_live = diff_kind_of(s->profile) == DIFF_KIND_LIVE;
	uint64_t samples = profile_total_count(s->profile);
	s->by_block = is_live && m->duration_ns && s->profile->time_count &&
		      samples >= LIVE_BLOCKS * LIVE_BLOCK_SAMPLES &&
		      s->profile->time_cell_ns < m->duration_ns / LIVE_BLOCKS;
	s->unit_count = s->by_block ? LIVE_BLOCKS : m->run_count > 1 ? m->run_count : 1;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

static uint32_t add_row(struct diff_table *t, struct diff_row row, uint64_t hash)
{
	size_t cells = 2 * t->unit_count;
	if (t->cells.count + cells > CELLS_MAX || !vec_reserve(&t->cells, t->cells.count + cells))
		return 0;
	for (size_t i = 0; i < cells; i++)
		t->cells.at[t->cells.count++] = 0;
	if (!vec_push(&t->rows, row))
		return 0;
	uint32_t number = (uint32_t)t->rows.count;
	return index_add(&t->index, hash, number) ? number : 0;
}

static uint32_t find_row(struct diff_table *t, const struct source *s, const struct identity *id)
{
	const struct profile *p = s->profile;
	struct diff_row row = {
		.name = strings_intern(&t->strings, profile_string(p, id->name)),
		.module = strings_intern(&t->strings, last_name(profile_string(p, id->module))),
		.file = strings_intern(&t->strings, profile_string(p, id->file)),
		.unnamed = id->unnamed,
		.excess = { 1, 1 },
	};
	row.base_name = row.name;
	uint64_t hash = hash_u64((uint64_t)row.name.v << 32 | row.module.v);
	uint32_t found;
	for (struct index_probe probe = index_find(&t->index, hash);
	     (found = index_next(&t->index, &probe));) {
		const struct diff_row *r = &t->rows.at[found - 1];
		if (r->name.v == row.name.v && r->module.v == row.module.v)
			return found;
	}
	const struct profile_frame *f = &p->frames[id->frame.v];
	for (uint32_t k = 0; k < f->line_count; k++) {
		const struct profile_function *function =
			&p->functions[p->lines[f->first_line + k].function.v];
		if (function->name.v == id->name.v)
			row.start_line = function->start_line;
	}
	return add_row(t, row, hash);
}

/* @return row + 1, or 0 without memory */
static uint32_t row_of_identity(struct diff_table *t, struct source *s, uint32_t id)
{
	if (!s->row_of[id])
		s->row_of[id] = find_row(t, s, &s->ids.at[id]);
	return s->row_of[id];
}

/* Adds samples of one stack to a unit. @return false without memory */
static bool add_samples(struct diff_table *t, struct source *s, size_t unit,
			const struct profile_sample *sample, double count)
{
	const struct profile *p = s->profile;
	struct diff_unit *u = &t->units[s->first_unit + unit];
	double share = sample->count ? count / (double)sample->count : 0;
	double cpu_s = share * seconds_of(sample->cpu_ns);
	u->samples += count;
	u->sampled_s += cpu_s;
	frame_id frame = p->stack_frame[sample->stack.v];
	if (!sample->stack.v || p->frames[frame.v].kind == FRAME_TRUNCATED)
		return true;
	uint32_t row = row_of_identity(t, s, identity_of(&s->ids, frame, 0));
	if (!row)
		return false;
	double *cell = diff_cell(t, row - 1, s->first_unit + unit);
	cell[0] += count;
	cell[1] += cpu_s;
	t->rows.at[row - 1].samples[s->side] += count;
	return true;
}

/* A run that was cut short is no run: it has no CPU time of its own (meta.run_cpu_ns). */
static bool add_by_run(struct diff_table *t, struct source *s)
{
	const struct profile *p = s->profile;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *sample = &p->samples[i];
		uint32_t run = p->threads[sample->thread.v].run;
		size_t unit = s->unit_count > 1 && run ? run - 1 : 0;
		if (unit < s->unit_count && sample->count &&
		    !add_samples(t, s, unit, sample, (double)sample->count))
			return false;
	}
	return true;
}

static bool add_by_block(struct diff_table *t, struct source *s)
{
	const struct profile *p = s->profile;
	double duration = (double)p->meta.duration_ns;
	for (size_t i = 0; i < p->time_count; i++) {
		const struct profile_time *at = &p->times[i];
		size_t unit = (size_t)((double)at->time_ns / duration * (double)s->unit_count);
		unit = unit < s->unit_count ? unit : s->unit_count - 1;
		if (!add_samples(t, s, unit, &p->samples[at->sample], at->count))
			return false;
	}
	return true;
}

static void set_unit_times(struct diff_table *t, const struct source *s)
{
	const struct profile_meta *m = &s->profile->meta;
	bool is_whole = !m->selection.v;
	for (size_t i = 0; i < s->unit_count; i++) {
		struct diff_unit *u = &t->units[s->first_unit + i];
		u->wall_s = seconds_of(m->duration_ns) / (double)s->unit_count;
		u->cpu_s = u->sampled_s;
		if (is_whole && m->run_count == s->unit_count && s->unit_count > 1)
			u->cpu_s = seconds_of(m->run_cpu_ns[i]);
		else if (is_whole)
			u->cpu_s += seconds_of(m->unsampled_cpu_ns) / (double)s->unit_count;
	}
}

static int add_source(struct diff_table *t, struct source *s, struct error *err)
{
	int r = identities_init(&s->ids, s->profile, false, err);
	if (r < 0)
		return r;
	s->row_of = calloc(s->ids.count + 1, sizeof(*s->row_of));
	bool ok = s->row_of && (s->by_block ? add_by_block(t, s) : add_by_run(t, s));
	set_unit_times(t, s);
	free(s->row_of);
	identities_deinit(&s->ids);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

static enum diff_kind kind_of_side(const struct source *sources, size_t count)
{
	enum diff_kind kind = diff_kind_of(sources[0].profile);
	for (size_t i = 1; i < count; i++)
		if (diff_kind_of(sources[i].profile) != kind)
			return DIFF_KIND_UNKNOWN;
	return kind;
}

static int add_sources(struct diff_table *t, struct source *sources, const size_t counts[SIDES],
		       struct error *err)
{
	size_t n = 0;
	int r = 0;
	for (int side = 0; side < SIDES; side++) {
		t->first[side] = t->unit_count;
		for (size_t i = 0; i < counts[side]; i++, n++) {
			sources[n].side = (enum diff_side)side;
			sources[n].first_unit = t->unit_count;
			plan_units(&sources[n]);
			t->unit_count += sources[n].unit_count;
		}
		t->kind[side] = kind_of_side(&sources[n - counts[side]], counts[side]);
	}
	t->first[SIDES] = t->unit_count;
	if (t->unit_count > UNITS_MAX)
		return fail(err, -E2BIG, "more than %d runs to compare", UNITS_MAX);
	t->units = calloc(t->unit_count, sizeof(*t->units));
	if (!t->units)
		return fail(err, -ENOMEM, "out of memory");
	for (size_t i = 0; r == 0 && i < n; i++) {
		for (size_t u = 0; u < sources[i].unit_count; u++)
			t->units[sources[i].first_unit + u].side = sources[i].side;
		r = add_source(t, &sources[i], err);
	}
	return r;
}

int diff_table_init(struct diff_table *t, const struct profile *const *const profiles[SIDES],
		    const size_t counts[SIDES], struct error *err)
{
	*t = (struct diff_table){ 0 };
	struct source *sources = calloc(counts[SIDE_BASE] + counts[SIDE_NEW], sizeof(*sources));
	int r = sources && strings_init(&t->strings) == 0 ? 0 : fail(err, -ENOMEM, "out of memory");
	for (size_t side = 0, n = 0; r == 0 && side < SIDES; side++)
		for (size_t i = 0; i < counts[side]; i++)
			sources[n++].profile = profiles[side][i];
	if (r == 0)
		r = add_sources(t, sources, counts, err);
	free(sources);
	if (r < 0)
		diff_table_deinit(t);
	return r;
}

void diff_table_deinit(struct diff_table *t)
{
	strings_deinit(&t->strings);
	index_deinit(&t->index);
	vec_free(&t->rows);
	vec_free(&t->cells);
	free(t->units);
	*t = (struct diff_table){ 0 };
}
