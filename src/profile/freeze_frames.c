// SPDX-License-Identifier: MIT
#include "profile/freeze.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "profile/place.h"

enum { PAGE_MASK = 4095 };

/* Equal build-ids are one module; without, equal paths are. */
static int compare_identity(const struct draft_module *a, const struct draft_module *b)
{
	int r = strcmp(a->build_id, b->build_id);
	return r || *a->build_id ? r : strcmp(a->path, b->path);
}

/* Within one identity, the row that gives path and state comes first. */
static int compare_candidates(const void *x, const void *y)
{
	const struct draft_module *a = *(const struct draft_module *const *)x;
	const struct draft_module *b = *(const struct draft_module *const *)y;
	int r = compare_identity(a, b);
	if (!r)
		r = b->is_main - a->is_main;
	if (!r)
		r = a->deleted - b->deleted;
	return r ? r : strcmp(a->path, b->path);
}

static int compare_modules(const struct draft_module *a, const struct draft_module *b)
{
	int r = b->is_main - a->is_main;
	if (!r)
		r = strcmp(a->path, b->path);
	return r ? r : strcmp(a->build_id, b->build_id);
}

static void widen_range(struct draft_module *m, uint64_t start_vaddr, uint64_t limit_vaddr)
{
	if (!m->limit_vaddr) {
		m->start_vaddr = start_vaddr;
		m->limit_vaddr = limit_vaddr;
		return;
	}
	if (start_vaddr < m->start_vaddr)
		m->start_vaddr = start_vaddr;
	if (limit_vaddr > m->limit_vaddr)
		m->limit_vaddr = limit_vaddr;
}

static void merge_module(struct draft_module *into, const struct draft_module *m)
{
	if (m->limit_vaddr)
		widen_range(into, m->start_vaddr, m->limit_vaddr);
	if (m->vaddr_minus_off > into->vaddr_minus_off)
		into->vaddr_minus_off = m->vaddr_minus_off;
}

static int compare_modules_at(const void *x, const void *y, void *modules)
{
	const struct draft_module *m = modules;
	return compare_modules(&m[*(const uint32_t *)x], &m[*(const uint32_t *)y]);
}

/* Of several that claim to be CMD's binary, the first in order is. */
static void keep_one_main(struct draft_module *merged, size_t count)
{
	struct draft_module *first = NULL;
	for (size_t i = 1; i < count; i++)
		if (merged[i].is_main && (!first || compare_modules(&merged[i], first) < 0))
			first = &merged[i];
	for (size_t i = 1; i < count; i++)
		merged[i].is_main = &merged[i] == first;
}

/* Modules without frames are left out, but CMD's binary never. */
static bool module_wanted(const struct freeze *f, size_t row)
{
	return f->module_used[row] || f->b->modules.at[row].is_main;
}

/* Fills module_of with rows of `merged`. @return their count */
static size_t merge_modules(struct freeze *f, const struct draft_module **rows,
			    struct draft_module *merged)
{
	size_t wanted = 0, count = 1;
	for (size_t i = 1; i < f->b->modules.count; i++)
		if (module_wanted(f, i))
			rows[wanted++] = &f->b->modules.at[i];
	qsort(rows, wanted, sizeof(struct draft_module *), compare_candidates);
	merged[0] = f->b->modules.at[0];
	for (size_t i = 0; i < wanted; i++) {
		if (i && !compare_identity(rows[i - 1], rows[i]))
			merge_module(&merged[count - 1], rows[i]);
		else
			merged[count++] = *rows[i];
		f->module_of[rows[i] - f->b->modules.at] = (uint32_t)(count - 1);
	}
	return count;
}

bool freeze_modules(struct freeze *f)
{
	size_t count = f->b->modules.count;
	const struct draft_module **rows = freeze_alloc(f, count, sizeof(struct draft_module *));
	struct draft_module *merged = freeze_alloc(f, count, sizeof(*merged));
	uint32_t *order = freeze_alloc(f, count, sizeof(*order));
	uint32_t *rank = freeze_alloc(f, count, sizeof(*rank));
	f->module_of = freeze_alloc(f, count, sizeof(*f->module_of));
	f->modules = freeze_alloc(f, count, sizeof(*f->modules));
	if (!rows || !merged || !order || !rank || !f->module_of || !f->modules)
		return false;
	f->module_count = merge_modules(f, rows, merged);
	keep_one_main(merged, f->module_count);
	for (uint32_t i = 0; i < f->module_count; i++)
		order[i] = i;
	qsort_r(order + 1, f->module_count - 1, sizeof(*order), compare_modules_at, merged);
	for (uint32_t i = 0; i < f->module_count; i++) {
		f->modules[i] = merged[order[i]];
		rank[order[i]] = i;
	}
	for (size_t i = 1; i < count; i++)
		f->module_of[i] = rank[f->module_of[i]];
	return true;
}

/* One line with a function that is called by its place (design, section 2, "Collapsed stacks"). */
static const struct freeze_line *made_up_line(struct freeze *f, const struct draft_frame *frame,
					      uint32_t module)
{
	struct draft_function *function = freeze_alloc(f, 1, sizeof(*function));
	struct freeze_line *line = freeze_alloc(f, 1, sizeof(*line));
	if (!function || !line)
		return NULL;
	struct strbuf text = { 0 };
	place_name(frame, &f->modules[module], &text);
	*function = (struct draft_function){ .system_name = "", .file = "" };
	if (!text.failed)
		function->name = arena_strndup(&f->arena, text.text, text.length);
	strbuf_deinit(&text);
	function->unnamed = profile_name_is_place(function->name);
	line->function = function;
	return function->name ? line : NULL;
}

