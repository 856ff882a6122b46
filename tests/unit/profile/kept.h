/* SPDX-License-Identifier: MIT */
#ifndef TESTS_PROFILE_KEPT_H
#define TESTS_PROFILE_KEPT_H

#include "profile/journal.h"
#include "fixture.h"

/* A journal in the making: its members one behind the other. */
struct kept {
	struct fixture f;
	struct journal *journal;
	struct strbuf bytes, plain;
	size_t members, last_bytes;
};

static inline void kept_begin(struct kept *k)
{
	*k = (struct kept){ .members = 0 };
	assert_int_equal(builder_create(&k->f.b, NULL), 0);
	fixture_meta(&k->f);
	assert_int_equal(journal_create(k->f.b, &k->journal, NULL), 0);
}

static inline void kept_flush(struct kept *k)
{
	struct strbuf member = { 0 };
	assert_int_equal(journal_member(k->journal, &member, NULL), 0);
	strbuf_add(&k->bytes, member.text, member.length);
	assert_int_equal(gzip_decompress(member.text, member.length, SIZE_MAX, &k->plain, NULL), 0);
	k->last_bytes = member.length;
	k->members++;
	strbuf_deinit(&member);
}

static inline void kept_end(struct kept *k)
{
	journal_destroy(k->journal);
	builder_destroy(k->f.b);
	strbuf_deinit(&k->bytes);
	strbuf_deinit(&k->plain);
}

/* The fixture's program, its samples in the order of time; a member after each `every` of them. */
static inline void kept_fixture(struct kept *k, unsigned every)
{
	kept_begin(k);
	kept_flush(k);
	for (unsigned i = 0; i < 6; i++)
		fixture_module(&k->f, i);
	for (unsigned i = 0; i < 3; i++)
		fixture_thread(&k->f, i);
	unsigned count = 0;
	for (unsigned i = 0; i < FIXTURE_STACKS; i++)
		for (unsigned which = i; which < FIXTURE_STACKS; which++) {
			fixture_sample(&k->f, which, i);
			if (++count % every == 0)
				kept_flush(k);
		}
	kept_flush(k);
}

#endif
