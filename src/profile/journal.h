/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_JOURNAL_H
#define PROFILE_JOURNAL_H

#include "base/strbuf.h"
#include "profile/builder.h"

/*
 * The journal of a session: what it has sampled so far, for the case that it does not live to write
 * its capture. A gzip member a second, each a fragment of one pprof message: the members unpacked,
 * one behind the other, are a valid file. See docs/capture.md.
 */

struct journal;

/**
 * Begins a journal of what the builder has, as far as it knows when that was sampled, and will get.
 *
 * @param b borrowed
 * @return 0 or -ENOMEM
 */
int journal_create(struct builder *b, struct journal **out, struct error *err);
/** Takes NULL. Call before builder_destroy(). */
void journal_destroy(struct journal *j);

/**
 * Makes a member of what came since the last call: samples, tables that they need, names that arrived,
 * facts as builder_meta() has them now.
 *
 * @param out cleared; the member
 * @return 0 or -ENOMEM, and from then on always
 */
int journal_member(struct journal *j, struct strbuf *out, struct error *err);

/** @return true if the bytes begin like a journal */
bool journal_is(const void *bytes, size_t size_bytes);

/** Names what has no name, by builder_next_unnamed(). @return 0 or negative errno */
typedef int (*journal_namer)(void *context, struct builder *b, struct error *err);

/**
 * Reads a journal as far as it is whole; a sentence about that is among the notes.
 *
 * @param namer called once, before the profile is frozen; may be NULL
 * @param out_first_note the first of the notes about the journal; may be NULL
 * @return as pprof_read(): what is damaged is only left out if it is the end
 */
int journal_read(const void *bytes, size_t size_bytes, journal_namer namer, void *context,
		 struct profile **out, size_t *out_first_note, struct error *err);

#endif
