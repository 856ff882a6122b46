/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_TYPES_H
#define SAMPLER_REPLAY_TYPES_H

/*
 * Numbers of perf.data that no system header has. Source: Linux,
 * tools/perf/Documentation/perf.data-file-format.txt, and for what that lacks the enums in
 * tools/lib/perf/include/perf/event.h and tools/perf/util/header.h.
 */
enum replay_record_type { /* beside PERF_RECORD_* of the kernel */
			  REPLAY_USER_FIRST = 64,
			  REPLAY_ATTR = 64,
			  REPLAY_TRACING_DATA = 66,
			  REPLAY_BUILD_ID = 67,
			  REPLAY_FINISHED_ROUND = 68,
			  REPLAY_AUXTRACE = 71,
			  REPLAY_THREAD_MAP = 73,
			  REPLAY_EVENT_UPDATE = 78,
			  REPLAY_FEATURE = 80,
			  REPLAY_COMPRESSED = 81,
			  REPLAY_COMPRESSED2 = 83,
};

enum replay_feature {
	FEATURE_BUILD_ID = 2,
	FEATURE_HOSTNAME = 3,
	FEATURE_OSRELEASE = 4,
	FEATURE_ARCH = 6,
	FEATURE_NRCPUS = 7,
	FEATURE_CMDLINE = 11,
	FEATURE_EVENT_DESC = 12,
	FEATURE_STAT = 19,
	FEATURE_CLOCK_DATA = 29,
	FEATURE_COUNT = 256,
};

enum {
	EVENT_UPDATE_NAME = 2,
	MISC_BUILD_ID_SIZE = 1 << 15,  /* of a build-id's record: byte 20 is its size */
	MISC_LOST_TO_FILTER = 1 << 15, /* of LOST_SAMPLES: a filter of the user's dropped them */
};

#endif
