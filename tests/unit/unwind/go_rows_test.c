// SPDX-License-Identifier: MIT
/*
 * Rows from Go's own table. Programs are laid out as Go's linker does it (src/runtime/symtab.go); the code
 * of the runtime's functions is what Go 1.19 and 1.26 have, with what lies between left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "../support/elf_builder.h"
#include "unwind/table.h"
#include "unwind/unwind.h"

#include <cmocka.h>

enum { TEXT = 0x10000, TABLE = 0x40000, FUNCTIONS_MAX = 16, SLOT_BYTES = 64 };
enum { MAGIC_1_2 = 0xfffffffb, MAGIC_1_16 = 0xfffffffa, MAGIC_1_18 = 0xfffffff0 };

struct function {
	const char *name;
	size_t code_bytes;
	const uint8_t *code;
	const uint8_t *sp; /* pairs: how far sp moves (zigzag), for how many bytes; 0 ends */
	uint8_t flags;
};
#define CODE(...)                                                   \
	sizeof((const uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]) \
	{                                                           \
		__VA_ARGS__                                         \
	}
#define SP(...)                \
	(const uint8_t[])      \
	{                      \
		__VA_ARGS__, 0 \
	}
/* The first value counts from -1: 2 is 0, 2 + 2 * N is N. */
enum { NOTHING = 2, WRITES_SP = 2 };

struct program {
	uint32_t magic;
	const struct function *functions;
	size_t count;
	struct strbuf code, table, file;
	struct unwind_table *rows;
};

static void put_u32(struct strbuf *out, uint32_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

static void put_u64(struct strbuf *out, uint64_t v)
{
	strbuf_add(out, &v, sizeof(v));
}

static bool is_old(const struct program *p)
{
	return p->magic == (uint32_t)MAGIC_1_2 || p->magic == (uint32_t)MAGIC_1_16;
}

static void put_address(struct program *p, uint64_t text_off)
{
	if (is_old(p))
		put_u64(&p->table, TEXT + text_off);
	else
		put_u32(&p->table, (uint32_t)text_off);
}

static void put_code(struct program *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct function *f = &p->functions[i];
		strbuf_add(&p->code, f->code, f->code_bytes);
		while (p->code.length < (i + 1) * SLOT_BYTES)
			strbuf_putc(&p->code, (char)0xcc);
	}
}

/* Where what lies in the table; the parts are put one behind the other. */
struct layout {
	size_t names, values, functions;
	uint32_t name_off[FUNCTIONS_MAX], sp_off[FUNCTIONS_MAX];
};

static void put_parts(struct program *p, struct layout *at)
{
	struct strbuf *t = &p->table;
	size_t zero = p->magic == (uint32_t)MAGIC_1_2 ? 0 : 1;
	at->names = t->length;
	for (size_t i = 0; i < p->count; i++) {
		at->name_off[i] = (uint32_t)(t->length - at->names * zero);
		strbuf_add(t, p->functions[i].name, strlen(p->functions[i].name) + 1);
	}
	at->values = t->length;
	strbuf_putc(t, 0);
	for (size_t i = 0; i < p->count; i++) {
		const uint8_t *sp = p->functions[i].sp;
		at->sp_off[i] = (uint32_t)(t->length - at->values * zero);
		strbuf_add(t, sp, strlen((const char *)sp) + 1);
	}
	at->functions = t->length;
}

static void put_functions(struct program *p, const struct layout *at, uint64_t details_off)
{
	size_t details_bytes = is_old(p) ? 44 : 40;
	for (size_t i = 0; i < p->count; i++) {
		put_address(p, i * SLOT_BYTES);
		if (is_old(p))
			put_u64(&p->table, details_off + details_bytes * i);
		else
			put_u32(&p->table, (uint32_t)(details_off + details_bytes * i));
	}
	put_address(p, p->count * SLOT_BYTES);
	for (size_t i = 0; i < p->count; i++) {
		put_address(p, i * SLOT_BYTES);
		put_u32(&p->table, at->name_off[i]);
		put_u64(&p->table, 0);
		put_u32(&p->table, at->sp_off[i]);
		for (int k = 0; k < 4; k++)
			put_u32(&p->table, 0);
		strbuf_putc(&p->table, 0);
		strbuf_putc(&p->table, (char)p->functions[i].flags);
		strbuf_add(&p->table, "\0\0", 2);
	}
}

