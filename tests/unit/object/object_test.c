// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "../support/elf_builder.h"
#include "object/object.h"

#include <cmocka.h> /* last: it defines fail() as a macro */

static const uint8_t BUILD_ID[20] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
				      11, 12, 13, 14, 15, 16, 17, 18, 19, 20 };

/* Read-only data at file offset X, vaddr 0x1000; code at vaddr 0x3000. */
struct sample {
	struct elf_builder builder;
	struct strbuf file, note;
	int text, rodata;
};

static void sample_build(struct sample *s, bool with_segments)
{
	*s = (struct sample){ 0 };
	elf_builder_init(&s->builder, ET_DYN);
	elf_note(&s->note, NT_GNU_ABI_TAG, "other note", 10);
	elf_note(&s->note, NT_GNU_BUILD_ID, BUILD_ID, sizeof(BUILD_ID));
	int note = elf_builder_section(&s->builder, ".note.gnu.build-id", SHT_NOTE, SHF_ALLOC,
				       0x500, s->note.text, s->note.length);
	s->rodata = elf_builder_section(&s->builder, ".rodata", SHT_PROGBITS, SHF_ALLOC, 0x1000,
					"constant", 9);
	s->text = elf_builder_section(&s->builder, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR,
				      0x3000, "machine code", 13);
	if (!with_segments)
		return;
	elf_builder_segment(&s->builder, PT_NOTE, PF_R, note);
	elf_builder_segment(&s->builder, PT_LOAD, PF_R, s->rodata);
	elf_builder_segment(&s->builder, PT_LOAD, PF_R | PF_X, s->text);
}

static struct object *open_bytes(const struct strbuf *file)
{
	struct object *o = NULL;
	struct error err = { 0 };
	assert_int_equal(object_open_image(file->text, file->length, "x.so", &o, &err), 0);
	return o;
}

static void sample_deinit(struct sample *s)
{
	strbuf_deinit(&s->file);
	strbuf_deinit(&s->note);
}

static void reads_identity_and_segments(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, true);
	elf_build(&s.builder, &s.file);
	struct object *o = open_bytes(&s.file);
	assert_true(o->is_pie_or_shared);
	assert_int_equal(o->machine, EM_X86_64);
	assert_int_equal(o->build_id_size, 20);
	assert_memory_equal(o->build_id, BUILD_ID, 20);
	assert_int_equal(o->segment_count, 2);
	assert_false(o->segments[0].executable);
	assert_true(o->segments[1].executable);
	assert_string_equal(o->path, "x.so");

	uint64_t vaddr = 0;
	assert_true(object_vaddr_of(o, s.builder.sections[s.text].sh_offset + 5, &vaddr));
	assert_int_equal(vaddr, 0x3005);
	assert_true(object_vaddr_of(o, s.builder.sections[s.rodata].sh_offset, &vaddr));
	assert_int_equal(vaddr, 0x1000);
	assert_false(object_vaddr_of(o, s.builder.sections[s.text].sh_offset + 13, &vaddr));
	object_unref(o);
	sample_deinit(&s);
}

static void an_executable_segment_wins_over_one_of_equal_offset(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, true);
	Elf64_Phdr *p = elf_builder_segment(&s.builder, PT_LOAD, PF_R, s.text);
	p->p_vaddr = 0x9000;
	Elf64_Phdr swap = s.builder.segments[2];
	s.builder.segments[2] = *p;
	*p = swap; /* the data segment stands first */
	elf_build(&s.builder, &s.file);
	struct object *o = open_bytes(&s.file);
	uint64_t vaddr = 0;
	assert_true(object_vaddr_of(o, s.builder.sections[s.text].sh_offset + 1, &vaddr));
	assert_int_equal(vaddr, 0x3001);
	object_unref(o);
	sample_deinit(&s);
}

static void build_id_is_found_by_section_when_no_segment_has_it(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, false);
	elf_build(&s.builder, &s.file);
	struct object *o = open_bytes(&s.file);
	assert_int_equal(o->segment_count, 0);
	assert_int_equal(o->build_id_size, 20);
	assert_memory_equal(o->build_id, BUILD_ID, 20);
	object_unref(o);
	sample_deinit(&s);
}

