// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "cli/recording.h"
#include "cli/run_user.h"

static const struct option run_options[] = {
	RECORDING_OPTIONS,
	RECORDING_OPTION(OPTION_UINT, 0, "repeat", "N", repeat,
			 "run CMD N times (1), until one fails, and keep the runs apart in one "
			 "capture"),
	RECORDING_OPTION(OPTION_STRING, 'u', "user", "USER", user,
			 "run CMD as USER, with their groups, HOME, USER, LOGNAME and SHELL "
			 "(root only)"),
	OPTION_END,
};

static int status_of(const struct session_outcome *outcome)
{
	if (outcome->gave_up)
		return STATUS_GAVE_UP;
	if (WIFSIGNALED(outcome->wait_status))
		return STATUS_SIGNAL_BASE + WTERMSIG(outcome->wait_status);
	return WEXITSTATUS(outcome->wait_status);
}

static int failed_to_start(struct session *s, const struct error *err)
{
	struct session_outcome outcome;
	session_wait(s, &outcome);
	session_destroy(s);
	int status = outcome.exited || outcome.gave_up ? status_of(&outcome) : 0;
	if (!outcome.exec_errno)
		return complain(status ? status : STATUS_OURS, err);
	bool missing = outcome.exec_errno == ENOENT || outcome.exec_errno == ENOTDIR;
	return complain(missing ? STATUS_NOT_FOUND : STATUS_NOT_EXECUTABLE, err);
}

/* The kernel removes events from a program that is more than its caller: begin_new_exec(), fs/exec.c. */
static void say_what_is_hidden(const struct session_config *config)
{
	note("'%s' runs with another user's rights (set-user-ID): the kernel removes our events "
	     "then, and what it does was not sampled; %s",
	     config->command[0],
	     config->user ? "leave -u out, or take '--backend bpf', which does without them"
			  : "run 'sudo perfprof ...'");
}

static int run(struct session_config *config, const struct recording_options *options,
	       struct outputs *outputs)
{
	struct error err = { 0 };
	struct session *s;
	struct recording_journal journal;
	if (session_create(config, &s, &err) < 0)
		return complain(STATUS_OURS, &err);
	int written = recording_begin(config, options, outputs, session_target(s), &journal, &err);
	if (written < 0 || session_run(s, &err) < 0) {
		int failed = failed_to_start(s, &err);
		recording_end(&journal, outputs, true);
		return failed;
	}
	written = recording_write(s, options, outputs, session_target(s), &err);
	if (written < 0)
		complain(STATUS_OURS, &err);
	recording_end(&journal, outputs, written < 0);
	struct session_outcome outcome;
	session_wait(s, &outcome);
	session_destroy(s);
	int status = status_of(&outcome);
	if (outcome.hidden && !options->quiet)
		say_what_is_hidden(config);
	return written < 0 && status == 0 ? STATUS_OURS : status;
}

static int cmd_run(char **argv)
{
	struct recording_options options = RECORDING_DEFAULTS;
	struct arguments arguments;
	struct error err = { 0 };
	if (options_parse(&run_command, argv, &options, &arguments, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (arguments.help)
		return show_help(&run_command);
	if (!arguments.count) {
		fail(&err, -EINVAL, "no command to run; say 'perfprof run -- CMD [ARG...]'");
		return complain(STATUS_USAGE, &err);
	}
	struct session_config config = { .command = arguments.at, .runs = options.repeat };
	struct outputs outputs;
	struct run_user user = { 0 };
	int r = options.user ? run_user_find(options.user, &user, &err) : 0;
	config.user = options.user ? &user.child : NULL;
	if (r == 0)
		r = recording_prepare(&options, &config, &outputs, &err);
	int status = r == 0 ? run(&config, &options, &outputs)
			    : complain(r == -EINVAL ? STATUS_USAGE : STATUS_OURS, &err);
	run_user_deinit(&user);
	return status;
}

const struct command run_command = {
	.name = "run",
	.main = cmd_run,
	.brief = "run a command and profile it with all its children",
	.usage = "run [OPTIONS] -- CMD [ARG...]",
	.summary = "Runs CMD and profiles it and all its children from their first instruction.\n"
		   "Exits with CMD's status (128+N if it died by signal N).",
	.options = run_options,
	.epilog = "examples:\n"
		  "  perfprof run -- ./benchmark --size 1000\n"
		  "  perfprof run -o profile.svg -o profile.pb.gz -- make -j4\n"
		  "  sudo perfprof run -u $USER -- ./benchmark\n",
	.stops_at_first_word = true,
};
