// SPDX-License-Identifier: MIT
#include "symbol/symbol.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/strbuf.h"
#include "base/strings.h"
#include "base/vec.h"
#include "symbol/debug_file.h"
#include "symbol/demangle.h"
#include "symbol/dwarf_names.h"
#include "symbol/kernel.h"
#include "symbol/symtab.h"

struct module {
	struct object
		*object; /* a reference, so that the address of the struct stays its identity */
	struct symtab symtab;
	struct dwarf_names *dwarf;
	struct map64 by_vaddr;             /* to rows of `results` */
	VEC(struct symbol_result) results; /* row 0 is unused */
};

struct symbol_resolver {
	bool inlines;
	char *debug_dir;
	struct file_roots roots;
	struct debug_places places;
	const struct log *log;
	struct arena arena;
	struct strings strings;
	struct map64 demangled;         /* string_id of the name in the file -> string_id + 1 */
	struct map64 modules;           /* address of the struct object -> row */
	VEC(struct module) module_rows; /* row 0 is unused */
	struct kernel_symbols kernel;
	bool kernel_loaded;
	struct strbuf scratch;
	struct dwarf_answer answer; /* scratch too */
};

int symbol_resolver_create(const struct symbol_config *config, struct symbol_resolver **out,
			   struct error *err)
{
	struct symbol_resolver *r = calloc(1, sizeof(*r));
	if (!r)
		return fail(err, -ENOMEM, "out of memory");
	r->inlines = config->inlines;
	r->log = config->log;
	r->debug_dir = strdup(config->debug_dir ? config->debug_dir : "/usr/lib/debug");
	if (strings_init(&r->strings) < 0 || !r->debug_dir ||
	    !vec_push(&r->module_rows, (struct module){ 0 })) {
		symbol_resolver_destroy(r);
		return fail(err, -ENOMEM, "out of memory");
	}
	int rc = file_roots_get(&r->roots, 0, &r->places.ours, err);
	if (rc < 0) {
		symbol_resolver_destroy(r);
		return rc;
	}
	r->places.debug_dir = r->debug_dir;
	*out = r;
	return 0;
}

static void module_deinit(struct module *m)
{
	symtab_deinit(&m->symtab);
	dwarf_names_destroy(m->dwarf);
	map64_deinit(&m->by_vaddr);
	vec_free(&m->results);
	object_unref(m->object);
}

void symbol_resolver_destroy(struct symbol_resolver *r)
{
	if (!r)
		return;
	for (size_t i = 1; i < r->module_rows.count; i++)
		module_deinit(&r->module_rows.at[i]);
	vec_free(&r->module_rows);
	map64_deinit(&r->modules);
	map64_deinit(&r->demangled);
	kernel_symbols_deinit(&r->kernel);
	strings_deinit(&r->strings);
	arena_deinit(&r->arena);
	strbuf_deinit(&r->scratch);
	file_root_unref(r->places.ours);
	file_roots_deinit(&r->roots);
	free(r->debug_dir);
	free(r);
}

/* Without section headers (an image taken from memory) the executable segments bound the code. */
static bool add_code(struct symtab *t, const struct object *o, const struct elf_sections *sections)
{
	if (!symtab_add_code(t, sections))
		return false;
	bool ok = true;
	for (uint32_t i = 0; ok && !t->code.count && i < o->segment_count; i++)
		if (o->segments[i].executable)
			ok = vec_push(&t->code,
				      (struct code_range){ o->segments[i].vaddr,
							   o->segments[i].vaddr +
								   o->segments[i].mem_size_bytes });
	return ok;
}

static void note_damage(const struct symbol_resolver *r, const struct object *o, int rc,
			struct error *err)
{
	if (rc < 0 && rc != -ENOENT)
		log_debug(r->log, LOG_SYMBOL, "in '%s': %s", o->path, err->text);
	err->text[0] = 0;
}

static void load_tables(struct symbol_resolver *r, struct symtab *t, const struct object *o,
			const struct elf_sections *sections)
{
	struct error err = { 0 };
	note_damage(r, o, symtab_add(t, o, sections, ".symtab", &err), &err);
	note_damage(r, o, symtab_add(t, o, sections, ".dynsym", &err), &err);
	note_damage(r, o, symtab_add_minidebug(t, o, sections, &err), &err);
}

