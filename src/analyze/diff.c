// SPDX-License-Identifier: MIT
#include "analyze/diff.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/quantile.h"

/* The normal distribution's quantile of 0.8: what is visible is seen in four of five. */
static const double power_z = 0.8416;

struct judge {
	struct diff *diff;
	struct certainty certainty;
	double *values; /* scratch, by unit */
};

static double cost_of(const struct judge *j, size_t row, size_t unit)
{
	const struct diff_table *t = &j->diff->table;
	const double *cell = diff_cell(t, row, unit);
	if (j->diff->by == DIFF_BY_RATE)
		return cell[1] / t->units[unit].wall_s;
	return cell[1];
}

static double unit_total(const struct diff *d, size_t unit)
{
	const struct diff_unit *u = &d->table.units[unit];
	if (d->total_is_samples)
		return u->samples;
	return d->by == DIFF_BY_RATE ? u->cpu_s / u->wall_s : u->cpu_s;
}

/* Counts of units that differ in size: the variance of a ratio (Cochran, Sampling Techniques, 6.4). */
static void add_share_spread(const struct judge *j, size_t row, enum diff_side side,
			     struct estimate *e)
{
	const struct diff_table *t = &j->diff->table;
	double units = (double)j->diff->units[side], squares = 0, total = j->diff->samples[side];
	if (units < 2)
		return;
	for (size_t u = t->first[side]; u < t->first[side + 1]; u++) {
		double off = diff_cell(t, row, u)[0] - e->value * t->units[u].samples;
		squares += off * off;
	}
	e->spread_known = true;
	e->df = units - 1;
	e->variance = units / e->df * squares / (total * total);
}

static struct estimate share_of(const struct judge *j, size_t row, enum diff_side side)
{
	const struct diff *d = j->diff;
	const struct diff_row *r = &d->table.rows.at[row];
	if (!(d->samples[side] > 0))
		return (struct estimate){ .above = 1 };
	struct estimate e = estimate_share(r->samples[side] / r->excess[side],
					   d->samples[side] / r->excess[side], j->certainty.z);
	add_share_spread(j, row, side, &e);
	return e;
}

/* The samples' limits are the share's. */
static struct estimate cost_estimate(const struct judge *j, size_t row, enum diff_side side,
				     const struct estimate *share)
{
	const struct diff_table *t = &j->diff->table;
	size_t first = t->first[side], count = j->diff->units[side];
	double total = 0;
	for (size_t i = 0; i < count; i++) {
		j->values[i] = cost_of(j, row, first + i);
		total += unit_total(j->diff, first + i) / (double)count;
	}
	struct estimate e = estimate_mean(j->values, count);
	double scale = share->value > 0 ? e.value / share->value : total;
	e.below = scale * share->below;
	e.above = scale * share->above;
	return e;
}

/* Where nothing says how much runs differ: what is granted to each, so that a busy machine is no finding. */
static void grant_spread(struct estimate *e, double z)
{
	double granted = z * DIFF_RUN_TO_RUN_PERCENT / 100 * e->value;
	e->below = hypot(e->below, granted);
	e->above = hypot(e->above, granted);
}

static int direction(const struct difference *d)
{
	return d->low > 0 ? 1 : d->high < 0 ? -1 : 0;
}

static double relative_error(const struct difference *d, double z)
{
	return d->base > 0 ? d->error * (1 + power_z / z) / d->base : 0;
}

/*
 * With a single run a side: a run as a whole may take longer by chance, which moves all functions and
 * no share. So a function has changed if its share and its seconds say so, or if its seconds say more than
 * is granted.
 */
