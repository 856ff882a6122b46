// SPDX-License-Identifier: MIT
#include "profile/select.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "profile/pattern.h"

enum { FOCUS, IGNORE, HIDE, THREAD, PATTERNS };

struct selector {
	const struct profile *p;
	const struct profile_filter *filter;
	struct selection *out;
	struct pattern patterns[PATTERNS]; /* those not asked for are not set */
	bool *focused, *ignored;           /* by stack: somewhere on it */
};

static int compile_patterns(struct selector *s, struct error *err)
{
	const struct {
		const char *option, *text;
	} given[PATTERNS] = {
		[FOCUS] = { "--focus", s->filter->focus },
		[IGNORE] = { "--ignore", s->filter->ignore },
		[HIDE] = { "--hide", s->filter->hide },
		[THREAD] = { "--thread", s->filter->thread },
	};
	int r = 0;
	for (unsigned i = 0; !r && i < PATTERNS; i++)
		if (given[i].text)
			r = pattern_init(&s->patterns[i], s->p, given[i].option, given[i].text,
					 err);
	return r;
}

static bool frame_matches(struct pattern *r, const struct profile_frame *frame)
{
	for (uint32_t k = 0; r->is_set && k < frame->line_count; k++)
		if (pattern_matches_line(r, frame, frame->first_line + k))
			return true;
	return false;
}

/* The marker of a stack that is not whole stays: nobody may take it for a whole one. */
static void hide_lines(struct selector *s)
{
	for (size_t i = 1; i < s->p->frame_count; i++) {
		const struct profile_frame *f = &s->p->frames[i];
		bool kernel = s->filter->no_kernel && f->kind == FRAME_KERNEL;
		for (uint32_t k = 0; f->kind != FRAME_TRUNCATED && k < f->line_count; k++)
			s->out->hidden_line[f->first_line + k] =
				kernel || (s->filter->no_inlines && k + 1 < f->line_count) ||
				(s->patterns[HIDE].is_set &&
				 pattern_matches_line(&s->patterns[HIDE], f, f->first_line + k));
	}
}

static void look_at_stacks(struct selector *s)
{
	const struct profile *p = s->p;
	for (size_t i = 1; i < p->stack_count; i++) {
		const struct profile_frame *f = &p->frames[p->stack_frame[i].v];
		uint32_t parent = p->stack_parent[i].v;
		s->focused[i] = s->focused[parent] || frame_matches(&s->patterns[FOCUS], f);
		s->ignored[i] = s->ignored[parent] || frame_matches(&s->patterns[IGNORE], f);
	}
}

/* By its name, its name and number, or by the number alone. */
static bool thread_matches(struct selector *s, thread_id thread)
{
	const struct profile_thread *t = &s->p->threads[thread.v];
	const char *wanted = s->filter->thread, *comm = profile_string(s->p, t->comm);
	char text[256];
	if (!s->patterns[THREAD].is_set)
		return true;
	snprintf(text, sizeof(text), "%u", t->tid);
	if (*wanted && strspn(wanted, "0123456789") == strlen(wanted)) {
		bool same = !strcmp(wanted, text) || !strcmp(wanted, comm);
		s->patterns[THREAD].matched |= same;
		return same;
	}
	snprintf(text, sizeof(text), "%.200s-%u", comm, t->tid);
	return pattern_matches_text(&s->patterns[THREAD], comm) ||
	       pattern_matches_text(&s->patterns[THREAD], text);
}

struct profile_span filter_span(const struct profile *p, const struct profile_filter *f)
{
	if (!f->end_ns)
		return (struct profile_span){ 0, p->time_count };
	return profile_times_between(p, f->begin_ns, f->end_ns);
}

static void keep_samples(struct selector *s)
{
	const struct profile *p = s->p;
	struct profile_span span = filter_span(p, s->filter);
	for (size_t i = span.first; i < span.limit; i++)
		s->out->kept[p->times[i].sample] += p->times[i].count;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_sample *sample = &p->samples[i];
		bool kept = thread_matches(s, sample->thread) && !s->ignored[sample->stack.v] &&
			    (!s->patterns[FOCUS].is_set || s->focused[sample->stack.v]);
		uint64_t in_time = s->filter->end_ns ? s->out->kept[i] : sample->count;
		s->out->kept[i] = kept ? in_time : 0;
	}
}

static void say_what_was_found(const struct selector *s)
{
	struct profile_filter_found *found = s->filter->found;
	if (!found)
		return;
	*found = (struct profile_filter_found){
		.focus = !s->filter->focus || s->patterns[FOCUS].matched,
		.ignore = !s->filter->ignore || s->patterns[IGNORE].matched,
		.hide = !s->filter->hide || s->patterns[HIDE].matched,
		.thread = !s->filter->thread || s->patterns[THREAD].matched,
		.before = profile_total_count(s->p),
	};
	for (size_t i = 0; i < s->p->sample_count; i++)
		found->kept += s->out->kept[i];
}

int selection_make(const struct profile *p, const struct profile_filter *f, struct selection *out,
		   struct error *err)
{
	struct selector s = { .p = p, .filter = f, .out = out };
	*out = (struct selection){
		.kept = calloc(p->sample_count + 1, sizeof(*out->kept)),
		.hidden_line = calloc(p->line_count + 1, sizeof(*out->hidden_line)),
	};
	s.focused = calloc(p->stack_count + 1, sizeof(*s.focused));
	s.ignored = calloc(p->stack_count + 1, sizeof(*s.ignored));
	int r = compile_patterns(&s, err);
	if (!r && (!out->kept || !out->hidden_line || !s.focused || !s.ignored))
		r = fail(err, -ENOMEM, "out of memory");
	if (!r) {
		hide_lines(&s);
		look_at_stacks(&s);
		keep_samples(&s);
		say_what_was_found(&s);
	}
	for (unsigned i = 0; i < PATTERNS; i++)
		pattern_deinit(&s.patterns[i]);
	free(s.focused);
	free(s.ignored);
	if (r)
		selection_deinit(out);
	return r;
}

void selection_deinit(struct selection *s)
{
	free(s->kept);
	free(s->hidden_line);
	*s = (struct selection){ 0 };
}

bool selection_hides_frame(const struct selection *s, const struct profile_frame *frame)
{
	for (uint32_t k = 0; k < frame->line_count; k++)
		if (!s->hidden_line[frame->first_line + k])
			return false;
	return frame->line_count > 0;
}
