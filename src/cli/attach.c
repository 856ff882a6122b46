// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/recording.h"
#include "process/descendants.h"

static const struct option attach_options[] = {
	RECORDING_OPTION(OPTION_LIST, 'p', "pid", "PID[,PID...]", pids, "the processes to profile"),
	RECORDING_OPTIONS,
	OPTION_END,
};

bool attach_is_meant(char **argv)
{
	struct command command = attach_command;
	struct recording_options options = RECORDING_DEFAULTS;
	struct arguments arguments;
	size_t count = 0;
	while (argv[count])
		count++;
	/* A copy: parsing moves words, and those behind the first one are a command's own. */
	_cleanup_free_ char **copy = malloc((count + 1) * sizeof(*copy));
	if (!copy)
		return false;
	memcpy(copy, argv, (count + 1) * sizeof(*copy));
	command.stops_at_first_word = true;
	options_parse(&command, copy, &options, &arguments, NULL);
	return options.pids.count > 0;
}

static int add_pids(const char *text, pid_list *out, struct error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy, *word;
	while (rest && (word = strsep(&rest, ","))) {
		uint32_t pid;
		if (parse_uint(word, 1, INT32_MAX, &pid) < 0)
			return fail(err, -EINVAL,
				    "-p wants process ids like 4711 or 4711,4712, not '%s'", text);
		if (!vec_push(out, (pid_t)pid))
			return fail(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static int collect_pids(const struct recording_options *options, const struct arguments *arguments,
			pid_list *out, struct error *err)
{
	if (arguments->count)
		return fail(err, -EINVAL, "attach takes no '%s'; name processes with -p PID",
			    arguments->at[0]);
	if (!options->pids.count)
		return fail(err, -EINVAL, "no process to profile; say 'perfprof attach -p PID'");
	for (size_t i = 0; i < options->pids.count; i++) {
		int r = add_pids(options->pids.at[i], out, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int attach(struct session_config *config, const struct recording_options *options,
		  struct outputs *outputs)
{
	struct error err = { 0 };
	struct session *s;
	struct recording_journal journal;
	int r = session_create(config, &s, &err);
	if (r < 0)
		return complain(STATUS_MISSING, &err);
	r = recording_begin(config, options, outputs, config->pids[0], &journal, &err);
	if (r == 0)
		r = session_run(s, &err);
	if (r == 0)
		r = recording_write(s, options, outputs, config->pids[0], &err);
	session_destroy(s);
	int status = r < 0 ? complain(STATUS_MISSING, &err) : STATUS_DONE;
	recording_end(&journal, outputs, r < 0);
	return status;
}

static int cmd_attach(char **argv)
{
	struct recording_options options = RECORDING_DEFAULTS;
	struct arguments arguments;
	struct error err = { 0 };
	if (options_parse(&attach_command, argv, &options, &arguments, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (arguments.help)
		return show_help(&attach_command);
	pid_list pids = { 0 };
	struct outputs outputs;
	int r = collect_pids(&options, &arguments, &pids, &err);
	struct session_config config = { .pids = pids.at, .pid_count = pids.count };
	if (r == 0)
		r = recording_prepare(&options, &config, &outputs, &err);
	int status = r == 0 ? attach(&config, &options, &outputs)
			    : complain(r == -EINVAL ? STATUS_USAGE : STATUS_MISSING, &err);
	vec_free(&pids);
	return status;
}

const struct command attach_command = {
	.name = "attach",
	.main = cmd_attach,
	.brief = "profile live processes",
	.usage = "attach -p PID[,PID...] [OPTIONS]",
	.summary = "Profiles live processes with all their threads and children until -d, ^C, or "
		   "their\n"
		   "end. Nothing of ours runs in them; they go on as before.",
	.options = attach_options,
	.epilog = "examples:\n"
		  "  perfprof attach -p 4711 -d 10 -o profile.svg\n"
		  "  perfprof attach -p $(pgrep -d, nginx) -d 30s\n",
};

/* As fingers know it from perf and samply: of processes (-p) or of a command. */
static int cmd_record(char **argv)
{
	return attach_is_meant(argv) ? cmd_attach(argv) : run_command.main(argv);
}

const struct command record_command = {
	.name = "record",
	.main = cmd_record,
	.usage = "record [OPTIONS] -- CMD [ARG...] | -p PID[,PID...]",
	.summary = "'run', or 'attach' where -p is given.",
	.options = attach_options,
	.stops_at_first_word = true,
};