static int memory_file(const struct strbuf *bytes)
{
	int fd = memfd_create("object_test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes->text, bytes->length), bytes->length);
	return fd;
}

static void a_file_is_read_like_an_image(void **state)
{
	(void)state;
	struct sample s;
	struct error err = { 0 };
	sample_build(&s, true);
	elf_build(&s.builder, &s.file);
	struct object *o = NULL;
	assert_int_equal(object_open_fd(memory_file(&s.file), "f", &o, &err), 0);
	assert_true(o->inode != 0);
	assert_memory_equal(o->build_id, BUILD_ID, 20);
	struct object_section text;
	assert_int_equal(object_section_load(o, ".text", &text, &err), 0);
	assert_int_equal(text.size_bytes, 13);
	assert_int_equal(text.vaddr, 0x3000);
	assert_string_equal((char *)text.bytes, "machine code");
	object_section_deinit(&text);

	/* The owner truncates it under us. */
	assert_int_equal(ftruncate(o->fd, 200), 0);
	assert_int_equal(object_section_load(o, ".text", &text, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "'f'"));
	object_unref(o);
	sample_deinit(&s);
}

static void what_is_no_elf_file_is_said(void **state)
{
	(void)state;
	struct object *o = NULL;
	struct error err = { 0 };
	assert_int_equal(object_open_image("#!/bin/sh\n", 10, "s", &o, &err), -ENOEXEC);
	assert_non_null(strstr(err.text, "'s'"));
	assert_int_equal(object_open_image("", 0, "s", &o, &err), -ENOEXEC);
	assert_int_equal(object_open_image(ELFMAG, 4, "s", &o, &err), -ENOEXEC);
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(object_open_fd(fd, "/dev/null", &o, &err), -ENOEXEC);
	assert_int_equal(close(fd), -1); /* taken over */

	struct sample s;
	sample_build(&s, true);
	s.builder.header.e_machine = EM_AARCH64;
	elf_build(&s.builder, &s.file);
	assert_int_equal(object_open_image(s.file.text, s.file.length, "s", &o, &err), -ENOEXEC);
	assert_null(o);
	sample_deinit(&s);
}

/* Every prefix of a file either opens or is refused; nothing reads behind the end (ASan watches).
 */
static void every_truncation_is_survived(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, true);
	elf_build(&s.builder, &s.file);
	for (size_t size = 0; size < s.file.length; size++) {
		struct object *o = NULL;
		struct error err = { 0 };
		if (object_open_image(s.file.text, size, "t", &o, &err) < 0) {
			assert_true(err.text[0] != 0);
			continue;
		}
		struct object_section section = { 0 };
		int rc = object_section_load(o, ".text", &section, &err);
		assert_true(rc == -EBADMSG);
		object_unref(o);
	}
	sample_deinit(&s);
}

static void every_flipped_byte_is_survived(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, true);
	elf_build(&s.builder, &s.file);
	for (size_t i = 0; i < s.file.length; i++) {
		char was = s.file.text[i];
		s.file.text[i] = (char)~was;
		struct object *o = NULL;
		struct object_section section = { 0 };
		if (object_open_image(s.file.text, s.file.length, "t", &o, NULL) == 0) {
			if (object_section_load(o, ".text", &section, NULL) == 0)
				object_section_deinit(&section);
			object_unref(o);
		}
		s.file.text[i] = was;
	}
	sample_deinit(&s);
}

static void a_missing_section_is_a_miss(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, true);
	elf_builder_section(&s.builder, ".bss", SHT_NOBITS, SHF_ALLOC, 0x8000, NULL, 1 << 30);
	elf_build(&s.builder, &s.file);
	struct object *o = open_bytes(&s.file);
	struct object_section section = { 0 };
	struct error err = { 0 };
	assert_int_equal(object_section_load(o, ".nothing", &section, &err), -ENOENT);
	assert_int_equal(object_section_load(o, ".bss", &section, &err), -ENOENT);
	assert_string_equal(err.text, "");
	object_unref(o);
	sample_deinit(&s);
}

static char plain[50000];

