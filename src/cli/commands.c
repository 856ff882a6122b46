// SPDX-License-Identifier: MIT
#include <string.h>

#include "cli/cli.h"

/* A line each. */
/* clang-format off */
const struct command *const commands[] = {
	&run_command,
	&attach_command,
	&record_command,
	&report_command,
	&annotate_command,
	&flame_command,
	&diff_command,
	&convert_command,
	&check_command,
	&completion_command,
	NULL,
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++)
		if (!strcmp((*c)->name, name))
			return *c;
	return NULL;
}
