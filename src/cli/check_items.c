// SPDX-License-Identifier: MIT
#include "cli/check_items.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "sampler/perf_limits.h"
#include "sampler/sampler.h"

enum {
	RING_KIB_WANTED = 16 * 1024, /* for each CPU: sampler/perf.c */
	THREADS_WANTED = 256,        /* with events of their own */
	PARANOID_USERS_MOST = 2,
};

static struct check_item *add(struct check_items *items, const char *id, enum check_state state)
{
	struct check_item *item =
		&items->at[items->count < CHECK_ITEMS_MAX ? items->count++ : CHECK_ITEMS_MAX - 1];
	*item = (struct check_item){ .id = id, .state = state };
	return item;
}

__attribute__((format(printf, 2, 3))) static void found(struct check_item *item, const char *format,
							...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(item->found, sizeof(item->found), format, args);
	va_end(args);
}

__attribute__((format(printf, 2, 3))) static void costs(struct check_item *item, const char *format,
							...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(item->costs, sizeof(item->costs), format, args);
	va_end(args);
}

static void mend(struct check_item *item, enum remedy_id id)
{
	if (item->remedy_count < CHECK_REMEDIES_MAX)
		item->remedies[item->remedy_count++] = id;
}

/* In the order of sampler/refusal.c. */
static const char *why_refused(const struct check_facts *f)
{
	if (f->permits.own_user == -ENOSYS)
		return "this kernel has none, or hides it";
	if (f->rights.perf_paranoid > PARANOID_USERS_MOST && !rights_may_sample_all(&f->rights))
		return "perf_event_paranoid forbids it";
	return f->rights.under_seccomp ? "a seccomp filter forbids it" : "the kernel forbids it";
}

static void mend_refusal(struct check_item *item, const struct rights *r)
{
	if (r->perf_paranoid > PARANOID_USERS_MOST && !rights_may_sample_all(r)) {
		mend(item, REMEDY_SUDO);
		mend(item, REMEDY_SETCAP);
		mend(item, REMEDY_PARANOID_2);
	}
	if (r->under_seccomp || r->container[0]) {
		mend(item, REMEDY_CONTAINER);
		mend(item, REMEDY_SECCOMP);
	}
}

static void check_own(const struct check_facts *f, struct check_items *items)
{
	const struct perf_permits *p = &f->permits;
	const struct rights *r = &f->rights;
	if (p->own_user < 0) {
		bool traces = f->ptrace == 0;
		struct check_item *item =
			add(items, "perf_event_open", traces ? CHECK_LACKS : CHECK_STOPS);
		const char *why = why_refused(f);
		found(item, "refused: %s (%s)", why, strerror(-p->own_user));
		costs(item, "%s",
		      traces ? "ptrace takes its place: see 'ptrace backend'; not the whole system"
			     : "nothing can be profiled; readers ('report', 'flame') work");
		mend_refusal(item, r);
		return;
	}
	struct check_item *item =
		add(items, "perf_event_open", p->own_kernel < 0 ? CHECK_LACKS : CHECK_OK);
	if (p->own_kernel == 0) {
		found(item, "your processes, user and kernel mode");
		return;
	}
	found(item, "your processes, user mode only (kernel mode: %s)", strerror(-p->own_kernel));
	costs(item, "no kernel frames: shares are of user time, time in the kernel is a figure of "
		    "its own");
	mend(item, REMEDY_SUDO);
	mend(item, REMEDY_SETCAP);
	mend(item, REMEDY_PARANOID_1);
}

static void check_everybody(const struct check_facts *f, struct check_items *items)
{
	bool all = rights_may_sample_all(&f->rights);
	bool ok = f->permits.everybody == 0 && all;
	struct check_item *item = add(items, "other users", ok ? CHECK_OK : CHECK_LACKS);
	if (ok) {
		found(item, "their processes, and the whole system");
		return;
	}
	found(item, "not their processes%s", f->permits.everybody ? ", not the whole system" : "");
	costs(item, "'attach' takes processes of your own only");
	if (f->permits.own_user < 0 && f->rights.under_seccomp) {
		mend(item, REMEDY_CONTAINER);
	} else {
		mend(item, REMEDY_SUDO);
		mend(item, REMEDY_SETCAP);
	}
}

