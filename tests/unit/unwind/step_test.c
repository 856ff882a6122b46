// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>

/* The stack of these tests: words at STACK, STACK + 8, ... */
enum { STACK = 0x7000, WORDS = 40 };
struct words {
	uint64_t at[WORDS];
	uint64_t unreadable; /* an address, or 0 */
	uint64_t thread_pointer;
};

static bool read_word(const struct words *w, uint64_t address, uint64_t *out)
{
	if (address == w->unreadable || address < STACK || address >= STACK + 8 * WORDS ||
	    address & 7)
		return false;
	*out = w->at[(address - STACK) / 8];
	return true;
}

#define READ(dst, address) read_word(context, (address), &(dst))
#define THREAD_POINTER(dst) ((dst) = ((const struct words *)context)->thread_pointer)
#include "unwind/step.h"

static void assert_registers(struct unwind_registers r, uint64_t pc, uint64_t rsp, uint64_t rbp)
{
	assert_int_equal(r.pc, pc);
	assert_int_equal(r.rsp, rsp);
	assert_int_equal(r.rbp, rbp);
}

static void cfa_from_rsp(void **state)
{
	(void)state;
	/* sub $8, %rsp; rbp was pushed before: [pad, rbp, return address] */
	struct words w = { .at = { 0, 0x1111, 0x2222 } };
	struct unwind_rule rule = {
		.cfa_kind = CFA_RSP, .cfa_off = 24, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	struct unwind_registers r = { 1, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 24, 0x1111);
}

static void cfa_from_rbp(void **state)
{
	(void)state;
	struct words w = { .at = { 0, 0, 0x1111, 0x2222 } };
	struct unwind_rule rule = {
		.cfa_kind = CFA_RBP, .cfa_off = 16, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	struct unwind_registers r = { 1, STACK, STACK + 16 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 32, 0x1111);
}

static void a_popped_rbp_is_kept(void **state)
{
	(void)state;
	/* pop %rbp; ret: the CFI still says that rbp is saved at cfa - 16, which is below rsp now
	 */
	struct words w = { .at = { 0xbad, 0x2222 } };
	struct unwind_rule rule = {
		.cfa_kind = CFA_RSP, .cfa_off = 8, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	struct unwind_registers r = { 1, STACK + 8, 0x5555 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 16, 0x5555);
}

static void an_undefined_rbp_is_lost(void **state)
{
	(void)state;
	struct words w = { .at = { 0x2222 } };
	struct unwind_rule rule = { .cfa_kind = CFA_RSP, .cfa_off = 8, .rbp_kind = RBP_UNDEFINED };
	struct unwind_registers r = { 1, STACK, 0x5555 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 8, UNWIND_RBP_LOST);
}

static void plt_entries(void **state)
{
	(void)state;
	struct words w = { .at = { 0x2222, 0x3333 } };
	struct unwind_rule rule = { .cfa_kind = CFA_PLT, .cfa_add = 11 };
	struct unwind_registers r = { 0x1020, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 8, 5);
	r = (struct unwind_registers){ 0x102a, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 8, 5);
	r = (struct unwind_registers){ 0x102b, STACK, 5 }; /* the index has been pushed */
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x3333, STACK + 16, 5);
}

static void realigned_frames(void **state)
{
	(void)state;
	/* gcc's DRAP: CFA = *(rbp - 8), rbp is saved where rbp points */
	struct words w = { .at = { 0, STACK + 64, 0x1111, 0, 0, 0, 0, 0x2222 } };
	struct unwind_rule rule = { .cfa_kind = CFA_DEREF_RBP, .cfa_off = -8, .rbp_kind = RBP_RBP };
	struct unwind_registers r = { 1, STACK, STACK + 16 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 64, 0x1111);
	/* OpenSSL's assembly: CFA = *(rsp + 8) + 8 */
	rule = (struct unwind_rule){ .cfa_kind = CFA_DEREF_RSP, .cfa_off = 8, .cfa_add = 8 };
	w.at[1] = STACK + 56;
	r = (struct unwind_registers){ 1, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 64, 5);
}

static void signal_frames(void **state)
{
	(void)state;
	struct words w = { 0 };
	w.at[120 / 8] = 0x1111; /* struct ucontext: rbp, rsp, rip */
	w.at[160 / 8] = 0x123;
	w.at[168 / 8] = 0x2222;
	struct unwind_rule rule = { .cfa_kind = CFA_SIGNAL };
	struct unwind_registers r = { 1, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_INTERRUPTED);
	assert_registers(r, 0x2222, 0x123, 0x1111);
	w.unreadable = STACK + 160;
	r = (struct unwind_registers){ 1, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_READ_FAILED);
	assert_registers(r, 1, STACK, 5);
}

static void frame_pointers_where_no_cfi_is(void **state)
{
	(void)state;
	struct words w = { .at = { 0, STACK + 48, 0x2222 } };
	struct unwind_rule rule = { .cfa_kind = CFA_UNKNOWN };
	struct unwind_registers r = { 1, STACK, STACK + 8 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 24, STACK + 48);
	r.rbp = STACK + 16; /* below rsp: no frame pointer */
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_NO_RULE);
	r.rbp = STACK + 25;
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_NO_RULE);
	r.rbp = 0x100000;
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_READ_FAILED);
	assert_registers(r, 0x2222, STACK + 24, 0x100000);
}

