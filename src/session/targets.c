// SPDX-License-Identifier: MIT
#include "session/targets.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "process/descendants.h"

enum { LOOK_INTERVAL_MS = 100 };

int targets_check(const pid_t *pids, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (kill(pids[i], 0) < 0 && errno == ESRCH)
			return fail(err, -ESRCH, "no process %d", (int)pids[i]);
	return 0;
}

static int list(struct targets *t)
{
	const struct session_config *c = t->config;
	int r = 0;
	if (c->system)
		return process_add_all(&t->pids);
	if (c->cgroup)
		return cgroup_members(c->cgroup, &t->pids) == -ENOMEM ? -ENOMEM : 0;
	for (size_t i = 0; r == 0 && i < c->pid_count; i++)
		r = vec_push(&t->pids, c->pids[i]) ? 0 : -ENOMEM;
	return r;
}

static bool remember_members(struct targets *t, const pid_list *pids)
{
	map64_deinit(&t->members);
	t->members = (struct map64){ 0 };
	for (size_t i = 0; i < pids->count; i++)
		if (!map64_put(&t->members, (uint64_t)pids->at[i], 1))
			return false;
	return true;
}

/* Whatever stands in the way of seeing a control group as one does not keep us from its members. */
static bool is_for_members(int code)
{
	return code == -ENOENT || code == -EINVAL || code == -EBADF || code == -EOPNOTSUPP ||
	       code == -EPERM || code == -EACCES;
}

static bool is_refusal(int code)
{
	return code == -EPERM || code == -EACCES || code == -ENOSYS;
}

/* What the kernel said of the better one stays the reason, whatever it says of the last. */
static int open_last_resort(struct targets *t, const struct sampler_config *config, int code,
			    const struct error *refusal, struct sampler **out, struct error *err)
{
	const struct session_config *c = t->config;
	if (!c->last_resort || !is_refusal(code) || config->scope != SCOPE_PROCESSES ||
	    c->last_resort->open(config, out, NULL) < 0)
		return fail(err, code, "%s", refusal->text);
	bool is_first = !t->refusal.text[0]; /* of several runs */
	t->refusal = *refusal;
	if (is_first && c->on_last_resort)
		c->on_last_resort(c->last_resort_context, refusal->text);
	return 0;
}

/* By the source that is wanted, else by those that take its place. */
static int open_permitted(struct targets *t, const struct sampler_config *config,
			  struct sampler **out, struct error *err)
{
	const struct session_config *c = t->config;
	const struct sampler_ops *ops = c->sampler;
	struct error why = { 0 };
	int r = ops->open(config, out, &why);
	if (r < 0 && c->fallback) {
		log_debug(c->log, LOG_SESSION, "not by %s but by %s: %s", ops->name,
			  c->fallback->name, why.text);
		ops = c->fallback;
		r = ops->open(config, out, &why);
	}
	return r < 0 ? open_last_resort(t, config, r, &why, out, err) : 0;
}

int targets_open_sampler(struct targets *t, const struct session_config *config,
			 const struct sampler_config *base, struct sampler **out, struct error *err)
{
	struct sampler_config sampler = *base;
	struct error why = { 0 };
	t->config = config;
	if (list(t) < 0 || (config->cgroup && !remember_members(t, &t->pids)))
		return fail(err, -ENOMEM, "out of memory");
	t->wide = config->system || config->cgroup;
	sampler.scope = config->system ? SCOPE_SYSTEM : t->wide ? SCOPE_CGROUP : SCOPE_PROCESSES;
	sampler.cgroup_fd = config->cgroup ? config->cgroup->fd : -1;
	int r = open_permitted(t, &sampler, out, config->cgroup ? &why : err);
	if (r < 0 && config->cgroup && is_for_members(r)) {
		log_debug(config->log, LOG_SESSION, "%s: %s; going by its members", why.text,
			  config->cgroup->folder);
		t->wide = false;
		sampler.scope = SCOPE_PROCESSES;
		r = open_permitted(t, &sampler, out, err);
	} else if (r < 0 && config->cgroup && err) {
		*err = why;
	}
	t->sampler = r < 0 ? NULL : *out;
	return r;
}

/* Those that were named must all be covered; of a group or a system, whoever can be. */
int targets_cover(struct targets *t, struct process_table *processes, struct error *err)
{
	const struct session_config *c = t->config;
	struct error refusal = { 0 };
	size_t covered = 0;
	int refused = 0;
	t->processes = processes;
	for (size_t i = 0; i < t->pids.count; i++) {
		struct error why = { 0 };
		int r = t->sampler->ops->add_process(t->sampler, t->pids.at[i], &why);
		if (r < 0 && c->pid_count && t->refusal.text[0])
			return fail(err, r, "%s; nor by ptrace: %s", t->refusal.text, why.text);
		if (r < 0 && c->pid_count)
			return fail(err, r, "%s", why.text);
		covered += r == 0;
		if (r < 0 && r != -ESRCH && !refused) {
			refused = r;
			refusal = why;
		}
	}
	return refused && !covered ? fail(err, refused, "%s", refusal.text) : 0;
}

/*
 * Those that come later are announced by records; those that came while we looked are found by looking
 * again. One that cannot be covered is passed over.
 */
static int add_descendants(struct targets *t)
{
	const struct session_config *c = t->config;
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
			if (t->sampler->ops->add_process(t->sampler, pids.at[i], &why) < 0 ||
			    process_add_live(t->processes, pids.at[i], &why) < 0)
				log_debug(c->log, LOG_SESSION, "child %d: %s", (int)pids.at[i],
					  why.text);
		}
	}
	vec_free(&pids);
	return r;
}

int targets_read(struct targets *t, struct error *err)
{
	const struct session_config *c = t->config;
	for (size_t i = 0; i < t->pids.count; i++) {
		struct error why = { 0 };
		int r = process_add_live(t->processes, t->pids.at[i], &why);
		if (r < 0 && c->pid_count)
			return fail(err, r, "%s", why.text);
		if (r < 0)
			log_debug(c->log, LOG_SESSION, "%s", why.text);
	}
	if (c->pid_count && c->children && add_descendants(t) < 0)
		return fail(err, -ENOMEM, "out of memory");
	return 0;
}

static void add_newcomer(struct targets *t, pid_t pid)
{
	struct error why = { 0 };
	const struct session_config *c = t->config;
	if (t->sampler->ops->add_process(t->sampler, pid, &why) < 0)
		log_debug(c->log, LOG_SESSION, "newcomer %d: %s", (int)pid, why.text);
	process_find(t->processes, pid);
}

bool targets_look_again(struct targets *t, uint64_t now_ns)
{
	if (now_ns < t->next_look_ns)
		return true;
	t->next_look_ns = now_ns + LOOK_INTERVAL_MS * NSEC_PER_MSEC;
	pid_list pids = { 0 };
	int r = cgroup_members(t->config->cgroup, &pids);
	bool ended = r == -ENOENT || (r == 0 && !pids.count && t->members.count);
	for (size_t i = 0; i < pids.count; i++)
		if (!map64_get(&t->members, (uint64_t)pids.at[i]))
			add_newcomer(t, pids.at[i]);
	if (r == 0)
		remember_members(t, &pids);
	vec_free(&pids);
	return !ended;
}

void targets_deinit(struct targets *t)
{
	vec_free(&t->pids);
	map64_deinit(&t->members);
}
