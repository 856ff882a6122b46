// SPDX-License-Identifier: MIT
#include "cfi_builder.h"

#include <stdlib.h>

/*
 * A made-up process: a module with CFI at CODE, code without CFI at JIT, and a stack that begins at
 * STACK and is given as an array of words. Offsets of the module's functions:
 */
enum {
	LEAF = 0x000,          /* CFA = rsp + 8 */
	FRAME = 0x100,         /* CFA = rsp + 32, rbp at CFA - 16 */
	START = 0x200,         /* the return address is undefined */
	BY_RBX = 0x300,        /* CFA = rbx + 16, rbp at CFA - 16: only for the interpreter */
	SAVES_RBX = 0x400,     /* CFA = rsp + 24, rbx at CFA - 16 */
	RESTORER = 0x500,      /* a signal frame; its FDE begins a byte earlier */
	TRAMPOLINE = 0x600,    /* an FDE with a gap before */
	TAKES_ADDRESS = 0x700, /* CFA = rsp, the return address is in rdi (vfork) */
	CLOBBERS = 0x800,      /* CFA = rsp + 8, rbx undefined */
	BARE_RESTORER = 0x900, /* a signal frame; its FDE begins where the handler returns to */
	BY_R9 = 0xa00,         /* CFA = r9 + 16 */
	FUNCTION_BYTES = 0x80,
};
enum { BIAS = 0x500000, CODE = BIAS + TEXT_VADDR, CODE_END = CODE + TEXT_BYTES };
enum { GO = 0x700000, GO_END = GO + TEXT_BYTES };
enum { JIT = 0x900000, JIT_END = 0x910000, STACK = 0x70000, WORDS = 64, LIMIT = 16 };

struct process {
	struct unwind_table *table, *go_table;
	struct unwind_cache *cache;
	enum unwind_lookup module, jit;
	struct unwind_env env;
	uint64_t stack[WORDS];
	uint64_t registers[REGISTER_COUNT];
	const uint8_t *code; /* bytes at code_pc, for read_memory */
	uint64_t code_pc;
	size_t code_size;
	const uint64_t *other; /* words of another stack at other_rsp */
	uint64_t other_rsp;
	unsigned lookups;
	uint64_t pcs[LIMIT];
	struct unwind_result result;
};

static void code_at(void *context, uint64_t pc, struct unwind_code *out)
{
	struct process *p = context;
	p->lookups++;
	if (pc >= CODE && pc < CODE_END)
		*out = (struct unwind_code){ p->module, p->table, BIAS, CODE, CODE_END };
	else if (pc >= JIT && pc < JIT_END)
		*out = (struct unwind_code){ p->jit, NULL, 0, JIT, JIT_END };
	else if (pc >= GO && pc < GO_END)
		*out = (struct unwind_code){ LOOKUP_TABLE, p->go_table, GO - TEXT_VADDR, GO,
					     GO_END };
}

static bool read_memory(void *context, enum unwind_memory kind, uint64_t address, void *out,
			size_t size_bytes)
{
	struct process *p = context;
	if (kind == MEMORY_SIGNAL_FRAME && address - STACK < sizeof(p->stack)) {
		memcpy(out, (const uint8_t *)p->stack + (address - STACK), size_bytes);
		return true;
	}
	if (kind == MEMORY_OTHER_STACK && p->other && address - p->other_rsp < 64) {
		memcpy(out, (const uint8_t *)p->other + (address - p->other_rsp), size_bytes);
		return true;
	}
	if (kind != MEMORY_CODE || !p->code || address - p->code_pc >= p->code_size)
		return false;
	size_t there = p->code_size - (address - p->code_pc);
	memset(out, 0, size_bytes);
	memcpy(out, p->code + (address - p->code_pc), there < size_bytes ? there : size_bytes);
	return true;
}

/* As glibc describes it: CFA = *(rsp + 160), rbp at rsp + 120, rip at rsp + 168 */
#define UCONTEXT_OPS \
	OPS(0x0f, 4, 0x77, 0xa0, 1, 0x06, 0x10, 6, 3, 0x77, 0xf8, 0, 0x10, 16, 3, 0x77, 0xa8, 1)