static void put_table(struct program *p)
{
	enum { HEADER_1_16 = 64, HEADER_1_18 = 72 };
	struct strbuf parts = { 0 }, *t = &p->table;
	struct layout at;
	size_t header = p->magic == (uint32_t)MAGIC_1_16 ? HEADER_1_16 : HEADER_1_18;
	put_u32(t, p->magic);
	strbuf_add(t, "\0\0\1\10", 4);
	put_u64(t, p->count);
	put_u64(t, 1);
	if (!is_old(p))
		put_u64(t, TEXT);
	size_t offsets = t->length;
	while (t->length < header)
		strbuf_putc(t, 0);
	put_parts(p, &at);
	const uint64_t values[] = { at.names, 0, 0, at.values, at.functions };
	memcpy(t->text + offsets, values, sizeof(values));
	put_functions(p, &at, is_old(p) ? 16 * p->count + 8 : 8 * p->count + 4);
	strbuf_deinit(&parts);
}

/* The table of Go 1.2 has its rows in front, and all counts from its start. */
static void put_table_1_2(struct program *p)
{
	struct strbuf *t = &p->table;
	struct layout at;
	put_u32(t, p->magic);
	strbuf_add(t, "\0\0\1\10", 4);
	put_u64(t, p->count);
	size_t rows = t->length, rows_bytes = 16 * p->count + 8 + 44 * p->count;
	while (t->length < rows + rows_bytes)
		strbuf_putc(t, 0);
	put_parts(p, &at);
	struct strbuf all = *t;
	*t = (struct strbuf){ 0 };
	put_functions(p, &at, rows + 16 * p->count + 8);
	memcpy(all.text + rows, t->text, rows_bytes);
	strbuf_deinit(t);
	*t = all;
}

static int try_open(struct program *p, bool has_sections)
{
	struct elf_builder b;
	struct object *o = NULL;
	struct error err = { 0 };
	elf_builder_init(&b, ET_EXEC);
	b.header.e_entry = TEXT;
	int text =
		elf_builder_section(&b, has_sections ? ".text" : "", SHT_PROGBITS,
				    SHF_ALLOC | SHF_EXECINSTR, TEXT, p->code.text, p->code.length);
	int data = elf_builder_section(&b, has_sections ? ".gopclntab" : "", SHT_PROGBITS,
				       SHF_ALLOC, TABLE, p->table.text, p->table.length);
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, text);
	elf_builder_segment(&b, PT_LOAD, PF_R, data);
	elf_build(&b, &p->file);
	assert_int_equal(object_open_image(p->file.text, p->file.length, "/x/go", &o, &err), 0);
	int rc = unwind_table_create(o, &p->rows, &err);
	object_unref(o);
	return rc;
}

static void make(struct program *p, uint32_t magic, const struct function *functions, size_t count)
{
	p->magic = magic;
	p->functions = functions;
	p->count = count;
	put_code(p);
	if (magic == (uint32_t)MAGIC_1_2)
		put_table_1_2(p);
	else
		put_table(p);
}

static void drop(struct program *p)
{
	unwind_table_destroy(p->rows);
	strbuf_deinit(&p->code);
	strbuf_deinit(&p->table);
	strbuf_deinit(&p->file);
}

static void assert_rule(const struct program *p, size_t function, unsigned off,
			struct unwind_rule want)
{
	struct unwind_rule rule = table_rule(p->rows, TEXT + function * SLOT_BYTES + off);
	if (memcmp(&rule, &want, sizeof(rule)))
		print_error("%s+%u\n", p->functions[function].name, off);
	assert_memory_equal(&rule, &want, sizeof(rule));
}

static const struct unwind_rule entered = { .cfa_kind = CFA_RSP, .cfa_off = 8 };
static const struct unwind_rule root = { .cfa_kind = CFA_ROOT };
static const struct unwind_rule elsewhere = { .cfa_kind = CFA_OTHER_STACK };
static const struct unwind_rule by_rbp = {
	.cfa_kind = CFA_SWITCH_RBP, .cfa_off = 16, .rbp_kind = RBP_CFA, .rbp_off = -16
};

static struct unwind_rule frame(int32_t bytes)
{
	return (struct unwind_rule){ .cfa_kind = CFA_RSP, .cfa_off = bytes + 8 };
}

static struct unwind_rule frame_with_rbp(int32_t bytes)
{
	struct unwind_rule rule = frame(bytes);
	rule.rbp_kind = RBP_CFA;
	rule.rbp_off = -16;
	return rule;
}

