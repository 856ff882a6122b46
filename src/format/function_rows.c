// SPDX-License-Identifier: MIT
#include "format/function_rows.h"

#include <errno.h>
#include <string.h>

#include "base/map.h"

/* Rows are stored in the map as row + 1. */
static bool add_line(struct function_rows *f, struct map64 *known, struct function_row row,
		     uint32_t line)
{
	uint64_t key = (uint64_t)row.function.v << 32 | row.module.v;
	uint32_t found = map64_get(known, key);
	if (!found) {
		found = (uint32_t)f->rows.count + 1;
		if (!vec_push(&f->rows, row) || !map64_put(known, key, found))
			return false;
	}
	f->row_of_line[line] = found - 1;
	return true;
}

int function_rows_init(const struct profile *p, struct function_rows *out, struct error *err)
{
	struct map64 known = { 0 };
	*out = (struct function_rows){ 0 };
	out->row_of_line = calloc(p->line_count + 1, sizeof(*out->row_of_line));
	bool ok = out->row_of_line;
	for (size_t i = 1; ok && i < p->frame_count; i++) {
		const struct profile_frame *frame = &p->frames[i];
		for (uint32_t j = 0; ok && j < frame->line_count; j++) {
			uint32_t line = frame->first_line + j;
			struct function_row row = { p->lines[line].function, frame->module };
			ok = add_line(out, &known, row, line);
		}
	}
	map64_deinit(&known);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

void function_rows_deinit(struct function_rows *f)
{
	vec_free(&f->rows);
	free(f->row_of_line);
	f->row_of_line = NULL;
}

const char *module_basename(const struct profile *p, module_id m)
{
	const char *path = profile_string(p, p->modules[m.v].path);
	const char *slash = *path == '[' ? NULL : strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}
