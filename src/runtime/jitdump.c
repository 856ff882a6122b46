// SPDX-License-Identifier: MIT
#include "runtime/jitdump.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>

#include "base/escape.h"

enum {
	MAGIC = 0x4a695444,
	VERSION = 1,
	FLAG_CLOCK_OF_CPU = 1, /* times are the CPU's own (rdtsc) */
	HEADER_BYTES = 40,
	PREFIX_BYTES = 16,
	LOAD_FIXED_BYTES = 40,
	MOVE_BYTES = 48,
	RECORD_MAX_BYTES = 1 << 28,
};

enum record_type { CODE_LOAD, CODE_MOVE, CODE_DEBUG_INFO, CODE_CLOSE };

static int read_header(struct jitdump *d, struct cursor *c, struct error *err)
{
	uint32_t magic = cursor_u32(c), version = cursor_u32(c), size = cursor_u32(c),
		 machine = cursor_u32(c);
	cursor_take(c, 16); /* padding, pid, time */
	uint64_t flags = cursor_u64(c);
	if (magic != MAGIC || version != VERSION || size < HEADER_BYTES)
		return fail(err, -EBADMSG, "it is no jitdump of version %d", VERSION);
	if (machine != EM_X86_64)
		return fail(err, -EBADMSG, "it is of another CPU (ELF machine %u)", machine);
	cursor_take(c, size - HEADER_BYTES);
	d->has_our_clock = !(flags & FLAG_CLOCK_OF_CPU);
	d->has_header = !c->bad;
	return 0;
}

/* What moves later is found by its index; of those that bear no index, nothing can be said then. */
static int remember(struct jitdump *d, uint64_t index, const struct jit_code *code)
{
	if (d->moved.count >= JIT_CODES_MAX)
		return 0;
	if (!vec_push(&d->moved, *code) ||
	    !map64_put(&d->by_index, index, (uint32_t)d->moved.count))
		return -ENOMEM;
	return 0;
}

static int read_load(struct jitdump *d, struct cursor *c, uint64_t time_ns, struct jit_codes *out)
{
	cursor_take(c, 8); /* pid, tid */
	cursor_u64(c);     /* vma: the same as the address */
	uint64_t address = cursor_u64(c), size = cursor_u64(c), index = cursor_u64(c);
	const uint8_t *name = c->at;
	const uint8_t *end = c->bad ? NULL : memchr(name, 0, cursor_left(c));
	if (!end)
		return 0;
	struct jit_code code = {
		.start = address,
		.end = size > UINT64_MAX - address ? address : address + size,
		.since_ns = time_ns,
		.name = jit_codes_name(out, (const char *)name, (size_t)(end - name)),
	};
	if (d->line_count && d->lines_of == address) {
		code.first_line = d->first_line;
		code.line_count = d->line_count;
		code.lines_start = address;
	}
	d->line_count = 0;
	int r = jit_codes_add(out, &code);
	return r < 0 ? r : remember(d, index, &code);
}

static int read_move(struct jitdump *d, struct cursor *c, uint64_t time_ns, struct jit_codes *out)
{
	cursor_take(c, 8); /* pid, tid */
	cursor_u64(c);     /* vma */
	cursor_u64(c);     /* old address */
	uint64_t address = cursor_u64(c), size = cursor_u64(c), index = cursor_u64(c);
	uint32_t row = map64_get(&d->by_index, index);
	if (c->bad || !row || size > UINT64_MAX - address)
		return 0;
	struct jit_code code = d->moved.at[row - 1];
	code.start = address;
	code.end = address + size;
	code.since_ns = time_ns;
	d->moved.at[row - 1] = code;
	return jit_codes_add(out, &code);
}

/* @return false for what no file is called: V8 (node 20) writes a pointer's bytes for some scripts */
static bool is_file_name(const char *name)
{
	for (size_t length; *name; name += length) {
		length = utf8_length(name);
		if (!length || (uint8_t)*name < ' ' || *name == 0x7f)
			return false;
	}
	return true;
}

/*
 * V8 writes each address an ELF header too high, since perf makes ELF files of the code
 * (src/diagnostics/perf-jit.cc, kElfHeaderSize). Then no line stands for the first bytes of a function.
 */
