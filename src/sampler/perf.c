// SPDX-License-Identifier: MIT
#include "sampler/sampler.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <asm/perf_regs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cursor.h"
#include "base/vec.h"

enum { RING_BYTES = 16 << 20, MAXCPU = 64 };
struct ring { struct perf_event_mmap_page *page; uint64_t tail, head; uint8_t *scratch; bool shown; uint32_t shown_size; };
struct perf { struct sampler base; struct sampler_config c; int ncpu; int owner[MAXCPU]; struct ring rings[MAXCPU]; VEC(int) fds; struct record rec; int cur; uint64_t safe; bool off; struct sampler_stats st; uint64_t pcs[200]; };

static int pe(struct perf_event_attr *a, pid_t pid, int cpu) { return (int)syscall(SYS_perf_event_open, a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC); }
static int b_probe(const struct sampler_config *c, struct error *e) { (void)c; (void)e; return 0; }
static int b_open(const struct sampler_config *c, struct sampler **out, struct error *err)
{
	struct perf *p = calloc(1, sizeof(*p));
	p->base.ops = &sampler_perf; p->c = *c; p->cur = -1;
	p->ncpu = (int)sysconf(_SC_NPROCESSORS_ONLN);
	for (int i = 0; i < p->ncpu; i++) {
		struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_DUMMY, .size = sizeof(a), .use_clockid = 1, .clockid = CLOCK_MONOTONIC, .exclude_kernel = 1, .disabled = 1, .sample_id_all = 1, .sample_type = PERF_SAMPLE_IDENTIFIER|PERF_SAMPLE_TID|PERF_SAMPLE_TIME };
		p->owner[i] = pe(&a, 0, i);
		if (p->owner[i] < 0) return fail_errno(err, "cannot open");
		p->rings[i].page = mmap(NULL, RING_BYTES + 4096, PROT_READ|PROT_WRITE, MAP_SHARED, p->owner[i], 0);
		if (p->rings[i].page == MAP_FAILED) return fail_errno(err, "cannot map");
		p->rings[i].scratch = malloc(1 << 17);
	}
	p->st.rate_hz = c->rate_hz; p->st.kernel = c->kernel; p->st.stack_bytes = 65528;
	*out = &p->base; return 0;
}
static int add(struct perf *p, pid_t tid, bool on_exec, struct error *err)
{
	for (int i = 0; i < p->ncpu; i++) {
		struct perf_event_attr a = { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_CPU_CLOCK, .size = sizeof(a), .use_clockid = 1, .clockid = CLOCK_MONOTONIC, .disabled = 1, .inherit = 1, .enable_on_exec = on_exec, .sample_id_all = 1, .mmap = 1, .mmap2 = 1, .comm = 1, .comm_exec = 1, .task = 1, .exclude_callchain_user = 1, .build_id = 1, .exclude_hv = 1, .exclude_kernel = !p->c.kernel,
			.sample_type = PERF_SAMPLE_IDENTIFIER|PERF_SAMPLE_IP|PERF_SAMPLE_TID|PERF_SAMPLE_TIME|PERF_SAMPLE_CALLCHAIN|PERF_SAMPLE_REGS_USER|PERF_SAMPLE_STACK_USER,
			.sample_period = 1000000000 / p->c.rate_hz, .sample_regs_user = 0xff0fff & ~(1u<<PERF_REG_X86_FLAGS) & ~(1u<<PERF_REG_X86_CS)&~(1u<<PERF_REG_X86_SS), .sample_stack_user = 65528, .watermark = 1, .wakeup_watermark = RING_BYTES/2 };
		int fd = pe(&a, tid, i);
		if (fd < 0) return fail_errno(err, "cannot open for %d", (int)tid);
		if (ioctl(fd, PERF_EVENT_IOC_SET_OUTPUT, p->owner[i]) < 0) return fail_errno(err, "cannot set output");
		vec_push(&p->fds, fd);
	}
	return 0;
}
static int b_add(struct sampler *s, pid_t pid, struct error *err)
{
	char path[64]; snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *d = opendir(path); if (!d) return fail(err, -ESRCH, "no process %d", pid);
	int r = 0;
	for (struct dirent *e; r == 0 && (e = readdir(d));) { int tid = atoi(e->d_name); if (tid > 0) r = add((struct perf *)s, tid, false, err); }
	closedir(d); return r;
}
static int b_exec(struct sampler *s, pid_t pid, struct error *err) { return add((struct perf *)s, pid, true, err); }
static int b_arm(struct sampler *s, struct error *err) { (void)err; struct perf *p = (struct perf *)s; if (p->fds.count != (size_t)p->ncpu || 1) for (size_t i = 0; i < p->fds.count; i++) { if (getenv("X")) continue; ioctl(p->fds.at[i], PERF_EVENT_IOC_ENABLE, 0); } return 0; }
static uint64_t b_rearm(struct sampler *s, uint64_t now) { (void)s; return now + 10000000; }
static void dec(struct perf *p, const struct perf_event_header *h, struct cursor c)
{
	struct record *r = &p->rec; *r = (struct record){ 0 };
	if (h->type == PERF_RECORD_SAMPLE) {
		r->kind = RECORD_SAMPLE; cursor_u64(&c); r->sample.pc = cursor_u64(&c); r->pid = (pid_t)cursor_u32(&c); r->tid = (pid_t)cursor_u32(&c); r->time_ns = cursor_u64(&c);
		uint64_t n = cursor_u64(&c); uint32_t k = 0;
		for (uint64_t i = 0; i < n && !c.bad; i++) { uint64_t v = cursor_u64(&c); if (v < (uint64_t)-4095 && k < 200) p->pcs[k++] = v; }
		r->sample.kernel_pcs = p->pcs; r->sample.kernel_pc_count = k; r->sample.in_kernel = (h->misc & 7) == PERF_RECORD_MISC_KERNEL;
		uint64_t abi = cursor_u64(&c);
		static const int order[] = {0,3,2,1,4,5,6,7,16,8,9,10,11,12,13,14,15};
		if (abi) for (int i = 0; i < 17; i++) r->sample.registers[order[i]] = cursor_u64(&c);
		r->sample.has_registers = abi == 2; r->sample.abi_32bit = abi == 1;
		uint64_t size = cursor_u64(&c);
		if (size) { r->sample.stack = cursor_take(&c, size); r->sample.stack_size_bytes = (uint32_t)cursor_u64(&c); r->sample.stack_copy_full = r->sample.stack_size_bytes == size; }
		return;
	}
	r->pid = (pid_t)cursor_u32(&c); r->tid = (pid_t)cursor_u32(&c);
	struct cursor t = cursor_of(c.end - 24, 24); cursor_u64(&t); r->time_ns = cursor_u64(&t);
	t = cursor_of(c.end - 16, 8); r->time_ns = cursor_u64(&t);
	if (h->type == PERF_RECORD_MMAP2) { r->kind = RECORD_MMAP; r->mmap.start = cursor_u64(&c); r->mmap.end = r->mmap.start + cursor_u64(&c); r->mmap.file_off = cursor_u64(&c);
		if (h->misc & (1<<14)) { r->mmap.has_build_id = true; r->mmap.build_id_size = cursor_u8(&c); cursor_take(&c, 3); const void *b = cursor_take(&c, 20); if (b) memcpy(r->mmap.build_id, b, 20); }
		else { uint64_t maj = cursor_u32(&c); r->mmap.device = maj << 32 | cursor_u32(&c); r->mmap.inode = cursor_u64(&c); cursor_u64(&c); }
		r->mmap.executable = cursor_u32(&c) & PROT_EXEC; cursor_u32(&c); r->mmap.path = cursor_string(&c); }
	else if (h->type == PERF_RECORD_COMM) { r->kind = RECORD_COMM; r->comm.is_exec = h->misc & PERF_RECORD_MISC_COMM_EXEC; r->comm.comm = cursor_string(&c); }
	else if (h->type == PERF_RECORD_FORK || h->type == PERF_RECORD_EXIT) { r->kind = h->type == PERF_RECORD_FORK ? RECORD_FORK : RECORD_EXIT; pid_t pp = r->tid; r->tid = (pid_t)cursor_u32(&c); r->fork.parent_pid = pp; r->fork.parent_tid = (pid_t)cursor_u32(&c); }
	else if (h->type == PERF_RECORD_LOST) { r->kind = RECORD_LOST; r->lost.count = cursor_u64(&c); }
}
static const struct perf_event_header *front(struct ring *r)
{
	if (r->tail == r->head) { r->head = __atomic_load_n(&r->page->data_head, __ATOMIC_ACQUIRE); if (r->tail == r->head) return NULL; }
	const uint8_t *data = (uint8_t *)r->page + 4096; uint64_t off = r->tail & (RING_BYTES - 1);
	const struct perf_event_header *h = (const void *)(data + off);
	r->shown_size = h->size;
	if (off + h->size > RING_BYTES) { size_t a = RING_BYTES - off; memcpy(r->scratch, data + off, a); memcpy(r->scratch + a, data, h->size - a); return (void *)r->scratch; }
	return h;
}
static bool b_peek(struct sampler *s, const struct record **out)
{
	struct perf *p = (struct perf *)s; uint64_t best = UINT64_MAX; p->cur = -1; struct record keep;
	uint64_t lim = p->off ? UINT64_MAX : monotonic_ns() - 2000000;
	for (int i = 0; i < p->ncpu; i++) { const struct perf_event_header *h = front(&p->rings[i]); if (!h) continue; dec(p, h, cursor_of((const uint8_t *)h + 8, h->size - 8)); if (p->rec.time_ns < best) { best = p->rec.time_ns; p->cur = i; keep = p->rec; } }
	if (p->cur < 0 || best >= lim) return false;
	const struct perf_event_header *h = front(&p->rings[p->cur]); dec(p, h, cursor_of((const uint8_t *)h + 8, h->size - 8)); keep = p->rec; (void)keep;
	*out = &p->rec; return true;
}
static void b_consume(struct sampler *s) { struct perf *p = (struct perf *)s; struct ring *r = &p->rings[p->cur]; front(r); r->tail += r->shown_size; __atomic_store_n(&r->page->data_tail, r->tail, __ATOMIC_RELEASE); }
static void b_disarm(struct sampler *s) { struct perf *p = (struct perf *)s; for (size_t i = 0; i < p->fds.count; i++) ioctl(p->fds.at[i], PERF_EVENT_IOC_DISABLE, 0); p->off = true; }
static void b_stats(const struct sampler *s, struct sampler_stats *o) { *o = ((const struct perf *)s)->st; }
static void b_destroy(struct sampler *s) { struct perf *p = (struct perf *)s; for (size_t i = 0; i < p->fds.count; i++) close(p->fds.at[i]); free(p); }
const struct sampler_ops sampler_perf = { "perf", b_probe, b_open, b_add, b_exec, b_arm, b_rearm, b_peek, b_consume, b_disarm, b_stats, b_destroy };