static void ends_of_a_stack(void **state)
{
	(void)state;
	struct words w = { .at = { 0, 0, 0x2222 } };
	struct unwind_registers r = { 1, STACK, 5 };
	struct unwind_rule rule = { .cfa_kind = CFA_ROOT };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_ROOT);
	/* return address 0 and frame pointer 0 */
	rule = (struct unwind_rule){
		.cfa_kind = CFA_RSP, .cfa_off = 16, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_ROOT);
	rule.rbp_kind = RBP_SAME; /* the frame pointer is 5: a broken stack */
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_int_equal(r.pc, 0);
	rule = (struct unwind_rule){ .cfa_kind = CFA_SLOW };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_SLOW);
	rule = (struct unwind_rule){ .cfa_kind = 200 };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_BAD_RULE);
}

static void a_frame_must_grow(void **state)
{
	(void)state;
	struct words w = { .at = { 0x2222, 0x2222 } };
	struct unwind_rule rule = { .cfa_kind = CFA_RSP, .cfa_off = 0 };
	struct unwind_registers r = { 1, STACK + 8, STACK };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_NOT_GROWING);
	rule.cfa_off = 4;
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_NOT_GROWING);
	rule = (struct unwind_rule){ .cfa_kind = CFA_RBP, .cfa_off = 8 };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_NOT_GROWING);
	rule.cfa_off = -64;
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_NOT_GROWING);
	assert_registers(r, 1, STACK + 8, STACK);
}

static void unreadable_memory(void **state)
{
	(void)state;
	struct words w = { .at = { 1, 2, 3 }, .unreadable = STACK + 8 };
	struct unwind_registers r = { 1, STACK, 5 };
	struct unwind_rule rule = { .cfa_kind = CFA_RSP, .cfa_off = 16 };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_READ_FAILED);
	rule = (struct unwind_rule){
		.cfa_kind = CFA_RSP, .cfa_off = 24, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_READ_FAILED);
	rule = (struct unwind_rule){ .cfa_kind = CFA_DEREF_RSP, .cfa_off = 8 };
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_READ_FAILED);
	assert_registers(r, 1, STACK, 5);
}

static void the_start_of_a_program(void **state)
{
	(void)state;
	/* argc 2, argv[0], argv[1], NULL */
	struct words w = { .at = { 2, STACK + 200, STACK + 210, 0, 0 } };
	assert_true(unwind_is_program_start(&w, STACK));
	w.at[3] = 1;
	assert_false(unwind_is_program_start(&w, STACK));
	w.at[3] = 0;
	w.at[1] = STACK - 8; /* strings lie above */
	assert_false(unwind_is_program_start(&w, STACK));
	w.at[1] = STACK + 200;
	w.at[0] = 0;
	assert_false(unwind_is_program_start(&w, STACK));
	w.at[0] = UINT64_MAX;
	assert_false(unwind_is_program_start(&w, STACK));
	assert_false(unwind_is_program_start(&w, STACK + 8));
}

static void what_was_interrupted_did_not_call(void **state)
{
	(void)state;
	struct words w = { .at = { 0x2222 } };
	struct unwind_rule rule = { .cfa_kind = CFA_INJECTED, .cfa_off = 8 };
	struct unwind_registers r = { 1, STACK, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_INTERRUPTED);
	assert_registers(r, 0x2222, STACK + 8, 5);
}