static int setup(void **state)
{
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR + LEAF, FUNCTION_BYTES, OPS(0));
	put_fde(&f, TEXT_VADDR + FRAME, FUNCTION_BYTES, OPS(0x0e, 32, 0x86, 2));
	put_fde(&f, TEXT_VADDR + START, FUNCTION_BYTES, OPS(0x07, 16));
	put_fde(&f, TEXT_VADDR + BY_RBX, FUNCTION_BYTES, OPS(0x0c, 3, 16, 0x86, 2));
	put_fde(&f, TEXT_VADDR + SAVES_RBX, FUNCTION_BYTES, OPS(0x0e, 24, 0x83, 2));
	put_fde(&f, TEXT_VADDR + TRAMPOLINE, FUNCTION_BYTES, OPS(0));
	put_fde(&f, TEXT_VADDR + TAKES_ADDRESS, FUNCTION_BYTES, OPS(0x0e, 0, 0x09, 16, 5));
	put_fde(&f, TEXT_VADDR + CLOBBERS, FUNCTION_BYTES, OPS(0x07, 3));
	put_fde(&f, TEXT_VADDR + BY_R9, FUNCTION_BYTES, OPS(0x0c, 9, 16));
	put_cie(&f, "zRS", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR + RESTORER - 1, FUNCTION_BYTES, UCONTEXT_OPS);
	put_fde(&f, TEXT_VADDR + BARE_RESTORER, FUNCTION_BYTES, UCONTEXT_OPS);
	struct process *p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->table = make_table(&f, NULL);
	p->cache = unwind_cache_create();
	struct frames go = { .debug_frame = true };
	put_cie_raw(&go, "", 3, -4, NULL, 0, OPS(0x0c, 7, 8, 0x90, 2));
	put_fde_absolute(&go, TEXT_VADDR, TEXT_BYTES,
			 OPS(0x44, 0x0e, 24)); /* a frame from byte 4 on */
	p->go_table = make_table(NULL, &go);
	p->module = LOOKUP_TABLE;
	p->jit = LOOKUP_NO_CFI;
	p->env = (struct unwind_env){ .context = p,
				      .code_at = code_at,
				      .read_memory = read_memory,
				      .stack = (const uint8_t *)p->stack,
				      .stack_start = STACK,
				      .stack_size_bytes = sizeof(p->stack) };
	p->registers[REGISTER_RSP] = STACK;
	p->registers[REGISTER_RBP] = 77;
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct process *p = *state;
	unwind_table_destroy(p->table);
	unwind_table_destroy(p->go_table);
	unwind_cache_destroy(p->cache);
	free(p);
	return 0;
}

static void run(struct process *p)
{
	memset(p->pcs, 0, sizeof(p->pcs));
	unwind_walk(&p->env, p->registers, p->cache, 1, p->pcs, LIMIT, &p->result);
}

/* Walks from `pc`; the pcs must be these, innermost first. */
#define assert_walk(p, pc, want_reason, ...)                                                 \
	do {                                                                                 \
		const uint64_t want[] = { __VA_ARGS__ };                                     \
		(p)->registers[REGISTER_PC] = (pc);                                          \
		for (int cached = 0; cached < 2; cached++) {                                 \
			run(p);                                                              \
			assert_int_equal((p)->result.count, sizeof(want) / sizeof(want[0])); \
			assert_memory_equal((p)->pcs, want, sizeof(want));                   \
			assert_int_equal((p)->result.reason, want_reason);                   \
			assert_false((p)->result.pending);                                   \
		}                                                                            \
	} while (0)

static void put_words(struct process *p, unsigned at, const uint64_t *words, size_t size_bytes)
{
	memcpy(&p->stack[at], words, size_bytes);
}

#define STACK_WORDS(p, at, ...)                             \
	put_words(p, at, (const uint64_t[]){ __VA_ARGS__ }, \
		  sizeof((const uint64_t[]){ __VA_ARGS__ }))

static void a_whole_stack(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + FRAME + 9,          /* return address of LEAF */
		    0, 0, 0x1234, CODE + FRAME + 20, /* FRAME: two words, rbp, return address */
		    0, 0, 0, CODE + START + 5);
	assert_walk(p, CODE + LEAF + 3, UNWIND_ROOT, CODE + LEAF + 3, CODE + FRAME + 8,
		    CODE + FRAME + 19, CODE + START + 4);
}

static void without_a_cache(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 5);
	unwind_cache_destroy(p->cache);
	p->cache = NULL;
	assert_walk(p, CODE + LEAF + 3, UNWIND_ROOT, CODE + LEAF + 3, CODE + FRAME + 8,
		    CODE + START + 4);
}

static void a_call_at_a_functions_end_belongs_to_it(void **state)
{
	struct process *p = *state;
	/* the call is FRAME's last instruction: the return address lies behind it */
	STACK_WORDS(p, 0, CODE + FRAME + FUNCTION_BYTES, 0, 0, 0, CODE + START + 5);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, CODE + FRAME + FUNCTION_BYTES - 1,
		    CODE + START + 4);
}

static void the_cache_keeps_spaces_apart_until_it_is_flushed(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + START + 5);
	p->registers[REGISTER_PC] = CODE + LEAF;
	run(p);
	unsigned lookups = p->lookups;
	assert_true(lookups > 0);
	run(p);
	assert_int_equal(p->lookups, lookups);
	unwind_walk(&p->env, p->registers, p->cache, 2, p->pcs, LIMIT, &p->result);
	assert_true(p->lookups > lookups);
	lookups = p->lookups;
	unwind_cache_flush(p->cache);
	run(p);
	assert_true(p->lookups > lookups);
	assert_int_equal(p->result.reason, UNWIND_ROOT);
}

