// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "format/firefox.h"
#include "format/folded.h"
#include "format/speedscope.h"
#include "lib/lib.h"
#include "profile/pprof.h"

enum { ALL_FLAGS = PERFPROF_WRITE_ANNOTATE | PERFPROF_WRITE_THREADS | PERFPROF_WRITE_CPU_NS };

static const struct {
	const char *suffix;
	enum perfprof_format format;
} suffixes[] = {
	{ ".speedscope.json", PERFPROF_FORMAT_SPEEDSCOPE },
	{ ".firefox.json", PERFPROF_FORMAT_FIREFOX },
	{ ".pb.gz", PERFPROF_FORMAT_PPROF },
	{ ".pprof", PERFPROF_FORMAT_PPROF },
	{ ".folded", PERFPROF_FORMAT_FOLDED },
};

static int format_of_name(const char *path, enum perfprof_format *out, struct error *err)
{
	size_t length = strlen(path);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		size_t n = strlen(suffixes[i].suffix);
		if (length <= n || strcmp(path + length - n, suffixes[i].suffix) != 0)
			continue;
		*out = suffixes[i].format;
		return 0;
	}
	return fail(err, -EINVAL,
		    "cannot tell the format of '%s': the name must end in .pb.gz, .pprof, "
		    ".folded, .speedscope.json or .firefox.json",
		    path);
}

static int write_folded(const struct profile *p, unsigned flags, struct strbuf *out,
			struct error *err)
{
	struct folded_options options = {
		.annotate = flags & PERFPROF_WRITE_ANNOTATE,
		.threads = flags & PERFPROF_WRITE_THREADS,
		.weight_ns = flags & PERFPROF_WRITE_CPU_NS,
	};
	return folded_write(p, &options, out, err);
}

static int render(const struct perfprof_profile *p, enum perfprof_format format, unsigned flags,
		  struct strbuf *out, struct error *err)
{
	if (flags & ~(unsigned)ALL_FLAGS)
		return fail(err, -EINVAL,
			    "libperfprof " PERFPROF_VERSION " has no flag %#x for writing",
			    flags & ~(unsigned)ALL_FLAGS);
	switch (format) {
	case PERFPROF_FORMAT_PPROF: return pprof_write(p->model, out, err);
	case PERFPROF_FORMAT_SPEEDSCOPE:
		return speedscope_write(p->model, SPEEDSCOPE_AUTO, out, err);
	case PERFPROF_FORMAT_FIREFOX: return firefox_write(p->model, out, err);
	case PERFPROF_FORMAT_FOLDED: return write_folded(p->model, flags, out, err);
	default:
		return fail(err, -EINVAL,
			    "libperfprof " PERFPROF_VERSION " writes no format %d here",
			    (int)format);
	}
}

int perfprof_write_file(const struct perfprof_profile *p, const char *path,
			enum perfprof_format format, unsigned flags,
			struct perfprof_error **out_err)
{
	/* Sudo's user is a matter of the command line. */
	static const struct file_owner nobody_in_particular = { (uid_t)-1, (gid_t)-1 };
	struct error err = { 0 };
	struct strbuf bytes = { 0 };
	int r = format == PERFPROF_FORMAT_OF_NAME ? format_of_name(path, &format, &err) : 0;
	if (!r)
		r = render(p, format, flags, &bytes, &err);
	if (!r)
		r = write_file(path, strbuf_text(&bytes), bytes.length, nobody_in_particular, &err);
	strbuf_deinit(&bytes);
	return lib_failed(r, &err, out_err);
}

int perfprof_write_fd(const struct perfprof_profile *p, int fd, enum perfprof_format format,
		      unsigned flags, struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct strbuf bytes = { 0 };
	int r = render(p, format, flags, &bytes, &err);
	if (!r) {
		r = write_all(fd, strbuf_text(&bytes), bytes.length, &err);
		if (r)
			fail_in(&err, r, "descriptor %d", fd);
	}
	strbuf_deinit(&bytes);
	return lib_failed(r, &err, out_err);
}

int perfprof_write_memory(const struct perfprof_profile *p, enum perfprof_format format,
			  unsigned flags, void **out, size_t *out_size_bytes,
			  struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct strbuf bytes = { 0 };
	int r = render(p, format, flags, &bytes, &err);
	/* Nothing to write is a block too, with a NUL. */
	if (!r && !strbuf_reserve(&bytes, 1))
		r = fail(&err, -ENOMEM, "out of memory");
	if (r) {
		strbuf_deinit(&bytes);
		return lib_failed(r, &err, out_err);
	}
	bytes.text[bytes.length] = 0;
	*out = bytes.text;
	*out_size_bytes = bytes.length;
	return 0;
}

void perfprof_free(void *bytes)
{
	free(bytes);
}
