// SPDX-License-Identifier: MIT
#include "perfprof.h"

#include <errno.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "format/read.h"
#include "lib/lib.h"

int lib_wrap(int code, struct profile *model, struct error *err, struct perfprof_profile **out,
	     struct perfprof_error **out_err)
{
	struct perfprof_profile *p = code ? NULL : malloc(sizeof(*p));
	if (!code && !p)
		code = fail(err, -ENOMEM, "out of memory");
	if (!p) {
		profile_destroy(model);
		return lib_failed(code, err, out_err);
	}
	p->model = model;
	*out = p;
	return 0;
}

int perfprof_open(const char *path, struct perfprof_profile **out, struct perfprof_error **out_err)
{
	struct strbuf bytes = { 0 };
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = read_file(path, FORMAT_LIMIT_BYTES, &bytes, &err);
	if (!r) {
		r = format_read(strbuf_text(&bytes), bytes.length, &model, &err);
		if (r)
			fail_in(&err, r, "'%s'", path);
	}
	strbuf_deinit(&bytes);
	return lib_wrap(r, model, &err, out, out_err);
}

int perfprof_open_fd(int fd, struct perfprof_profile **out, struct perfprof_error **out_err)
{
	struct strbuf bytes = { 0 };
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = read_all(fd, FORMAT_LIMIT_BYTES, &bytes, &err);
	if (!r)
		r = format_read(strbuf_text(&bytes), bytes.length, &model, &err);
	if (r)
		fail_in(&err, r, "descriptor %d", fd);
	strbuf_deinit(&bytes);
	return lib_wrap(r, model, &err, out, out_err);
}

int perfprof_open_memory(const void *bytes, size_t size_bytes, struct perfprof_profile **out,
			 struct perfprof_error **out_err)
{
	struct error err = { 0 };
	struct profile *model = NULL;
	int r = format_read(size_bytes ? bytes : "", size_bytes, &model, &err);
	if (r)
		fail_in(&err, r, "the profile in memory");
	return lib_wrap(r, model, &err, out, out_err);
}

void perfprof_profile_destroy(struct perfprof_profile *p)
{
	if (p)
		profile_destroy(p->model);
	free(p);
}
