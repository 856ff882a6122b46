/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNWIND_CFI_BUILDER_H
#define TESTS_UNWIND_CFI_BUILDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#undef fail /* base/error.h has one */

#include "../support/elf_builder.h"
#include "base/strbuf.h"
#include "object/object.h"
#include "unwind/cfi.h"
#include "unwind/unwind.h"

/*
 * Writes .eh_frame by hand, and an ELF image around it: code at TEXT_VADDR, .eh_frame at
 * FRAME_VADDR. Instructions are given as bytes: OPS(0x0c, 7, 8) is DW_CFA_def_cfa rsp, 8.
 */
enum { TEXT_VADDR = 0x10000, TEXT_BYTES = 0x4000, FRAME_VADDR = 0x20000 };

#define OPS(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })
/* What gcc's CIE says: CFA is rsp + 8, the return address at CFA - 8. */
#define ENTRY_STATE OPS(0x0c, 7, 8, 0x80 | 16, 1)

struct frames {
	struct strbuf out;
	size_t cie; /* offset of the last CIE */
	bool debug_frame;
};

static inline void put_u32(struct strbuf *s, uint32_t v)
{
	strbuf_add(s, &v, sizeof(v));
}

/* Fills in a length field written before as 0, after padding with DW_CFA_nop. */
static inline void end_entry(struct frames *f, size_t begin)
{
	while ((f->out.length - begin) % 8 != 4)
		strbuf_putc(&f->out, 0);
	uint32_t length = (uint32_t)(f->out.length - begin - 4);
	memcpy(f->out.text + begin, &length, sizeof(length));
}

/* A CIE with any augmentation; `data` is what follows the return register, sizes included. */
static inline void put_cie_raw(struct frames *f, const char *augmentation, uint8_t version,
			       int8_t data_align, const uint8_t *data, size_t data_size,
			       const uint8_t *ops, size_t size)
{
	f->cie = f->out.length;
	put_u32(&f->out, 0);
	put_u32(&f->out, f->debug_frame ? 0xffffffff : 0);
	strbuf_putc(&f->out, (char)version);
	strbuf_add(&f->out, augmentation, strlen(augmentation) + 1);
	if (version == 4)
		strbuf_add(&f->out, "\x08", 2); /* address and segment selector size */
	if (!strcmp(augmentation, "eh"))
		strbuf_add(&f->out, "\0\0\0\0\0\0\0", 8);
	strbuf_putc(&f->out, 1);
	strbuf_putc(&f->out, data_align & 0x7f);
	strbuf_putc(&f->out, 16);
	strbuf_add(&f->out, data, data_size);
	strbuf_add(&f->out, ops, size);
	end_entry(f, f->cie);
}

/* What gcc writes: "zR" (or "zRS"), pc-relative 4-byte pointers. */
static inline void put_cie(struct frames *f, const char *augmentation, const uint8_t *ops,
			   size_t size)
{
	put_cie_raw(f, augmentation, 1, -8, OPS(1, 0x1b), ops, size);
}

static inline size_t begin_fde(struct frames *f)
{
	size_t begin = f->out.length;
	put_u32(&f->out, 0);
	put_u32(&f->out, f->debug_frame ? (uint32_t)f->cie : (uint32_t)(begin + 4 - f->cie));
	return begin;
}

static inline void put_fde(struct frames *f, uint64_t start, uint32_t bytes, const uint8_t *ops,
			   size_t size)
{
	size_t begin = begin_fde(f);
	put_u32(&f->out, (uint32_t)(start - (FRAME_VADDR + f->out.length)));
	put_u32(&f->out, bytes);
	strbuf_putc(&f->out, 0);
	strbuf_add(&f->out, ops, size);
	end_entry(f, begin);
}

/* For a CIE without augmentation: absolute 8-byte pointers. */
static inline void put_fde_absolute(struct frames *f, uint64_t start, uint64_t bytes,
				    const uint8_t *ops, size_t size)
{
	size_t begin = begin_fde(f);
	strbuf_add(&f->out, &start, sizeof(start));
	strbuf_add(&f->out, &bytes, sizeof(bytes));
	strbuf_add(&f->out, ops, size);
	end_entry(f, begin);
}

/* An object with these sections (NULL: without); the frames are freed. */
static inline struct object *make_object(struct frames *eh, struct frames *debug)
{
	static const uint8_t text[TEXT_BYTES];
	struct elf_builder b;
	struct strbuf out = { 0 };
	struct object *o = NULL;
	struct error err = { 0 };
	elf_builder_init(&b, ET_DYN);
	int section = elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
					  TEXT_VADDR, text, sizeof(text));
	elf_builder_segment(&b, PT_LOAD, PF_R | PF_X, section);
	if (eh) {
		section = elf_builder_section(&b, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, FRAME_VADDR,
					      eh->out.text, eh->out.length);
		elf_builder_segment(&b, PT_LOAD, PF_R, section);
	}
	if (debug)
		elf_builder_section(&b, ".debug_frame", SHT_PROGBITS, 0, 0, debug->out.text,
				    debug->out.length);
	elf_build(&b, &out);
	assert_int_equal(object_open_image(out.text, out.length, "test", &o, &err), 0);
	strbuf_deinit(&out);
	if (eh)
		strbuf_deinit(&eh->out);
	if (debug)
		strbuf_deinit(&debug->out);
	return o;
}

/* The same, compiled. */
static inline struct unwind_table *make_table(struct frames *eh, struct frames *debug)
{
	struct unwind_table *t = NULL;
	struct error err = { 0 };
	struct object *o = make_object(eh, debug);
	assert_int_equal(unwind_table_create(o, &t, &err), 0);
	object_unref(o);
	return t;
}

#endif
