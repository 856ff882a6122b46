// SPDX-License-Identifier: MIT
#include "session/stacks.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../support/elf_builder.h"
#include "base/file.h"

enum {
	TARGET = 5000001, /* a pid that no machine has: /proc says nothing of it */
	OTHER = 5000002,
	BASE = 0x10000000, /* where the file is mapped */
	CODE_BYTES = 0x800,
	SHIFT = 0x200, /* of its addresses against its offsets */
};

struct fixture {
	struct process_table *processes;
	struct builder *builder;
	struct names *names;
	struct modules *modules;
	struct stacks *stacks;
	char path[64];
	uint64_t inode, code_off;
};

/* A program whose code lies at addresses that are other code's offsets in the file. */
static void write_program(struct fixture *f)
{
	static const uint8_t code[CODE_BYTES];
	struct elf_builder b;
	struct strbuf bytes = { 0 };
	struct stat st;
	f->code_off = sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	elf_builder_init(&b, ET_DYN);
	int text = elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				       f->code_off + SHIFT, code, sizeof(code));
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, text);
	elf_build(&b, &bytes);
	strcpy(f->path, "/tmp/stacks_test_XXXXXX");
	int fd = mkstemp(f->path);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, bytes.text, bytes.length, NULL), 0);
	assert_int_equal(fstat(fd, &st), 0);
	f->inode = st.st_ino;
	close(fd);
	strbuf_deinit(&bytes);
}

static int create(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct symbol_config symbols = { .inlines = true };
	write_program(f);
	assert_int_equal(process_table_create(&f->processes, NULL), 0);
	assert_int_equal(builder_create(&f->builder, NULL), 0);
	assert_int_equal(names_create(&symbols, f->builder, &f->names, NULL), 0);
	assert_int_equal(modules_create(f->processes, f->builder, NULL, &f->modules, NULL), 0);
	assert_int_equal(stacks_create(f->processes, f->modules, f->names, f->builder,
				       &(struct session_config){ .kernel = true }, &f->stacks,
				       NULL),
			 0);
	*state = f;
	return 0;
}

static int destroy(void **state)
{
	struct fixture *f = *state;
	stacks_destroy(f->stacks);
	names_destroy(f->names);
	modules_destroy(f->modules);
	builder_destroy(f->builder);
	process_table_destroy(f->processes);
	unlink(f->path);
	free(f);
	return 0;
}

static struct record mapped(const struct fixture *f, pid_t pid, const char *path)
{
	struct record r = { .kind = RECORD_MMAP, .pid = pid, .tid = pid };
	r.mmap = (struct record_mmap){ .start = BASE,
				       .end = BASE + 0x1000,
				       .executable = true,
				       .inode = f->inode,
				       .path = path };
	return r;
}

/* As the session does it. */
static void apply(struct fixture *f, const struct record *r)
{
	bool changed = process_apply(f->processes, r);
	process_id p = process_find(f->processes, r->pid);
	if (changed)
		stacks_forget(f->stacks, p);
	assert_int_equal(modules_open_new(f->modules), 0);
	if (changed)
		assert_int_equal(modules_seen_again(f->modules, p, &r->mmap), 0);
}

/* A sample at `pc` whose frame is the only one: the stack is empty. */
static int sample(struct fixture *f, pid_t pid, uint64_t pc, bool may_wait)
{
	struct record r = { .kind = RECORD_SAMPLE, .pid = pid, .tid = pid };
	r.sample = (struct record_sample){ .pc = pc,
					   .has_registers = true,
					   .registers[REGISTER_PC] = pc };
	return stacks_add(f->stacks, &r, may_wait);
}

/* @return what modules_collect() said of the next thing that the loader has done */
static bool wait_for_loader(struct fixture *f)
{
	struct pollfd p = { .fd = modules_fd(f->modules), .events = POLLIN };
	assert_int_equal(poll(&p, 1, 10000), 1);
	bool stale = modules_collect(f->modules);
	if (stale)
		stacks_forget_all(f->stacks);
	return stale;
}

static struct profile *finish(struct fixture *f)
{
	struct profile *p;
	struct pollfd fd = { .fd = names_fd(f->names), .events = POLLIN };
	assert_int_equal(names_ask_late(f->names), 0);
	while (names_waiting(f->names)) {
		assert_int_equal(poll(&fd, 1, 10000), 1);
		assert_int_equal(names_collect(f->names), 0);
	}
	names_finish(f->names);
	assert_int_equal(builder_freeze(f->builder, &p, NULL), 0);
	assert_int_equal(profile_check(p, NULL), 0);
	return p;
}

/* @return samples whose innermost frame has this address and module path ("": none) */
static uint64_t samples_at(const struct profile *p, uint64_t vaddr, const char *path)
{
	uint64_t n = 0;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct profile_frame *frame =
			&p->frames[p->stack_frame[p->samples[i].stack.v].v];
		const struct profile_module *m = &p->modules[frame->module.v];
		if (frame->vaddr == vaddr && !strcmp(profile_string(p, m->path), path))
			n += p->samples[i].count;
	}
	return n;
}