static const struct function common[] = {
	{ "_rt0_amd64_linux", CODE(0xe9, 0, 0, 0, 0), SP(NOTHING, 5), 0 },
	/* push %rbp; mov %rsp, %rbp; sub $24, %rsp; nop; add $24, %rsp; pop %rbp; ret */
	{ "main.pushes",
	  CODE(0x55, 0x48, 0x89, 0xe5, 0x48, 0x83, 0xec, 24, 0x90, 0x48, 0x83, 0xc4, 24, 0x5d,
	       0xc3),
	  SP(NOTHING, 1, 16, 7, 48, 5, 47, 1, 15, 1), 0 },
	/* sub $24, %rsp; mov %rbp, 16(%rsp); lea 16(%rsp), %rbp; nop; mov 16(%rsp), %rbp; add $24, %rsp; ret */
	{ "main.moves",
	  CODE(0x48, 0x83, 0xec, 24, 0x48, 0x89, 0x6c, 0x24, 16, 0x48, 0x8d, 0x6c, 0x24, 16, 0x90,
	       0x48, 0x8b, 0x6c, 0x24, 16, 0x48, 0x83, 0xc4, 24, 0xc3),
	  SP(NOTHING, 4, 48, 20, 47, 1), 0 },
	/* sub $256, %rsp; mov %rbp, 248(%rsp): a slot of 32 bits */
	{ "main.big",
	  CODE(0x48, 0x81, 0xec, 0, 1, 0, 0, 0x48, 0x89, 0xac, 0x24, 248, 0, 0, 0, 0xc3),
	  SP(NOTHING, 7, 0x80, 4, 9), 0 },
	/* sub $16, %rsp; nop: assembly that does not save rbp */
	{ "main.asm", CODE(0x48, 0x83, 0xec, 16, 0x90), SP(NOTHING, 4, 32, 1), 0 },
	{ "runtime.sigreturn__sigaction.abi0", CODE(0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 5),
	  SP(NOTHING, 9), 0 },
	{ "runtime.goexit.abi0", CODE(0x90, 0xe8, 0, 0, 0, 0, 0x90), SP(NOTHING, 7), 0 },
	{ "runtime.asyncPreempt", CODE(0x55, 0x48, 0x89, 0xe5, 0x9c), SP(NOTHING, 1, 16, 4, 16, 1),
	  0 },
	{ "runtime.other", CODE(0x55, 0x48, 0x89, 0xe5, 0x90), SP(NOTHING, 1, 16, 4), WRITES_SP },
};
enum { RT0, PUSHES, MOVES, BIG, ASM, SIGRETURN, GOEXIT, PREEMPT, OTHER, COMMON_COUNT };

static void check_common(const struct program *p)
{
	assert_rule(p, RT0, 0, root);
	assert_rule(p, PUSHES, 0, entered);
	assert_rule(p, PUSHES, 1, frame_with_rbp(8));
	assert_rule(p, PUSHES, 7, frame_with_rbp(8));
	assert_rule(p, PUSHES, 8, frame_with_rbp(32));
	assert_rule(p, PUSHES, 13, frame_with_rbp(8));
	assert_rule(p, PUSHES, 14, entered);
	assert_rule(p, MOVES, 4, frame(24));
	assert_rule(p, MOVES, 9, frame_with_rbp(24));
	assert_rule(p, MOVES, 24, entered);
	assert_rule(p, BIG, 7, frame(256));
	assert_rule(p, BIG, 15, frame_with_rbp(256));
	assert_rule(p, ASM, 3, entered);
	assert_rule(p, ASM, 4, frame(16));
	assert_rule(p, SIGRETURN - 1, SLOT_BYTES - 2, frame(16)); /* padding: as before it */
	assert_rule(p, SIGRETURN - 1, SLOT_BYTES - 1,
		    (struct unwind_rule){ CFA_SIGNAL, 0, 0, 0, 0 });
	assert_rule(p, SIGRETURN, 3, (struct unwind_rule){ CFA_SIGNAL, 0, 0, 0, 0 });
	assert_rule(p, GOEXIT, 0, root);
	struct unwind_rule injected = frame_with_rbp(8);
	injected.cfa_kind = CFA_INJECTED;
	assert_rule(p, PREEMPT, 1, injected);
}

static void rows_of_every_version(void **state)
{
	(void)state;
	static const uint32_t magics[] = { MAGIC_1_2, MAGIC_1_16, MAGIC_1_18 };
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		struct program p = { 0 };
		struct unwind_rows rows;
		make(&p, magics[i], common, COMMON_COUNT);
		assert_int_equal(try_open(&p, true), 0);
		check_common(&p);
		if (magics[i] != (uint32_t)MAGIC_1_2)
			assert_rule(&p, OTHER, 4, by_rbp);
		assert_true(unwind_table_rows(p.rows, &rows)); /* they suffice */
		drop(&p);
	}
}

