/* SPDX-License-Identifier: MIT */
#ifndef SESSION_SOURCES_H
#define SESSION_SOURCES_H

#include "profile/profile.h"

/**
 * Gives a profile, before anybody else sees it, the source lines around its hottest lines, where their
 * files are at hand. They are read with the rights of the user behind sudo, by a thread that is not
 * waited for longer than a moment: a file may lie on a mount that is dead.
 *
 * Names of files come from a target's debug information. Only absolute ones that end as source files do
 * are opened, no links, only regular files.
 *
 * @return 0 or -ENOMEM
 */
int sources_collect(struct profile *p, struct error *err);

#endif
