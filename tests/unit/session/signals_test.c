// SPDX-License-Identifier: MIT
#include "session/signals.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static int begin(void **state)
{
	static struct signals s;
	*state = &s;
	return signals_init(&s, NULL);
}

static int end(void **state)
{
	signals_deinit(*state);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	return 0;
}

/* @return a child that ends with the number of the first signal that it gets */
static pid_t listener(void)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	sigset_t all; /* blocked by signals_init() already: none is missed */
	int number = 0;
	sigfillset(&all);
	sigwait(&all, &number);
	_exit(number);
}

static enum signal_action take(struct signals *s, pid_t child)
{
	enum signal_action action;
	assert_true(signals_take(s, child, &action));
	return action;
}

/* As the terminal driver sends it: the kernel lets nobody claim that but to himself. */
static void from_the_terminal(int number)
{
	siginfo_t info = { .si_code = SI_KERNEL, .si_signo = number };
	assert_int_equal(syscall(SYS_rt_sigqueueinfo, getpid(), number, &info), 0);
}

static void what_a_process_sends_is_passed_on(void **state)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		pid_t child = listener();
		int status;
		kill(getpid(), numbers[i]);
		assert_int_equal(take(*state, child), SIGNAL_NONE);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(WEXITSTATUS(status), numbers[i]);
		assert_int_equal(take(*state, 0), SIGNAL_CHILD);
	}
}

static void what_the_terminal_sends_the_child_has_already(void **state)
{
	pid_t child = listener();
	int status;
	from_the_terminal(SIGINT);
	assert_int_equal(take(*state, child), SIGNAL_NONE);
	from_the_terminal(SIGQUIT);
	assert_int_equal(take(*state, child), SIGNAL_NONE);
	from_the_terminal(SIGINT);
	assert_int_equal(take(*state, child), SIGNAL_GIVE_UP);
	kill(child, SIGUSR1); /* the first that it gets */
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), SIGUSR1);
}

static void attach_stops(void **state)
{
	enum signal_action action;
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		kill(getpid(), numbers[i]);
		assert_int_equal(take(*state, 0), SIGNAL_STOP);
	}
	kill(getpid(), SIGUSR1);
	assert_int_equal(take(*state, 0), SIGNAL_NONE);
	assert_false(signals_take(*state, 0, &action));
}

/* The caller may have left it ignored: then nobody could learn how CMD ended. */
static void sigchld_is_not_ignored(void **state)
{
	struct sigaction action;
	signals_deinit(*state);
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(signals_init(*state, NULL), 0);
	assert_int_equal(sigaction(SIGCHLD, NULL, &action), 0);
	assert_ptr_equal(action.sa_handler, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_process_sends_is_passed_on, begin, end),
		cmocka_unit_test_setup_teardown(what_the_terminal_sends_the_child_has_already,
						begin, end),
		cmocka_unit_test_setup_teardown(attach_stops, begin, end),
		cmocka_unit_test_setup_teardown(sigchld_is_not_ignored, begin, end),
	};
	return cmocka_run_group_tests_name("session/signals", tests, NULL, NULL);
}
