// SPDX-License-Identifier: MIT
#include "symbol/kernel.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum {
	KALLSYMS_MAX_BYTES = 256 << 20,
	FUNCTION_MAX_BYTES = 1 << 20, /* behind the last function of a module a gap may follow */
};

/* `ffffffff81000000 T name\t[module]`; fields are cut in place. @return false: no function */
static bool parse_line(char *base, char *line, struct kernel_symbol *out)
{
	char *end;
	uint64_t start = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !end[1] || end[2] != ' ')
		return false;
	char type = (char)tolower((unsigned char)end[1]);
	char *name = end + 3;
	char *module = strchr(name, '\t');
	if (module)
		*module++ = 0;
	if ((type != 't' && type != 'w') || !name[0])
		return false;
	*out = (struct kernel_symbol){ .start = start,
				       .name_off = (uint32_t)(name - base),
				       .module_off = module ? (uint32_t)(module - base) : 0 };
	return true;
}

static int compare_symbols(const void *left, const void *right)
{
	const struct kernel_symbol *a = left, *b = right;
	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->name_off < b->name_off ? -1 : a->name_off > b->name_off;
}

int kernel_symbols_parse(struct kernel_symbols *k, struct strbuf *text, struct error *err)
{
	bool any_address = false;
	*k = (struct kernel_symbols){ .text = *text };
	*text = (struct strbuf){ 0 };
	char *next = k->text.text;
	while (next && *next) {
		char *line = next;
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		struct kernel_symbol s;
		if (!parse_line(k->text.text, line, &s))
			continue;
		any_address |= s.start != 0;
		if (!vec_push(&k->symbols, s))
			return fail(err, -ENOMEM, "out of memory");
	}
	if (!k->symbols.count)
		return fail(err, -ENODATA, "the kernel lists no symbols");
	if (!any_address) {
		k->symbols.count = 0;
		return fail(err, -EPERM,
			    "the kernel hides its addresses; "
			    "set kernel.kptr_restrict to 0 or run as root for kernel names");
	}
	qsort(k->symbols.at, k->symbols.count, sizeof(*k->symbols.at), compare_symbols);
	return 0;
}

int kernel_symbols_load(struct kernel_symbols *k, struct error *err)
{
	struct strbuf text = { 0 };
	*k = (struct kernel_symbols){ 0 };
	int rc = read_file("/proc/kallsyms", KALLSYMS_MAX_BYTES, &text, err);
	if (rc == 0)
		rc = kernel_symbols_parse(k, &text, err);
	strbuf_deinit(&text);
	return rc;
}

const struct kernel_symbol *kernel_symbols_find(const struct kernel_symbols *k, uint64_t pc)
{
	size_t low = 0, high = k->symbols.count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (k->symbols.at[middle].start <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || pc - k->symbols.at[low - 1].start > FUNCTION_MAX_BYTES)
		return NULL;
	/* Of aliases the first that is listed. */
	while (low > 1 && k->symbols.at[low - 2].start == k->symbols.at[low - 1].start)
		low--;
	return &k->symbols.at[low - 1];
}

void kernel_symbols_deinit(struct kernel_symbols *k)
{
	vec_free(&k->symbols);
	strbuf_deinit(&k->text);
}
