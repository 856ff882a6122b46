/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PPROF_PUT_H
#define PROFILE_PPROF_PUT_H

#include "profile/pprof_fields.h"
#include "profile/profile.h"
#include "profile/protobuf.h"

/* What the writers of captures and of journals share: messages in messages, and the facts. */

struct pprof_put {
	struct strbuf *out;
	struct strbuf message, part, list; /* scratch: a message, one inside it, a list in that */
};

/** Ends the message at hand: it becomes a field of Profile. */
static inline void pprof_put_message(struct pprof_put *w, uint32_t number)
{
	protobuf_put_bytes(w->out, number, strbuf_text(&w->message), w->message.length);
	w->out->failed |= w->message.failed;
	w->message.length = 0;
}

/** Ends the part at hand: it becomes a field of the message. */
static inline void pprof_put_part(struct pprof_put *w, uint32_t number)
{
	protobuf_put_bytes(&w->message, number, strbuf_text(&w->part), w->part.length);
	w->message.failed |= w->part.failed;
	w->part.length = 0;
}

/** Ends the list at hand: it becomes a field of the part. */
static inline void pprof_put_list(struct pprof_put *w, uint32_t number)
{
	protobuf_put_bytes(&w->part, number, strbuf_text(&w->list), w->list.length);
	w->part.failed |= w->list.failed;
	w->list.length = 0;
}

static inline void pprof_put_deinit(struct pprof_put *w)
{
	strbuf_deinit(&w->message);
	strbuf_deinit(&w->part);
	strbuf_deinit(&w->list);
}

/** @return the period in ns that stands for a rate; 0 for 0 */
uint64_t pprof_period_ns(uint32_t rate_hz);

/** Appends the numbers among the facts to the message at hand, which becomes a Capture. */
void pprof_put_numbers(struct pprof_put *w, const struct profile_meta *m);

/** Appends to the part at hand, a list of pairs, what a target is called inside; nothing for 0. */
void pprof_put_inner_pid(struct pprof_put *w, uint32_t pid, uint32_t inner);

/** Appends a fact's text. @param which as in profile_fact_text() */
void pprof_put_fact(struct pprof_put *w, unsigned which, const char *text);

#endif
