// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli/completion.h"

/* Inside '...[...]:' of zsh's _arguments. */
static void put_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", out);
		else
			fprintf(out, "%s%c", strchr("[]:\\", *text) ? "\\" : "", *text);
	}
}

static void put_action(const struct option *o, FILE *out)
{
	fputc(':', out);
	put_text(o->argument, out);
	switch (completion_kind_of(o)) {
	case COMPLETE_WORDS:
		fputs(":(", out);
		completion_words(o, " ", out);
		fputc(')', out);
		return;
	case COMPLETE_FILES: fputs(":_files", out); return;
	case COMPLETE_FOLDERS: fputs(":_files -/", out); return;
	case COMPLETE_PIDS: fputs(":_pids", out); return;
	case COMPLETE_NOTHING: fputs(": ", out);
	}
}

/* One of an option's two names; `o` is repeated for each. */
static void put_spec(const struct option *o, bool by_letter, FILE *out)
{
	bool both = o->letter && o->name, takes = option_takes_argument(o);
	fputs("\t\t\t'", out);
	if (o->type == OPTION_LIST)
		fputc('*', out);
	else if (both)
		fprintf(out, "(-%c --%s)", o->letter, o->name);
	if (by_letter)
		fprintf(out, "-%c%s[", o->letter, takes ? "+" : "");
	else
		fprintf(out, "--%s%s[", o->name, takes ? "=" : "");
	put_text(o->help, out);
	fputc(']', out);
	if (takes)
		put_action(o, out);
	fputs("' \\\n", out);
}

static void put_operands(const struct command *c, FILE *out)
{
	switch (completion_operands(c)) {
	case COMPLETE_WORDS:
		fputs("'1:word:(", out);
		completion_words(&(struct option){ .words = c->operands }, " ", out);
		fputs(")'", out);
		return;
	case COMPLETE_NOTHING:
		fputs(c->stops_at_first_word ? "'(-)1:command:_command_names -e' '*:: :_normal'"
					     : "'*: : '",
		      out);
		return;
	case COMPLETE_FILES:
	case COMPLETE_FOLDERS:
	case COMPLETE_PIDS: fputs("'*:capture:_files'", out);
	}
}

static void put_command(const struct command *c, FILE *out)
{
	fprintf(out, "\t\t%s) _arguments -s -S%s \\\n", c->name,
		c->stops_at_first_word ? " -A \"-*\"" : "");
	for (const struct option *o = c->options; o->type != OPTION_LAST; o++) {
		if (!o->help || o->type == OPTION_HEADING)
			continue;
		if (o->letter)
			put_spec(o, true, out);
		if (o->name)
			put_spec(o, false, out);
	}
	fputs("\t\t\t'(-h --help)'{-h,--help}'[show this]' \\\n\t\t\t", out);
	put_operands(c, out);
	fputs(" ;;\n", out);
}

void completion_zsh(FILE *out)
{
	fputs("#compdef perfprof\n# made by 'perfprof completion zsh'\n"
	      "_perfprof() {\n\tlocal context state line curcontext=$curcontext\n"
	      "\tlocal -a known=(\n",
	      out);
	for (const struct command *const *c = commands; *c; c++) {
		if (!(*c)->brief)
			continue;
		fprintf(out, "\t\t'%s:", (*c)->name);
		put_text((*c)->brief, out);
		fputs("'\n", out);
	}
	fputs("\t)\n\t_arguments -C '(- *)'{-h,--help}'[list the commands]' \\\n"
	      "\t\t'(- *)--version[say which version this is]' '1: :->command' '*:: :->rest'\n"
	      "\tcase $state in\n\tcommand) _describe command known ;;\n"
	      "\trest)\n\t\tcase $line[1] in\n",
	      out);
	for (const struct command *const *c = commands; *c; c++)
		put_command(*c, out);
	fputs("\t\thelp) _describe command known ;;\n\t\tesac ;;\n\tesac\n}\n"
	      "if [ \"$funcstack[1]\" = _perfprof ]; then _perfprof \"$@\"\n"
	      "else compdef _perfprof perfprof; fi\n",
	      out);
}
