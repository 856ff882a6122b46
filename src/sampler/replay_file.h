/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_FILE_H
#define SAMPLER_REPLAY_FILE_H

#include "base/map.h"
#include "sampler/replay.h"
#include "sampler/replay_events.h"
#include "sampler/replay_queue.h"
#include "sampler/replay_stream.h"

struct replay_dso {
	string_id path;
	struct replay_build_id id;
	bool ambiguous; /* two files had this path */
};

/*
 * The inside of sampler_replay, shared by its files:
 *	replay.c          the ops: records in order
 *	replay_take.c     what the file holds, record by record
 *	replay_header.c   what stands around the records
 *	replay_features.c what describes machine, command and files
 *	replay_events.c   the events
 *	replay_stream.c   the records one by one
 *	replay_input.c    the bytes
 *	replay_queue.c    order
 */
struct replay {
	struct sampler base;
	struct replay_input input;
	struct replay_stream stream;
	struct replay_queue queue;
	struct strings strings;
	struct replay_events events;
	struct replay_facts facts;
	VEC(struct replay_dso) dsos;
	struct row_index dso_index;
	struct sampler_stats stats;
	uint64_t latest_ns, round_ns; /* of all records; of those up to the last FINISHED_ROUND */
	uint64_t ready_ns;            /* nothing earlier will come */
	uint64_t lost_records, lost_samples;
	bool at_end, lost_shown;
	struct replay_queued at; /* what is shown */
	bool shown;
	struct record record;
	uint64_t chain[PERF_BRANCHES_MOST + 1]; /* of `record`, where calls make it */
	int status;
	struct error error;
};

/** Reads header, attrs and features of a file; of a pipe only the header. */
int replay_header_read(struct replay *r, struct error *err);

/** Reads one record and takes it in. @return 1; 0 at the end; negative errno */
int replay_take(struct replay *r, struct error *err);

/** Takes one feature, as it stands behind a file's records or in a record of a pipe. */
int replay_feature(struct replay *r, uint64_t feature, struct cursor c, struct error *err);
/** Takes a record that names a file's build-id; `c` begins at its header. */
int replay_build_id(struct replay *r, struct cursor *c, struct error *err);
/** Gives a mapping the build-id of its file, if it has none. */
void replay_identify(struct replay *r, struct record_mmap *mmap);

#endif
