// SPDX-License-Identifier: MIT
#include "unwind/go_marks.h"

enum { PATTERN_MAX_BYTES = 6, STEPS_MAX = 7, FUNCTION_MAX_BYTES = 1024 };

/* An instruction, or how it begins: from its end on another rule holds. */
struct step {
	uint8_t size, pattern[PATTERN_MAX_BYTES];
	enum go_mark_kind kind;
	uint8_t operand_bytes; /* behind the pattern; the first says where asmcgocall's record is */
};

/* `steps` in the order of the code; which of them there are depends on the version. */
struct special {
	const char *name;
	enum go_mark_kind whole; /* where there are no steps */
	struct step steps[STEPS_MAX];
};

static const struct special specials[] = {
	{ "runtime.goexit", MARK_ROOT, { { 0 } } },
	{ "runtime.mstart", MARK_ROOT, { { 0 } } },
	{ "runtime.rt0_go", MARK_ROOT, { { 0 } } },
	{ "_rt0_amd64_linux", MARK_ROOT, { { 0 } } },
	{ "_rt0_amd64", MARK_ROOT, { { 0 } } },
	{ "runtime.sigreturn", MARK_SIGNAL, { { 0 } } },
	{ "runtime.sigreturn__sigaction", MARK_SIGNAL, { { 0 } } },
	{ "runtime.asyncPreempt", MARK_INJECTED, { { 0 } } },
	{ "runtime.sigpanic", MARK_INJECTED, { { 0 } } },
	{ "runtime.debugCallV1", MARK_INJECTED, { { 0 } } },
	{ "runtime.debugCallV2", MARK_INJECTED, { { 0 } } },
	{ "runtime.mcall",
	  MARK_PLAIN,
	  { { 4, { 0x49, 0x8b, 0x66, 0x38 }, MARK_ROOT, 0 },     /* mov 56(%r14), %rsp */
	    { 4, { 0x48, 0x8b, 0x66, 0x38 }, MARK_ROOT, 0 } } }, /* mov 56(%rsi), %rsp */
	{ "runtime.clone",
	  MARK_PLAIN,
	  { { 3, { 0x48, 0x89, 0xf4 }, MARK_ROOT, 0 } } }, /* mov %rsi, %rsp: the new thread */
	{ "gogo",
	  MARK_PLAIN,
	  { { 3, { 0x48, 0x8b, 0x23 }, MARK_FRAME, 0 } } }, /* mov (%rbx), %rsp */
	{ "runtime.gogo", MARK_PLAIN, { { 3, { 0x48, 0x8b, 0x23 }, MARK_FRAME, 0 } } },
	{ "runtime.morestack",
	  MARK_PLAIN,
	  { { 4, { 0x48, 0x8b, 0x63, 0x38 }, MARK_MORESTACK, 0 } } }, /* mov 56(%rbx), %rsp */
	{ "runtime.systemstack",
	  MARK_PLAIN,
	  { { 4, { 0x48, 0x8b, 0x62, 0x38 }, MARK_SYSTEM, 0 },    /* mov 56(%rdx), %rsp */
	    { 3, { 0x48, 0x89, 0xdc }, MARK_SYSTEM, 0 },          /* mov %rbx, %rsp */
	    { 4, { 0x48, 0x8b, 0x60, 0x38 }, MARK_PLAIN, 0 } } }, /* mov 56(%rax), %rsp */
	{ "runtime.asmcgocall",
	  MARK_PLAIN,
	  { { 4, { 0x48, 0x8b, 0x66, 0x38 }, MARK_FRAME, 0 }, /* mov 56(%rsi), %rsp */
	    /* sub %rdx, %rdi; mov %rdi, N(%rsp) */
	    { 6, { 0x48, 0x29, 0xd7, 0x48, 0x89, 0x7c }, MARK_CGO, 2 },
	    { 3, { 0x48, 0x89, 0xf4 }, MARK_PLAIN, 0 },     /* mov %rsi, %rsp */
	    { 3, { 0x48, 0x83, 0xec }, MARK_FRAME, 1 },     /* sub $N, %rsp */
	    { 4, { 0x48, 0x89, 0x54, 0x24 }, MARK_CGO, 1 }, /* mov %rdx, N(%rsp) */
	    { 3, { 0x48, 0x89, 0xf4 }, MARK_PLAIN, 0 } } }, /* mov %rsi, %rsp */
	{ "runtime.cgocallback",
	  MARK_PLAIN,
	  { { 3, { 0x48, 0x89, 0xfc }, MARK_FRAME, 0 },           /* mov %rdi, %rsp */
	    { 4, { 0x48, 0x8b, 0x66, 0x38 }, MARK_PLAIN, 0 } } }, /* mov 56(%rsi), %rsp */
	{ "runtime.nanotime1",
	  MARK_PLAIN,
	  { { 4, { 0x48, 0x8b, 0x62, 0x38 }, MARK_FRAME, 0 }, /* mov 56(%rdx), %rsp */
	    { 3, { 0x4c, 0x89, 0xe4 }, MARK_PLAIN, 0 },       /* mov %r12, %rsp */
	    { 1, { 0xc3 }, MARK_FRAME, 0 } } },               /* ret; behind it the system call */
	{ "runtime.walltime",
	  MARK_PLAIN,
	  { { 4, { 0x48, 0x8b, 0x62, 0x38 }, MARK_FRAME, 0 },
	    { 3, { 0x4c, 0x89, 0xe4 }, MARK_PLAIN, 0 },
	    { 1, { 0xc3 }, MARK_FRAME, 0 } } },
	{ "time.now",
	  MARK_PLAIN,
	  { { 4, { 0x48, 0x8b, 0x62, 0x38 }, MARK_FRAME, 0 },
	    { 3, { 0x4c, 0x89, 0xe4 }, MARK_PLAIN, 0 },
	    { 1, { 0xc3 }, MARK_FRAME, 0 } } },
};

