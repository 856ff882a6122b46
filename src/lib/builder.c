// SPDX-License-Identifier: MIT
#include "profile/builder.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "lib/lib.h"
#include "perfprof.h"

struct perfprof_builder {
	struct builder *model;
	struct strings strings; /* texts of functions */
	VEC(struct builder_line) functions;
	VEC(struct builder_line) lines; /* of last_frame, which does not have them yet */
	uint32_t last_module, last_frame, last_stack, last_thread; /* ids up to these are given */
	uint64_t samples, cpu_ns;
	int failed; /* the first failure, negative errno */
	struct error err;
};

static int give_up(struct perfprof_builder *b, int code, const char *what)
{
	if (!b->failed)
		b->failed = fail(&b->err, code, "%s", what);
	return b->failed;
}

static int no_memory(struct perfprof_builder *b)
{
	return give_up(b, -ENOMEM, "out of memory");
}

int perfprof_builder_create(struct perfprof_builder **out, struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct perfprof_builder *b = calloc(1, sizeof(*b));
	if (!b || builder_create(&b->model, NULL) < 0 || strings_init(&b->strings) < 0 ||
	    !vec_push(&b->functions, (struct builder_line){ 0 })) {
		perfprof_builder_destroy(b);
		return lib_failed(fail(&err, -ENOMEM, "out of memory"), &err, out_err);
	}
	builder_meta(b->model)->foreign = true;
	*out = b;
	return 0;
}

void perfprof_builder_destroy(struct perfprof_builder *b)
{
	if (!b)
		return;
	builder_destroy(b->model);
	strings_deinit(&b->strings);
	vec_free(&b->functions);
	vec_free(&b->lines);
	free(b);
}

uint32_t perfprof_builder_add_module(struct perfprof_builder *b, const char *path,
				     const char *build_id)
{
	if (!b->failed && !path)
		give_up(b, -EINVAL, "a module has no path");
	if (b->failed)
		return 0;
	struct builder_module row = { .path = path, .is_main = !b->last_module };
	module_id id = builder_add_module(b->model, &row);
	if (!id.v || (build_id && builder_set_build_id_text(b->model, id, build_id) < 0)) {
		no_memory(b);
		return 0;
	}
	return b->last_module = id.v;
}

int perfprof_builder_set_module_range(struct perfprof_builder *b, uint32_t module,
				      uint64_t start_vaddr, uint64_t limit_vaddr, uint64_t file_off)
{
	if (b->failed)
		return b->failed;
	if (!module || module > b->last_module)
		return give_up(b, -EINVAL, "a range is given for a module that was not added");
	if (start_vaddr > limit_vaddr)
		return give_up(b, -EINVAL, "a module ends before it begins");
	builder_set_module_range(b->model, (module_id){ module }, start_vaddr, limit_vaddr);
	builder_set_file_offset(b->model, (module_id){ module }, start_vaddr, file_off);
	return 0;
}

/* @return the text's copy; "" and the failure without memory */
static const char *keep(struct perfprof_builder *b, const char *text)
{
	string_id id = strings_intern(&b->strings, text);
	if (text && *text && !id.v)
		no_memory(b);
	return strings_text(&b->strings, id);
}

uint32_t perfprof_builder_add_function(struct perfprof_builder *b, const char *name,
				       const char *system_name, const char *file,
				       uint32_t start_line)
{
	if (!b->failed && (!name || !*name))
		give_up(b, -EINVAL, "a function has no name");
	if (b->failed)
		return 0;
	struct builder_line row = {
		.name = keep(b, name),
		.system_name = keep(b, system_name ? system_name : name),
		.file = keep(b, file),
		.start_line = start_line,
	};
	if (b->functions.count > UINT32_MAX || !vec_push(&b->functions, row))
		no_memory(b);
	return b->failed ? 0 : (uint32_t)(b->functions.count - 1);
}

/* Gives the last frame its lines. */
static int finish_frame(struct perfprof_builder *b)
{
	if (b->failed || !b->lines.count)
		return b->failed;
	int r = builder_name_frame(b->model, (frame_id){ b->last_frame }, b->lines.at,
				   b->lines.count);
	b->lines.count = 0;
	return r < 0 ? no_memory(b) : 0;
}

uint32_t perfprof_builder_add_frame(struct perfprof_builder *b, uint32_t module, uint64_t vaddr,
				    enum perfprof_kind kind)
{
	static const enum frame_kind kinds[] = {
		[PERFPROF_FRAME_USER] = FRAME_USER,
		[PERFPROF_FRAME_KERNEL] = FRAME_KERNEL,
		[PERFPROF_FRAME_JIT] = FRAME_JIT,
		[PERFPROF_FRAME_TRUNCATED] = FRAME_TRUNCATED,
	};
	if (finish_frame(b))
		return 0;
	if (module > b->last_module)
		give_up(b, -EINVAL, "a frame is in a module that was not added");
	else if ((unsigned)kind >= sizeof(kinds) / sizeof(kinds[0]))
		give_up(b, -EINVAL, "a frame has a kind that does not exist");
	if (b->failed)
		return 0;
	frame_id id = builder_new_frame(b->model, (module_id){ module }, vaddr, kinds[kind]);
	if (!id.v) {
		no_memory(b);
		return 0;
	}
	return b->last_frame = id.v;
}

