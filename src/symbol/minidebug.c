// SPDX-License-Identifier: MIT
#include "symbol/symtab.h"

#include <errno.h>
#include <lzma.h>

#include "base/strbuf.h"
#include "base/unpack_limit.h"

enum { MINIDEBUG_CHUNK_BYTES = 1 << 20 };
/* What the dictionary of `xz -9` takes is 65 MiB (xz(1)). */
static const uint64_t MINIDEBUG_MEMORY_BYTES = UINT64_C(128) << 20;

static int unxz(const struct object_section *packed, struct strbuf *out, struct error *err)
{
	lzma_stream z = LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&z, MINIDEBUG_MEMORY_BYTES, 0) != LZMA_OK)
		return fail(err, -ENOMEM, "out of memory");
	z.next_in = packed->bytes;
	z.avail_in = packed->size_bytes;
	lzma_ret status = LZMA_OK;
	while (status == LZMA_OK && out->length <= unpack_most_bytes(z.total_in) &&
	       strbuf_reserve(out, MINIDEBUG_CHUNK_BYTES)) {
		z.next_out = (uint8_t *)out->text + out->length;
		z.avail_out = MINIDEBUG_CHUNK_BYTES;
		status = lzma_code(&z, LZMA_FINISH);
		out->length += MINIDEBUG_CHUNK_BYTES - z.avail_out;
	}
	lzma_end(&z);
	if (status != LZMA_STREAM_END)
		return fail(err, -EBADMSG, "section '.gnu_debugdata' is damaged");
	return 0;
}

int symtab_add_minidebug(struct symtab *t, const struct object *o,
			 const struct elf_sections *sections, struct error *err)
{
	const struct elf_section *s = elf_section_find(sections, ".gnu_debugdata");
	struct object_section packed;
	struct strbuf bytes = { 0 };
	struct object *inner = NULL;
	struct elf_sections inner_sections = { 0 };
	if (!s)
		return -ENOENT;
	int rc = elf_section_load(o, s, &packed, err);
	if (rc < 0)
		return rc;
	rc = unxz(&packed, &bytes, err);
	object_section_deinit(&packed);
	if (rc == 0)
		rc = object_open_image(bytes.text, bytes.length, ".gnu_debugdata", &inner, err);
	strbuf_deinit(&bytes);
	if (rc == 0)
		rc = elf_sections_read(inner, &inner_sections, err);
	if (rc == 0)
		rc = symtab_add(t, inner, &inner_sections, ".symtab", err);
	elf_sections_deinit(&inner_sections);
	object_unref(inner);
	return rc;
}
