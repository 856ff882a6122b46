// SPDX-License-Identifier: MIT
/*
 * A fixed amount of work in six functions. usage: change MILLIONS [NAME=PERCENT...]
 * MILLIONS of steps are shared out: parse 30 %, match 25 %, copy 20 %, sort 15 %, hash 8 %, close 2 %; PERCENT
 * says how much of its share a function does (100). Prints the true nanoseconds of each.
 */
#include "meter.h"

METER_LEAF(parse)
METER_LEAF(match)
METER_LEAF(copy)
METER_LEAF(sort)
METER_LEAF(hash)
METER_LEAF(close_all)

enum { KINDS = 6, ROUNDS = 1000 };
static struct {
	const char *name;
	void (*work)(uint64_t);
	double part, percent;
	uint64_t spent_ns;
} kinds[KINDS] = { { "parse", parse, 0.30, 100, 0 }, { "match", match, 0.25, 100, 0 },
		   { "copy", copy, 0.20, 100, 0 },   { "sort", sort, 0.15, 100, 0 },
		   { "hash", hash, 0.08, 100, 0 },   { "close_all", close_all, 0.02, 100, 0 } };

int main(int argc, char **argv)
{
	double steps = meter_argument(argc, argv, 1, 100) * 1e6 / ROUNDS;
	for (int i = 2; i < argc; i++)
		for (int k = 0; k < KINDS; k++) {
			size_t n = strlen(kinds[k].name);
			if (!strncmp(argv[i], kinds[k].name, n) && argv[i][n] == '=')
				kinds[k].percent = atof(argv[i] + n + 1);
		}
	for (int round = 0; round < ROUNDS; round++)
		for (int k = 0; k < KINDS; k++) {
			uint64_t before = meter_thread_ns();
			kinds[k].work((uint64_t)(steps * kinds[k].part * kinds[k].percent / 100));
			kinds[k].spent_ns += meter_thread_ns() - before;
		}
	printf("{");
	for (int k = 0; k < KINDS; k++)
		printf("%s\"%s\": %llu", k ? ", " : "", kinds[k].name,
		       (unsigned long long)kinds[k].spent_ns);
	puts("}");
	return 0;
}