/* The ucontext at word `at`: what a signal interrupted. */
static void put_ucontext(struct process *p, unsigned at, uint64_t pc, uint64_t rsp, uint64_t rbp)
{
	p->stack[at + 120 / 8] = rbp;
	p->stack[at + 160 / 8] = rsp;
	p->stack[at + 168 / 8] = pc;
}

static void through_a_signal_frame(void **state)
{
	struct process *p = *state;
	/* LEAF is interrupted at its first byte: one less would be another function */
	STACK_WORDS(p, 0, CODE + RESTORER);
	put_ucontext(p, 1, CODE + LEAF, STACK + 8 * 40, 5);
	STACK_WORDS(p, 40, CODE + FRAME + 9, 0, 0, 0, CODE + START + 5);
	assert_walk(p, CODE + LEAF + 7, UNWIND_ROOT, CODE + LEAF + 7, CODE + RESTORER, CODE + LEAF,
		    CODE + FRAME + 8, CODE + START + 4);
}

static void a_restorer_whose_fde_does_not_begin_before_it(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + BARE_RESTORER);
	put_ucontext(p, 1, CODE + LEAF, STACK + 8 * 40, 5);
	STACK_WORDS(p, 40, CODE + START + 5);
	assert_walk(p, CODE + LEAF + 7, UNWIND_ROOT, CODE + LEAF + 7, CODE + BARE_RESTORER,
		    CODE + LEAF, CODE + START + 4);
}

static void from_an_alternate_stack(void **state)
{
	struct process *p = *state;
	const uint64_t other[8] = { CODE + FRAME + 9, 0, 0, 0, CODE + START + 5 };
	STACK_WORDS(p, 0, CODE + RESTORER);
	put_ucontext(p, 1, CODE + LEAF + 1, 0x30000, 5); /* lower in memory */
	assert_walk(p, CODE + LEAF + 7, UNWIND_READ_FAILED, CODE + LEAF + 7, CODE + RESTORER,
		    CODE + LEAF + 1);
	p->other = other;
	p->other_rsp = 0x30000;
	assert_walk(p, CODE + LEAF + 7, UNWIND_ROOT, CODE + LEAF + 7, CODE + RESTORER,
		    CODE + LEAF + 1, CODE + FRAME + 8, CODE + START + 4);
}

static void a_restorer_without_cfi_is_known_by_its_bytes(void **state)
{
	struct process *p = *state;
	static const uint8_t musl[] = { 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05 };
	static const uint8_t other[] = { 0xb8, 15, 0, 0, 0, 0x0f, 0x05, 0, 0 };
	STACK_WORDS(p, 0, JIT + 0x100);
	put_ucontext(p, 1, CODE + LEAF, STACK + 8 * 40, 5);
	STACK_WORDS(p, 40, CODE + START + 5);
	p->code_pc = JIT + 0x100;
	p->code = musl;
	p->code_size = sizeof(musl);
	assert_walk(p, CODE + LEAF + 7, UNWIND_ROOT, CODE + LEAF + 7, JIT + 0x100, CODE + LEAF,
		    CODE + START + 4);
	p->code = other;
	unwind_cache_flush(p->cache);
	assert_walk(p, CODE + LEAF + 7, UNWIND_ROOT, CODE + LEAF + 7, JIT + 0x100, CODE + LEAF,
		    CODE + START + 4);
}

static void memory_behind_the_copy(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + FRAME + 9);
	p->env.stack_size_bytes = 8 * 4; /* FRAME's return address would be the fifth word */
	assert_walk(p, CODE + LEAF, UNWIND_READ_FAILED, CODE + LEAF, CODE + FRAME + 8);
	p->env.stack_copy_full = true;
	assert_walk(p, CODE + LEAF, UNWIND_STACK_TOO_DEEP, CODE + LEAF, CODE + FRAME + 8);
	p->env.stack_size_bytes = 8 * 4 + 7; /* the word is cut */
	assert_walk(p, CODE + LEAF, UNWIND_STACK_TOO_DEEP, CODE + LEAF, CODE + FRAME + 8);
	p->env.stack_size_bytes = 0;
	assert_walk(p, CODE + LEAF, UNWIND_STACK_TOO_DEEP, CODE + LEAF);
}

static void outside_every_mapping(void **state)
{
	struct process *p = *state;
	assert_walk(p, 0x1000, UNWIND_NO_MAPPING, 0x1000);
	STACK_WORDS(p, 0, 0x1000); /* a return address that is none is no frame */
	assert_walk(p, CODE + LEAF, UNWIND_NO_MAPPING, CODE + LEAF);
	STACK_WORDS(p, 0, 0);
	assert_walk(p, CODE + LEAF, UNWIND_NO_MAPPING, CODE + LEAF);
	p->registers[REGISTER_RBP] = 0; /* return address 0 and frame pointer 0 */
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF);
}

