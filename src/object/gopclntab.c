// SPDX-License-Identifier: MIT
#include "object/gopclntab.h"

#include <errno.h>
#include <stdlib.h>

#include "object/header.h"

enum {
	MAGIC_1_2 = 0xfffffffb,
	MAGIC_1_16 = 0xfffffffa,
	MAGIC_1_18 = 0xfffffff0,
	MAGIC_1_20 = 0xfffffff1,
	POINTER_BYTES = 8,
	PADDING_QUANTUM_POINTER = 0x08010000, /* 0, 0, 1 (of x86), POINTER_BYTES */
	FUNCTIONS_MAX = 1 << 24,
	SEGMENT_MAX_BYTES = 1 << 28,
};

/* Before 1.18 addresses stand in full; since then they are offsets in 32 bits. */
static bool has_full_addresses(const struct go_table *g)
{
	return g->magic == (uint32_t)MAGIC_1_2 || g->magic == (uint32_t)MAGIC_1_16;
}

static bool is_magic(uint32_t magic)
{
	return magic == (uint32_t)MAGIC_1_2 || magic == (uint32_t)MAGIC_1_16 ||
	       magic == (uint32_t)MAGIC_1_18 || magic == (uint32_t)MAGIC_1_20;
}

/* C code may come first. */
static void begin_text(struct go_table *g, uint64_t text)
{
	if (text <= g->text || text - g->text >= g->text_size_bytes)
		return;
	g->text_size_bytes -= text - g->text;
	g->text = text;
}

static void read_offsets(struct go_table *g, struct cursor *c)
{
	if (g->magic == (uint32_t)MAGIC_1_2) { /* all count from the table's start */
		g->functions_off = cursor_offset(c);
		return;
	}
	cursor_u64(c);              /* files */
	if (!has_full_addresses(g)) /* 0 since 1.26, and where a relocation has yet to write */
		begin_text(g, cursor_u64(c));
	g->names_off = cursor_u64(c);
	cursor_take(c, 2 * sizeof(uint64_t)); /* units, files */
	g->values_off = cursor_u64(c);
	g->functions_off = cursor_u64(c);
}

static bool read_header(struct go_table *g)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	g->magic = cursor_u32(&c);
	cursor_take(&c, 3);
	if (!is_magic(g->magic) || cursor_u8(&c) != POINTER_BYTES)
		return false;
	g->count = cursor_u64(&c);
	g->names_off = g->values_off = 0;
	read_offsets(g, &c);
	return !c.bad && g->count && g->count < FUNCTIONS_MAX && g->names_off < g->size_bytes &&
	       g->values_off < g->size_bytes && g->functions_off < g->size_bytes;
}

static uint64_t address_at(const struct go_table *g, struct cursor *c)
{
	return has_full_addresses(g) ? cursor_u64(c) : cursor_u32(c);
}

/* Where the offsets in rows count from. */
static size_t details_off(const struct go_table *g)
{
	return g->magic == (uint32_t)MAGIC_1_2 ? 0 : (size_t)g->functions_off;
}

static void read_details(const struct go_table *g, uint64_t function_off, struct go_function *out)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	cursor_seek(&c, details_off(g));
	cursor_take(&c, function_off);
	address_at(g, &c); /* its start again */
	uint64_t name_off = cursor_u32(&c);
	out->name = "";
	if (!c.bad && name_off < g->size_bytes - g->names_off)
		out->name = (const char *)g->bytes + g->names_off + name_off;
	cursor_take(&c, 2 * sizeof(uint32_t)); /* arguments, deferred return */
	uint32_t sp_off = cursor_u32(&c);
	out->sp_off = c.bad ? 0 : sp_off;
	/* Tables for lines and files, numbers of tables and of the unit, since 1.20 the first line. */
	cursor_take(&c, (g->magic == (uint32_t)MAGIC_1_20 ? 5 : 4) * sizeof(uint32_t));
	cursor_u8(&c); /* which of the runtime's functions it is */
	enum { WRITES_SP = 2 };
	out->writes_sp = g->magic != (uint32_t)MAGIC_1_2 && cursor_u8(&c) & WRITES_SP;
}

/* Rows are followed by the end of the last function. */
bool go_table_function(const struct go_table *g, uint64_t i, struct go_function *out)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	size_t row_bytes = has_full_addresses(g) ? 2 * sizeof(uint64_t) : 2 * sizeof(uint32_t);
	if (i >= g->count)
		return false;
	cursor_seek(&c, (size_t)g->functions_off);
	cursor_take(&c, i * row_bytes);
	uint64_t start = address_at(g, &c), function_off = address_at(g, &c);
	uint64_t end = address_at(g, &c);
	uint64_t from = has_full_addresses(g) ? g->text : 0;
	if (c.bad || start < from || start >= end || end - from > g->text_size_bytes)
		return false;
	out->start_vaddr = start - from + g->text;
	out->size_bytes = end - start;
	read_details(g, function_off, out);
	return true;
}

