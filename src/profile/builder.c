// SPDX-License-Identifier: MIT
#include "profile/builder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "profile/draft.h"

static uint64_t hash_pair(uint64_t seed, uint64_t value)
{
	return hash_u64(seed ^ value) + UINT64_C(0x9e3779b97f4a7c15);
}

static bool reserve_row_zero(struct builder *b)
{
	return vec_push(&b->modules, (struct draft_module){ .path = "", .build_id = "" }) &&
	       vec_push(&b->functions,
			(struct draft_function){ .name = "", .system_name = "", .file = "" }) &&
	       vec_push(&b->frames, (struct draft_frame){ 0 }) &&
	       vec_push(&b->stacks, (struct draft_stack){ 0 }) &&
	       vec_push(&b->threads, (struct draft_thread){ .comm = "" }) &&
	       vec_push(&b->samples, (struct draft_sample){ .truncated = "" }) &&
	       vec_push(&b->cpus, (struct draft_cpu){ 0 });
}

int builder_create(struct builder **out, struct error *err)
{
	struct builder *b = calloc(1, sizeof(*b));
	if (!b)
		return fail(err, -ENOMEM, "out of memory");
	b->times.budget_bytes = TIME_BUDGET_MOST_BYTES;
	b->stacks_most = UINT32_MAX;
	if (strings_init(&b->strings) < 0 || !reserve_row_zero(b)) {
		builder_destroy(b);
		return fail(err, -ENOMEM, "out of memory");
	}
	*out = b;
	return 0;
}

void builder_destroy(struct builder *b)
{
	if (!b)
		return;
	vec_free(&b->modules);
	vec_free(&b->functions);
	vec_free(&b->lines);
	vec_free(&b->frames);
	vec_free(&b->stacks);
	vec_free(&b->threads);
	vec_free(&b->samples);
	vec_free(&b->cpus);
	vec_free(&b->reasons);
	vec_free(&b->notes);
	vec_free(&b->pids);
	vec_free(&b->inner_pids);
	vec_free(&b->runs);
	index_deinit(&b->function_index);
	index_deinit(&b->frame_index);
	index_deinit(&b->thread_index);
	index_deinit(&b->sample_index);
	free(b->stack_index);
	map64_deinit(&b->cpu_index);
	time_log_deinit(&b->times);
	vec_free(&b->fresh);
	sources_deinit(&b->sources);
	strings_deinit(&b->strings);
	free(b);
}

string_id builder_intern(struct builder *b, const char *text)
{
	return strings_intern(&b->strings, text);
}

/* The interned text; NULL without memory. */
static const char *intern(struct builder *b, const char *text)
{
	if (!text || !*text)
		return "";
	string_id id = strings_intern(&b->strings, text);
	return id.v ? strings_text(&b->strings, id) : NULL;
}

static const char *intern_hex(struct builder *b, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char hex[2 * 64 + 1];
	if (size > 64)
		size = 64;
	for (size_t i = 0; i < size; i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * size] = 0;
	return intern(b, hex);
}

module_id builder_add_module(struct builder *b, const struct builder_module *m)
{
	struct draft_module row = {
		.path = intern(b, m->path),
		.build_id = m->build_id ? intern_hex(b, m->build_id, m->build_id_size) : "",
		.deleted = m->deleted,
		.is_main = m->is_main,
	};
	if (!row.path || !row.build_id || b->modules.count >= UINT32_MAX ||
	    !vec_push(&b->modules, row))
		return (module_id){ 0 };
	return (module_id){ (uint32_t)(b->modules.count - 1) };
}

static struct draft_module *module_row(struct builder *b, module_id m)
{
	return m.v && m.v < b->modules.count ? &b->modules.at[m.v] : NULL;
}

void builder_set_build_id(struct builder *b, module_id m, const uint8_t *build_id, size_t size)
{
	struct draft_module *row = module_row(b, m);
	const char *hex = row ? intern_hex(b, build_id, size) : NULL;
	if (hex)
		row->build_id = hex;
}

int builder_set_build_id_text(struct builder *b, module_id m, const char *build_id)
{
	struct draft_module *row = module_row(b, m);
	const char *text = intern(b, build_id);
	if (!text)
		return -ENOMEM;
	if (row)
		row->build_id = text;
	return 0;
}

