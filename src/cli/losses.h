/* SPDX-License-Identifier: MIT */
#ifndef CLI_LOSSES_H
#define CLI_LOSSES_H

#include "cli/outputs.h"

/** Notes in one line what a profile has and the output's format does not keep; nothing if it keeps all. */
void say_losses(const struct profile *p, const struct output *output,
		const struct output_style *style);

#endif
