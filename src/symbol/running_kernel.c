// SPDX-License-Identifier: MIT
#include "symbol/running_kernel.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/cursor.h"
#include "base/file.h"

/* Source: elf(5), notes: three words, then name and content, each padded to a multiple of 4. */
size_t running_kernel_build_id(uint8_t out[OBJECT_BUILD_ID_MAX])
{
	enum { NOTES_MOST_BYTES = 1 << 20 };
	struct strbuf notes = { 0 };
	size_t size_bytes = 0;
	if (read_file("/sys/kernel/notes", NOTES_MOST_BYTES, &notes, NULL) < 0)
		notes.length = 0;
	struct cursor c = cursor_of(notes.text, notes.length);
	while (!size_bytes && cursor_left(&c)) {
		uint32_t name_bytes = cursor_u32(&c), content_bytes = cursor_u32(&c);
		uint32_t type = cursor_u32(&c);
		const char *name = cursor_take(&c, ((size_t)name_bytes + 3) & ~(size_t)3);
		const void *content = cursor_take(&c, ((size_t)content_bytes + 3) & ~(size_t)3);
		if (name && content && type == NT_GNU_BUILD_ID && name_bytes == sizeof("GNU") &&
		    !memcmp(name, "GNU", sizeof("GNU")) && content_bytes <= OBJECT_BUILD_ID_MAX) {
			memcpy(out, content, content_bytes);
			size_bytes = content_bytes;
		}
	}
	strbuf_deinit(&notes);
	return size_bytes;
}

uint64_t running_kernel_address(const char *symbol)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/kallsyms", "re");
	_cleanup_free_ char *line = NULL;
	size_t capacity = 0;
	while (f && getline(&line, &capacity, f) > 0) {
		char *end;
		uint64_t address = strtoull(line, &end, 16);
		end += strlen(end) < 3 ? 0 : 3; /* " T " */
		end[strcspn(end, "\t\n")] = 0;
		if (!strcmp(end, symbol))
			return address;
	}
	return 0;
}
