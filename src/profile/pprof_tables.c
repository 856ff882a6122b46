// SPDX-License-Identifier: MIT
#include "profile/pprof_read.h"

#include <string.h>

#include "profile/pprof_fields.h"
#include "profile/protobuf.h"

/* Kernel space of x86-64 with 4- and 5-level paging begins above
 * (Documentation/arch/x86/x86_64/mm.rst). */
static const uint64_t kernel_space = UINT64_C(0xff00000000000000);

int pprof_read_function(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	struct builder_line line = { .name = "", .system_name = "", .file = "" };
	uint64_t id = 0;
	bool bad = false;
	const uint8_t *begin = c.at;
	while (protobuf_next(&c, &f)) {
		switch (f.number) {
		case FUNCTION_ID: id = f.value; break;
		case FUNCTION_NAME: line.name = pprof_text(r, f.value, &bad); break;
		case FUNCTION_SYSTEM_NAME: line.system_name = pprof_text(r, f.value, &bad); break;
		case FUNCTION_FILENAME: line.file = pprof_text(r, f.value, &bad); break;
		case FUNCTION_START_LINE: line.start_line = (uint32_t)f.value; break;
		default: break;
		}
	}
	if (c.bad || bad || !id)
		return pprof_damaged(r, c.bad ? c.bad : begin, "a function is damaged");
	uint32_t row = (uint32_t)r->functions.count;
	return vec_push(&r->functions, line) && id_table_add(&r->function_ids, id, row)
		       ? 0
		       : pprof_no_memory(r);
}

/* What foreign files say about a frame only by the name of its mapping. */
static enum frame_kind kind_of_path(const char *path)
{
	if (!strncmp(path, "[kernel", 7) || !strncmp(path, "[guest.kernel", 13))
		return FRAME_KERNEL;
	if (!strncmp(path, "//anon", 6) || !strncmp(path, "[anon", 5))
		return FRAME_JIT;
	return FRAME_USER;
}

struct mapping {
	uint64_t id, start, limit, file_off;
	const char *path, *build_id;
};

static int add_mapping(struct pprof_reader *r, const struct mapping *m)
{
	static const char deleted_suffix[] = " (deleted)";
	const size_t suffix = sizeof(deleted_suffix) - 1;
	size_t length = strlen(m->path);
	bool deleted = id_table_find(&r->deleted, m->id);
	const char *path = m->path;
	if (!r->has_capture && length > suffix && !strcmp(path + length - suffix, deleted_suffix)) {
		deleted = true;
		path = arena_strndup(&r->arena, path, length - suffix);
	}
	module_id module = builder_add_module(
		r->b,
		&(struct builder_module){ .path = path,
					  .deleted = deleted,
					  .is_main = r->main_mapping ? m->id == r->main_mapping
								     : !r->mappings.count });
	struct pprof_mapping row = { module, kind_of_path(path ? path : "") };
	if (!path || !module.v ||
	    !id_table_add(&r->mapping_ids, m->id, (uint32_t)r->mappings.count) ||
	    !vec_push(&r->mappings, row) ||
	    builder_set_build_id_text(r->b, module, m->build_id) < 0)
		return pprof_no_memory(r);
	if (m->start < m->limit)
		builder_set_module_range(r->b, module, m->start, m->limit);
	if (m->start < m->limit || r->is_journal)
		builder_set_file_offset(r->b, module, m->start, m->file_off);
	return 0;
}

int pprof_read_mapping(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	struct mapping m = { .path = "", .build_id = "" };
	bool bad = false;
	const uint8_t *begin = c.at;
	while (protobuf_next(&c, &f)) {
		switch (f.number) {
		case MAPPING_ID: m.id = f.value; break;
		case MAPPING_MEMORY_START: m.start = f.value; break;
		case MAPPING_MEMORY_LIMIT: m.limit = f.value; break;
		case MAPPING_FILE_OFFSET: m.file_off = f.value; break;
		case MAPPING_FILENAME: m.path = pprof_text(r, f.value, &bad); break;
		case MAPPING_BUILD_ID: m.build_id = pprof_text(r, f.value, &bad); break;
		default: break;
		}
	}
	if (c.bad || bad || !m.id)
		return pprof_damaged(r, c.bad ? c.bad : begin, "a mapping is damaged");
	return add_mapping(r, &m);
}

