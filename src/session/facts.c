// SPDX-License-Identifier: MIT
#include "session/facts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "process/namespaces.h"
#include "record/reason_text.h"

static void add_command(struct strbuf *text, char **command)
{
	for (size_t i = 0; command[i]; i++) {
		if (i)
			strbuf_putc(text, ' ');
		strbuf_puts(text, command[i]);
	}
}

static void describe_targets(struct strbuf *text, struct process_table *processes,
			     const struct targets *t)
{
	const struct session_config *c = t->config;
	strbuf_puts(text, "attach");
	if (c->system)
		strbuf_puts(text, " -a");
	if (c->cgroup)
		strbuf_printf(text, " --cgroup %s", c->cgroup_name);
	for (size_t i = 0; i < c->pid_count; i++) {
		const struct process_info *p =
			process_info(processes, process_find(processes, c->pids[i]));
		strbuf_printf(text, "%s %d (%s)", i ? "," : "", (int)c->pids[i],
			      strings_text(process_strings(processes), p->comm));
	}
}

int facts_targets(struct builder *b, struct process_table *processes, const struct targets *t)
{
	struct strbuf text = { 0 };
	describe_targets(&text, processes, t);
	for (size_t i = 0; !t->config->system && i < t->pids.count; i++) {
		pid_t pid = t->pids.at[i];
		if (builder_target_pid(b, (uint32_t)pid) < 0)
			text.failed = true;
		builder_target_inner_pid(b, (uint32_t)pid, (uint32_t)process_inner_pid(pid));
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

static const char *const unwind_words[] = {
	[SESSION_UNWIND_AUTO] = "auto",
	[SESSION_UNWIND_DWARF] = "dwarf",
	[SESSION_UNWIND_FP] = "fp",
	[SESSION_UNWIND_LIBUNWIND] = "libunwind",
};

int facts_begin(struct builder *b, const struct session_config *config, const char *backend)
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
	meta->backend = builder_intern(b, backend);
	meta->unwind = builder_intern(b, unwind_words[config->unwind]);
	meta->event = builder_intern(b, "cpu");
	meta->cpus = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	return add_reasons(b);
}

void facts_numbers(struct builder *b, const struct sampler_stats *stats,
		   const struct facts_so_far *so_far)
{
	struct profile_meta *meta = builder_meta(b);
	bool lowered = stats->rate_hz < so_far->wanted_rate_hz;
	meta->rate_hz = stats->rate_hz;
	meta->wanted_rate_hz = lowered ? so_far->wanted_rate_hz : 0;
	meta->kernel_sampled = stats->kernel;
	meta->unsampled_kernel_ns = stats->kernel ? 0 : so_far->system_ns;
	meta->fixed_period_samples = stats->fixed_period_samples;
	meta->start_unix_ns = so_far->start_unix_ns;
	meta->duration_ns = so_far->duration_ns;
	meta->lost_samples = so_far->lost;
	meta->throttled = so_far->throttled;
	meta->profiler_cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	meta->profiler_kernel_ns = stats->kernel_cost_ns;
}

static int note_turns(struct builder *b, const struct sampler_stats *stats)
{
	char text[360];
	if (!stats->turns)
		return 0;
	snprintf(
		text, sizeof(text),
		"%u threads shared the events of %u by turns, so that there are fewer samples, and "
		"threads that ran little may have none: events for all take about %llu file "
		"descriptors, more than 'ulimit -Hn' allows; run 'sudo prlimit --pid $$ "
		"--nofile=%llu' in this shell, then again",
		stats->threads_sharing, stats->turns, (unsigned long long)stats->descriptors_wanted,
		(unsigned long long)stats->descriptors_wanted);
	return builder_note(b, text);
}

int facts_end(struct builder *b, const struct sampler_stats *stats,
	      const struct facts_so_far *so_far)
{
	facts_numbers(b, stats, so_far);
	if (note_turns(b, stats) < 0 || (stats->remark[0] && builder_note(b, stats->remark) < 0))
		return -ENOMEM;
	if (stats->rate_hz >= so_far->wanted_rate_hz || so_far->rate_was_lowered)
		return 0;
	char text[160];
	snprintf(text, sizeof(text), "sampled at %u Hz, not %u: %s", stats->rate_hz,
		 so_far->wanted_rate_hz,
		 stats->rate_limit ? stats->rate_limit
				   : "kernel.perf_event_max_sample_rate permits no more");
	return builder_note(b, text);
}

int facts_lowered(struct builder *b, uint32_t max_overhead_ppm)
{
	const struct profile_meta *meta = builder_meta(b);
	char text[160];
	snprintf(text, sizeof(text),
		 "sampled at %u Hz, not %u: more would have cost above %g %% of the CPU time "
		 "(--max-overhead)",
		 meta->rate_hz, meta->wanted_rate_hz, max_overhead_ppm / 1e4);
	return builder_note(b, text);
}

int facts_refusal(struct builder *b, const char *refusal)
{
	char text[1200];
	snprintf(text, sizeof(text), "sampled by ptrace, since the better ways are closed: %s",
		 refusal);
	return refusal[0] ? builder_note(b, text) : 0;
}

int facts_closed_files(struct builder *b, uint32_t files)
{
	struct rlimit limit;
	char text[240];
	if (!files || getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	snprintf(text, sizeof(text),
		 "%u %s of what was running could not be opened, so stacks end there: perfprof may "
		 "have only %llu files open ('ulimit -Hn'); 1024 are enough for most",
		 files, files == 1 ? "file" : "files", (unsigned long long)limit.rlim_cur);
	return builder_note(b, text);
}

int facts_survivors(struct builder *b, const struct process_table *processes, pid_t cmd)
{
	enum { SURVIVORS_SHOWN = 8 };
	unsigned shown = 0, more = 0;
	char text[256];
	for (uint32_t i = 1; i < process_count(processes); i++) {
		const struct process_info *p = process_info(processes, (process_id){ i });
		if (p->exited || p->pid == cmd || (kill(p->pid, 0) < 0 && errno == ESRCH))
			continue;
		if (shown++ >= SURVIVORS_SHOWN) {
			more++;
			continue;
		}
		snprintf(text, sizeof(text), "%s (pid %d) outlived the command and was left alone",
			 strings_text(process_strings(processes), p->comm), (int)p->pid);
		if (builder_note(b, text) < 0)
			return -ENOMEM;
	}
	snprintf(text, sizeof(text), "%u more children outlived the command", more);
	return more ? builder_note(b, text) : 0;
}
