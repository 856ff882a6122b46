// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <errno.h>
#include <string.h>

static int store_list(struct option_list *list, const char *text, const char *shown,
		      struct error *err)
{
	if (list->count >= OPTION_LIST_MAX)
		return fail(err, -EINVAL, "%s is given more than %d times", shown, OPTION_LIST_MAX);
	list->at[list->count++] = text;
	return 0;
}

static bool is_among(const char *word, const char *const *list)
{
	for (; list && *list; list++)
		if (!strcmp(word, *list))
			return true;
	return false;
}

static int store_word(const struct option *o, const char **field, const char *text,
		      const char *shown, struct error *err)
{
	char list[256] = "";
	if (is_among(text, o->words->at)) {
		*field = text;
		return 0;
	}
	for (const char *const *w = o->words->at; *w; w++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s",
			 w == o->words->at ? "" : ", ", *w);
	if (is_among(text, o->words->later))
		return fail(err, -EINVAL, "%s %s is not in this version; it has %s", shown, text,
			    list);
	const char *near = nearest_word(text, o->words->at);
	if (near)
		return fail(err, -EINVAL, "%s knows no '%s'; did you mean '%s'?", shown, text,
			    near);
	return fail(err, -EINVAL, "%s knows no '%s'; there are %s", shown, text, list);
}

static int store(const struct option *o, void *fields, const char *text, const char *shown,
		 struct error *err)
{
	void *field = (char *)fields + o->offset;
	switch (o->type) {
	case OPTION_FLAG: *(bool *)field = true; return 0;
	case OPTION_UNSET: *(bool *)field = false; return 0;
	case OPTION_LAST:
	case OPTION_HEADING:
	case OPTION_IGNORED: return 0;
	case OPTION_STRING: *(const char **)field = text; return 0;
	case OPTION_WORD: return store_word(o, field, text, shown, err);
	case OPTION_LIST: return store_list(field, text, shown, err);
	case OPTION_UINT:
		if (parse_uint(text, 1, 1000000000, field) < 0)
			return fail(err, -EINVAL, "%s wants a whole number of at least 1, not '%s'",
				    shown, text);
		return 0;
	case OPTION_PERCENT:
		if (parse_percent(text, field) < 0)
			return fail(err, -EINVAL,
				    "%s wants a percentage like 1 or 0.5, at most 100, not '%s'",
				    shown, text);
		return 0;
	case OPTION_SIZE:
		if (parse_size(text, field) < 0)
			return fail(err, -EINVAL,
				    "%s wants a number of bytes like 24M, 512K or 0, not '%s'",
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

static int unknown_option(const struct command *command, const char *word, struct error *err)
{
	const char *names[64] = { "help" };
	size_t n = 1;
	for (const struct option *o = command->options; o->type != OPTION_LAST && n < 63; o++)
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
	for (const struct option *o = command->options; o->type != OPTION_LAST; o++) {
		if (!o->name || strlen(o->name) != length ||
		    strncmp(o->name, word + 2, length) != 0)
			continue;
		char shown[64];
		snprintf(shown, sizeof(shown), "--%s", o->name);
		const char *text = word[2 + length] == '=' ? word + 3 + length : NULL;
		if (!option_takes_argument(o))
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
	for (const struct option *o = command->options; o->type != OPTION_LAST; o++)
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
		if (!option_takes_argument(o)) {
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
