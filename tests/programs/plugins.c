// SPDX-License-Identifier: MIT
/*
 * Loads, runs and unloads plug-ins in turn, so that they come to lie at equal addresses.
 * usage: plugins ONE.so TWO.so [ROUNDS] [MILLISECONDS a round each]
 * Prints the true nanoseconds of each and at how many different addresses `run` was.
 */
#include <dlfcn.h>

#include "meter.h"

typedef void (*run_function)(uint64_t);

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	int rounds = (int)meter_argument(argc, argv, 3, 10);
	double ns = meter_argument(argc, argv, 4, 50) * 1e6;
	uint64_t spent[2] = { 0 };
	void *seen[64];
	int different = 0;
	for (int i = 0; i < 2 * rounds; i++) {
		void *handle = dlopen(argv[1 + (i & 1)], RTLD_NOW);
		run_function run = handle ? (run_function)dlsym(handle, "run") : NULL;
		if (!run)
			return 1;
		int known = 0;
		for (int k = 0; k < different; k++)
			known |= seen[k] == (void *)run;
		if (!known && different < 64)
			seen[different++] = (void *)run;
		uint64_t start = meter_thread_ns(), now = start;
		while ((double)(now - start) < ns) {
			run(200000);
			now = meter_thread_ns();
		}
		spent[i & 1] += now - start;
		dlclose(handle);
	}
	printf("{\"plug_one\": %llu, \"plug_two\": %llu, \"addresses\": %d}\n",
	       (unsigned long long)spent[0], (unsigned long long)spent[1], different);
	return 0;
}
