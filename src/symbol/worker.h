/* SPDX-License-Identifier: MIT */
#ifndef SYMBOL_WORKER_H
#define SYMBOL_WORKER_H

#include "symbol/symbol.h"

/* A thread that names addresses while sampling runs. Requests and answers cross by queues. */

struct symbol_request {
	uint32_t token;        /* the caller's */
	struct object *object; /* a reference is taken for the time of the request; NULL: a kernel
	                          address */
	uint64_t vaddr;
};

struct symbol_answer {
	uint32_t token;
	struct symbol_result result;
};

struct symbol_worker;

int symbol_worker_start(const struct symbol_config *config, struct symbol_worker **out,
			struct error *err);
/** Readable when answers wait. */
int symbol_worker_fd(const struct symbol_worker *w);
/** @return 0 or -ENOMEM */
int symbol_worker_submit(struct symbol_worker *w, const struct symbol_request *request);
/** @return true and one answer, if one waits. Its strings live until symbol_worker_destroy(). */
bool symbol_worker_take(struct symbol_worker *w, struct symbol_answer *out);
/** Number of requests without an answer taken yet. */
uint32_t symbol_worker_pending(const struct symbol_worker *w);
/** Blocks until every submitted request has its answer, at most `timeout_ms`. @return true if all
 * have */
bool symbol_worker_wait(struct symbol_worker *w, int timeout_ms);
/** CPU time that the thread has used, in ns. */
uint64_t symbol_worker_cpu_ns(const struct symbol_worker *w);
void symbol_worker_destroy(struct symbol_worker *w);

#endif
