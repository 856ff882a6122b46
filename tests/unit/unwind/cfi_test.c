// SPDX-License-Identifier: MIT
#include "cfi_builder.h"

/*
 * The machine: an FDE of 100 bytes at TEXT_VADDR, run up to an address. Opcodes are those of DWARF
 * 5, table 7.29.
 */
struct run {
	struct frames frames;
	struct cfi_section section;
	struct cfi_cie cie;
	struct cfi_fde fde;
	struct cfi_machine machine;
};

static void parse(struct run *r)
{
	struct cfi_entry cie, fde;
	r->section = (struct cfi_section){ .bytes = (const uint8_t *)r->frames.out.text,
					   .size_bytes = r->frames.out.length,
					   .vaddr = FRAME_VADDR,
					   .debug_frame = r->frames.debug_frame };
	struct cursor c = cursor_of(r->section.bytes, r->section.size_bytes);
	assert_int_equal(cfi_next_entry(&r->section, &c, &cie), 1);
	assert_true(cie.is_cie);
	assert_true(cfi_parse_cie(&r->section, &cie, &r->cie));
	assert_int_equal(cfi_next_entry(&r->section, &c, &fde), 1);
	assert_false(fde.is_cie);
	assert_int_equal(fde.cie_offset, cie.offset);
	assert_true(cfi_parse_fde(&r->section, &fde, &r->cie, &r->fde));
	assert_int_equal(cfi_next_entry(&r->section, &c, &fde), 0);
	cfi_machine_init(&r->machine, &r->section, &r->cie, &r->fde);
}

/* Runs `ops` to the state at an offset; the bytes of expressions are freed. */
static struct cfi_state state_at(unsigned offset, const uint8_t *ops, size_t size)
{
	struct run r = { 0 };
	put_cie(&r.frames, "zR", ENTRY_STATE);
	put_fde(&r.frames, TEXT_VADDR, 100, ops, size);
	parse(&r);
	assert_int_equal(r.fde.start_vaddr, TEXT_VADDR);
	assert_int_equal(r.fde.size_bytes, 100);
	struct cfi_state state = { 0 };
	bool found = false;
	while (cfi_machine_next(&r.machine)) {
		assert_true(r.machine.end > r.machine.start);
		assert_true(r.machine.end <= TEXT_VADDR + 100);
		if (TEXT_VADDR + offset >= r.machine.start && TEXT_VADDR + offset < r.machine.end) {
			state = r.machine.state;
			found = true;
		}
	}
	assert_int_equal(found, !r.machine.bad);
	strbuf_deinit(&r.frames.out);
	return state;
}

static void assert_cfa(struct cfi_state s, unsigned reg, int64_t offset)
{
	assert_int_equal(s.cfa.kind, CFI_REGISTER);
	assert_int_equal(s.cfa.reg, reg);
	assert_int_equal(s.cfa.offset, offset);
}

static void assert_rule(struct cfi_state s, unsigned reg, uint8_t kind, int64_t offset)
{
	assert_int_equal(s.registers[reg].kind, kind);
	assert_int_equal(s.registers[reg].offset, offset);
}

static void the_cie_sets_the_initial_state(void **state)
{
	(void)state;
	struct cfi_state s = state_at(0, OPS(0x00));
	assert_cfa(s, 7, 8);
	assert_rule(s, 16, CFI_OFFSET, -8);
	assert_rule(s, 6, CFI_UNSPECIFIED, 0);
}

static void locations_advance(void **state)
{
	(void)state;
	/* Each moves on and then sets the CFA's offset to 1, 2, 3, 4, 5. */
	const uint8_t ops[] = { 0x40 | 3, 0x0e, 1,    0x02, 4, 0x0e, 2, 0x03, 5,    0,
				0x0e,     3,    0x04, 6,    0, 0,    0, 0x0e, 4,    0x1d,
				7,        0,    0,    0,    0, 0,    0, 0,    0x0e, 5 };
	assert_cfa(state_at(2, ops, sizeof(ops)), 7, 8);
	assert_cfa(state_at(3, ops, sizeof(ops)), 7, 1);
	assert_cfa(state_at(7, ops, sizeof(ops)), 7, 2);
	assert_cfa(state_at(12, ops, sizeof(ops)), 7, 3);
	assert_cfa(state_at(18, ops, sizeof(ops)), 7, 4);
	assert_cfa(state_at(24, ops, sizeof(ops)), 7, 4);
	assert_cfa(state_at(25, ops, sizeof(ops)), 7, 5);
	assert_cfa(state_at(99, ops, sizeof(ops)), 7, 5);
}

