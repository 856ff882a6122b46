// SPDX-License-Identifier: MIT
#include "session/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"
#include "process/memory.h"
#include "record/reason_text.h"
#include "session/completion.h"
#include "session/jit.h"
#include "session/verify.h"
#include "unwind/libunwind.h"
#include "unwind/unwind.h"

enum {
	STACK_FRAMES_MAX = 16384,
	/* User addresses have 47 bits on x86-64 (Documentation/arch/x86/x86_64/mm.rst); above them a
	 * key has room for so many address spaces before the map starts anew. */
	ADDRESS_BITS = 47,
	SPACES_MAX = 1 << (64 - ADDRESS_BITS),
	FRAME_CACHE_MAX =
		512 * 1024, /* 12 bytes each, at least; a JIT makes a new space at each mmap */
	PAGE_BYTES = 4096,
	HOLE_PAGES_MAX = 16,
	URGENT_FOR_NS = 100 * 1000 * 1000,
};

/*
 * The stack that was interned last, outermost frame first: the next one has most of its outer frames
 * in common with it, and need not look them up.
 */
struct last_stack {
	uint32_t space; /* 0: none */
	bool truncated;
	uint32_t count;
	uint64_t pcs[STACK_FRAMES_MAX];
	stack_id stacks[STACK_FRAMES_MAX];
};

struct stacks {
	struct process_table *processes;
	struct modules *modules;
	struct names *names;
	struct jit *jit; /* NULL: frames of anonymous code get no names */
	struct builder *builder;
	struct unwind_cache *cache;
	struct unwind_libunwind *libunwind; /* with --unwind libunwind */
	enum session_unwind unwind;
	bool kernel;
	bool live; /* the processes are there: their memory can be read */
	bool completes;
	bool verifies;
	struct verify verify;
	struct completion completion;
	uint64_t large_ns;   /* the time of the last sample whose stack was larger than its copy */
	VEC(uint32_t) space; /* by process_id; 0: none yet */
	uint32_t next_space;
	struct map64 user_frames;   /* (space, pc) -> frame_id */
	struct map64 kernel_frames; /* pc -> frame_id */
	VEC(thread_id) threads;     /* by thread_ref */
	frame_id truncated;
	process_id process; /* of the sample at hand */
	bool may_wait;
	bool completing, completed;
	uint64_t pcs[STACK_FRAMES_MAX];
	struct last_stack last;
};

int stacks_create(struct process_table *processes, struct modules *modules, struct names *names,
		  struct builder *builder, const struct session_config *config, struct stacks **out,
		  struct error *err)
{
	struct stacks *s = calloc(1, sizeof(*s));
	if (!s)
		return fail(err, -ENOMEM, "out of memory");
	s->processes = processes;
	s->modules = modules;
	s->names = names;
	s->builder = builder;
	s->kernel = config->kernel;
	s->unwind = config->unwind;
	s->live = !process_table_is_recorded(processes);
	s->verifies = config->verify;
	s->next_space = 1;
	s->cache = unwind_cache_create();
	s->truncated = builder_frame(builder, (module_id){ 0 }, 0, FRAME_TRUNCATED, NULL);
	if (!s->cache || !s->truncated.v ||
	    (s->unwind == SESSION_UNWIND_LIBUNWIND &&
	     unwind_libunwind_create(&s->libunwind, NULL) < 0)) {
		stacks_destroy(s);
		return fail(err, -ENOMEM, "out of memory");
	}
	*out = s;
	return 0;
}

void stacks_destroy(struct stacks *s)
{
	if (!s)
		return;
	unwind_cache_destroy(s->cache);
	completion_deinit(&s->completion);
	verify_forget(&s->verify);
	unwind_libunwind_destroy(s->libunwind);
	vec_free(&s->space);
	vec_free(&s->threads);
	map64_deinit(&s->user_frames);
	map64_deinit(&s->kernel_frames);
	free(s);
}

void stacks_set_jit(struct stacks *s, struct jit *jit)
{
	s->jit = jit;
}

void stacks_set_completion(struct stacks *s, bool on)
{
	s->completes = on && s->live;
}

bool stacks_are_urgent(const struct stacks *s, uint64_t now_ns)
{
	return s->large_ns && now_ns < s->large_ns + URGENT_FOR_NS;
}

void stacks_begin_run(struct stacks *s)
{
	s->threads.count = 0;
}

