/* SPDX-License-Identifier: MIT */
#ifndef SESSION_REPLAY_H
#define SESSION_REPLAY_H

#include "base/log.h"
#include "profile/profile.h"

/*
 * A profile from raw input: the records of a perf.data file go through the same session as live
 * ones. Nothing is started, no process is touched.
 */
struct replay_config {
	int fd;           /* borrowed */
	const void *head; /* what was read from it already */
	size_t head_size_bytes;
	const char *build_id_dir; /* perf's cache of binaries; may be NULL */
	const struct log *log;    /* may be NULL */
};

/** @return true if a file that begins so is for session_replay() */
bool session_replay_is(const void *bytes, size_t size_bytes);

/** @return 0; -EBADMSG if the input is damaged (`err` says at which byte); other negative errno */
int session_replay(const struct replay_config *config, struct profile **out, struct error *err);

#endif
