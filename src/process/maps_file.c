// SPDX-License-Identifier: MIT
#include "process/maps_file.h"

static bool take_number(struct cursor *line, unsigned base, uint64_t *out)
{
	uint64_t v = 0;
	unsigned digits = 0;
	for (; line->at < line->end; line->at++, digits++) {
		unsigned char c = *line->at;
		unsigned d = c >= '0' && c <= '9'   ? c - (unsigned)'0'
			     : c >= 'a' && c <= 'f' ? c - (unsigned)'a' + 10
						    : 99;
		if (d >= base || digits >= 20)
			break;
		v = v * base + d;
	}
	*out = v;
	return digits > 0;
}

static bool take_char(struct cursor *line, char expected)
{
	return cursor_u8(line) == (uint8_t)expected && !line->bad;
}

static bool take_path(struct cursor *line, char *path, size_t size)
{
	size_t n = 0;
	while (line->at < line->end && *line->at == ' ')
		line->at++;
	while (line->at < line->end && n + 1 < size) {
		char c = (char)cursor_u8(line);
		if (c == '\\' && cursor_left(line) >= 3 && !memcmp(line->at, "012", 3)) {
			cursor_take(line, 3);
			c = '\n';
		}
		path[n++] = c;
	}
	path[n] = 0;
	return true;
}

static bool parse_line(struct cursor line, struct record_mmap *out, char *path, size_t size)
{
	uint64_t major, minor;
	*out = (struct record_mmap){ .path = path };
	if (!take_number(&line, 16, &out->start) || !take_char(&line, '-') ||
	    !take_number(&line, 16, &out->end) || !take_char(&line, ' '))
		return false;
	const char *permissions = cursor_take(&line, 4);
	if (!permissions || !take_char(&line, ' ') || !take_number(&line, 16, &out->file_off) ||
	    !take_char(&line, ' ') || !take_number(&line, 16, &major) || !take_char(&line, ':') ||
	    !take_number(&line, 16, &minor) || !take_char(&line, ' ') ||
	    !take_number(&line, 10, &out->inode))
		return false;
	out->executable = permissions[2] == 'x';
	out->device = major << 32 | minor;
	return take_path(&line, path, size) && out->end > out->start;
}

bool maps_file_next_any(struct cursor *c, struct record_mmap *out, char *path, size_t size)
{
	while (cursor_left(c)) {
		const uint8_t *newline = memchr(c->at, '\n', cursor_left(c));
		size_t length = newline ? (size_t)(newline - c->at) : cursor_left(c);
		struct cursor line = cursor_sub(c, length);
		if (newline)
			cursor_take(c, 1);
		if (parse_line(line, out, path, size))
			return true;
	}
	return false;
}

bool maps_file_next(struct cursor *c, struct record_mmap *out, char *path, size_t size)
{
	while (maps_file_next_any(c, out, path, size))
		if (out->executable)
			return true;
	return false;
}