void builder_set_file_offset(struct builder *b, module_id m, uint64_t vaddr, uint64_t file_off)
{
	struct draft_module *row = module_row(b, m);
	if (row)
		row->vaddr_minus_off = vaddr - file_off;
}

void builder_set_module_range(struct builder *b, module_id m, uint64_t start_vaddr,
			      uint64_t limit_vaddr)
{
	struct draft_module *row = module_row(b, m);
	if (row && start_vaddr < limit_vaddr) {
		row->start_vaddr = start_vaddr;
		row->limit_vaddr = limit_vaddr;
	}
}

static frame_id add_frame(struct builder *b, struct draft_frame row)
{
	if (b->frames.count >= UINT32_MAX || !vec_push(&b->frames, row))
		return (frame_id){ 0 };
	return (frame_id){ (uint32_t)(b->frames.count - 1) };
}

frame_id builder_new_frame(struct builder *b, module_id module, uint64_t vaddr,
			   enum frame_kind kind)
{
	return add_frame(b, (struct draft_frame){
				    .module = module.v, .vaddr = vaddr, .kind = (uint8_t)kind });
}

frame_id builder_frame(struct builder *b, module_id module, uint64_t vaddr, enum frame_kind kind,
		       bool *out_is_new)
{
	uint64_t hash = hash_pair(vaddr, (uint64_t)module.v << 8 | (uint64_t)kind);
	uint32_t row;
	if (out_is_new)
		*out_is_new = false;
	for (struct index_probe p = index_find(&b->frame_index, hash);
	     (row = index_next(&b->frame_index, &p));) {
		const struct draft_frame *f = &b->frames.at[row];
		if (f->vaddr == vaddr && f->module == module.v && f->kind == (uint8_t)kind)
			return (frame_id){ row };
	}
	frame_id id = add_frame(b, (struct draft_frame){ .module = module.v,
							 .vaddr = vaddr,
							 .kind = (uint8_t)kind,
							 .interned = true });
	if (!id.v || !index_add(&b->frame_index, hash, id.v))
		return (frame_id){ 0 };
	if (out_is_new)
		*out_is_new = true;
	return id;
}

/* Its place in the index is that of the old address, where nobody will look again. */
void builder_set_frame_vaddr(struct builder *b, frame_id frame, uint64_t vaddr)
{
	if (frame.v && frame.v < b->frames.count)
		b->frames.at[frame.v].vaddr = vaddr;
}

/* @return the slot of a stack, or a free one. The rows are the keys, so that a slot takes 4 bytes. */
static uint32_t *stack_slot(const struct builder *b, const struct draft_stack *wanted)
{
	size_t mask = b->stack_index_capacity - 1;
	size_t i = (size_t)hash_u64((uint64_t)wanted->parent << 32 | wanted->frame) & mask;
	for (; b->stack_index[i]; i = (i + 1) & mask) {
		const struct draft_stack *s = &b->stacks.at[b->stack_index[i]];
		if (s->parent == wanted->parent && s->frame == wanted->frame)
			break;
	}
	return &b->stack_index[i];
}

/* Made anew of the rows, so that the old one can go first. */
static bool grow_stack_index(struct builder *b)
{
	enum { FIRST_SLOTS = 16 };
	size_t capacity = FIRST_SLOTS;
	while (b->stacks.count * 4 > capacity * 3)
		capacity *= 2;
	free(b->stack_index);
	b->stack_index = calloc(capacity, sizeof(*b->stack_index));
	b->stack_index_capacity = b->stack_index ? capacity : 0;
	if (!b->stack_index)
		return false;
	for (uint32_t i = 1; i < b->stacks.count; i++)
		*stack_slot(b, &b->stacks.at[i]) = i;
	return true;
}

