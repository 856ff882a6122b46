// SPDX-License-Identifier: MIT
#include "unwind/table.h"
#include "unwind/unwind.h"

#include <errno.h>
#include <stdlib.h>

static int load_sections(struct unwind_table *t, struct object_section *eh_frame, struct error *err)
{
	int r = object_section_load(t->obj, ".eh_frame", eh_frame, err);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0) {
		t->eh_frame_vaddr = eh_frame->vaddr;
		if (object_file_off_of(t->obj, eh_frame->vaddr, &t->eh_frame_file_off))
			t->eh_frame_size_bytes = eh_frame->size_bytes;
	}
	/* It only helps out, so what is wrong with it matters only if there is nothing else. */
	int debug = object_section_load(t->obj, ".debug_frame", &t->debug_frame, r ? err : NULL);
	if (debug == -ENOMEM || (debug < 0 && debug != -ENOENT && r))
		return debug;
	return 0;
}

static bool uses_debug_frame(const struct unwind_table *t)
{
	for (uint32_t i = 0; i < t->fde_count; i++) {
		if (t->fdes[i].offset & TABLE_FDE_DEBUG)
			return true;
	}
	return false;
}

int unwind_table_create(struct object *obj, struct unwind_table **out, struct error *err)
{
	struct unwind_table *t = calloc(1, sizeof(*t));
	if (!t)
		return fail(err, -ENOMEM, "no memory for an unwind table");
	t->obj = object_ref(obj);
	struct object_section eh_frame = { 0 };
	int r = load_sections(t, &eh_frame, err);
	if (r == 0)
		r = table_compile(t, &eh_frame, err);
	object_section_deinit(&eh_frame);
	if (r < 0) {
		unwind_table_destroy(t);
		return r;
	}
	if (!uses_debug_frame(t)) {
		object_section_deinit(&t->debug_frame);
		t->debug_frame = (struct object_section){ 0 };
	}
	*out = t;
	return 0;
}

void unwind_table_destroy(struct unwind_table *t)
{
	if (!t)
		return;
	object_unref(t->obj);
	object_section_deinit(&t->debug_frame);
	free(t->rows);
	free(t->pages);
	free(t->rules);
	free(t->fdes);
	free(t);
}

size_t unwind_table_memory_bytes(const struct unwind_table *t)
{
	return sizeof(*t) + t->row_count * sizeof(*t->rows) +
	       (t->page_count + 1) * sizeof(*t->pages) + t->rule_count * sizeof(*t->rules) +
	       t->fde_count * sizeof(*t->fdes) + t->debug_frame.size_bytes;
}

bool unwind_table_rows(const struct unwind_table *t, struct unwind_rows *out)
{
	*out = (struct unwind_rows){
		.base_vaddr = t->base_vaddr,
		.span_bytes = t->span_bytes,
		.row_count = t->row_count,
		.page_count = t->page_count,
		.rule_count = t->rule_count,
		.rows = t->rows,
		.pages = t->pages,
		.rules = t->rules,
	};
	return !t->is_go;
}

static bool find_fde(const struct unwind_table *t, uint64_t vaddr, struct table_fde *out)
{
	uint64_t at = vaddr - t->base_vaddr;
	uint32_t first = 0, end = t->fde_count;
	while (first < end) { /* the first FDE behind the address */
		uint32_t middle = first + (end - first) / 2;
		if (t->fdes[middle].start <= at)
			first = middle + 1;
		else
			end = middle;
	}
	if (vaddr < t->base_vaddr || at >= t->span_bytes || !first)
		return false;
	*out = t->fdes[first - 1];
	return true;
}

/* Bytes of .eh_frame from the file or image. @return how many were read */
static size_t read_eh_frame(const struct unwind_table *t, size_t offset, uint8_t *to, size_t size)
{
	if (offset >= t->eh_frame_size_bytes)
		return 0;
	if (size > t->eh_frame_size_bytes - offset)
		size = t->eh_frame_size_bytes - offset;
	return object_read(t->obj, t->eh_frame_file_off + offset, to, size, NULL) < 0 ? 0 : size;
}

static struct cfi_section part_of(const struct unwind_table *t, bool debug_frame, size_t offset,
				  uint8_t *buffer, size_t size)
{
	const struct object_section *d = &t->debug_frame;
	struct cfi_section part = { .offset = offset, .debug_frame = debug_frame };
	if (!debug_frame) {
		part.vaddr = t->eh_frame_vaddr;
		part.bytes = buffer;
		part.size_bytes = read_eh_frame(t, offset, buffer, size);
	} else if (offset < d->size_bytes) {
		part.vaddr = d->vaddr;
		part.bytes = d->bytes + offset;
		part.size_bytes = d->size_bytes - offset;
	}
	return part;
}

static bool first_entry(const struct cfi_section *section, struct cfi_entry *out)
{
	struct cursor c = cursor_of(section->bytes, section->size_bytes);
	return cfi_next_entry(section, &c, out) == 1;
}

bool table_read_entry(const struct unwind_table *t, uint64_t vaddr, struct table_entry *out)
{
	struct table_fde fde;
	struct cfi_entry entry;
	if (!find_fde(t, vaddr, &fde))
		return false;
	bool debug = fde.offset & TABLE_FDE_DEBUG;
	out->section = part_of(t, debug, fde.offset & ~(uint32_t)TABLE_FDE_DEBUG, out->fde_bytes,
			       sizeof(out->fde_bytes));
	if (!first_entry(&out->section, &entry) || entry.is_cie)
		return false;
	struct cfi_section cie_part =
		part_of(t, debug, entry.cie_offset, out->cie_bytes, sizeof(out->cie_bytes));
	struct cfi_entry cie_entry;
	if (!first_entry(&cie_part, &cie_entry) || !cie_entry.is_cie ||
	    !cfi_parse_cie(&cie_part, &cie_entry, &out->cie) ||
	    !cfi_parse_fde(&out->section, &entry, &out->cie, &out->fde))
		return false;
	return vaddr >= out->fde.start_vaddr && vaddr - out->fde.start_vaddr < out->fde.size_bytes;
}

bool unwind_table_function(const struct unwind_table *t, uint64_t vaddr, uint64_t *out_start_vaddr,
			   uint64_t *out_size_bytes)
{
	struct table_entry entry;
	if (!table_read_entry(t, vaddr, &entry))
		return false;
	*out_start_vaddr = entry.fde.start_vaddr;
	*out_size_bytes = entry.fde.size_bytes;
	return true;
}

bool table_is_bare_start(const struct unwind_table *t, uint64_t vaddr)
{
	struct table_fde fde;
	struct table_entry entry;
	return find_fde(t, vaddr, &fde) && fde.start == vaddr - t->base_vaddr &&
	       !table_read_entry(t, vaddr - 1, &entry);
}