static int judge_single(const struct judge *j, struct change *c, struct estimate cost[SIDES])
{
	double z = j->certainty.z;
	struct difference seconds =
		estimate_difference(&cost[SIDE_BASE], &cost[SIDE_NEW], j->certainty);
	grant_spread(&cost[SIDE_BASE], z);
	grant_spread(&cost[SIDE_NEW], z);
	c->cost = estimate_difference(&cost[SIDE_BASE], &cost[SIDE_NEW], j->certainty);
	double rest = 1 - c->share.base, by_share = relative_error(&c->share, z);
	by_share = rest > 0.01 ? by_share / rest : HUGE_VAL;
	c->visible = fmin(relative_error(&c->cost, z), fmax(by_share, relative_error(&seconds, z)));
	int found = direction(&c->cost);
	return found                                         ? found
	       : direction(&c->share) == direction(&seconds) ? direction(&seconds)
							     : 0;
}

static enum diff_verdict verdict_of(const struct change *c, int found)
{
	if (!c->is_judged || !found)
		return DIFF_NO_CHANGE;
	if (found > 0)
		return c->samples[SIDE_BASE] > 0 ? DIFF_SLOWER : DIFF_APPEARED;
	return c->samples[SIDE_NEW] > 0 ? DIFF_FASTER : DIFF_VANISHED;
}

static double lower_limit(const struct estimate *e, struct certainty certainty)
{
	double below = e->below;
	if (e->spread_known)
		below = fmax(below, student_quantile(certainty.tail, e->df) * sqrt(e->variance));
	return e->value - below;
}

static void judge_row(const struct judge *j, size_t row, struct change *c)
{
	struct estimate share[SIDES], cost[SIDES];
	const struct diff_row *r = &j->diff->table.rows.at[row];
	int found;
	c->row = row;
	c->base_name = r->base_name;
	c->match = r->match;
	for (int s = 0; s < SIDES; s++) {
		c->samples[s] = r->samples[s];
		share[s] = share_of(j, row, (enum diff_side)s);
		cost[s] = cost_estimate(j, row, (enum diff_side)s, &share[s]);
	}
	c->is_judged = diff_row_is_judged(r);
	c->new_low = lower_limit(&share[SIDE_NEW], j->certainty);
	c->share = estimate_difference(&share[SIDE_BASE], &share[SIDE_NEW], j->certainty);
	if (j->diff->by == DIFF_BY_SHARE) {
		c->cost = c->share;
		found = direction(&c->share);
		c->visible = relative_error(&c->share, j->certainty.z);
	} else if (!j->diff->spread_known) {
		found = judge_single(j, c, cost);
	} else {
		c->cost = estimate_difference(&cost[SIDE_BASE], &cost[SIDE_NEW], j->certainty);
		found = direction(&c->cost);
		c->visible = relative_error(&c->cost, j->certainty.z);
	}
	c->verdict = verdict_of(c, found);
}

static void judge_total(const struct judge *j)
{
	struct diff *d = j->diff;
	struct certainty one = certainty_for(1);
	struct estimate e[SIDES];
	for (int s = 0; s < SIDES; s++) {
		size_t first = d->table.first[s], count = d->units[s];
		for (size_t i = 0; i < count; i++)
			j->values[i] = unit_total(d, first + i);
		e[s] = estimate_mean(j->values, count);
		if (d->total_is_samples)
			e[s].below = e[s].above = one.z * sqrt(e[s].value / (double)count);
		if (!d->spread_known)
			grant_spread(&e[s], one.z);
	}
	d->total = estimate_difference(&e[SIDE_BASE], &e[SIDE_NEW], one);
	int found = direction(&d->total);
	d->total_verdict = found > 0 ? DIFF_SLOWER : found < 0 ? DIFF_FASTER : DIFF_NO_CHANGE;
}

