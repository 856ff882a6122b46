// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli/options.h"

enum {
	DEFAULT_COLUMNS = 80,
	TEXT_COLUMN = 30, /* where the options' sentences begin */
	TEXT_MIN = 24,    /* on a narrow terminal they are as wide as that all the same */
	LEFT_MARGIN = 2,
};

void option_words_list(const struct option_words *words, FILE *out)
{
	for (const char *const *w = words->at; *w; w++) {
		const char *before = w == words->at ? "" : w[1] ? ", " : " or ";
		fprintf(out, "%s%s%s", before, *w, w == words->at ? " (default)" : "");
	}
}

/* Breaks `text` at blanks; the first line begins at `column`, the others at `indent`. */
static void put_wrapped(const char *text, size_t column, size_t indent, size_t columns, FILE *out)
{
	for (bool first = true; *text; first = false) {
		size_t n = strcspn(text, " \n");
		if (!first && column + 1 + n > columns) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, n, out);
		column += n;
		text += n;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

/* "-F, --rate HZ". @return its width */
static size_t put_names(const struct option *o, FILE *out)
{
	char text[96];
	int n = o->letter ? snprintf(text, sizeof(text), "-%c%s", o->letter, o->name ? ", " : "")
			  : snprintf(text, sizeof(text), "    ");
	if (o->name)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "--%s", o->name);
	if (o->argument)
		snprintf(text + n, sizeof(text) - (size_t)n, " %s", o->argument);
	fprintf(out, "%*s%s", LEFT_MARGIN, "", text);
	return LEFT_MARGIN + strlen(text);
}

static void put_option(const struct option *o, size_t columns, FILE *out)
{
	char text[1024] = "";
	FILE *sentence = fmemopen(text, sizeof(text), "w");
	if (!sentence)
		return;
	fputs(o->help, sentence);
	if (o->words) {
		fputs(": ", sentence);
		option_words_list(o->words, sentence);
	}
	fclose(sentence);
	size_t width = columns > TEXT_COLUMN + TEXT_MIN ? columns : TEXT_COLUMN + TEXT_MIN;
	size_t at = put_names(o, out);
	if (at + 2 > TEXT_COLUMN) {
		fputc('\n', out);
		at = 0;
	}
	fprintf(out, "%*s", (int)(TEXT_COLUMN - at), "");
	put_wrapped(text, TEXT_COLUMN, TEXT_COLUMN, width, out);
}

/* What stands in front of the first heading is the command's own, and --help ends it. */
static void put_options(const struct option *options, size_t columns, FILE *out)
{
	static const struct option help = { .letter = 'h', .name = "help", .help = "show this" };
	bool own = true;
	fputs("\noptions:\n", out);
	for (const struct option *o = options;; o++) {
		bool ends = o->type == OPTION_LAST || o->type == OPTION_HEADING;
		if (ends && own)
			put_option(&help, columns, out);
		own &= !ends;
		if (o->type == OPTION_LAST)
			return;
		if (o->type == OPTION_HEADING)
			fprintf(out, "\n%s:\n", o->help);
		else if (o->help)
			put_option(o, columns, out);
	}
}

void options_help(const struct command *command, uint32_t columns, FILE *out)
{
	size_t width = columns ? columns : DEFAULT_COLUMNS;
	fprintf(out, "usage: perfprof %s\n\n", command->usage);
	put_wrapped(command->summary, 0, 0, width, out);
	put_options(command->options, width, out);
	if (command->epilog)
		fprintf(out, "\n%s", command->epilog);
}
