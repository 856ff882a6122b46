// SPDX-License-Identifier: MIT
#include "cli/accuracy.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyze/hotspots.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "session/session.h"

void accuracy_compare(const struct accuracy_truth *truth, const uint64_t *counts, uint64_t samples,
		      struct accuracy *out)
{
	*out = (struct accuracy){ .samples = samples,
				  .cpu_s = (double)truth->process_ns / NSEC_PER_SEC };
	for (unsigned i = 0; i < ACCURACY_FUNCTIONS; i++) {
		double share = truth->process_ns
				       ? (double)truth->function_ns[i] / (double)truth->process_ns
				       : 0;
		double error = samples ? sqrt(share * (1 - share) / (double)samples) : 1;
		struct interval measured = interval_wilson(counts[i], samples);
		out->at[i] = (struct accuracy_share){
			.name = accuracy_function_name(i),
			.truth_percent = 100 * share,
			.measured = measured,
			.ok = samples && fabs(measured.percent - 100 * share) <= 400 * error + 1,
		};
	}
}

/* By its name, or, in a binary without symbols, by the address of its first byte. */
static bool is_function(const struct profile *p, const struct hotspot *h, unsigned i)
{
	char end[32];
	const char *name = profile_string(p, h->function);
	if (!strcmp(name, accuracy_function_name(i)))
		return true;
	snprintf(end, sizeof(end), "+0x%llx]", (unsigned long long)accuracy_function_vaddr(i));
	size_t length = strlen(name), end_length = strlen(end);
	return h->unnamed && length > end_length && !strcmp(name + length - end_length, end);
}

static int compare_profile(const struct profile *p, const struct accuracy_truth *truth,
			   struct accuracy *out, struct error *err)
{
	struct hotspots hotspots;
	uint64_t counts[ACCURACY_FUNCTIONS] = { 0 };
	int r = hotspots_build(p, &hotspots, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < hotspots.count; i++)
		for (unsigned k = 0; k < ACCURACY_FUNCTIONS; k++)
			if (is_function(p, &hotspots.at[i], k))
				counts[k] += hotspots.at[i].total;
	accuracy_compare(truth, counts, hotspots.samples, out);
	hotspots_deinit(&hotspots);
	out->truncated = profile_truncated_count(p);
	out->lost = p->meta.lost_samples;
	out->rate_hz = p->meta.rate_hz;
	return 0;
}

static int run_session(struct session *s, int truth_fd, struct accuracy *out, struct error *err)
{
	struct profile *p;
	struct accuracy_truth truth;
	struct session_outcome outcome;
	int r = session_run(s, err);
	if (r < 0)
		return r;
	r = session_profile(s, &p, err);
	session_wait(s, &outcome);
	if (r < 0)
		return r;
	if (read(truth_fd, &truth, sizeof(truth)) != (ssize_t)sizeof(truth))
		r = fail(err, -EIO, "the program of known shares ended early");
	else
		r = compare_profile(p, &truth, out, err);
	profile_destroy(p);
	return r;
}

static int measure(const char *backend, uint32_t rate_hz, struct accuracy *out, struct error *err)
{
	int fds[2];
	char number[16];
	if (pipe(fds) < 0)
		return fail_errno(err, "cannot make a pipe");
	_cleanup_close_ int from_child = fds[0], to_parent = fds[1]; /* which CMD inherits */
	fcntl(from_child, F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", to_parent);
	char *command[] = { (char[]){ "/proc/self/exe" }, (char[]){ "check" },
			    (char[]){ ACCURACY_WORK_WORD }, number, NULL };
	struct session_config config = { .command = command,
					 .sampler = sampler_find(backend),
					 .rate_hz = rate_hz,
					 .time_budget_bytes = SESSION_NO_TIMES,
					 .children = true,
					 .kernel = true };
	struct session *s;
	int r = session_create(&config, &s, err);
	cleanup_close(&to_parent);
	to_parent = -1;
	if (r < 0)
		return r;
	r = run_session(s, from_child, out, err);
	session_destroy(s);
	return r;
}

/* @return how many shares are off */
static int print(struct strbuf *out, const char *backend, const struct accuracy *a)
{
	int off = 0;
	strbuf_printf(
		out,
		"%s: %llu samples of %.2f s of CPU time at %u Hz, %llu lost, %llu with a stack "
		"that is not whole\n",
		backend, (unsigned long long)a->samples, a->cpu_s, a->rate_hz,
		(unsigned long long)a->lost, (unsigned long long)a->truncated);
	strbuf_printf(out, "  %-18s %8s %9s   %s\n", "function", "truth", "measured",
		      "95 % interval");
	for (unsigned i = 0; i < ACCURACY_FUNCTIONS; i++) {
		const struct accuracy_share *s = &a->at[i];
		strbuf_printf(out, "  %-18s %6.2f %% %7.2f %%   %5.2f to %5.2f   %s\n", s->name,
			      s->truth_percent, s->measured.percent, s->measured.low,
			      s->measured.high, s->ok ? "ok" : "OFF");
		off += !s->ok;
	}
	return off;
}

int accuracy_check(struct strbuf *out, uint32_t rate_hz, struct error *err)
{
	static const char *const backends[] = { "perf", "bpf", "ptrace" };
	int off = 0, refused = 0; /* the first is what most have to do with */
	bool measured = false;
	for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
		struct accuracy a;
		struct error why = { 0 };
		if (!sampler_find(backends[i])) {
			strbuf_printf(out, "%s: not in this version\n", backends[i]);
			continue;
		}
		int r = measure(backends[i], rate_hz, &a, &why);
		measured |= r == 0;
		if (r == 0)
			off += print(out, backends[i], &a);
		else
			strbuf_printf(out, "%s: %s\n", backends[i], why.text);
		if (r < 0 && !refused)
			refused = fail(err, r, "%s", why.text);
	}
	if (!measured)
		return refused;
	strbuf_puts(out, off ? "\nA share is off: more than 4 standard errors and a point from the "
			       "truth.\n"
			     : "\nEvery share is within 4 standard errors and a point of the "
			       "truth.\n");
	return off;
}