static void load_module(struct symbol_resolver *r, struct module *m)
{
	struct elf_sections sections = { 0 }, debug_sections = { 0 };
	struct object *debug = NULL;
	struct error err = { 0 };
	const struct object *o = m->object;
	note_damage(r, o, elf_sections_read(o, &sections, &err), &err);
	bool ok = add_code(&m->symtab, o, &sections);
	bool has_dwarf = elf_section_find(&sections, ".debug_info") ||
			 elf_section_find(&sections, ".zdebug_info");
	if (!has_dwarf)
		debug_file_find(o, &r->places, &debug);
	if (ok)
		load_tables(r, &m->symtab, o, &sections);
	if (ok && !elf_section_find(&sections, ".symtab"))
		note_damage(r, o, symtab_add_gopclntab(&m->symtab, o, &sections, &err), &err);
	if (ok && debug && elf_sections_read(debug, &debug_sections, NULL) == 0)
		load_tables(r, &m->symtab, debug, &debug_sections);
	note_damage(r, o, symtab_add_plt(&m->symtab, o, &sections, &err), &err);
	note_damage(r, o, symtab_finish(&m->symtab, &err), &err);
	const struct object *source = has_dwarf ? o : debug;
	if (source)
		note_damage(r, source,
			    dwarf_names_create(source, &r->places, &r->strings, &m->dwarf, &err),
			    &err);
	elf_sections_deinit(&sections);
	elf_sections_deinit(&debug_sections);
	object_unref(debug);
}

static struct module *find_module(struct symbol_resolver *r, struct object *obj)
{
	uint32_t row = map64_get(&r->modules, (uint64_t)(uintptr_t)obj);
	if (row)
		return &r->module_rows.at[row];
	if (!vec_push(&r->module_rows, (struct module){ .object = object_ref(obj) })) {
		object_unref(obj);
		return NULL;
	}
	struct module *m = &r->module_rows.at[r->module_rows.count - 1];
	if (!vec_push(&m->results, (struct symbol_result){ 0 }) ||
	    !map64_put(&r->modules, (uint64_t)(uintptr_t)obj,
		       (uint32_t)(r->module_rows.count - 1))) {
		module_deinit(m);
		r->module_rows.count--;
		return NULL;
	}
	load_module(r, m);
	return m;
}

/* Each name is demangled once. */
static const char *readable_name(struct symbol_resolver *r, string_id name)
{
	uint32_t known = map64_get(&r->demangled, name.v);
	if (known)
		return strings_text(&r->strings, (string_id){ known - 1 });
	string_id readable = name;
	strbuf_clear(&r->scratch);
	if (demangle(strings_text(&r->strings, name), &r->scratch))
		readable = strings_intern(&r->strings, strbuf_text(&r->scratch));
	map64_put(&r->demangled, name.v, readable.v + 1);
	return strings_text(&r->strings, readable);
}

static void fill_line(struct symbol_resolver *r, struct symbol_line *line, string_id name)
{
	line->system_name = strings_text(&r->strings, name);
	line->function = readable_name(r, name);
	if (!line->file)
		line->file = "";
}

/* Tables of hostile files share the ends of endless names. */
enum { NAME_MAX_BYTES = 16 * 1024 };

static string_id intern_name(struct symbol_resolver *r, const char *name)
{
	return strings_intern_bytes(&r->strings, name, strnlen(name, NAME_MAX_BYTES));
}

