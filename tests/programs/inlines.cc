// SPDX-License-Identifier: MIT
// Templates, a namespace, a lambda, a virtual call, and one function inlined into another.
// usage: inlines [SECONDS of CPU time]
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace shop
{
// Inlined into Counter<>::run, of which it is nearly all the cost.
static inline __attribute__((always_inline)) void hot_inline(uint64_t steps)
{
	uint64_t x = steps;
	for (uint64_t i = 0; i < steps; i++) {
		x = x * 3 + 1;
		__asm__ volatile("" : "+r"(x));
	}
}

struct Base {
	virtual ~Base() = default;
	virtual void run(uint64_t steps) = 0;
};

template <typename T, int N> struct Counter : Base {
	T value{};
	__attribute__((noinline)) void run(uint64_t steps) override
	{
		hot_inline(steps);
		value += N;
	}
};
} // namespace shop

static uint64_t thread_ns()
{
	timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return uint64_t(t.tv_sec) * 1000000000u + uint64_t(t.tv_nsec);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	shop::Base *counter = new shop::Counter<unsigned long, 7>;
	auto work = [counter](uint64_t steps) __attribute__((noinline)) {
		counter->run(steps);
		__asm__ volatile("" ::: "memory");
	};
	uint64_t start = thread_ns();
	while (double(thread_ns() - start) < seconds * 1e9)
		work(3000000);
	delete counter;
}