bool go_function_is(const struct go_function *f, const char *name)
{
	size_t size = strlen(name);
	return !strncmp(f->name, name, size) &&
	       (!f->name[size] || !strcmp(f->name + size, ".abi0"));
}

void go_sp_begin(const struct go_table *g, const struct go_function *f, struct go_sp *out)
{
	struct cursor c = cursor_of(g->bytes, g->size_bytes);
	cursor_seek(&c, (size_t)g->values_off);
	cursor_take(&c, f->sp_off);
	if (!f->sp_off)
		cursor_fail(&c);
	*out = (struct go_sp){ .values = c,
			       .start_vaddr = f->start_vaddr,
			       .end_vaddr = f->start_vaddr,
			       .moved_bytes = -1 };
}

/* Pairs of (change of the value, how far it reaches); a value that does not change ends the table. */
bool go_sp_next(struct go_sp *s)
{
	bool first = s->values.at && s->start_vaddr == s->end_vaddr;
	uint32_t change = (uint32_t)cursor_uleb(&s->values);
	uint64_t reach = cursor_uleb(&s->values); /* in units of 1 byte: the quantum of x86 */
	if (s->values.bad || (!change && !first) || !reach || reach > UINT32_MAX)
		return false;
	s->moved_bytes = (int32_t)((uint32_t)s->moved_bytes + (change >> 1 ^ -(change & 1)));
	s->start_vaddr = s->end_vaddr;
	s->end_vaddr += reach;
	return true;
}

