// SPDX-License-Identifier: MIT
#include "session/modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/vec.h"
#include "symbol/symbol.h"

enum { OPEN_TRIES_MAX = 8 };

struct module { /* by mapped_id */
	struct code *code;
	module_id row, offset_row; /* in the builder: for addresses, for offsets in the file */
	bool asked;
	uint8_t tries; /* how often it was opened again */
};

struct modules {
	struct process_table *processes;
	struct builder *builder;
	const struct log *log;
	struct loader *loader;
	VEC(struct module) rows;
	VEC(struct code *) codes;     /* row 0 unused; all that were ever made */
	struct arena arena;           /* owns the codes */
	struct row_index by_build_id; /* -> codes */
	struct modules_recorded recorded;
	uint32_t waiting; /* requests without an answer */
	uint32_t without_descriptor;
	mapped_id main;
	module_id kernel;
	uint32_t progress;
};

int modules_create(struct process_table *processes, struct builder *builder, const struct log *log,
		   struct modules **out, struct error *err)
{
	struct modules *m = calloc(1, sizeof(*m));
	if (!m)
		return fail(err, -ENOMEM, "out of memory");
	m->processes = processes;
	m->builder = builder;
	m->log = log;
	int r = loader_start(&m->loader, err);
	if (r == 0 && !vec_push(&m->codes, NULL))
		r = fail(err, -ENOMEM, "out of memory");
	if (r < 0) {
		modules_destroy(m);
		return r;
	}
	*out = m;
	return 0;
}

void modules_destroy(struct modules *m)
{
	if (!m)
		return;
	loader_destroy(m->loader);
	for (size_t i = 1; i < m->codes.count; i++) {
		unwind_table_destroy(m->codes.at[i]->table);
		object_unref(m->codes.at[i]->object);
	}
	vec_free(&m->codes);
	vec_free(&m->rows);
	index_deinit(&m->by_build_id);
	arena_deinit(&m->arena);
	free(m);
}

void modules_set_recorded(struct modules *m, const struct modules_recorded *recorded)
{
	m->recorded = *recorded;
}

int modules_fd(const struct modules *m)
{
	return loader_fd(m->loader);
}

static struct code *code_create(struct modules *m)
{
	struct code *code = arena_alloc(&m->arena, sizeof(*code));
	if (!code || !vec_push(&m->codes, code))
		return NULL;
	code->row = (uint32_t)m->codes.count - 1;
	return code;
}

/* @return the code of an open object with this build-id, or NULL */
static struct code *code_by_build_id(const struct modules *m, const uint8_t *id, size_t size)
{
	if (!size)
		return NULL;
	uint32_t row;
	struct index_probe p = index_find(&m->by_build_id, hash_bytes(id, size));
	while ((row = index_next(&m->by_build_id, &p))) {
		const struct object *o = m->codes.at[row]->object;
		if (o->build_id_size == size && !memcmp(o->build_id, id, size))
			return m->codes.at[row];
	}
	return NULL;
}

static void code_opened(struct modules *m, struct code *code, struct object *object)
{
	code->object = object;
	code->state = CODE_OPEN;
	if (object->build_id_size)
		index_add(&m->by_build_id, hash_bytes(object->build_id, object->build_id_size),
			  code->row);
}

static void ask_for_vdso(struct modules *m, struct code *code)
{
	struct object *object;
	bool is_ours = !process_table_is_recorded(m->processes) || m->recorded.has_our_vdso;
	if (!is_ours || symbol_vdso_object(&object, NULL) < 0) {
		code->state = CODE_UNREADABLE;
		return;
	}
	code_opened(m, code, object);
}

static int ask_for_object(struct modules *m, mapped_id id, pid_t pid, uint64_t start, uint64_t end)
{
	const struct mapped_file *f = process_mapped(m->processes, id);
	struct mapped_open what = {
		.pid = process_table_is_recorded(m->processes) ? 0 : pid,
		.build_id_dir = m->recorded.build_id_dir,
		.start = start,
		.end = end,
		.path = (char *)(uintptr_t)strings_text(process_strings(m->processes), f->path),
		.build_id_size = f->build_id_size,
		.device = f->device,
		.inode = f->inode,
	};
	memcpy(what.build_id, f->build_id, sizeof(what.build_id));
	int r = loader_open(m->loader, id.v, &what);
	m->waiting += r == 0;
	return r;
}

static int module_ask(struct modules *m, mapped_id id)
{
	struct module *module = &m->rows.at[id.v];
	const struct mapped_file *f = process_mapped(m->processes, id);
	module->asked = true;
	module->code = code_by_build_id(m, f->build_id, f->build_id_size);
	if (module->code)
		return 0;
	module->code = code_create(m);
	if (!module->code)
		return -ENOMEM;
	switch (f->kind) {
	case MAPPED_FILE: return ask_for_object(m, id, f->seen_pid, f->seen_start, f->seen_end);
	case MAPPED_VDSO: ask_for_vdso(m, module->code); return 0;
	default: module->code->state = CODE_NO_CFI; return 0;
	}
}

int modules_open_new(struct modules *m)
{
	uint32_t count = process_mapped_count(m->processes);
	while (m->rows.count < count)
		if (!vec_push(&m->rows, (struct module){ 0 }))
			return -ENOMEM;
	for (uint32_t i = count; i-- > 1 && !m->rows.at[i].asked;) {
		int r = module_ask(m, (mapped_id){ i });
		if (r < 0)
			return r;
	}
	return 0;
}

