// SPDX-License-Identifier: MIT
#include "analyze/diff_gate.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static int no_gate(const char *text, struct error *err)
{
	return fail(
		err, -EINVAL,
		"'%s' is no limit; say 'total_cpu > +3%%', 'func(NAME) > +10%%' (of its cost in "
		"BASE) or 'func(NAME) > 12%%' (share in NEW)",
		text);
}

/* "+10%", "12 %": digits and a point only, whatever the locale has. @return false if it is none */
static bool parse_limit(const char *text, struct diff_gate *gate)
{
	text = skip_blanks(text);
	gate->is_relative = *text == '+';
	text += gate->is_relative;
	size_t digits = strspn(text, "0123456789.");
	char *end;
	double percent = strtod(text, &end);
	if (!digits || digits > 12 || end != text + digits || !isfinite(percent))
		return false;
	end += strspn(end, " \t");
	if (*end++ != '%')
		return false;
	end += strspn(end, " \t\r\n");
	gate->limit = percent / 100;
	return !*end;
}

int diff_gate_parse(const char *text, struct diff_gate *out, struct error *err)
{
	static const char total[] = "total_cpu", func[] = "func(";
	const char *at = skip_blanks(text), *sign = strrchr(text, '>');
	struct diff_gate gate = { 0 };
	if (!sign || !parse_limit(sign + 1, &gate))
		return no_gate(text, err);
	const char *end = sign;
	while (end > at && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	size_t length = (size_t)(end - at);
	gate.of_total = length == strlen(total) && !strncmp(at, total, length);
	if (gate.of_total && !gate.is_relative)
		return fail(err, -EINVAL, "'%s': a limit of total_cpu is relative: '+3%%'", text);
	if (!gate.of_total) {
		size_t head = strlen(func);
		if (length < head + 2 || strncmp(at, func, head) != 0 || end[-1] != ')' ||
		    length - head - 1 >= sizeof(gate.pattern))
			return no_gate(text, err);
		memcpy(gate.pattern, at + head, length - head - 1);
	}
	*out = gate;
	return 0;
}

static bool name_matches(const struct diff_gate *gate, const char *name)
{
	if (!strcmp(gate->pattern, name) || !fnmatch(gate->pattern, name, 0))
		return true;
	char plain[GATE_PATTERN_MAX];
	size_t n = strcspn(name, "(");
	if (!n || !name[n] || n >= sizeof(plain))
		return false;
	memcpy(plain, name, n);
	plain[n] = 0;
	return !fnmatch(gate->pattern, plain, 0);
}

bool diff_gate_has_subject(const struct diff *d, const struct diff_gate *gate)
{
	bool found = gate->of_total;
	for (size_t i = 0; !found && i < d->count; i++)
		found = name_matches(gate, strings_text(&d->table.strings,
							d->table.rows.at[d->changes[i].row].name));
	return found;
}

static void say_relative(struct strbuf *why, const char *name, const struct difference *d)
{
	if (d->base > 0)
		strbuf_printf(why, "%s %+.1f %% (95 %% interval %+.1f to %+.1f %%)", name,
			      100 * d->delta / d->base, 100 * d->low / d->base,
			      100 * d->high / d->base);
	else
		strbuf_printf(why, "%s is new", name);
}

static bool exceeds_relative(const struct difference *d, double limit)
{
	return d->low > 0 && d->low > limit * d->base;
}

size_t diff_gate_exceeded(const struct diff *d, const struct diff_gate *gate, struct strbuf *why)
{
	size_t found = 0;
	if (gate->of_total) {
		if (!exceeds_relative(&d->total, gate->limit))
			return 0;
		say_relative(why, d->total_is_samples ? "samples" : "CPU time", &d->total);
		return 1;
	}
	for (size_t i = 0; i < d->count; i++) {
		const struct change *c = &d->changes[i];
		const char *name = strings_text(&d->table.strings, d->table.rows.at[c->row].name);
		if (!c->is_judged || !name_matches(gate, name))
			continue;
		if (gate->is_relative ? !exceeds_relative(&c->cost, gate->limit)
				      : !(c->new_low > gate->limit))
			continue;
		strbuf_puts(why, found++ ? "; " : "");
		if (gate->is_relative)
			say_relative(why, name, &c->cost);
		else
			strbuf_printf(why, "%s %.1f %% (95 %% interval from %.1f %%)", name,
				      100 * c->share.next, 100 * c->new_low);
	}
	return found;
}
