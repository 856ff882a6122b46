// SPDX-License-Identifier: MIT
#include "unwind/table.h"
#include "unwind/unwind.h"

#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"
#include "unwind/classify.h"
#include "unwind/go_rows.h"
#include "unwind/row_builder.h"

enum {
	CIE_MAX = 1 << 16, /* distinct ones, each of 400 bytes here; linkers merge equal ones */
	PADDING_MAX = 15,  /* between aligned functions: no gap row, nothing runs there */
	SORT_BITS = 11,
	CIE_IS_GO = UINT32_MAX, /* the "FDE" is a function of Go's own table, by number */
};

struct fde_ref {
	uint32_t start, size_bytes; /* start behind the table's base */
	uint32_t offset;            /* as in struct table_fde */
	uint32_t cie;
};

struct compiler {
	const struct object *obj;
	uint64_t base_vaddr;
	struct cfi_section sections[2]; /* .eh_frame, .debug_frame */
	VEC(struct cfi_cie) cies;
	struct map64 cie_by_offset; /* key: offset * 2 + section; value: index + 1 */
	uint64_t last_cie_key;
	uint32_t last_cie;
	VEC(struct fde_ref) fdes;
	bool has_go;
	struct go_rows go;
	struct row_builder rows;
	struct cfi_machine machine;
};

static void compiler_deinit(struct compiler *c)
{
	vec_free(&c->cies);
	vec_free(&c->fdes);
	map64_deinit(&c->cie_by_offset);
	row_builder_deinit(&c->rows);
	go_rows_close(&c->go);
	free(c);
}

static bool find_base(const struct object *obj, uint64_t *out)
{
	uint64_t base = UINT64_MAX;
	for (uint32_t i = 0; i < obj->segment_count; i++) {
		if (obj->segments[i].executable && obj->segments[i].vaddr < base)
			base = obj->segments[i].vaddr;
	}
	*out = base & ~(uint64_t)(UNWIND_PAGE_BYTES - 1);
	return base != UINT64_MAX;
}

/* Linkers leave FDEs of dropped functions behind, at addresses that are no code. */
static bool is_code(const struct object *obj, const struct cfi_fde *fde)
{
	for (uint32_t i = 0; i < obj->segment_count; i++) {
		const struct object_segment *s = &obj->segments[i];
		if (s->executable && fde->start_vaddr >= s->vaddr &&
		    fde->start_vaddr - s->vaddr < s->mem_size_bytes &&
		    fde->size_bytes <= s->mem_size_bytes - (fde->start_vaddr - s->vaddr))
			return true;
	}
	return false;
}

static bool cie_at(const struct cfi_section *section, size_t offset, struct cfi_cie *out)
{
	struct cfi_entry entry;
	struct cursor c = cursor_of(section->bytes, section->size_bytes);
	cursor_seek(&c, offset);
	if (c.bad || cfi_next_entry(section, &c, &entry) != 1 || !entry.is_cie)
		return false;
	return cfi_parse_cie(section, &entry, out);
}

/* @return index + 1; 0 for a CIE that cannot be used; -ENOMEM */
static int64_t find_cie(struct compiler *c, int section, size_t offset)
{
	uint64_t key = (uint64_t)offset * 2 + (uint64_t)section;
	if (c->last_cie && c->last_cie_key == key)
		return c->last_cie;
	uint32_t row = map64_get(&c->cie_by_offset, key);
	if (!row) {
		struct cfi_cie cie;
		if (c->cies.count == CIE_MAX || !cie_at(&c->sections[section], offset, &cie))
			return 0;
		if (!vec_push(&c->cies, cie) ||
		    !map64_put(&c->cie_by_offset, key, (uint32_t)c->cies.count))
			return -ENOMEM;
		row = (uint32_t)c->cies.count;
	}
	c->last_cie_key = key;
	c->last_cie = row;
	return row;
}

static int add_fde(struct compiler *c, int section, const struct cfi_entry *entry)
{
	struct cfi_fde fde;
	int64_t cie = find_cie(c, section, entry->cie_offset);
	if (cie < 0)
		return -ENOMEM;
	if (!cie || !cfi_parse_fde(&c->sections[section], entry, &c->cies.at[cie - 1], &fde) ||
	    !fde.size_bytes || !is_code(c->obj, &fde))
		return 0;
	if (c->has_go && cie_is_of_go(&c->cies.at[cie - 1]))
		return 0; /* made from Go's own table, which says more */
	uint64_t start = fde.start_vaddr - c->base_vaddr;
	if (start > UINT32_MAX || fde.size_bytes > UINT32_MAX - start ||
	    entry->offset >= TABLE_FDE_DEBUG)
		return 0;
	struct fde_ref ref = {
		.start = (uint32_t)start,
		.size_bytes = (uint32_t)fde.size_bytes,
		.offset = (uint32_t)entry->offset | (section ? TABLE_FDE_DEBUG : 0),
		.cie = (uint32_t)(cie - 1),
	};
	return vec_push(&c->fdes, ref) ? 0 : -ENOMEM;
}

