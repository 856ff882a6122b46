// SPDX-License-Identifier: MIT
#include "cli/completion.h"

static void put_quoted(const char *text, FILE *out)
{
	fputc('\'', out);
	for (; *text; text++)
		fprintf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
	fputc('\'', out);
}

static void put_begin(const struct command *c, FILE *out)
{
	fprintf(out, "complete -c perfprof -n '__fish_seen_subcommand_from %s'", c->name);
}

static void put_option(const struct command *c, const struct option *o, FILE *out)
{
	put_begin(c, out);
	if (o->letter)
		fprintf(out, " -s %c", o->letter);
	if (o->name)
		fprintf(out, " -l %s", o->name);
	if (option_takes_argument(o)) {
		switch (completion_kind_of(o)) {
		case COMPLETE_WORDS:
			fputs(" -x -a '", out);
			completion_words(o, " ", out);
			fputc('\'', out);
			break;
		case COMPLETE_FILES: fputs(" -r -F", out); break;
		case COMPLETE_FOLDERS: fputs(" -x -a '(__fish_complete_directories)'", out); break;
		case COMPLETE_PIDS: fputs(" -x -a '(__fish_complete_pids)'", out); break;
		case COMPLETE_NOTHING: fputs(" -x", out);
		}
	}
	fputs(" -d ", out);
	put_quoted(o->help, out);
	fputc('\n', out);
}

/* fish must know which options take the next word. It reads short ones first: see its own function. */
static void put_subcommand(const struct command *c, FILE *out)
{
	fputs(" -a '(__fish_complete_subcommand --fcs-skip=2", out);
	for (const struct option *o = c->options; o->type != OPTION_LAST; o++)
		if (option_takes_argument(o) && o->letter)
			fprintf(out, " -%c", o->letter);
	for (const struct option *o = c->options; o->type != OPTION_LAST; o++)
		if (option_takes_argument(o) && o->name)
			fprintf(out, " --%s", o->name);
	fputs(")'", out);
}

static void put_operands(const struct command *c, FILE *out)
{
	put_begin(c, out);
	switch (completion_operands(c)) {
	case COMPLETE_WORDS:
		fputs(" -f -a '", out);
		completion_words(&(struct option){ .words = c->operands }, " ", out);
		fputs("'\n", out);
		return;
	case COMPLETE_NOTHING:
		fputs(" -f", out);
		if (c->stops_at_first_word)
			put_subcommand(c, out);
		fputc('\n', out);
		return;
	case COMPLETE_FILES:
	case COMPLETE_FOLDERS:
	case COMPLETE_PIDS: fputs(" -F\n", out);
	}
}

void completion_fish(FILE *out)
{
	fputs("# fish completion of perfprof, made by 'perfprof completion fish'\n"
	      "complete -c perfprof -n __fish_use_subcommand -s h -l help -d 'list the commands'\n"
	      "complete -c perfprof -n __fish_use_subcommand -l version -d 'say which version this "
	      "is'\n",
	      out);
	for (const struct command *const *c = commands; *c; c++) {
		if ((*c)->brief) {
			fprintf(out, "complete -c perfprof -f -n __fish_use_subcommand -a %s -d ",
				(*c)->name);
			put_quoted((*c)->brief, out);
			fputc('\n', out);
		}
		for (const struct option *o = (*c)->options; o->type != OPTION_LAST; o++)
			if (o->help && o->type != OPTION_HEADING)
				put_option(*c, o, out);
		put_begin(*c, out);
		fputs(" -s h -l help -d 'show this'\n", out);
		put_operands(*c, out);
	}
}