/* Go 1.26 says it in a section of its own, a moduledata; its first word points to our table. */
static void read_module(struct go_table *g, const struct object *o,
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

static bool find_function(const struct go_table *g, const char *name, struct go_function *out)
{
	for (uint64_t i = 0; go_table_function(g, i, out); i++)
		if (go_function_is(out, name))
			return true;
	return false;
}

/* runtime.goexit: `nop; call runtime.goexit1; nop`. */
static bool is_goexit(const struct object *o, uint64_t vaddr)
{
	uint8_t code[7];
	uint64_t file_off;
	return object_file_off_of(o, vaddr, &file_off) &&
	       object_read(o, file_off, code, sizeof(code), NULL) == 0 && code[0] == 0x90 &&
	       code[1] == 0xe8 && code[6] == 0x90;
}

/*
 * Where nothing says where the offsets count from, Go's own entry point tells: its name is known. Where
 * there are sections it is the start of `.text`, unless a C linker put something in front; then the entry
 * point is C's too.
 */
static bool anchor_text(struct go_table *g, const struct object *o, uint64_t entry, bool is_section)
{
	struct go_function f;
	if (!find_function(g, "_rt0_amd64_linux", &f))
		return false;
	uint64_t text = entry - (f.start_vaddr - g->text);
	if (is_section)
		return g->text == text;
	begin_text(g, text);
	return g->text == text && find_function(g, "runtime.goexit", &f) &&
	       is_goexit(o, f.start_vaddr);
}

/*
 * In a position-independent program that a C linker made, the table lies somewhere among other data
 * that wants relocation. The header's first bytes tell, and that it says where the code begins.
 *
 * @return where it begins in the bytes; their size if there is none
 */
static size_t find_table(const uint8_t *bytes, size_t size_bytes, uint64_t vaddr,
			 size_t alignment_bytes)
{
	enum { HEADER_BYTES = 72 };
	size_t at = -vaddr % alignment_bytes;
	for (; at < size_bytes && size_bytes - at >= HEADER_BYTES; at += alignment_bytes) {
		struct cursor c = cursor_of(bytes + at, size_bytes - at);
		uint32_t magic = cursor_u32(&c), rest = cursor_u32(&c);
		if (!is_magic(magic) || rest != PADDING_QUANTUM_POINTER)
			continue;
		uint64_t functions = cursor_u64(&c);
		cursor_u64(&c); /* files */
		uint64_t text = cursor_u64(&c);
		if (functions && functions < FUNCTIONS_MAX && (text || alignment_bytes < 32))
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

/* Takes the bytes over. @return 0 or -ENOMEM */
static int keep(struct go_table *g, uint8_t *bytes, size_t size_bytes, uint64_t vaddr,
		struct error *err)
{
	g->memory = realloc(bytes, size_bytes + 1);
	if (!g->memory) {
		free(bytes);
		return fail(err, -ENOMEM, "out of memory");
	}
	g->memory[size_bytes] = 0;
	g->bytes = g->memory;
	g->size_bytes = size_bytes;
	g->vaddr = vaddr;
	return 0;
}

static void begin_at(struct go_table *g, size_t at)
{
	g->bytes += at;
	g->vaddr += at;
	g->size_bytes -= at;
}

static int load_section(struct go_table *g, const struct object *o, const struct elf_section *s,
			struct error *err)
{
	enum { TABLE_ALIGNMENT = 32 };
	struct object_section section;
	int rc = elf_section_load(o, s, &section, err);
	if (rc == 0)
		rc = keep(g, section.bytes, section.size_bytes, section.vaddr, err);
	if (rc < 0)
		return rc;
	if (!strcmp(s->name, ".data.rel.ro"))
		begin_at(g, find_table(g->bytes, g->size_bytes, g->vaddr, TABLE_ALIGNMENT));
	if (!read_header(g))
		return fail(err, -EBADMSG, "section '%s' has no table of a known kind", s->name);
	return 0;
}

/* Nothing has a name: the program was stripped of its section headers, or it comes from memory. */
static int load_segment(struct go_table *g, const struct object *o,
			const struct object_segment *segment, struct error *err)
{
	size_t size = (size_t)segment->file_size_bytes;
	if (segment->executable || !size || size > SEGMENT_MAX_BYTES)
		return -ENOENT;
	uint8_t *bytes = malloc(size);
	if (!bytes)
		return fail(err, -ENOMEM, "out of memory");
	size_t at = size;
	if (object_read(o, segment->file_off, bytes, size, NULL) == 0)
		at = find_table(bytes, size, segment->vaddr, POINTER_BYTES);
	if (at == size) {
		free(bytes);
		return -ENOENT;
	}
	int rc = keep(g, bytes, size, segment->vaddr, err);
	if (rc < 0)
		return rc;
	begin_at(g, at);
	return read_header(g) ? 0 : -ENOENT;
}

static int load_any_segment(struct go_table *g, const struct object *o, struct error *err)
{
	int rc = -ENOENT;
	for (uint32_t i = 0; rc == -ENOENT && i < o->segment_count; i++) {
		struct go_table one = *g;
		rc = load_segment(&one, o, &o->segments[i], err);
		if (rc == 0)
			*g = one;
		else
			go_table_close(&one);
	}
	return rc;
}

static bool set_text(struct go_table *g, const struct object *o, const struct elf_section *code)
{
	g->text = code ? code->vaddr : 0;
	g->text_size_bytes = code ? code->size_bytes : 0;
	for (uint32_t i = 0; !code && i < o->segment_count && !g->text_size_bytes; i++) {
		if (!o->segments[i].executable)
			continue;
		g->text = o->segments[i].vaddr;
		g->text_size_bytes = o->segments[i].file_size_bytes;
	}
	return g->text_size_bytes;
}

/* @return false if there are no names: sections, if there are any, have those that we look for */
static bool has_names(const struct elf_sections *sections)
{
	return elf_section_find(sections, ".rodata") || elf_section_find(sections, ".data");
}

static int load_table(struct go_table *g, const struct object *o,
		      const struct elf_sections *sections, struct error *err)
{
	const struct elf_section *s = find_section(sections);
	if (s)
		return load_section(g, o, s, err);
	return has_names(sections) ? -ENOENT : load_any_segment(g, o, err);
}

/* @return whether it is known where the functions are */
static bool find_text(struct go_table *g, const struct object *o,
		      const struct elf_sections *sections, uint64_t first, uint64_t entry)
{
	if (has_full_addresses(g) || g->text != first)
		return true;
	read_module(g, o, sections);
	return g->text != first || anchor_text(g, o, entry, find_section(sections));
}

int go_table_open(const struct object *o, const struct elf_sections *sections, struct go_table *out,
		  struct error *err)
{
	struct go_table g = { 0 };
	struct elf_header h;
	int rc = elf_header_read(o, &h, err);
	if (rc < 0)
		return rc;
	if (!set_text(&g, o, elf_section_find(sections, ".text")))
		return -ENOENT;
	uint64_t first = g.text;
	rc = load_table(&g, o, sections, err);
	if (rc == 0 && !find_text(&g, o, sections, first, h.entry_vaddr))
		rc = -ENOENT;
	if (rc < 0) {
		go_table_close(&g);
		return rc;
	}
	*out = g;
	return 0;
}

void go_table_close(struct go_table *g)
{
	free(g->memory);
	g->memory = NULL;
	g->bytes = NULL;
	g->size_bytes = 0;
}
