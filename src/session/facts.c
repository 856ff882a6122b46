// SPDX-License-Identifier: MIT
#include "session/facts.h"

#include <errno.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "record/reason_text.h"

static void add_command(struct strbuf *text, char **command)
{
	for (size_t i = 0; command[i]; i++) {
		if (i)
			strbuf_putc(text, ' ');
		strbuf_puts(text, command[i]);
	}
}

static void add_targets(struct strbuf *text, const pid_t *pids, size_t count)
{
	strbuf_puts(text, "attach ");
	for (size_t i = 0; i < count; i++)
		strbuf_printf(text, "%s%d", i ? "," : "", (int)pids[i]);
}

static int add_reasons(struct builder *b)
{
	for (unsigned i = UNWIND_ROOT + 1; i < UNWIND_REASON_COUNT; i++) {
		int r = builder_reason(b, unwind_reason_id(i), unwind_reason_sentence(i));
		if (r < 0)
			return r;
	}
	return 0;
}

int facts_begin(struct builder *b, const struct session_config *config)
{
	struct profile_meta *meta = builder_meta(b);
	struct strbuf command = { 0 };
	if (config->command)
		add_command(&command, config->command);
	else
		add_targets(&command, config->pids, config->pid_count);
	meta->command = builder_intern(b, strbuf_text(&command));
	strbuf_deinit(&command);
	struct utsname host;
	if (!uname(&host)) {
		meta->host = builder_intern(b, host.nodename);
		meta->kernel = builder_intern(b, host.release);
	}
	meta->backend = builder_intern(b, config->sampler->name);
	meta->unwind = builder_intern(b, "auto");
	meta->event = builder_intern(b, "cpu");
	meta->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	return add_reasons(b);
}

void facts_end(struct builder *b, const struct sampler_stats *stats, const struct facts_end *end)
{
	struct profile_meta *meta = builder_meta(b);
	meta->rate_hz = stats->rate_hz;
	meta->kernel_sampled = stats->kernel;
	meta->unsampled_kernel_ns = stats->kernel ? 0 : end->system_ns;
	meta->fixed_period_samples = stats->fixed_period_samples;
	meta->start_unix_ns = end->start_unix_ns;
	meta->duration_ns = end->duration_ns;
}
