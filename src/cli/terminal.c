// SPDX-License-Identifier: MIT
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/cli.h"

enum { COLUMNS_MIN = 40, COLUMNS_MAX = 1000 };

uint32_t terminal_columns(void)
{
	const char *text = getenv("COLUMNS");
	uint32_t columns;
	struct winsize size;
	if (text && parse_uint(text, COLUMNS_MIN, COLUMNS_MAX, &columns) == 0)
		return columns;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
		return size.ws_col;
	return 0;
}

int show_help(const struct command *command)
{
	enum { WIDEST = 100 }; /* longer lines are hard to read */
	uint32_t columns = terminal_columns();
	options_help(command, columns > WIDEST ? WIDEST : columns, stdout);
	return STATUS_DONE;
}
