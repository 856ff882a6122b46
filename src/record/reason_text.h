/* SPDX-License-Identifier: MIT */
#ifndef RECORD_REASON_TEXT_H
#define RECORD_REASON_TEXT_H

#include "record/reasons.h"

/** @return the id that stands in JSON ("stack-copy-full"); "unknown" for a number out of range */
const char *unwind_reason_id(enum unwind_reason reason);
/** @return the sentence for people */
const char *unwind_reason_sentence(enum unwind_reason reason);

#endif
