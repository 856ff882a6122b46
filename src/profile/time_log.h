/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_TIME_LOG_H
#define PROFILE_TIME_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cursor.h"
#include "base/strbuf.h"
#include "profile/profile.h"

/*
 * When the builder's samples were taken, in the order of arrival, packed into bytes. Bounded: where the
 * entries would take more than the budget in a capture, times are rounded down to cells of 20 ms and
 * equal ones added up; when that is not enough, the cells double.
 */

struct time_log {
	struct strbuf
		bytes; /* an entry: zigzag of the time's difference, row and a flag, count if flagged */
	uint64_t cell_ns; /* 0: exact */
	uint64_t last;    /* time of the last entry, in cells or nanoseconds */
	size_t capture_bytes, budget_bytes;
	size_t count;
	bool counted; /* an entry stands for more than one sample */
};

/** Appends. @param row any number, the same in time_log_next(). @return 0 or -ENOMEM */
int time_log_add(struct time_log *t, uint64_t time_ns, uint32_t row, uint32_t count);

/** Makes cells at least so long (20 ms, doubled any number of times). @return 0 or -ENOMEM */
int time_log_coarsen(struct time_log *t, uint64_t cell_ns);

void time_log_deinit(struct time_log *t);

struct time_log_reader {
	const struct time_log *log;
	struct cursor at;
	uint64_t last;
};

struct time_log_reader time_log_read(const struct time_log *t);
/** @return false behind the last entry; out->sample is the row that was added */
bool time_log_next(struct time_log_reader *r, struct profile_time *out);

/** @return the next longer cell; 0 when there is none */
uint64_t time_cell_after(uint64_t cell_ns);

/** What an entry takes in a capture, without its count. @param step difference of times, in cells */
size_t time_entry_bytes(uint64_t step, uint32_t sample);

size_t varint_bytes(uint64_t value);

#endif
