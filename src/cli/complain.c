// SPDX-License-Identifier: MIT
#include <stdarg.h>
#include <stdio.h>

#include "base/escape.h"
#include "cli/cli.h"

void note(const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	struct strbuf line = { 0 };
	strbuf_puts(&line, "perfprof: ");
	escape_terminal(&line, text);
	fprintf(stderr, "%s\n", strbuf_text(&line));
	strbuf_deinit(&line);
}

int complain(int status, const struct error *err)
{
	note("%s", err->text);
	return status;
}
