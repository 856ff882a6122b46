// SPDX-License-Identifier: MIT
#include "session/names.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"

enum { NAMED_LINES_MAX = 256 };

struct asked { /* by frame_id */
	struct code *code;
	uint64_t vaddr;
	bool waiting, unnamed;
	bool held;        /* of the kernel, which may be another one */
	bool by_file_off; /* the file was not open yet: vaddr is only the offset in it */
};

struct names {
	struct builder *builder;
	struct symbol_worker *worker;
	VEC(struct asked) frames;
	bool hold_kernel;
};

int names_create(const struct symbol_config *config, struct builder *builder, struct names **out,
		 struct error *err)
{
	struct names *n = calloc(1, sizeof(*n));
	if (!n)
		return fail(err, -ENOMEM, "out of memory");
	n->builder = builder;
	int r = symbol_worker_start(config, &n->worker, err);
	if (r < 0) {
		free(n);
		return r;
	}
	*out = n;
	return 0;
}

void names_destroy(struct names *n)
{
	if (!n)
		return;
	symbol_worker_destroy(n->worker);
	vec_free(&n->frames);
	free(n);
}

int names_fd(const struct names *n)
{
	return symbol_worker_fd(n->worker);
}

static int submit(struct names *n, uint32_t frame)
{
	struct asked *a = &n->frames.at[frame];
	struct symbol_request request = {
		.token = frame,
		.object = a->code ? a->code->object : NULL,
		.vaddr = a->vaddr,
	};
	a->waiting = true;
	a->unnamed = a->by_file_off = a->held = false;
	return symbol_worker_submit(n->worker, &request);
}

int names_ask(struct names *n, frame_id frame, struct code *code, uint64_t vaddr)
{
	while (n->frames.count <= frame.v)
		if (!vec_push(&n->frames, (struct asked){ 0 }))
			return -ENOMEM;
	struct asked *a = &n->frames.at[frame.v];
	*a = (struct asked){ .code = code, .vaddr = vaddr };
	if (!code && n->hold_kernel) {
		a->held = a->unnamed = true;
		return 0;
	}
	if (!code || code->object)
		return submit(n, frame.v);
	a->unnamed = a->by_file_off = true;
	return 0;
}

void names_hold_kernel(struct names *n)
{
	n->hold_kernel = true;
}

int names_release_kernel(struct names *n)
{
	int r = 0;
	n->hold_kernel = false;
	for (uint32_t i = 0; r == 0 && i < n->frames.count; i++)
		if (n->frames.at[i].held)
			r = submit(n, i);
	return r;
}

bool names_has_kernel(const struct names *n)
{
	for (size_t i = 0; i < n->frames.count; i++)
		if (n->frames.at[i].held)
			return true;
	return false;
}

int names_ask_late(struct names *n)
{
	for (uint32_t i = 0; i < n->frames.count; i++) {
		struct asked *a = &n->frames.at[i];
		if (!a->by_file_off || !a->code->object ||
		    !object_vaddr_of(a->code->object, a->vaddr, &a->vaddr))
			continue;
		builder_set_frame_vaddr(n->builder, (frame_id){ i }, a->vaddr);
		int r = submit(n, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static void find_function_start(struct names *n, uint32_t frame)
{
	const struct asked *a = &n->frames.at[frame];
	uint64_t start, size;
	if ((a->unnamed || a->waiting) && a->code && a->code->table &&
	    unwind_table_function(a->code->table, a->vaddr, &start, &size))
		builder_frame_function_start(n->builder, (frame_id){ frame }, start);
}

static int name_frame(struct names *n, uint32_t frame, const struct symbol_result *r)
{
	struct asked *a = &n->frames.at[frame];
	a->waiting = false;
	if (!r->line_count) {
		a->unnamed = true;
		find_function_start(n, frame); /* a journal does not wait for the end */
		return 0;
	}
	struct builder_line lines[NAMED_LINES_MAX];
	size_t count = r->line_count < NAMED_LINES_MAX ? r->line_count : NAMED_LINES_MAX;
	for (size_t i = 0; i < count; i++)
		lines[i] = (struct builder_line){
			.name = r->lines[i].function,
			.system_name = r->lines[i].system_name,
			.file = r->lines[i].file,
			.line = r->lines[i].line,
			.start_line = r->lines[i].start_line,
		};
	return builder_name_frame(n->builder, (frame_id){ frame }, lines, count);
}

int names_collect(struct names *n)
{
	struct symbol_answer answer;
	while (symbol_worker_take(n->worker, &answer)) {
		int r = name_frame(n, answer.token, &answer.result);
		if (r < 0)
			return r;
	}
	return 0;
}

bool names_waiting(const struct names *n)
{
	return symbol_worker_pending(n->worker) > 0;
}

void names_finish(struct names *n)
{
	for (uint32_t i = 0; i < n->frames.count; i++)
		find_function_start(n, i);
}

uint64_t names_cpu_ns(const struct names *n)
{
	return symbol_worker_cpu_ns(n->worker);
}
