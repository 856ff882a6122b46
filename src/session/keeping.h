/* SPDX-License-Identifier: MIT */
#ifndef SESSION_KEEPING_H
#define SESSION_KEEPING_H

#include "profile/builder.h"
#include "profile/journal.h"
#include "session/session.h"

/* Once a second, what was sampled since goes into a journal, for the case that we do not live on. */

struct keeping {
	const struct session_config *config;
	struct builder *builder;
	struct journal *journal; /* NULL: none is kept */
	struct strbuf member;
	uint64_t due_ns;
	bool is_void;
	bool begins; /* the next member is the first one */
};

/** Does nothing unless the config takes members. Without memory there is no journal. */
void keeping_begin(struct keeping *k, const struct session_config *config, struct builder *b);
bool keeping_is_due(const struct keeping *k, uint64_t now_ns);
/** Hands on a member. Call when builder_meta() has the facts as they are now. */
void keeping_write(struct keeping *k, uint64_t now_ns);
/** What the journal says does not hold any more: ends it, and what it has written stays for the moment. */
void keeping_void(struct keeping *k);
/** Begins another one, if keeping_void() has ended one: all that the builder has, in one member. */
void keeping_begin_anew(struct keeping *k);
/** Makes the next member due at once. */
void keeping_hurry(struct keeping *k);
/** Call before builder_destroy(). Does nothing a second time. */
void keeping_end(struct keeping *k);

#endif