void stacks_forget_all(struct stacks *s)
{
	for (size_t i = 0; i < s->space.count; i++)
		s->space.at[i] = 0;
	s->next_space = 1;
	s->last.count = 0;
	map64_deinit(&s->user_frames);
	verify_forget(&s->verify);
	unwind_cache_flush(s->cache);
	if (s->libunwind)
		unwind_libunwind_flush(s->libunwind);
}

/* A number for the process's present mappings; a change of mappings means a new number. */
static uint32_t space_of(struct stacks *s, process_id p)
{
	if (s->next_space >= SPACES_MAX || s->user_frames.count > FRAME_CACHE_MAX)
		stacks_forget_all(s);
	while (s->space.count <= p.v)
		if (!vec_push(&s->space, 0))
			return 0;
	if (!s->space.at[p.v])
		s->space.at[p.v] = s->next_space++;
	return s->space.at[p.v];
}

void stacks_forget(struct stacks *s, process_id p)
{
	if (p.v && p.v < s->space.count)
		s->space.at[p.v] = 0;
}

static uint64_t file_off_of(const struct mapping *mapping, uint64_t pc)
{
	return pc - mapping->start + mapping->file_off;
}

static enum unwind_lookup lookup_of(const struct stacks *s, struct code *code)
{
	enum code_state state = code->state;
	if (s->unwind == SESSION_UNWIND_FP && code->object)
		state = CODE_NO_CFI; /* its rows are only for the names of functions without one */
	switch (state) {
	case CODE_READY: return LOOKUP_TABLE;
	case CODE_NO_CFI: return LOOKUP_NO_CFI;
	case CODE_UNREADABLE: return LOOKUP_UNREADABLE;
	default: break;
	}
	if (!s->may_wait)
		code->late = true; /* one sample has waited in vain: the next ones do not */
	return code->late ? LOOKUP_LATE : LOOKUP_PENDING;
}

static void code_at(void *context, uint64_t pc, struct unwind_code *out)
{
	struct stacks *s = context;
	*out = (struct unwind_code){ .lookup = LOOKUP_NO_MAPPING };
	const struct mapping *mapping = process_mapping(s->processes, s->process, pc);
	if (!mapping)
		return;
	out->start = mapping->start;
	out->end = mapping->end;
	out->lookup = LOOKUP_NO_CFI;
	if (process_mapped(s->processes, mapping->mapped)->kind == MAPPED_ANON)
		return;
	struct code *code = modules_code(s->modules, mapping->mapped, true);
	if (!code)
		return;
	out->lookup = lookup_of(s, code);
	uint64_t vaddr;
	if (out->lookup != LOOKUP_TABLE)
		return;
	if (!object_vaddr_of(code->object, file_off_of(mapping, pc), &vaddr)) {
		out->lookup = LOOKUP_NO_CFI;
		return;
	}
	out->table = code->table;
	out->bias = pc - vaddr;
}

/* Instruction bytes come from the file; of code that lies in no file, from the process. */
static bool read_code(struct stacks *s, uint64_t pc, void *out, size_t size_bytes)
{
	const struct mapping *mapping = process_mapping(s->processes, s->process, pc);
	if (!mapping)
		return false;
	if (process_mapped(s->processes, mapping->mapped)->kind == MAPPED_ANON)
		return s->live && process_read(process_info(s->processes, s->process)->pid, pc, out,
					       size_bytes);
	const struct code *code = modules_code(s->modules, mapping->mapped, false);
	return code && code->object &&
	       object_read(code->object, file_off_of(mapping, pc), out, size_bytes, NULL) == 0;
}

/* Code as the files have it. What is in no file is not read: who made it could have made anything. */
static bool read_file_code(void *context, enum unwind_memory kind, uint64_t pc, void *out,
			   size_t size_bytes)
{
	struct stacks *s = context;
	const struct mapping *mapping = process_mapping(s->processes, s->process, pc);
	return kind == MEMORY_CODE && mapping &&
	       process_mapped(s->processes, mapping->mapped)->kind != MAPPED_ANON &&
	       read_code(s, pc, out, size_bytes);
}

