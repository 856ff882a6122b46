/* SPDX-License-Identifier: MIT */
#ifndef CLI_RECOVER_KERNEL_H
#define CLI_RECOVER_KERNEL_H

#include "base/error.h"
#include "profile/builder.h"

/**
 * Names kernel frames whose names came too late for the journal, if the kernel that was sampled
 * still runs here at the same addresses, and shows them to us.
 *
 * @return 0, also if it does not; negative errno, `err` is set
 */
int recover_kernel(struct builder *b, struct error *err);

#endif