static void an_advance_beyond_the_end_is_cut(void **state)
{
	(void)state;
	assert_cfa(state_at(99, OPS(0x02, 99, 0x0e, 16, 0x02, 99, 0x0e, 24)), 7, 16);
}

static void set_loc_uses_the_pointer_encoding(void **state)
{
	(void)state;
	struct run r = { 0 };
	put_cie(&r.frames, "zR", ENTRY_STATE);
	/* The operand lies 18 bytes into the FDE: length, id, start, size, augmentation size,
	 * opcode. */
	uint32_t relative = (uint32_t)(TEXT_VADDR + 40 - (FRAME_VADDR + r.frames.out.length + 18));
	put_fde(&r.frames, TEXT_VADDR, 100,
		OPS(0x01, (uint8_t)relative, (uint8_t)(relative >> 8), (uint8_t)(relative >> 16),
		    (uint8_t)(relative >> 24), 0x0e, 16));
	parse(&r);
	assert_true(cfi_machine_next(&r.machine));
	assert_int_equal(r.machine.end, TEXT_VADDR + 40);
	assert_true(cfi_machine_next(&r.machine));
	assert_cfa(r.machine.state, 7, 16);
	strbuf_deinit(&r.frames.out);
}

static void cfa_instructions(void **state)
{
	(void)state;
	assert_cfa(state_at(0, OPS(0x0c, 6, 0x80, 1)), 6, 128);  /* def_cfa */
	assert_cfa(state_at(0, OPS(0x0d, 6)), 6, 8);             /* def_cfa_register */
	assert_cfa(state_at(0, OPS(0x0e, 32)), 7, 32);           /* def_cfa_offset */
	assert_cfa(state_at(0, OPS(0x12, 10, 0x7e)), 10, 16);    /* def_cfa_sf: -2 * -8 */
	assert_cfa(state_at(0, OPS(0x13, 0x7d)), 7, 24);         /* def_cfa_offset_sf: -3 * -8 */
	struct cfi_state s = state_at(0, OPS(0x0f, 2, 0x77, 8)); /* def_cfa_expression */
	assert_int_equal(s.cfa.kind, CFI_EXPRESSION);
	assert_int_equal(s.cfa.expression_size_bytes, 2);
}

static void register_instructions(void **state)
{
	(void)state;
	assert_rule(state_at(0, OPS(0x80 | 6, 2)), 6, CFI_OFFSET, -16);  /* offset */
	assert_rule(state_at(0, OPS(0x05, 6, 3)), 6, CFI_OFFSET, -24);   /* offset_extended */
	assert_rule(state_at(0, OPS(0x11, 6, 0x7e)), 6, CFI_OFFSET, 16); /* offset_extended_sf */
	assert_rule(state_at(0, OPS(0x2f, 6, 2)), 6, CFI_OFFSET,
		    16); /* GNU_negative_offset_extended */
	assert_rule(state_at(0, OPS(0x07, 6)), 6, CFI_UNDEFINED, 0);        /* undefined */
	assert_rule(state_at(0, OPS(0x08, 6)), 6, CFI_SAME, 0);             /* same_value */
	assert_rule(state_at(0, OPS(0x09, 6, 3)), 6, CFI_REGISTER, 3);      /* register */
	assert_rule(state_at(0, OPS(0x14, 6, 1)), 6, CFI_VAL_OFFSET, -8);   /* val_offset */
	assert_rule(state_at(0, OPS(0x15, 6, 0x7f)), 6, CFI_VAL_OFFSET, 8); /* val_offset_sf */
	struct cfi_state s = state_at(0, OPS(0x10, 6, 3, 0x76, 0, 0x06));   /* expression */
	assert_int_equal(s.registers[6].kind, CFI_EXPRESSION);
	assert_int_equal(s.registers[6].expression_size_bytes, 3);
	s = state_at(0, OPS(0x16, 6, 2, 0x76, 0)); /* val_expression */
	assert_int_equal(s.registers[6].kind, CFI_VAL_EXPRESSION);
}

static void restore_goes_back_to_the_cie(void **state)
{
	(void)state;
	assert_rule(state_at(0, OPS(0x80 | 16, 5, 0xc0 | 16)), 16, CFI_OFFSET, -8);
	assert_rule(state_at(0, OPS(0x80 | 6, 5, 0x06, 6)), 6, CFI_UNSPECIFIED, 0);
}

