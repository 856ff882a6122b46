// SPDX-License-Identifier: MIT
#include "cli/accuracy_work.h"

#include <errno.h>
#include <link.h>

#include "base/clock.h"
#include "base/file.h"

enum { CYCLE_NS = 7000000, CALIBRATION_STEPS = 200000 };
static const uint64_t WORK_NS = 2 * NSEC_PER_SEC;

#ifdef __clang__
#define KEPT_WHOLE __attribute__((noinline))
#else
#define KEPT_WHOLE __attribute__((noinline, noclone))
#endif

/* Nothing in it is called, and nothing can be left out. */
#define WORK_FUNCTION(name)                             \
	KEPT_WHOLE static void name(uint64_t steps)     \
	{                                               \
		uint64_t x = steps;                     \
		for (uint64_t i = 0; i < steps; i++) {  \
			x = x * 3 + 1;                  \
			__asm__ volatile("" : "+r"(x)); \
		}                                       \
	}

WORK_FUNCTION(accuracy_alpha)
WORK_FUNCTION(accuracy_beta)
WORK_FUNCTION(accuracy_gamma)
WORK_FUNCTION(accuracy_delta)
WORK_FUNCTION(accuracy_epsilon)

static const struct {
	const char *name;
	void (*work)(uint64_t steps);
	unsigned percent; /* about; the clock tells */
} functions[ACCURACY_FUNCTIONS] = {
	{ "accuracy_alpha", accuracy_alpha, 45 },    { "accuracy_beta", accuracy_beta, 25 },
	{ "accuracy_gamma", accuracy_gamma, 16 },    { "accuracy_delta", accuracy_delta, 10 },
	{ "accuracy_epsilon", accuracy_epsilon, 4 },
};

static uint64_t steps_for(uint64_t ns)
{
	uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	accuracy_alpha(CALIBRATION_STEPS);
	uint64_t took_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
	return ns * CALIBRATION_STEPS / (took_ns ? took_ns : 1) + 1;
}

static uint64_t one_cycle(uint64_t steps, uint64_t at_ns, struct accuracy_truth *truth)
{
	for (unsigned i = 0; i < ACCURACY_FUNCTIONS; i++) {
		functions[i].work(steps * functions[i].percent / 100);
		uint64_t now_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		truth->function_ns[i] += now_ns - at_ns;
		at_ns = now_ns;
	}
	return at_ns;
}

int accuracy_work(int fd)
{
	struct accuracy_truth truth = { 0 };
	uint64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t steps = steps_for(CYCLE_NS), begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	truth.function_ns[0] = begin_ns - before_ns; /* it calibrated with the first */
	for (uint64_t at_ns = begin_ns; at_ns - begin_ns < WORK_NS;)
		at_ns = one_cycle(steps, at_ns, &truth);
	truth.process_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	return write_all(fd, &truth, sizeof(truth), NULL) < 0 ? EIO : 0;
}

const char *accuracy_function_name(unsigned i)
{
	return functions[i].name;
}

/* The program itself comes first: dl_iterate_phdr(3). */
static int take_bias(struct dl_phdr_info *info, size_t size, void *out)
{
	(void)size;
	*(uint64_t *)out = info->dlpi_addr;
	return 1;
}

uint64_t accuracy_function_vaddr(unsigned i)
{
	uint64_t bias = 0;
	dl_iterate_phdr(take_bias, &bias);
	return (uint64_t)(uintptr_t)functions[i].work - bias;
}
