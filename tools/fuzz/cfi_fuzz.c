// SPDX-License-Identifier: MIT
/*
 * Call frame information: the input is a section (the first byte says which one), which is
 * compiled, looked up at every row and interpreted; its bytes also serve as the stack that is
 * walked.
 */
#include <stdlib.h>

#include "../../tests/unit/support/elf_builder.h"
#include "unwind/interpret.h"
#include "unwind/table.h"
#include "unwind/unwind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_VADDR = 0x10000, TEXT_BYTES = 0x2000, FRAME_VADDR = 0x20000, FRAMES = 64 };

struct input {
	const uint8_t *data;
	size_t size;
	const struct unwind_table *table;
};

static struct object *make_object(const uint8_t *data, size_t size)
{
	static const uint8_t text[TEXT_BYTES];
	struct elf_builder b;
	struct strbuf out = { 0 };
	struct object *o = NULL;
	bool debug = data[0] & 1;
	elf_builder_init(&b, ET_DYN);
	int section = elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
					  TEXT_VADDR, text, sizeof(text));
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, section);
	section = elf_builder_section(&b, debug ? ".debug_frame" : ".eh_frame", SHT_PROGBITS,
				      debug ? 0 : SHF_ALLOC, debug ? 0 : FRAME_VADDR, data + 1,
				      size - 1);
	if (!debug)
		elf_builder_segment(&b, PT_LOAD, PF_R, section);
	elf_build(&b, &out);
	if (object_open_image(out.text, out.length, "fuzz", &o, NULL) < 0)
		abort();
	strbuf_deinit(&out);
	return o;
}

static bool read_memory(void *context, enum unwind_memory kind, uint64_t address, void *out,
			size_t size_bytes)
{
	const struct input *in = context;
	(void)kind;
	if (address >= in->size || size_bytes > in->size - address)
		return false;
	memcpy(out, in->data + address, size_bytes);
	return true;
}

static bool read_any(void *context, uint64_t address, void *out, size_t size_bytes)
{
	return read_memory(context, MEMORY_OTHER_STACK, address, out, size_bytes);
}

static void code_at(void *context, uint64_t pc, struct unwind_code *out)
{
	const struct input *in = context;
	if (pc < TEXT_VADDR + TEXT_BYTES)
		*out = (struct unwind_code){ LOOKUP_TABLE, in->table, 0, 0,
					     TEXT_VADDR + TEXT_BYTES };
}

static void check_table(const struct unwind_table *t)
{
	if (t->pages[t->page_count] != t->row_count || t->row_count == 0)
		abort();
	for (uint32_t page = 0; page < t->page_count; page++) {
		if (t->pages[page] > t->pages[page + 1])
			abort();
		for (uint32_t row = t->pages[page]; row + 1 < t->pages[page + 1]; row++) {
			if (t->rows[row].low >= t->rows[row + 1].low)
				abort();
		}
	}
	for (uint32_t row = 0; row < t->row_count; row++) {
		if (t->rows[row].rule >= t->rule_count)
			abort();
	}
}

static void use_at(struct input *in, uint64_t pc)
{
	uint64_t start, size, pcs[FRAMES];
	struct interpret_memory memory = { in, read_any };
	struct interpret_registers r = { .known = (1u << CFI_REGISTERS) - 1 };
	struct unwind_result result;
	struct unwind_env env = { .context = in,
				  .code_at = code_at,
				  .read_memory = read_memory,
				  .stack = in->data,
				  .stack_size_bytes = in->size };
	r.value[CFI_RIP] = pc;
	if (unwind_table_function(in->table, pc, &start, &size) && pc - start >= size)
		abort();
	table_is_bare_start(in->table, pc);
	unwind_walk(&env, r.value, NULL, 0, pcs, FRAMES, &result);
	if (!result.count || result.count > FRAMES || pcs[0] != pc)
		abort();
	interpret_step(in->table, 0, pc, &memory, &r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct unwind_table *table = NULL;
	if (!size)
		return 0;
	struct object *o = make_object(data, size);
	if (unwind_table_create(o, &table, NULL) == 0) {
		struct input in = { data, size, table };
		check_table(table);
		for (uint32_t i = 0; i < table->fde_count && i < 64; i++) {
			use_at(&in, table->base_vaddr + table->fdes[i].start);
			use_at(&in, table->base_vaddr + table->fdes[i].start + 7);
		}
		use_at(&in, TEXT_VADDR + 0x100);
		unwind_table_destroy(table);
	}
	object_unref(o);
	return 0;
}