static void remember_and_restore_state_nest(void **state)
{
	(void)state;
	const uint8_t ops[] = { 0x0e, 16, 0x0a, 0x0e, 24, 0x0a, 0x0e, 32, 0x41, 0x0b, 0x41, 0x0b };
	assert_cfa(state_at(0, ops, sizeof(ops)), 7, 32);
	assert_cfa(state_at(1, ops, sizeof(ops)), 7, 24);
	assert_cfa(state_at(2, ops, sizeof(ops)), 7, 16);
}

static void unneeded_instructions_are_skipped(void **state)
{
	(void)state;
	/* GNU_args_size; offset of xmm0 (DWARF register 17) */
	assert_cfa(state_at(0, OPS(0x2e, 0x90, 1, 0x80 | 17, 4, 0x0e, 48)), 7, 48);
}

static void damaged_instructions_end_the_fde(void **state)
{
	(void)state;
	const struct {
		uint8_t ops[8];
		size_t size;
	} damaged[] = {
		{ { 0x0b }, 1 },                   /* restore_state without remember_state */
		{ { 0x3f }, 1 },                   /* no such instruction */
		{ { 0x0f, 100, 0x77 }, 3 },        /* an expression longer than the FDE */
		{ { 0x0f, 1, 0x96, 0x0e, 8 }, 5 }, /* an offset without a register */
		{ { 0x0f, 1, 0x96, 0x0d, 6 }, 5 }, /* a register without an offset */
	};
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++)
		state_at(0, damaged[i].ops, damaged[i].size); /* asserts that it is bad */
}

static void remembering_has_a_limit(void **state)
{
	(void)state;
	uint8_t ops[CFI_STATE_DEPTH + 1];
	memset(ops, 0x0a, sizeof(ops));
	assert_cfa(state_at(0, ops, sizeof(ops) - 1), 7, 8);
	state_at(0, ops, sizeof(ops)); /* asserts that it is bad */
}

static void pointer(uint8_t encoding, const uint8_t *bytes, size_t size, uint64_t want)
{
	uint64_t value;
	struct cfi_section s = { .bytes = bytes, .size_bytes = size, .vaddr = 0x1004 };
	struct cursor c = cursor_of(bytes, size);
	assert_true(cfi_pointer(&s, &c, encoding, &value));
	assert_int_equal(value, want);
	if (encoding == 0xff)
		return;
	assert_int_equal(cursor_left(&c), 0);
	c = cursor_of(bytes, size - 1);
	assert_false(cfi_pointer(&s, &c, encoding, &value));
}

static void pointer_encodings(void **state)
{
	(void)state;
	pointer(0x00, OPS(1, 2, 3, 4, 5, 6, 7, 8), 0x0807060504030201);
	pointer(0x01, OPS(0x80, 0x01), 128);                               /* uleb128 */
	pointer(0x02, OPS(0xff, 0xff), 0xffff);                            /* udata2 */
	pointer(0x03, OPS(0xff, 0xff, 0xff, 0xff), 0xffffffff);            /* udata4 */
	pointer(0x04, OPS(1, 0, 0, 0, 0, 0, 0, 0x80), 0x8000000000000001); /* udata8 */
	pointer(0x09, OPS(0x80, 0x7f), (uint64_t)-128);                    /* sleb128 */
	pointer(0x0a, OPS(0xfe, 0xff), (uint64_t)-2);                      /* sdata2 */
	pointer(0x0b, OPS(0xfe, 0xff, 0xff, 0xff), (uint64_t)-2);          /* sdata4 */
	pointer(0x0c, OPS(0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff),
		(uint64_t)-2);                     /* sdata8 */
	pointer(0x1b, OPS(0x10, 0, 0, 0), 0x1014); /* pcrel | sdata4 */
	pointer(0x50, OPS(0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0),
		9);               /* aligned: 4 bytes are skipped */
	pointer(0xff, OPS(0), 0); /* omit */
}

static void pointers_without_a_base_are_refused(void **state)
{
	(void)state;
	uint64_t value;
	const uint8_t bytes[8] = { 0 };
	for (uint8_t base = 0x20; base <= 0x40; base = (uint8_t)(base + 0x10)) {
		struct cfi_section s = { .bytes = bytes, .size_bytes = sizeof(bytes) };
		struct cursor c = cursor_of(bytes, sizeof(bytes));
		assert_false(cfi_pointer(&s, &c, base | 0x0b, &value));
	}
}