static bool read_memory(void *context, enum unwind_memory kind, uint64_t address, void *out,
			size_t size_bytes)
{
	struct stacks *s = context;
	if (kind == MEMORY_CODE)
		return read_code(s, address, out, size_bytes);
	if (kind == MEMORY_BEHIND_COPY)
		return s->completing && completion_read(&s->completion, address, out, size_bytes);
	if (!s->live || kind == MEMORY_GOROUTINE)
		return false;
	return process_read(process_info(s->processes, s->process)->pid, address, out, size_bytes);
}

static frame_id new_frame(struct stacks *s, module_id module, struct code *code, uint64_t vaddr,
			  enum frame_kind kind)
{
	bool is_new;
	frame_id frame = builder_frame(s->builder, module, vaddr, kind, &is_new);
	if (!frame.v || !is_new || kind == FRAME_JIT)
		return frame;
	if (names_ask(s->names, frame, code, vaddr) < 0)
		return (frame_id){ 0 };
	return frame;
}

static frame_id make_user_frame(struct stacks *s, uint64_t pc)
{
	const struct mapping *mapping = process_mapping(s->processes, s->process, pc);
	if (!mapping || process_mapped(s->processes, mapping->mapped)->kind == MAPPED_ANON)
		return s->jit ? jit_frame(s->jit, s->process, pc)
			      : new_frame(s, (module_id){ 0 }, NULL, pc, FRAME_JIT);
	struct code *code = modules_code(s->modules, mapping->mapped, false);
	module_id module = modules_row(s->modules, mapping->mapped);
	if (!code || !module.v)
		return (frame_id){ 0 };
	uint64_t vaddr = file_off_of(mapping, pc);
	if (code->object)
		object_vaddr_of(code->object, vaddr, &vaddr);
	return new_frame(s, module, code, vaddr, FRAME_USER);
}

static frame_id user_frame(struct stacks *s, uint32_t space, uint64_t pc)
{
	if (pc >> ADDRESS_BITS) /* [vsyscall], or what a damaged stack holds: no room in a key */
		return make_user_frame(s, pc);
	uint64_t key = (uint64_t)space << ADDRESS_BITS | pc;
	frame_id frame = { map64_get(&s->user_frames, key) };
	if (frame.v)
		return frame;
	frame = make_user_frame(s, pc);
	if (frame.v && !map64_put(&s->user_frames, key, frame.v))
		return (frame_id){ 0 };
	return frame;
}

static frame_id kernel_frame(struct stacks *s, uint64_t pc)
{
	frame_id frame = { map64_get(&s->kernel_frames, pc) };
	if (frame.v)
		return frame;
	frame = new_frame(s, modules_kernel(s->modules), NULL, pc, FRAME_KERNEL);
	if (frame.v && !map64_put(&s->kernel_frames, pc, frame.v))
		return (frame_id){ 0 };
	return frame;
}

/*
 * In exit and exec the kernel works for a process whose memory is gone already: there is no user
 * stack any more, and the kernel's part is all of it. Kernel threads never had one.
 */
static bool has_no_user_half(const struct record_sample *sample)
{
	return sample->in_kernel && (!sample->has_registers || !sample->stack_size_bytes);
}

/*
 * The kernel's copy ends at the first page that is not resident: a big array that was never touched
 * leaves such a hole in the middle of a stack. Reading it maps the zero page there, which the
 * program cannot notice, so that the next copies reach beyond it.
 */
static void fill_hole(const struct stacks *s, const struct record_sample *sample)
{
	pid_t pid = process_info(s->processes, s->process)->pid;
	uint64_t end = sample->registers[REGISTER_RSP] + sample->stack_size_bytes;
	uint8_t byte;
	if (!s->live || sample->stack_copy_full || end % PAGE_BYTES)
		return;
	for (unsigned i = 0; i < HOLE_PAGES_MAX; i++)
		if (!process_read(pid, end + (uint64_t)i * PAGE_BYTES, &byte, 1))
			return;
}

/* A file may have no more of the user's half than what the kernel made of it. */
static void take_chain(struct stacks *s, const struct record_sample *sample,
		       struct unwind_result *out)
{
	struct unwind_env env = { .context = s, .code_at = code_at, .read_memory = read_memory };
	*out = (struct unwind_result){ .reason = UNWIND_ROOT };
	if (sample->user_pc_count)
		unwind_chain(&env, sample->user_pcs, sample->user_pc_count, s->pcs,
			     STACK_FRAMES_MAX, out);
	if (sample->user_half == USER_HALF_MISSING)
		out->reason = UNWIND_NOT_RECORDED;
}

