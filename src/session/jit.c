// SPDX-License-Identifier: MIT
#include "session/jit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "runtime/jit_files.h"

enum {
	ADDRESS_BITS = 47, /* of user space on x86-64 */
	PROCESSES_MAX = 1 << (64 - ADDRESS_BITS),
	LOOK_INTERVAL_MS = 100,
	LOOK_MAX_BYTES = 1 << 20, /* some milliseconds' work */
	END_MAX_BYTES = 512 << 20,
	CHANGES_MAX = 256, /* of one address */
	NOTES_MAX = 8,
};

struct jit_frame {
	frame_id frame;
	uint64_t pc;
	bool named;
};

struct jit_process {
	process_id process;
	pid_t pid;
	struct jit_files *files; /* NULL: it had ended before it was looked at */
	bool ended;
	VEC(struct jit_frame) frames;
};

struct jit {
	struct process_table *processes;
	struct builder *builder;
	struct file_roots roots;
	VEC(struct jit_process) rows; /* row 0 is unused */
	struct map64 by_process;      /* process_id -> row */
	struct map64 frames;          /* (process_id, pc) -> frame_id */
	VEC(uint8_t) is_dump;         /* by mapped_id: 1 no, 2 yes */
	uint64_t next_look_ns;
	VEC(struct builder_change) changes;
};

int jit_create(struct process_table *processes, struct builder *builder, struct jit **out,
	       struct error *err)
{
	struct jit *j = calloc(1, sizeof(*j));
	if (!j || !vec_push(&j->rows, (struct jit_process){ 0 })) {
		free(j);
		return fail(err, -ENOMEM, "out of memory");
	}
	j->processes = processes;
	j->builder = builder;
	*out = j;
	return 0;
}

void jit_destroy(struct jit *j)
{
	if (!j)
		return;
	for (size_t i = 0; i < j->rows.count; i++) {
		jit_files_destroy(j->rows.at[i].files);
		vec_free(&j->rows.at[i].frames);
	}
	vec_free(&j->rows);
	vec_free(&j->is_dump);
	vec_free(&j->changes);
	map64_deinit(&j->by_process);
	map64_deinit(&j->frames);
	file_roots_deinit(&j->roots);
	free(j);
}

/* @return the process's row; NULL without memory */
static struct jit_process *find_process(struct jit *j, process_id p)
{
	uint32_t row = map64_get(&j->by_process, p.v);
	if (row)
		return &j->rows.at[row];
	struct jit_process fresh = { .process = p, .pid = process_info(j->processes, p)->pid };
	row = (uint32_t)j->rows.count;
	if (!vec_push(&j->rows, fresh) || !map64_put(&j->by_process, p.v, row))
		return NULL;
	if (jit_files_create(&j->roots, fresh.pid, &j->rows.at[row].files, NULL) < 0)
		j->rows.at[row].files = NULL;
	j->next_look_ns = 0;
	return &j->rows.at[row];
}

frame_id jit_frame(struct jit *j, process_id p, uint64_t pc)
{
	const frame_id none = { 0 };
	if (p.v >= PROCESSES_MAX || pc >> ADDRESS_BITS)
		return builder_frame(j->builder, (module_id){ 0 }, pc, FRAME_JIT, NULL);
	uint64_t key = (uint64_t)p.v << ADDRESS_BITS | pc;
	uint32_t known = map64_get(&j->frames, key);
	if (known)
		return (frame_id){ known };
	struct jit_process *row = find_process(j, p);
	frame_id frame =
		row ? builder_new_frame(j->builder, (module_id){ 0 }, pc, FRAME_JIT) : none;
	if (!frame.v || !map64_put(&j->frames, key, frame.v) ||
	    !vec_push(&row->frames, (struct jit_frame){ .frame = frame, .pc = pc }))
		return none;
	return frame;
}

/* Runtimes map their jitdump so that profilers see where it is: "jit-PID.dump". */
static bool is_dump(const char *path)
{
	const char *name = strrchr(path, '/');
	size_t length = name ? strlen(name) : 0;
	return length > 10 && !strncmp(name, "/jit-", 5) && !strcmp(name + length - 5, ".dump");
}

static int find_dump(struct jit *j, struct jit_process *row)
{
	size_t count;
	const struct mapping *all = process_mappings(j->processes, row->process, &count);
	for (size_t i = 0; i < count; i++) {
		mapped_id mapped = all[i].mapped;
		while (j->is_dump.count <= mapped.v)
			if (!vec_push(&j->is_dump, 0))
				return -ENOMEM;
		const struct mapped_file *file = process_mapped(j->processes, mapped);
		const char *path = strings_text(process_strings(j->processes), file->path);
		uint8_t *known = &j->is_dump.at[mapped.v];
		if (!*known)
			*known = file->kind == MAPPED_FILE && is_dump(path) ? 2 : 1;
		if (*known == 2)
			jit_files_set_dump(row->files, path);
	}
	return 0;
}

