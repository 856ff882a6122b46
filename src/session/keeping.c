// SPDX-License-Identifier: MIT
#include "session/keeping.h"

#include "base/clock.h"

enum { INTERVAL_S = 1 };

void keeping_begin(struct keeping *k, const struct session_config *config, struct builder *b)
{
	*k = (struct keeping){ .config = config, .builder = b, .begins = true };
	if (config->on_member)
		journal_create(b, &k->journal, NULL);
}

bool keeping_is_due(const struct keeping *k, uint64_t now_ns)
{
	return k->journal && now_ns >= k->due_ns;
}

void keeping_write(struct keeping *k, uint64_t now_ns)
{
	k->due_ns = now_ns + INTERVAL_S * NSEC_PER_SEC;
	if (journal_member(k->journal, &k->member, NULL) < 0 ||
	    k->config->on_member(k->config->member_context, k->member.text, k->member.length,
				 k->begins) != 0) {
		keeping_end(k);
		return;
	}
	k->begins = false;
	builder_meta(k->builder)->profiler_written_bytes += k->member.length;
}

void keeping_void(struct keeping *k)
{
	k->is_void = k->journal;
	journal_destroy(k->journal);
	k->journal = NULL;
}

void keeping_begin_anew(struct keeping *k)
{
	if (!k->is_void)
		return;
	k->is_void = false;
	k->begins = true;
	k->due_ns = 0;
	journal_create(k->builder, &k->journal, NULL);
}

void keeping_hurry(struct keeping *k)
{
	k->due_ns = 0;
}

void keeping_end(struct keeping *k)
{
	journal_destroy(k->journal);
	strbuf_deinit(&k->member);
	*k = (struct keeping){ 0 };
}
