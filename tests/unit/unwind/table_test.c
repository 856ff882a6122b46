// SPDX-License-Identifier: MIT
#include "cfi_builder.h"

#include <errno.h>
#include <stdio.h>

#include "unwind/table.h"

static struct unwind_rule at(const struct unwind_table *t, uint64_t offset)
{
	return table_rule(t, TEXT_VADDR + offset);
}

static void assert_rsp(struct unwind_rule r, int32_t offset)
{
	assert_int_equal(r.cfa_kind, CFA_RSP);
	assert_int_equal(r.cfa_off, offset);
}

static void rows_of_a_function(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	/* push %rbp at 0, mov %rsp, %rbp at 1, ret at 50 */
	put_fde(&f, TEXT_VADDR, 51,
		OPS(0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6, 0x40 | 46, 0xc6, 0x0c, 7, 8));
	struct unwind_table *t = make_table(&f, NULL);
	assert_rsp(at(t, 0), 8);
	assert_int_equal(at(t, 0).rbp_kind, RBP_SAME);
	assert_rsp(at(t, 1), 16);
	assert_int_equal(at(t, 1).rbp_kind, RBP_CFA);
	assert_int_equal(at(t, 1).rbp_off, -16);
	assert_rsp(at(t, 3), 16);
	assert_int_equal(at(t, 4).cfa_kind, CFA_RBP);
	assert_int_equal(at(t, 49).cfa_kind, CFA_RBP);
	assert_int_equal(at(t, 49).cfa_off, 16);
	assert_rsp(at(t, 50), 8);
	assert_int_equal(at(t, 51).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(table_rule(t, TEXT_VADDR - 1).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(table_rule(t, 0).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(table_rule(t, UINT64_MAX).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(t->row_count, 4);
	assert_int_equal(t->rule_count, 3);
	unwind_table_destroy(t);
}

static void functions_far_apart_and_out_of_order(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	/* 3 KB apart, so that whole pages lie between, and one that begins in the middle of one */
	put_fde(&f, TEXT_VADDR + 0x2fff, 0x20, OPS(0x0e, 40));
	put_fde(&f, TEXT_VADDR + 0x10, 0x20, OPS(0x0e, 24));
	put_fde(&f, TEXT_VADDR + 0x1300, 0x1000, OPS(0x0e, 32));
	struct unwind_table *t = make_table(&f, NULL);
	assert_int_equal(at(t, 0xf).cfa_kind, CFA_UNKNOWN);
	assert_rsp(at(t, 0x10), 24);
	assert_rsp(at(t, 0x2f), 24);
	assert_int_equal(at(t, 0x30).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(at(t, 0x12ff).cfa_kind, CFA_UNKNOWN);
	assert_rsp(at(t, 0x1300), 32);
	assert_rsp(at(t, 0x1fff), 32);
	assert_rsp(at(t, 0x2000), 32);
	assert_rsp(at(t, 0x22ff), 32);
	assert_int_equal(at(t, 0x2300).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(at(t, 0x2ffe).cfa_kind, CFA_UNKNOWN);
	assert_rsp(at(t, 0x2fff), 40);
	assert_rsp(at(t, 0x301e), 40);
	assert_int_equal(at(t, 0x301f).cfa_kind, CFA_UNKNOWN);
	unwind_table_destroy(t);
}

static void padding_is_no_gap_and_equal_neighbours_merge(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR, 0x21, OPS(0));
	put_fde(&f, TEXT_VADDR + 0x30, 0x20, OPS(0));
	struct unwind_table *t = make_table(&f, NULL);
	assert_int_equal(t->row_count, 1);
	unwind_table_destroy(t);
}

static void many_rows_agree_with_the_instructions(void **state)
{
	(void)state;
	/* A row a byte over several pages: CFA offset 8 * (1 + byte & 7). */
	struct frames f = { 0 };
	uint8_t ops[3 * 3000];
	for (unsigned i = 0; i < 3000; i++)
		memcpy(ops + 3 * i, (uint8_t[]){ 0x0e, (uint8_t)(8 * (1 + (i & 7))), 0x41 }, 3);
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR + 100, 3000, ops, sizeof(ops));
	struct unwind_table *t = make_table(&f, NULL);
	for (unsigned i = 0; i < 3000; i++)
		assert_rsp(at(t, 100 + i), 8 * (1 + ((int32_t)i & 7)));
	assert_int_equal(at(t, 99).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(at(t, 3100).cfa_kind, CFA_UNKNOWN);
	unwind_table_destroy(t);
}

static void overlapping_fdes(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR, 0x40, OPS(0x0e, 16));
	put_fde(&f, TEXT_VADDR + 0x10, 0x10, OPS(0x0e, 24)); /* wholly covered */
	put_fde(&f, TEXT_VADDR + 0x30, 0x30,
		OPS(0x48, 0x0e, 32, 0x50, 0x0e, 40)); /* the rest counts */
	struct unwind_table *t = make_table(&f, NULL);
	assert_rsp(at(t, 0x18), 16);
	assert_rsp(at(t, 0x3f), 16);
	assert_rsp(at(t, 0x40), 32);
	assert_rsp(at(t, 0x48), 40);
	assert_rsp(at(t, 0x5f), 40);
	unwind_table_destroy(t);
}

static void debug_frame_fills_what_eh_frame_lacks(void **state)
{
	(void)state;
	struct frames eh = { 0 }, debug = { .debug_frame = true };
	put_cie(&eh, "zR", ENTRY_STATE);
	put_fde(&eh, TEXT_VADDR, 0x40, OPS(0x0e, 16));
	put_cie_raw(&debug, "", 3, -8, NULL, 0, ENTRY_STATE);
	put_fde_absolute(&debug, TEXT_VADDR, 0x40, OPS(0x0e, 24));
	put_fde_absolute(&debug, TEXT_VADDR + 0x100, 0x40, OPS(0x0e, 32));
	put_fde_absolute(&debug, 0, 0x40,
			 OPS(0x0e, 40)); /* of a function that the linker dropped */
	struct unwind_table *t = make_table(&eh, &debug);
	uint64_t start, size;
	assert_rsp(at(t, 0), 16);
	assert_rsp(at(t, 0x100), 32);
	assert_true(unwind_table_function(t, TEXT_VADDR + 0x13f, &start, &size));
	assert_int_equal(start, TEXT_VADDR + 0x100);
	assert_int_equal(size, 0x40);
	assert_int_equal(t->fde_count, 2);
	unwind_table_destroy(t);

	debug = (struct frames){ .debug_frame = true };
	put_cie_raw(&debug, "", 3, -8, NULL, 0, ENTRY_STATE);
	put_fde_absolute(&debug, TEXT_VADDR, 0x40, OPS(0x0e, 24));
	t = make_table(NULL, &debug);
	assert_rsp(at(t, 0), 24);
	unwind_table_destroy(t);
}

static void function_bounds(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR + 0x100, 0x21, OPS(0));
	put_fde(&f, TEXT_VADDR + 0x130, 0x20, OPS(0));
	struct unwind_table *t = make_table(&f, NULL);
	uint64_t start, size;
	assert_false(unwind_table_function(t, TEXT_VADDR + 0xff, &start, &size));
	assert_true(unwind_table_function(t, TEXT_VADDR + 0x120, &start, &size));
	assert_int_equal(start, TEXT_VADDR + 0x100);
	assert_int_equal(size, 0x21);
	assert_false(unwind_table_function(t, TEXT_VADDR + 0x121, &start, &size)); /* padding */
	assert_true(unwind_table_function(t, TEXT_VADDR + 0x130, &start, &size));
	assert_false(unwind_table_function(t, TEXT_VADDR + 0x150, &start, &size));
	assert_true(table_is_bare_start(t, TEXT_VADDR + 0x100));
	assert_true(table_is_bare_start(t, TEXT_VADDR + 0x130));
	assert_false(table_is_bare_start(t, TEXT_VADDR + 0x131));
	assert_true(unwind_table_memory_bytes(t) > sizeof(*t));
	unwind_table_destroy(t);
}

/* The rule of an FDE with these instructions. */
static struct unwind_rule rule_of(const char *augmentation, const uint8_t *ops, size_t size)
{
	struct frames f = { 0 };
	put_cie(&f, augmentation, ENTRY_STATE);
	put_fde(&f, TEXT_VADDR, 0x40, ops, size);
	struct unwind_table *t = make_table(&f, NULL);
	struct unwind_rule rule = at(t, 0);
	unwind_table_destroy(t);
	return rule;
}

static void the_plt_expression(void **state)
{
	(void)state;
	struct unwind_rule r = rule_of(
		"zR", OPS(0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x33, 0x24, 0x22));
	assert_int_equal(r.cfa_kind, CFA_PLT);
	assert_int_equal(r.cfa_add, 11);
	r = rule_of("zR",
		    OPS(0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x39, 0x2a, 0x33, 0x24, 0x22));
	assert_int_equal(r.cfa_add, 9);
	/* another shift: not ours to guess */
	r = rule_of("zR",
		    OPS(0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3b, 0x2a, 0x34, 0x24, 0x22));
	assert_int_equal(r.cfa_kind, CFA_SLOW);
}

static void realigned_frames(void **state)
{
	(void)state;
	/* gcc: CFA = *(rbp - 16), rbp at *(rbp) */
	struct unwind_rule r = rule_of("zR", OPS(0x0f, 3, 0x76, 0x70, 0x06, 0x10, 6, 2, 0x76, 0));
	assert_int_equal(r.cfa_kind, CFA_DEREF_RBP);
	assert_int_equal(r.cfa_off, -16);
	assert_int_equal(r.cfa_add, 0);
	assert_int_equal(r.rbp_kind, RBP_RBP);
	assert_int_equal(r.rbp_off, 0);
	/* OpenSSL: CFA = *(rsp + 128) + 8, rbp at CFA - 24 */
	r = rule_of("zR", OPS(0x0f, 6, 0x77, 0x80, 1, 0x06, 0x23, 8, 0x86, 3));
	assert_int_equal(r.cfa_kind, CFA_DEREF_RSP);
	assert_int_equal(r.cfa_off, 128);
	assert_int_equal(r.cfa_add, 8);
	assert_int_equal(r.rbp_kind, RBP_CFA);
	assert_int_equal(r.rbp_off, -24);
}

#define UCONTEXT(rip) \
	0x0f, 4, 0x77, 0xa0, 1, 0x06, 0x10, 6, 3, 0x77, 0xf8, 0, 0x10, 16, 3, 0x77, (rip), 1

static void signal_frames(void **state)
{
	(void)state;
	/* As glibc describes __restore_rt: CFA = *(rsp + 160), rbp at rsp + 120, rip at rsp + 168.
	 */
	struct unwind_rule r = rule_of("zRS", OPS(UCONTEXT(0xa8)));
	assert_int_equal(r.cfa_kind, CFA_SIGNAL);
	assert_int_equal(r.cfa_off, 0);
	r = rule_of("zRS", OPS(UCONTEXT(0xa0))); /* rip elsewhere: some other kind of frame */
	assert_int_equal(r.cfa_kind, CFA_SLOW);
	r = rule_of("zRS", OPS(0));
	assert_int_equal(r.cfa_kind, CFA_SLOW);
}

static void ends_of_stacks(void **state)
{
	(void)state;
	assert_int_equal(rule_of("zR", OPS(0x07, 16)).cfa_kind, CFA_ROOT);
	assert_int_equal(rule_of("zR", OPS(0x07, 6)).rbp_kind, RBP_UNDEFINED);
	assert_int_equal(rule_of("zR", OPS(0x08, 6)).rbp_kind, RBP_SAME);
}

static void what_does_not_fit_is_slow(void **state)
{
	(void)state;
	assert_int_equal(rule_of("zR", OPS(0x0c, 10, 8)).cfa_kind, CFA_SLOW); /* CFA from r10 */
	assert_int_equal(rule_of("zR", OPS(0x0e, 0x80, 0x80, 0x80, 0x80, 8)).cfa_kind, CFA_SLOW);
	assert_int_equal(rule_of("zR", OPS(0x0f, 2, 0x73, 8)).cfa_kind,
			 CFA_SLOW); /* CFA = rbx + 8 */
	assert_int_equal(rule_of("zR", OPS(0x86, 0x80, 0x80, 1)).cfa_kind,
			 CFA_SLOW);                                          /* rbp far away */
	assert_int_equal(rule_of("zR", OPS(0x09, 6, 3)).cfa_kind, CFA_SLOW); /* rbp in rbx */
	assert_int_equal(rule_of("zR", OPS(0x16, 6, 2, 0x76, 0)).cfa_kind,
			 CFA_SLOW); /* val_expression */
	assert_int_equal(rule_of("zR", OPS(0x90, 2)).cfa_kind,
			 CFA_SLOW); /* return address elsewhere */
	assert_int_equal(rule_of("zR", OPS(0x09, 16, 5)).cfa_kind, CFA_SLOW); /* or in a register */
}

static void go_saves_rbp_beside_the_return_address(void **state)
{
	(void)state;
	struct frames debug = { .debug_frame = true };
	put_cie_raw(&debug, "", 3, -4, NULL, 0, OPS(0x0c, 7, 8, 0x90, 2));
	put_fde_absolute(&debug, TEXT_VADDR, 0x40, OPS(0x44, 0x0e, 48));
	struct unwind_table *t = make_table(NULL, &debug);
	assert_rsp(at(t, 0), 8);
	assert_int_equal(at(t, 0).rbp_kind, RBP_SAME);
	assert_rsp(at(t, 4), 48);
	assert_int_equal(at(t, 4).rbp_kind, RBP_CFA);
	assert_int_equal(at(t, 4).rbp_off, -16);
	unwind_table_destroy(t);
}

static void more_rules_than_numbers(void **state)
{
	(void)state;
	/* 70,000 different rules (CFA offset times rbp offset) do not fit u16 numbers. */
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	struct strbuf ops = { 0 };
	for (unsigned i = 0; i < 70000; i++) {
		uint8_t op[] = { 0x0e, (uint8_t)(0x80 | (i & 0x7f)), (uint8_t)(i >> 7 & 0x7f),
				 0x86, (uint8_t)(2 + (i >> 14)),     0x41 };
		strbuf_add(&ops, op, sizeof(op));
	}
	struct elf_builder b;
	struct strbuf out = { 0 };
	struct object *o;
	struct error err = { 0 };
	put_fde(&f, TEXT_VADDR, 70000, (const uint8_t *)ops.text, ops.length);
	elf_builder_init(&b, ET_DYN);
	int text = elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				       TEXT_VADDR, "", 1);
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, text)->p_memsz = 100000;
	int eh = elf_builder_section(&b, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, FRAME_VADDR,
				     f.out.text, f.out.length);
	elf_builder_segment(&b, PT_LOAD, PF_R, eh);
	elf_build(&b, &out);
	struct unwind_table *t;
	assert_int_equal(object_open_image(out.text, out.length, "test", &o, &err), 0);
	assert_int_equal(unwind_table_create(o, &t, &err), 0);
	object_unref(o);
	assert_rsp(at(t, 65000), 65000 & 0x3fff);
	assert_int_equal(at(t, 65600).cfa_kind, CFA_SLOW);
	assert_int_equal(at(t, 69999).cfa_kind, CFA_SLOW);
	unwind_table_destroy(t);
	strbuf_deinit(&out);
	strbuf_deinit(&ops);
	strbuf_deinit(&f.out);
}

static void damaged_instructions_become_a_gap(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR, 0x40,
		OPS(0x50, 0x3f)); /* 16 good bytes, then no such instruction */
	put_fde(&f, TEXT_VADDR + 0x40, 0x40, OPS(0x0e, 24));
	struct unwind_table *t = make_table(&f, NULL);
	assert_rsp(at(t, 0xf), 8);
	assert_int_equal(at(t, 0x10).cfa_kind, CFA_UNKNOWN);
	assert_int_equal(at(t, 0x3f).cfa_kind, CFA_UNKNOWN);
	assert_rsp(at(t, 0x40), 24);
	unwind_table_destroy(t);
}