static int name_frame(struct jit *j, struct jit_codes *codes, frame_id frame, uint64_t pc,
		      const struct jit_code *code)
{
	/* The file of its first line is the function's; lines of what is inlined may lie in others. */
	const struct jit_line *first = code->line_count ? &codes->lines.at[code->first_line] : NULL;
	const struct jit_line *at = jit_codes_line(codes, code, pc);
	struct builder_line line = {
		.name = strings_text(&codes->strings, code->name),
		.system_name = strings_text(&codes->strings, code->name),
		.file = first ? strings_text(&codes->strings, first->file) : "",
		.line = at && at->file.v == first->file.v ? at->line : 0,
	};
	return builder_name_frame(j->builder, frame, &line, 1);
}

/* What is in the journal is there for good: names that are known early help it. */
static int name_new(struct jit *j, struct jit_process *row)
{
	struct jit_codes *codes = jit_files_codes(row->files);
	for (size_t i = 0; i < row->frames.count; i++) {
		struct jit_frame *f = &row->frames.at[i];
		const struct jit_code *code =
			f->named ? NULL : jit_codes_at(codes, f->pc, UINT64_MAX);
		f->named |= code != NULL;
		int r = code ? name_frame(j, codes, f->frame, f->pc, code) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int look_at(struct jit *j, struct jit_process *row, uint64_t now_ns, size_t max_bytes)
{
	if (!row->files || row->ended)
		return 0;
	int r = find_dump(j, row);
	if (r == 0)
		r = jit_files_read(row->files, now_ns, max_bytes);
	return r > 0 ? name_new(j, row) : r;
}

int jit_look(struct jit *j, uint64_t now_ns)
{
	int r = 0;
	if (now_ns < j->next_look_ns)
		return 0;
	for (size_t i = 1; r == 0 && i < j->rows.count; i++)
		r = look_at(j, &j->rows.at[i], now_ns, LOOK_MAX_BYTES);
	j->next_look_ns = now_ns + LOOK_INTERVAL_MS * NSEC_PER_MSEC;
	return r;
}

int jit_ended(struct jit *j, pid_t pid, uint64_t now_ns)
{
	for (size_t i = j->rows.count; i-- > 1;) {
		struct jit_process *row = &j->rows.at[i];
		if (row->pid != pid || row->ended)
			continue;
		int r = look_at(j, row, now_ns, END_MAX_BYTES);
		row->ended = true;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A frame by what was at its address first, and other frames for what came there later. */
static int name_by_time(struct jit *j, struct jit_codes *codes, const struct jit_frame *f)
{
	const struct jit_code *code = jit_codes_at(codes, f->pc, 0);
	if (!code)
		return 0;
	int r = name_frame(j, codes, f->frame, f->pc, code);
	uint64_t time_ns = 0;
	for (int i = 0; r == 0 && i < CHANGES_MAX; i++) {
		time_ns = jit_codes_next(codes, f->pc, time_ns);
		if (time_ns == UINT64_MAX)
			return 0;
		const struct jit_code *next = jit_codes_at(codes, f->pc, time_ns);
		if (!next || next->name.v == code->name.v)
			continue;
		code = next;
		frame_id then = builder_new_frame(j->builder, (module_id){ 0 }, f->pc, FRAME_JIT);
		if (!then.v ||
		    !vec_push(&j->changes, (struct builder_change){ f->frame, time_ns, then }))
			return -ENOMEM;
		r = name_frame(j, codes, then, f->pc, code);
	}
	return r;
}

static int note_refusal(struct jit *j, const struct jit_process *row)
{
	const char *why = row->files ? jit_files_refusal(row->files) : NULL;
	struct strbuf text = { 0 };
	if (!why)
		return 0;
	strbuf_printf(&text, "code that pid %d made at run time may lack names: %s", (int)row->pid,
		      why);
	int r = builder_note(j->builder, strbuf_text(&text));
	strbuf_deinit(&text);
	return r;
}

int jit_finish(struct jit *j, uint64_t now_ns)
{
	int notes = 0, r = 0;
	for (size_t i = 1; r == 0 && i < j->rows.count; i++) {
		struct jit_process *row = &j->rows.at[i];
		r = look_at(j, row, now_ns, END_MAX_BYTES);
		row->ended = true;
		for (size_t k = 0; r == 0 && row->files && k < row->frames.count; k++)
			r = name_by_time(j, jit_files_codes(row->files), &row->frames.at[k]);
		if (r == 0 && notes < NOTES_MAX && row->files && jit_files_refusal(row->files)) {
			r = note_refusal(j, row);
			notes++;
		}
	}
	return r < 0 ? r : builder_change_frames(j->builder, j->changes.at, j->changes.count);
}