static void rows_that_are_still_being_compiled(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, JIT + 9);
	p->jit = LOOKUP_PENDING;
	p->registers[REGISTER_PC] = CODE + LEAF;
	run(p);
	assert_true(p->result.pending);
	assert_int_equal(p->result.pending_pc, JIT + 8);
	p->jit = LOOKUP_NO_CFI; /* later, with the same input */
	assert_walk(p, CODE + LEAF, UNWIND_NO_RULE, CODE + LEAF, JIT + 8);
}

static void deeper_than_the_limit(void **state)
{
	struct process *p = *state;
	for (unsigned i = 0; i < WORDS; i++)
		p->stack[i] = CODE + LEAF + 9;
	p->registers[REGISTER_PC] = CODE + LEAF;
	run(p);
	assert_int_equal(p->result.count, LIMIT);
	assert_int_equal(p->result.reason, UNWIND_TOO_MANY_FRAMES);
}

static void the_interpreter_restores_all_registers(void **state)
{
	struct process *p = *state;
	/* SAVES_RBX has changed rbx; BY_RBX needs the saved one */
	p->registers[REGISTER_RBX] = 0xbad;
	STACK_WORDS(p, 0, 0, STACK + 8 * 6,
		    CODE + BY_RBX + 9,                 /* SAVES_RBX: pad, rbx, return address */
		    0, 0, 0, 0x1111, CODE + FRAME + 9, /* BY_RBX: up to rbx + 16, rbp before */
		    0, 0, 0, CODE + START + 9);
	assert_walk(p, CODE + SAVES_RBX + 9, UNWIND_ROOT, CODE + SAVES_RBX + 9, CODE + BY_RBX + 8,
		    CODE + FRAME + 8, CODE + START + 8);
}

static void a_slow_rule_in_the_innermost_frame(void **state)
{
	struct process *p = *state;
	p->registers[REGISTER_RBX] = STACK + 8;
	STACK_WORDS(p, 0, 0, 0x1111, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, CODE + BY_RBX + 9, UNWIND_ROOT, CODE + BY_RBX + 9, CODE + FRAME + 8,
		    CODE + START + 8);
	p->registers[REGISTER_RBX] = STACK - 16;
	assert_walk(p, CODE + BY_RBX + 9, UNWIND_NOT_GROWING, CODE + BY_RBX + 9);
}

static void a_slow_rule_above_a_signal_frame(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + RESTORER);
	put_ucontext(p, 1, CODE + BY_RBX + 9, STACK + 8 * 40, 5);
	p->stack[1 + 128 / 8] = STACK + 8 * 41; /* rbx in the ucontext */
	STACK_WORDS(p, 40, 0, 0x1111, CODE + START + 5);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, CODE + RESTORER, CODE + BY_RBX + 9,
		    CODE + START + 4);
}

static void all_registers_come_out_of_a_signal_frame(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + RESTORER);
	put_ucontext(p, 1, CODE + BY_R9 + 9, STACK + 8 * 40, 5);
	p->stack[1 + 48 / 8] = STACK + 8 * 41; /* r9 in the ucontext, behind r8 */
	STACK_WORDS(p, 40, 0, 0x1111, CODE + START + 5);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, CODE + RESTORER, CODE + BY_R9 + 9,
		    CODE + START + 4);
}

static void registers_that_no_rule_names_are_kept_if_calls_keep_them(void **state)
{
	struct process *p = *state;
	p->registers[REGISTER_RBX] = STACK + 8 * 2;
	p->registers[9] = STACK + 8 * 2;
	STACK_WORDS(p, 0, CODE + BY_RBX + 9, 0, 0x1111, CODE + START + 9);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, CODE + BY_RBX + 8, CODE + START + 8);
	STACK_WORDS(p, 0, CODE + BY_R9 + 9); /* r9 is the callee's to change */
	assert_walk(p, CODE + LEAF, UNWIND_BAD_RULE, CODE + LEAF, CODE + BY_R9 + 8);
}

static void a_register_that_is_lost_ends_the_stack(void **state)
{
	struct process *p = *state;
	p->registers[REGISTER_RBX] = STACK + 8;
	STACK_WORDS(p, 0, CODE + BY_RBX + 9);
	assert_walk(p, CODE + CLOBBERS, UNWIND_BAD_RULE, CODE + CLOBBERS, CODE + BY_RBX + 8);
}

static void a_return_address_in_a_register(void **state)
{
	struct process *p = *state;
	p->registers[5] = CODE + FRAME + 9; /* rdi */
	STACK_WORDS(p, 0, 0, 0, 0, CODE + START + 9);
	assert_walk(p, CODE + TAKES_ADDRESS + 9, UNWIND_ROOT, CODE + TAKES_ADDRESS + 9,
		    CODE + FRAME + 8, CODE + START + 8);
}

