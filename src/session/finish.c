// SPDX-License-Identifier: MIT
#include "session/finish.h"

#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "profile/builder.h"
#include "session/jit.h"
#include "session/loop.h"
#include "session/modules.h"
#include "session/names.h"
#include "session/sources.h"
#include "session/state.h"

enum { NAMES_PATIENCE_MS = 60 * 1000 };

/* Then nothing of ours is left at the targets, which may go on for long. */
int finish_sampling(struct session *s, struct error *err)
{
	struct sampler_stats stats;
	struct facts_so_far so_far = state_so_far(s, s->end_ns);
	state_stats(s, &stats);
	log_debug(s->config->log, LOG_SESSION,
		  "%llu samples, %llu finished in user space, %.1f us of each in the kernel",
		  (unsigned long long)stats.samples, (unsigned long long)stats.handed_over,
		  stats.samples ? (double)(stats.kernel_cost_ns - s->before.kernel_cost_ns) / 1e3 /
					  (double)stats.samples
				: 0);
	s->threads_sharing = stats.threads_sharing;
	s->turns = stats.turns;
	s->sampler->ops->destroy(s->sampler);
	s->sampler = NULL;
	s->before = (struct runs_before){ so_far.duration_ns, so_far.system_ns,
					  stats.fixed_period_samples, stats.kernel_cost_ns };
	if (s->run > 1) { /* what there is to say was said after the first */
		facts_numbers(s->builder, &stats, &so_far);
		return 0;
	}
	return facts_refusal(s->builder, s->targets.refusal.text) < 0 ||
			       facts_end(s->builder, &stats, &so_far) < 0
		       ? fail(err, -ENOMEM, "out of memory")
		       : 0;
}

/* Names come while sampling runs; what is left then is awaited, unless somebody is in a hurry. */
static int await_names(struct session *s)
{
	uint64_t until_ns = monotonic_ns() + NAMES_PATIENCE_MS * NSEC_PER_MSEC;
	s->hurry = false;
	int r = names_ask_late(s->names);
	while (r == 0 && names_waiting(s->names) && !s->hurry) {
		struct pollfd fds[] = { s->fds.at[0], s->fds.at[2] };
		uint64_t now_ns = monotonic_ns();
		if (now_ns >= until_ns)
			break;
		poll(fds, 2, (int)((until_ns - now_ns) / NSEC_PER_MSEC) + 1);
		loop_handle_signals(s);
		r = names_collect(s->names);
	}
	names_finish(s->names);
	return r;
}

int session_profile(struct session *s, struct profile **out, struct error *err)
{
	if (await_names(s) < 0 || (s->jit && jit_finish(s->jit, monotonic_ns()) < 0) ||
	    facts_closed_files(s->builder, modules_without_descriptor(s->modules)) < 0 ||
	    (s->config->command && s->child.exited &&
	     facts_survivors(s->builder, s->processes, s->child.pid) < 0))
		return fail(err, -ENOMEM, "out of memory");
	if (s->hidden &&
	    builder_note(s->builder,
			 "the command runs with another user's rights (set-user-ID): the kernel "
			 "removes our events then, and what it does is not in this profile") < 0)
		return fail(err, -ENOMEM, "out of memory");
	if (s->overhead.rate_hz && facts_lowered(s->builder, s->config->max_overhead_ppm) < 0)
		return fail(err, -ENOMEM, "out of memory");
	struct profile_meta *meta = builder_meta(s->builder);
	meta->lost_samples = s->lost;
	meta->throttled = s->throttled;
	if (!s->config->replay)
		meta->profiler_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	int r = builder_freeze(s->builder, out, err);
	if (r < 0 || s->config->replay)
		return r;
	r = sources_collect(*out, err);
	if (r < 0)
		profile_destroy(*out);
	return r;
}
