// SPDX-License-Identifier: MIT
#include <string.h>

#include "format/firefox_parts.h"

/* Numbers in JSON are doubles: beyond this they are no integers any more. */
static const uint64_t largest_integer = (UINT64_C(1) << 53) - 1;

/* The strings of the profile by their ids, then the modules' short names. */
static void put_strings(struct firefox *f)
{
	const struct profile *p = f->p;
	strbuf_puts(f->out, "\"stringArray\":[");
	for (size_t i = 0; i < p->strings.count; i++) {
		strbuf_puts(f->out, i ? ",\n" : "");
		json_text(f->out, p->strings.text[i]);
	}
	for (uint32_t i = 1; i < p->module_count; i++) {
		strbuf_puts(f->out, ",\n");
		json_text(f->out, module_basename(p, (module_id){ i }));
	}
	strbuf_puts(f->out, "],\n");
}

static const struct profile_function *function_at(const struct firefox *f, size_t row)
{
	return &f->p->functions[f->functions.rows.at[row].function.v];
}

static void function_name(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, function_at(f, i)->name.v);
}

/* Resources are the modules, counted from 0. */
static void function_resource(struct firefox *f, size_t i)
{
	strbuf_printf(f->out, "%d", (int)f->functions.rows.at[i].module.v - 1);
}

static void number_or_null(struct firefox *f, uint32_t number)
{
	if (number)
		strbuf_u64(f->out, number);
	else
		strbuf_puts(f->out, "null");
}

static void function_source(struct firefox *f, size_t i)
{
	uint32_t source = f->source_of[function_at(f, i)->file.v];
	if (source)
		strbuf_u64(f->out, source - 1);
	else
		strbuf_puts(f->out, "null");
}

static void function_line(struct firefox *f, size_t i)
{
	number_or_null(f, function_at(f, i)->start_line);
}

static void put_functions(struct firefox *f)
{
	size_t count = f->functions.rows.count;
	strbuf_puts(f->out, "\"funcTable\":{");
	firefox_column(f, "name", count, function_name);
	firefox_column(f, "isJS", count, firefox_false);
	firefox_column(f, "relevantForJS", count, firefox_false);
	firefox_column(f, "resource", count, function_resource);
	firefox_column(f, "source", count, function_source);
	firefox_column(f, "lineNumber", count, function_line);
	firefox_column(f, "columnNumber", count, firefox_null);
	firefox_column(f, "originalLocation", count, firefox_null);
	json_uint_field(f->out, "length", count);
	strbuf_puts(f->out, "},\n");
}

static const struct profile_frame *frame_at(const struct firefox *f, size_t row)
{
	return &f->p->frames[f->frames.at[row].frame];
}

/*
 * Relative to the file's first byte in memory: linkers put it at a multiple of 64 KiB (0 unless the
 * program has a fixed place), while later segments may be moved by some pages against the file.
 */
static uint64_t image_base(const struct profile_module *m)
{
	enum { ALIGNMENT_MASK = 0xffff };
	if (m->start_vaddr < m->file_off)
		return 0;
	return (m->start_vaddr - m->file_off) & ~(uint64_t)ALIGNMENT_MASK;
}

static void frame_address(struct firefox *f, size_t i)
{
	const struct profile_frame *frame = frame_at(f, i);
	uint64_t base = image_base(&f->p->modules[frame->module.v]);
	bool has_address = frame->module.v && frame->kind == FRAME_USER && frame->vaddr > base &&
			   frame->vaddr - base <= largest_integer;
	if (has_address)
		strbuf_u64(f->out, frame->vaddr - base);
	else
		strbuf_puts(f->out, "-1");
}

static void frame_inline_depth(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, f->frames.at[i].inline_depth);
}

static void frame_category(struct firefox *f, size_t i)
{
	static const enum firefox_category categories[] = {
		[FRAME_USER] = FIREFOX_USER,
		[FRAME_KERNEL] = FIREFOX_KERNEL,
		[FRAME_JIT] = FIREFOX_JIT,
		[FRAME_TRUNCATED] = FIREFOX_TRUNCATED,
	};
	strbuf_u64(f->out, categories[frame_at(f, i)->kind]);
}