static void check_paranoid(const struct check_facts *f, struct check_items *items)
{
	int64_t level = f->rights.perf_paranoid;
	if (level == RIGHTS_UNKNOWN) {
		struct check_item *item = add(items, "perf_event_paranoid", CHECK_LACKS);
		found(item, "not there");
		costs(item, "the kernel has no perf_event_open, or /proc/sys is hidden from us");
		return;
	}
	struct check_item *item = add(items, "perf_event_paranoid", CHECK_OK);
	const char *means = level > 2    ? "ordinary users may sample nothing"
			    : level == 2 ? "ordinary users sample their own processes in user mode"
			    : level == 1
				    ? "ordinary users sample their own processes, kernel mode too"
			    : level == 0 ? "ordinary users sample all CPUs"
					 : "everybody may do everything";
	found(item, "%" PRId64 ": %s", level, means);
}

static void check_rate(const struct check_facts *f, struct check_items *items)
{
	int64_t limit_hz = f->rights.max_sample_rate_hz;
	if (limit_hz == RIGHTS_UNKNOWN)
		return;
	/* Some periods are shorter than the mean: sampler/perf.c. */
	int64_t usable_hz = limit_hz * 7 / 10;
	bool ok = usable_hz >= f->rate_hz;
	struct check_item *item = add(items, "max_sample_rate", ok ? CHECK_OK : CHECK_LACKS);
	if (f->rights.cpu_time_max_percent > 0)
		found(item,
		      "%" PRId64 " a second; the kernel lowers it beyond %" PRId64 " %% of a CPU",
		      limit_hz, f->rights.cpu_time_max_percent);
	else
		found(item, "%" PRId64 " a second", limit_hz);
	if (ok)
		return;
	costs(item, "%" PRId64 " samples a second at most, not %u", usable_hz, f->rate_hz);
	mend(item, REMEDY_SAMPLE_RATE);
}

static void check_rings(const struct check_facts *f, struct check_items *items)
{
	const struct rights *r = &f->rights;
	if (rights_have(r, CAP_IPC_LOCK) || r->perf_paranoid < 0 ||
	    r->mlock_kib == RIGHTS_UNKNOWN || f->locked_memory.rlim_cur == RLIM_INFINITY) {
		found(add(items, "ring memory", CHECK_OK), "as much as wanted");
		return;
	}
	/* Source: kernel/events/core.c, perf_mmap: so much a user and CPU, then RLIMIT_MEMLOCK. */
	uint64_t cpus = f->permits.cpus ? f->permits.cpus : 1;
	uint64_t kib = (uint64_t)r->mlock_kib * cpus + f->locked_memory.rlim_cur / 1024;
	bool ok = kib >= RING_KIB_WANTED * cpus;
	struct check_item *item = add(items, "ring memory", ok ? CHECK_OK : CHECK_LACKS);
	found(item,
	      "%.1f MiB for %" PRIu64 " CPUs (perf_event_mlock_kb %" PRId64 ", 'ulimit -l' %" PRIu64
	      ")",
	      (double)kib / 1024, cpus, r->mlock_kib, (uint64_t)f->locked_memory.rlim_cur / 1024);
	if (ok)
		return;
	costs(item, "samples are lost when many threads are busy; how many is shown");
	mend(item, REMEDY_SUDO);
	mend(item, REMEDY_MLOCK);
}

static void check_descriptors(const struct check_facts *f, struct check_items *items)
{
	const struct rights *r = &f->rights;
	uint64_t most = f->descriptors.rlim_max;
	if (rights_have(r, CAP_SYS_RESOURCE) && r->nr_open != RIGHTS_UNKNOWN &&
	    (uint64_t)r->nr_open > most)
		most = (uint64_t)r->nr_open;
	uint32_t threads = perf_families_that_fit(most, f->permits.cpus ? f->permits.cpus : 1);
	bool ok = threads >= THREADS_WANTED;
	struct check_item *item = add(items, "open files", ok ? CHECK_OK : CHECK_LACKS);
	found(item, "%" PRIu64 ", enough for %u threads", most, threads);
	if (ok)
		return;
	costs(item, "'attach' samples the threads of larger processes by turns; new threads are "
		    "sampled at a "
		    "fixed period");
	mend(item, REMEDY_NOFILE);
}

struct capability {
	int number;
	const char *name, *cost;
};

