/* SPDX-License-Identifier: MIT */
#ifndef CLI_RUN_USER_H
#define CLI_RUN_USER_H

#include "base/error.h"
#include "session/child.h"

/* `run -u USER`: whom CMD runs as. */
struct run_user {
	struct child_user child; /* borrows what follows */
	char *name;
	gid_t *groups;
	char **environment; /* ours with HOME, USER, LOGNAME and SHELL of that user */
};

/**
 * Looks a user up, with all groups, in whatever name services the machine has.
 *
 * @param text a name, else the decimal number of a user who has one
 * @return 0; -EINVAL (no such user); -EPERM (we are not root); other negative errno; `err` is set
 */
int run_user_find(const char *text, struct run_user *out, struct error *err);

/** Takes a zeroed one. */
void run_user_deinit(struct run_user *u);

#endif
