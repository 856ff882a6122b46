// SPDX-License-Identifier: MIT
/*
 * Makes and reads captures for tests that judge them from outside.
 *
 *	capture small	the unit tests' capture of known content, to standard output
 *	capture empty	a capture without a sample
 *	capture journal	the same as `small`, as a journal: a member after each 10 samples
 *	capture copy	standard input, read and written again
 *	capture fold	standard input as collapsed stacks, annotated
 *	capture facts	what standard input says about itself, a line a fact
 */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "format/folded.h"
#include "../unit/profile/kept.h"

static struct profile *empty_profile(void)
{
	struct builder *b;
	struct profile *p = NULL;
	if (builder_create(&b, NULL) == 0)
		builder_freeze(b, &p, NULL);
	builder_destroy(b);
	return p;
}

static struct profile *read_input(struct error *err)
{
	struct strbuf bytes = { 0 };
	struct profile *p = NULL;
	if (read_file("-", (size_t)1 << 30, &bytes, err) == 0)
		pprof_read(strbuf_text(&bytes), bytes.length, &p, err);
	strbuf_deinit(&bytes);
	return p;
}

static void put_facts(const struct profile *p, struct strbuf *out)
{
	const struct profile_meta *m = &p->meta;
	strbuf_printf(out, "foreign %d\nrate_hz %u\nstart_unix_ns %llu\nduration_ns %llu\n",
		      m->foreign, m->rate_hz, (unsigned long long)m->start_unix_ns,
		      (unsigned long long)m->duration_ns);
	strbuf_printf(out, "event %s\ncount %llu\ncpu_ns %llu\n", profile_string(p, m->event),
		      (unsigned long long)profile_total_count(p),
		      (unsigned long long)profile_total_cpu_ns(p));
	for (size_t i = 1; i < p->module_count; i++)
		strbuf_printf(out, "module %s %s\n", profile_string(p, p->modules[i].path),
			      profile_string(p, p->modules[i].build_id));
}

static int put_journal(void)
{
	struct kept k;
	kept_fixture(&k, 10);
	fwrite(k.bytes.text, 1, k.bytes.length, stdout);
	kept_end(&k);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";
	struct error err = { 0 };
	struct strbuf out = { 0 };
	if (!strcmp(what, "journal"))
		return put_journal();
	struct profile *p = !strcmp(what, "small")   ? fixture_profile(0)
			    : !strcmp(what, "empty") ? empty_profile()
						     : read_input(&err);
	if (!p) {
		fprintf(stderr, "%s\n", err.text);
		return 4;
	}
	if (!strcmp(what, "fold"))
		folded_write(p, &(struct folded_options){ .annotate = true }, &out, &err);
	else if (!strcmp(what, "facts"))
		put_facts(p, &out);
	else
		pprof_write(p, &out, &err);
	fwrite(strbuf_text(&out), 1, out.length, stdout);
	strbuf_deinit(&out);
	profile_destroy(p);
	return 0;
}
