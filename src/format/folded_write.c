// SPDX-License-Identifier: MIT
#include "format/folded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/vec.h"

struct row {
	const char *text;
	uint64_t weight;
};

struct folder {
	const struct profile *p;
	const struct folded_options *options;
	struct arena arena;
	struct strbuf line;
	VEC(uint32_t) path; /* frames, innermost first */
	VEC(struct row) rows;
};

static void add_function(struct folder *f, const struct profile_line *line, const char *mark)
{
	const struct profile_function *g = &f->p->functions[line->function.v];
	strbuf_putc(&f->line, ';');
	escape_folded(&f->line, profile_string(f->p, g->name));
	if (f->options->annotate)
		strbuf_puts(&f->line, mark);
}

static void add_frame(struct folder *f, const struct profile_frame *frame)
{
	const char *kind = frame->kind == FRAME_KERNEL ? "_[k]"
			   : frame->kind == FRAME_JIT  ? "_[j]"
						       : "";
	for (uint32_t i = frame->line_count; i-- > 0;) {
		bool inlined = i + 1 < frame->line_count;
		add_function(f, &f->p->lines[frame->first_line + i], inlined ? "_[i]" : kind);
	}
}

/* A sample without a thread's name has `-`, which flame graphs take for a separator. */
static void add_thread(struct folder *f, const struct profile_thread *t)
{
	if (t->comm.v)
		escape_folded(&f->line, profile_string(f->p, t->comm));
	else
		strbuf_putc(&f->line, '-');
	if (f->options->threads && t->tid) {
		strbuf_putc(&f->line, '-');
		strbuf_u64(&f->line, t->tid);
	}
}

static bool fold_sample(struct folder *f, const struct profile_sample *s)
{
	const struct profile *p = f->p;
	uint64_t weight = f->options->weight_ns ? s->cpu_ns : s->count;
	if (!weight)
		return true;
	f->line.length = 0;
	f->path.count = 0;
	add_thread(f, &p->threads[s->thread.v]);
	for (uint32_t i = s->stack.v; i; i = p->stack_parent[i].v)
		if (!vec_push(&f->path, p->stack_frame[i].v))
			return false;
	for (size_t i = f->path.count; i-- > 0;)
		add_frame(f, &p->frames[f->path.at[i]]);
	if (f->line.failed)
		return false;
	const char *text = arena_strndup(&f->arena, f->line.text, f->line.length);
	return text && vec_push(&f->rows, (struct row){ text, weight });
}

static int compare_rows(const void *x, const void *y)
{
	return strcmp(((const struct row *)x)->text, ((const struct row *)y)->text);
}

static void write_rows(const struct folder *f, struct strbuf *out)
{
	for (size_t i = 0, next; i < f->rows.count; i = next) {
		uint64_t weight = 0;
		for (next = i; next < f->rows.count; next++) {
			if (compare_rows(&f->rows.at[i], &f->rows.at[next]) != 0)
				break;
			weight += f->rows.at[next].weight;
		}
		strbuf_puts(out, f->rows.at[i].text);
		strbuf_putc(out, ' ');
		strbuf_u64(out, weight);
		strbuf_putc(out, '\n');
	}
}

int folded_write(const struct profile *p, const struct folded_options *options, struct strbuf *out,
		 struct error *err)
{
	struct folder f = { .p = p, .options = options };
	bool ok = true;
	for (size_t i = 0; ok && i < p->sample_count; i++)
		ok = fold_sample(&f, &p->samples[i]);
	if (ok && f.rows.count) {
		qsort(f.rows.at, f.rows.count, sizeof(*f.rows.at), compare_rows);
		write_rows(&f, out);
	}
	arena_deinit(&f.arena);
	strbuf_deinit(&f.line);
	vec_free(&f.path);
	vec_free(&f.rows);
	return ok && !out->failed ? 0 : fail(err, -ENOMEM, "out of memory");
}