/*
 * The sampler walked by mappings that may have been replaced since: a frame in a newer one is right, since
 * what lies below led to it, but it was left by another module's rows.
 * @return how many frames hold
 */
static uint32_t count_up_to_date(const struct stacks *s, const struct record_sample *sample)
{
	if (!sample->walked_count)
		return 0;
	size_t count;
	const struct mapping *all = process_mappings(s->processes, s->process, &count);
	bool newer = false;
	for (size_t i = 0; i < count && !newer; i++)
		newer = all[i].since_ns > sample->mappings_as_of_ns;
	for (uint32_t i = 0; newer && i < sample->walked_count; i++) {
		const struct mapping *m =
			process_mapping(s->processes, s->process, sample->walked_pcs[i]);
		if (m && m->since_ns > sample->mappings_as_of_ns)
			return i + 1;
	}
	return sample->walked_count;
}

/* Takes over what the sampler has walked. @return true if nothing is left to walk */
static bool take_walked(struct stacks *s, const struct record_sample *sample,
			struct unwind_result *out)
{
	uint32_t count = count_up_to_date(s, sample);
	if (!count || (sample->walk_in_doubt && count < sample->walked_count))
		return false;
	if (count > STACK_FRAMES_MAX)
		count = STACK_FRAMES_MAX;
	memcpy(s->pcs, sample->walked_pcs, count * sizeof(s->pcs[0]));
	out->count = count;
	out->reason = sample->walked_whole ? UNWIND_ROOT : UNWIND_TOO_MANY_FRAMES;
	if (count < sample->walked_count)
		out->reason = UNWIND_ROWS_LATE;
	return sample->walked_whole || count < sample->walked_count || count == STACK_FRAMES_MAX;
}

static void walk_once(struct stacks *s, const struct record_sample *sample, uint32_t space,
		      struct unwind_result *out)
{
	struct unwind_env env = {
		.context = s,
		.code_at = code_at,
		.read_memory = read_memory,
		.stack = sample->stack,
		.stack_start = sample->registers[REGISTER_RSP],
		.stack_size_bytes = sample->stack_size_bytes,
		.stack_copy_full = sample->stack_copy_full,
	};
	if (s->libunwind)
		unwind_libunwind_walk(s->libunwind, &env, sample->registers, space, s->pcs,
				      STACK_FRAMES_MAX, out);
	else if (out->count)
		unwind_walk_on(&env, sample->registers, sample->is_caller, s->cache, space, s->pcs,
			       out->count, STACK_FRAMES_MAX, out);
	else
		unwind_walk(&env, sample->registers, s->cache, space, s->pcs, STACK_FRAMES_MAX,
			    out);
}

/* Frames that were read late count only if they lead to the outermost one. */
static void walk_copy(struct stacks *s, const struct record_sample *sample, uint32_t space,
		      struct unwind_result *out)
{
	struct unwind_result before = *out;
	s->completing = s->completes;
	completion_begin(&s->completion, process_info(s->processes, s->process)->pid, sample);
	walk_once(s, sample, space, out);
	if (!completion_was_used(&s->completion))
		return;
	s->completed = out->reason == UNWIND_ROOT && completion_holds(&s->completion);
	if (s->completed || out->pending)
		return;
	bool too_many = out->reason == UNWIND_TOO_MANY_FRAMES;
	s->completing = false;
	*out = before;
	walk_once(s, sample, space, out);
	if (too_many && out->reason == UNWIND_STACK_TOO_DEEP)
		out->reason = UNWIND_TOO_MANY_FRAMES; /* a larger copy would not make it whole */
}

static void walk_user(struct stacks *s, const struct record_sample *sample, uint32_t space,
		      struct unwind_result *out)
{
	*out = (struct unwind_result){ 0 };
	if (sample->user_half == USER_HALF_CHAIN || sample->user_half == USER_HALF_MISSING)
		take_chain(s, sample, out);
	else if (sample->abi_32bit)
		out->reason = UNWIND_ABI_32BIT;
	else if (take_walked(s, sample, out))
		return;
	else if (has_no_user_half(sample))
		out->reason = UNWIND_ROOT;
	else if (!sample->has_registers)
		out->reason = UNWIND_NO_REGISTERS;
	else
		walk_copy(s, sample, space, out);
}

