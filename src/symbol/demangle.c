// SPDX-License-Identifier: MIT
#include "symbol/demangle.h"

#include <libiberty/demangle.h>
#include <setjmp.h>
#include <string.h>

/*
 * The parser recurses at most once a character, which at these lengths takes less than 2 MiB of
 * stack; the printer has a limit of its own. Below SHORT, libiberty's limit on both is never met by
 * honest names. Substitutions may double the output every four characters, so it is cut off.
 */
enum {
	MANGLED_SHORT_BYTES = 1024,
	MANGLED_MAX_BYTES = 4096,
	DEMANGLED_MAX_BYTES = 64 * 1024,
	STEPS_MAX = 1 << 20,
};

struct sink {
	struct strbuf *out;
	size_t start, steps;
	jmp_buf too_long;
};

static void sink_add(const char *text, size_t length_bytes, void *opaque)
{
	struct sink *s = opaque;
	if (s->out->length - s->start + length_bytes > DEMANGLED_MAX_BYTES ||
	    ++s->steps > STEPS_MAX)
		longjmp(s->too_long, 1); /* libiberty keeps all its state on the stack here */
	strbuf_add(s->out, text, length_bytes);
}

static bool demangle_guarded(const char *name, int options, struct sink *sink)
{
	if (setjmp(sink->too_long))
		return false;
	if (rust_demangle_callback(name, options, sink_add, sink))
		return true;
	sink->out->length = sink->start;
	return cplus_demangle_v3_callback(name, options | DMGL_VERBOSE, sink_add, sink);
}

static bool demangle_bare(const char *name, struct strbuf *out)
{
	struct sink sink = { .out = out, .start = out->length };
	int options = DMGL_PARAMS | DMGL_ANSI;
	if (strlen(name) >= MANGLED_SHORT_BYTES)
		options |= DMGL_NO_RECURSE_LIMIT;
	if (demangle_guarded(name, options, &sink) && !out->failed)
		return true;
	out->length = sink.start;
	if (out->text)
		out->text[out->length] = 0;
	return false;
}

bool demangle(const char *name, struct strbuf *out)
{
	static const char plt[] = "@plt";
	size_t length = strlen(name);
	if (length < 3 || name[0] != '_' || (name[1] != 'Z' && name[1] != 'R') ||
	    length > MANGLED_MAX_BYTES)
		return false;
	if (length < sizeof(plt) || strcmp(name + length - (sizeof(plt) - 1), plt) != 0)
		return demangle_bare(name, out);
	char bare[MANGLED_MAX_BYTES + 1];
	length -= sizeof(plt) - 1;
	memcpy(bare, name, length);
	bare[length] = 0;
	if (!demangle_bare(bare, out))
		return false;
	strbuf_puts(out, plt);
	return true;
}
