/* SPDX-License-Identifier: MIT */
#ifndef SESSION_PUBLISH_H
#define SESSION_PUBLISH_H

#include "process/process.h"
#include "sampler/sampler.h"
#include "session/modules.h"

/*
 * Gives a sampler that walks stacks itself what it needs: the rows of modules, and which module lies
 * where in each process. Does nothing for other samplers.
 */
struct publisher;

/**
 * @param eager rows are asked for as soon as a module is mapped; else when a stack first leads there, as
 *		befits a whole system
 */
int publisher_create(struct process_table *processes, struct modules *modules,
		     struct sampler *sampler, bool eager, const struct log *log,
		     struct publisher **out, struct error *err);
/** Takes NULL. */
void publisher_destroy(struct publisher *p);

/** The mappings of a process have changed. @return 0 or -ENOMEM */
int publisher_touch(struct publisher *p, process_id process);
/** A sample's walk was not finished: nothing may be known of its process yet. @return 0 or -ENOMEM */
int publisher_missed(struct publisher *p, process_id process);
/** Processes were read from /proc. @return 0 or -ENOMEM */
int publisher_touch_live(struct publisher *p);
/** Rows of some module have come. */
void publisher_touch_all(struct publisher *p);

/** Publishes what has changed. @return true if rows that were asked for are still to come */
bool publisher_run(struct publisher *p);

#endif
