/* SPDX-License-Identifier: MIT */
#ifndef PROFILE_PPROF_READ_H
#define PROFILE_PPROF_READ_H

#include "base/arena.h"
#include "base/cursor.h"
#include "base/vec.h"
#include "profile/builder.h"
#include "profile/pprof_values.h"
#include "profile/protobuf.h"

/* What one pprof_read() knows so far; shared by the files pprof_*.c only. */

/** From the ids of a file to rows: sorted once, then searched. */
struct id_row {
	uint64_t id;
	uint32_t row;
};

struct id_table {
	VEC(struct id_row) rows;
	bool sorted;
};

struct pprof_mapping {
	module_id module;
	enum frame_kind kind; /* of its frames, as far as its name tells */
};

/* A sample as the file has it; times refer to its number there. */
struct pprof_row {
	draft_sample_id row;
	uint64_t untimed; /* of its count */
};

struct pprof_reader {
	const uint8_t *begin; /* of the message */
	struct builder *b;
	struct error *err;
	struct arena arena; /* owns the texts */
	VEC(const char *) strings;
	VEC(struct pprof_value_type) types;
	VEC(struct builder_line) functions;
	VEC(struct pprof_mapping) mappings;
	VEC(uint64_t) comments; /* string indices */
	struct id_table function_ids, mapping_ids, location_ids, deleted;
	VEC(struct cursor) captures; /* our message; of a journal, the parts of it */
	VEC(struct cursor) times;    /* in it */
	VEC(uint8_t) frame_kinds;    /* in it */
	uint64_t version;            /* of it */
	bool has_capture;            /* it is there and fits the file */
	uint64_t main_mapping;       /* id; 0: the first */
	VEC(struct pprof_row) rows;  /* if there are times */
	uint64_t row_base;           /* number of the first */
	uint64_t time_ns;            /* of the last row of times */
	bool is_journal;             /* by our message: not written at the end, but all along */
	size_t location_count, location_at;
	uint64_t time_nanos, duration_nanos, period, default_type;
	struct pprof_value_type period_type;
	struct pprof_choice choice;
	size_t parts, parts_most;
	uint64_t total_count, total_cpu_ns;
	VEC(uint64_t) path; /* scratch of a sample */
	VEC(int64_t) values;
	VEC(struct builder_line) lines; /* scratch of a location */
};

/** @param file_bytes of all that will be read, packed if it is @return 0 or -ENOMEM */
int pprof_reader_init(struct pprof_reader *r, size_t file_bytes, struct error *err);
void pprof_reader_deinit(struct pprof_reader *r);

/** Reads a message, or the next part of one. @return 0; -EBADMSG; -EFBIG; -ENOMEM */
int pprof_read_message(struct pprof_reader *r, const void *bytes, size_t size_bytes);

/** @return -EBADMSG, and the sentence with the place */
int pprof_damaged(struct pprof_reader *r, const uint8_t *at, const char *what);
/** @return -ENOMEM */
int pprof_no_memory(struct pprof_reader *r);

/** Before anything of the file becomes memory. @return 0; -EFBIG when the file has too many parts */
int pprof_count_part(struct pprof_reader *r);

/** @return the text of a string index; sets *bad for an index that the table does not have */
const char *pprof_text(const struct pprof_reader *r, uint64_t index, bool *bad);

bool id_table_add(struct id_table *t, uint64_t id, uint32_t row);
/** Adds all numbers of a repeated field. @return 0, -EBADMSG or -ENOMEM */
int id_table_add_all(struct pprof_reader *r, struct id_table *t, struct protobuf_field *field);
/** @return NULL if the id is not there */
const struct id_row *id_table_find(struct id_table *t, uint64_t id);

/** Each reads one message of the tables. @return 0; -EBADMSG; -ENOMEM */
int pprof_read_function(struct pprof_reader *r, struct cursor c);
int pprof_read_mapping(struct pprof_reader *r, struct cursor c);
int pprof_read_location(struct pprof_reader *r, struct cursor c);

/**
 * Reads our message: facts into the builder's meta, the rest into the reader. A message that does
 * not fit the file's locations was left behind by a tool that rewrote the rest, and is ignored.
 *
 * @return 0; -EBADMSG; -ENOMEM
 */
int pprof_capture_read(struct pprof_reader *r);

/**
 * Reads when samples were taken, after all samples. Times that do not fit the file's samples were left
 * behind, and are ignored.
 *
 * @return 0; -EBADMSG; -EFBIG; -ENOMEM
 */
int pprof_times_read(struct pprof_reader *r);

#endif