static int by_importance(const void *a, const void *b, void *diff)
{
	const struct change *x = a, *y = b;
	const struct diff_table *t = &((const struct diff *)diff)->table;
	bool x_real = x->verdict != DIFF_NO_CHANGE, y_real = y->verdict != DIFF_NO_CHANGE;
	if (x_real != y_real)
		return x_real ? -1 : 1;
	double p = x_real ? fabs(x->cost.delta) : fmax(x->cost.base, x->cost.next);
	double q = y_real ? fabs(y->cost.delta) : fmax(y->cost.base, y->cost.next);
	if (p != q)
		return p < q ? 1 : -1;
	const struct diff_row *r = &t->rows.at[x->row], *s = &t->rows.at[y->row];
	int order = strcmp(strings_text(&t->strings, r->name), strings_text(&t->strings, s->name));
	return order ? order
		     : strcmp(strings_text(&t->strings, r->module),
			      strings_text(&t->strings, s->module));
}

static int choose_by(struct diff *d, enum diff_by wanted, struct error *err)
{
	const struct diff_table *t = &d->table;
	bool has_seconds = true, has_wall = true;
	for (size_t i = 0; i < t->unit_count; i++) {
		has_seconds &= t->units[i].sampled_s > 0 || !(t->units[i].samples > 0);
		has_wall &= t->units[i].wall_s > 0;
	}
	bool same = t->kind[SIDE_BASE] == t->kind[SIDE_NEW] && has_seconds;
	d->by = wanted;
	if (wanted == DIFF_BY_KIND)
		d->by = same && t->kind[SIDE_BASE] == DIFF_KIND_RUN                ? DIFF_BY_SECONDS
			: same && t->kind[SIDE_BASE] == DIFF_KIND_LIVE && has_wall ? DIFF_BY_RATE
										   : DIFF_BY_SHARE;
	if (wanted > DIFF_BY_SHARE && !has_seconds)
		return fail(err, -EINVAL,
			    "the files do not say how much CPU time was used; compare --by share");
	if (wanted == DIFF_BY_RATE && !has_wall)
		return fail(err, -EINVAL,
			    "the files do not say how long was sampled; compare --by share");
	d->total_is_samples = !has_seconds || d->by == DIFF_BY_SHARE;
	return 0;
}

static void count_all(struct diff *d)
{
	const struct diff_table *t = &d->table;
	for (int s = 0; s < SIDES; s++)
		d->units[s] = t->first[s + 1] - t->first[s];
	for (size_t i = 0; i < t->unit_count; i++)
		d->samples[t->units[i].side] += t->units[i].samples;
	for (size_t i = 0; i < t->rows.count; i++)
		d->judged += diff_row_is_judged(&t->rows.at[i]);
	d->spread_known = d->units[SIDE_BASE] > 1 || d->units[SIDE_NEW] > 1;
}

static int judge_all(struct diff *d, struct error *err)
{
	struct judge j = { .diff = d, .certainty = certainty_for(d->judged) };
	j.values = calloc(d->table.unit_count + 1, sizeof(*j.values));
	d->changes = calloc(d->table.rows.count + 1, sizeof(*d->changes));
	if (!j.values || !d->changes) {
		free(j.values);
		return fail(err, -ENOMEM, "out of memory");
	}
	for (size_t row = 0; row < d->table.rows.count; row++)
		if (d->table.rows.at[row].samples[SIDE_BASE] +
			    d->table.rows.at[row].samples[SIDE_NEW] >
		    0)
			judge_row(&j, row, &d->changes[d->count++]);
	judge_total(&j);
	free(j.values);
	qsort_r(d->changes, d->count, sizeof(*d->changes), by_importance, d);
	return 0;
}

int diff_build(const struct profile *const *const profiles[SIDES], const size_t counts[SIDES],
	       const struct diff_options *options, struct diff *out, struct error *err)
{
	struct diff d = { 0 };
	int r = diff_table_init(&d.table, profiles, counts, err);
	if (r < 0)
		return r;
	count_all(&d);
	r = choose_by(&d, options->by, err);
	if (r == 0)
		r = judge_all(&d, err);
	if (r < 0)
		diff_deinit(&d);
	else
		*out = d;
	return r;
}

void diff_deinit(struct diff *d)
{
	diff_table_deinit(&d->table);
	free(d->changes);
	*d = (struct diff){ 0 };
}