/* A handler "returns" to its first byte, and what is looked up is the byte before. */
static void reach_before(struct compiler *c, struct fde_ref *ref)
{
	if (!c->fdes.count || c->fdes.at[c->fdes.count - 1].size_bytes < 2)
		return;
	c->fdes.at[c->fdes.count - 1].size_bytes--;
	ref->start--;
	ref->size_bytes++;
}

static int collect_go(struct compiler *c, struct unwind_table *t)
{
	struct go_function f;
	for (uint64_t i = 0; go_table_function(&c->go.table, i, &f); i++) {
		uint64_t start = f.start_vaddr - c->base_vaddr;
		if (start > UINT32_MAX || f.size_bytes > UINT32_MAX - start)
			break;
		struct fde_ref ref = { .start = (uint32_t)start,
				       .size_bytes = (uint32_t)f.size_bytes,
				       .offset = (uint32_t)i,
				       .cie = CIE_IS_GO };
		if (go_rows_is_signal_return(&f))
			reach_before(c, &ref);
		if (!vec_push(&c->fdes, ref))
			return -ENOMEM;
		t->go_start = i ? t->go_start : f.start_vaddr;
		t->go_end = f.start_vaddr + f.size_bytes;
	}
	return 0;
}

static int collect_fdes(struct compiler *c, int section, struct error *err)
{
	const struct cfi_section *s = &c->sections[section];
	struct cursor at = cursor_of(s->bytes, s->size_bytes);
	struct cfi_entry entry;
	int r;
	while ((r = cfi_next_entry(s, &at, &entry)) == 1) {
		if (!entry.is_cie && add_fde(c, section, &entry) < 0)
			return fail(err, -ENOMEM, "no memory for unwind rows");
	}
	if (r < 0)
		return fail(err, -EBADMSG, "%s is damaged at byte %zu",
			    section ? ".debug_frame" : ".eh_frame", cursor_offset(&at));
	return 0;
}

static void sort_pass(const struct fde_ref *from, struct fde_ref *to, size_t count, unsigned shift)
{
	enum { BUCKETS = 1 << SORT_BITS };
	size_t begin[BUCKETS] = { 0 };
	for (size_t i = 0; i < count; i++)
		begin[from[i].start >> shift & (BUCKETS - 1)]++;
	size_t sum = 0;
	for (size_t i = 0; i < BUCKETS; i++) {
		size_t n = begin[i];
		begin[i] = sum;
		sum += n;
	}
	for (size_t i = 0; i < count; i++)
		to[begin[from[i].start >> shift & (BUCKETS - 1)]++] = from[i];
}

/* Stable, so that .eh_frame stays before .debug_frame at equal addresses. */
static int sort_fdes(struct compiler *c)
{
	size_t n = c->fdes.count;
	size_t sorted = 1;
	while (sorted < n && c->fdes.at[sorted - 1].start <= c->fdes.at[sorted].start)
		sorted++;
	if (sorted >= n)
		return 0;
	struct fde_ref *other = calloc(n, sizeof(*other));
	if (!other)
		return -ENOMEM;
	struct fde_ref *from = c->fdes.at, *to = other;
	for (unsigned shift = 0; shift < 32; shift += SORT_BITS) {
		sort_pass(from, to, n, shift);
		struct fde_ref *swap = from;
		from = to;
		to = swap;
	}
	if (from != c->fdes.at) /* three passes: the result lies in `other` */
		memcpy(c->fdes.at, from, n * sizeof(*from));
	free(other);
	return 0;
}

/* Nearly every row differs from the one before by the offset of the CFA only. */
static void next_rule(struct compiler *c, const struct cfi_cie *cie, struct unwind_rule *rule)
{
	int64_t offset = c->machine.state.cfa.offset;
	if (c->machine.rules_changed || (rule->cfa_kind != CFA_RSP && rule->cfa_kind != CFA_RBP) ||
	    offset != (int32_t)offset || cie_is_of_go(cie))
		*rule = classify_state(cie, &c->machine.state);
	else
		rule->cfa_off = (int32_t)offset;
	c->machine.rules_changed = false;
}

