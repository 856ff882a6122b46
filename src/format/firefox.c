// SPDX-License-Identifier: MIT
#include "format/firefox.h"

#include <errno.h>
#include <string.h>

#include "format/firefox_parts.h"

void firefox_column(struct firefox *f, const char *name, size_t count, firefox_cell *cell)
{
	json_text(f->out, name);
	strbuf_puts(f->out, ":[");
	for (size_t i = 0; i < count; i++) {
		if (i)
			strbuf_putc(f->out, ',');
		cell(f, i);
	}
	strbuf_puts(f->out, "],\n");
}

void firefox_null(struct firefox *f, size_t i)
{
	(void)i;
	strbuf_puts(f->out, "null");
}

void firefox_zero(struct firefox *f, size_t i)
{
	(void)i;
	strbuf_putc(f->out, '0');
}

void firefox_one(struct firefox *f, size_t i)
{
	(void)i;
	strbuf_putc(f->out, '1');
}

void firefox_minus_one(struct firefox *f, size_t i)
{
	(void)i;
	strbuf_puts(f->out, "-1");
}

void firefox_false(struct firefox *f, size_t i)
{
	(void)i;
	strbuf_puts(f->out, "false");
}

/* A frame of theirs is one function: one of ours with inlined ones becomes several. */
static bool list_frames(struct firefox *f)
{
	const struct profile *p = f->p;
	f->first_row_of_frame = calloc(p->frame_count, sizeof(*f->first_row_of_frame));
	f->last_row_of_stack = calloc(p->stack_count, sizeof(*f->last_row_of_stack));
	if (!f->first_row_of_frame || !f->last_row_of_stack)
		return false;
	for (uint32_t i = 1; i < p->frame_count; i++) {
		const struct profile_frame *frame = &p->frames[i];
		f->first_row_of_frame[i] = (uint32_t)f->frames.count;
		for (uint32_t depth = 0; depth < frame->line_count; depth++) {
			uint32_t line = frame->first_line + frame->line_count - 1 - depth;
			if (!vec_push(&f->frames, (struct firefox_frame){ i, line, depth }))
				return false;
		}
	}
	for (size_t i = 1, rows = 0; i < p->stack_count; i++) {
		rows += p->frames[p->stack_frame[i].v].line_count;
		if (rows >= UINT32_MAX)
			return false;
		f->last_row_of_stack[i] = (uint32_t)rows;
	}
	return true;
}

static bool list_sources(struct firefox *f)
{
	const struct profile *p = f->p;
	f->source_of = calloc(p->strings.count, sizeof(*f->source_of));
	for (size_t i = 1; f->source_of && i < p->function_count; i++) {
		string_id file = p->functions[i].file;
		if (!file.v || f->source_of[file.v])
			continue;
		if (!vec_push(&f->sources, file))
			return false;
		f->source_of[file.v] = (uint32_t)f->sources.count;
	}
	return f->source_of;
}

static bool list_processes(struct firefox *f)
{
	for (uint32_t i = 0; i < f->threads.threads.count; i++) {
		const struct sampled_thread *t = &f->threads.threads.at[i];
		if (t->pid && t->pid == t->tid && !map64_put(&f->first_threads, t->pid, i + 1))
			return false;
	}
	return true;
}

static void put_file(struct firefox *f)
{
	strbuf_putc(f->out, '{');
	firefox_meta(f);
	strbuf_puts(f->out, ",\n");
	firefox_libs(f);
	strbuf_puts(f->out, ",\n");
	firefox_shared(f);
	strbuf_puts(f->out, ",\n");
	firefox_threads(f);
	strbuf_puts(f->out, "}\n");
}

int firefox_write(const struct profile *p, struct strbuf *out, struct error *err)
{
	struct firefox f = { .p = p, .out = out };
	int r = function_rows_init(p, &f.functions, err);
	if (!r)
		r = thread_samples_init(p, thread_samples_have_times(p), &f.threads, err);
	bool ok = !r && list_frames(&f) && list_sources(&f) && list_processes(&f);
	if (ok)
		put_file(&f);
	if (!r && (!ok || out->failed))
		r = fail(err, -ENOMEM, "out of memory");
	function_rows_deinit(&f.functions);
	thread_samples_deinit(&f.threads);
	vec_free(&f.frames);
	vec_free(&f.sources);
	map64_deinit(&f.first_threads);
	free(f.first_row_of_frame);
	free(f.last_row_of_stack);
	free(f.source_of);
	return r;
}
