// SPDX-License-Identifier: MIT
#include "cli/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/recover.h"
#include "format/read.h"
#include "profile/journal.h"
#include "session/replay.h"

enum { HEAD_BYTES = 16 };

/* The first bytes, by which the kind is found: a pipe gives them only once. */
static int read_head(int fd, struct strbuf *out, struct error *err)
{
	char head[HEAD_BYTES];
	while (out->length < sizeof(head)) {
		ssize_t n = read(fd, head, sizeof(head) - out->length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(err, "cannot read");
		if (!n)
			return 0;
		strbuf_add(out, head, (size_t)n);
	}
	return out->failed ? fail(err, -ENOMEM, "out of memory") : 0;
}

/* perf keeps copies of what it has seen run (perf-buildid-cache(1)). */
static int replay(int fd, const struct strbuf *head, struct profile **out, struct error *err)
{
	char cache[4096] = "";
	const char *home = getenv("HOME");
	if (home && home[0])
		snprintf(cache, sizeof(cache), "%s/.debug", home);
	const struct replay_config config = {
		.fd = fd,
		.head = head->text,
		.head_size_bytes = head->length,
		.build_id_dir = cache[0] ? cache : NULL,
	};
	int r = session_replay(&config, out, err);
	return r < 0 ? fail_in(err, r, "perf.data") : 0;
}

static int read_profile(const struct strbuf *bytes, struct profile **out, struct error *err)
{
	if (journal_is(bytes->text, bytes->length))
		return recover_journal(bytes->text, bytes->length, out, err);
	return format_read(bytes->text, bytes->length, out, err);
}

static int open_input(const char *path, struct error *err)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : dup(STDIN_FILENO);
	return fd < 0 ? fail_errno(err, "cannot open '%s'", path) : fd;
}

/* @return the exit status */
static int read_any(int fd, struct strbuf *bytes, struct profile **out, struct error *err)
{
	if (read_head(fd, bytes, err) < 0)
		return STATUS_MISSING;
	if (session_replay_is(bytes->text, bytes->length)) {
		int r = replay(fd, bytes, out, err);
		return r == 0 ? 0 : r == -EBADMSG ? STATUS_NO_PROFILE : STATUS_MISSING;
	}
	if (read_all(fd, FORMAT_LIMIT_BYTES, bytes, err) < 0)
		return STATUS_MISSING;
	return read_profile(bytes, out, err) < 0 ? STATUS_NO_PROFILE : 0;
}

int open_capture(const char *path, struct profile **out, struct error *err)
{
	struct strbuf bytes = { 0 };
	_cleanup_close_ int fd = open_input(path, err);
	if (fd < 0)
		return STATUS_MISSING;
	int status = read_any(fd, &bytes, out, err);
	strbuf_deinit(&bytes);
	if (status)
		fail_in(err, -EBADMSG, "'%s'", path);
	return status;
}
