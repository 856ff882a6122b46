// SPDX-License-Identifier: MIT
#include <math.h>

#include "render/diff_parts.h"
#include "render/short_name.h"

enum {
	NAMED = 3, /* changes in the first lines */
	NAME_WIDTH = 60,
	SHORT_MS = 1000,  /* below that seconds are written as milliseconds */
	REPEAT = 8,       /* what is advised where there was but one run */
	GOAL_PERCENT = 5, /* the change for which it is said how much to record */
};

struct cost_unit diff_cost_unit(const struct diff *d)
{
	double most = d->total_is_samples ? 0 : fmax(d->total.base, d->total.next);
	if (d->by == DIFF_BY_SHARE)
		return (struct cost_unit){ "%", "", 100, 2 };
	if (d->by == DIFF_BY_RATE)
		return (struct cost_unit){ "%", " of a core", 100, 2 };
	if (most * 1000 < SHORT_MS)
		return (struct cost_unit){ "ms", " a run", 1000, 1 };
	return (struct cost_unit){ "s", " a run", 1, most < 100 ? 3 : 1 };
}

const char *diff_verdict_word(enum diff_verdict verdict)
{
	switch (verdict) {
	case DIFF_SLOWER: return "slower";
	case DIFF_FASTER: return "faster";
	case DIFF_APPEARED: return "appeared";
	case DIFF_VANISHED: return "vanished";
	case DIFF_NO_CHANGE: break;
	}
	return "no change seen";
}

const char *diff_name(const struct diff *d, const struct change *c)
{
	return strings_text(&d->table.strings, d->table.rows.at[c->row].name);
}

const char *diff_base_name(const struct diff *d, const struct change *c)
{
	return strings_text(&d->table.strings, c->base_name);
}

static void put_relative(struct strbuf *out, const struct difference *d, double v)
{
	double percent = 100 * v / d->base;
	strbuf_printf(out, fabs(percent) < 99.95 ? "%+.1f" : "%+.0f", percent);
}

void diff_relative(struct strbuf *out, const struct difference *d, double v)
{
	if (d->base > 0) {
		put_relative(out, d, v);
		strbuf_puts(out, " %");
	} else {
		strbuf_puts(out, d->next > 0 ? "new" : "0");
	}
}

/* A cost cannot fall by more than all of it. */
void diff_relative_interval(struct strbuf *out, const struct difference *d)
{
	if (!(d->base > 0))
		return;
	put_relative(out, d, fmax(d->low, -d->base));
	strbuf_puts(out, " to ");
	put_relative(out, d, d->high);
	strbuf_puts(out, " %");
}

void diff_cost(struct strbuf *out, const struct cost_unit *unit, double v)
{
	strbuf_printf(out, "%.*f %s", unit->decimals, unit->scale * v, unit->symbol);
}

static void put_visible(struct strbuf *out, double visible)
{
	if (visible > 0 && visible < 10)
		strbuf_printf(out, " (a change of %.*f %% would have been seen)", visible < 0.1,
			      100 * visible);
}

void diff_answer_total(const struct diff *d, struct strbuf *out)
{
	struct cost_unit unit = diff_cost_unit(d);
	if (d->total_is_samples || !(d->total.base > 0))
		return;
	strbuf_puts(out, "CPU time ");
	diff_cost(out, &unit, d->total.base);
	strbuf_printf(out, "%s before, ", unit.per);
	diff_cost(out, &unit, d->total.next);
	strbuf_puts(out, " now: ");
	diff_relative(out, &d->total, d->total.delta);
	strbuf_puts(out, " (95 % interval ");
	diff_relative_interval(out, &d->total);
	strbuf_printf(out, "): %s", diff_verdict_word(d->total_verdict));
	if (d->total_verdict == DIFF_NO_CHANGE)
		put_visible(out, 1.43 * d->total.error / d->total.base);
	strbuf_putc(out, '.');
}

static void put_change(const struct diff *d, const struct change *c, struct strbuf *out)
{
	struct cost_unit unit = diff_cost_unit(d);
	short_name(out, diff_name(d, c), NAME_WIDTH);
	strbuf_printf(
		out, " %s%s: ", c->verdict == DIFF_SLOWER || c->verdict == DIFF_FASTER ? "is " : "",
		diff_verdict_word(c->verdict));
	diff_cost(out, &unit, c->cost.base);
	strbuf_puts(out, " -> ");
	diff_cost(out, &unit, c->cost.next);
	strbuf_puts(out, unit.per);
	if (c->cost.base > 0 && c->cost.next > 0) {
		strbuf_puts(out, ", ");
		diff_relative(out, &c->cost, c->cost.delta);
		strbuf_puts(out, " (");
		diff_relative_interval(out, &c->cost);
		strbuf_puts(out, ")");
	}
}

