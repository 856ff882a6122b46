// SPDX-License-Identifier: MIT
#include "session/targets.h"

#include <errno.h>
#include <signal.h>

#include "process/descendants.h"

int targets_check(const pid_t *pids, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (kill(pids[i], 0) < 0 && errno == ESRCH)
			return fail(err, -ESRCH, "no process %d", (int)pids[i]);
	return 0;
}

int targets_add_descendants(const struct session_config *c, struct sampler *sampler,
			    struct process_table *processes)
{
	pid_list pids = { 0 };
	int r = 0;
	for (size_t i = 0; r == 0 && i < c->pid_count; i++)
		r = vec_push(&pids, c->pids[i]) ? 0 : -ENOMEM;
	for (size_t done = c->pid_count; r == 0; done = pids.count) {
		r = process_add_descendants(&pids);
		if (r < 0 || pids.count == done)
			break;
		for (size_t i = done; i < pids.count; i++) {
			struct error why = { 0 };
			if (c->sampler->add_process(sampler, pids.at[i], &why) < 0 ||
			    process_add_live(processes, pids.at[i], &why) < 0)
				log_debug(c->log, LOG_SESSION, "child %d: %s", (int)pids.at[i],
					  why.text);
		}
	}
	vec_free(&pids);
	return r;
}
