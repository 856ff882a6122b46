// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* What a later version has: who tries one is told so. */
static const char *const later[] = {
	"review", "diagnose", "scale", "top", NULL,
};

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
	for (const struct command *const *c = commands; *c; c++)
		if ((*c)->brief)
			fprintf(out, "  %-10s  %s\n", (*c)->name, (*c)->brief);
	fputs("\n'perfprof COMMAND --help' lists a command's options; 'perfprof --version' says "
	      "which this is.\n",
	      out);
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
	enum { COMMANDS_MAX = 64 };
	const char *names[COMMANDS_MAX + 1] = { NULL };
	size_t n = 0;
	for (const char *const *name = later; *name; name++)
		if (!strcmp(word, *name)) {
			note("'%s' is not in this version", word);
			return STATUS_USAGE;
		}
	for (const struct command *const *c = commands; *c && n < COMMANDS_MAX; c++)
		names[n++] = (*c)->name;
	const char *near = nearest_word(word, names);
	if (near)
		note("unknown command '%s'; did you mean '%s'?", word, near);
	else
		note("unknown command '%s'; see 'perfprof --help'", word);
	return STATUS_USAGE;
}

/* `perfprof help`, `perfprof help report`. */
static int help_about(const char *name)
{
	if (!name) {
		help(stdout);
		return STATUS_DONE;
	}
	if (!strcmp(name, "--tables"))
		return show_tables();
	const struct command *c = command_find(name);
	return c ? show_help(c) : unknown_command(name);
}

/* What stdio still holds may not fit on a disk: that must not look like an empty answer. */
static int flush_output(const char *word, int status)
{
	struct error err = { 0 };
	if (fflush(stdout) == 0 || errno == EPIPE || status != STATUS_DONE)
		return status;
	fail_errno(&err, "standard output: cannot write");
	return complain(!strcmp(word, run_command.name) ? STATUS_OURS : STATUS_MISSING, &err);
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
	const struct command *c = command_find(word);
	if (!strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help"))
		status = help_about(argv[2]);
	else if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		puts("perfprof " PERFPROF_VERSION);
	else
		status = c ? c->main(argv + 1) : unknown_command(word);
	return flush_output(word, status);
}
