// SPDX-License-Identifier: MIT
/*
 * Reads the text of /proc/kallsyms. What is accepted must be sorted, its names must lie inside the
 * text, and each function must be found at its own start.
 */
#include <stdlib.h>
#include <string.h>

#include "symbol/kernel.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct kernel_symbols *k)
{
	for (size_t i = 0; i < k->symbols.count; i++) {
		const struct kernel_symbol *s = &k->symbols.at[i];
		require(!i || k->symbols.at[i - 1].start <= s->start);
		require(s->name_off < k->text.length && s->module_off <= k->text.length);
		require(k->text.text[s->name_off] != 0);
		const struct kernel_symbol *found = kernel_symbols_find(k, s->start);
		require(found && found->start == s->start);
		kernel_symbols_find(k, s->start - 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct kernel_symbols k;
	struct error err = { 0 };
	struct strbuf text = { 0 };
	strbuf_add(&text, bytes, size_bytes);
	int r = kernel_symbols_parse(&k, &text, &err);
	require(r == 0 || err.text[0]);
	if (r == 0)
		check(&k);
	kernel_symbols_deinit(&k);
	strbuf_deinit(&text);
	return 0;
}
