// SPDX-License-Identifier: MIT
/*
 * Runs a program and unwinds each sample twice, by perfprof's walker and by libunwind, over the
 *same registers and stack copy. Prints each difference, then
 *
 *	N stacks, M identical, K explained, D different
 *
 * and exits with 1 if more than one in 1,000 differs without an explanation (77: no right to
 *sample). Usage: unwind [-F HZ] [-s STACK_BYTES] [-n LIMIT] [-tv] PROGRAM [ARG...]
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record.h"
#include "record/reason_text.h"
#include "remote.h"
#include "space.h"
#include "unwind/unwind.h"

enum { FRAMES_MAX = 16384 };

struct oracle {
	struct spaces spaces;
	struct unwind_cache *cache;
	bool verbose, show_truncated;
	unsigned stacks, identical, explained, different, shown;
	unsigned reasons[UNWIND_REASON_COUNT];
	uint64_t frames;
	uint64_t ours[FRAMES_MAX];
	struct remote_frame theirs[FRAMES_MAX];
};

static void code_at(void *context, uint64_t pc, struct unwind_code *out)
{
	const struct map *map = space_find(context, pc);
	if (!map)
		return;
	out->start = map->start;
	out->end = map->end;
	out->bias = map->bias;
	out->lookup = LOOKUP_NO_CFI;
	if (map->image && !map->image->object)
		out->lookup = LOOKUP_UNREADABLE;
	if (map->image && map->image->table) {
		out->table = map->image->table;
		out->lookup = LOOKUP_TABLE;
	}
}

static bool read_memory(void *context, enum unwind_memory kind, uint64_t address, void *out,
			size_t size_bytes)
{
	return kind == MEMORY_CODE && space_read(context, address, out, size_bytes);
}

static void print_frame(const struct space *s, uint64_t pc)
{
	const struct map *map = space_find(s, pc);
	printf("%16" PRIx64 " %s+0x%" PRIx64 "\n", pc, map && map->image ? map->image->path : "?",
	       map ? pc - map->bias : 0);
}

/* Is libunwind's frame ours? Ours has 1 taken off where a call is before it. */
static bool is_same(const struct oracle *o, unsigned i, unsigned count)
{
	bool called = i && !o->theirs[i].interrupted;
	bool signal_frame = i + 1 < count && o->theirs[i + 1].interrupted;
	if (called && !signal_frame && i + 1 == count && o->theirs[i].pc == o->ours[i])
		return true; /* makecontext's trampoline */
	return o->theirs[i].pc - (called && !signal_frame) == o->ours[i];
}

/*
 * Differences whose truth was looked up with gdb. `same` frames agree; the last of these was
 * stepped out of differently. Only a walk that reaches an outermost frame counts as explained.
 *
 * - node 20 at 0x1594998, the `ret` of v8::internal::GetCurrentStackPosition: gcc's CFI says that
 * rbp is saved at CFA - 16, but `pop %rbp` has run. libunwind reads that slot, below rsp, and gives
 * up a frame later; the registers of the sample hold the caller's rbp. Always so behind `pop %rbp`.
 * - Code without CFI (node's builtins, Go, musl), and where libunwind 1.6.2 as Debian builds it
 * finds none (no .eh_frame_hdr, as in static programs; only .debug_frame): it guesses from rbp,
 * which at the first instruction is still the caller's, and forgets the other registers.
 *
 * @return NULL if there is none
 */
static const char *explanation(const struct oracle *o, const struct unwind_result *r,
			       unsigned theirs, unsigned same, int end)
{
	if (r->reason != UNWIND_ROOT)
		return NULL;
	if (same == theirs && end < 0)
		return "libunwind gives up, as it trusts a saved rbp that has been popped";
	if (r->count == 1 && same == 1 && theirs == 2 && end < 0)
		return "the first instruction of _start: libunwind takes argc for a return address";
	for (unsigned i = 0; i < same; i++) {
		if (!o->theirs[i].has_cfi)
			return "libunwind knows no CFI for a frame and guesses";
	}
	return NULL;
}

