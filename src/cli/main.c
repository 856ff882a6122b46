// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct {
	const char *name;
	int (*main)(char **argv); /* NULL: a later version has it */
	const char *summary;
} commands[] = {
	{ "run", cmd_run, "run a command and profile it with all its children" },
	{ "attach", cmd_attach, "profile live processes" },
	{ "report", cmd_report, "the hot-spot report of a profile" },
	{ "flame", cmd_flame, "a flame graph of a profile" },
	{ "check", cmd_check, "what this machine permits, and what mends what is missing" },
	{ "diff", NULL, NULL },
	{ "review", NULL, NULL },
	{ "diagnose", NULL, NULL },
	{ "scale", NULL, NULL },
	{ "convert", NULL, NULL },
	{ "top", NULL, NULL },
	{ "annotate", NULL, NULL },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void help(FILE *out)
{
	fputs("perfprof: a sampling profiler with flame graphs\n\n"
	      "Where does this live process spend its time?\n"
	      "  perfprof attach -p 4711 -d 10 -o profile.svg\n"
	      "What did this benchmark spend its time on?\n"
	      "  perfprof run -- ./benchmark\n"
	      "  perfprof report perfprof.pb.gz\n"
	      "  perfprof flame perfprof.pb.gz -o profile.svg\n\n"
	      "commands:\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].main)
			fprintf(out, "  %-8s  %s\n", commands[i].name, commands[i].summary);
	fputs("\n'perfprof COMMAND --help' lists a command's options.\n", out);
}

/* `record`, as fingers know it from perf and samply: of processes (-p) or of a command. */
static int cmd_record(char **argv)
{
	return attach_is_meant(argv) ? cmd_attach(argv) : cmd_run(argv);
}

/*
 * Nothing of ours may become descriptor 0, 1 or 2: a message would go into a ring or a capture. As in
 * GNU's stdopen, each opens so that its use fails; CMD finds it closed, as without us.
 */
static int keep_standard_descriptors(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		int flags = (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC;
		if (open("/dev/null", flags) != fd)
			return STATUS_OURS;
	}
	return STATUS_DONE;
}

static int unknown_command(const char *word)
{
	const char *names[COMMAND_COUNT + 1] = { NULL };
	size_t n = 0;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].main)
			names[n++] = commands[i].name;
	const char *near = nearest_word(word, names);
	if (near)
		note("unknown command '%s'; did you mean '%s'?", word, near);
	else
		note("unknown command '%s'; see 'perfprof --help'", word);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	int status = keep_standard_descriptors();
	if (status)
		return status;
	if (argc < 2) {
		note("no command; say 'perfprof run -- CMD', 'perfprof attach -p PID' or 'perfprof "
		     "--help'");
		return STATUS_USAGE;
	}
	const char *word = argv[1];
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help")) {
		help(stdout);
		return STATUS_DONE;
	}
	if (!strcmp(word, "--version")) {
		puts("perfprof " PERFPROF_VERSION);
		return STATUS_DONE;
	}
	if (!strcmp(word, "record"))
		return cmd_record(argv + 1);
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(word, commands[i].name) != 0)
			continue;
		if (commands[i].main)
			return commands[i].main(argv + 1);
		note("'%s' is not in this version", word);
		return STATUS_USAGE;
	}
	return unknown_command(word);
}