int perfprof_builder_add_line(struct perfprof_builder *b, uint32_t frame, uint32_t function,
			      uint32_t line)
{
	if (b->failed)
		return b->failed;
	if (!frame || frame != b->last_frame)
		return give_up(b, -EINVAL, "a line is added to a frame that is not the last one");
	if (!function || function >= b->functions.count)
		return give_up(b, -EINVAL, "a line is in a function that was not added");
	struct builder_line row = b->functions.at[function];
	row.line = line;
	return vec_push(&b->lines, row) ? 0 : no_memory(b);
}

uint32_t perfprof_builder_add_stack(struct perfprof_builder *b, uint32_t parent, uint32_t frame)
{
	if (b->failed)
		return 0;
	if (parent > b->last_stack || !frame || frame > b->last_frame) {
		give_up(b, -EINVAL, "a stack has a parent or a frame that was not added");
		return 0;
	}
	stack_id id = builder_stack(b->model, (stack_id){ parent }, (frame_id){ frame });
	if (!id.v)
		no_memory(b);
	else if (id.v > b->last_stack)
		b->last_stack = id.v;
	return id.v;
}

uint32_t perfprof_builder_add_thread(struct perfprof_builder *b, uint32_t pid, uint32_t tid,
				     const char *comm)
{
	if (b->failed)
		return 0;
	thread_id id = builder_thread(b->model, pid, tid, comm ? comm : "");
	if (!id.v)
		no_memory(b);
	else if (id.v > b->last_thread)
		b->last_thread = id.v;
	return id.v;
}

/* @return the row; 0 after a failure */
static draft_sample_id add_row(struct perfprof_builder *b, uint32_t thread, uint32_t stack,
			       const char *truncated, uint64_t samples, uint64_t cpu_ns)
{
	if (!b->failed && (thread > b->last_thread || stack > b->last_stack))
		give_up(b, -EINVAL, "samples have a thread or a stack that was not added");
	if (!b->failed && (__builtin_add_overflow(b->samples, samples, &b->samples) ||
			   __builtin_add_overflow(b->cpu_ns, cpu_ns, &b->cpu_ns)))
		give_up(b, -EOVERFLOW, "the samples add up to more than 64 bits");
	if (b->failed)
		return (draft_sample_id){ 0 };
	struct builder_row wanted = { .thread = { thread },
				      .leaf = { stack },
				      .truncated = truncated,
				      .count = samples,
				      .cpu_ns = cpu_ns };
	draft_sample_id row = builder_add_row(b->model, &wanted);
	if (!row.v)
		no_memory(b);
	return row;
}

int perfprof_builder_add_samples(struct perfprof_builder *b, uint32_t thread, uint32_t stack,
				 const char *truncated, uint64_t samples, uint64_t cpu_ns)
{
	add_row(b, thread, stack, truncated, samples, cpu_ns);
	return b->failed;
}

int perfprof_builder_add_samples_at(struct perfprof_builder *b, uint64_t time_ns, uint32_t thread,
				    uint32_t stack, const char *truncated, uint32_t samples,
				    uint64_t cpu_ns)
{
	draft_sample_id row = add_row(b, thread, stack, truncated, samples, cpu_ns);
	if (row.v && samples && builder_add_time(b->model, row, time_ns, samples) < 0)
		no_memory(b);
	return b->failed;
}

int perfprof_builder_set_text(struct perfprof_builder *b, enum perfprof_text_fact fact,
			      const char *text)
{
	if (b->failed)
		return b->failed;
	string_id *to = lib_text_fact(builder_meta(b->model), fact);
	if (!to)
		return give_up(b, -EINVAL, "a fact is set that this version does not have");
	*to = builder_intern(b->model, text);
	return !to->v && text && *text ? no_memory(b) : 0;
}

int perfprof_builder_set_number(struct perfprof_builder *b, enum perfprof_number_fact fact,
				uint64_t number)
{
	if (b->failed)
		return b->failed;
	struct profile_meta *m = builder_meta(b->model);
	uint64_t *wide = lib_wide_fact(m, fact);
	uint32_t *narrow = lib_narrow_fact(m, fact);
	bool *flag = lib_flag_fact(m, fact);
	if (!wide && !narrow && !flag)
		return give_up(b, -EINVAL, "a fact is set that this version does not have");
	if ((narrow && number > UINT32_MAX) || (flag && number > 1))
		return give_up(b, -EOVERFLOW, "a fact is set to a number that is too large");
	if (wide)
		*wide = number;
	else if (narrow)
		*narrow = (uint32_t)number;
	else
		*flag = number;
	return 0;
}

int perfprof_builder_add_pid(struct perfprof_builder *b, uint32_t pid)
{
	if (!b->failed && builder_target_pid(b->model, pid) < 0)
		no_memory(b);
	return b->failed;
}

int perfprof_builder_add_note(struct perfprof_builder *b, const char *sentence)
{
	if (!b->failed && !sentence)
		give_up(b, -EINVAL, "a note has no text");
	if (!b->failed && builder_note(b->model, sentence) < 0)
		no_memory(b);
	return b->failed;
}

int perfprof_builder_add_reason(struct perfprof_builder *b, const char *id, const char *sentence)
{
	if (!b->failed && (!id || !*id || !sentence))
		give_up(b, -EINVAL, "a reason has no id or no words");
	if (!b->failed && builder_reason(b->model, id, sentence) < 0)
		no_memory(b);
	return b->failed;
}

int perfprof_builder_build(struct perfprof_builder *b, struct perfprof_profile **out,
			   struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = finish_frame(b);
	if (r)
		return lib_failed(r, &b->err, out_err);
	r = builder_freeze(b->model, &model, &err);
	return lib_wrap(r, model, &err, out, out_err);
}