static bool fill_frame(struct freeze *f, uint32_t row, struct freeze_frame *out)
{
	const struct draft_frame *frame = &f->b->frames.at[row];
	*out = (struct freeze_frame){
		.vaddr = frame->vaddr,
		.module = frame->module < f->b->modules.count ? f->module_of[frame->module] : 0,
		.line_count = frame->line_count ? frame->line_count : 1,
		.draft_row = row,
		.kind = frame->kind,
		.interned = frame->interned,
		.known = frame->line_count           ? 2
			 : frame->has_function_start ? 1
						     : 0,
	};
	if (!frame->line_count) {
		out->lines = made_up_line(f, frame, out->module);
		return out->lines;
	}
	struct freeze_line *lines = freeze_alloc(f, frame->line_count, sizeof(*lines));
	for (uint32_t i = 0; lines && i < frame->line_count; i++) {
		struct draft_line line = f->b->lines.at[frame->first_line + i];
		lines[i].function = &f->b->functions.at[line.function];
		lines[i].line = line.line;
	}
	out->lines = lines;
	return lines;
}

int compare_functions(const struct draft_function *a, const struct draft_function *b)
{
	if (a == b)
		return 0;
	int r = strcmp(a->name, b->name);
	if (!r)
		r = strcmp(a->system_name, b->system_name);
	if (!r)
		r = strcmp(a->file, b->file);
	return r ? r : compare_u64(a->start_line, b->start_line);
}

static int compare_lines(const struct freeze_frame *a, const struct freeze_frame *b)
{
	int r = compare_u64(b->line_count, a->line_count);
	for (uint32_t i = 0; !r && i < a->line_count; i++) {
		r = compare_functions(a->lines[i].function, b->lines[i].function);
		if (!r)
			r = compare_u64(a->lines[i].line, b->lines[i].line);
	}
	return r;
}

static int compare_places(const struct freeze_frame *a, const struct freeze_frame *b)
{
	int r = compare_u64(a->module, b->module);
	if (!r)
		r = compare_u64(a->vaddr, b->vaddr);
	return r ? r : compare_u64(a->kind, b->kind);
}

static int compare_frames(const void *x, const void *y)
{
	const struct freeze_frame *a = x, *b = y;
	int r = compare_places(a, b);
	if (!r)
		r = a->interned - b->interned;
	if (!r && a->interned)
		r = b->known - a->known;
	return r ? r : compare_lines(a, b);
}

static bool same_frame(const struct freeze_frame *a, const struct freeze_frame *b)
{
	return !compare_places(a, b) && ((a->interned && b->interned) || !compare_lines(a, b));
}

static void widen_to_frame(struct draft_module *m, uint64_t vaddr)
{
	uint64_t start = vaddr & ~(uint64_t)PAGE_MASK, limit = (vaddr | PAGE_MASK) + 1;
	if (vaddr)
		widen_range(m, start, limit ? limit : UINT64_MAX);
}

bool freeze_frames(struct freeze *f)
{
	size_t count = f->b->frames.count, used = 1;
	f->frames = freeze_alloc(f, count, sizeof(*f->frames));
	f->frame_of = freeze_alloc(f, count, sizeof(*f->frame_of));
	if (!f->frames || !f->frame_of)
		return false;
	for (uint32_t i = 1; i < count; i++)
		if (f->frame_used[i] && !fill_frame(f, i, &f->frames[used++]))
			return false;
	qsort(f->frames + 1, used - 1, sizeof(*f->frames), compare_frames);

	f->frame_count = 1;
	for (size_t i = 1; i < used; i++) {
		const struct freeze_frame *last = &f->frames[f->frame_count - 1];
		if (f->frame_count == 1 || !same_frame(last, &f->frames[i])) {
			f->frames[f->frame_count++] = f->frames[i];
			f->line_count += f->frames[i].line_count;
		}
		f->frame_of[f->frames[i].draft_row] = (uint32_t)(f->frame_count - 1);
	}
	for (size_t i = 1; i < f->frame_count; i++)
		if (f->frames[i].module)
			widen_to_frame(&f->modules[f->frames[i].module], f->frames[i].vaddr);
	return f->line_count < UINT32_MAX;
}

static int compare_function_rows(const void *x, const void *y)
{
	return compare_functions(*(const struct draft_function *const *)x,
				 *(const struct draft_function *const *)y);
}

bool freeze_functions(struct freeze *f)
{
	f->functions = freeze_alloc(f, f->line_count + 1, sizeof(struct draft_function *));
	if (!f->functions)
		return false;
	size_t count = 1;
	f->functions[0] = &f->b->functions.at[0];
	for (size_t i = 1; i < f->frame_count; i++)
		for (uint32_t j = 0; j < f->frames[i].line_count; j++)
			f->functions[count++] = f->frames[i].lines[j].function;
	qsort(f->functions + 1, count - 1, sizeof(struct draft_function *), compare_function_rows);
	f->function_count = 1;
	for (size_t i = 1; i < count; i++)
		if (i == 1 ||
		    compare_functions(f->functions[f->function_count - 1], f->functions[i]))
			f->functions[f->function_count++] = f->functions[i];
	return true;
}
