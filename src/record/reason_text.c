// SPDX-License-Identifier: MIT
#include "record/reason_text.h"

static const struct {
	const char *id, *sentence;
} reasons[UNWIND_REASON_COUNT] = {
#define X(name, id, sentence) [UNWIND_##name] = { id, sentence },
	UNWIND_REASONS(X)
#undef X
};

const char *unwind_reason_id(enum unwind_reason reason)
{
	return (unsigned)reason < UNWIND_REASON_COUNT ? reasons[reason].id : "unknown";
}

const char *unwind_reason_sentence(enum unwind_reason reason)
{
	return (unsigned)reason < UNWIND_REASON_COUNT ? reasons[reason].sentence : "unknown reason";
}
