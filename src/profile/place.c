// SPDX-License-Identifier: MIT
#include "profile/place.h"

#include <string.h>

/* "libc.so.6" of "/lib/libc.so.6", "vdso" of "[vdso]". */
static const char *module_word(const struct draft_module *m, size_t *out_length)
{
	const char *path = *m->path ? m->path : m->build_id;
	const char *slash = *path == '[' ? NULL : strrchr(path, '/');
	const char *word = slash && slash[1] ? slash + 1 : path;
	size_t length = strlen(word);
	if (length > 2 && word[0] == '[' && word[length - 1] == ']') {
		word++;
		length -= 2;
	}
	*out_length = length;
	return word;
}

static void address_name(const struct draft_frame *frame, const struct draft_module *m,
			 struct strbuf *out)
{
	struct draft_module kernel = { .path = "[kernel.kallsyms]", .build_id = "" };
	if (!*m->path && !*m->build_id && frame->kind == FRAME_KERNEL)
		m = &kernel;
	size_t length;
	const char *word = module_word(m, &length);
	uint64_t vaddr = frame->has_function_start ? frame->function_start : frame->vaddr;
	if (!length) {
		strbuf_puts(out, "[unknown]");
		return;
	}
	strbuf_putc(out, '[');
	strbuf_add(out, word, length);
	strbuf_printf(out, "+0x%llx]", (unsigned long long)vaddr);
}

void place_name(const struct draft_frame *frame, const struct draft_module *m, struct strbuf *out)
{
	if (frame->kind == FRAME_TRUNCATED)
		strbuf_puts(out, "[truncated]");
	else if (frame->kind == FRAME_JIT)
		strbuf_puts(out, "[anon]");
	else
		address_name(frame, m, out);
}
