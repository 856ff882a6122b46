// SPDX-License-Identifier: MIT
#include "cli/completion.h"

static void put_names(const struct option *o, const char *between, FILE *out)
{
	if (o->letter)
		fprintf(out, "-%c", o->letter);
	if (o->name)
		fprintf(out, "%s--%s", o->letter ? between : "", o->name);
}

/* Options that take the next word, as a pattern of `case`. @return whether there are any */
static bool put_takers(const struct command *c, FILE *out)
{
	bool any = false;
	for (const struct option *o = c->options; o->type != OPTION_LAST; o++) {
		if (!option_takes_argument(o))
			continue;
		fputs(any ? "|" : "\t\t", out);
		put_names(o, "|", out);
		any = true;
	}
	return any;
}

static void put_values(const struct option *o, FILE *out)
{
	fputs("\t\t", out);
	put_names(o, "|", out);
	fputs(") ", out);
	switch (completion_kind_of(o)) {
	case COMPLETE_WORDS:
		fputs("_perfprof_words '", out);
		completion_words(o, " ", out);
		fputs("' ;;\n", out);
		return;
	case COMPLETE_FILES: fputs("_perfprof_files ;;\n", out); return;
	case COMPLETE_FOLDERS: fputs("_perfprof_files -d ;;\n", out); return;
	case COMPLETE_PIDS:
		fputs("_perfprof_words \"$(cd /proc && echo [0-9]*)\" ;;\n", out);
		return;
	case COMPLETE_NOTHING: fputs("return ;;\n", out);
	}
}

static void put_operands(const struct command *c, FILE *out)
{
	switch (completion_operands(c)) {
	case COMPLETE_WORDS:
		fputs("_perfprof_words '", out);
		completion_words(&(struct option){ .words = c->operands }, " ", out);
		fputs("'", out);
		return;
	case COMPLETE_NOTHING:
		fputs(c->stops_at_first_word ? "_perfprof_command \"$COMP_CWORD\"" : ":", out);
		return;
	case COMPLETE_FILES:
	case COMPLETE_FOLDERS:
	case COMPLETE_PIDS: fputs("_perfprof_files", out);
	}
}

static void put_command(const struct command *c, FILE *out)
{
	fprintf(out, "\t%s)\n", c->name);
	if (c->stops_at_first_word) {
		fputs("\t\tfor ((i = 2; i < COMP_CWORD; i++)); do\n\t\tcase ${COMP_WORDS[i]} in\n"
		      "\t\t--) _perfprof_command $((i + 1)); return ;;\n",
		      out);
		if (put_takers(c, out))
			fputs(") [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++)); ((i++)) ;;\n", out);
		fputs("\t\t-*) ;;\n\t\t*) _perfprof_command $i; return ;;\n\t\tesac; done\n", out);
	}
	fputs("\t\tcase $prev in\n", out);
	for (const struct option *o = c->options; o->type != OPTION_LAST; o++)
		if (option_takes_argument(o))
			put_values(o, out);
	fputs("\t\t*) if [[ $cur == -* ]]; then _perfprof_words '", out);
	for (const struct option *o = c->options; o->type != OPTION_LAST; o++) {
		if (!o->help || o->type == OPTION_HEADING)
			continue;
		put_names(o, " ", out);
		fputc(' ', out);
	}
	fputs("-h --help'; else ", out);
	put_operands(c, out);
	fputs("; fi ;;\n\t\tesac ;;\n", out);
}

/* bash takes the '=' of --option=value for a word of its own (COMP_WORDBREAKS). */
void completion_bash(FILE *out)
{
	fputs("# bash completion of perfprof, made by 'perfprof completion bash'\n"
	      "_perfprof_words() { mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$cur\"); }\n"
	      "_perfprof_files() {\n"
	      "\tcompopt -o filenames 2>/dev/null\n"
	      "\tmapfile -t COMPREPLY < <(compgen \"${1:--f}\" -- \"$cur\")\n}\n"
	      "# The words from $1 on are another command's.\n"
	      "_perfprof_command() {\n"
	      "\tif declare -F _comp_command_offset >/dev/null; then _comp_command_offset \"$1\"\n"
	      "\telif declare -F _command_offset >/dev/null; then _command_offset \"$1\"\n"
	      "\telif (($1 == COMP_CWORD)); then mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
	      "\telse _perfprof_files; fi\n}\n"
	      "_perfprof() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} i\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [[ $cur == = ]]; then cur=\n"
	      "\telif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD - 2]}; fi\n"
	      "\tif ((COMP_CWORD == 1)); then\n\t\t_perfprof_words '",
	      out);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(out, "%s ", (*c)->brief ? (*c)->name : "");
	fputs("help --help --version'\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in\n", out);
	for (const struct command *const *c = commands; *c; c++)
		put_command(*c, out);
	fputs("\thelp) _perfprof_words '", out);
	for (const struct command *const *c = commands; *c; c++)
		fprintf(out, "%s ", (*c)->name);
	fputs("' ;;\n\tesac\n}\ncomplete -F _perfprof perfprof\n", out);
}
