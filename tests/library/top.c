/* SPDX-License-Identifier: MIT */
/*
 * A stranger's program in C99: prints the function with most samples of its own as
 * "SAMPLES<TAB>TOTAL<TAB>FUNCTION<TAB>MODULE". Total counts a stack once, however often the function is on it.
 * usage: top CAPTURE [read|memory|fd]
 */
#include <perfprof.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The library must not mind: it has functions of these names inside. */
int fail(void);
int read_all(void);
int fail(void)
{
	return 1;
}
int read_all(void)
{
	return 0;
}

static struct perfprof_profile *open_as_told(const char *path, const char *how,
					     struct perfprof_error **err)
{
	struct perfprof_profile *p = NULL;
	if (!strcmp(how, "path")) {
		perfprof_open(path, &p, err);
		return p;
	}
	FILE *f = fopen(path, "rb");
	if (!f)
		return NULL;
	if (!strcmp(how, "fd")) {
		/* Standard input, so that ISO C is enough. */
		if (freopen(path, "rb", stdin))
			perfprof_open_fd(0, &p, err);
	} else {
		static char bytes[1 << 24];
		size_t n = fread(bytes, 1, sizeof(bytes), f);
		perfprof_open_memory(bytes, n, &p, err);
		memset(bytes, 0xff, n); /* they are not needed any more */
	}
	fclose(f);
	return p;
}

/* Adds a sample to each function of its stack once. */
static void count(const struct perfprof_profile *p, size_t sample, uint64_t *self, uint64_t *total,
		  size_t *seen_in)
{
	uint32_t stack = perfprof_sample_stack(p, sample);
	uint64_t n = perfprof_sample_samples(p, sample);
	self[perfprof_frame_function(p, perfprof_stack_frame(p, stack), 0)] += n;
	for (; stack; stack = perfprof_stack_parent(p, stack)) {
		uint32_t frame = perfprof_stack_frame(p, stack);
		for (uint32_t k = 0; k < perfprof_frame_line_count(p, frame); k++) {
			uint32_t f = perfprof_frame_function(p, frame, k);
			if (seen_in[f] != sample + 1)
				total[f] += n;
			seen_in[f] = sample + 1;
		}
	}
}

static const char *module_of(const struct perfprof_profile *p, uint32_t function)
{
	for (uint32_t frame = 1; frame <= perfprof_frame_count(p); frame++)
		for (uint32_t k = 0; k < perfprof_frame_line_count(p, frame); k++)
			if (perfprof_frame_function(p, frame, k) == function)
				return perfprof_module_path(p, perfprof_frame_module(p, frame));
	return "";
}

int main(int argc, char **argv)
{
	struct perfprof_error *err = NULL;
	struct perfprof_profile *p = open_as_told(argv[1], argc > 2 ? argv[2] : "path", &err);
	if (!p) {
		fprintf(stderr, "%d %s\n", perfprof_error_code(err), perfprof_error_text(err));
		perfprof_error_destroy(err);
		return fail();
	}
	size_t rows = (size_t)perfprof_function_count(p) + 1;
	uint64_t *self = calloc(rows, sizeof(*self)), *total = calloc(rows, sizeof(*total));
	size_t *seen_in = calloc(rows, sizeof(*seen_in));
	if (!self || !total || !seen_in)
		return 2;
	for (size_t i = 0; i < perfprof_sample_count(p); i++)
		count(p, i, self, total, seen_in);
	uint32_t top = 1;
	for (uint32_t f = 1; f < rows; f++)
		if (self[f] > self[top])
			top = f;
	printf("%llu\t%llu\t%s\t%s\n", (unsigned long long)self[top],
	       (unsigned long long)total[top], perfprof_function_name(p, top), module_of(p, top));
	free(self);
	free(total);
	free(seen_in);
	perfprof_profile_destroy(p);
	return read_all();
}
