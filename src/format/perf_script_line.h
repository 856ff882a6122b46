/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PERF_SCRIPT_LINE_H
#define FORMAT_PERF_SCRIPT_LINE_H

#include "format/text.h"

/* Lines of `perf script`, taken apart. Names point into the line. */

struct perf_script_header {
	struct text comm;
	uint32_t pid, tid; /* 0 if not printed */
	uint64_t time_ns, period;
	struct text event; /* without the colon; empty if not printed */
	struct text rest;  /* behind all that: a frame, or a tracepoint's own text */
	bool has_time, has_period;
	bool is_record; /* no sample: "PERF_RECORD_LOST lost 12" is in `rest` */
};

struct perf_script_frame {
	uint64_t address;
	struct text symbol; /* without its offset; empty for "[unknown]" */
	struct text file;   /* in the parentheses; empty for "[unknown]" and if not printed */
	bool inlined;
};

/** The first line of a sample, or another record. @return false if the line has neither pid nor time */
bool perf_script_header(struct text line, struct perf_script_header *out);

/** @return false if the text is no frame: it does not begin with an address */
bool perf_script_frame(struct text line, struct perf_script_frame *out);

/** "file.c:12", the line below a frame (-F +srcline). @return false if it is none */
bool perf_script_source(struct text line, struct text *out_file, uint32_t *out_line);

#endif