static stack_id push(struct stacks *s, stack_id stack, frame_id frame)
{
	return frame.v ? builder_stack(s->builder, stack, frame) : (stack_id){ 0 };
}

/* @return how many outer frames the walk has in common with the last one; `*stack` is theirs */
static uint32_t take_common(struct stacks *s, uint32_t space, const struct unwind_result *walk,
			    stack_id *stack)
{
	struct last_stack *last = &s->last;
	bool truncated = walk->reason != UNWIND_ROOT;
	uint32_t count = 0;
	if (last->space != space || last->truncated != truncated)
		last->count = 0;
	while (count < walk->count && count < last->count &&
	       last->pcs[count] == s->pcs[walk->count - 1 - count])
		count++;
	last->space = space;
	last->truncated = truncated;
	last->count = count;
	if (count)
		*stack = last->stacks[count - 1];
	else if (truncated)
		*stack = push(s, (stack_id){ 0 }, s->truncated);
	return count;
}

/* @return the stack's id, outermost frame first; 0 without memory or for an empty stack */
static stack_id intern(struct stacks *s, const struct record_sample *sample, uint32_t space,
		       const struct unwind_result *walk)
{
	stack_id stack = { 0 };
	struct last_stack *last = &s->last;
	for (uint32_t i = take_common(s, space, walk, &stack); i < walk->count; i++) {
		uint64_t pc = s->pcs[walk->count - 1 - i];
		stack = push(s, stack, user_frame(s, space, pc));
		if (!stack.v)
			return stack;
		last->pcs[i] = pc;
		last->stacks[i] = stack;
		last->count = i + 1;
	}
	if (!s->kernel)
		return stack;
	for (uint32_t i = sample->kernel_pc_count; i-- > 0;) {
		/* The first is where the tick hit, the others are return addresses. */
		stack = push(s, stack, kernel_frame(s, sample->kernel_pcs[i] - (i > 0)));
		if (!stack.v)
			return stack;
	}
	return stack;
}

static thread_id thread_row(struct stacks *s, pid_t tid)
{
	thread_ref ref = process_thread(s->processes, s->process, tid);
	if (!ref.v)
		return (thread_id){ 0 };
	while (s->threads.count <= ref.v)
		if (!vec_push(&s->threads, (thread_id){ 0 }))
			return (thread_id){ 0 };
	thread_id *row = &s->threads.at[ref.v];
	if (!row->v) {
		const struct thread_info *t = thread_info(s->processes, ref);
		const struct process_info *p = process_info(s->processes, s->process);
		*row = builder_thread(s->builder, (uint32_t)p->pid, (uint32_t)tid,
				      strings_text(process_strings(s->processes), t->comm));
	}
	return *row;
}

static int verify(struct stacks *s, uint32_t space, const struct unwind_result *walk)
{
	struct unwind_env env = { .context = s, .code_at = code_at, .read_memory = read_file_code };
	uint64_t key = (uint64_t)space << ADDRESS_BITS;
	return s->verifies ? verify_stack(&s->verify, &env, key, s->pcs, walk->count,
					  builder_meta(s->builder))
			   : 0;
}

int stacks_add(struct stacks *s, const struct record *r, bool may_wait)
{
	s->process = process_find(s->processes, r->pid);
	if (!s->process.v)
		return -ENOMEM;
	uint32_t space = space_of(s, s->process);
	struct unwind_result walk;
	s->may_wait = may_wait;
	s->completed = false;
	walk_user(s, &r->sample, space, &walk);
	if (walk.pending)
		return 0;
	if (walk.reason == UNWIND_READ_FAILED)
		fill_hole(s, &r->sample);
	stack_id stack = intern(s, &r->sample, space, &walk);
	thread_id thread = thread_row(s, r->tid);
	if (!thread.v || verify(s, space, &walk) < 0)
		return -ENOMEM;
	struct builder_row row = {
		.thread = thread,
		.leaf = stack,
		.truncated = walk.reason == UNWIND_ROOT ? "" : unwind_reason_id(walk.reason),
		.completed = s->completed,
		.count = 1,
		.cpu_ns = r->sample.cpu_ns,
	};
	if (s->completed || walk.reason == UNWIND_STACK_TOO_DEEP)
		s->large_ns = r->time_ns;
	int status = builder_sample_row(s->builder, r->time_ns, &row);
	return status < 0 ? status : 1;
}
