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

int facts_targets(struct builder *b, struct process_table *processes, const pid_t *pids,
		  size_t count)
{
	struct strbuf text = { 0 };
	strbuf_puts(&text, "attach");
	for (size_t i = 0; i < count; i++) {
		const struct process_info *p = process_info(processes, process_find(processes, pids[i]));
		strbuf_printf(&text, "%s %d (%s)", i ? "," : "", (int)pids[i],
			      strings_text(process_strings(processes), p->comm));
		if (builder_target_pid(b, (uint32_t)pids[i]) < 0)
			text.failed = true;
	}
	builder_meta(b)->command = builder_intern(b, strbuf_text(&text));
	bool failed = text.failed;
	strbuf_deinit(&text);
	return failed ? -ENOMEM : 0;
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
	if (config->command) {
		struct strbuf command = { 0 };
		add_command(&command, config->command);
		meta->command = builder_intern(b, strbuf_text(&command));
		strbuf_deinit(&command);
	}
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