stack_id builder_stack(struct builder *b, stack_id parent, frame_id frame)
{
	const struct draft_stack wanted = { parent.v, frame.v };
	uint32_t *slot = b->stack_index_capacity ? stack_slot(b, &wanted) : NULL;
	if (slot && *slot)
		return (stack_id){ *slot };
	if (!frame.v || b->stacks.count >= b->stacks_most)
		return (stack_id){ 0 };
	if (b->stacks.count * 4 > b->stack_index_capacity * 3) {
		if (!grow_stack_index(b))
			return (stack_id){ 0 };
		slot = stack_slot(b, &wanted);
	}
	if (!vec_push(&b->stacks, wanted))
		return (stack_id){ 0 };
	*slot = (uint32_t)(b->stacks.count - 1);
	return (stack_id){ *slot };
}

void builder_seal(struct builder *b)
{
	free(b->stack_index);
	b->stack_index = NULL;
	b->stack_index_capacity = 0;
	b->stacks_most = 0;
	index_deinit(&b->function_index);
	index_deinit(&b->frame_index);
	index_deinit(&b->thread_index);
	index_deinit(&b->sample_index);
}

void builder_limit_stacks(struct builder *b, size_t text_bytes)
{
	enum { STACKS_FREE = 1 << 22, BYTES_OF_A_STACK = 8 };
	size_t most = STACKS_FREE + text_bytes / BYTES_OF_A_STACK;
	b->stacks_most = most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

int builder_stack_failed(const struct builder *b, struct error *err)
{
	if (b->stacks.count < b->stacks_most)
		return fail(err, -ENOMEM, "out of memory");
	return fail(err, -EFBIG,
		    "the stacks have more than %" PRIu32
		    " distinct steps, which is the limit for a text of this size",
		    b->stacks_most);
}

thread_id builder_thread(struct builder *b, uint32_t pid, uint32_t tid, const char *comm)
{
	const char *name = intern(b, comm);
	if (!name)
		return (thread_id){ 0 };
	uint64_t hash = hash_pair(hash_pair((uint64_t)pid << 32 | tid, b->run), (uintptr_t)name);
	uint32_t row;
	for (struct index_probe p = index_find(&b->thread_index, hash);
	     (row = index_next(&b->thread_index, &p));) {
		const struct draft_thread *t = &b->threads.at[row];
		if (t->pid == pid && t->tid == tid && t->comm == name && t->run == b->run)
			return (thread_id){ row };
	}
	row = (uint32_t)b->threads.count;
	if (b->threads.count >= UINT32_MAX || !vec_reserve(&b->threads, b->threads.count + 1) ||
	    !index_add(&b->thread_index, hash, row))
		return (thread_id){ 0 };
	b->threads.at[b->threads.count++] = (struct draft_thread){ b->run, pid, tid, name };
	return (thread_id){ row };
}

static bool is_row(const struct draft_sample *s, const struct draft_sample *wanted)
{
	return s->stack == wanted->stack && s->thread == wanted->thread &&
	       s->truncated == wanted->truncated && s->completed == wanted->completed;
}

static uint64_t hash_sample(const struct draft_sample *s)
{
	return hash_pair((uint64_t)s->stack << 32 | s->thread,
			 (uintptr_t)s->truncated + s->completed);
}

bool draft_index_sample(struct builder *b, uint32_t row)
{
	return index_add(&b->sample_index, hash_sample(&b->samples.at[row]), row);
}

draft_sample_id builder_add_row(struct builder *b, const struct builder_row *wanted)
{
	const draft_sample_id none = { 0 };
	struct draft_sample fresh = {
		.stack = wanted->leaf.v,
		.thread = wanted->thread.v,
		.row = (uint32_t)b->samples.count,
		.truncated = intern(b, wanted->truncated),
		.completed = wanted->completed,
		.count = wanted->count,
		.cpu_ns = wanted->cpu_ns,
	};
	if (!fresh.truncated)
		return none;
	uint64_t hash = hash_sample(&fresh);
	uint32_t row;
	b->sample_count += wanted->count;
	for (struct index_probe p = index_find(&b->sample_index, hash);
	     (row = index_next(&b->sample_index, &p));) {
		struct draft_sample *s = &b->samples.at[row];
		if (is_row(s, &fresh)) {
			s->count += fresh.count;
			s->cpu_ns += fresh.cpu_ns;
			return (draft_sample_id){ row };
		}
	}
	if (b->samples.count >= UINT32_MAX || !vec_reserve(&b->samples, b->samples.count + 1) ||
	    !index_add(&b->sample_index, hash, fresh.row))
		return none;
	b->samples.at[b->samples.count++] = fresh;
	return (draft_sample_id){ fresh.row };
}

int builder_add_counts(struct builder *b, thread_id thread, stack_id leaf, const char *truncated,
		       uint64_t count, uint64_t cpu_ns)
{
	struct builder_row row = { .thread = thread,
				   .leaf = leaf,
				   .truncated = truncated,
				   .count = count,
				   .cpu_ns = cpu_ns };
	return builder_add_row(b, &row).v ? 0 : -ENOMEM;
}

void builder_set_run(struct builder *b, uint32_t run)
{
	if (b->run != run)
		map64_deinit(&b->cpu_index); /* a pid of before is another thread now */
	b->run = run;
}

int builder_end_run(struct builder *b, uint64_t cpu_ns)
{
	return vec_push(&b->runs, cpu_ns) ? 0 : -ENOMEM;
}

void builder_set_start(struct builder *b, uint64_t start_ns)
{
	b->start_ns = start_ns;
}

void builder_set_time_budget(struct builder *b, size_t budget_bytes)
{
	b->times.budget_bytes =
		budget_bytes < TIME_BUDGET_MOST_BYTES ? budget_bytes : TIME_BUDGET_MOST_BYTES;
}

int builder_add_time(struct builder *b, draft_sample_id row, uint64_t time_ns, uint32_t count)
{
	return time_log_add(&b->times, time_ns, row.v, count);
}

int builder_set_time_cell(struct builder *b, uint64_t cell_ns)
{
	return time_log_coarsen(&b->times, cell_ns);
}

int builder_sample(struct builder *b, uint64_t time_ns, thread_id thread, stack_id leaf,
		   const char *truncated)
{
	struct builder_row row = {
		.thread = thread, .leaf = leaf, .truncated = truncated, .count = 1
	};
	return builder_sample_row(b, time_ns, &row);
}

int builder_sample_row(struct builder *b, uint64_t time_ns, const struct builder_row *wanted)
{
	draft_sample_id row = builder_add_row(b, wanted);
	/* The first tick may come before the clock is read. */
	uint64_t since_ns = time_ns < b->start_ns ? 0 : time_ns - b->start_ns;
	if (!row.v ||
	    (b->keep_fresh && !vec_push(&b->fresh, (struct profile_time){ since_ns, row.v, 1 })))
		return -ENOMEM;
	return builder_add_time(b, row, since_ns, 1);
}

static bool has_text(const char *s)
{
	return s && *s;
}

/* @return the function's row, or 0 without memory */
static uint32_t intern_function(struct builder *b, const struct builder_line *line)
{
	struct draft_function f = {
		.name = intern(b, has_text(line->name) ? line->name : line->system_name),
		.system_name = intern(b, line->system_name),
		.file = intern(b, line->file),
		.start_line = line->start_line,
		.unnamed = profile_name_is_place(line->name),
	};
	if (!f.name || !f.system_name || !f.file)
		return 0;
	uint64_t hash = hash_pair(hash_pair((uintptr_t)f.name, (uintptr_t)f.system_name),
				  hash_pair((uintptr_t)f.file, f.start_line));
	uint32_t row;
	for (struct index_probe p = index_find(&b->function_index, hash);
	     (row = index_next(&b->function_index, &p));) {
		const struct draft_function *g = &b->functions.at[row];
		if (g->name == f.name && g->system_name == f.system_name && g->file == f.file &&
		    g->start_line == f.start_line)
			return row;
	}
	row = (uint32_t)b->functions.count;
	if (b->functions.count >= UINT32_MAX || !vec_push(&b->functions, f) ||
	    !index_add(&b->function_index, hash, row))
		return 0;
	return row;
}

int builder_name_frame(struct builder *b, frame_id frame, const struct builder_line *lines,
		       size_t count)
{
	if (!frame.v || frame.v >= b->frames.count)
		return 0;
	if (count > UINT32_MAX - b->lines.count)
		return -ENOMEM;
	uint32_t first = (uint32_t)b->lines.count;
	for (size_t i = 0; i < count; i++) {
		if (!has_text(lines[i].name) && !has_text(lines[i].system_name))
			continue;
		uint32_t function = intern_function(b, &lines[i]);
		if (!function ||
		    !vec_push(&b->lines, (struct draft_line){ function, lines[i].line }))
			return -ENOMEM;
	}
	b->frames.at[frame.v].first_line = first;
	b->frames.at[frame.v].line_count = (uint32_t)b->lines.count - first;
	return 0;
}

void builder_frame_function_start(struct builder *b, frame_id frame, uint64_t start_vaddr)
{
	if (!frame.v || frame.v >= b->frames.count)
		return;
	b->frames.at[frame.v].function_start = start_vaddr;
	b->frames.at[frame.v].has_function_start = true;
}

bool builder_next_unnamed(const struct builder *b, struct builder_unnamed *at)
{
	for (uint32_t i = at->frame.v + 1; i < b->frames.count; i++) {
		const struct draft_frame *f = &b->frames.at[i];
		if (f->kind != FRAME_USER || f->line_count || f->has_function_start)
			continue;
		const struct draft_module *m = &b->modules.at[f->module];
		*at = (struct builder_unnamed){ { i }, f->vaddr, m->path, m->build_id };
		return true;
	}
	return false;
}

bool builder_next_kernel(const struct builder *b, struct builder_kernel_frame *at)
{
	for (uint32_t i = at->frame.v + 1; i < b->frames.count; i++) {
		const struct draft_frame *f = &b->frames.at[i];
		if (f->kind != FRAME_KERNEL)
			continue;
		*at = (struct builder_kernel_frame){ { i }, f->vaddr, NULL };
		if (f->line_count)
			at->name = b->functions.at[b->lines.at[f->first_line].function].name;
		return true;
	}
	return false;
}

int builder_thread_cpu(struct builder *b, uint32_t pid, uint32_t tid, uint64_t cpu_ns)
{
	uint64_t key = (uint64_t)pid << 32 | tid;
	uint32_t row = map64_get(&b->cpu_index, key);
	if (row) {
		b->cpus.at[row].cpu_ns += cpu_ns;
		return 0;
	}
	row = (uint32_t)b->cpus.count;
	if (b->cpus.count >= UINT32_MAX || !vec_reserve(&b->cpus, b->cpus.count + 1) ||
	    !map64_put(&b->cpu_index, key, row))
		return -ENOMEM;
	b->cpus.at[b->cpus.count++] = (struct draft_cpu){ b->run, pid, tid, cpu_ns };
	return 0;
}

struct profile_meta *builder_meta(struct builder *b)
{
	return &b->meta;
}

int builder_note(struct builder *b, const char *sentence)
{
	const char *text = intern(b, sentence);
	return text && vec_push(&b->notes, text) ? 0 : -ENOMEM;
}

int builder_target_pid(struct builder *b, uint32_t pid)
{
	if (!vec_reserve(&b->inner_pids, b->pids.count + 1) || !vec_push(&b->pids, pid))
		return -ENOMEM;
	b->inner_pids.at[b->inner_pids.count++] = 0;
	return 0;
}

void builder_target_inner_pid(struct builder *b, uint32_t pid, uint32_t inner)
{
	while (b->inner_pid_at < b->pids.count && b->pids.at[b->inner_pid_at] != pid)
		b->inner_pid_at++;
	if (b->inner_pid_at < b->pids.count)
		b->inner_pids.at[b->inner_pid_at++] = inner;
}

int builder_reason(struct builder *b, const char *id, const char *sentence)
{
	struct draft_reason row = { intern(b, id), intern(b, sentence) };
	if (!row.id || !row.sentence)
		return -ENOMEM;
	return vec_push(&b->reasons, row) ? 0 : -ENOMEM;
}

size_t builder_stack_count(const struct builder *b)
{
	return b->stacks.count;
}

uint64_t builder_sample_count(const struct builder *b)
{
	return b->sample_count;
}

int builder_source(struct builder *b, const struct profile_source *source)
{
	return sources_add(&b->sources, source) ? 0 : -ENOMEM;
}