/* A CIE of any kind before an FDE with absolute pointers. */
static void parses(const char *augmentation, uint8_t version, const uint8_t *data, size_t size)
{
	struct run r = { .frames.debug_frame = version != 1 };
	put_cie_raw(&r.frames, augmentation, version, -8, data, size, ENTRY_STATE);
	size_t fde = r.frames.out.length;
	if (augmentation[0] == 'z') {
		/* absolute, then an empty augmentation */
		put_fde_absolute(&r.frames, TEXT_VADDR, 64, OPS(0, 0x0e, 24));
	} else {
		put_fde_absolute(&r.frames, TEXT_VADDR, 64, OPS(0x0e, 24));
	}
	assert_true(fde > 0);
	parse(&r);
	assert_int_equal(r.fde.start_vaddr, TEXT_VADDR);
	assert_int_equal(r.fde.size_bytes, 64);
	assert_true(cfi_machine_next(&r.machine));
	assert_cfa(r.machine.state, 7, 24);
	strbuf_deinit(&r.frames.out);
}

static void augmentations(void **state)
{
	(void)state;
	parses("", 1, NULL, 0);
	parses("", 3, NULL, 0);
	parses("", 4, NULL, 0);
	parses("eh", 1, NULL, 0);
	parses("z", 1, OPS(0));
	parses("zR", 1, OPS(1, 0x00));
	/* personality (udata4), language-specific data, pointers, signal */
	parses("zPLRS", 1, OPS(7, 0x03, 1, 2, 3, 4, 0x1b, 0x00));
	parses("zR?", 1, OPS(4, 0x00, 9, 9, 9)); /* an unknown letter, skipped by its size */
}

static void unknown_cies_are_refused(void **state)
{
	(void)state;
	const struct {
		const char *augmentation;
		uint8_t version;
	} bad[] = { { "x", 1 }, { "", 2 }, { "", 5 } };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct frames f = { 0 };
		struct cfi_entry entry;
		struct cfi_cie cie;
		put_cie_raw(&f, bad[i].augmentation, bad[i].version, -8, NULL, 0, ENTRY_STATE);
		struct cfi_section s = { .bytes = (const uint8_t *)f.out.text,
					 .size_bytes = f.out.length };
		struct cursor c = cursor_of(s.bytes, s.size_bytes);
		assert_int_equal(cfi_next_entry(&s, &c, &entry), 1);
		assert_false(cfi_parse_cie(&s, &entry, &cie));
		strbuf_deinit(&f.out);
	}
}

static void an_entry_that_is_cut_off_is_an_error(void **state)
{
	(void)state;
	struct frames f = { 0 };
	put_cie(&f, "zR", ENTRY_STATE);
	for (size_t size = 1; size < f.out.length; size++) {
		struct cfi_entry entry;
		struct cfi_section s = { .bytes = (const uint8_t *)f.out.text, .size_bytes = size };
		struct cursor c = cursor_of(s.bytes, size);
		assert_int_equal(cfi_next_entry(&s, &c, &entry), -1);
		assert_non_null(c.bad);
	}
	strbuf_deinit(&f.out);
}

static void lengths_of_64_bits(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 0xff, 0xff, 0xff, 0xff, 8,    0,    0,    0,    0,    0,
				  0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct cfi_section s = { .bytes = bytes, .size_bytes = sizeof(bytes), .debug_frame = true };
	struct cursor c = cursor_of(bytes, sizeof(bytes));
	struct cfi_entry entry;
	assert_int_equal(cfi_next_entry(&s, &c, &entry), 1);
	assert_true(entry.is_cie);
	assert_int_equal(cfi_next_entry(&s, &c, &entry), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cie_sets_the_initial_state),
		cmocka_unit_test(locations_advance),
		cmocka_unit_test(an_advance_beyond_the_end_is_cut),
		cmocka_unit_test(set_loc_uses_the_pointer_encoding),
		cmocka_unit_test(cfa_instructions),
		cmocka_unit_test(register_instructions),
		cmocka_unit_test(restore_goes_back_to_the_cie),
		cmocka_unit_test(remember_and_restore_state_nest),
		cmocka_unit_test(unneeded_instructions_are_skipped),
		cmocka_unit_test(damaged_instructions_end_the_fde),
		cmocka_unit_test(remembering_has_a_limit),
		cmocka_unit_test(pointer_encodings),
		cmocka_unit_test(pointers_without_a_base_are_refused),
		cmocka_unit_test(augmentations),
		cmocka_unit_test(unknown_cies_are_refused),
		cmocka_unit_test(an_entry_that_is_cut_off_is_an_error),
		cmocka_unit_test(lengths_of_64_bits),
	};
	return cmocka_run_group_tests_name("unwind/cfi", tests, NULL, NULL);
}