static void frame_pointers_without_cfi(void **state)
{
	struct process *p = *state;
	p->registers[REGISTER_RBP] = STACK + 8;
	STACK_WORDS(p, 0, 0, STACK + 8 * 4, CODE + FRAME + 9, /* JIT: rbp, return address */
		    0, 0, STACK + 8 * 8, JIT + 0x205,         /* FRAME restores rbp */
		    0, 1, JIT + 0x305); /* and its caller's caller has no frame pointer */
	assert_walk(p, JIT + 0x50, UNWIND_NO_RULE, JIT + 0x50, CODE + FRAME + 8, JIT + 0x204,
		    JIT + 0x304);
}

static void a_frame_pointer_of_zero_ends_the_chain(void **state)
{
	struct process *p = *state;
	p->registers[REGISTER_RBP] = STACK + 8;
	STACK_WORDS(p, 0, 0, STACK + 8 * 4, JIT + 0x105, 0, 0, JIT + 0x205);
	assert_walk(p, JIT + 0x50, UNWIND_ROOT, JIT + 0x50, JIT + 0x104, JIT + 0x204);
	/* but a zero that was there from the start is no chain */
	p->registers[REGISTER_RBP] = 0;
	assert_walk(p, JIT + 0x50, UNWIND_NO_RULE, JIT + 0x50);
}

static void modules_without_rows_say_why(void **state)
{
	struct process *p = *state;
	p->jit = LOOKUP_UNREADABLE;
	assert_walk(p, JIT + 0x50, UNWIND_OBJECT_UNREADABLE, JIT + 0x50);
	p->registers[REGISTER_RBP] = 0x10000000;
	assert_walk(p, JIT + 0x50, UNWIND_OBJECT_UNREADABLE, JIT + 0x50);
	unwind_cache_flush(p->cache);
	p->jit = LOOKUP_LATE;
	assert_walk(p, JIT + 0x50, UNWIND_ROWS_LATE, JIT + 0x50);
	p->jit = LOOKUP_NO_CFI; /* what was late is looked up again */
	p->registers[REGISTER_RBP] = 1;
	assert_walk(p, JIT + 0x50, UNWIND_NO_RULE, JIT + 0x50);
}

