// SPDX-License-Identifier: MIT
#include "session/state.h"

#include "sampler/sampler.h"

struct facts_so_far state_so_far(const struct session *s, uint64_t now_ns)
{
	return (struct facts_so_far){
		.start_unix_ns = s->start_unix_ns,
		.duration_ns = s->before.duration_ns + now_ns - s->start_ns,
		.system_ns = s->before.system_ns + system_time_ns(&s->system_time),
		.lost = s->lost,
		.throttled = s->throttled,
		.wanted_rate_hz = s->config->rate_hz,
		.rate_was_lowered = s->overhead.rate_hz,
	};
}

void state_stats(const struct session *s, struct sampler_stats *out)
{
	s->sampler->ops->stats(s->sampler, out);
	out->fixed_period_samples += s->before.fixed_period_samples;
	out->kernel_cost_ns += s->before.kernel_cost_ns;
}
