// SPDX-License-Identifier: MIT
#include "sampler/ptrace_ring.h"

#include "sampler/ptrace_refusal.h"

#include <setjmp.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <sys/syscall.h>
#include <cmocka.h>

#include "sampler/ptrace_restart.h"

enum { RING_BYTES = 64 << 10 };

static struct record sample_of(pid_t tid)
{
	return (struct record){ .kind = RECORD_SAMPLE, .tid = tid };
}

/* Many more records than fit, of all sizes: each comes out as it went in, in order. */
static void test_records_come_out_in_order(void **state)
{
	(void)state;
	struct ptrace_ring ring;
	uint8_t stack[5000];
	pid_t written = 0, read = 0;
	assert_int_equal(ptrace_ring_init(&ring, RING_BYTES), 0);
	assert_null(ptrace_ring_peek(&ring));
	while (read < 20000) {
		size_t bytes = (size_t)(written * 7919) % sizeof(stack);
		struct record record = sample_of(written);
		memset(stack, written & 0xff, bytes);
		record.sample.stack_size_bytes = (uint32_t)bytes;
		if (ptrace_ring_write(&ring, &record, stack, bytes, 0)) {
			written++;
			continue;
		}
		for (const struct record *r; (r = ptrace_ring_peek(&ring)); read++) {
			assert_int_equal(r->tid, read);
			for (uint32_t i = 0; i < r->sample.stack_size_bytes; i++)
				assert_int_equal(r->sample.stack[i], read & 0xff);
			ptrace_ring_release(&ring);
		}
	}
	ptrace_ring_deinit(&ring);
}

/* Samples leave room to what must not be lost. */
static void test_room_is_left(void **state)
{
	(void)state;
	struct ptrace_ring ring;
	struct record sample = sample_of(1), comm = { .kind = RECORD_COMM };
	assert_int_equal(ptrace_ring_init(&ring, RING_BYTES), 0);
	while (ptrace_ring_write(&ring, &sample, NULL, 0, RING_BYTES / 2))
		;
	assert_true(ptrace_ring_write(&ring, &comm, "name", 5, 0));
	const struct record *last = NULL;
	for (const struct record *r; (r = ptrace_ring_peek(&ring)); ptrace_ring_release(&ring))
		last = r;
	assert_non_null(last);
	assert_int_equal(last->kind, RECORD_COMM);
	assert_string_equal(last->comm.comm, "name");
	ptrace_ring_deinit(&ring);
}

static void test_which_calls_are_begun_again(void **state)
{
	(void)state;
	assert_true(ptrace_restart_is_possible(false, SYS_epoll_wait));
	assert_true(ptrace_restart_is_possible(false, SYS_epoll_pwait));
	assert_true(ptrace_restart_is_possible(false, SYS_semtimedop));
	assert_true(ptrace_restart_is_possible(false, SYS_semop));
	assert_true(ptrace_restart_is_possible(false, SYS_rt_sigtimedwait));
	assert_true(ptrace_restart_is_possible(false, SYS_io_getevents));
	assert_true(ptrace_restart_is_possible(false, SYS_recvfrom));
	assert_true(ptrace_restart_is_possible(true, 256)); /* epoll_wait */
	/* What they have done once they must not do twice. */
	assert_false(ptrace_restart_is_possible(false, SYS_close));
	assert_false(ptrace_restart_is_possible(false, SYS_connect));
	assert_false(ptrace_restart_is_possible(true, SYS_epoll_wait)); /* another call there */
}

static const char *refusal(const struct rights *rights, const struct process_owner *owner,
			   pid_t tracer, int code)
{
	static struct error err;
	struct ptrace_refusal r = {
		.rights = rights, .owner = owner, .pid = 4711, .tracer_pid = tracer, .code = code
	};
	assert_int_equal(ptrace_refusal_explain(&r, &err), code);
	return err.text;
}

static void test_refusals_name_the_right_and_what_grants_it(void **state)
{
	(void)state;
	struct rights user = { .euid = 1000 }, yama = { .euid = 1000, .ptrace_scope = 1 };
	struct process_owner mine = { .known = true, .same_user = true };
	struct process_owner roots = { .known = true, .name = "root" };
	assert_non_null(strstr(refusal(&yama, &mine, 0, -EPERM), "ptrace_scope is 1"));
	assert_non_null(
		strstr(refusal(&yama, &mine, 0, -EPERM), "sudo sysctl kernel.yama.ptrace_scope=0"));
	assert_non_null(
		strstr(refusal(&user, &roots, 0, -EPERM), "belongs to root; run 'sudo perfprof"));
	assert_non_null(strstr(refusal(&user, &mine, 42, -EPERM), "process 42 traces it already"));
	assert_non_null(strstr(refusal(&user, &mine, 0, -ESRCH), "no process 4711"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_come_out_in_order),
		cmocka_unit_test(test_room_is_left),
		cmocka_unit_test(test_which_calls_are_begun_again),
		cmocka_unit_test(test_refusals_name_the_right_and_what_grants_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
