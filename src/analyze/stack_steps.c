// SPDX-License-Identifier: MIT
#include "analyze/stack_steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static bool push(struct step_list *out, struct step step)
{
	return vec_push(&out->all, step);
}

/* ---- Threads' names ---- */

static bool number_names(struct stack_steps *s)
{
	const struct profile *p = s->profile;
	if (strings_init(&s->names) < 0)
		return false;
	for (size_t i = 0; i < p->thread_count; i++) {
		const char *comm = profile_string(p, p->threads[i].comm);
		char name[256];
		if (s->options->threads)
			snprintf(name, sizeof(name), "%.200s-%u", comm, p->threads[i].tid);
		else
			snprintf(name, sizeof(name), "%.200s", *comm ? comm : "[no name]");
		s->name_of_thread[i] = strings_intern(&s->names, name).v;
		if (!s->name_of_thread[i])
			return false;
	}
	return true;
}

static uint32_t name_of_sample(const struct stack_steps *s, size_t sample)
{
	return s->name_of_thread[s->profile->samples[sample].thread.v];
}

static bool sort_samples(struct stack_steps *s)
{
	const struct profile *p = s->profile;
	s->first_sample = calloc(s->names.count + 2, sizeof(*s->first_sample));
	if (!s->first_sample)
		return false;
	for (size_t i = 0; i < p->sample_count; i++)
		s->first_sample[name_of_sample(s, i) + 2]++;
	for (size_t i = 1; i < s->names.count + 2; i++)
		s->first_sample[i] += s->first_sample[i - 1];
	for (size_t i = 0; i < p->sample_count; i++)
		s->samples[s->first_sample[name_of_sample(s, i) + 1]++] = (uint32_t)i;
	return true;
}

/* ---- Inwards, along the trie ---- */

static void unload(struct stack_steps *s)
{
	for (size_t i = 0; i < s->order.count; i++) {
		uint32_t stack = s->order.at[i];
		s->self[stack] = s->self_ns[stack] = s->count[stack] = s->ns[stack] = 0;
		s->touched[stack] = false;
	}
	s->order.count = 0;
}

/* Appends a stack and those below it that no sample touched yet: parents first. */
static bool touch(struct stack_steps *s, uint32_t stack)
{
	const struct profile *p = s->profile;
	size_t start = s->order.count;
	for (; !s->touched[stack]; stack = p->stack_parent[stack].v) {
		if (!vec_push(&s->order, stack))
			return false;
		s->touched[stack] = true;
		if (!stack)
			break;
	}
	for (size_t a = start, b = s->order.count; a + 1 < b; a++) {
		uint32_t swap = s->order.at[a];
		s->order.at[a] = s->order.at[--b];
		s->order.at[b] = swap;
	}
	return true;
}

/* Sums up the samples with one name at level 1 (0: all samples) along the trie. */
static bool load(struct stack_steps *s, uint32_t name)
{
	const struct profile *p = s->profile;
	size_t first = name ? s->first_sample[name] : 0;
	size_t end = name ? s->first_sample[name + 1] : p->sample_count;
	unload(s);
	for (size_t i = first; i < end; i++) {
		const struct profile_sample *sample = &p->samples[s->samples[i]];
		if (!touch(s, sample->stack.v))
			return false;
		s->self[sample->stack.v] += sample->count;
		s->self_ns[sample->stack.v] += sample->cpu_ns;
	}
	for (size_t i = s->order.count; i-- > 0;) {
		uint32_t stack = s->order.at[i], parent = p->stack_parent[stack].v;
		s->count[stack] += s->self[stack];
		s->ns[stack] += s->self_ns[stack];
		if (!stack)
			continue;
		s->count[parent] += s->count[stack];
		s->ns[parent] += s->ns[stack];
	}
	return true;
}

static uint32_t outermost_line(const struct stack_steps *s, uint32_t stack)
{
	uint32_t lines = s->profile->frames[s->profile->stack_frame[stack].v].line_count;
	return lines ? lines - 1 : 0;
}

static bool children_of_stack(struct stack_steps *s, uint32_t stack, struct step_list *out,
			      struct step *self)
{
	self->count += s->self[stack];
	self->ns += s->self_ns[stack];
	for (uint32_t c = s->first_child[stack]; c; c = s->next_sibling[c])
		if (s->count[c] && !push(out, (struct step){ .stack = c,
							     .line = outermost_line(s, c),
							     .count = s->count[c],
							     .ns = s->ns[c] }))
			return false;
	return true;
}

