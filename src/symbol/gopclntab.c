// SPDX-License-Identifier: MIT
/*
 * Go's table of functions, which the runtime needs and `-ldflags -s` therefore leaves.
 * Source: Go, src/runtime/symtab.go (pcHeader, functab, _func), of 1.18 and later.
 */
#include "symbol/symtab.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "object/header.h"

enum {
	MAGIC_1_18 = 0xfffffff0,
	MAGIC_1_20 = 0xfffffff1,
	POINTER_BYTES = 8,
	PADDING_QUANTUM_POINTER = 0x08010000, /* 0, 0, 1 (of x86), POINTER_BYTES */
	FUNCTIONS_MAX = 1 << 24,
};

struct gopclntab {
	const char *bytes; /* with a NUL of our own behind them */
	size_t size_bytes;
	uint64_t vaddr;
	uint64_t text, text_size_bytes; /* where function offsets count from */
	uint64_t count, names_off, functions_off;
};

/* C code may come first. */
static void begin_text(struct gopclntab *g, uint64_t text)
{
	if (text <= g->text || text - g->text >= g->text_size_bytes)
		return;
	g->text_size_bytes -= text - g->text;
	g->text = text;
}

static bool read_header(struct gopclntab *g)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	uint32_t magic = cursor_u32(&c);
	cursor_take(&c, 3);
	if ((magic != (uint32_t)MAGIC_1_18 && magic != (uint32_t)MAGIC_1_20) ||
	    cursor_u8(&c) != POINTER_BYTES)
		return false;
	g->count = cursor_u64(&c);
	cursor_u64(&c);                 /* files */
	uint64_t text = cursor_u64(&c); /* 0 since 1.26, and where a relocation has yet to write */
	g->names_off = cursor_u64(&c);
	cursor_take(&c, 3 * sizeof(uint64_t)); /* units, files, pc values */
	g->functions_off = cursor_u64(&c);
	begin_text(g, text);
	return !c.bad && g->count && g->count < FUNCTIONS_MAX && g->names_off < g->size_bytes &&
	       g->functions_off < g->size_bytes;
}

/* @return "" if the table says nothing about its name */
static const char *name_of(const struct gopclntab *g, uint32_t function_off)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	cursor_seek(&c, g->functions_off);
	cursor_take(&c, function_off);
	cursor_u32(&c); /* its start again */
	uint64_t name_off = cursor_u32(&c);
	if (c.bad || name_off >= g->size_bytes - g->names_off)
		return "";
	return g->bytes + g->names_off + name_off;
}

struct function_row {
	uint32_t start, function_off;
};

/* Rows are followed by the end of the last function. */
static bool row_at(const struct gopclntab *g, uint64_t i, struct function_row *out, uint64_t *end)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	cursor_seek(&c, g->functions_off);
	cursor_take(&c, i * sizeof(*out));
	out->start = cursor_u32(&c);
	out->function_off = cursor_u32(&c);
	*end = cursor_u32(&c);
	return !c.bad && out->start < *end && *end <= g->text_size_bytes;
}

/* Go 1.26 says it in a section of its own, a moduledata; its first word points to our table. */
static void read_module(struct gopclntab *g, const struct object *o,
			const struct elf_sections *sections)
{
	enum { TEXT_OFFSET = 176 };
	const struct elf_section *s = elf_section_find(sections, ".go.module");
	struct object_section section;
	if (!s || elf_section_load(o, s, &section, NULL) < 0)
		return;
	struct cursor c = cursor_of(section.bytes, section.size_bytes);
	uint64_t points_to = cursor_u64(&c);
	cursor_seek(&c, TEXT_OFFSET);
	uint64_t text = cursor_u64(&c);
	if (!c.bad && points_to == g->vaddr)
		begin_text(g, text);
	object_section_deinit(&section);
}

/*
 * Where nothing says where the offsets count from, it is the start of `.text`, unless a
 * C linker put something in front. Go's own entry point tells: its name is known.
 */