/* Compressed forms of `plain` as the linkers write them. */
static void compressed_section(struct strbuf *out, uint32_t kind, bool old_form, uint64_t claimed)
{
	static char packed[80000];
	uLongf n = sizeof(packed);
	if (kind == ELFCOMPRESS_ZLIB)
		assert_int_equal(compress((Bytef *)packed, &n, (Bytef *)plain, sizeof(plain)),
				 Z_OK);
	else
		n = ZSTD_compress(packed, sizeof(packed), plain, sizeof(plain), 3);
	const Elf64_Chdr header = { .ch_type = kind, .ch_size = claimed, .ch_addralign = 1 };
	const uint64_t big_endian = __builtin_bswap64(claimed);
	if (old_form) {
		strbuf_puts(out, "ZLIB");
		strbuf_add(out, &big_endian, sizeof(big_endian));
	} else {
		strbuf_add(out, &header, sizeof(header));
	}
	strbuf_add(out, packed, n);
}

static int load_compressed(uint32_t kind, bool old_form, uint64_t claimed,
			   struct object_section *section, struct error *err)
{
	struct elf_builder b;
	struct strbuf file = { 0 }, bytes = { 0 };
	compressed_section(&bytes, kind, old_form, claimed);
	elf_builder_init(&b, ET_DYN);
	elf_builder_section(&b, old_form ? ".zdebug_info" : ".debug_info", SHT_PROGBITS,
			    old_form ? 0 : SHF_COMPRESSED, 0, bytes.text, bytes.length);
	elf_build(&b, &file);
	struct object *o = open_bytes(&file);
	int rc = object_section_load(o, ".debug_info", section, err);
	object_unref(o);
	strbuf_deinit(&file);
	strbuf_deinit(&bytes);
	return rc;
}

static void compressed_sections_are_unpacked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (char)(i * i / 7);
	static const struct {
		uint32_t kind;
		bool old_form;
	} forms[] = { { ELFCOMPRESS_ZLIB, false },
		      { ELFCOMPRESS_ZLIB, true },
		      { 2 /* zstd */, false } };
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct object_section section;
		struct error err = { 0 };
		assert_int_equal(load_compressed(forms[i].kind, forms[i].old_form, sizeof(plain),
						 &section, &err),
				 0);
		assert_int_equal(section.size_bytes, sizeof(plain));
		assert_memory_equal(section.bytes, plain, sizeof(plain));
		object_section_deinit(&section);
	}
}

static void false_sizes_of_compressed_sections_are_refused(void **state)
{
	(void)state;
	static const uint64_t claims[] = { 0, sizeof(plain) - 1, sizeof(plain) + 1 };
	struct object_section section;
	struct error err = { 0 };
	for (size_t i = 0; i < 3; i++)
		for (uint32_t kind = 1; kind <= 2; kind++)
			assert_int_equal(load_compressed(kind, false, claims[i], &section, &err),
					 -EBADMSG);
	assert_int_equal(load_compressed(ELFCOMPRESS_ZLIB, false, UINT64_MAX, &section, &err),
			 -EFBIG);
	for (uint32_t kind = 1; kind <= 2; kind++) {
		struct error why = { 0 };
		assert_int_equal(load_compressed(kind, false, UINT64_C(3) << 30, &section, &why),
				 -EBADMSG);
		assert_non_null(strstr(why.text, "claim to unpack to 3221225472"));
	}
	assert_int_equal(load_compressed(2, false, UINT64_MAX, &section, &err), -EFBIG);
	assert_non_null(strstr(err.text, ".debug_info"));
}

static void references_keep_an_object_alive(void **state)
{
	(void)state;
	struct sample s;
	sample_build(&s, true);
	elf_build(&s.builder, &s.file);
	struct object *o = open_bytes(&s.file);
	object_ref(o);
	object_unref(o);
	assert_string_equal(o->path, "x.so");
	object_unref(o);
	object_unref(NULL);
	sample_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_identity_and_segments),
		cmocka_unit_test(an_executable_segment_wins_over_one_of_equal_offset),
		cmocka_unit_test(build_id_is_found_by_section_when_no_segment_has_it),
		cmocka_unit_test(a_file_is_read_like_an_image),
		cmocka_unit_test(what_is_no_elf_file_is_said),
		cmocka_unit_test(every_truncation_is_survived),
		cmocka_unit_test(every_flipped_byte_is_survived),
		cmocka_unit_test(a_missing_section_is_a_miss),
		cmocka_unit_test(compressed_sections_are_unpacked),
		cmocka_unit_test(false_sizes_of_compressed_sections_are_refused),
		cmocka_unit_test(references_keep_an_object_alive),
	};
	return cmocka_run_group_tests_name("object/object", tests, NULL, NULL);
}
