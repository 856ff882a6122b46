// SPDX-License-Identifier: MIT
#include "symbol/symtab.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "object/header.h"

enum {
	SYMBOLS_MAX = 1 << 24,
	ALIASES_MAX = 64,
	NAME_BYTES =
		512, /* that are looked at: many symbols may share the end of one endless name */
};

static int compare_code(const void *left, const void *right)
{
	const struct code_range *a = left, *b = right;
	return a->start < b->start ? -1 : a->start > b->start;
}

bool symtab_add_code(struct symtab *t, const struct elf_sections *sections)
{
	for (size_t i = 1; i < sections->count; i++) {
		const struct elf_section *s = &sections->at[i];
		uint64_t end = s->vaddr + s->size_bytes;
		if (!(s->flags & SHF_EXECINSTR) || !(s->flags & SHF_ALLOC) || end <= s->vaddr)
			continue;
		if (!vec_push(&t->code, (struct code_range){ s->vaddr, end }))
			return false;
	}
	if (t->code.count)
		qsort(t->code.at, t->code.count, sizeof(*t->code.at), compare_code);
	return true;
}

static const struct code_range *code_at(const struct symtab *t, uint64_t vaddr)
{
	size_t low = 0, high = t->code.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (t->code.at[middle].start <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	const struct code_range *c = low ? &t->code.at[low - 1] : NULL;
	return c && vaddr < c->end ? c : NULL;
}

struct raw_symbol {
	uint32_t name;
	uint8_t type, binding;
	uint16_t section;
	uint64_t value, size_bytes;
};

static struct raw_symbol symbol_parse(struct cursor *c, bool is_64bit)
{
	struct raw_symbol s = { .name = cursor_u32(c) };
	uint8_t info;
	if (is_64bit) {
		info = cursor_u8(c);
		cursor_u8(c);
		s.section = cursor_u16(c);
		s.value = cursor_u64(c);
		s.size_bytes = cursor_u64(c);
	} else {
		s.value = cursor_u32(c);
		s.size_bytes = cursor_u32(c);
		info = cursor_u8(c);
		cursor_u8(c);
		s.section = cursor_u16(c);
	}
	s.type = ELF64_ST_TYPE(info);
	s.binding = ELF64_ST_BIND(info);
	return s;
}

/*
 * What a reader would call it: a function before a bare address, global before weak before local,
 * then few leading underscores, then without a version.
 */
static uint16_t symbol_rank(const struct raw_symbol *s, const char *name, bool versioned)
{
	unsigned underscores = 0, untyped = s->type == STT_NOTYPE;
	unsigned binding = s->binding == STB_LOCAL ? 2 : s->binding == STB_WEAK ? 1 : 0;
	while (underscores < 31 && name[underscores] == '_')
		underscores++;
	return (uint16_t)((untyped << 8) | (binding << 6) | (underscores << 1) | versioned);
}

/* `$x`, `$d.1`: they mark where code and data begin. Swift's names begin with `$s`, too. */
static bool is_mapping_symbol(const char *name)
{
	return name[0] == '$' && name[1] && strchr("adtx", name[1]) && (!name[2] || name[2] == '.');
}

static bool is_function(const struct symtab *t, const struct raw_symbol *s, const char *name)
{
	if (s->section == SHN_UNDEF || !name[0] || is_mapping_symbol(name))
		return false;
	if (s->type != STT_FUNC && s->type != STT_GNU_IFUNC && s->type != STT_NOTYPE)
		return false;
	return code_at(t, s->value) != NULL;
}

/* Cuts `@VERSION` and `@@VERSION` off in place. */
static bool cut_version(char *name)
{
	char *at = memchr(name, '@', strnlen(name, NAME_BYTES));
	if (!at || at == name)
		return false;
	*at = 0;
	return true;
}

static int add_symbol(struct symtab *t, const struct raw_symbol *s, char *names, size_t names_bytes)
{
	if (s->name >= names_bytes)
		return 0;
	char *name = names + s->name; /* the table ends with a NUL of ours */
	if (!is_function(t, s, name))
		return 0;
	bool versioned = cut_version(name);
	struct symtab_entry e = { .name = name,
				  .start = s->value,
				  .size_bytes = s->size_bytes,
				  .rank = symbol_rank(s, name, versioned),
				  .is_label = s->type == STT_NOTYPE && s->binding == STB_LOCAL &&
					      !s->size_bytes };
	const struct code_range *code = code_at(t, s->value);
	if (e.size_bytes > code->end - e.start)
		e.size_bytes = code->end - e.start;
	if (!t->entries.count && !vec_push(&t->entries, (struct symtab_entry){ .name = "" }))
		return -ENOMEM;
	return vec_push(&t->entries, e) ? 0 : -ENOMEM;
}

/* Reads a string table with a NUL of our own behind it. @return NULL on failure */
static char *load_names(struct symtab *t, const struct object *o, const struct elf_section *s,
			size_t *out_bytes)
{
	struct object_section section;
	if (s->type == SHT_NOBITS || elf_section_load(o, s, &section, NULL) < 0)
		return NULL;
	char *names = realloc(section.bytes, section.size_bytes + 1);
	if (!names || !vec_push(&t->memory, names)) {
		free(names ? names : (char *)section.bytes);
		return NULL;
	}
	names[section.size_bytes] = 0;
	*out_bytes = section.size_bytes;
	return names;
}

int symtab_add(struct symtab *t, const struct object *o, const struct elf_sections *sections,
	       const char *name, struct error *err)
{
	const struct elf_section *s = elf_section_find(sections, name);
	struct elf_header h;
	if (!s)
		return -ENOENT;
	int rc = elf_header_read(o, &h, err);
	if (rc < 0)
		return rc;
	size_t names_bytes = 0;
	char *names = s->link < sections->count
			      ? load_names(t, o, &sections->at[s->link], &names_bytes)
			      : NULL;
	if (!names)
		return fail(err, -EBADMSG, "section '%s' has no readable names", name);
	struct object_section section;
	rc = elf_section_load(o, s, &section, err);
	if (rc < 0)
		return rc;
	size_t entry = h.is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	size_t count = section.size_bytes / entry;
	struct cursor c = cursor_of(section.bytes, section.size_bytes);
	for (size_t i = 0; rc == 0 && i < count && i < SYMBOLS_MAX; i++) {
		struct raw_symbol symbol = symbol_parse(&c, h.is_64bit);
		rc = add_symbol(t, &symbol, names, names_bytes);
	}
	object_section_deinit(&section);
	return rc < 0 ? fail(err, rc, "out of memory") : 0;
}

bool symtab_add_function(struct symtab *t, const char *name, uint64_t start, uint64_t size_bytes)
{
	if (!t->entries.count && !vec_push(&t->entries, (struct symtab_entry){ .name = "" }))
		return false;
	return vec_push(
		&t->entries,
		(struct symtab_entry){ .name = name, .start = start, .size_bytes = size_bytes });
}

/* Of equal starts the best name comes first; what is known by size before a mere label. */
static int compare_entries(const void *left, const void *right)
{
	const struct symtab_entry *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->is_label != b->is_label)
		return a->is_label ? 1 : -1;
	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return strncmp(a->name, b->name, NAME_BYTES);
}

