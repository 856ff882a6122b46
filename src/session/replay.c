// SPDX-License-Identifier: MIT
#include "session/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "sampler/replay.h"
#include "session/session.h"

bool session_replay_is(const void *bytes, size_t size_bytes)
{
	return replay_is(bytes, size_bytes);
}

static int run(const struct session_config *config, struct profile **out, struct error *err)
{
	struct session *s;
	int r = session_create(config, &s, err);
	if (r < 0)
		return r;
	r = session_run(s, err);
	if (r == 0)
		r = session_profile(s, out, err);
	session_destroy(s);
	return r;
}

/* `cat perf.data | ...`: what a file says at its end is needed first, so that it is kept in memory. */
static int keep(const struct replay_config *config, struct error *err)
{
	static const size_t most_bytes = (size_t)4 << 30;
	uint8_t chunk[64 * 1024];
	size_t kept_bytes = config->head_size_bytes;
	_cleanup_close_ int fd = memfd_create("perfprof", MFD_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "cannot make a file in memory");
	int r = write_all(fd, config->head, config->head_size_bytes, err);
	while (r == 0) {
		ssize_t n = read(config->fd, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot read");
		if (!n)
			return take_fd(&fd);
		kept_bytes += (size_t)n;
		if (kept_bytes > most_bytes)
			return fail(err, -EFBIG,
				    "is larger than 4 GiB; name the file instead of piping it");
		r = write_all(fd, chunk, (size_t)n, err);
	}
	return r;
}

int session_replay(const struct replay_config *config, struct profile **out, struct error *err)
{
	struct session_config session = {
		.sampler = &sampler_replay,
		.build_id_dir = config->build_id_dir,
		.kernel = true,
		.inlines = true,
		.log = config->log,
	};
	_cleanup_close_ int kept = -1;
	int r = replay_open(config->fd, config->head, config->head_size_bytes, &session.replay,
			    err);
	if (r == -ESPIPE) {
		kept = keep(config, err);
		r = kept < 0 ? kept : replay_open(kept, NULL, 0, &session.replay, err);
	}
	if (r < 0)
		return r;
	r = run(&session, out, err);
	sampler_replay.destroy(session.replay);
	return r;
}
