/* SPDX-License-Identifier: MIT */
#ifndef SESSION_LOADER_H
#define SESSION_LOADER_H

#include "object/object.h"
#include "process/mapped_open.h"
#include "unwind/unwind.h"

/*
 * A thread that opens mapped files and compiles unwind rows, so that a dead mount or a large table
 * never stops the draining of rings. Requests and results cross by queues.
 */

enum load_kind { LOAD_OBJECT, LOAD_ROWS };

struct load_result {
	enum load_kind kind;
	uint32_t token;             /* the caller's */
	int status;                 /* 0 or negative errno; -ENODATA of LOAD_ROWS: no CFI at all */
	struct object *object;      /* LOAD_OBJECT: a reference for the caller */
	struct unwind_table *table; /* LOAD_ROWS: owned by the caller */
	struct error error;
};

struct loader;

int loader_start(struct loader **out, struct error *err);
/** Readable when results wait. */
int loader_fd(const struct loader *l);
/** @param what copied */
int loader_open(struct loader *l, uint32_t token, const struct mapped_open *what);
/** Asks for rows; such requests go before all openings. */
int loader_rows(struct loader *l, uint32_t token, struct object *object);
/** @return true and one result, if one waits */
bool loader_take(struct loader *l, struct load_result *out);
/** CPU time that the thread has used, in ns. */
uint64_t loader_cpu_ns(const struct loader *l);
/** Takes NULL. A thread that hangs in the kernel is left to itself, with what it owns. */
void loader_destroy(struct loader *l);

#endif