static void correct_lines(const struct jitdump *d, struct jit_codes *out)
{
	enum { ELF_HEADER_BYTES = 0x40 };
	struct jit_line *lines = out->lines.at + d->first_line;
	for (uint32_t i = 0; i < d->line_count; i++)
		if (lines[i].start < d->lines_of + ELF_HEADER_BYTES)
			return;
	for (uint32_t i = 0; i < d->line_count; i++)
		lines[i].start -= ELF_HEADER_BYTES;
}

/* Each entry: address, line, discriminator, file; a file of "\377" is that of the entry before. */
static bool read_entry(struct jitdump *d, struct cursor *c, string_id *file, struct jit_codes *out)
{
	uint64_t address = cursor_u64(c);
	int32_t line = cursor_s32(c);
	cursor_s32(c); /* discriminator */
	const char *name = cursor_string(c);
	if (c->bad || address - d->lines_of > RECORD_MAX_BYTES)
		return false;
	if (strcmp(name, "\377") != 0) {
		if (!is_file_name(name))
			return false;
		*file = jit_codes_name(out, name, strlen(name));
	}
	struct jit_line row = { address, *file, line > 0 ? (uint32_t)line : 0 };
	return vec_push(&out->lines, row);
}

/* Lines of which one makes no sense are none. */
static void read_lines(struct jitdump *d, struct cursor *c, struct jit_codes *out)
{
	string_id file = { 0 };
	d->lines_of = cursor_u64(c);
	uint64_t count = cursor_u64(c);
	d->first_line = (uint32_t)out->lines.count;
	d->line_count = 0;
	if (c->bad || count > JIT_LINES_MAX - out->lines.count)
		return;
	for (uint64_t i = 0; i < count; i++) {
		if (!read_entry(d, c, &file, out)) {
			out->lines.count = d->first_line;
			return;
		}
	}
	d->line_count = (uint32_t)count;
	correct_lines(d, out);
}

static int read_body(struct jitdump *d, uint32_t type, struct cursor *c, uint64_t time_ns,
		     struct jit_codes *out)
{
	switch (type) {
	case CODE_LOAD: return read_load(d, c, time_ns, out);
	case CODE_MOVE: return read_move(d, c, time_ns, out);
	case CODE_DEBUG_INFO: read_lines(d, c, out); return 0;
	default: return 0;
	}
}

/* How much of a record must be there: of one with code, the code may be missing. */
static size_t wanted_bytes(uint32_t type, uint32_t size)
{
	size_t most = PREFIX_BYTES + LOAD_FIXED_BYTES + JIT_NAME_MAX_BYTES;
	return type == CODE_LOAD && size > most ? most : size;
}

int jitdump_read(struct jitdump *d, struct cursor bytes, uint64_t *offset, struct jit_codes *out,
		 struct error *err)
{
	uint64_t begin = *offset;
	int r = 0;
	if (d->refused)
		return -EBADMSG;
	if (!d->has_header && cursor_left(&bytes) >= HEADER_BYTES) {
		r = read_header(d, &bytes, err);
		d->refused = r < 0;
		*offset = d->has_header ? begin + cursor_offset(&bytes) : begin;
	}
	while (r == 0 && d->has_header && cursor_left(&bytes) >= PREFIX_BYTES) {
		struct cursor record = bytes;
		uint32_t type = cursor_u32(&record), size = cursor_u32(&record);
		uint64_t time_ns = cursor_u64(&record);
		if (size < PREFIX_BYTES || size > RECORD_MAX_BYTES) {
			d->refused = true;
			return fail(err, -EBADMSG, "it is damaged at byte %llu",
				    (unsigned long long)*offset);
		}
		if (cursor_left(&bytes) < wanted_bytes(type, size))
			break;
		size_t there = cursor_left(&bytes) < size ? cursor_left(&bytes) : size;
		struct cursor body = cursor_sub(&record, there - PREFIX_BYTES);
		r = read_body(d, type, &body, d->has_our_clock ? time_ns : 0, out);
		*offset += size;
		if (there < size)
			break;
		cursor_take(&bytes, size);
	}
	return r;
}

void jitdump_deinit(struct jitdump *d)
{
	map64_deinit(&d->by_index);
	vec_free(&d->moved);
}