static void the_table_is_found_without_sections(void **state)
{
	(void)state;
	struct program p = { 0 };
	make(&p, MAGIC_1_18, common, COMMON_COUNT);
	assert_int_equal(try_open(&p, false), 0);
	check_common(&p);
	drop(&p);
}

static void what_is_cut_off_does_no_harm(void **state)
{
	(void)state;
	struct program whole = { 0 };
	make(&whole, MAGIC_1_18, common, COMMON_COUNT);
	for (size_t length = 0; length < whole.table.length; length++) {
		struct program p = { 0 };
		put_u64(&p.code, 0);
		while (p.code.length < whole.code.length)
			strbuf_putc(&p.code, (char)0xcc);
		strbuf_add(&p.table, whole.table.text, length);
		if (try_open(&p, length % 2) < 0)
			assert_null(p.rows);
		drop(&p);
	}
	drop(&whole);
}

static const struct function go_1_26[] = {
	{ "_rt0_amd64_linux", CODE(0xe9, 0, 0, 0, 0), SP(NOTHING, 5), 0 },
	/* push %rbp; mov %rsp, %rbp; mov %fs:-8, %rax; cmp 184(%rbx), %rax; mov 56(%rdx), %rsp;
	 * call *%rdi; mov 56(%rax), %rsp; pop %rbp; ret */
	{ "runtime.systemstack.abi0",
	  CODE(0x55, 0x48, 0x89, 0xe5, 0x64, 0x48, 0x8b, 0x04, 0x25, 0xf8, 0xff, 0xff, 0xff, 0x48,
	       0x3b, 0x83, 184, 0, 0, 0, 0x48, 0x8b, 0x62, 0x38, 0xff, 0xd7, 0x48, 0x8b, 0x60, 0x38,
	       0x5d, 0xc3),
	  SP(NOTHING, 1, 16, 30, 15, 1), WRITES_SP },
	/* mov %rbp, 96(%rdi); mov 56(%rbx), %rsp; call newstack */
	{ "runtime.morestack.abi0",
	  CODE(0x48, 0x89, 0x6f, 96, 0x48, 0x8b, 0x63, 0x38, 0xe8, 0, 0, 0, 0), SP(NOTHING, 13),
	  WRITES_SP },
	/* push %rbp; mov %rsp, %rbp; call goschedImpl; nop */
	{ "runtime.newstack", CODE(0x55, 0x48, 0x89, 0xe5, 0xe8, 55, 0, 0, 0, 0x90),
	  SP(NOTHING, 1, 16, 9), 0 },
	{ "runtime.goschedImpl", CODE(0xc3), SP(NOTHING, 1), 0 },
	/* mov 56(%r14), %rsp; push %rax; call *%r12; nop */
	{ "runtime.mcall", CODE(0x49, 0x8b, 0x66, 0x38, 0x50, 0x41, 0xff, 0xd4, 0x90),
	  SP(NOTHING, 5, 16, 4), WRITES_SP },
	/* push %rbp; mov %rsp, %rbp; mov 56(%rsi), %rsp; sub $16, %rsp; sub %rdx, %rdi; mov %rdi, (%rsp);
	 * call; mov %rsi, %rsp; pop %rbp; ret */
	{ "runtime.asmcgocall.abi0",
	  CODE(0x55, 0x48, 0x89, 0xe5, 0x48, 0x8b, 0x66, 0x38, 0x48, 0x83, 0xec, 16, 0x48, 0x29,
	       0xd7, 0x48, 0x89, 0x3c, 0x24, 0xe8, 0, 0, 0, 0, 0x48, 0x89, 0xf4, 0x5d, 0xc3),
	  SP(NOTHING, 1, 16, 27, 15, 1), WRITES_SP },
	{ "gogo", CODE(0x48, 0x8b, 0x23, 0xff, 0xe3), SP(NOTHING, 5), WRITES_SP },
};