static void the_first_instructions_of_a_function_without_cfi(void **state)
{
	struct process *p = *state;
	static const uint8_t push[] = { 0x55, 0x48, 0x89, 0xe5 };
	p->registers[REGISTER_RBP] = STACK + 8 * 4;
	STACK_WORDS(p, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	p->code = push;
	p->code_size = sizeof(push);
	p->code_pc = JIT + 0x50;
	assert_walk(p, JIT + 0x50, UNWIND_ROOT, JIT + 0x50, CODE + FRAME + 8, CODE + START + 8);
	STACK_WORDS(p, 0, STACK + 8 * 4, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, JIT + 0x51, UNWIND_ROOT, JIT + 0x51, CODE + FRAME + 8, CODE + START + 8);
}

static void the_code_that_compilers_put_into_each_module(void **state)
{
	struct process *p = *state;
	/* __do_global_dtors_aux as gcc writes it */
	static const uint8_t code[] = { 0x80, 0x3d, 0xa5, 0x44, 7, 0, 0, 0x75, 0x2b, 0x55, 0x48,
					0x83, 0x3d, 0xf2, 0x38, 7, 0, 0, 0x48, 0x89, 0xe5 };
	p->code = code;
	p->code_size = sizeof(code);
	p->code_pc = JIT + 0x50;
	p->registers[REGISTER_RBP] = 1;
	STACK_WORDS(p, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, JIT + 0x50, UNWIND_ROOT, JIT + 0x50, CODE + FRAME + 8, CODE + START + 8);
	assert_walk(p, JIT + 0x57, UNWIND_ROOT, JIT + 0x57, CODE + FRAME + 8, CODE + START + 8);
	assert_walk(p, JIT + 0x59, UNWIND_ROOT, JIT + 0x59, CODE + FRAME + 8, CODE + START + 8);
	STACK_WORDS(p, 0, STACK + 8 * 4, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, JIT + 0x5a, UNWIND_ROOT, JIT + 0x5a, CODE + FRAME + 8, CODE + START + 8);
}

static void the_first_code_of_each_module(void **state)
{
	struct process *p = *state;
	/* _init without its endbr64 */
	static const uint8_t init[] = { 0x48, 0x83, 0xec, 8,    0x48, 0x8b, 5,    1,
					2,    3,    4,    0x48, 0x85, 0xc0, 0x74, 2,
					0xff, 0xd0, 0x48, 0x83, 0xc4, 8,    0xc3 };
	p->code = init;
	p->code_size = sizeof(init);
	p->code_pc = JIT + 0x50;
	p->registers[REGISTER_RBP] = 1;
	STACK_WORDS(p, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, JIT + 0x50, UNWIND_ROOT, JIT + 0x50, CODE + FRAME + 8, CODE + START + 8);
	STACK_WORDS(p, 0, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	for (unsigned at = 4; at < 17; at += at == 4 ? 7 : 3)
		assert_walk(p, JIT + 0x50 + at, UNWIND_ROOT, JIT + 0x50 + at, CODE + FRAME + 8,
			    CODE + START + 8);
	assert_walk(p, JIT + 0x62, UNWIND_ROOT, JIT + 0x62, CODE + FRAME + 8, CODE + START + 8);
}

static void a_stripped_go_program_on_its_system_stack(void **state)
{
	struct process *p = *state;
	static const uint8_t systemstack[] = { 0xff, 0xd7, 0x64, 0x48, 0x8b, 0x04, 0x25,
					       0xf8, 0xff, 0xff, 0xff, 0,    0,    0 };
	p->code = systemstack;
	p->code_size = sizeof(systemstack);
	p->code_pc = JIT + 0x100;
	STACK_WORDS(p, 0, 0, 0x30000, JIT + 0x102, 0);
	p->registers[REGISTER_RBP] = STACK + 8;
	assert_walk(p, JIT + 0x50, UNWIND_OTHER_STACK, JIT + 0x50, JIT + 0x101);
}

static void a_function_with_a_word_of_frame_and_no_cfi(void **state)
{
	struct process *p = *state;
	static const uint8_t fini[] = { 0x48, 0x83, 0xec, 8, 0x48, 0x83, 0xc4, 8, 0xc3 };
	p->code = fini;
	p->code_size = sizeof(fini);
	p->code_pc = JIT + 0x50;
	STACK_WORDS(p, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, JIT + 0x50, UNWIND_ROOT, JIT + 0x50, CODE + FRAME + 8, CODE + START + 8);
	STACK_WORDS(p, 0, 0, CODE + FRAME + 9, 0, 0, 0, CODE + START + 9);
	assert_walk(p, JIT + 0x54, UNWIND_ROOT, JIT + 0x54, CODE + FRAME + 8, CODE + START + 8);
}

static void the_first_instruction_of_start(void **state)
{
	struct process *p = *state;
	/* glibc's CFI calls _start outermost only behind its endbr64 */
	STACK_WORDS(p, 0, 1, STACK + 8 * 60, 0, STACK + 8 * 61);
	p->registers[REGISTER_RBP] = 0;
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF);
	p->registers[REGISTER_RBP] = 5;
	assert_walk(p, CODE + LEAF, UNWIND_NO_MAPPING, CODE + LEAF);
}

static void entered_by_return(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, CODE + TRAMPOLINE, CODE + FRAME + 9); /* makecontext lays it out so */
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, CODE + TRAMPOLINE);
	/* from behind its first byte it is a function as any other */
	STACK_WORDS(p, 0, CODE + TRAMPOLINE + 1, CODE + START + 9);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, CODE + TRAMPOLINE, CODE + START + 8);
}

static void the_first_frame_of_a_goroutine(void **state)
{
	struct process *p = *state;
	static const uint8_t goexit[] = { 0x90, 0xe8, 1, 2, 3, 4, 0x90 };
	STACK_WORDS(p, 0, JIT + 0x101, CODE + FRAME + 9);
	p->registers[REGISTER_RBP] = STACK + 8;
	p->code = goexit;
	p->code_size = sizeof(goexit);
	p->code_pc = JIT + 0x100;
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, JIT + 0x100);
}

static void go_changes_stacks(void **state)
{
	struct process *p = *state;
	static const uint8_t systemstack[] = { 0xff, 0xd7, 0x64, 0x48, 0x8b, 0x04,
					       0x25, 0xf8, 0xff, 0xff, 0xff };
	/* a frame with rbp beside its return address, then systemstack's: its own frame is
	 * elsewhere */
	STACK_WORDS(p, 0, 0, 0x30000, GO + 0x102, GO + 0x206, GO + 0x306);
	p->code_pc = GO + 0x100;
	p->code = systemstack;
	p->code_size = sizeof(systemstack);
	assert_walk(p, GO + 0x50, UNWIND_OTHER_STACK, GO + 0x50, GO + 0x101);
}

static void go_starts_of_threads(void **state)
{
	struct process *p = *state;
	static const uint8_t clone[] = { 0xff, 0xd4, 0xbf, 0x6f, 0, 0,    0,
					 0xb8, 60,   0,    0,    0, 0x0f, 0x05 };
	static const uint8_t mcall[] = { 0xff, 0xd4, 0x90, 0x58, 0xe9, 1, 2, 3, 4 };
	STACK_WORDS(p, 0, 0, 0, GO + 0x102, GO + 0x206, GO + 0x306);
	p->code_pc = GO + 0x100;
	p->code = clone;
	p->code_size = sizeof(clone);
	assert_walk(p, GO + 0x50, UNWIND_ROOT, GO + 0x50, GO + 0x101);
	unwind_cache_flush(p->cache);
	p->code = mcall;
	p->code_size = sizeof(mcall);
	assert_walk(p, GO + 0x50, UNWIND_ROOT, GO + 0x50, GO + 0x101);
}

