// SPDX-License-Identifier: MIT
#include "format/perf_script_line.h"

/* "11614.081522:", with as many decimals as --ns or not gives. */
static bool parse_time(struct text word, uint64_t *out_ns)
{
	if (!text_ends(word, ":"))
		return false;
	word.length--;
	const char *point = memchr(word.at, '.', word.length);
	if (!point)
		return false;
	struct text seconds = { word.at, (size_t)(point - word.at) };
	struct text rest = text_behind(word, seconds.length + 1);
	uint64_t s, fraction;
	if (rest.length > 9 || !text_uint(seconds, &s) || !text_uint(rest, &fraction))
		return false;
	for (size_t i = rest.length; i < 9; i++)
		fraction *= 10;
	return !__builtin_mul_overflow(s, UINT64_C(1000000000), &s) &&
	       !__builtin_add_overflow(s, fraction, out_ns);
}

/* "4711", "4711/4712", and "-1" for what belongs to no process. */
static bool parse_ids(struct text word, uint32_t *pid, uint32_t *tid)
{
	const char *slash = memchr(word.at, '/', word.length);
	struct text first = { word.at, slash ? (size_t)(slash - word.at) : word.length };
	struct text second = slash ? text_behind(word, first.length + 1) : first;
	uint64_t a = 0, b = 0;
	if (!text_equals(first, "-1") && (!text_uint(first, &a) || a > INT32_MAX))
		return false;
	if (!text_equals(second, "-1") && (!text_uint(second, &b) || b > INT32_MAX))
		return false;
	*pid = slash ? (uint32_t)a : 0; /* one number alone is the thread's */
	*tid = (uint32_t)b;
	return true;
}

/*
 * The comm may hold blanks and digits, so that the ids are looked for from the other end: the last
 * number in front of the time, where only "[cpu]" and flags may follow.
 */
static bool split_comm(struct text line, struct perf_script_header *out)
{
	for (size_t end = line.length; end;) {
		size_t begin = end;
		while (begin && !text_is_blank(line.at[begin - 1]))
			begin--;
		struct text word = { line.at + begin, end - begin };
		struct text before = text_without_end((struct text){ line.at, begin });
		if (before.length && parse_ids(word, &out->pid, &out->tid)) {
			out->comm = text_trim(before);
			return true;
		}
		end = before.length;
	}
	return false;
}

/* "2004008 cpu-clock:", either part of which may be missing. */
static void split_event(struct text rest, struct perf_script_header *out)
{
	out->rest = text_trim(rest);
	struct text after = rest, word = text_word(&after);
	struct text behind_period = after, second = text_word(&after);
	uint64_t number;
	if (text_ends(word, ":")) {
		out->event = (struct text){ word.at, word.length - 1 };
		out->rest = text_trim(behind_period);
	} else if (text_uint(word, &number) && text_ends(second, ":")) {
		out->has_period = true;
		out->period = number;
		out->event = (struct text){ second.at, second.length - 1 };
		out->rest = text_trim(after);
	}
}

bool perf_script_header(struct text line, struct perf_script_header *out)
{
	*out = (struct perf_script_header){ .comm = { "", 0 }, .event = { "", 0 } };
	struct text rest = text_trim(line), front = rest, word;
	while (!out->has_time && (word = text_word(&rest)).length) {
		if (word.at == front.at || !parse_time(word, &out->time_ns))
			continue;
		out->has_time = true;
		front.length = (size_t)(word.at - front.at);
	}
	if (!out->has_time) {
		/* Without times an event's name ends the header; else all of the line is ids. */
		rest = front;
		while ((word = text_word(&rest)).length && !text_ends(word, ":"))
			;
		if (word.length) {
			front.length = (size_t)(word.at - front.at);
			rest = (struct text){ word.at, word.length + rest.length };
		}
	}
	if (!split_comm(text_without_end(front), out)) {
		out->comm = text_trim(front);
		if (!out->has_time)
			return false;
	}
	split_event(rest, out);
	out->is_record =
		text_begins(out->event, "PERF_RECORD_") || text_begins(out->rest, "PERF_RECORD_");
	return true;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(struct text word, uint64_t *out)
{
	uint64_t v = 0;
	if (!word.length || word.length > 16)
		return false;
	for (size_t i = 0; i < word.length; i++) {
		int digit = hex_digit(word.at[i]);
		if (digit < 0)
			return false;
		v = v << 4 | (uint64_t)digit;
	}
	*out = v;
	return true;
}

/* "+0x1f" at the end of a symbol. */
static struct text without_offset(struct text name)
{
	size_t at = name.length;
	while (at && hex_digit(name.at[at - 1]) >= 0)
		at--;
	bool has = at < name.length && at > 3 && !memcmp(name.at + at - 3, "+0x", 3);
	return has ? (struct text){ name.at, at - 3 } : name;
}

/* The last parentheses of the line, if a blank stands in front: "(/tmp/x (deleted))". */
static bool split_file(struct text *rest, struct text *out)
{
	size_t depth = 0;
	if (!rest->length || rest->at[rest->length - 1] != ')')
		return false;
	for (size_t at = rest->length; at-- > 0;) {
		if (rest->at[at] == ')')
			depth++;
		if (rest->at[at] != '(' || --depth)
			continue;
		if (at && !text_is_blank(rest->at[at - 1]))
			return false;
		*out = (struct text){ rest->at + at + 1, rest->length - at - 2 };
		rest->length = at;
		return true;
	}
	return false;
}

bool perf_script_frame(struct text line, struct perf_script_frame *out)
{
	struct text rest = line;
	*out = (struct perf_script_frame){ .symbol = { "", 0 }, .file = { "", 0 } };
	if (!parse_hex(text_word(&rest), &out->address))
		return false;
	rest = text_trim(rest);
	struct text file = { "", 0 };
	if (split_file(&rest, &file))
		out->inlined = text_equals(file, "inlined");
	if (!out->inlined && !text_equals(file, "[unknown]"))
		out->file = file;
	rest = without_offset(text_without_end(rest));
	if (!text_equals(rest, "[unknown]"))
		out->symbol = rest;
	return true;
}

bool perf_script_source(struct text line, struct text *out_file, uint32_t *out_line)
{
	struct text t = text_trim(line);
	size_t at = t.length;
	uint64_t number = 0;
	*out_line = 0;
	*out_file = (struct text){ "", 0 };
	if (!text_begins(line, "  ") || !t.length)
		return false;
	while (at && t.at[at - 1] >= '0' && t.at[at - 1] <= '9')
		at--;
	struct text digits = text_behind(t, at);
	if (at > 1 && t.at[at - 1] == ':' && text_uint(digits, &number) && number <= UINT32_MAX) {
		*out_file = (struct text){ t.at, at - 1 };
		*out_line = (uint32_t)number;
		return true;
	}
	return text_ends(t, "]"); /* "libc.so.6[27b25]": perf knows no line either */
}
