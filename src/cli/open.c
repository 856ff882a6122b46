// SPDX-License-Identifier: MIT
#include "cli/open.h"

#include <errno.h>

#include "base/file.h"
#include "cli/cli.h"
#include "format/read.h"

int open_capture(const char *path, struct profile **out, struct error *err)
{
	struct strbuf bytes = { 0 };
	int r = read_file(path, FORMAT_LIMIT_BYTES, &bytes, err);
	int status = r < 0 ? STATUS_MISSING : 0;
	if (r == 0 && format_read(bytes.text, bytes.length, out, err) < 0) {
		fail_in(err, -EBADMSG, "'%s'", path);
		status = STATUS_NO_PROFILE;
	}
	strbuf_deinit(&bytes);
	return status;
}