static struct cursor code_of(const struct go_function *f, const uint8_t *code)
{
	return cursor_of(code, f->size_bytes < FUNCTION_MAX_BYTES ? (size_t)f->size_bytes
								  : FUNCTION_MAX_BYTES);
}

/* Goes behind the pattern's next occurrence. @return false (and stays) if there is none */
static bool find_code(struct cursor *c, const uint8_t *pattern, size_t size_bytes)
{
	const uint8_t *at = memmem(c->at, cursor_left(c), pattern, size_bytes);
	if (at)
		cursor_seek(c, (size_t)(at - c->begin) + size_bytes);
	return at;
}

static void add_step(struct cursor *c, const struct step *step, struct go_marks *out)
{
	struct go_mark mark = { .kind = step->kind };
	if (!find_code(c, step->pattern, step->size))
		return;
	for (unsigned i = 0; i < step->operand_bytes; i++)
		mark.record_off = cursor_u8(c);
	mark.off = (uint32_t)cursor_offset(c);
	if (!c->bad && out->count < GO_MARKS_MAX)
		out->at[out->count++] = mark;
}

static void find_steps(const struct special *s, const struct go_function *f, const uint8_t *code,
		       struct go_marks *out)
{
	struct cursor c = code_of(f, code);
	for (unsigned i = 0; i < STEPS_MAX && s->steps[i].size; i++)
		add_step(&c, &s->steps[i], out);
	if (!out->count) /* an unknown version of it */
		out->at[out->count++] = (struct go_mark){ .kind = MARK_FRAME };
}

static const struct special *find_special(const struct go_function *f)
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++)
		if (go_function_is(f, specials[i].name))
			return &specials[i];
	return NULL;
}

enum go_mark_kind go_marks_whole(const struct go_function *f)
{
	const struct special *s = find_special(f);
	return s ? s->whole : MARK_PLAIN;
}

static bool gives_up(const struct go_rows *g, uint64_t called_vaddr)
{
	for (size_t i = 0; i < sizeof(g->gives_up_vaddr) / sizeof(g->gives_up_vaddr[0]); i++)
		if (called_vaddr && called_vaddr == g->gives_up_vaddr[i])
			return true;
	return false;
}

/*
 * newstack hands the thread to the scheduler where its goroutine was asked to stop. Then the goroutine
 * is no longer this stack's, and soon the thread's current one is another.
 */
static void find_giving_up(const struct go_rows *g, const struct go_function *f,
			   const uint8_t *code, struct go_marks *out)
{
	enum { CALL = 0xe8, CALL_BYTES = 5, NEWSTACK_MAX_BYTES = 4096 };
	uint64_t size = f->size_bytes < NEWSTACK_MAX_BYTES ? f->size_bytes : NEWSTACK_MAX_BYTES;
	for (uint32_t off = 0; off + CALL_BYTES <= size; off++) {
		struct cursor c = cursor_of(code + off, CALL_BYTES);
		if (cursor_u8(&c) != CALL || out->count + 2 > GO_MARKS_MAX)
			continue;
		uint64_t behind = f->start_vaddr + off + CALL_BYTES;
		uint64_t called = behind + (uint64_t)(int64_t)cursor_s32(&c);
		if (!gives_up(g, called))
			continue;
		out->at[out->count++] =
			(struct go_mark){ .off = off + CALL_BYTES - 1, .kind = MARK_GIVES_UP };
		out->at[out->count++] =
			(struct go_mark){ .off = off + CALL_BYTES, .kind = MARK_PLAIN };
	}
}