int modules_seen_again(struct modules *m, process_id p, const struct record_mmap *mmap)
{
	const struct mapping *mapping = process_mapping(m->processes, p, mmap->start);
	struct module *module = mapping && mapping->mapped.v < m->rows.count
					? &m->rows.at[mapping->mapped.v]
					: NULL;
	if (!module || !module->code || module->code->state != CODE_UNREADABLE ||
	    process_mapped(m->processes, mapping->mapped)->kind != MAPPED_FILE ||
	    module->tries >= OPEN_TRIES_MAX)
		return 0;
	module->tries++;
	module->code->state = CODE_WANTED;
	return ask_for_object(m, mapping->mapped, process_info(m->processes, p)->pid, mmap->start,
			      mmap->end);
}

/* Readers of the capture want to know where in the file the code lies. */
static void tell_file_offset(struct modules *m, module_id row, const struct object *o)
{
	for (uint32_t i = 0; i < o->segment_count; i++) {
		if (!o->segments[i].executable)
			continue;
		builder_set_file_offset(m->builder, row, o->segments[i].vaddr,
					o->segments[i].file_off);
		return;
	}
}

static void tell_builder(struct modules *m, module_id row, const struct object *o)
{
	if (!row.v)
		return;
	tell_file_offset(m, row, o);
	if (o->build_id_size)
		builder_set_build_id(m->builder, row, o->build_id, o->build_id_size);
}

/* @return true if samples were counted without it */
static bool object_arrived(struct modules *m, const struct load_result *r)
{
	struct module *module = &m->rows.at[r->token];
	if (r->status < 0) {
		log_debug(m->log, LOG_OBJECT, "%s", r->error.text);
		module->code->state = CODE_UNREADABLE;
		module->code->late = true;
		m->without_descriptor += r->status == -EMFILE || r->status == -ENFILE;
		return false;
	}
	bool was_late = module->code->late;
	tell_builder(m, module->offset_row, r->object);
	struct code *twin = code_by_build_id(m, r->object->build_id, r->object->build_id_size);
	if (twin) { /* frames that point to the old code may still want the object */
		module->code->object = object_ref(twin->object);
		object_unref(r->object);
		module->code = twin;
	} else {
		code_opened(m, module->code, r->object);
	}
	return was_late;
}

static void rows_arrived(struct modules *m, const struct load_result *r)
{
	struct code *code = m->codes.at[r->token];
	code->table = r->table;
	code->state = r->status < 0 ? CODE_NO_CFI : CODE_READY;
	if (r->status < 0 && r->status != -ENODATA)
		log_debug(m->log, LOG_UNWIND, "'%s': %s", code->object->path, r->error.text);
}

uint32_t modules_without_descriptor(const struct modules *m)
{
	return m->without_descriptor;
}

bool modules_collect(struct modules *m)
{
	struct load_result r;
	bool changed = false;
	while (loader_take(m->loader, &r)) {
		m->waiting--;
		m->progress++;
		if (r.kind == LOAD_OBJECT)
			changed |= object_arrived(m, &r);
		else
			rows_arrived(m, &r);
	}
	return changed;
}

bool modules_waiting(const struct modules *m)
{
	return m->waiting;
}

uint32_t modules_progress(const struct modules *m)
{
	return m->progress;
}

static void ask_for_rows(struct modules *m, struct code *code)
{
	bool asked = loader_rows(m->loader, code->row, code->object) == 0;
	code->state = asked ? CODE_COMPILING : CODE_NO_CFI;
	m->waiting += asked;
}

struct code *modules_code(struct modules *m, mapped_id mapped, bool want_rows)
{
	if (mapped.v >= m->rows.count || !m->rows.at[mapped.v].asked)
		if (modules_open_new(m) < 0 || mapped.v >= m->rows.count)
			return NULL;
	struct code *code = m->rows.at[mapped.v].code;
	if (code && want_rows && code->state == CODE_OPEN)
		ask_for_rows(m, code);
	return code;
}

module_id modules_row(struct modules *m, mapped_id mapped)
{
	const struct code *code = modules_code(m, mapped, false);
	if (!code)
		return (module_id){ 0 };
	struct module *module = &m->rows.at[mapped.v];
	const struct object *o = code->object;
	module_id *row = o ? &module->row : &module->offset_row;
	if (row->v)
		return *row;
	const struct mapped_file *f = process_mapped(m->processes, mapped);
	struct builder_module content = {
		.path = strings_text(process_strings(m->processes), f->path),
		.build_id = o ? o->build_id : f->build_id,
		.build_id_size = o ? o->build_id_size : f->build_id_size,
		.deleted = f->deleted,
		.is_main = mapped.v == m->main.v,
	};
	*row = builder_add_module(m->builder, &content);
	if (row->v && o)
		tell_file_offset(m, *row, o);
	return *row;
}

module_id modules_kernel(struct modules *m)
{
	if (!m->kernel.v) {
		struct builder_module row = { .path = "[kernel.kallsyms]" };
		m->kernel = builder_add_module(m->builder, &row);
	}
	return m->kernel;
}

void modules_set_main(struct modules *m, mapped_id mapped)
{
	if (m->main.v)
		return;
	m->main = mapped;
	modules_row(m, mapped); /* a row also without a sample in it: it is mapping 1 */
}

uint64_t modules_cpu_ns(const struct modules *m)
{
	return loader_cpu_ns(m->loader);
}