static void a_thread_of_go_that_c_started(void **state)
{
	struct process *p = *state;
	static const uint8_t mstart[] = { 0xe8, 1, 2, 3, 4, 0xc3, 0xcc };
	STACK_WORDS(p, 0, JIT + 0x105, 0, 0, 0, JIT + 0x203);
	p->registers[REGISTER_RBP] = 1;
	p->code_pc = JIT + 0x100;
	p->code = mstart;
	p->code_size = sizeof(mstart);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, JIT + 0x104);
	/* not padded with int3: a function of C, for instance, that jumps back to its start */
	unwind_cache_flush(p->cache);
	p->code_size = sizeof(mstart) - 1;
	assert_walk(p, CODE + LEAF, UNWIND_NO_RULE, CODE + LEAF, JIT + 0x104);
}

static void the_first_frame_of_a_fiber(void **state)
{
	struct process *p = *state;
	static const uint8_t finish[] = { 0x48, 0x31, 0xff, 0xe8, 1, 2, 3, 4, 0xf4 };
	STACK_WORDS(p, 0, JIT + 0x105, 0, 0, 0, JIT + 0x203);
	p->registers[REGISTER_RBP] = 1;
	p->code_pc = JIT + 0x105;
	p->code = finish;
	p->code_size = sizeof(finish);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, JIT + 0x104);
}

static void the_start_of_a_program_without_cfi(void **state)
{
	struct process *p = *state;
	/* musl's start routine: some saved registers and its return address, then argc, argv, NULL
	 */
	p->registers[REGISTER_RSP] = STACK + 8;
	STACK_WORDS(p, 1, JIT + 0x105, 0, 0, 0, 0, 0, JIT + 0x203, 1, STACK + 8 * 60, 0,
		    STACK + 8 * 61);
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, JIT + 0x104);
	STACK_WORDS(p, 10, 1); /* argv is not closed */
	assert_walk(p, CODE + LEAF, UNWIND_NO_RULE, CODE + LEAF, JIT + 0x104);
}

/* glibc by frame pointers alone: main's saved rbp is argc, and _start's frame lies a way behind. */
static void behind_main_without_frame_pointers(void **state)
{
	struct process *p = *state;
	static const uint8_t leave[] = { 0x89, 0xc7, 0xe8, 0x2f, 0x74, 0x01, 0 };
	p->code = leave;
	p->code_size = sizeof(leave);
	p->code_pc = JIT + 0x205;
	p->registers[REGISTER_RBP] = STACK + 8;
	STACK_WORDS(p, 1, 1, JIT + 0x205);
	STACK_WORDS(p, 32, 1, STACK + 8 * 60, 0, 0);
	assert_walk(p, JIT + 0x104, UNWIND_ROOT, JIT + 0x104, JIT + 0x204);
	STACK_WORDS(p, 34, 1); /* argv is not closed */
	assert_walk(p, JIT + 0x104, UNWIND_NO_RULE, JIT + 0x104, JIT + 0x204);
	STACK_WORDS(p, 34, 0);
	p->code_pc = JIT + 0x305; /* another function returns there */
	assert_walk(p, JIT + 0x104, UNWIND_NO_RULE, JIT + 0x104, JIT + 0x204);
}

static void the_first_instructions_of_a_program(void **state)
{
	struct process *p = *state;
	STACK_WORDS(p, 0, 1, STACK + 8 * 60, 0, STACK + 8 * 61);
	p->registers[REGISTER_RBP] = 0;
	assert_walk(p, JIT + 0x104, UNWIND_ROOT, JIT + 0x104);
	p->registers[REGISTER_RBP] = 1;
	assert_walk(p, JIT + 0x104, UNWIND_NO_RULE, JIT + 0x104);
}

static void the_start_of_a_thread_without_cfi(void **state)
{
	struct process *p = *state;
	static const uint8_t clone[] = { 0x89, 0xc7, 0x31, 0xc0, 0xb0, 60, 0x0f, 0x05 };
	STACK_WORDS(p, 0, JIT + 0x105, 0, 0, 0, JIT + 0x203);
	p->code = clone;
	p->code_size = sizeof(clone);
	p->code_pc = JIT + 0x203;
	assert_walk(p, CODE + LEAF, UNWIND_ROOT, CODE + LEAF, JIT + 0x104);
	STACK_WORDS(p, 4, JIT + 0x204);
	assert_walk(p, CODE + LEAF, UNWIND_NO_RULE, CODE + LEAF, JIT + 0x104);
}