/* From the upper end of the words to a goroutine's stack at their lower one. */
static void a_frame_on_another_stack(void **state)
{
	(void)state;
	struct words w = { .at = { 0, 0x1111, 0x2222 } };
	struct unwind_rule rule = {
		.cfa_kind = CFA_SWITCH_RBP, .cfa_off = 16, .rbp_kind = RBP_CFA, .rbp_off = -16
	};
	struct unwind_registers r = { 1, STACK + 200, STACK + 8 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 24, 0x1111);
	r = (struct unwind_registers){ 1, STACK, STACK + 4096 }; /* not in the copy */
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_OTHER_STACK);
	assert_registers(r, 1, STACK, STACK + 4096);
}

/* asmcgocall of Go 1.19: [.., depth, g, ..] on the system stack; a g's second word ends its stack. */
static void a_call_of_c(void **state)
{
	(void)state;
	struct words w = { .at = { 0, 0x2222, 0, [20] = 0, STACK + 48, [30] = 40, STACK + 160 } };
	struct unwind_rule rule = { .cfa_kind = CFA_SWITCH_CGO, .cfa_off = 40, .cfa_add = 8 };
	struct unwind_registers r = { 1, STACK + 200, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 16, 5);
	w.at[31] = 0; /* called on the system stack itself: no g, but an address */
	w.at[30] = STACK + 8;
	r = (struct unwind_registers){ 1, STACK + 200, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 16, 5);
	w.at[31] = 0x10; /* no such g */
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_OTHER_STACK);
}

/* fs:-8 is the system's g, its m (at 48) has the current g (at 8), which has sp, pc (at 56), rbp (at 96). */
static void what_a_goroutine_has_saved(void **state)
{
	(void)state;
	enum { G0 = 2, M = 10, G = 14 };
	struct words w = { .at = { STACK + 8 * G0, [G0 + 6] = STACK + 8 * M,
				   [M + 1] = STACK + 8 * G, [G + 7] = STACK + 8 * 30, 0x3333,
				   [G + 12] = 0x1111, [30] = 0x2222 },
			   .thread_pointer = STACK + 8 };
	struct unwind_rule rule = { .cfa_kind = CFA_SWITCH_SAVED,
				    .rbp_kind = SAVED_BELOW,
				    .rbp_off = 96,
				    .cfa_off = -8,
				    .cfa_add = 8 };
	struct unwind_registers r = { 1, STACK + 300, 5 };
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x2222, STACK + 8 * 31, 0x1111);
	rule.rbp_kind = SAVED_PC_AND_SP;
	assert_int_equal(unwind_step(&w, &rule, &r), STEP_CALLER);
	assert_registers(r, 0x3333, STACK + 8 * 30, 0x1111);
	r.rbp = UNWIND_RBP_LOST; /* the goroutine was given up */
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_ROOT);
	r.rbp = 5;
	w.at[G + 7] = 0; /* nothing is saved */
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_OTHER_STACK);
	w.at[M + 1] = 0; /* no current g */
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_OTHER_STACK);
	w.thread_pointer = 0;
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_OTHER_STACK);
	rule.cfa_kind = CFA_OTHER_STACK;
	assert_int_equal(unwind_step(&w, &rule, &r), UNWIND_OTHER_STACK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cfa_from_rsp),
		cmocka_unit_test(cfa_from_rbp),
		cmocka_unit_test(a_popped_rbp_is_kept),
		cmocka_unit_test(an_undefined_rbp_is_lost),
		cmocka_unit_test(plt_entries),
		cmocka_unit_test(realigned_frames),
		cmocka_unit_test(signal_frames),
		cmocka_unit_test(frame_pointers_where_no_cfi_is),
		cmocka_unit_test(ends_of_a_stack),
		cmocka_unit_test(a_frame_must_grow),
		cmocka_unit_test(unreadable_memory),
		cmocka_unit_test(the_start_of_a_program),
		cmocka_unit_test(what_was_interrupted_did_not_call),
		cmocka_unit_test(a_frame_on_another_stack),
		cmocka_unit_test(a_call_of_c),
		cmocka_unit_test(what_a_goroutine_has_saved),
	};
	return cmocka_run_group_tests_name("unwind/step", tests, NULL, NULL);
}
