// SPDX-License-Identifier: MIT
#include "process/remedies.h"

static const struct remedy table[REMEDY_COUNT] = {
#define X(id, command, opens) [REMEDY_##id] = { command, opens },
	REMEDIES(X)
#undef X
};

const struct remedy *remedy(enum remedy_id id)
{
	return &table[id];
}
