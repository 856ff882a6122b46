// SPDX-License-Identifier: MIT
#include "unwind/walk_state.h"

/* `mov $15, %eax` or `mov $15, %rax`, then `syscall`: rt_sigreturn, as every libc spells it. */
static bool is_sigreturn(struct walk *w, uint64_t pc)
{
	static const uint8_t shorter[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t longer[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	uint8_t code[sizeof(longer)];
	if (!walk_read_code(w, pc, code, sizeof(code)))
		return false;
	return !memcmp(code, longer, sizeof(longer)) || !memcmp(code, shorter, sizeof(shorter));
}

/*
 * Code without CFI that keeps frame pointers is off the rails for an instruction or two of each
 * call: rbp is still the caller's. Also covers PLT stubs of linkers that write no CFI for them.
 */
enum { KNOWN_CODE_BYTES = 14 };

static bool code_matches(const uint8_t *code, const uint8_t *known, size_t size, unsigned any)
{
	for (size_t i = 0; i < size; i++)
		if (code[i] != known[i] && !(any & 1u << i))
			return false;
	return true;
}

bool walk_innermost_rule(struct walk *w, struct unwind_rule *out)
{
	static const struct unwind_rule entered = { .cfa_kind = CFA_RSP, .cfa_off = 8 };
	static const struct unwind_rule word = { .cfa_kind = CFA_RSP, .cfa_off = 16 };
	static const struct unwind_rule pushed = {
		.cfa_kind = CFA_RSP, .cfa_off = 16, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	static const struct {
		uint8_t size, code[KNOWN_CODE_BYTES];
		const struct unwind_rule *rule;
		unsigned any; /* bytes that may be anything: bit i is byte i */
	} known[] = {
		{ 4, { 0xf3, 0x0f, 0x1e, 0xfa }, &entered, 0 }, /* endbr64 */
		{ 1, { 0x55 }, &entered, 0 },                   /* push %rbp */
		{ 1, { 0xc3 }, &entered, 0 },                   /* ret */
		{ 2, { 0xff, 0x25 }, &entered, 0 },             /* jmp *SLOT(%rip) */
		{ 3, { 0x49, 0x3b, 0x66 }, &entered, 0 },       /* Go: cmp 16(%r14), %rsp */
		{ 3, { 0x48, 0x89, 0xe5 }, &pushed, 0 },        /* mov %rsp, %rbp */
		{ 3, { 0x48, 0x8b, 0xec }, &pushed, 0 },        /* the same */
		{ 5, { 0x48, 0x83, 0xc4, 8, 0xc3 }, &word, 0 }, /* add $8, %rsp; ret */
		/* sub $8, %rsp before that: the whole of _fini */
		{ 9, { 0x48, 0x83, 0xec, 8, 0x48, 0x83, 0xc4, 8, 0xc3 }, &entered, 0 },
		/* __do_global_dtors_aux, the first code of each module that exit(3) runs:
		 * cmpb $0, DONE(%rip); jne; push %rbp; cmpq $0, SLOT(%rip); mov %rsp, %rbp */
		{ 10, { 0x80, 0x3d, [7] = 0x75, [9] = 0x55 }, &entered, 0x13c },
		{ 6, { 0x75, [2] = 0x55, 0x48, 0x83, 0x3d }, &entered, 0x2 },
		/* _init: sub $8, %rsp; mov SLOT(%rip), %rax; test %rax, %rax; je; call *%rax */
		{ 7, { 0x48, 0x83, 0xec, 8, 0x48, 0x8b, 0x05 }, &entered, 0 },
		{ 14,
		  { 0x48, 0x8b, 0x05, [7] = 0x48, 0x85, 0xc0, 0x74, 2, 0xff, 0xd0 },
		  &word,
		  0x78 },
		{ 7, { 0x48, 0x85, 0xc0, 0x74, 2, 0xff, 0xd0 }, &word, 0 },
		{ 4, { 0x74, 2, 0xff, 0xd0 }, &word, 0 },
		{ 11, { 0x48, 0x83, 0x3d, [8] = 0x48, 0x89, 0xe5 }, &pushed, 0x78 },
	};
	uint8_t code[KNOWN_CODE_BYTES];
	if (!walk_read_code(w, w->at.pc, code, sizeof(code)))
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!code_matches(code, known[i].code, known[i].size, known[i].any))
			continue;
		*out = *known[i].rule;
		return true;
	}
	return false;
}

/*
 * Where the first function of a context would return to: `xor %rdi, %rdi; call _exit; hlt`, as in
 * make_fcontext of Boost.Context, which PHP's fibers use.
 */
static bool is_context_end(struct walk *w)
{
	static const uint8_t leave[] = { 0x48, 0x31, 0xff, 0xe8, [8] = 0xf4 };
	enum { CALL_OFFSET_BYTES = 0xf0 }; /* bits of the bytes that may be anything */
	uint8_t code[sizeof(leave)];
	return w->is_caller && walk_read_code(w, w->at.pc, code, sizeof(code)) &&
	       code_matches(code, leave, sizeof(leave), CALL_OFFSET_BYTES);
}

/*
 * Go's mstart, where a thread begins that C started: `call mstart0; ret`, padded with int3. Its
 * callers have neither CFI nor frame pointers.
 */
static bool is_go_thread_start(struct walk *w)
{
	enum { CALL_BYTES = 5, FUNCTION_ALIGNMENT = 16 };
	static const uint8_t mstart[] = { 0xe8, [5] = 0xc3, 0xcc };
	enum { CALL_OFFSET_BYTES = 0x1e };
	uint8_t code[sizeof(mstart)];
	return w->is_caller && w->at.pc % FUNCTION_ALIGNMENT == CALL_BYTES &&
	       walk_read_code(w, w->at.pc - CALL_BYTES, code, sizeof(code)) &&
	       code_matches(code, mstart, sizeof(mstart), CALL_OFFSET_BYTES);
}

struct unwind_rule walk_rule_without_cfi(struct walk *w, enum unwind_reason reason)
{
	struct unwind_rule rule = { .cfa_kind = CFA_UNKNOWN, .rbp_kind = (uint8_t)reason };
	if (is_sigreturn(w, w->at.pc))
		rule = (struct unwind_rule){ .cfa_kind = CFA_SIGNAL };
	else if (is_context_end(w) || is_go_thread_start(w))
		rule = (struct unwind_rule){ .cfa_kind = CFA_ROOT };
	return rule;
}

/*
 * runtime.goexit of Go: `nop; call runtime.goexit1; nop`. A goroutine's first function is made to
 * return to its second byte.
 */
bool walk_is_goexit(const struct walk *w)
{
	enum { FUNCTION_ALIGNMENT = 16 };
	uint8_t c[7];
	return w->is_caller && w->at.pc % FUNCTION_ALIGNMENT == 1 &&
	       walk_read_code(w, w->at.pc - 1, c, sizeof(c)) && c[0] == 0x90 && c[1] == 0xe8 &&
	       c[6] == 0x90;
}

/*
 * Go's clone: behind the call, `mov $N, %edi; mov $60, %eax; syscall` ends the thread. Its mcall,
 * the scheduler's first frame: behind the call that never returns, `nop; pop %rax; jmp badmcall2`.
 */
static bool is_go_start(const uint8_t *code)
{
	static const uint8_t exit_thread[] = { 0xb8, 60, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t never_here[] = { 0x90, 0x58, 0xe9 };
	return (code[0] == 0xbf && !memcmp(code + 5, exit_thread, sizeof(exit_thread))) ||
	       !memcmp(code, never_here, sizeof(never_here));
}

/*
 * Go's systemstack: `call *%rdi; mov %fs:-8, %rax`. The call ran on another stack than the
 * function's frame is on, which CFI cannot say; only rbp leads there.
 */
static bool is_go_systemstack(const uint8_t *before, const uint8_t *code)
{
	static const uint8_t get_g[] = { 0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff };
	return before[0] == 0xff && before[1] == 0xd7 && !memcmp(code, get_g, sizeof(get_g));
}

void walk_correct_go_rule(struct walk *w, struct unwind_rule *rule)
{
	uint8_t c[14]; /* two bytes before the return address, twelve behind */
	if (!w->is_caller || !walk_read_code(w, w->at.pc - 2, c, sizeof(c)))
		return;
	if (is_go_start(c + 2))
		*rule = (struct unwind_rule){ .cfa_kind = CFA_ROOT };
	else if (is_go_systemstack(c, c + 2))
		*rule = (struct unwind_rule){ .cfa_kind = CFA_UNKNOWN,
					      .rbp_kind = UNWIND_OTHER_STACK };
}

/*
 * musl has no CFI at all. Its start routines keep a few registers on the stack: what lies behind
 * them tells where the stack begins. In so few bytes no other frame fits between.
 */
enum { START_FRAME_WORDS = 6, THREAD_FRAME_WORDS = 4 };

static bool is_program_start(struct walk *w)
{
	uint64_t first = (w->at.rsp + 15) & ~UINT64_C(15);
	for (uint64_t rsp = first; rsp <= w->at.rsp + 8 * START_FRAME_WORDS; rsp += 16) {
		if (unwind_is_program_start(w, rsp))
			return true;
	}
	return false;
}

/* A return address into musl's clone, where the new thread exits: the end of its stack. */
static bool is_thread_start(struct walk *w)
{
	/* mov %eax, %edi; xor %eax, %eax; mov $60, %al; syscall */
	static const uint8_t exit_thread[] = { 0x89, 0xc7, 0x31, 0xc0, 0xb0, 60, 0x0f, 0x05 };
	uint8_t code[sizeof(exit_thread)];
	struct unwind_rule rule;
	/* For w->code, which a hit in the cache leaves alone. */
	if (walk_find_rule(w, w->at.pc - 1, &rule) != FOUND)
		return false;
	for (unsigned i = 0; i < THREAD_FRAME_WORDS; i++) {
		uint64_t pc;
		if (!walk_read_word(w, w->at.rsp + 8 * i, &pc))
			return false;
		if (pc - w->code.start < w->code.end - w->code.start &&
		    walk_read_code(w, pc, code, sizeof(code)) &&
		    !memcmp(code, exit_thread, sizeof(code)))
			return true;
	}
	return false;
}

/*
 * Where main() returns to, in a C library without frame pointers: `call *REG`, then `mov %eax, %edi` and
 * `call exit`. What lies between there and the start of the stack are the library's own two frames.
 */
static bool is_behind_main(struct walk *w)
{
	static const uint8_t leave[] = { 0x89, 0xc7, 0xe8 };
	enum { LIBRARY_FRAMES_BYTES = 1024 };
	uint8_t code[sizeof(leave)];
	if (!walk_read_code(w, w->at.pc, code, sizeof(code)) || memcmp(code, leave, sizeof(leave)))
		return false;
	uint64_t first = (w->at.rsp + 15) & ~UINT64_C(15);
	for (uint64_t rsp = first; rsp < first + LIBRARY_FRAMES_BYTES; rsp += 16) {
		if (unwind_is_program_start(w, rsp))
			return true;
	}
	return false;
}

bool walk_is_outermost(struct walk *w)
{
	if (!w->is_caller) /* the dynamic linker's and musl's first instructions */
		return w->at.rbp == 0 && unwind_is_program_start(w, w->at.rsp);
	if (w->at.rbp == 0 && w->by_frame_pointer) /* psABI, 3.4.1: marks the deepest frame */
		return true;
	return is_program_start(w) || is_thread_start(w) ||
	       (w->by_frame_pointer && is_behind_main(w));
}
