// SPDX-License-Identifier: MIT
#include "cli/losses.h"

#include <string.h>

#include "base/strbuf.h"
#include "cli/cli.h"

/* What some format has no place for. */
enum thing {
	ADDRESSES,
	BUILD_IDS,
	LINES,
	KINDS,
	MANGLED,
	TIMES,
	THREADS,
	IDS,
	CPU_TIME,
	COUNTS,
	REASONS,
	FACTS,
	THINGS,
};

static const char *const words[THINGS] = {
	[ADDRESSES] = "addresses",
	[BUILD_IDS] = "build-ids",
	[LINES] = "source lines",
	[KINDS] = "marks of kernel, inlined and JIT frames",
	[MANGLED] = "mangled names",
	[TIMES] = "times of samples",
	[THREADS] = "threads",
	[IDS] = "process and thread ids",
	[CPU_TIME] = "CPU time",
	[COUNTS] = "counts of samples",
	[REASONS] = "reasons why stacks are truncated",
	[FACTS] = "facts of the run",
};

static void look_at_frames(const struct profile *p, bool *has)
{
	for (size_t i = 1; i < p->frame_count; i++) {
		const struct profile_frame *f = &p->frames[i];
		has[ADDRESSES] = has[ADDRESSES] || f->vaddr;
		has[KINDS] = has[KINDS] || f->kind == FRAME_KERNEL || f->kind == FRAME_JIT ||
			     f->line_count > 1;
	}
	for (size_t i = 1; i < p->function_count; i++) {
		const struct profile_function *f = &p->functions[i];
		has[LINES] = has[LINES] || f->file.v;
		has[MANGLED] = has[MANGLED] || (f->system_name.v && f->system_name.v != f->name.v);
	}
	for (size_t i = 1; i < p->module_count; i++)
		has[BUILD_IDS] = has[BUILD_IDS] || p->modules[i].build_id.v;
}

static void look(const struct profile *p, bool *has)
{
	look_at_frames(p, has);
	for (size_t i = 1; i < p->thread_count; i++) {
		has[THREADS] = true;
		has[IDS] = has[IDS] || p->threads[i].pid || p->threads[i].tid;
	}
	has[TIMES] = p->time_count;
	has[CPU_TIME] = profile_total_cpu_ns(p);
	has[COUNTS] = profile_total_count(p);
	has[REASONS] = p->meta.reason_count;
	has[FACTS] = !p->meta.foreign || p->meta.note_count;
}

#define BIT(thing) (1u << (thing))

/* @return bits of what the output does not keep */
static unsigned lost_by(const struct output *output, const struct output_style *style)
{
	bool in_ns = style->weight && !strcmp(style->weight, "ns");
	unsigned lost = 0;
	switch (output->format) {
	case OUTPUT_FOLDED:
		lost = BIT(ADDRESSES) | BIT(BUILD_IDS) | BIT(LINES) | BIT(MANGLED) | BIT(TIMES) |
		       BIT(IDS) | BIT(REASONS) | BIT(FACTS);
		if (!style->annotate)
			lost |= BIT(KINDS);
		return lost | (in_ns ? BIT(COUNTS) : BIT(CPU_TIME));
	case OUTPUT_SPEEDSCOPE:
		lost = BIT(ADDRESSES) | BIT(BUILD_IDS) | BIT(KINDS) | BIT(MANGLED) | BIT(REASONS) |
		       BIT(FACTS);
		return lost | (style->weight && !in_ns ? BIT(CPU_TIME) : BIT(COUNTS));
	case OUTPUT_FIREFOX: return BIT(MANGLED) | BIT(REASONS);
	case OUTPUT_PPROF:
		return style->plain ? BIT(THREADS) | BIT(IDS) | BIT(KINDS) | BIT(TIMES) |
					      BIT(REASONS) | BIT(FACTS)
				    : 0;
	default: return 0; /* pictures carry the capture; reports are told apart */
	}
}

void say_losses(const struct profile *p, const struct output *output,
		const struct output_style *style)
{
	const char *path = strcmp(output->path, "-") ? output->path : "standard output";
	bool has[THINGS] = { false };
	struct strbuf list = { 0 };
	size_t count = 0, left = 0;
	if (output->format == OUTPUT_JSON || output->format == OUTPUT_MARKDOWN ||
	    output->format == OUTPUT_TEXT) {
		note("%s is a report: no profile can be made of it again", path);
		return;
	}
	look(p, has);
	unsigned lost = lost_by(output, style);
	for (unsigned i = 0; i < THINGS; i++)
		count += has[i] && lost & BIT(i);
	left = count;
	for (unsigned i = 0; i < THINGS; i++) {
		if (!has[i] || !(lost & BIT(i)))
			continue;
		left--;
		strbuf_printf(&list, "%s%s", words[i], left > 1 ? ", " : left ? " or " : "");
	}
	if (count)
		note("%s holds no %s", path, strbuf_text(&list));
	strbuf_deinit(&list);
}
