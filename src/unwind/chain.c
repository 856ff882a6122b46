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

static bool is_mapped(struct walk *w, uint64_t pc)
{
	if (pc - w->code.start < w->code.end - w->code.start)
		return true;
	memset(&w->code, 0, sizeof(w->code));
	w->env->code_at(w->env->context, pc, &w->code);
	return w->code.lookup != LOOKUP_NO_MAPPING;
}

void unwind_chain(const struct unwind_env *env, const uint64_t *chain, uint32_t chain_count,
		  uint64_t *pcs, uint32_t limit, struct unwind_result *out)
{
	struct walk w = { .env = env };
	*out = (struct unwind_result){ .reason = UNWIND_CHAIN_ENDS };
	for (uint32_t i = 0; i < chain_count; i++) {
		uint64_t pc;
		memcpy(&pc, &chain[i], sizeof(pc)); /* it may lie unaligned */
		/* The kernel takes any word for a return address; one that is none is no frame. */
		if (i == limit || (i > 0 && !is_mapped(&w, pc - 1))) {
			out->reason = i == limit ? UNWIND_TOO_MANY_FRAMES : UNWIND_NO_MAPPING;
			return;
		}
		w.at.pc = pc;
		w.is_caller = i > 0;
		pcs[out->count++] = pc - (i > 0);
	}
	if (out->count)
		out->reason = end_of_chain(&w, pcs[out->count - 1], &out->pending);
}