static void check_capabilities(const struct check_facts *f, struct check_items *items)
{
	static const struct capability wanted[] = {
		{ CAP_PERFMON, "PERFMON", "other users and the kernel" },
		{ CAP_SYS_PTRACE, "SYS_PTRACE", "other users' mappings and files" },
		{ CAP_CHECKPOINT_RESTORE, "CHECKPOINT_RESTORE",
		  "deleted files (read from memory)" },
		{ CAP_SYSLOG, "SYSLOG", "names in the kernel" },
		{ CAP_BPF, "BPF", "the bpf backend" },
	};
	bool admin = rights_have(&f->rights, CAP_SYS_ADMIN);
	struct strbuf has = { 0 }, lacks = { 0 };
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		/* The older one stands for those that were cut out of it: capabilities(7). */
		bool ok = rights_have(&f->rights, wanted[i].number) ||
			  (admin && wanted[i].number != CAP_SYS_PTRACE);
		strbuf_printf(ok ? &has : &lacks, "%s%s", (ok ? has : lacks).length ? " " : "",
			      wanted[i].name);
	}
	struct check_item *item = add(items, "capabilities", lacks.length ? CHECK_NOTE : CHECK_OK);
	if (lacks.length && has.length)
		found(item, "%s; not %s", strbuf_text(&has), strbuf_text(&lacks));
	else
		found(item, "%s%s", has.length ? "" : "none of ",
		      strbuf_text(has.length ? &has : &lacks));
	strbuf_deinit(&has);
	strbuf_deinit(&lacks);
	if (item->state == CHECK_OK)
		return;
	struct strbuf cost = { 0 };
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (!rights_have(&f->rights, wanted[i].number) && !admin)
			strbuf_printf(&cost, "%s%s: %s", cost.length ? "; " : "", wanted[i].name,
				      wanted[i].cost);
	costs(item, "%s", strbuf_text(&cost));
	strbuf_deinit(&cost);
	mend(item, REMEDY_SETCAP);
}

static void check_kernel_names(const struct check_facts *f, struct check_items *items)
{
	const struct rights *r = &f->rights;
	bool sampled = f->permits.own_kernel == 0;
	enum check_state state = r->has_kernel_addresses ? CHECK_OK
				 : sampled               ? CHECK_LACKS
							 : CHECK_NOTE;
	struct check_item *item = add(items, "kernel names", state);
	found(item, "%s (kptr_restrict %" PRId64 ")",
	      r->has_kernel_addresses ? "shown" : "hidden from us",
	      r->kptr_restrict == RIGHTS_UNKNOWN ? -1 : r->kptr_restrict);
	if (r->has_kernel_addresses)
		return;
	costs(item, sampled ? "kernel frames have no names"
			    : "nothing, since kernel mode is not sampled");
	if (!sampled)
		return;
	mend(item, r->euid ? REMEDY_SUDO : REMEDY_KPTR_1);
	mend(item, REMEDY_KPTR_0);
}

static void check_ptrace(const struct check_facts *f, struct check_items *items)
{
	int64_t scope = f->rights.ptrace_scope;
	bool ok = scope <= 0 || rights_have(&f->rights, CAP_SYS_PTRACE);
	if (scope == RIGHTS_UNKNOWN) {
		found(add(items, "ptrace_scope", CHECK_OK),
		      "no Yama: memory of your processes is open");
		return;
	}
	struct check_item *item = add(items, "ptrace_scope", ok ? CHECK_OK : CHECK_LACKS);
	found(item, "%" PRId64 "%s", scope,
	      ok           ? ""
	      : scope == 1 ? ": memory of your processes is closed, but for those that 'run' starts"
			   : ": memory of your processes is closed");
	if (ok)
		return;
	costs(item, "binaries of yours that were deleted or replaced while running have no names");
	mend(item, REMEDY_SUDO);
	mend(item, REMEDY_YAMA_0);
}

static void check_counters(const struct check_facts *f, struct check_items *items)
{
	bool ok = f->permits.cycles == 0;
	struct check_item *item = add(items, "hardware counters", ok ? CHECK_OK : CHECK_NOTE);
	if (ok)
		found(item, "there");
	else if (f->permits.cycles == -ENOENT)
		found(item, "none, as in most virtual machines");
	else
		found(item, "not for us (%s)", strerror(-f->permits.cycles));
	if (!ok)
		costs(item, "nothing: CPU time is sampled by the clock (cpu-clock)");
}

static void check_bpf(const struct check_facts *f, struct check_items *items)
{
	bool ok = f->has_bpf && f->bpf == 0;
	struct check_item *item = add(items, "bpf backend", ok ? CHECK_OK : CHECK_NOTE);
	if (ok) {
		found(item, "'--backend bpf' works");
		return;
	}
	costs(item, "stacks deeper than 64 KiB are cut off: 'perf' is the backend");
	if (!f->has_bpf) {
		found(item, "not built in: at the build libbpf, clang or bpftool were missing");
		return;
	}
	bool permitted = rights_have(&f->rights, CAP_BPF) || rights_have(&f->rights, CAP_SYS_ADMIN);
	found(item, "%s (%s; types of the kernel %s)",
	      permitted ? "does not work here" : "not permitted, CAP_BPF is missing",
	      strerror(-f->bpf), f->rights.has_btf ? "there" : "missing");
	if (!permitted)
		mend(item, REMEDY_SUDO);
}