static bool is_anchored(const struct gopclntab *g, uint64_t entry)
{
	static const char start[] = "_rt0_";
	uint64_t low = 0, high = g->count, end;
	struct function_row row;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		if (!row_at(g, middle, &row, &end))
			return false;
		if (g->text + row.start <= entry)
			low = middle + 1;
		else
			high = middle;
	}
	return low && row_at(g, low - 1, &row, &end) && g->text + row.start == entry &&
	       !strncmp(name_of(g, row.function_off), start, sizeof(start) - 1);
}

static int add_functions(struct symtab *t, const struct gopclntab *g)
{
	struct function_row row;
	uint64_t end;
	for (uint64_t i = 0; i < g->count && row_at(g, i, &row, &end); i++) {
		const char *name = name_of(g, row.function_off);
		if (*name && !symtab_add_function(t, name, g->text + row.start, end - row.start))
			return -ENOMEM;
	}
	return 0;
}

/* Keeps the section's bytes as long as the symtab. @return NULL without memory */
static const char *keep(struct symtab *t, struct object_section *s)
{
	char *bytes = realloc(s->bytes, s->size_bytes + 1);
	if (!bytes || !vec_push(&t->memory, bytes)) {
		free(bytes ? bytes : (char *)s->bytes);
		return NULL;
	}
	bytes[s->size_bytes] = 0;
	return bytes;
}

/*
 * In a position-independent program that a C linker made, the table lies somewhere among other data
 * that wants relocation. The header's first bytes tell, and that it says where the code begins.
 *
 * @return where it begins in the section; its size if there is none
 */
static size_t find_table(const char *bytes, size_t size_bytes, uint64_t vaddr)
{
	enum { TABLE_ALIGNMENT = 32, HEADER_BYTES = 72 };
	size_t at = -vaddr % TABLE_ALIGNMENT;
	for (; at < size_bytes && size_bytes - at >= HEADER_BYTES; at += TABLE_ALIGNMENT) {
		struct cursor c = cursor_of(bytes + at, size_bytes - at);
		uint32_t magic = cursor_u32(&c), rest = cursor_u32(&c);
		if ((magic != (uint32_t)MAGIC_1_18 && magic != (uint32_t)MAGIC_1_20) ||
		    rest != PADDING_QUANTUM_POINTER)
			continue;
		cursor_take(&c, 2 * sizeof(uint64_t)); /* functions, files */
		if (cursor_u64(&c))
			return at;
	}
	return size_bytes;
}

static const struct elf_section *find_section(const struct elf_sections *sections)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct elf_section *s = elf_section_find(sections, names[i]);
		if (s)
			return s;
	}
	/* This one is in every Go program, and in no other. */
	return elf_section_find(sections, ".go.buildinfo")
		       ? elf_section_find(sections, ".data.rel.ro")
		       : NULL;
}

int symtab_add_gopclntab(struct symtab *t, const struct object *o,
			 const struct elf_sections *sections, struct error *err)
{
	const struct elf_section *s = find_section(sections);
	const struct elf_section *code = elf_section_find(sections, ".text");
	struct object_section section;
	struct elf_header h;
	if (!s || !code)
		return -ENOENT;
	int rc = elf_header_read(o, &h, err);
	if (rc == 0)
		rc = elf_section_load(o, s, &section, err);
	if (rc < 0)
		return rc;
	struct gopclntab g = { .text = code->vaddr,
			       .text_size_bytes = code->size_bytes,
			       .vaddr = s->vaddr,
			       .size_bytes = section.size_bytes };
	g.bytes = keep(t, &section);
	if (!g.bytes)
		return fail(err, -ENOMEM, "out of memory");
	if (!strcmp(s->name, ".data.rel.ro")) {
		size_t at = find_table(g.bytes, g.size_bytes, s->vaddr);
		g.bytes += at;
		g.vaddr += at;
		g.size_bytes -= at;
	}
	if (!read_header(&g))
		return fail(err, -EBADMSG, "section '%s' has no table of a known kind", s->name);
	if (g.text == code->vaddr)
		read_module(&g, o, sections);
	if (g.text == code->vaddr && !is_anchored(&g, h.entry_vaddr))
		return -ENOENT;
	return add_functions(t, &g) < 0 ? fail(err, -ENOMEM, "out of memory") : 0;
}