void go_marks_find(const struct go_rows *g, const struct go_function *f, const uint8_t *code,
		   struct go_marks *out)
{
	const struct special *s = find_special(f);
	out->count = 0;
	if (s && s->whole != MARK_PLAIN)
		out->at[out->count++] = (struct go_mark){ .kind = s->whole };
	else if (s)
		find_steps(s, f, code, out);
	else if (go_function_is(f, "runtime.newstack"))
		find_giving_up(g, f, code, out);
	else if (f->writes_sp)
		out->at[out->count++] = (struct go_mark){ .kind = MARK_MOVES_SP };
}

struct runtime_function {
	struct cursor code;
	uint64_t vaddr;
};

static bool find_named(const struct go_rows *g, const char *name, struct runtime_function *out)
{
	struct go_function f;
	for (uint64_t i = 0; go_table_function(&g->table, i, &f); i++) {
		if (!go_function_is(&f, name))
			continue;
		out->code = code_of(&f, g->code + (f.start_vaddr - g->table.text));
		out->vaddr = f.start_vaddr;
		return true;
	}
	return false;
}

/* The slot of the global offset table that the instruction before reads, filled by the linker. */
static bool read_slot(const struct object *o, struct cursor *c, uint64_t vaddr, int32_t *out)
{
	uint64_t file_off, slot = (uint64_t)(int64_t)cursor_s32(c);
	int64_t value = 0;
	slot += vaddr + cursor_offset(c);
	if (c->bad || !object_file_off_of(o, slot, &file_off) ||
	    object_read(o, file_off, &value, sizeof(value), NULL) < 0)
		return false;
	*out = (int32_t)value;
	return value < 0 && value >= INT32_MIN;
}

/*
 * How the runtime reads its g: `mov %fs:N, REG`, or `mov $N, %rcx; mov %fs:(%rcx), REG`, or `mov
 * SLOT(%rip), %rcx` in front of that, where a linker was to choose the place.
 */
static bool find_thread_g(const struct object *o, const struct runtime_function *f, int32_t *out)
{
	static const uint8_t load[] = { 0x64, 0x48, 0x8b }, immediate[] = { 0x48, 0xc7, 0xc1 };
	static const uint8_t relative[] = { 0x48, 0x8b, 0x0d };
	enum { MODRM_SIB = 0x04, MODRM_RCX = 0x01, MODRM_MASK = 0xc7, SIB_ABSOLUTE = 0x25 };
	struct cursor c = f->code, before = c;
	if (!find_code(&c, load, sizeof(load)))
		return false;
	before.end = c.at;
	uint8_t modrm = cursor_u8(&c) & MODRM_MASK;
	if (modrm == MODRM_SIB && cursor_u8(&c) == SIB_ABSOLUTE) {
		*out = cursor_s32(&c);
		return !c.bad;
	}
	if (modrm != MODRM_RCX)
		return false;
	if (find_code(&before, immediate, sizeof(immediate))) {
		*out = cursor_s32(&before);
		return !before.bad;
	}
	return find_code(&before, relative, sizeof(relative)) &&
	       read_slot(o, &before, f->vaddr, out);
}

static void find_saved(struct go_rows *g, const struct object *o)
{
	static const uint8_t compare_curg[] = { 0x48, 0x3b, 0x83 }; /* cmp N(%rbx), %rax */
	static const uint8_t save_rbp[][3] = { { 0x48, 0x89, 0x6f }, { 0x48, 0x89, 0x6e } };
	struct runtime_function system, more;
	if (!find_named(g, "runtime.systemstack", &system) ||
	    !find_named(g, "runtime.morestack", &more) ||
	    !find_thread_g(o, &system, &g->thread_g_off))
		return;
	struct cursor *curg = &system.code, *rbp = &more.code;
	if (!find_code(curg, compare_curg, sizeof(compare_curg)) ||
	    (!find_code(rbp, save_rbp[0], sizeof(save_rbp[0])) &&
	     !find_code(rbp, save_rbp[1], sizeof(save_rbp[1]))))
		return;
	g->m_curg_off = cursor_s32(curg);
	g->g_rbp_off = cursor_u8(rbp);
	g->knows_saved = !curg->bad && !rbp->bad;
}

void go_marks_look(struct go_rows *g, const struct object *o)
{
	static const char *const names[] = { "runtime.gopreempt_m", "runtime.goschedImpl",
					     "runtime.preemptPark" };
	struct runtime_function f;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		g->gives_up_vaddr[i] = find_named(g, names[i], &f) ? f.vaddr : 0;
	find_saved(g, o);
}
