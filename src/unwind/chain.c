// SPDX-License-Identifier: MIT
#include "unwind/walk_state.h"

/* There is no stack to look at: only the place itself can tell that nothing called it. */
static enum unwind_reason end_of_chain(struct walk *w, uint64_t pc, bool *out_pending)
{
	struct unwind_rule rule;
	enum found found = walk_find_rule(w, pc, &rule);
	*out_pending = found == FOUND_PENDING;
	if (found == FOUND_NOTHING)
		return UNWIND_NO_MAPPING;
	return found == FOUND && rule.cfa_kind == CFA_ROOT ? UNWIND_ROOT : UNWIND_CHAIN_ENDS;
}

void unwind_chain(const struct unwind_env *env, const uint64_t *chain, uint32_t chain_count,
		  uint64_t *pcs, uint32_t limit, struct unwind_result *out)
{
	struct walk w = { .env = env, .is_caller = chain_count > 1 };
	*out = (struct unwind_result){ .reason = UNWIND_CHAIN_ENDS };
	out->count = chain_count < limit ? chain_count : limit;
	for (uint32_t i = 0; i < out->count; i++) {
		memcpy(&w.at.pc, &chain[i], sizeof(w.at.pc)); /* it may lie unaligned */
		pcs[i] = w.at.pc - (i > 0);
	}
	if (chain_count > limit)
		out->reason = UNWIND_TOO_MANY_FRAMES;
	else if (out->count)
		out->reason = end_of_chain(&w, pcs[out->count - 1], &out->pending);
}
