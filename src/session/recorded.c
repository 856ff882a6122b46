// SPDX-License-Identifier: MIT
#include "session/recorded.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "sampler/replay.h"
#include "symbol/running_kernel.h"
#include "symbol/symbol.h"

/*
 * Addresses of a kernel mean something only while that very kernel runs, at the same place. A file
 * of perf record tells its build-id; a pipe does not, so that host and release must do.
 */
static bool is_our_kernel(const struct replay_facts *f)
{
	uint8_t ours[OBJECT_BUILD_ID_MAX];
	struct utsname host;
	if (f->kernel.size_bytes)
		return running_kernel_build_id(ours) == f->kernel.size_bytes &&
		       !memcmp(ours, f->kernel.bytes, f->kernel.size_bytes);
	return f->release[0] && f->host[0] && !uname(&host) && !strcmp(host.release, f->release) &&
	       !strcmp(host.nodename, f->host);
}

/* Its text is moved at each boot. */
static bool is_at_our_place(const struct replay_facts *f)
{
	return f->kernel_symbol[0] && f->kernel_symbol_pc &&
	       running_kernel_address(f->kernel_symbol) == f->kernel_symbol_pc;
}

/* perf lists only files that samples hit: the vdso's build-id may be there, or the kernel's, or both. */
static bool has_our_vdso(const struct replay_facts *f)
{
	struct object *ours;
	if (!f->vdso.size_bytes)
		return is_our_kernel(f);
	if (symbol_vdso_object(&ours, NULL) < 0)
		return false;
	bool same = ours->build_id_size == f->vdso.size_bytes &&
		    !memcmp(ours->build_id, f->vdso.bytes, f->vdso.size_bytes);
	object_unref(ours);
	return same;
}

static void look_at_vdso(struct recorded *r)
{
	struct modules_recorded recorded = { .build_id_dir = r->build_id_dir };
	recorded.has_our_vdso = has_our_vdso(replay_facts(r->sampler));
	modules_set_recorded(r->modules, &recorded);
	r->vdso_is_known = true;
}

void recorded_look(struct recorded *r, const struct record *record)
{
	const struct replay_facts *f = replay_facts(r->sampler);
	if (record->kind == RECORD_SAMPLE && !r->clock_has_begun) {
		builder_set_start(r->builder, f->first_ns);
		r->clock_has_begun = true;
	}
	if (record->kind != RECORD_MMAP)
		return;
	if (!r->vdso_is_known)
		look_at_vdso(r);
	if (!r->main_pid && !f->is_system_wide && record->mmap.executable)
		r->main_pid = record->pid;
}

static int note(struct builder *b, uint64_t count, const char *what)
{
	char text[160];
	snprintf(text, sizeof(text), "%llu %s %s", (unsigned long long)count,
		 count == 1 ? "sample" : "samples", what);
	return count ? builder_note(b, text) : 0;
}

static int note_other_events(const struct recorded *r)
{
	const char *name;
	uint64_t samples;
	int status = 0;
	for (size_t i = 0; status == 0 && replay_left_out(r->sampler, i, &name, &samples); i++) {
		char what[128];
		snprintf(what, sizeof(what), "of the event '%s' are left out", name);
		status = note(r->builder, samples, what);
	}
	return status;
}

static int add_notes(const struct recorded *r, const struct replay_facts *f, bool kernel_is_ours)
{
	struct builder *b = r->builder;
	int status = note_other_events(r);
	if (status == 0)
		status = note(b, f->idle_samples, "of the idle task are left out");
	if (status == 0)
		status = note(b, f->guest_samples, "inside virtual machines are left out");
	if (status == 0)
		status = note(b, f->unknown_samples,
			      "of events that are not described are left "
			      "out");
	if (status == 0 && !kernel_is_ours)
		status = builder_note(b, "the kernel that was recorded does not run here: its "
					 "functions have no names");
	if (status == 0 && f->unfinished)
		status =
			builder_note(b, "'perf record' was killed before it had ended: what it had "
					"written is shown");
	if (status == 0 && f->disordered)
		status = builder_note(b, "records were far out of order: some stacks may have been "
					 "read with later mappings");
	return status;
}

/* What reads stacks: our unwinder, or the kernel by frame pointers, or nobody. */
static const char *unwind_name(const struct replay_facts *f)
{
	switch (f->user_half) {
	case USER_HALF_COPIED: return "auto";
	case USER_HALF_CHAIN: return "fp";
	default: return "none";
	}
}

int recorded_finish(struct recorded *r, struct names *names)
{
	const struct replay_facts *f = replay_facts(r->sampler);
	struct profile_meta *meta = builder_meta(r->builder);
	bool kernel_is_ours = is_our_kernel(f) && is_at_our_place(f);
	if (kernel_is_ours && names_release_kernel(names) < 0)
		return -ENOMEM;
	struct sampler_stats stats;
	sampler_replay.stats(r->sampler, &stats);
	meta->command = builder_intern(r->builder, f->command);
	meta->host = builder_intern(r->builder, f->host);
	meta->kernel = builder_intern(r->builder, f->release);
	meta->event = builder_intern(r->builder, f->event);
	meta->unwind = builder_intern(r->builder, unwind_name(f));
	meta->cpus = f->cpus;
	meta->rate_hz = stats.rate_hz;
	meta->kernel_sampled = stats.kernel;
	meta->duration_ns = f->last_ns - f->first_ns;
	if (f->moment_ns)
		meta->start_unix_ns = f->moment_unix_ns - f->moment_ns + f->first_ns;
	if (r->main_pid > 0 && builder_target_pid(r->builder, (uint32_t)r->main_pid) < 0)
		return -ENOMEM;
	return add_notes(r, f, kernel_is_ours || !names_has_kernel(names));
}
