/* SPDX-License-Identifier: MIT */
#ifndef RUNTIME_JITDUMP_H
#define RUNTIME_JITDUMP_H

#include "base/cursor.h"
#include "base/error.h"
#include "base/map.h"
#include "runtime/jit_code.h"

/*
 * What is known of a jit-PID.dump that is read while it grows. A zeroed struct is at its begin.
 * Source: tools/perf/Documentation/jitdump-specification.txt (Linux), version 1
 */
struct jitdump {
	bool has_header, refused;   /* refused: it is no jitdump of this machine */
	bool has_our_clock;         /* else times mean nothing to us */
	struct map64 by_index;      /* code index -> row + 1 of `moved` */
	VEC(struct jit_code) moved; /* what a record of type MOVE can name */
	uint64_t lines_of;          /* the address that the last DEBUG_INFO was of; 0: used */
	uint32_t first_line, line_count;
};

/**
 * Reads the records that lie whole in `bytes`, or of which nothing but machine code is missing.
 *
 * @param bytes what the file has from `*offset` on
 * @param offset is moved behind what was read, maybe behind the end of `bytes`
 * @return 0; -EBADMSG if it is damaged, no jitdump, or of another CPU (nothing more is read then);
 *         -ENOMEM
 */
int jitdump_read(struct jitdump *d, struct cursor bytes, uint64_t *offset, struct jit_codes *out,
		 struct error *err);
void jitdump_deinit(struct jitdump *d);

#endif
