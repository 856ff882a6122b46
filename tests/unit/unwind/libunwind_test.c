// SPDX-License-Identifier: MIT
#include "unwind/libunwind.h"

#include "cfi_builder.h"
#include "unwind/libunwind_files.h"

#include <stdlib.h>

enum { HDR_VADDR = 0x30000, HDR_BYTES = 12 + 2 * 8, BIAS = 0x500000, CODE = BIAS + TEXT_VADDR };

/* .eh_frame_hdr, of two functions: version, three encodings, .eh_frame, count, then the table. */
static struct object *object_with_hdr(const uint8_t *hdr, size_t size)
{
	static const uint8_t frames[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct elf_builder b;
	struct strbuf bytes = { 0 };
	struct object *o;
	elf_builder_init(&b, ET_DYN);
	int section = elf_builder_section(&b, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, FRAME_VADDR,
					  frames, sizeof(frames));
	elf_builder_section(&b, ".eh_frame_hdr", SHT_PROGBITS, SHF_ALLOC, HDR_VADDR, hdr, size);
	elf_builder_segment(&b, PT_LOAD, PF_R, section);
	elf_build(&b, &bytes);
	assert_int_equal(object_open_image(bytes.text, bytes.length, "made up", &o, NULL), 0);
	strbuf_deinit(&bytes);
	return o;
}

static uint32_t entries_of(const uint8_t *hdr, size_t size)
{
	struct libunwind_files files = { 0 };
	struct object *o = object_with_hdr(hdr, size);
	const struct libunwind_file *f = libunwind_file_of(&files, o);
	assert_non_null(f);
	uint32_t count = f->entry_count;
	libunwind_files_deinit(&files);
	object_unref(o);
	return count;
}

static void only_a_table_that_is_there_is_searched(void **state)
{
	(void)state;
	uint8_t hdr[HDR_BYTES] = { 1, 0x1b, 0x03, 0x3b, 0, 0, 0, 0, 2 };
	assert_int_equal(entries_of(hdr, sizeof(hdr)), 2);
	assert_int_equal(entries_of(hdr, sizeof(hdr) - 1), 0); /* cut off */
	assert_int_equal(entries_of(hdr, 8), 0);
	hdr[11] = 0xff; /* more than any file has */
	assert_int_equal(entries_of(hdr, sizeof(hdr)), 0);
	hdr[11] = 0;
	hdr[3] = 0x1b; /* entries that libunwind would read wrongly */
	assert_int_equal(entries_of(hdr, sizeof(hdr)), 0);
}

static void words_of_a_file_are_there_or_not(void **state)
{
	(void)state;
	const uint8_t hdr[HDR_BYTES] = { 1, 0x1b, 0x03, 0x3b, 0, 0, 0, 0, 2 };
	struct libunwind_files files = { 0 };
	struct object *o = object_with_hdr(hdr, sizeof(hdr));
	const struct libunwind_file *f = libunwind_file_of(&files, o);
	uint8_t word[8];
	assert_true(libunwind_file_read(f, FRAME_VADDR, word, sizeof(word)));
	assert_int_equal(word[7], 8);
	assert_true(libunwind_file_read(f, FRAME_VADDR + 8, word, sizeof(word)));
	assert_false(libunwind_file_read(f, FRAME_VADDR + 9, word, sizeof(word)));
	assert_true(libunwind_file_read(f, HDR_VADDR, word, sizeof(word)));
	assert_int_equal(word[3], 0x3b);
	assert_false(libunwind_file_read(f, UINT64_MAX - 3, word, sizeof(word)));
	assert_ptr_equal(libunwind_file_of(&files, o), f); /* loaded once */
	libunwind_files_deinit(&files);
	object_unref(o);
}

static void code_at(void *context, uint64_t pc, struct unwind_code *out)
{
	if (pc >= CODE && pc < CODE + TEXT_BYTES)
		*out = (struct unwind_code){ *(enum unwind_lookup *)context, NULL, BIAS, CODE,
					     CODE + TEXT_BYTES };
}

static void run(enum unwind_lookup lookup, uint64_t pc, uint64_t rbp, uint64_t *pcs, uint32_t limit,
		struct unwind_result *out)
{
	static const uint64_t stack[] = { 0, 0x70018, CODE + 0x20, 0x70028, CODE + 0x30, 0, 0, 0 };
	struct unwind_env env = { .context = &lookup,
				  .code_at = code_at,
				  .stack = (const uint8_t *)stack,
				  .stack_start = 0x70000,
				  .stack_size_bytes = sizeof(stack) };
	uint64_t registers[REGISTER_COUNT] = { 0 };
	struct unwind_libunwind *u;
	registers[REGISTER_PC] = pc;
	registers[REGISTER_RSP] = 0x70000;
	registers[REGISTER_RBP] = rbp;
	assert_int_equal(unwind_libunwind_create(&u, NULL), 0);
	unwind_libunwind_walk(u, &env, registers, 1, pcs, limit, out);
	unwind_libunwind_destroy(u);
}

static void each_end_has_its_reason(void **state)
{
	(void)state;
	uint64_t pcs[8];
	struct unwind_result r;
	run(LOOKUP_NO_CFI, CODE + 0x10, 0x70008, pcs, 8, &r);
	assert_true(r.count >= 3);
	assert_int_equal(pcs[0], CODE + 0x10);
	assert_int_equal(pcs[1], CODE + 0x1f);
	assert_int_equal(pcs[2], CODE + 0x2f);
	run(LOOKUP_NO_CFI, CODE + 0x10, 0x70008, pcs, 2, &r);
	assert_int_equal(r.count, 2);
	assert_int_equal(r.reason, UNWIND_TOO_MANY_FRAMES);
	run(LOOKUP_NO_CFI, CODE + 0x10, 0x12345, pcs, 8, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.reason, UNWIND_NO_RULE);
	run(LOOKUP_NO_CFI, 0x10, 0x70008, pcs, 8, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.reason, UNWIND_NO_MAPPING);
	run(LOOKUP_PENDING, CODE + 0x10, 0x70008, pcs, 8, &r);
	assert_true(r.pending);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_table_that_is_there_is_searched),
		cmocka_unit_test(words_of_a_file_are_there_or_not),
		cmocka_unit_test(each_end_has_its_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
