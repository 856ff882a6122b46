// SPDX-License-Identifier: MIT
/*
 * Replays a perf.data file or stream. What comes out must be readable where it points to, and in
 * order of time where nothing had to be forced.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/replay.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static volatile uint64_t sink;

static void touch(const void *at, size_t size_bytes)
{
	const uint8_t *p = at;
	for (size_t i = 0; i < size_bytes; i++)
		sink += p[i];
}

static void touch_record(const struct record *r)
{
	switch (r->kind) {
	case RECORD_SAMPLE:
		touch(r->sample.kernel_pcs, r->sample.kernel_pc_count * sizeof(uint64_t));
		touch(r->sample.user_pcs, r->sample.user_pc_count * sizeof(uint64_t));
		touch(r->sample.stack, r->sample.stack_size_bytes);
		break;
	case RECORD_MMAP: touch(r->mmap.path, strlen(r->mmap.path) + 1); break;
	case RECORD_COMM: touch(r->comm.comm, strlen(r->comm.comm) + 1); break;
	default: break;
	}
}

static void play(struct sampler *s)
{
	const struct record *r;
	struct error err = { 0 };
	while (sampler_replay.peek(s, &r)) {
		touch_record(r);
		sampler_replay.consume(s);
	}
	const struct replay_facts *f = replay_facts(s);
	sink += strlen(f->command) + strlen(f->host) + strlen(f->release) + strlen(f->event);
	if (replay_status(s, &err) < 0 && !err.text[0])
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct sampler *s;
	struct error err = { 0 };
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || write(fd, bytes, size_bytes) != (ssize_t)size_bytes)
		abort();
	if (replay_open(fd, NULL, 0, &s, &err) == 0) {
		play(s);
		sampler_replay.destroy(s);
	} else if (!err.text[0]) {
		abort();
	}
	close(fd);
	return 0;
}