static void show(struct oracle *o, const struct dump *d, const struct unwind_result *r, unsigned n,
		 unsigned same, int end, const char *why)
{
	const struct space *s = space_of(&o->spaces, d->pid);
	if (o->shown++ >= 20 && !o->verbose)
		return;
	printf("pid %d: %u frames (%s), libunwind %u (%d), the same up to %u%s%s\n", d->pid,
	       r->count, unwind_reason_id(r->reason), n, end, same, why ? "; explained: " : "",
	       why ? why : "");
	printf("  rsp %" PRIx64 " rbp %" PRIx64 " copy %u\n", d->registers[REGISTER_RSP],
	       d->registers[REGISTER_RBP], d->stack_size_bytes);
	for (unsigned i = same > 3 ? same - 3 : 0; i < same + 3; i++) {
		if (i < r->count)
			printf("  ours   %2u ", i), print_frame(s, o->ours[i]);
		if (i < n && (i >= r->count || i >= same))
			printf("  theirs %2u ", i), print_frame(s, o->theirs[i].pc);
	}
}

static void compare(void *context, const struct dump *d)
{
	struct oracle *o = context;
	struct space *space = space_of(&o->spaces, d->pid);
	struct unwind_env env = { .context = space,
				  .code_at = code_at,
				  .read_memory = read_memory,
				  .stack = d->stack,
				  .stack_start = d->registers[REGISTER_RSP],
				  .stack_size_bytes = d->stack_size_bytes,
				  .stack_copy_full = d->stack_copy_full };
	struct unwind_result r;
	int end = 0;
	if (o->spaces.changed)
		unwind_cache_flush(o->cache);
	o->spaces.changed = false;
	unwind_walk(&env, d->registers, o->cache, (uint32_t)d->pid, o->ours, FRAMES_MAX, &r);
	unsigned n = remote_unwind(d, space, o->theirs, FRAMES_MAX, &end), same = 0;
	while (same < n && same < r.count && is_same(o, same, n))
		same++;
	o->stacks++;
	o->frames += r.count;
	o->reasons[r.reason]++;
	if (o->show_truncated && r.reason != UNWIND_ROOT)
		show(o, d, &r, n, r.count, end, NULL);
	if (same == n && same == r.count) {
		o->identical++;
		return;
	}
	const char *why = explanation(o, &r, n, same, end);
	*(why ? &o->explained : &o->different) += 1;
	show(o, d, &r, n, same, end, why);
}

int main(int argc, char **argv)
{
	static struct oracle o;
	unsigned rate = 997, limit = 2000;
	uint32_t stack = 65528;
	for (int c; (c = getopt(argc, argv, "+F:s:n:tv")) != -1;) {
		switch (c) {
		case 'F': rate = (unsigned)atoi(optarg); break;
		case 's': stack = (uint32_t)atoi(optarg); break;
		case 'n': limit = (unsigned)atoi(optarg); break;
		case 't': o.show_truncated = true; break;
		case 'v': o.verbose = true; break;
		default:
			errx(2, "usage: unwind [-F HZ] [-s STACK_BYTES] [-n LIMIT] [-tv] PROGRAM "
				"[ARG...]");
		}
	}
	if (optind == argc || !rate)
		errx(2, "no program given");
	o.cache = unwind_cache_create();
	if (!o.cache)
		errx(1, "no memory");
	record_program(argv + optind, rate, stack, limit, &o.spaces, compare, &o);
	for (unsigned i = 0; i < UNWIND_REASON_COUNT; i++) {
		if (o.reasons[i])
			printf("%s: %u\n", unwind_reason_id((enum unwind_reason)i), o.reasons[i]);
	}
	printf("%.1f frames a stack\n", o.stacks ? (double)o.frames / o.stacks : 0);
	printf("%u stacks, %u identical, %u explained, %u different\n", o.stacks, o.identical,
	       o.explained, o.different);
	return o.different * 1000 > o.stacks;
}
