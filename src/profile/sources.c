// SPDX-License-Identifier: MIT
#include "profile/sources.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void source_deinit(struct profile_source *s)
{
	free(s->file);
	free(s->text);
	*s = (struct profile_source){ 0 };
}

bool sources_add(struct source_list *list, const struct profile_source *source)
{
	size_t bytes = strlen(source->text);
	if (list->all.count >= SOURCES_MAX || bytes > SOURCES_MAX_BYTES - list->text_bytes)
		return true;
	struct profile_source copy = *source;
	copy.file = strdup(source->file);
	copy.text = strdup(source->text);
	if (!copy.file || !copy.text || !vec_push(&list->all, copy)) {
		source_deinit(&copy);
		return false;
	}
	list->text_bytes += bytes;
	return true;
}

void sources_deinit(struct source_list *list)
{
	for (size_t i = 0; i < list->all.count; i++)
		source_deinit(&list->all.at[i]);
	vec_free(&list->all);
	list->text_bytes = 0;
}

static int by_place(const void *a, const void *b)
{
	const struct profile_source *x = a, *y = b;
	int order = strcmp(x->file, y->file);
	if (order)
		return order;
	if (x->first_line != y->first_line)
		return x->first_line < y->first_line ? -1 : 1;
	return strcmp(y->text, x->text); /* of two beginnings the longer one comes first */
}

/* Strings of a frozen profile are in order. */
static bool is_file_of(const struct profile *p, const bool *is_file, const char *file)
{
	size_t low = 1, high = p->strings.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(p->strings.text[middle], file);
		if (!order)
			return is_file[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool take(struct profile *p, const bool *is_file, const struct source_list *list)
{
	struct source_list kept = { 0 };
	bool ok = true;
	for (size_t i = 0; ok && i < list->all.count; i++)
		if (is_file_of(p, is_file, list->all.at[i].file))
			ok = sources_add(&kept, &list->all.at[i]);
	if (!ok) {
		sources_deinit(&kept);
		return false;
	}
	if (kept.all.count > 1)
		qsort(kept.all.at, kept.all.count, sizeof(*kept.all.at), by_place);
	p->sources = kept.all.at;
	for (size_t i = 0; i < kept.all.count; i++) {
		struct profile_source *s = &kept.all.at[i], *last = NULL;
		if (p->source_count)
			last = &p->sources[p->source_count - 1];
		if (last && !strcmp(last->file, s->file) && last->first_line == s->first_line)
			source_deinit(s);
		else
			p->sources[p->source_count++] = *s;
	}
	return true;
}

int profile_attach_sources(struct profile *p, const struct source_list *list, struct error *err)
{
	if (!list->all.count)
		return 0;
	bool *is_file = calloc(p->strings.count + 1, sizeof(*is_file));
	for (size_t i = 1; is_file && i < p->function_count; i++)
		is_file[p->functions[i].file.v] = p->functions[i].file.v != 0;
	bool ok = is_file && take(p, is_file, list);
	free(is_file);
	return ok ? 0 : fail(err, -ENOMEM, "out of memory");
}

const char *profile_source_text(const struct profile *p, string_id file, uint32_t line,
				size_t *out_length, bool *out_newer)
{
	const char *name = profile_string(p, file);
	for (size_t i = 0; i < p->source_count; i++) {
		const struct profile_source *s = &p->sources[i];
		if (s->first_line > line || strcmp(s->file, name) != 0)
			continue;
		const char *at = s->text;
		for (uint32_t n = s->first_line; n < line && *at; n++) {
			at += strcspn(at, "\n");
			at += *at == '\n';
		}
		if (!*at)
			continue;
		*out_length = strcspn(at, "\n");
		*out_newer = s->newer;
		return at;
	}
	return NULL;
}
