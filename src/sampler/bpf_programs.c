// SPDX-License-Identifier: MIT
#include "sampler/bpf.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum { RING_BYTES = 16 << 20 };

/* libbpf prints by itself unless told otherwise; what it says is of use to developers only. */
static int print_nothing(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level;
	(void)format;
	(void)arguments;
	return 0;
}

static int refuse(int code, struct error *err)
{
	if (code == -EPERM || code == -EACCES)
		return fail(err, code,
			    "BPF programs may not be loaded: run as root, or with the capabilities "
			    "BPF and PERFMON");
	return fail(err, code,
		    "this kernel does not take perfprof's BPF programs (%s); they need Linux 5.17 "
		    "and /sys/kernel/btf/vmlinux",
		    strerror(-code));
}

static int set_sizes(struct bpf *b)
{
	int cpus = libbpf_num_possible_cpus();
	if (cpus < 1)
		return -EINVAL;
	b->counter_count = (uint32_t)cpus;
	int r = bpf_map__set_max_entries(b->programs->maps.walks, b->counter_count);
	if (r == 0)
		r = bpf_map__set_max_entries(b->programs->maps.cpus, b->counter_count);
	if (r == 0)
		r = bpf_map__set_max_entries(b->programs->maps.ring, RING_BYTES);
	return r;
}

struct pid_namespace_found { /* as struct whoami of the programs */
	uint32_t level, inum;
};

/* The first pid namespace has this inode for ever: PROC_PID_INIT_INO of include/linux/proc_ns.h. */
static bool is_first_pid_namespace(void)
{
	struct stat own;
	return stat("/proc/self/ns/pid", &own) == 0 && own.st_ino == 0xeffffffc;
}

/*
 * The programs compare pids as our own namespace numbers them. Where that is not the first one, an object asks
 * which it is; to load it takes half as long as to load the programs themselves.
 */
static int find_pid_namespace(struct pid_namespace_found *out)
{
	if (is_first_pid_namespace())
		return 0;
	struct sample_bpf *asking = sample_bpf__open();
	if (!asking)
		return -errno;
	struct bpf_program *program;
	bpf_object__for_each_program(program, asking->obj)
		bpf_program__set_autoload(program, program == asking->progs.whoami);
	LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = out, .ctx_size_in = sizeof(*out));
	int r = sample_bpf__load(asking);
	if (r == 0)
		r = bpf_prog_test_run_opts(bpf_program__fd(asking->progs.whoami), &run);
	if (r == 0 && run.retval)
		r = -EINVAL;
	sample_bpf__destroy(asking);
	return r;
}

static bool has_tracepoint(const char *name)
{
	return libbpf_find_vmlinux_btf_id(name, BPF_TRACE_RAW_TP) > 0;
}

static int map_counters(struct bpf *b, struct error *err)
{
	void *at = mmap(NULL, b->counter_count * sizeof(*b->counters), PROT_READ, MAP_SHARED,
			bpf_map__fd(b->programs->maps.cpus), 0);
	if (at == MAP_FAILED)
		return fail_errno(err, "cannot map the counters of the BPF programs");
	b->counters = at;
	return 0;
}

/* Programs can tell membership in the unified hierarchy only (bpf_current_task_under_cgroup). */
static int set_cgroup(struct bpf *b, struct error *err)
{
	uint32_t first = 0;
	int fd = b->config.cgroup_fd;
	if (bpf_map_update_elem(bpf_map__fd(b->programs->maps.cgroups), &first, &fd, BPF_ANY) < 0)
		return fail_errno(err, "cannot sample the control group as one");
	return 0;
}

static int open_parts(struct bpf *b, struct error *err)
{
	struct bpf_store_fds fds = {
		.blocks = bpf_map__fd(b->programs->maps.blocks),
		.rules = bpf_map__fd(b->programs->maps.rules),
		.tables = bpf_map__fd(b->programs->maps.tables),
	};
	int r = bpf_store_open(&b->store, &fds, err);
	if (r == 0)
		r = bpf_spaces_open(&b->spaces, bpf_map__fd(b->programs->maps.spaces),
				    bpf_map__fd(b->programs->maps.mappings), err);
	if (r == 0)
		r = bpf_ring_open(&b->ring, bpf_map__fd(b->programs->maps.ring), RING_BYTES, err);
	if (r == 0 && b->config.scope == SCOPE_CGROUP)
		r = set_cgroup(b, err);
	return r == 0 ? map_counters(b, err) : r;
}

/* Attaching enables a clock. */
static int attach_clocks(struct bpf *b)
{
	int r = 0;
	for (uint32_t i = 0; r == 0 && i < b->cpu_count; i++) {
		struct bpf_clock *clock = &b->clocks[i];
		clock->link = bpf_program__attach_perf_event(b->programs->progs.on_tick, clock->fd);
		if (!clock->link)
			r = -errno;
	}
	return r;
}

static int open_and_load(struct bpf *b, const struct pid_namespace_found *own, bool with_mmap)
{
	sample_bpf__destroy(b->programs);
	b->programs = sample_bpf__open();
	if (!b->programs)
		return -errno;
	b->programs->rodata->pid_level = own->level;
	b->programs->rodata->pid_ns_inum = own->inum;
	b->programs->rodata->filter = b->config.scope == SCOPE_SYSTEM   ? FILTER_ALL
				      : b->config.scope == SCOPE_CGROUP ? FILTER_CGROUP
									: FILTER_TREE;
	b->programs->rodata->follow_children = b->config.children;
	bpf_program__set_autoload(b->programs->progs.whoami, false);
	bpf_program__set_autoload(b->programs->progs.on_mmap, with_mmap);
	int r = set_sizes(b);
	return r == 0 ? sample_bpf__load(b->programs) : r;
}

int bpf_programs_load(struct bpf *b, struct error *err)
{
	struct pid_namespace_found own = { 0, 0 };
	libbpf_set_print(print_nothing);
	int r = find_pid_namespace(&own);
	if (r == 0)
		r = open_and_load(b, &own, true);
	/* To ask first would read all types of the kernel once more: a fifth of what loading takes. */
	if (r < 0 && r != -EPERM && r != -EACCES && !has_tracepoint("vm_unmapped_area"))
		r = open_and_load(b, &own, false);
	if (r < 0)
		return refuse(r, err);
	b->stats.ring_bytes = RING_BYTES;
	r = open_parts(b, err);
	if (r < 0)
		return r;
	bpf_program__set_autoattach(b->programs->progs.on_tick, false);
	r = sample_bpf__attach(b->programs);
	if (r == 0)
		r = attach_clocks(b);
	return r < 0 ? refuse(r, err) : 0;
}

void bpf_programs_arm(struct bpf *b)
{
	__atomic_store_n(&b->programs->bss->armed, 1, __ATOMIC_RELEASE);
}

void bpf_programs_unload(struct bpf *b)
{
	bpf_ring_close(&b->ring);
	bpf_spaces_close(&b->spaces);
	bpf_store_close(&b->store);
	if (b->counters)
		munmap((void *)(uintptr_t)b->counters, b->counter_count * sizeof(*b->counters));
	b->counters = NULL;
	sample_bpf__destroy(b->programs);
	b->programs = NULL;
}