static void stacks_are_changed_by_rbp(void **state)
{
	(void)state;
	enum { SYSTEMSTACK = 1, MORESTACK, NEWSTACK, SCHED, MCALL, CGO, GOGO };
	struct program p = { 0 };
	make(&p, MAGIC_1_18, go_1_26, sizeof(go_1_26) / sizeof(go_1_26[0]));
	assert_int_equal(try_open(&p, true), 0);
	assert_rule(&p, SYSTEMSTACK, 23, frame_with_rbp(8));
	assert_rule(&p, SYSTEMSTACK, 25, by_rbp); /* the call */
	assert_rule(&p, SYSTEMSTACK, 30, frame_with_rbp(8));
	assert_rule(&p, SYSTEMSTACK, 31, entered);
	assert_rule(&p, MORESTACK, 7, entered);
	struct unwind_rule saved = { CFA_SWITCH_SAVED, SAVED_PC_AND_SP, 96, -8, 184 };
	assert_rule(&p, MORESTACK, 12, saved);
	assert_rule(&p, NEWSTACK, 4, frame_with_rbp(8));
	struct unwind_rule gives_up = { CFA_RSP, RBP_UNDEFINED, -16, 16, 0 };
	assert_rule(&p, NEWSTACK, 8, gives_up); /* what the scheduler returned to */
	assert_rule(&p, NEWSTACK, 9, frame_with_rbp(8));
	assert_rule(&p, MCALL, 3, entered);
	assert_rule(&p, MCALL, 7, root);
	assert_rule(&p, CGO, 23, by_rbp);
	assert_rule(&p, CGO, 27, frame_with_rbp(8));
	assert_rule(&p, GOGO, 2, entered);
	assert_rule(&p, GOGO, 3, elsewhere);
	drop(&p);
}

static const struct function go_1_19[] = {
	{ "_rt0_amd64_linux", CODE(0xe9, 0, 0, 0, 0), SP(NOTHING, 5), 0 },
	/* mov $-8, %rcx; mov %fs:(%rcx), %rax; cmp 192(%rbx), %rax; mov %rbx, %rsp; call *%rdi; mov 56(%rax), %rsp */
	{ "runtime.systemstack",
	  CODE(0x48, 0xc7, 0xc1, 0xf8, 0xff, 0xff, 0xff, 0x64, 0x48, 0x8b, 0x01, 0x48, 0x3b, 0x83,
	       192, 0, 0, 0, 0x48, 0x89, 0xdc, 0xff, 0xd7, 0x48, 0x8b, 0x60, 0x38, 0xc3),
	  SP(NOTHING, 28), WRITES_SP },
	{ "runtime.morestack",
	  CODE(0x48, 0x89, 0x6e, 104, 0x48, 0x8b, 0x63, 0x38, 0xe8, 0, 0, 0, 0), SP(NOTHING, 13),
	  WRITES_SP },
	/* mov 56(%rsi), %rsp; sub %rdx, %rdi; mov %rdi, 40(%rsp); call *%rax; mov %rsi, %rsp; ret;
	 * sub $64, %rsp; mov %rdx, 40(%rsp); call *%rax; mov %rsi, %rsp; ret */
	{ "runtime.asmcgocall",
	  CODE(0x48, 0x8b, 0x66, 0x38, 0x48, 0x29, 0xd7, 0x48, 0x89, 0x7c, 0x24, 40, 0xff, 0xd0,
	       0x48, 0x89, 0xf4, 0xc3, 0x48, 0x83, 0xec, 64, 0x48, 0x89, 0x54, 0x24, 40, 0xff, 0xd0,
	       0x48, 0x89, 0xf4, 0xc3),
	  SP(NOTHING, 33), WRITES_SP },
};

static void stacks_are_changed_by_what_is_saved(void **state)
{
	(void)state;
	enum { SYSTEMSTACK = 1, MORESTACK, CGO };
	struct program p = { 0 };
	make(&p, MAGIC_1_18, go_1_19, sizeof(go_1_19) / sizeof(go_1_19[0]));
	assert_int_equal(try_open(&p, true), 0);
	struct unwind_rule below = { CFA_SWITCH_SAVED, SAVED_BELOW, 104, -8, 192 };
	assert_rule(&p, SYSTEMSTACK, 20, entered);
	assert_rule(&p, SYSTEMSTACK, 22, below);
	assert_rule(&p, SYSTEMSTACK, 27, entered);
	struct unwind_rule cgo = { CFA_SWITCH_CGO, RBP_SAME, 0, 40, 8 };
	assert_rule(&p, CGO, 4, elsewhere);
	assert_rule(&p, CGO, 13, cgo);
	assert_rule(&p, CGO, 17, entered);
	assert_rule(&p, CGO, 28, cgo);
	assert_rule(&p, CGO, 32, entered);
	drop(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_every_version),
		cmocka_unit_test(the_table_is_found_without_sections),
		cmocka_unit_test(what_is_cut_off_does_no_harm),
		cmocka_unit_test(stacks_are_changed_by_rbp),
		cmocka_unit_test(stacks_are_changed_by_what_is_saved),
	};
	return cmocka_run_group_tests_name("unwind/go_rows", tests, NULL, NULL);
}
