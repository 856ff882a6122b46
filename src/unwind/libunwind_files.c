// SPDX-License-Identifier: MIT
#include "unwind/libunwind_files.h"

#include <string.h>

#include "base/cursor.h"

/* Of the encodings that a table may have libunwind knows this one, which all linkers write. */
enum { HDR_VERSION = 1, COUNT_UDATA4 = 0x03, TABLE_DATAREL_SDATA4 = 0x3b, ENTRY_BYTES = 8 };

/* Source: LSB 5.0 Core, 10.6.2 (.eh_frame_hdr) */
static uint32_t count_entries(const struct object_section *hdr)
{
	struct cursor c = cursor_of(hdr->bytes, hdr->size_bytes);
	uint8_t version = cursor_u8(&c);
	cursor_u8(&c); /* how the pointer to .eh_frame is written */
	uint8_t count_encoding = cursor_u8(&c), table_encoding = cursor_u8(&c);
	cursor_u32(&c);
	uint32_t count = cursor_u32(&c);
	if (c.bad || version != HDR_VERSION || count_encoding != COUNT_UDATA4 ||
	    table_encoding != TABLE_DATAREL_SDATA4 ||
	    count > (hdr->size_bytes - EH_FRAME_HDR_BYTES) / ENTRY_BYTES)
		return 0;
	return count;
}

static void file_deinit(struct libunwind_file *f)
{
	object_section_deinit(&f->hdr);
	object_section_deinit(&f->eh_frame);
	object_unref(f->object);
}

const struct libunwind_file *libunwind_file_of(struct libunwind_files *files, struct object *object)
{
	uint32_t known = map64_get(&files->by_object, (uintptr_t)object);
	if (known)
		return &files->all.at[known - 1];
	struct libunwind_file f = { .object = object_ref(object) };
	if (object_section_load(object, ".eh_frame_hdr", &f.hdr, NULL) == 0 &&
	    object_section_load(object, ".eh_frame", &f.eh_frame, NULL) == 0)
		f.entry_count = count_entries(&f.hdr);
	if (!vec_push(&files->all, f)) {
		file_deinit(&f);
		return NULL;
	}
	if (!map64_put(&files->by_object, (uintptr_t)object, (uint32_t)files->all.count))
		return NULL;
	return &files->all.at[files->all.count - 1];
}

static bool read_section(const struct object_section *s, uint64_t vaddr, void *out,
			 size_t size_bytes)
{
	uint64_t offset = vaddr - s->vaddr;
	if (offset >= s->size_bytes || size_bytes > s->size_bytes - offset)
		return false;
	memcpy(out, s->bytes + offset, size_bytes);
	return true;
}

bool libunwind_file_read(const struct libunwind_file *f, uint64_t vaddr, void *out,
			 size_t size_bytes)
{
	if (read_section(&f->eh_frame, vaddr, out, size_bytes) ||
	    read_section(&f->hdr, vaddr, out, size_bytes))
		return true;
	for (uint32_t i = 0; i < f->object->segment_count; i++) {
		const struct object_segment *s = &f->object->segments[i];
		uint64_t offset = vaddr - s->vaddr;
		if (offset < s->file_size_bytes && size_bytes <= s->file_size_bytes - offset)
			return object_read(f->object, s->file_off + offset, out, size_bytes,
					   NULL) == 0;
	}
	return false;
}

void libunwind_files_deinit(struct libunwind_files *files)
{
	for (size_t i = 0; i < files->all.count; i++)
		file_deinit(&files->all.at[i]);
	vec_free(&files->all);
	map64_deinit(&files->by_object);
}