/* Of each start the first has the best name, and gets the largest size. */
static void mark_aliases(struct symtab *t)
{
	size_t first = 1;
	for (size_t i = 2; i < t->entries.count; i++) {
		struct symtab_entry *best = &t->entries.at[first], *e = &t->entries.at[i];
		e->is_alias = e->start == best->start;
		if (!e->is_alias)
			first = i;
		else if (e->size_bytes > best->size_bytes)
			best->size_bytes = e->size_bytes;
	}
}

/* A symbol without a size ends at the next one or with its section; a label ends no function. */
static void end_sizeless(struct symtab *t)
{
	uint64_t next = UINT64_MAX, next_function = UINT64_MAX;
	for (size_t i = t->entries.count; i-- > 1;) {
		struct symtab_entry *e = &t->entries.at[i];
		if (e->is_alias)
			continue;
		const struct code_range *code = code_at(t, e->start);
		uint64_t end = e->is_label ? next : next_function;
		if (code && end > code->end)
			end = code->end;
		next = e->start;
		if (!e->is_label)
			next_function = e->start;
		e->is_sizeless = !e->size_bytes;
		if (e->is_sizeless && end != UINT64_MAX)
			e->size_bytes = end - e->start;
	}
}

int symtab_finish(struct symtab *t, struct error *err)
{
	if (t->entries.count < 2)
		return 0;
	qsort(t->entries.at + 1, t->entries.count - 1, sizeof(*t->entries.at), compare_entries);
	mark_aliases(t);
	end_sizeless(t);
	bool ok = true;
	uint64_t covered = 0;
	for (size_t i = 1; ok && i < t->entries.count; i++) {
		const struct symtab_entry *e = &t->entries.at[i];
		uint64_t end = e->start + e->size_bytes;
		if (e->is_alias || (e->is_sizeless && e->start < covered))
			continue; /* a label inside a function */
		ok = ranges_add(&t->ranges, e->start, end, (uint32_t)i);
		if (end > covered)
			covered = end;
	}
	if (!ok || !ranges_finish(&t->ranges))
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

const struct symtab_entry *symtab_find(const struct symtab *t, uint64_t vaddr)
{
	uint32_t row = ranges_find(&t->ranges, vaddr);
	return row ? &t->entries.at[row] : NULL;
}

static uint16_t rank_without_version(const struct symtab_entry *e)
{
	return (uint16_t)(e->rank >> 1);
}

bool symtab_is_better(const struct symtab *t, const struct symtab_entry *entry, const char *name)
{
	const struct symtab_entry *end = t->entries.at + t->entries.count;
	const struct symtab_entry *other = entry;
	for (int i = 0; i < ALIASES_MAX; i++) {
		if (!strncmp(other->name, name, NAME_BYTES))
			return rank_without_version(entry) < rank_without_version(other);
		if (++other == end || !other->is_alias)
			return false;
	}
	return false;
}

void symtab_deinit(struct symtab *t)
{
	for (size_t i = 0; i < t->memory.count; i++)
		free(t->memory.at[i]);
	vec_free(&t->memory);
	vec_free(&t->entries);
	vec_free(&t->code);
	ranges_deinit(&t->ranges);
}
