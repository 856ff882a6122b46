// SPDX-License-Identifier: MIT
/* Built twice, as plug_one.so and plug_two.so, with nothing but PLUGIN, the leaf's name, different.
 */
#include "meter.h"

METER_LEAF(PLUGIN)

void run(uint64_t steps);
NOINLINE void run(uint64_t steps)
{
	PLUGIN(steps);
	__asm__ volatile("" ::: "memory");
}
