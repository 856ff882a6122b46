// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/recording.h"
#include "process/cgroup.h"
#include "process/descendants.h"

static const struct option attach_options[] = {
	RECORDING_OPTION(OPTION_LIST, 'p', "pid", "PID[,PID...]", pids, "the processes to profile"),
	RECORDING_OPTION(OPTION_STRING, 0, "cgroup", "PATH", cgroup,
			 "the processes of a control group and of those below it"),
	RECORDING_OPTION(OPTION_FLAG, 'a', "all", NULL, system,
			 "the whole system, without its idle task"),
	RECORDING_OPTION(OPTION_FLAG, 0, "all-cpus", NULL, system, NULL),
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
	return options.pids.count > 0 || options.system || options.cgroup;
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

/* As perf has it, `record -p PID -- sleep 5` goes on until the command ends. */
static int check_rest(bool is_record, const struct arguments *arguments, struct error *err)
{
	if (!arguments->count || is_record)
		return 0;
	return fail(err, -EINVAL,
		    "attach takes no '%s'; name processes with -p PID, and with -d TIME how long",
		    arguments->at[0]);
}

/* Exactly one kind of target. */
static int check_targets(const struct recording_options *o, struct error *err)
{
	int kinds = (o->pids.count > 0) + o->system + (o->cgroup != NULL);
	if (!kinds)
		return fail(
			err, -EINVAL,
			"no process to profile; say 'perfprof attach -p PID', '--cgroup PATH' or "
			"'-a'");
	if (kinds > 1)
		return fail(err, -EINVAL, "-p, --cgroup and -a exclude each other");
	if (!o->pids.count && !o->children)
		return fail(err, -EINVAL, "--no-children makes no sense with %s: leave it out",
			    o->system ? "-a" : "--cgroup");
	return 0;
}

struct attachment {
	pid_list pids;
	struct cgroup cgroup;
	struct session_config config;
	struct outputs outputs;
};

static int find_targets(struct attachment *a, const struct recording_options *o, struct error *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < o->pids.count; i++)
		r = add_pids(o->pids.at[i], &a->pids, err);
	if (r == 0 && o->cgroup)
		r = cgroup_open(o->cgroup, &a->cgroup, err);
	a->config.pids = a->pids.at;
	a->config.pid_count = a->pids.count;
	a->config.system = o->system;
	a->config.cgroup = o->cgroup ? &a->cgroup : NULL;
	a->config.cgroup_name = o->cgroup;
	return r;
}

static int status_of(const struct session_outcome *outcome)
{
	if (!outcome->exec_errno)
		return STATUS_MISSING;
	bool missing = outcome->exec_errno == ENOENT || outcome->exec_errno == ENOTDIR;
	return missing ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE;
}

static int attach(struct attachment *a, const struct recording_options *options)
{
	struct error err = { 0 };
	struct session *s;
	struct recording_journal journal;
	int r = session_create(&a->config, &s, &err);
	if (r < 0)
		return complain(STATUS_MISSING, &err);
	r = recording_begin(&a->config, options, &a->outputs, session_target(s), &journal, &err);
	if (r == 0)
		r = session_run(s, &err);
	if (r == 0)
		r = recording_write(s, options, &a->outputs, session_target(s), &err);
	struct session_outcome outcome;
	session_wait(s, &outcome);
	session_destroy(s);
	if (r == 0 && outcome.turns && !options->quiet)
		note("%u threads shared the events of %u by turns, for want of file descriptors: "
		     "the report says what helps",
		     outcome.threads_sharing, outcome.turns);
	int status = r < 0 ? complain(status_of(&outcome), &err) : STATUS_DONE;
	recording_end(&journal, &a->outputs, r < 0);
	return status;
}

static int cmd_attach(char **argv)
{
	struct recording_options options = RECORDING_DEFAULTS;
	struct arguments arguments;
	struct error err = { 0 };
	struct command command = attach_command;
	bool is_record = !strcmp(argv[0], record_command.name); /* parsing moves words there */
	command.stops_at_first_word = is_record;
	if (options_parse(&command, argv, &options, &arguments, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (arguments.help)
		return show_help(&attach_command);
	struct attachment a = { .cgroup = { .fd = -1 } };
	int r = check_rest(is_record, &arguments, &err);
	if (r == 0)
		r = check_targets(&options, &err);
	if (r == 0)
		r = find_targets(&a, &options, &err);
	if (arguments.count)
		a.config.until = arguments.at;
	if (r == 0)
		r = recording_prepare(&options, &a.config, &a.outputs, &err);
	int status = r == 0 ? attach(&a, &options)
			    : complain(r == -EINVAL ? STATUS_USAGE : STATUS_MISSING, &err);
	vec_free(&a.pids);
	cgroup_close(&a.cgroup);
	outputs_deinit(&a.outputs);
	return status;
}

const struct command attach_command = {
	.name = "attach",
	.main = cmd_attach,
	.brief = "profile live processes",
	.usage = "attach -p PID[,PID...] | --cgroup PATH | -a [OPTIONS]",
	.summary = "Profiles live processes with all their threads and children until -d, ^C, or "
		   "their\n"
		   "end. Nothing of ours runs in them; they go on as before.",
	.options = attach_options,
	.epilog = "examples:\n"
		  "  perfprof attach -p 4711 -d 10 -o profile.svg\n"
		  "  perfprof attach -p $(pgrep -d, nginx) -d 30s\n"
		  "  perfprof attach --cgroup /system.slice/nginx.service -d 30s\n"
		  "  perfprof attach -a -d 10 -o profile.svg\n",
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
