// SPDX-License-Identifier: MIT
#include "session/session.h" /* before cmocka.h, which has a macro fail() */
#include "scripted_sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"

enum { TARGET = 5000001 }; /* a pid that no machine has: /proc says nothing of it */

static int begin(void **state)
{
	(void)state;
	script_begin(NULL, 0);
	alarm(30); /* a test that hangs must end */
	return 0;
}

static int end(void **state)
{
	(void)state;
	alarm(0);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

static struct session_config of_command(char **command)
{
	return (struct session_config){ .command = command,
					.sampler = &scripted_sampler,
					.rate_hz = 999,
					.children = true,
					.kernel = true,
					.inlines = true };
}

static struct session_config of_ourselves(const pid_t *self)
{
	struct session_config c = of_command(NULL);
	c.pids = self;
	c.pid_count = 1;
	c.duration_ns = 20000000;
	return c;
}

static struct session_outcome run(const struct session_config *config, int expected)
{
	struct session *s;
	struct error err = { 0 };
	struct session_outcome outcome;
	assert_int_equal(session_create(config, &s, &err), 0);
	assert_int_equal(session_run(s, &err), expected);
	session_wait(s, &outcome);
	session_destroy(s);
	assert_int_equal(script.destroyed, script.opened);
	return outcome;
}

static void assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void the_commands_status_comes_back(void **state)
{
	(void)state;
	char *command[] = { "/bin/sh", "-c", "exit 3", NULL };
	struct session_config config = of_command(command);
	struct session_outcome outcome = run(&config, 0);
	assert_true(outcome.exited);
	assert_int_equal(WEXITSTATUS(outcome.wait_status), 3);
	assert_int_equal(outcome.exec_errno, 0);
	assert_int_equal(script.armed, 1);
	assert_int_equal(script.disarmed, 1);
	assert_no_child();
}

static void a_command_that_is_not_there_is_said(void **state)
{
	(void)state;
	char *command[] = { "/no/such/program", NULL };
	struct session_config config = of_command(command);
	assert_int_equal(run(&config, -ENOENT).exec_errno, ENOENT);
	assert_no_child();
}

/* @return a command that leaves a file, should it ever run */
static char **tell_tale(char *file)
{
	static char *command[] = { "/usr/bin/touch", NULL, NULL };
	strcpy(file, "/tmp/session_test_XXXXXX");
	int fd = mkstemp(file);
	assert_true(fd >= 0);
	close(fd);
	unlink(file);
	command[1] = file;
	return command;
}

static void what_cannot_be_sampled_does_not_run(void **state)
{
	(void)state;
	char file[64];
	struct session_config config = of_command(tell_tale(file));
	struct session *s;
	struct error err = { 0 };
	script.open_status = -EACCES;
	assert_int_equal(session_create(&config, &s, &err), -EACCES);
	assert_string_equal(err.text, "the script says no");
	assert_no_child();
	assert_int_equal(access(file, F_OK), -1);
}

static void what_cannot_be_covered_does_not_run(void **state)
{
	(void)state;
	char file[64];
	struct session_config config = of_command(tell_tale(file));
	script.on_exec_status = -EMFILE;
	struct session_outcome outcome = run(&config, -EMFILE);
	assert_int_equal(outcome.exec_errno, 0);
	assert_no_child();
	assert_int_equal(access(file, F_OK), -1);
}

static void a_missing_target_is_esrch(void **state)
{
	(void)state;
	pid_t missing[] = { getpid(), TARGET };
	struct session_config config = of_ourselves(missing);
	struct session *s;
	struct error err = { 0 };
	config.pid_count = 2;
	assert_int_equal(session_create(&config, &s, &err), -ESRCH);
	assert_string_equal(err.text, "no process 5000001");
	assert_int_equal(script.opened, 0);
}

static struct profile *profile_of(const struct session_config *config)
{
	struct session *s;
	struct profile *p;
	assert_int_equal(session_create(config, &s, NULL), 0);
	assert_int_equal(session_run(s, NULL), 0);
	assert_int_equal(session_profile(s, &p, NULL), 0);
	session_destroy(s);
	return p;
}

static void records_become_samples(void **state)
{
	(void)state;
	struct record records[] = {
		{ .kind = RECORD_COMM,
		  .time_ns = 1,
		  .pid = TARGET,
		  .tid = TARGET,
		  .comm = { "worker", true } },
		{ .kind = RECORD_SAMPLE,
		  .time_ns = 2,
		  .pid = TARGET,
		  .tid = TARGET,
		  .sample = { .pc = 0x1234,
			      .has_registers = true,
			      .registers[REGISTER_PC] = 0x1234 } },
		{ .kind = RECORD_CPU,
		  .time_ns = 3,
		  .pid = TARGET,
		  .tid = TARGET,
		  .cpu = { 5000000 } },
		{ .kind = RECORD_LOST, .time_ns = 4, .pid = TARGET, .tid = TARGET, .lost = { 7 } },
		{ .kind = RECORD_EXIT, .time_ns = 5, .pid = TARGET, .tid = TARGET },
	};
	script_begin(records, sizeof(records) / sizeof(records[0]));
	const pid_t self = getpid();
	struct session_config config = of_ourselves(&self);
	struct profile *p = profile_of(&config);
	assert_int_equal(profile_total_count(p), 1);
	assert_int_equal(p->meta.lost_samples, 7);
	assert_int_equal(p->sample_count, 1);
	assert_int_equal(p->samples[0].cpu_ns, 5000000);
	assert_string_equal(profile_string(p, p->samples[0].truncated), "no-mapping");
	profile_destroy(p);
}

/* Readers of the capture look at mapping 1 for the program. */
static void the_targets_binary_is_module_1(void **state)
{
	(void)state;
	char self_path[4096] = "";
	assert_true(readlink("/proc/self/exe", self_path, sizeof(self_path) - 1) > 0);
	const pid_t self = getpid();
	struct session_config config = of_ourselves(&self);
	struct profile *p = profile_of(&config);
	assert_int_equal(profile_total_count(p), 0);
	assert_int_equal(p->module_count, 2);
	assert_string_equal(profile_string(p, p->modules[1].path), self_path);
	profile_destroy(p);
}

static void a_rate_that_was_lowered_is_stored(void **state)
{
	(void)state;
	const pid_t self = getpid();
	struct session_config config = of_ourselves(&self);
	config.rate_hz = 5000;
	struct profile *p = profile_of(&config);
	assert_int_equal(p->meta.rate_hz, 999);
	assert_int_equal(p->meta.note_count, 1);
	assert_non_null(strstr(profile_string(p, p->meta.notes[0]), "at 999 Hz, not 5000"));
	profile_destroy(p);
}

static unsigned turns_with_rings_of(uint32_t samples)
{
	const pid_t self = getpid();
	struct session_config config = of_ourselves(&self);
	script_begin(NULL, 0);
	script.pause_ns = NSEC_PER_SEC;
	script.stats.ring_samples = samples;
	config.duration_ns = 300000000;
	profile_destroy(profile_of(&config));
	return script.turns;
}

static void small_rings_are_drained_more_often(void **state)
{
	(void)state;
	/*
	 * In 300 ms; each file of our own that the loader has opened makes a turn more. Seen on a crowded machine: 26 to
	 * 28, and 84 to 121 with small rings.
	 */
	enum { TURNS_AT_10_MS = 31, TURNS_FOR_FILES = 30, TRIES = 20 };
	unsigned most = 0;
	assert_in_range(turns_with_rings_of(250), 1, TURNS_AT_10_MS + TURNS_FOR_FILES);
	for (unsigned i = 0; i < TRIES && most <= TURNS_AT_10_MS + TURNS_FOR_FILES; i++)
		most = turns_with_rings_of(8); /* more than once on a busy machine */
	assert_true(most > TURNS_AT_10_MS + TURNS_FOR_FILES);
}

static void a_command_that_goes_on_keeps_nothing_of_ours(void **state)
{
	(void)state;
	char *command[] = {
		"/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=1", "status=none", NULL
	};
	struct session_config config = of_command(command);
	struct session *s;
	struct profile *p;
	struct session_outcome outcome;
	script.stats.kernel = false;
	config.duration_ns = 700000000;
	assert_int_equal(session_create(&config, &s, NULL), 0);
	assert_int_equal(session_run(s, NULL), 0);
	assert_int_equal(script.destroyed, 1);
	assert_int_equal(session_profile(s, &p, NULL), 0);
	/* It does nothing but system calls; the machine may be busy. */
	assert_in_range(p->meta.unsampled_kernel_ns, 20000000, 800000000);
	profile_destroy(p);
	assert_int_equal(kill(session_target(s), SIGKILL), 0);
	session_wait(s, &outcome);
	assert_int_equal(WTERMSIG(outcome.wait_status), SIGKILL);
	session_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_commands_status_comes_back, begin, end),
		cmocka_unit_test_setup_teardown(a_command_that_is_not_there_is_said, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_sampled_does_not_run, begin, end),
		cmocka_unit_test_setup_teardown(what_cannot_be_covered_does_not_run, begin, end),
		cmocka_unit_test_setup_teardown(a_missing_target_is_esrch, begin, end),
		cmocka_unit_test_setup_teardown(records_become_samples, begin, end),
		cmocka_unit_test_setup_teardown(the_targets_binary_is_module_1, begin, end),
		cmocka_unit_test_setup_teardown(a_rate_that_was_lowered_is_stored, begin, end),
		cmocka_unit_test_setup_teardown(small_rings_are_drained_more_often, begin, end),
		cmocka_unit_test_setup_teardown(a_command_that_goes_on_keeps_nothing_of_ours, begin,
						end),
	};
	return cmocka_run_group_tests_name("session/session", tests, NULL, NULL);
}
