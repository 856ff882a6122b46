// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int parse_uint(const char *text, uint32_t low, uint32_t high, uint32_t *out)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno || *end || v < low || v > high)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int parse_duration_ns(const char *text, uint64_t *out_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 },   { "s", 1e9 },  { "ms", 1e6 },
		      { "us", 1e3 }, { "m", 60e9 }, { "h", 3600e9 } };
	char *end;
	double v = strtod(text, &end);
	if (end == text || end != text + strspn(text, "0123456789."))
		return -EINVAL; /* strtod(3) also takes signs, exponents, hexadecimal, "inf" */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		double ns = v * units[i].ns;
		if (!isfinite(ns) || ns < 1 || ns > 1e18)
			return -EINVAL;
		*out_ns = (uint64_t)ns;
		return 0;
	}
	return -EINVAL;
}

/* Damerau-Levenshtein distance (optimal string alignment), for words below 32 letters. */
static unsigned distance(const char *a, const char *b)
{
	enum { LETTERS = 32 };
	size_t n = strlen(a), m = strlen(b);
	unsigned d[LETTERS][LETTERS];
	if (n >= LETTERS || m >= LETTERS)
		return LETTERS;
	for (unsigned i = 0; i <= n; i++) {
		for (unsigned j = 0; j <= m; j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = best < d[i - 1][j] + 1 ? best : d[i - 1][j] + 1;
			best = best < d[i][j - 1] + 1 ? best : d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *nearest_word(const char *word, const char *const *list)
{
	const char *best = NULL;
	unsigned best_distance = strlen(word) > 4 ? 3 : 2; /* must be less than this */
	for (; *list; list++) {
		unsigned d = distance(word, *list);
		if (d < best_distance) {
			best = *list;
			best_distance = d;
		}
	}
	return best;
}

static bool is_end(const struct option *o)
{
	return !o->name && !o->letter;
}

static bool takes_argument(const struct option *o)
{
	return o->type == OPTION_UINT || o->type == OPTION_DURATION || o->type == OPTION_STRING ||
	       o->type == OPTION_LIST;
}

static int store_list(struct option_list *list, const char *text, const char *shown,
		      struct error *err)
{
	if (list->count >= OPTION_LIST_MAX)
		return fail(err, -EINVAL, "%s is given more than %d times", shown, OPTION_LIST_MAX);
	list->at[list->count++] = text;
	return 0;
}

static int store(const struct option *o, void *fields, const char *text, const char *shown,
		 struct error *err)
{
	void *field = (char *)fields + o->offset;
	switch (o->type) {
	case OPTION_FLAG: *(bool *)field = true; return 0;
	case OPTION_UNSET: *(bool *)field = false; return 0;
	case OPTION_IGNORED: return 0;
	case OPTION_STRING: *(const char **)field = text; return 0;
	case OPTION_LIST: return store_list(field, text, shown, err);
	case OPTION_UINT:
		if (parse_uint(text, 1, 1000000000, field) < 0)
			return fail(err, -EINVAL, "%s wants a whole number of at least 1, not '%s'",
				    shown, text);
		return 0;
	case OPTION_DURATION:
		if (parse_duration_ns(text, field) < 0)
			return fail(err, -EINVAL,
				    "%s wants a time like 10, 2.5, 500ms, 10s or 2m, not '%s'",
				    shown, text);
		return 0;
	}
	return -EINVAL;
}

/* Options that the manuals of later versions have: who tries one is told so. */
static bool comes_later(const char *word)
{
	static const char *const later[] = {
		"-a",       "--all",   "--cgroup", "--repeat", "--time-budget",
		"--source", "--focus", "--ignore", "--hide",   "--thread",
		"--time",   "--color", "--weight", "--plain",
	};
	size_t length = strcspn(word, "=");
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++)
		if (strlen(later[i]) == length && !strncmp(later[i], word, length))
			return true;
	return false;
}

static int unknown_option(const struct command *command, const char *word, struct error *err)
{
	if (comes_later(word))
		return fail(err, -EINVAL, "option '%s' is not in this version", word);
	const char *names[64] = { "help" };
	size_t n = 1;
	for (const struct option *o = command->options; !is_end(o) && n < 63; o++)
		if (o->name)
			names[n++] = o->name;
	const char *near = nearest_word(word + 2, names);
	if (!strncmp(word, "--", 2) && near)
		return fail(err, -EINVAL, "unknown option '%s'; did you mean '--%s'?", word, near);
	return fail(err, -EINVAL, "unknown option '%s'; see 'perfprof %s --help'", word,
		    command->name);
}

static int parse_long(const struct command *command, char ***at, void *fields, struct error *err)
{
	char *word = **at;
	size_t length = strcspn(word + 2, "=");
	for (const struct option *o = command->options; !is_end(o); o++) {
		if (!o->name || strlen(o->name) != length ||
		    strncmp(o->name, word + 2, length) != 0)
			continue;
		char shown[64];
		snprintf(shown, sizeof(shown), "--%s", o->name);
		const char *text = word[2 + length] == '=' ? word + 3 + length : NULL;
		if (!takes_argument(o))
			return text ? fail(err, -EINVAL, "%s takes no value ('%s')", shown, word)
				    : store(o, fields, NULL, shown, err);
		if (!text)
			text = *++*at;
		if (!text)
			return fail(err, -EINVAL, "%s wants %s", shown, o->argument);
		return store(o, fields, text, shown, err);
	}
	word[2 + length] = 0;
	return unknown_option(command, word, err);
}

static const struct option *by_letter(const struct command *command, char letter)
{
	for (const struct option *o = command->options; !is_end(o); o++)
		if (o->letter == letter)
			return o;
	return NULL;
}

static int parse_letters(const struct command *command, char ***at, void *fields, struct error *err)
{
	for (const char *letter = **at + 1; *letter; letter++) {
		const struct option *o = by_letter(command, *letter);
		char shown[3] = { '-', *letter, 0 };
		if (!o)
			return unknown_option(command, shown, err);
		if (!takes_argument(o)) {
			int r = store(o, fields, NULL, shown, err);
			if (r < 0)
				return r;
			continue;
		}
		const char *text = letter[1] ? letter + 1 : *++*at;
		if (!text)
			return fail(err, -EINVAL, "%s wants %s", shown, o->argument);
		return store(o, fields, text, shown, err);
	}
	return 0;
}

static void take_rest(char **at, struct arguments *out)
{
	while (*at)
		out->at[out->count++] = *at++;
	out->at[out->count] = NULL;
}

int options_parse(const struct command *command, char **argv, void *fields, struct arguments *out,
		  struct error *err)
{
	*out = (struct arguments){ .at = argv };
	char **at = argv + 1;
	for (; *at; at++) {
		int r = 0;
		if (!strcmp(*at, "--")) {
			out->dashes = true;
			at++;
			break;
		}
		if ((*at)[0] != '-' || !(*at)[1]) {
			if (command->stops_at_first_word)
				break;
			out->at[out->count++] = *at;
			continue;
		}
		if (!strcmp(*at, "--help") || !strcmp(*at, "-h")) {
			out->help = true;
			return 0;
		}
		r = (*at)[1] == '-' ? parse_long(command, &at, fields, err)
				    : parse_letters(command, &at, fields, err);
		if (r < 0)
			return r;
	}
	take_rest(at, out);
	return 0;
}

static void help_line(const struct option *o, FILE *out)
{
	char left[64];
	int n = 0;
	if (o->letter)
		n = snprintf(left, sizeof(left), "-%c%s", o->letter, o->name ? ", " : "");
	else
		n = snprintf(left, sizeof(left), "    ");
	if (o->name)
		n += snprintf(left + n, sizeof(left) - (size_t)n, "--%s", o->name);
	if (o->argument)
		snprintf(left + n, sizeof(left) - (size_t)n, " %s", o->argument);
	fprintf(out, "  %-26s  %s\n", left, o->help);
}

void options_help(const struct command *command, FILE *out)
{
	fprintf(out, "usage: perfprof %s\n\n%s\n\noptions:\n", command->usage, command->summary);
	for (const struct option *o = command->options; !is_end(o); o++)
		if (o->help)
			help_line(o, out);
	fprintf(out, "  %-26s  %s\n", "-h, --help", "show this help");
	if (command->epilog)
		fprintf(out, "\n%s", command->epilog);
}
