// SPDX-License-Identifier: MIT
#include "cli/completion.h"

#include <errno.h>
#include <string.h>

enum completion_kind completion_kind_of(const struct option *o)
{
	if (o->words)
		return COMPLETE_WORDS;
	if (!o->argument)
		return COMPLETE_NOTHING;
	if (!strncmp(o->argument, "FILE", 4))
		return COMPLETE_FILES;
	if (!strncmp(o->argument, "PATH", 4))
		return COMPLETE_FOLDERS;
	return strncmp(o->argument, "PID", 3) ? COMPLETE_NOTHING : COMPLETE_PIDS;
}

enum completion_kind completion_operands(const struct command *c)
{
	if (c->operands)
		return COMPLETE_WORDS;
	return strstr(c->usage, "CAPTURE") || strstr(c->usage, " IN") ? COMPLETE_FILES
								      : COMPLETE_NOTHING;
}

void completion_words(const struct option *o, const char *before, FILE *out)
{
	for (const char *const *w = o->words->at; *w; w++)
		fprintf(out, "%s%s", w == o->words->at ? "" : before, *w);
}

static const char *const shells[] = { "bash", "zsh", "fish", NULL };
static const struct option_words shell_words = { .at = shells };

static const struct option completion_options[] = { OPTION_END };

static int cmd_completion(char **argv)
{
	static void (*const scripts[])(FILE * out) = { completion_bash, completion_zsh,
						       completion_fish };
	struct arguments arguments;
	struct error err = { 0 };
	if (options_parse(&completion_command, argv, NULL, &arguments, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (arguments.help)
		return show_help(&completion_command);
	for (size_t i = 0; arguments.count == 1 && shells[i]; i++)
		if (!strcmp(arguments.at[0], shells[i])) {
			scripts[i](stdout);
			return STATUS_DONE;
		}
	const char *near = arguments.count == 1 ? nearest_word(arguments.at[0], shells) : NULL;
	if (near)
		fail(&err, -EINVAL, "completion knows no '%s'; did you mean '%s'?", arguments.at[0],
		     near);
	else
		fail(&err, -EINVAL, "completion wants one of bash, zsh, fish");
	return complain(STATUS_USAGE, &err);
}

const struct command completion_command = {
	.name = "completion",
	.main = cmd_completion,
	.brief = "a script that makes a shell complete these words",
	.usage = "completion bash|zsh|fish",
	.summary = "Prints a script that makes a shell complete the commands, options and values "
		   "of perfprof. 'make install' and the packages put it where the shells look.",
	.options = completion_options,
	.operands = &shell_words,
	.epilog = "examples:\n"
		  "  source <(perfprof completion bash)\n"
		  "  perfprof completion zsh > \"${fpath[1]}/_perfprof\"\n"
		  "  perfprof completion fish > ~/.config/fish/completions/perfprof.fish\n",
};
