// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "process/loaded_image.h"
#include "object/loaded.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/strbuf.h"
#include "process/maps_file.h"
#include "../support/elf_builder.h"

/* The truth is the file: what was made of memory must say the same. */

/* The executable mapping that holds an address, and the file behind it. */
static void mapping_of(const void *address, struct mapped_open *out, char *path, size_t size)
{
	struct strbuf text = { 0 };
	struct record_mmap mmap;
	assert_int_equal(read_file("/proc/self/maps", 1 << 24, &text, NULL), 0);
	struct cursor c = cursor_of(text.text, text.length);
	uint64_t wanted = (uint64_t)(uintptr_t)address;
	while (maps_file_next(&c, &mmap, path, size))
		if (mmap.start <= wanted && wanted < mmap.end)
			break;
	*out = (struct mapped_open){ .pid = getpid(),
				     .start = mmap.start,
				     .end = mmap.end,
				     .path = path,
				     .inode = mmap.inode };
	assert_true(mmap.start <= wanted && wanted < mmap.end);
	strbuf_deinit(&text);
}

static void assert_section(const struct object *file, const struct object *loaded, const char *name,
			   size_t may_lack)
{
	struct object_section want = { 0 }, got = { 0 };
	assert_int_equal(object_section_load(file, name, &want, NULL), 0);
	assert_int_equal(object_section_load(loaded, name, &got, NULL), 0);
	assert_int_equal(got.vaddr, want.vaddr);
	assert_true(got.size_bytes <= want.size_bytes);
	assert_true(got.size_bytes + may_lack >= want.size_bytes);
	assert_memory_equal(got.bytes, want.bytes, got.size_bytes);
	object_section_deinit(&want);
	object_section_deinit(&got);
}

static void assert_same_as_file(const void *address)
{
	char path[4096];
	struct mapped_open what;
	struct object *file, *loaded;
	struct error err = { 0 };
	mapping_of(address, &what, path, sizeof(path));
	assert_int_equal(object_open_fd(open(path, O_RDONLY), path, &file, NULL), 0);
	assert_int_equal(loaded_image_open(&what, &loaded, &err), 0);
	assert_int_equal(loaded->build_id_size, file->build_id_size);
	assert_memory_equal(loaded->build_id, file->build_id, file->build_id_size);
	assert_section(file, loaded, ".eh_frame", 8); /* the end's zero, padding */
	assert_section(file, loaded, ".dynsym", 0);
	assert_section(file, loaded, ".dynstr", 0);
	object_unref(file);
	object_unref(loaded);
}

static void test_our_own_program(void **state)
{
	(void)state;
	assert_same_as_file((const void *)(uintptr_t)&assert_same_as_file);
}

static void test_a_library(void **state)
{
	(void)state;
	assert_same_as_file((const void *)(uintptr_t)&strtod);
}

static void test_another_build_id_is_stale(void **state)
{
	(void)state;
	char path[4096];
	struct mapped_open what;
	struct object *loaded;
	mapping_of((const void *)(uintptr_t)&assert_same_as_file, &what, path, sizeof(path));
	what.build_id_size = 4;
	memcpy(what.build_id, "none", 4);
	assert_int_equal(loaded_image_open(&what, &loaded, NULL), -ESTALE);
	what.build_id_size = 0;
	what.inode++;
	assert_int_equal(loaded_image_open(&what, &loaded, NULL), -ESTALE);
	what.start = 4096;
	assert_int_equal(loaded_image_open(&what, &loaded, NULL), -ESTALE);
}

static void test_identity(void **state)
{
	(void)state;
	char path[4096];
	struct mapped_open what;
	struct object *file;
	struct loaded_identity identity;
	mapping_of((const void *)(uintptr_t)&assert_same_as_file, &what, path, sizeof(path));
	assert_int_equal(object_open_fd(open(path, O_RDONLY), path, &file, NULL), 0);
	loaded_identity_read(getpid(), what.start, &identity);
	assert_true(identity.is_elf);
	assert_int_equal(identity.build_id_size, file->build_id_size);
	assert_memory_equal(identity.build_id, file->build_id, file->build_id_size);
	object_unref(file);
	long page = sysconf(_SC_PAGESIZE);
	void *jit = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	assert_ptr_not_equal(jit, MAP_FAILED);
	loaded_identity_read(getpid(), (uint64_t)(uintptr_t)jit, &identity);
	assert_false(identity.is_elf || identity.build_id_size);
	munmap(jit, (size_t)page);
}

/* What memory holds may be anything: each cut and each flipped byte of the first ones ends well. */
static void test_damage(void **state)
{
	(void)state;
	struct elf_builder b;
	struct strbuf file = { 0 };
	elf_builder_init(&b, ET_DYN);
	Elf64_Dyn dynamic[] = { { DT_SYMTAB, { 0x2000 } },
				{ DT_STRTAB, { 0x2000 } },
				{ DT_STRSZ, { 8 } },
				{ DT_GNU_HASH, { 0x3000 } },
				{ DT_NULL, { 0 } } };
	const uint32_t hash[8] = { 1, 0, 0, 0, 1, 2, 1, 1 };
	const uint8_t index[16] = { 1, 0x1b, 3, 0x3b, 0xfc, 0x0f, 0, 0, 1 };
	const char words[64] = { 0 };
	const struct {
		uint32_t type;
		uint64_t vaddr;
		const void *bytes;
		size_t size;
	} parts[] = { { PT_DYNAMIC, 0x1000, dynamic, sizeof(dynamic) },
		      { PT_LOAD, 0x2000, words, sizeof(words) },
		      { PT_LOAD, 0x3000, hash, sizeof(hash) },
		      { PT_GNU_EH_FRAME, 0x4000, index, sizeof(index) },
		      { PT_LOAD, 0x5000, words, sizeof(words) } };
	for (size_t i = 0; i < 5; i++) {
		int section = elf_builder_section(&b, "x", SHT_PROGBITS, SHF_ALLOC, parts[i].vaddr,
						  parts[i].bytes, parts[i].size);
		elf_builder_segment(&b, parts[i].type, PF_R | PF_X, section);
	}
	elf_build(&b, &file);
	for (size_t i = 0; i < 2 * file.length; i++) {
		size_t size = i < file.length ? i : file.length;
		uint8_t *image = malloc(size ? size : 1);
		struct object *o;
		memcpy(image, file.text, size);
		if (i >= file.length)
			image[i - file.length] ^= 0xff;
		if (object_open_loaded(image, size, 0x7f0000000000, "x", &o, NULL) == 0)
			object_unref(o);
	}
	strbuf_deinit(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_our_own_program),
		cmocka_unit_test(test_a_library),
		cmocka_unit_test(test_another_build_id_is_stale),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_damage),
	};
	return cmocka_run_group_tests_name("process/loaded_image", tests, NULL, NULL);
}
