// SPDX-License-Identifier: MIT
#include "cli/recover_kernel.h"

#include <errno.h>
#include <string.h>

#include "symbol/symbol.h"

enum {
	WITNESSES_LEAST = 3,
	AGREE_PERCENT = 90, /* modules may have come and gone */
};

static bool is_any_unnamed(const struct builder *b)
{
	struct builder_kernel_frame f = { 0 };
	while (builder_next_kernel(b, &f))
		if (!f.name)
			return true;
	return false;
}

/*
 * Host and release may be those of a clone, and each boot moves the kernel's text. The names that are in the
 * journal are the proof: those frames have the same ones here.
 */
static bool runs_here(struct symbol_resolver *r, const struct builder *b)
{
	struct builder_kernel_frame f = { 0 };
	uint64_t named = 0, agree = 0;
	while (builder_next_kernel(b, &f)) {
		struct symbol_result ours = { 0 };
		if (!f.name)
			continue;
		symbol_resolve_kernel(r, f.pc, &ours);
		named++;
		agree += ours.line_count && !strcmp(ours.lines[0].function, f.name);
	}
	return named >= WITNESSES_LEAST && agree * 100 >= named * AGREE_PERCENT;
}

static int name_all(struct symbol_resolver *r, struct builder *b)
{
	struct builder_kernel_frame f = { 0 };
	int status = 0;
	while (status == 0 && builder_next_kernel(b, &f)) {
		struct symbol_result ours = { 0 };
		if (f.name)
			continue;
		symbol_resolve_kernel(r, f.pc, &ours);
		if (!ours.line_count)
			continue;
		struct builder_line line = { .name = ours.lines[0].function,
					     .system_name = ours.lines[0].system_name };
		status = builder_name_frame(b, f.frame, &line, 1);
	}
	return status;
}

int recover_kernel(struct builder *b, struct error *err)
{
	struct symbol_resolver *r;
	if (!is_any_unnamed(b))
		return 0;
	int status = symbol_resolver_create(&(struct symbol_config){ 0 }, &r, err);
	if (status < 0)
		return status;
	if (runs_here(r, b) && name_all(r, b) < 0)
		status = fail(err, -ENOMEM, "out of memory");
	symbol_resolver_destroy(r);
	return status;
}