static const struct change *hottest(const struct diff *d)
{
	const struct change *found = NULL;
	for (size_t i = 0; i < d->count; i++)
		if (!found || d->changes[i].share.base > found->share.base)
			found = &d->changes[i];
	return found;
}

void diff_answer_changed(const struct diff *d, struct strbuf *out)
{
	size_t real = 0;
	while (real < d->count && d->changes[real].verdict != DIFF_NO_CHANGE)
		real++;
	for (size_t i = 0; i < real && i < NAMED; i++) {
		strbuf_puts(out, i ? "; " : "");
		put_change(d, &d->changes[i], out);
	}
	if (real > NAMED)
		strbuf_printf(out, "; and %zu more", real - NAMED);
	const struct change *hot = hottest(d);
	if (!real && !hot)
		strbuf_puts(out, "nothing: there are no samples");
	else if (!real) {
		strbuf_puts(out, "no function that is more than chance. In ");
		short_name(out, diff_name(d, hot), NAME_WIDTH);
		strbuf_printf(out, ", the hottest (%.1f %%),", 100 * hot->share.base);
		if (hot->visible > 0 && hot->visible < 10)
			strbuf_printf(out, " a change of %.*f %% would have been seen",
				      hot->visible < 0.1, 100 * hot->visible);
		else
			strbuf_puts(out,
				    " nothing could have been seen: there are too few samples");
	}
	if (out->length)
		strbuf_putc(out, '.');
}

static const char *unit_word(const struct diff *d, enum diff_side side)
{
	bool one = d->units[side] == 1;
	if (d->table.kind[side] == DIFF_KIND_LIVE)
		return one ? "recording" : "blocks of time";
	return one ? "run" : "runs";
}

void diff_answer_sure(const struct diff *d, struct strbuf *out)
{
	for (int s = 0; s < SIDES; s++)
		strbuf_printf(out, "%s: %zu %s, %.0f %s; ", s ? "NEW" : "BASE", d->units[s],
			      unit_word(d, (enum diff_side)s), d->samples[s],
			      d->samples[s] == 1 ? "sample" : "samples");
	if (!d->judged)
		strbuf_printf(out, "no function has the %d samples that are needed to judge it",
			      DIFF_LEAST_SAMPLES);
	else if (d->judged == 1)
		strbuf_puts(out, "one function has samples enough to be judged; its intervals are "
				 "95 %");
	else
		strbuf_printf(out,
			      "intervals are 95 %% for all the %zu functions together that have "
			      "%d samples or more",
			      d->judged, DIFF_LEAST_SAMPLES);
	if (d->by != DIFF_BY_SHARE && !d->spread_known)
		strbuf_printf(out,
			      ". How much one run differs from the next is not known from a single "
			      "one: each is granted %d %% (standard deviation)",
			      DIFF_RUN_TO_RUN_PERCENT);
	if (d->by == DIFF_BY_SHARE)
		strbuf_puts(out, ". Shares add up to 100 %: where one function takes more, others "
				 "take a smaller share though they cost what they did");
	strbuf_putc(out, '.');
}

void diff_answer_next(const struct diff *d, struct strbuf *out)
{
	const struct change *hot = hottest(d);
	bool runs = d->table.kind[SIDE_BASE] == DIFF_KIND_RUN &&
		    d->table.kind[SIDE_NEW] == DIFF_KIND_RUN;
	if (d->by == DIFF_BY_SECONDS && !d->spread_known && runs) {
		strbuf_printf(
			out,
			"record both sides with 'perfprof run --repeat %d': with several runs "
			"a side, seconds are compared by how much runs differ.",
			REPEAT);
		return;
	}
	double goal = GOAL_PERCENT / 100.0;
	if (!hot || !(hot->visible > goal))
		return;
	double factor = hot->visible / goal * hot->visible / goal;
	strbuf_printf(out, "to see a change of %d %% in ", GOAL_PERCENT);
	short_name(out, diff_name(d, hot), NAME_WIDTH);
	strbuf_printf(out, ", record some %.*f times as %s on each side.", factor < 10, factor,
		      runs && d->spread_known ? "many runs" : "long");
}