static bool add_rows_of(struct compiler *c, const struct fde_ref *ref, uint32_t from)
{
	if (ref->cie == CIE_IS_GO) {
		struct go_function f;
		return !go_table_function(&c->go.table, ref->offset, &f) ||
		       go_rows_add(&c->go, &f, c->base_vaddr, from, &c->rows);
	}
	static const struct unwind_rule unknown = { .cfa_kind = CFA_UNKNOWN };
	const struct cfi_section *s = &c->sections[!!(ref->offset & TABLE_FDE_DEBUG)];
	const struct cfi_cie *cie = &c->cies.at[ref->cie];
	struct cfi_entry entry;
	struct cfi_fde fde;
	struct cursor at = cursor_of(s->bytes, s->size_bytes);
	cursor_seek(&at, ref->offset & ~(uint32_t)TABLE_FDE_DEBUG);
	if (cfi_next_entry(s, &at, &entry) != 1 || !cfi_parse_fde(s, &entry, cie, &fde))
		return true;
	struct unwind_rule rule = unknown;
	cfi_machine_init_lean(&c->machine, s, cie, &fde);
	while (cfi_machine_next(&c->machine)) {
		uint32_t start = (uint32_t)(c->machine.start - c->base_vaddr);
		if (c->machine.end - c->base_vaddr <= from)
			continue;
		next_rule(c, cie, &rule);
		if (!row_builder_add(&c->rows, start > from ? start : from, &rule))
			return false;
	}
	if (!c->machine.bad)
		return true;
	uint32_t bad = (uint32_t)(c->machine.start - c->base_vaddr);
	return row_builder_add(&c->rows, bad > from ? bad : from, &unknown);
}

/* Where two FDEs overlap, the one that begins first wins. */
static int build_rows(struct compiler *c, struct unwind_table *t)
{
	static const struct unwind_rule unknown = { .cfa_kind = CFA_UNKNOWN };
	uint32_t covered = 0;
	if (!vec_reserve(&c->rows.rows, c->sections[0].size_bytes / 6))
		return -ENOMEM;
	for (size_t i = 0; i < c->fdes.count; i++) {
		const struct fde_ref *ref = &c->fdes.at[i];
		uint32_t end = ref->start + ref->size_bytes;
		if (end <= covered)
			continue;
		if (ref->start > covered && ref->start - covered > PADDING_MAX &&
		    !row_builder_add(&c->rows, covered, &unknown))
			return -ENOMEM;
		if (!add_rows_of(c, ref, ref->start > covered ? ref->start : covered))
			return -ENOMEM;
		covered = end;
		if (ref->cie == CIE_IS_GO)
			continue;
		t->fdes[t->fde_count++] = (struct table_fde){ ref->start, ref->offset };
		t->is_go |= cie_is_of_go(&c->cies.at[ref->cie]);
	}
	t->span_bytes = covered;
	return row_builder_finish(&c->rows, covered) ? 0 : -ENOMEM;
}

static void *shrink(void *p, size_t size_bytes)
{
	void *smaller = size_bytes ? realloc(p, size_bytes) : NULL;
	return smaller ? smaller : p;
}

static void take_rows(struct row_builder *b, struct unwind_table *t)
{
	t->row_count = (uint32_t)b->rows.count;
	t->page_count = (uint32_t)b->pages.count - 1;
	t->rule_count = (uint32_t)b->rules.count;
	t->rows = shrink(b->rows.at, b->rows.count * sizeof(*t->rows));
	t->pages = shrink(b->pages.at, b->pages.count * sizeof(*t->pages));
	t->rules = shrink(b->rules.at, b->rules.count * sizeof(*t->rules));
	t->fdes = shrink(t->fdes, t->fde_count * sizeof(*t->fdes));
	memset(&b->rows, 0, sizeof(b->rows));
	memset(&b->pages, 0, sizeof(b->pages));
	memset(&b->rules, 0, sizeof(b->rules));
}

static int compile(struct compiler *c, struct unwind_table *t, struct error *err)
{
	int r = go_rows_open(c->obj, &c->go, NULL); /* what is wrong with it leaves CFI */
	c->has_go = r == 0;
	if (r == -ENOMEM || (c->has_go && collect_go(c, t) < 0))
		return fail(err, -ENOMEM, "no memory for unwind rows");
	r = collect_fdes(c, 0, err);
	if (r < 0)
		return r;
	r = collect_fdes(c, 1, c->fdes.count ? NULL : err);
	if (r == -ENOMEM || (r < 0 && !c->fdes.count))
		return r;
	if (!c->fdes.count)
		return -ENODATA;
	t->fdes = calloc(c->fdes.count, sizeof(*t->fdes));
	if (!t->fdes || sort_fdes(c) < 0 || build_rows(c, t) < 0)
		return fail(err, -ENOMEM, "no memory for unwind rows");
	take_rows(&c->rows, t);
	return 0;
}

static struct cfi_section section_of(const struct object_section *s, bool debug_frame)
{
	return (struct cfi_section){ .bytes = s->bytes,
				     .size_bytes = s->bytes ? s->size_bytes : 0,
				     .vaddr = s->vaddr,
				     .debug_frame = debug_frame };
}

int table_compile(struct unwind_table *t, const struct object_section *eh_frame, struct error *err)
{
	struct compiler *c = calloc(1, sizeof(*c));
	if (!c)
		return fail(err, -ENOMEM, "no memory for unwind rows");
	c->obj = t->obj;
	c->sections[0] = section_of(eh_frame, false);
	c->sections[1] = section_of(&t->debug_frame, true);
	int r = -ENODATA;
	if (find_base(t->obj, &c->base_vaddr)) {
		t->base_vaddr = c->base_vaddr;
		r = compile(c, t, err);
	}
	compiler_deinit(c);
	return r;
}
