// SPDX-License-Identifier: MIT
#include "record.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cursor.h"

enum {
	RING_PAGES = 2048,
	SAMPLE_TYPE =
		PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER,
	REGISTERS_MASK = 0xff01ff, /* ax bx cx dx si di bp sp ip, r8-r15 (asm/perf_regs.h) */
	CPU_MAX = 64,
};

struct stored {
	uint64_t time_ns;
	uint8_t *bytes; /* of the whole record */
};

struct recorder {
	unsigned cpu_count, limit, samples;
	uint32_t stack_bytes;
	int fds[CPU_MAX];
	struct perf_event_mmap_page *rings[CPU_MAX];
	VEC(struct stored) records;
};

static void open_cpu(struct recorder *r, pid_t pid, unsigned cpu, unsigned rate_hz)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(a),
		.config = PERF_COUNT_SW_CPU_CLOCK,
		.sample_period = 1000000000 / rate_hz,
		.sample_type = SAMPLE_TYPE,
		.disabled = 1,
		.inherit = 1,
		.mmap = 1,
		.comm = 1,
		.task = 1,
		.enable_on_exec = 1,
		.mmap2 = 1,
		.comm_exec = 1,
		.sample_id_all = 1,
		.sample_regs_user = REGISTERS_MASK,
		.sample_stack_user = r->stack_bytes,
		.exclude_callchain_user = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &a, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == ENOSYS)) {
		warn("perf_event_open is not permitted");
		exit(77);
	}
	if (fd < 0)
		err(1, "perf_event_open");
	void *ring =
		mmap(NULL, (1 + RING_PAGES) * 4096ul, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		err(1, "mmap of a ring");
	r->fds[cpu] = fd;
	r->rings[cpu] = ring;
}

static void ring_copy(const struct perf_event_mmap_page *ring, uint64_t from, uint8_t *to, size_t n)
{
	const uint8_t *data = (const uint8_t *)ring + ring->data_offset;
	for (size_t done = 0; done < n;) {
		size_t at = (from + done) % ring->data_size;
		size_t part = n - done < ring->data_size - at ? n - done : ring->data_size - at;
		memcpy(to + done, data + at, part);
		done += part;
	}
}

static void store(struct recorder *r, const struct perf_event_header *h, uint8_t *bytes)
{
	struct stored s = { .bytes = bytes };
	if (h->type == PERF_RECORD_SAMPLE) {
		memcpy(&s.time_ns, bytes + 16, 8); /* header, pid and tid, time */
		if (r->samples++ >= r->limit) {
			free(bytes);
			return;
		}
	} else {
		memcpy(&s.time_ns, bytes + h->size - 8, 8); /* sample_id: pid and tid, time */
	}
	if (!vec_push(&r->records, s))
		errx(1, "no memory");
}

static void drain(struct recorder *r, struct perf_event_mmap_page *ring)
{
	uint64_t head = __atomic_load_n(&ring->data_head, __ATOMIC_ACQUIRE), tail = ring->data_tail;
	while (tail < head) {
		struct perf_event_header h;
		ring_copy(ring, tail, (uint8_t *)&h, sizeof(h));
		uint8_t *bytes = malloc(h.size);
		if (!bytes)
			errx(1, "no memory");
		ring_copy(ring, tail, bytes, h.size);
		store(r, &h, bytes);
		tail += h.size;
	}
	__atomic_store_n(&ring->data_tail, tail, __ATOMIC_RELEASE);
}

static pid_t start(char **argv, int *go)
{
	int pipe_fds[2];
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		err(1, "pipe");
	pid_t pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		char c;
		close(pipe_fds[1]); /* or the end of our parent would not be seen */
		if (read(pipe_fds[0], &c, 1) != 1)
			_exit(127);
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	*go = pipe_fds[1];
	return pid;
}

static void sample_of(struct cursor c, void (*visit)(void *, const struct dump *), void *context)
{
	static const uint8_t dwarf[] = { 0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct dump d = { .pid = (pid_t)cursor_u32(&c) };
	cursor_u32(&c);
	cursor_u64(&c);
	if (cursor_u64(&c) != PERF_SAMPLE_REGS_ABI_64)
		return;
	for (unsigned i = 0; i < sizeof(dwarf); i++)
		d.registers[dwarf[i]] = cursor_u64(&c);
	uint64_t size = cursor_u64(&c);
	d.stack = cursor_take(&c, size);
	d.stack_size_bytes = size ? (uint32_t)cursor_u64(&c) : 0;
	d.stack_copy_full = size && d.stack_size_bytes == size; /* a record has 64 KB at most */
	if (!c.bad)
		visit(context, &d);
}

static void replay(const struct stored *s, struct spaces *spaces,
		   void (*visit)(void *, const struct dump *), void *context)
{
	struct perf_event_header h;
	memcpy(&h, s->bytes, sizeof(h));
	struct cursor c = cursor_of(s->bytes + sizeof(h), h.size - sizeof(h));
	if (h.type == PERF_RECORD_SAMPLE) {
		sample_of(c, visit, context);
		return;
	}
	pid_t pid = (pid_t)cursor_u32(&c);
	uint32_t second = cursor_u32(&c);
	if (h.type == PERF_RECORD_FORK && (pid_t)second != pid)
		space_fork(spaces, (pid_t)second, pid);
	if (h.type == PERF_RECORD_COMM && (h.misc & PERF_RECORD_MISC_COMM_EXEC))
		space_exec(spaces, pid);
	if (h.type != PERF_RECORD_MMAP2)
		return;
	uint64_t address = cursor_u64(&c), size = cursor_u64(&c), offset = cursor_u64(&c);
	cursor_take(&c, 24 + 8); /* device, inode, generation; protection, flags */
	space_map(spaces, pid, address, size, offset, cursor_string(&c));
}

static int by_time(const void *a, const void *b)
{
	const struct stored *x = a, *y = b;
	return (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns);
}

void record_program(char **argv, unsigned rate_hz, uint32_t stack_bytes, unsigned limit,
		    struct spaces *spaces, void (*visit)(void *, const struct dump *),
		    void *context)
{
	int go, status;
	static struct recorder r;
	r = (struct recorder){ .limit = limit, .stack_bytes = stack_bytes };
	r.cpu_count = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
	if (r.cpu_count > CPU_MAX)
		r.cpu_count = CPU_MAX;
	pid_t pid = start(argv, &go);
	for (unsigned i = 0; i < r.cpu_count; i++)
		open_cpu(&r, pid, i, rate_hz);
	if (write(go, "g", 1) != 1)
		err(1, "write");
	for (bool running = true; running;) {
		running = waitpid(pid, &status, WNOHANG) == 0;
		for (unsigned i = 0; i < r.cpu_count; i++)
			drain(&r, r.rings[i]);
		usleep(2000);
	}
	close(go);
	qsort(r.records.at, r.records.count, sizeof(*r.records.at), by_time);
	for (size_t i = 0; i < r.records.count; i++)
		replay(&r.records.at[i], spaces, visit, context);
}
