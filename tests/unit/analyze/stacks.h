/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STACKS_H
#define TESTS_STACKS_H

#include "profile/builder.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/*
 * Profiles written down as stacks, one a line: `comm;outermost;...;innermost COUNT`. A frame is
 * `name[@module][:line]`; before it stand marks: `k!` kernel, `j!` JIT, `u!` unnamed, `i!` inlined
 * into the frame in front of it. `[truncated]` gives a marker and the reason "no-rule". The module
 * `prog` is CMD's binary; a function NAME lies in file NAME.c where a line is given.
 */

#define STACKS_MAX_FRAMES 64
#define STACKS_RATE_HZ 100

static inline module_id stacks_module(struct builder *b, const char *path)
{
	static const uint8_t no_id[1];
	struct builder_module m = { .path = path,
				    .build_id = no_id,
				    .is_main = !strcmp(path, "prog") };
	return *path ? builder_add_module(b, &m) : (module_id){ 0 };
}

/* Splits off what follows `mark` in `text`; "" if it is not there. */
static inline char *stacks_split(char *text, char mark)
{
	char *at = strrchr(text, mark);
	if (!at)
		return text + strlen(text);
	*at = 0;
	return at + 1;
}

static inline uint64_t stacks_address(const char *frame)
{
	uint64_t h = 5381;
	for (; *frame; frame++)
		h = h * 33 + (unsigned char)*frame;
	return (h & 0xffffff) + 1;
}

static inline frame_id stacks_frame(struct builder *b, char **parts, size_t count)
{
	struct builder_line lines[8] = { 0 };
	enum frame_kind kind = FRAME_USER;
	module_id module = { 0 };
	uint64_t address = 0;
	bool is_new;
	assert_true(count <= 8);
	for (size_t i = 0; i < count; i++) { /* parts: outermost first; lines: innermost first */
		char *name = parts[i], file[128];
		address = address * 31 + stacks_address(name);
		for (; name[0] && name[1] == '!'; name += 2)
			kind = name[0] == 'k' ? FRAME_KERNEL : name[0] == 'j' ? FRAME_JIT : kind;
		struct builder_line *line = &lines[count - 1 - i];
		line->line = (uint32_t)strtoul(stacks_split(name, ':'), NULL, 10);
		const char *path = stacks_split(name, '@');
		module = stacks_module(b, path);
		if (!strcmp(name, "[truncated]"))
			kind = FRAME_TRUNCATED;
		snprintf(file, sizeof(file), "%s.c", name);
		line->file = line->line ? strdup(file) : "";
		line->name = line->system_name = name;
	}
	frame_id f = builder_frame(b, module, address, kind, &is_new);
	assert_int_equal(builder_name_frame(b, f, lines, count), 0);
	for (size_t i = 0; i < count; i++)
		if (*lines[i].file)
			free((void *)lines[i].file);
	return f;
}

static inline void stacks_line(struct builder *b, char *text)
{
	char *parts[STACKS_MAX_FRAMES] = { 0 }, *save = NULL;
	uint64_t count = strtoull(stacks_split(text, ' '), NULL, 10);
	size_t n = 0;
	for (char *p = strtok_r(text, ";", &save); p; p = strtok_r(NULL, ";", &save)) {
		assert_true(n < STACKS_MAX_FRAMES);
		parts[n++] = p;
	}
	bool truncated = n > 1 && !strcmp(parts[1], "[truncated]");
	thread_id thread = builder_thread(b, 7, 7, parts[0]);
	stack_id stack = { 0 };
	for (size_t i = 1, next; i < n; i = next) {
		for (next = i + 1; next < n && !strncmp(parts[next], "i!", 2); next++)
			;
		stack = builder_stack(b, stack, stacks_frame(b, &parts[i], next - i));
	}
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(builder_sample(b, i, thread, stack, truncated ? "no-rule" : ""),
				 0);
}

static inline struct profile *stacks_profile(const char *text)
{
	struct builder *b;
	struct profile *p;
	char *copy = test_malloc(strlen(text) + 1), *save = NULL;
	uint64_t samples;
	strcpy(copy, text);
	assert_int_equal(builder_create(&b, NULL), 0);
	stacks_module(b, "prog");
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		stacks_line(b, line);
	samples = builder_sample_count(b);
	struct profile_meta *m = builder_meta(b);
	m->command = builder_intern(b, "prog --size 3");
	m->backend = builder_intern(b, "perf");
	m->unwind = builder_intern(b, "auto");
	m->event = builder_intern(b, "cpu");
	m->rate_hz = STACKS_RATE_HZ;
	m->duration_ns = samples * 1000000000 / STACKS_RATE_HZ;
	m->profiler_cpu_ns = 20000000;
	m->kernel_sampled = true;
	builder_reason(b, "no-rule", "no unwind rule for the address");
	assert_int_equal(builder_thread_cpu(b, 7, 7, samples * 1000000000 / STACKS_RATE_HZ), 0);
	assert_int_equal(builder_freeze(b, &p, NULL), 0);
	builder_destroy(b);
	test_free(copy);
	return p;
}

#endif