static void check_ptrace_backend(const struct check_facts *f, struct check_items *items)
{
	bool ok = f->ptrace == 0;
	struct check_item *item = add(items, "ptrace backend", ok ? CHECK_OK : CHECK_NOTE);
	if (!ok) {
		found(item, "not permitted (%s)", strerror(-f->ptrace));
		costs(item, "nothing while perf_event_open is permitted");
		return;
	}
	found(item, "'--backend ptrace' works: it stops a thread for some 20 us a sample; 'auto' "
		    "takes it "
		    "only where perf_event_open is refused");
	if (f->permits.own_user == 0)
		return;
	item->state = CHECK_NOTE;
	costs(item,
	      "kernel frames; calls with a relative time-out may last longer, transfers end early; "
	      "set-user-ID programs that CMD starts lack their rights, unless root runs it");
}

static void check_tracefs(const struct check_facts *f, struct check_items *items)
{
	struct check_item *item = add(items, "tracefs", CHECK_NOTE);
	if (f->rights.tracefs[0])
		found(item, "%s", f->rights.tracefs);
	else
		found(item, "not mounted, or not for us");
	costs(item, "nothing: tracepoints are not in this version");
}

static void check_surroundings(const struct check_facts *f, struct check_items *items)
{
	const struct rights *r = &f->rights;
	found(add(items, "seccomp", CHECK_OK), "%s",
	      !r->under_seccomp          ? "no filter"
	      : f->permits.own_user == 0 ? "a filter, which lets perf_event_open pass"
					 : "a filter (see perf_event_open)");
	found(add(items, "cgroups", CHECK_OK), "%s",
	      r->has_cgroup_v1 && r->has_cgroup_v2 ? "v1 and v2"
	      : r->has_cgroup_v2                   ? "v2"
	      : r->has_cgroup_v1                   ? "v1"
						   : "none mounted");
	found(add(items, "container", CHECK_OK), "%s",
	      r->container[0] ? r->container : "no sign of one");
	struct check_item *item = add(items, "namespaces", CHECK_OK);
	found(item, "%s, %s",
	      r->in_user_namespace ? "a user namespace" : "the first user namespace",
	      r->in_pid_namespace ? "a pid namespace" : "the first pid namespace");
	if (r->in_user_namespace || r->in_pid_namespace)
		item->state = CHECK_NOTE;
	if (r->in_pid_namespace)
		costs(item,
		      "processes outside of it are not seen; run perfprof outside to see them");
	else if (r->in_user_namespace)
		costs(item,
		      "being root in it counts as an ordinary user; run perfprof outside of it");
}

static void check_build(const struct check_facts *f, struct check_items *items)
{
	found(add(items, "libraries", CHECK_OK), "%s are built in",
	      f->has_bpf ? "all, also libbpf," : "all but libbpf");
	struct check_item *item = add(items, "debuginfod", CHECK_NOTE);
	found(item, "DEBUGINFOD_URLS %s", f->debuginfod_urls ? "is set" : "is not set");
	costs(item, "nothing is fetched (not in this version): install debug packages for names");
}

static void try_backends(uint32_t rate_hz, struct check_facts *out)
{
	const struct sampler_ops *ops = sampler_find("bpf");
	struct sampler_config config = { .rate_hz = rate_hz, .kernel = true, .children = true };
	out->has_bpf = ops != NULL;
	if (ops)
		out->bpf = ops->probe(&config, NULL);
	out->ptrace = sampler_ptrace.probe(&config, NULL);
}

void check_facts_read(const char *root, uint32_t rate_hz, struct check_facts *out)
{
	*out = (struct check_facts){ .rate_hz = rate_hz };
	rights_read(root, &out->rights);
	perf_permits_try(&out->permits);
	try_backends(rate_hz, out);
	getrlimit(RLIMIT_NOFILE, &out->descriptors);
	getrlimit(RLIMIT_MEMLOCK, &out->locked_memory);
	out->debuginfod_urls = getenv("DEBUGINFOD_URLS");
}

void check_items_make(const struct check_facts *f, struct check_items *out)
{
	out->count = 0;
	check_own(f, out);
	check_everybody(f, out);
	check_paranoid(f, out);
	check_capabilities(f, out);
	check_kernel_names(f, out);
	check_rings(f, out);
	check_rate(f, out);
	check_descriptors(f, out);
	check_ptrace(f, out);
	check_surroundings(f, out);
	check_counters(f, out);
	check_bpf(f, out);
	check_ptrace_backend(f, out);
	check_tracefs(f, out);
	check_build(f, out);
}

bool check_can_profile(const struct check_facts *f)
{
	return f->permits.own_user == 0 || f->ptrace == 0;
}