static void a_sample_waits_for_its_file(void **state)
{
	struct fixture *f = *state;
	struct record r = mapped(f, TARGET, f->path);
	apply(f, &r);
	uint64_t pc = BASE + f->code_off + 0x300;
	assert_int_equal(sample(f, TARGET, pc, true), 0);
	assert_false(wait_for_loader(f));
	assert_int_equal(sample(f, TARGET, pc, true), 0); /* now for its rows */
	wait_for_loader(f);
	assert_int_equal(sample(f, TARGET, pc, true), 1);
	struct profile *p = finish(f);
	assert_int_equal(samples_at(p, f->code_off + SHIFT + 0x300, f->path), 1);
	assert_int_equal(profile_total_count(p), 1);
	profile_destroy(p);
}

/* What was counted by its offset in the file must not be taken for the code at that address. */
static void a_file_that_comes_late_leaves_no_wrong_address(void **state)
{
	struct fixture *f = *state;
	struct record r = mapped(f, TARGET, f->path);
	apply(f, &r);
	assert_int_equal(sample(f, TARGET, BASE + f->code_off + 0x300, false), 1);
	assert_true(wait_for_loader(f));
	assert_int_equal(sample(f, TARGET, BASE + f->code_off + 0x100, false), 1);
	assert_int_equal(sample(f, TARGET, BASE + f->code_off + 0x300, false), 1);
	struct profile *p = finish(f);
	assert_int_equal(samples_at(p, f->code_off + SHIFT + 0x100, f->path), 1);
	assert_int_equal(samples_at(p, f->code_off + SHIFT + 0x300, f->path), 2);
	assert_int_equal(p->module_count, 2);
	profile_destroy(p);
}

static void addresses_beyond_47_bits_are_kept_apart(void **state)
{
	struct fixture *f = *state;
	struct record r = mapped(f, TARGET, "[vsyscall]");
	r.mmap.start = 0xffffffffff600000;
	r.mmap.end = 0xffffffffff601000;
	apply(f, &r);
	assert_int_equal(sample(f, TARGET, 0x7fffff600400, false), 1);
	assert_int_equal(sample(f, TARGET, 0xffffffffff600400, false), 1);
	struct profile *p = finish(f);
	assert_int_equal(samples_at(p, 0x7fffff600400, ""), 1);
	assert_int_equal(samples_at(p, 0x400, "[vsyscall]"), 1);
	profile_destroy(p);
}

/* The first process to map it has a root of its own, or is gone; the second one has the file. */
static void a_file_that_was_out_of_reach_is_tried_again(void **state)
{
	struct fixture *f = *state;
	char hidden[80];
	struct record r = mapped(f, TARGET, f->path);
	snprintf(hidden, sizeof(hidden), "%s.hidden", f->path);
	assert_int_equal(rename(f->path, hidden), 0);
	apply(f, &r);
	wait_for_loader(f);
	assert_int_equal(rename(hidden, f->path), 0);
	uint64_t pc = BASE + f->code_off + 0x300;
	assert_int_equal(sample(f, TARGET, pc, true), 1);
	r.pid = r.tid = OTHER;
	apply(f, &r);
	assert_true(wait_for_loader(f));
	assert_int_equal(sample(f, OTHER, pc, false), 1);
	struct profile *p = finish(f);
	assert_int_equal(samples_at(p, f->code_off + SHIFT + 0x300, f->path), 2);
	profile_destroy(p);
}

static void files_of_one_build_id_share_their_object(void **state)
{
	struct fixture *f = *state;
	char self[4096] = "";
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	struct record r = mapped(f, TARGET, self);
	struct stat st;
	assert_int_equal(stat(self, &st), 0);
	r.mmap.inode = st.st_ino;
	apply(f, &r);
	wait_for_loader(f);
	mapped_id first = { process_mapped_count(f->processes) - 1 };
	r.mmap.device = 1; /* the same file, as another mount shows it */
	r.mmap.start += 0x10000;
	r.mmap.end += 0x10000;
	apply(f, &r);
	wait_for_loader(f);
	mapped_id second = { process_mapped_count(f->processes) - 1 };
	assert_int_not_equal(first.v, second.v);
	assert_ptr_equal(modules_code(f->modules, first, false),
			 modules_code(f->modules, second, false));
}

/*
 * A deep stack in this very process, which so is the live one: a chain of frame pointers through
 * code that lies in no file. The last is the outermost: no caller, no frame pointer.
 */
enum { DEEP_FRAMES = 2000, FRAME_WORDS = 4, COPIED_FRAMES = 100 };

struct deep {
	uint64_t words[DEEP_FRAMES * FRAME_WORDS], copy[COPIED_FRAMES * FRAME_WORDS];
	uint64_t code; /* where it is mapped: a page, frame i's caller at byte i */
	struct record record;
};

