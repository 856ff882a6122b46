// SPDX-License-Identifier: MIT
#include "sampler/perf_limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sampler/refusal.h"

enum { CPUS_MAX = 8192 };

int64_t perf_read_number(const char *path, int64_t fallback)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	long long value;
	if (!f || fscanf(f, "%lld", &value) != 1)
		return fallback;
	return value;
}

int perf_parse_cpu_list(const char *text, int *out, uint32_t limit)
{
	uint32_t count = 0;
	while (*text && *text != '\n') {
		char *end;
		long first = strtol(text, &end, 10), last = first;
		if (end == text || first < 0)
			return -EINVAL;
		if (*end == '-') {
			text = end + 1;
			last = strtol(text, &end, 10);
			if (end == text)
				return -EINVAL;
		}
		if (last < first || last >= CPUS_MAX)
			return -EINVAL;
		for (long cpu = first; cpu <= last; cpu++) {
			if (count == limit)
				return -EINVAL;
			out[count++] = (int)cpu;
		}
		text = end + (*end == ',');
		if (*end && *end != ',' && *end != '\n')
			return -EINVAL;
	}
	return (int)count;
}

int perf_online_cpus(int **out, uint32_t *out_count, struct error *err)
{
	struct strbuf text = { 0 };
	int r = read_file("/sys/devices/system/cpu/online", 65536, &text, err);
	if (r < 0)
		return r;
	int *cpus = calloc(CPUS_MAX, sizeof(*cpus));
	int count = cpus ? perf_parse_cpu_list(strbuf_text(&text), cpus, CPUS_MAX) : -ENOMEM;
	strbuf_deinit(&text);
	if (count <= 0) {
		free(cpus);
		return fail(err, count ? count : -ENODEV, "cannot tell which CPUs are online");
	}
	*out = cpus;
	*out_count = (uint32_t)count;
	return 0;
}

uint32_t perf_families_that_fit(uint64_t descriptors, uint32_t cpu_count)
{
	enum { LEFT_AT_MOST = 256 };
	uint64_t left = descriptors / 2 < LEFT_AT_MOST ? descriptors / 2 : LEFT_AT_MOST;
	uint64_t family = cpu_count + 1ULL; /* an event a CPU and the fence */
	uint64_t most =
		descriptors > left + cpu_count ? (descriptors - left - cpu_count) / family : 0;
	return most < 1 ? 1 : most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

uint64_t perf_descriptors_for(uint32_t families, uint32_t cpu_count)
{
	uint64_t descriptors = 64;
	while (perf_families_that_fit(descriptors, cpu_count) < families)
		descriptors *= 2;
	return descriptors;
}

static int try_features(const struct perf_features *features, bool children)
{
	struct perf_shape shape = { .features = *features,
				    .children = children,
				    .stack_bytes = 8192 };
	struct perf_event_attr attr;
	perf_attr_sampling(&shape, 1000000, false, &attr);
	_cleanup_close_ int fd = perf_open(&attr, 0, -1);
	return fd < 0 ? -errno : 0;
}

int perf_probe_features(bool want_kernel, bool want_children, struct perf_features *out,
			struct error *err)
{
	struct perf_features features = { want_kernel, true };
	int r = try_features(&features, want_children);
	if (r == -EACCES || r == -EPERM) {
		features.kernel = false;
		r = try_features(&features, want_children);
	}
	if (r == -EINVAL && !want_children) {
		features.inherit_thread = false;
		r = try_features(&features, want_children);
	}
	if (r == -EINVAL) {
		features.inherit_thread = false;
		r = try_features(&features, want_children);
	}
	if (r < 0)
		return refusal_of(0, r, err);
	*out = features;
	return 0;
}
