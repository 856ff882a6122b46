/* SPDX-License-Identifier: MIT */
#ifndef CLI_CHECK_JSON_H
#define CLI_CHECK_JSON_H

#include "base/strbuf.h"
#include "cli/check_items.h"

/** The schema perfprof.check/1 (docs/json.md). */
void check_json(struct strbuf *out, const struct check_facts *f, const struct check_items *items);

#endif