/* As a file of `perf record -g` holds it: no registers, no stack. */
#define assert_chain(p, want_reason, want_count, ...)                                             \
	do {                                                                                      \
		const uint64_t chain[] = { __VA_ARGS__ };                                         \
		unwind_chain(&(p)->env, chain, sizeof(chain) / sizeof(chain[0]), (p)->pcs, LIMIT, \
			     &(p)->result);                                                       \
		assert_int_equal((p)->result.reason, want_reason);                                \
		assert_int_equal((p)->result.count, want_count);                                  \
		for (uint32_t i = 0; i < (p)->result.count; i++)                                  \
			assert_int_equal((p)->pcs[i], chain[i] - (i > 0));                        \
	} while (0)

static void a_chain_is_whole_if_nothing_calls_its_last_function(void **state)
{
	struct process *p = *state;
	p->env.stack = NULL;
	p->env.stack_size_bytes = 0;
	assert_chain(p, UNWIND_ROOT, 3, CODE + LEAF + 3, CODE + FRAME + 9, CODE + START + 5);
	assert_chain(p, UNWIND_ROOT, 1, CODE + START + 5);
	assert_chain(p, UNWIND_CHAIN_ENDS, 2, CODE + LEAF + 3, CODE + FRAME + 9);
	assert_chain(p, UNWIND_CHAIN_ENDS, 2, CODE + LEAF + 3, JIT + 9);
	assert_chain(p, UNWIND_NO_MAPPING, 1, CODE + LEAF + 3, 0x1234, CODE + START + 5);
	assert_chain(p, UNWIND_NO_MAPPING, 1, 0x1234);
	p->module = LOOKUP_PENDING;
	assert_chain(p, UNWIND_CHAIN_ENDS, 2, CODE + LEAF + 3, CODE + START + 5);
	assert_true(p->result.pending);
	p->module = LOOKUP_UNREADABLE;
	assert_chain(p, UNWIND_CHAIN_ENDS, 2, CODE + LEAF + 3, CODE + START + 5);
	assert_false(p->result.pending);
}

static void a_chain_deeper_than_the_limit(void **state)
{
	struct process *p = *state;
	uint64_t chain[LIMIT + 1];
	for (size_t i = 0; i <= LIMIT; i++)
		chain[i] = CODE + FRAME + 9;
	unwind_chain(&p->env, chain, LIMIT + 1, p->pcs, LIMIT, &p->result);
	assert_int_equal(p->result.reason, UNWIND_TOO_MANY_FRAMES);
	assert_int_equal(p->result.count, LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_whole_stack),
		TEST(without_a_cache),
		TEST(a_call_at_a_functions_end_belongs_to_it),
		TEST(the_cache_keeps_spaces_apart_until_it_is_flushed),
		TEST(through_a_signal_frame),
		TEST(a_restorer_whose_fde_does_not_begin_before_it),
		TEST(from_an_alternate_stack),
		TEST(a_restorer_without_cfi_is_known_by_its_bytes),
		TEST(memory_behind_the_copy),
		TEST(outside_every_mapping),
		TEST(rows_that_are_still_being_compiled),
		TEST(deeper_than_the_limit),
		TEST(the_interpreter_restores_all_registers),
		TEST(a_slow_rule_in_the_innermost_frame),
		TEST(a_slow_rule_above_a_signal_frame),
		TEST(all_registers_come_out_of_a_signal_frame),
		TEST(registers_that_no_rule_names_are_kept_if_calls_keep_them),
		TEST(a_register_that_is_lost_ends_the_stack),
		TEST(a_return_address_in_a_register),
		TEST(frame_pointers_without_cfi),
		TEST(a_frame_pointer_of_zero_ends_the_chain),
		TEST(modules_without_rows_say_why),
		TEST(the_first_instructions_of_a_function_without_cfi),
		TEST(the_code_that_compilers_put_into_each_module),
		TEST(the_first_code_of_each_module),
		TEST(a_stripped_go_program_on_its_system_stack),
		TEST(a_function_with_a_word_of_frame_and_no_cfi),
		TEST(the_first_instruction_of_start),
		TEST(entered_by_return),
		TEST(the_first_frame_of_a_goroutine),
		TEST(go_changes_stacks),
		TEST(go_starts_of_threads),
		TEST(a_thread_of_go_that_c_started),
		TEST(the_first_frame_of_a_fiber),
		TEST(the_start_of_a_program_without_cfi),
		TEST(behind_main_without_frame_pointers),
		TEST(the_first_instructions_of_a_program),
		TEST(the_start_of_a_thread_without_cfi),
		TEST(a_chain_is_whole_if_nothing_calls_its_last_function),
		TEST(a_chain_deeper_than_the_limit),
	};
	return cmocka_run_group_tests_name("unwind/walk", tests, NULL, NULL);
}