static bool is_mangled(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

/*
 * Debug information may lack linkage names (clang's -gline-tables-only), and of C's aliases it has
 * the one in the source (`__libc_malloc`): the symbol table then knows better. Of two names alike
 * the source's is right (equal functions are folded). Clones (`.cold`) go by the name of their
 * function.
 */
static string_id outer_name(struct symbol_resolver *r, const struct symtab *t,
			    const struct dwarf_frame *frame, uint64_t start_vaddr,
			    const struct symtab_entry *entry)
{
	if (!entry || frame->has_linkage_name)
		return frame->name;
	size_t length = strnlen(entry->name, NAME_MAX_BYTES);
	const char *dot = memchr(entry->name, '.', length);
	if (is_mangled(entry->name))
		return strings_intern_bytes(&r->strings, entry->name,
					    dot ? (size_t)(dot - entry->name) : length);
	const char *source_name = strings_text(&r->strings, frame->name);
	if (!frame->name.v ||
	    (entry->start == start_vaddr && symtab_is_better(t, entry, source_name)))
		return intern_name(r, entry->name);
	return frame->name;
}

static void resolve_by_dwarf(struct symbol_resolver *r, const struct symtab *t,
			     const struct symtab_entry *entry, struct symbol_result *out)
{
	const struct dwarf_answer *a = &r->answer;
	uint32_t first = r->inlines ? 0 : a->count - 1, count = a->count - first;
	struct symbol_line *lines = arena_alloc(&r->arena, count * sizeof(*lines));
	if (!lines)
		return;
	for (uint32_t i = 0; i < count; i++) {
		const struct dwarf_frame *frame = &a->frames[first + i];
		bool inlined = i + 1 < count;
		/* Without inlined frames the line is still that of the address. */
		const struct dwarf_frame *where = r->inlines ? frame : &a->frames[0];
		lines[i] = (struct symbol_line){ .file = strings_text(&r->strings, where->file),
						 .line = where->line,
						 .start_line = frame->start_line,
						 .inlined = inlined };
		fill_line(r, &lines[i],
			  inlined ? frame->name : outer_name(r, t, frame, a->start_vaddr, entry));
	}
	*out = (struct symbol_result){ .lines = lines,
				       .line_count = count,
				       .start_vaddr = a->start_vaddr };
	if (!out->start_vaddr && entry)
		out->start_vaddr = entry->start;
	if (count == 1 && !lines[0].function[0] && !lines[0].line)
		out->line_count = 0;
}

static void resolve_by_symtab(struct symbol_resolver *r, const struct symtab_entry *entry,
			      struct symbol_result *out)
{
	struct symbol_line *line = arena_alloc(&r->arena, sizeof(*line));
	if (!line)
		return;
	fill_line(r, line, intern_name(r, entry->name));
	*out = (struct symbol_result){ .lines = line,
				       .line_count = 1,
				       .start_vaddr = entry->start };
}

void symbol_resolve(struct symbol_resolver *r, struct object *obj, uint64_t vaddr,
		    struct symbol_result *out)
{
	*out = (struct symbol_result){ 0 };
	struct module *m = find_module(r, obj);
	if (!m)
		return;
	uint32_t row = map64_get(&m->by_vaddr, vaddr);
	if (row) {
		*out = m->results.at[row];
		return;
	}
	const struct symtab_entry *entry = symtab_find(&m->symtab, vaddr);
	r->answer.count = 0;
	if (m->dwarf)
		dwarf_names_find(m->dwarf, vaddr, &r->answer);
	if (r->answer.count)
		resolve_by_dwarf(r, &m->symtab, entry, out);
	else if (entry)
		resolve_by_symtab(r, entry, out);
	if (vec_push(&m->results, *out))
		map64_put(&m->by_vaddr, vaddr, (uint32_t)(m->results.count - 1));
}

void symbol_resolve_kernel(struct symbol_resolver *r, uint64_t pc, struct symbol_result *out)
{
	*out = (struct symbol_result){ 0 };
	if (!r->kernel_loaded) {
		struct error err = { 0 };
		r->kernel_loaded = true;
		if (kernel_symbols_load(&r->kernel, &err) < 0)
			log_debug(r->log, LOG_SYMBOL, "no kernel names: %s", err.text);
	}
	const struct kernel_symbol *s = kernel_symbols_find(&r->kernel, pc);
	struct symbol_line *line = s ? arena_alloc(&r->arena, sizeof(*line)) : NULL;
	if (!line)
		return;
	line->function = line->system_name = r->kernel.text.text + s->name_off;
	line->file = "";
	*out = (struct symbol_result){ .lines = line, .line_count = 1, .start_vaddr = s->start };
	if (s->module_off)
		out->kernel_module = r->kernel.text.text + s->module_off;
}