static void a_damaged_section_is_an_error_with_its_place(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	put_fde(&f, TEXT_VADDR, 0x40, OPS(0));
	char want[64];
	snprintf(want, sizeof(want), ".eh_frame is damaged at byte %zu", f.out.length + 4);
	strbuf_add(&f.out, "\xff\xff\xff\x0f", 4); /* longer than the section */
	struct unwind_table *t = NULL;
	struct error err = { 0 };
	struct object *o = make_object(&f, NULL);
	assert_int_equal(unwind_table_create(o, &t, &err), -EBADMSG);
	assert_string_equal(err.text, want);
	assert_null(t);
	object_unref(o);
}

static void no_cfi_is_no_error(void **state)
{
	(void)state;
	struct unwind_table *t = NULL;
	struct error err = { 0 };
	struct object *o = make_object(NULL, NULL);
	assert_int_equal(unwind_table_create(o, &t, &err), -ENODATA);
	object_unref(o);
	struct frames f = { 0 };
	put_u32(&f.out, 0); /* the terminator alone */
	o = make_object(&f, NULL);
	assert_int_equal(unwind_table_create(o, &t, &err), -ENODATA);
	object_unref(o);
	assert_string_equal(err.text, "");
	assert_null(t);
	unwind_table_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_function),
		cmocka_unit_test(functions_far_apart_and_out_of_order),
		cmocka_unit_test(padding_is_no_gap_and_equal_neighbours_merge),
		cmocka_unit_test(many_rows_agree_with_the_instructions),
		cmocka_unit_test(overlapping_fdes),
		cmocka_unit_test(debug_frame_fills_what_eh_frame_lacks),
		cmocka_unit_test(function_bounds),
		cmocka_unit_test(the_plt_expression),
		cmocka_unit_test(realigned_frames),
		cmocka_unit_test(signal_frames),
		cmocka_unit_test(ends_of_stacks),
		cmocka_unit_test(what_does_not_fit_is_slow),
		cmocka_unit_test(go_saves_rbp_beside_the_return_address),
		cmocka_unit_test(more_rules_than_numbers),
		cmocka_unit_test(damaged_instructions_become_a_gap),
		cmocka_unit_test(a_damaged_section_is_an_error_with_its_place),
		cmocka_unit_test(no_cfi_is_no_error),
	};
	return cmocka_run_group_tests_name("unwind/table", tests, NULL, NULL);
}