static void frame_function(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, f->functions.row_of_line[f->frames.at[i].line]);
}

static void frame_line(struct firefox *f, size_t i)
{
	number_or_null(f, f->p->lines[f->frames.at[i].line].line);
}

static void put_frames(struct firefox *f)
{
	size_t count = f->frames.count;
	strbuf_puts(f->out, "\"frameTable\":{");
	firefox_column(f, "address", count, frame_address);
	firefox_column(f, "inlineDepth", count, frame_inline_depth);
	firefox_column(f, "category", count, frame_category);
	firefox_column(f, "subcategory", count, firefox_zero);
	firefox_column(f, "func", count, frame_function);
	firefox_column(f, "nativeSymbol", count, firefox_null);
	firefox_column(f, "innerWindowID", count, firefox_zero);
	firefox_column(f, "line", count, frame_line);
	firefox_column(f, "column", count, firefox_null);
	firefox_column(f, "originalLocation", count, firefox_null);
	json_uint_field(f->out, "length", count);
	strbuf_puts(f->out, "},\n");
}

/* Each of our stacks is as many rows as its frame has functions. */
static void put_stack_column(struct firefox *f, const char *name, bool parents)
{
	const struct profile *p = f->p;
	json_text(f->out, name);
	strbuf_puts(f->out, ":[");
	for (size_t i = 1; i < p->stack_count; i++) {
		uint32_t frame = p->stack_frame[i].v, count = p->frames[frame].line_count;
		uint32_t parent = f->last_row_of_stack[p->stack_parent[i].v];
		uint32_t first = f->last_row_of_stack[i] - count; /* row of the outermost */
		for (uint32_t j = 0; j < count; j++) {
			if (i > 1 || j)
				strbuf_putc(f->out, ',');
			/* How far the parent is above; 0: there is none. */
			uint32_t offset = j ? 1 : parent ? first - (parent - 1) : 0;
			strbuf_u64(f->out, parents ? offset : f->first_row_of_frame[frame] + j);
		}
	}
	strbuf_puts(f->out, "],\n");
}

static void put_stacks(struct firefox *f)
{
	strbuf_puts(f->out, "\"stackTable\":{");
	put_stack_column(f, "frame", false);
	put_stack_column(f, "prefixOffset", true);
	json_uint_field(f->out, "length", f->last_row_of_stack[f->p->stack_count - 1]);
	strbuf_puts(f->out, "},\n");
}

static void row_number(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, i);
}

static void resource_name(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, f->p->strings.count + i);
}

static void put_resources(struct firefox *f)
{
	size_t count = f->p->module_count - 1;
	strbuf_puts(f->out, "\"resourceTable\":{");
	firefox_column(f, "lib", count, row_number);
	firefox_column(f, "name", count, resource_name);
	firefox_column(f, "host", count, firefox_null);
	firefox_column(f, "type", count, firefox_one); /* a library */
	json_uint_field(f->out, "length", count);
	strbuf_puts(f->out, "},\n");
}

static void source_file(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, f->sources.at[i].v);
}

static void put_sources(struct firefox *f)
{
	size_t count = f->sources.count;
	strbuf_puts(f->out, "\"sources\":{");
	firefox_column(f, "id", count, firefox_null);
	firefox_column(f, "filename", count, source_file);
	firefox_column(f, "startLine", count, firefox_one);
	firefox_column(f, "startColumn", count, firefox_one);
	firefox_column(f, "sourceMapURL", count, firefox_null);
	firefox_column(f, "content", count, firefox_null);
	json_uint_field(f->out, "length", count);
	strbuf_puts(f->out, "},\n");
}

void firefox_shared(struct firefox *f)
{
	strbuf_puts(f->out, "\"shared\":{");
	put_strings(f);
	put_functions(f);
	put_frames(f);
	put_stacks(f);
	put_resources(f);
	put_sources(f);
	strbuf_puts(f->out, "\"nativeSymbols\":{\"libIndex\":[],\"address\":[],\"name\":[],"
			    "\"functionSize\":[],\"length\":0},\n"
			    "\"sourceLocationTable\":{\"source\":[],\"line\":[],\"column\":[],"
			    "\"length\":0}}");
}
