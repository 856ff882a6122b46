// SPDX-License-Identifier: MIT
#include "sampler/ptrace_restart.h"

#include <stddef.h>

/*
 * Those of signal(7), "Interruption of system calls", that return EINTR even where SA_RESTART is set, as far as they
 * have done nothing when they say so. close(2) and connect(2) are not among them: a second call would
 * do something else. Calls on sockets are here for SO_RCVTIMEO and SO_SNDTIMEO. Numbers:
 * arch/x86/entry/syscalls/syscall_64.tbl and syscall_32.tbl.
 */
static const uint16_t calls_64[] = {
	43,  /* accept */
	44,  /* sendto */
	45,  /* recvfrom */
	46,  /* sendmsg */
	47,  /* recvmsg */
	65,  /* semop */
	128, /* rt_sigtimedwait */
	208, /* io_getevents */
	220, /* semtimedop */
	232, /* epoll_wait */
	281, /* epoll_pwait */
	288, /* accept4 */
	299, /* recvmmsg */
	307, /* sendmmsg */
	333, /* io_pgetevents */
	426, /* io_uring_enter */
	441, /* epoll_pwait2 */
};

static const uint16_t calls_32[] = {
	177, /* rt_sigtimedwait */
	247, /* io_getevents */
	256, /* epoll_wait */
	319, /* epoll_pwait */
	337, /* recvmmsg */
	345, /* sendmmsg */
	364, /* accept4 */
	369, /* sendto */
	370, /* sendmsg */
	371, /* recvfrom */
	372, /* recvmsg */
	385, /* io_pgetevents */
	420, /* semtimedop_time64 */
	421, /* rt_sigtimedwait_time64 */
	426, /* io_uring_enter */
	441, /* epoll_pwait2 */
};

bool ptrace_restart_is_possible(bool is_32bit, uint64_t call)
{
	const uint16_t *calls = is_32bit ? calls_32 : calls_64;
	size_t count = is_32bit ? sizeof(calls_32) / sizeof(calls_32[0])
				: sizeof(calls_64) / sizeof(calls_64[0]);
	for (size_t i = 0; i < count; i++)
		if (calls[i] == call)
			return true;
	return false;
}