/* Adds a line to the scratch list; a line without a function says nothing. */
static int read_line(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	uint64_t function = 0, line = 0;
	const uint8_t *begin = c.at;
	while (protobuf_next(&c, &f)) {
		if (f.number == LINE_FUNCTION_ID)
			function = f.value;
		else if (f.number == LINE_LINE)
			line = f.value;
	}
	if (c.bad)
		return pprof_damaged(r, c.bad, "a line is damaged");
	if (!function)
		return 0;
	const struct id_row *row = id_table_find(&r->function_ids, function);
	if (!row)
		return pprof_damaged(r, begin, "a line names a function that is not there");
	if (!vec_push(&r->lines, r->functions.at[row->row]))
		return pprof_no_memory(r);
	r->lines.at[r->lines.count - 1].line = (uint32_t)line;
	return pprof_count_part(r);
}

static enum frame_kind foreign_kind(const struct pprof_reader *r, const struct pprof_mapping *m,
				    uint64_t address)
{
	const char *outermost = r->lines.count ? r->lines.at[r->lines.count - 1].name : "";
	if (!m->module.v && !strcmp(outermost, "[truncated]"))
		return FRAME_TRUNCATED;
	if (!m->module.v && !strcmp(outermost, "[anon]"))
		return FRAME_JIT;
	return !m->module.v && address >= kernel_space ? FRAME_KERNEL : m->kind;
}

static int add_location(struct pprof_reader *r, uint64_t id, uint64_t mapping, uint64_t address,
			const uint8_t *begin)
{
	struct pprof_mapping m = { .kind = FRAME_USER };
	const struct id_row *row = mapping ? id_table_find(&r->mapping_ids, mapping) : NULL;
	if (mapping && !row)
		return pprof_damaged(r, begin, "a location names a mapping that is not there");
	if (row)
		m = r->mappings.at[row->row];
	enum frame_kind kind = foreign_kind(r, &m, address);
	if (r->has_capture) {
		kind = (enum frame_kind)r->frame_kinds.at[r->location_at];
		if (kind > FRAME_TRUNCATED)
			return pprof_damaged(r, begin, "a frame has an unknown kind");
	}
	r->location_at++;
	if (!r->has_capture && kind == FRAME_JIT)
		m.module.v = 0;
	/* What a journal names late is there a second time: one frame with one address. */
	frame_id frame = r->is_journal ? builder_frame(r->b, m.module, address, kind, NULL)
				       : builder_new_frame(r->b, m.module, address, kind);
	if (!frame.v || !id_table_add(&r->location_ids, id, frame.v) ||
	    (r->lines.count && builder_name_frame(r->b, frame, r->lines.at, r->lines.count) < 0))
		return pprof_no_memory(r);
	return 0;
}

int pprof_read_location(struct pprof_reader *r, struct cursor c)
{
	struct protobuf_field f;
	uint64_t id = 0, mapping = 0, address = 0;
	const uint8_t *begin = c.at;
	int status = 0;
	r->lines.count = 0;
	while (!status && protobuf_next(&c, &f)) {
		switch (f.number) {
		case LOCATION_ID: id = f.value; break;
		case LOCATION_MAPPING_ID: mapping = f.value; break;
		case LOCATION_ADDRESS: address = f.value; break;
		case LOCATION_LINE: status = read_line(r, f.bytes); break;
		default: break;
		}
	}
	if (status)
		return status;
	if (c.bad || !id)
		return pprof_damaged(r, c.bad ? c.bad : begin, "a location is damaged");
	return add_location(r, id, mapping, address, begin);
}
