// SPDX-License-Identifier: MIT
#include "cli/cli.h"

static const char *type_name(enum option_type type)
{
	switch (type) {
	case OPTION_HEADING: return "heading";
	case OPTION_FLAG:
	case OPTION_UNSET:
	case OPTION_IGNORED: return "flag";
	case OPTION_LIST: return "list";
	case OPTION_LAST:
	case OPTION_UINT:
	case OPTION_PERCENT:
	case OPTION_DURATION:
	case OPTION_SIZE:
	case OPTION_STRING:
	case OPTION_WORD: break;
	}
	return "value";
}

static const char *text_of(const char *text)
{
	return text ? text : "";
}

static void print_row(const char *command, const struct option *o)
{
	printf("%s\t%s\t%.1s\t%s\t%s\t%s\t", command, type_name(o->type), (char[]){ o->letter, 0 },
	       text_of(o->name), text_of(o->argument), text_of(o->help));
	for (const char *const *w = o->words ? o->words->at : NULL; w && *w; w++)
		printf("%s%s", w == o->words->at ? "" : " ", *w);
	putchar('\n');
}

int show_tables(void)
{
	for (const struct command *const *c = commands; *c; c++)
		for (const struct option *o = (*c)->options; (*c)->brief && o->type != OPTION_LAST;
		     o++)
			print_row((*c)->name, o);
	return STATUS_DONE;
}
