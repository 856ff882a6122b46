// SPDX-License-Identifier: MIT
#include "sampler/sampler.h"

#include <string.h>

const struct sampler_ops *sampler_find(const char *name)
{
	static const struct sampler_ops *const all[] = {
#ifdef PERFPROF_BPF
		&sampler_bpf,
#endif
		&sampler_perf,
		&sampler_ptrace,
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (!strcmp(all[i]->name, name))
			return all[i];
	return NULL;
}
