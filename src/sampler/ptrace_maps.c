// SPDX-License-Identifier: MIT
#include "sampler/ptrace.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "process/maps_file.h"

/*
 * Nothing tells a tracer of new mappings, short of stopping at every system call. So /proc/PID/maps is read again
 * and again: as often as a fortieth of our time permits, more often when there is a sign of something new,
 * and before each sample while a program starts.
 */
enum {
	COST_FACTOR = 40,
	COST_FACTOR_IN_DOUBT = 4,
	YOUNG_NS = 50 * 1000 * 1000,
	TEXT_FIRST_BYTES = 64 << 10,
	TEXT_MOST_BYTES = 16 << 20,
	SIZE_BYTES = 128,
};

static int open_of(pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Source: proc(5), statm: the first number is the size of all mappings, in pages. */
static uint64_t read_pages(struct ptrace_process *process)
{
	char text[SIZE_BYTES];
	if (process->size_fd < 0)
		process->size_fd = open_of(process->pid, "statm");
	ssize_t n = process->size_fd < 0 ? -1 : pread(process->size_fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	return strtoull(text, NULL, 10);
}

static bool read_text(struct ptrace_sampler *p, int fd, size_t *out_bytes)
{
	size_t bytes = 0;
	for (;;) {
		if (bytes == p->text_bytes) {
			size_t wanted = bytes ? 2 * bytes : TEXT_FIRST_BYTES;
			char *more = wanted > TEXT_MOST_BYTES ? NULL : realloc(p->text, wanted);
			if (!more)
				break;
			p->text = more;
			p->text_bytes = wanted;
		}
		ssize_t n = pread(fd, p->text + bytes, p->text_bytes - bytes, (off_t)bytes);
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	*out_bytes = bytes;
	return bytes > 0;
}

static bool is_same(const struct ptrace_range *a, const struct ptrace_range *b)
{
	return a->start == b->start && a->end == b->end && a->file_off == b->file_off &&
	       a->device == b->device && a->inode == b->inode && a->path_hash == b->path_hash;
}

/* Both lists are in order of addresses. @return the next of `known` to compare with */
static size_t find_known(const ptrace_ranges *known, size_t from, uint64_t start)
{
	while (from < known->count && known->at[from].start < start)
		from++;
	return from;
}

static void tell_mapping(struct ptrace_sampler *p, pid_t pid, const struct record_mmap *mmap,
			 uint64_t now_ns)
{
	struct record record = {
		.kind = RECORD_MMAP, .time_ns = now_ns, .pid = pid, .tid = pid, .mmap = *mmap
	};
	ptrace_tell(p, &record, mmap->path, strlen(mmap->path) + 1);
}

static void compare(struct ptrace_sampler *p, struct ptrace_process *process, size_t bytes,
		    uint64_t now_ns, bool tell)
{
	char path[PATH_MAX];
	struct record_mmap mmap;
	struct cursor c = cursor_of(p->text, bytes);
	ptrace_ranges now = { 0 };
	size_t at = 0;
	while (maps_file_next(&c, &mmap, path, sizeof(path))) {
		struct ptrace_range range = { mmap.start,    mmap.end,
					      mmap.file_off, mmap.device,
					      mmap.inode,    hash_bytes(path, strlen(path)) };
		at = find_known(&process->ranges, at, mmap.start);
		bool known = at < process->ranges.count && is_same(&process->ranges.at[at], &range);
		if (!known && tell)
			tell_mapping(p, process->pid, &mmap, now_ns);
		if (!vec_push(&now, range))
			break;
	}
	vec_free(&process->ranges);
	process->ranges.at = now.at;
	process->ranges.count = now.count;
	process->ranges.capacity = now.capacity;
}

void ptrace_maps_read(struct ptrace_sampler *p, struct ptrace_process *process, uint64_t now_ns,
		      bool tell)
{
	size_t bytes;
	uint64_t begin_ns = monotonic_ns();
	if (process->maps_fd < 0)
		process->maps_fd = open_of(process->pid, "maps");
	process->pages = read_pages(process);
	if (process->maps_fd >= 0 && read_text(p, process->maps_fd, &bytes))
		compare(p, process, bytes, now_ns, tell);
	process->maps_read_ns = monotonic_ns();
	process->maps_cost_ns = process->maps_read_ns - begin_ns;
}

static bool is_known(const struct ptrace_process *process, uint64_t pc)
{
	for (size_t i = 0; i < process->ranges.count; i++)
		if (pc >= process->ranges.at[i].start && pc < process->ranges.at[i].end)
			return true;
	return false;
}

void ptrace_maps_look(struct ptrace_sampler *p, struct ptrace_process *process, uint64_t pc,
		      uint64_t now_ns)
{
	uint64_t since_ns = monotonic_ns() - process->maps_read_ns;
	bool doubt = since_ns > process->maps_cost_ns * COST_FACTOR_IN_DOUBT &&
		     (!is_known(process, pc) || read_pages(process) != process->pages);
	bool young = now_ns < process->born_ns + YOUNG_NS;
	if (young || doubt || since_ns > process->maps_cost_ns * COST_FACTOR)
		ptrace_maps_read(p, process, now_ns, true);
}

void ptrace_maps_forget(struct ptrace_process *process)
{
	if (process->maps_fd >= 0)
		close(process->maps_fd);
	if (process->size_fd >= 0)
		close(process->size_fd);
	process->maps_fd = process->size_fd = -1;
	process->ranges.count = 0;
}