static struct deep *deep_make(struct fixture *f)
{
	struct deep *d = calloc(1, sizeof(*d));
	assert_non_null(d);
	void *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(code, MAP_FAILED);
	memset(code, 0x90, 4096); /* nop */
	d->code = (uintptr_t)code;
	struct record r = mapped(f, getpid(), "//anon");
	r.mmap.start = d->code;
	r.mmap.end = d->code + 4096;
	r.mmap.inode = 0;
	apply(f, &r);
	for (unsigned i = 0; i + 1 < DEEP_FRAMES; i++) {
		d->words[FRAME_WORDS * i] = (uintptr_t)&d->words[FRAME_WORDS * (i + 1)];
		d->words[FRAME_WORDS * i + 1] = d->code + i + 1;
	}
	memcpy(d->copy, d->words, sizeof(d->copy));
	d->record = (struct record){ .kind = RECORD_SAMPLE, .pid = getpid(), .tid = getpid() };
	d->record.sample = (struct record_sample){
		.pc = d->code,
		.has_registers = true,
		.registers[REGISTER_PC] = d->code,
		.registers[REGISTER_RBP] = (uintptr_t)d->words,
		.registers[REGISTER_RSP] = (uintptr_t)d->words,
		.stack = (const uint8_t *)d->copy,
		.stack_size_bytes = sizeof(d->copy),
		.stack_copy_full = true,
	};
	return d;
}

static void deep_free(struct deep *d)
{
	munmap((void *)(uintptr_t)d->code, 4096);
	free(d);
}

static unsigned depth_of(const struct profile *p, stack_id stack)
{
	unsigned n = 0;
	for (uint32_t i = stack.v; i; i = p->stack_parent[i].v)
		n += p->frames[p->stack_frame[i].v].kind != FRAME_TRUNCATED;
	return n;
}

static void assert_cut(const struct profile *p, const char *reason)
{
	assert_int_equal(p->sample_count, 1);
	assert_false(p->samples[0].completed);
	assert_string_equal(profile_string(p, p->samples[0].truncated), reason);
	/* No frame that was read late: those of the copy are all there is. */
	unsigned depth = depth_of(p, p->samples[0].stack);
	assert_true(depth > COPIED_FRAMES / 2 && depth <= COPIED_FRAMES + 1);
}

static void a_stack_larger_than_its_copy_is_read_on(void **state)
{
	struct fixture *f = *state;
	struct deep *d = deep_make(f);
	stacks_set_completion(f->stacks, true);
	assert_false(stacks_are_urgent(f->stacks, 1000));
	d->record.time_ns = 1000;
	assert_int_equal(stacks_add(f->stacks, &d->record, false), 1);
	assert_true(stacks_are_urgent(f->stacks, 1000));
	assert_false(stacks_are_urgent(f->stacks, 2000000000));
	struct profile *p = finish(f);
	assert_int_equal(p->sample_count, 1);
	assert_true(p->samples[0].completed);
	assert_string_equal(profile_string(p, p->samples[0].truncated), "");
	assert_int_equal(depth_of(p, p->samples[0].stack), DEEP_FRAMES);
	profile_destroy(p);
	deep_free(d);
}

static void unless_that_is_switched_off(void **state)
{
	struct fixture *f = *state;
	struct deep *d = deep_make(f);
	assert_int_equal(stacks_add(f->stacks, &d->record, false), 1);
	struct profile *p = finish(f);
	assert_cut(p, "stack-copy-full");
	profile_destroy(p);
	deep_free(d);
}

static void a_stack_that_has_changed_stays_cut(void **state)
{
	struct fixture *f = *state;
	struct deep *d = deep_make(f);
	stacks_set_completion(f->stacks, true);
	d->words[COPIED_FRAMES * FRAME_WORDS - 1] ^= 1;
	assert_int_equal(stacks_add(f->stacks, &d->record, false), 1);
	struct profile *p = finish(f);
	assert_cut(p, "stack-copy-full");
	profile_destroy(p);
	deep_free(d);
}

static void frames_read_late_that_lead_nowhere_do_not_count(void **state)
{
	struct fixture *f = *state;
	struct deep *d = deep_make(f);
	stacks_set_completion(f->stacks, true);
	d->words[FRAME_WORDS * (DEEP_FRAMES - 10)] = 0;
	d->words[FRAME_WORDS * (DEEP_FRAMES - 10) + 1] = 12345; /* no code is there */
	assert_int_equal(stacks_add(f->stacks, &d->record, false), 1);
	struct profile *p = finish(f);
	assert_cut(p, "stack-copy-full");
	profile_destroy(p);
	deep_free(d);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
	const struct CMUnitTest tests[] = {
		TEST(a_sample_waits_for_its_file),
		TEST(a_file_that_comes_late_leaves_no_wrong_address),
		TEST(addresses_beyond_47_bits_are_kept_apart),
		TEST(a_file_that_was_out_of_reach_is_tried_again),
		TEST(files_of_one_build_id_share_their_object),
		TEST(a_stack_larger_than_its_copy_is_read_on),
		TEST(unless_that_is_switched_off),
		TEST(a_stack_that_has_changed_stays_cut),
		TEST(frames_read_late_that_lead_nowhere_do_not_count),
	};
	return cmocka_run_group_tests_name("session/stacks", tests, NULL, NULL);
}