static void link_stacks(struct stack_steps *s)
{
	const struct profile *p = s->profile;
	for (size_t i = p->stack_count; i-- > 1;) {
		uint32_t parent = p->stack_parent[i].v;
		s->next_sibling[i] = s->first_child[parent];
		s->first_child[parent] = (uint32_t)i;
	}
}

static bool threads_of_root(struct stack_steps *s, struct step_list *out)
{
	for (uint32_t name = 1; name < s->names.count; name++) {
		struct step step = { .stack = STEP_THREAD, .line = name };
		for (size_t i = s->first_sample[name]; i < s->first_sample[name + 1]; i++) {
			step.count += s->profile->samples[s->samples[i]].count;
			step.ns += s->profile->samples[s->samples[i]].cpu_ns;
		}
		if (step.count && !push(out, step))
			return false;
	}
	return true;
}

/* ---- Outwards, from each sample ---- */

static bool step_outwards(struct stack_steps *s, struct step step, struct step_list *out,
			  struct step *self)
{
	const struct profile_sample *sample = &s->profile->samples[step.sample];
	step.count = sample->count;
	step.ns = sample->cpu_ns;
	if (step.stack) {
		step.line = 0;
		return push(out, step);
	}
	if (!s->options->no_comm) {
		step.stack = STEP_THREAD;
		step.line = s->name_of_thread[sample->thread.v];
		return push(out, step);
	}
	self->count += step.count;
	self->ns += step.ns;
	return true;
}

static bool inverted_from(struct stack_steps *s, const struct step *step, struct step_list *out,
			  struct step *self)
{
	struct step next = *step;
	if (step->stack == STEP_THREAD) {
		self->count += step->count;
		self->ns += step->ns;
		return true;
	}
	if (step->line < outermost_line(s, step->stack)) {
		next.line++;
		return push(out, next);
	}
	next.stack = s->profile->stack_parent[step->stack].v;
	return step_outwards(s, next, out, self);
}

/* ---- Both ---- */

bool stack_steps_root(struct stack_steps *s, struct step_list *out, struct step *self)
{
	if (!s->options->inverted && !s->options->no_comm)
		return threads_of_root(s, out);
	if (!s->options->inverted)
		return load(s, 0) && children_of_stack(s, 0, out, self);
	for (uint32_t i = 0; i < s->profile->sample_count; i++) {
		struct step step = { .stack = s->profile->samples[i].stack.v, .sample = i };
		if (s->profile->samples[i].count && !step_outwards(s, step, out, self))
			return false;
	}
	return true;
}

bool stack_steps_from(struct stack_steps *s, const struct step *step, struct step_list *out,
		      struct step *self)
{
	if (s->options->inverted)
		return inverted_from(s, step, out, self);
	if (step->stack == STEP_THREAD)
		return load(s, step->line) && children_of_stack(s, 0, out, self);
	if (!step->line)
		return children_of_stack(s, step->stack, out, self);
	struct step inwards = *step;
	inwards.line--;
	return push(out, inwards);
}

int stack_steps_init(struct stack_steps *s, const struct profile *p,
		     const struct calltree_options *options, struct error *err)
{
	size_t stacks = p->stack_count ? p->stack_count : 1;
	*s = (struct stack_steps){ .profile = p, .options = options };
	s->name_of_thread = calloc(p->thread_count + 1, sizeof(uint32_t));
	s->samples = calloc(p->sample_count + 1, sizeof(uint32_t));
	s->self = calloc(stacks, sizeof(uint64_t));
	s->self_ns = calloc(stacks, sizeof(uint64_t));
	s->count = calloc(stacks, sizeof(uint64_t));
	s->ns = calloc(stacks, sizeof(uint64_t));
	s->touched = calloc(stacks, sizeof(bool));
	s->first_child = calloc(stacks, sizeof(uint32_t));
	s->next_sibling = calloc(stacks, sizeof(uint32_t));
	if (s->name_of_thread && s->samples && s->self && s->self_ns && s->count && s->ns &&
	    s->touched && s->first_child && s->next_sibling && number_names(s) && sort_samples(s)) {
		link_stacks(s);
		return 0;
	}
	stack_steps_deinit(s);
	return fail(err, -ENOMEM, "out of memory");
}

void stack_steps_deinit(struct stack_steps *s)
{
	strings_deinit(&s->names);
	free(s->name_of_thread);
	free(s->samples);
	free(s->first_sample);
	free(s->self);
	free(s->self_ns);
	free(s->count);
	free(s->ns);
	free(s->touched);
	vec_free(&s->order);
	free(s->first_child);
	free(s->next_sibling);
	*s = (struct stack_steps){ 0 };
}
