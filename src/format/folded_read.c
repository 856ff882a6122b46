// SPDX-License-Identifier: MIT
#include "format/folded.h"

#include <errno.h>
#include <string.h>

#include "base/strings.h"
#include "base/vec.h"
#include "format/text.h"
#include "profile/builder.h"

struct reader {
	struct builder *b;
	struct error *err;
	size_t line;                    /* number of the present one */
	struct strings groups;          /* texts of frames with what is inlined into them */
	VEC(frame_id) frame_of;         /* by the group's id */
	VEC(struct text) names;         /* scratch: the names of a line */
	struct strings plain;           /* names as the model has them */
	VEC(struct builder_line) lines; /* scratch of a frame */
	uint64_t total;
};

static int no_memory(struct reader *r)
{
	return fail(r->err, -ENOMEM, "out of memory");
}

/* Appends digits to `value`; those that do not fit are counted. @return how many there were */
static size_t take_digits(struct text *t, uint64_t *value, size_t *dropped)
{
	size_t n = 0;
	for (; n < t->length && t->at[n] >= '0' && t->at[n] <= '9'; n++) {
		uint64_t next;
		if (__builtin_mul_overflow(*value, 10, &next) ||
		    __builtin_add_overflow(next, (uint64_t)(t->at[n] - '0'), &next))
			(*dropped)++;
		else
			*value = next;
	}
	t->at += n;
	t->length -= n;
	return n;
}

/* "e+06" behind a number. */
static bool take_exponent(struct text *t, int *out)
{
	if (!t->length || (*t->at != 'e' && *t->at != 'E'))
		return true;
	t->at++;
	t->length--;
	bool negative = t->length && *t->at == '-';
	if (t->length && (*t->at == '-' || *t->at == '+')) {
		t->at++;
		t->length--;
	}
	uint64_t value = 0;
	size_t dropped = 0;
	size_t digits = take_digits(t, &value, &dropped);
	if (!digits || digits > 3)
		return false;
	*out += negative ? -(int)value : (int)value;
	return true;
}

/* Decimal counts are rounded, half up, which only the first digit behind the point decides. */
static bool parse_count(struct text t, uint64_t *out)
{
	enum { DIGITS_LIMIT = 300 };
	uint64_t value = 0;
	int scale = 0;
	size_t dropped = 0;
	size_t digits = take_digits(&t, &value, &dropped);
	if (dropped)
		return false;
	if (t.length && *t.at == '.') {
		t.at++;
		t.length--;
		size_t fraction = take_digits(&t, &value, &dropped);
		scale = -(int)(fraction - dropped);
		digits += fraction;
	}
	if (!digits || digits > DIGITS_LIMIT || !take_exponent(&t, &scale) || t.length)
		return false;
	for (; scale > 0 && value; scale--)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	uint64_t last = 0;
	for (; scale < 0; scale++) {
		last = value % 10;
		value /= 10;
	}
	*out = value + (last >= 5);
	return true;
}

/* The count stands behind the last blank; names may end in blanks themselves. */
static bool split_count(struct text line, struct text *stack, uint64_t *count)
{
	size_t at = line.length;
	while (at && !text_is_blank(line.at[at - 1]))
		at--;
	if (!at || !parse_count((struct text){ line.at + at, line.length - at }, count))
		return false;
	*stack = (struct text){ line.at, at - 1 };
	return true;
}

static bool is_comment(struct text line)
{
	return !line.length || *line.at == '#';
}

/* 0 and 1 are async-profiler's: interpreted, and compiled in a hurry. */
static bool has_mark(struct text t)
{
	static const char *const marks[] = { "_[k]", "_[i]", "_[j]", "_[w]", "_[0]", "_[1]" };
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		if (text_ends(t, marks[i]))
			return true;
	return false;
}

static struct text without_marks(struct text name)
{
	while (has_mark(name))
		name.length -= 4;
	return name;
}

static enum frame_kind kind_of(struct text name)
{
	static const char kernel[] = "[kernel.kallsyms+";
	if (text_equals(name, "[truncated]"))
		return FRAME_TRUNCATED;
	if (text_ends(name, "_[j]") || text_ends(name, "_[0]") || text_ends(name, "_[1]") ||
	    text_equals(name, "[anon]"))
		return FRAME_JIT;
	bool in_kernel =
		name.length >= sizeof(kernel) && !memcmp(name.at, kernel, sizeof(kernel) - 1);
	return in_kernel || text_ends(name, "_[k]") ? FRAME_KERNEL : FRAME_USER;
}

/* A text with a NUL behind. NULL without memory. */
static const char *intern(struct reader *r, struct text name)
{
	string_id id = strings_intern_bytes(&r->plain, name.at, name.length);
	return id.v ? strings_text(&r->plain, id) : NULL;
}

/* A frame of `count` names, the first of which is not inlined. */
static frame_id make_frame(struct reader *r, const struct text *names, size_t count)
{
	frame_id frame = builder_new_frame(r->b, (module_id){ 0 }, 0, kind_of(names[0]));
	r->lines.count = 0;
	for (size_t i = count; i-- > 0;) {
		struct builder_line line = { .name = intern(r, without_marks(names[i])) };
		if (!line.name || !vec_push(&r->lines, line))
			return (frame_id){ 0 };
	}
	if (!frame.v || builder_name_frame(r->b, frame, r->lines.at, r->lines.count) < 0)
		return (frame_id){ 0 };
	return frame;
}

static frame_id intern_frame(struct reader *r, const struct text *names, size_t count)
{
	const struct text *last = &names[count - 1];
	size_t length = (size_t)(last->at + last->length - names[0].at);
	size_t known = r->groups.count;
	string_id id = strings_intern_bytes(&r->groups, names[0].at, length);
	if (!id.v || id.v < known)
		return r->frame_of.at[id.v];
	frame_id frame = make_frame(r, names, count);
	return vec_push(&r->frame_of, frame) ? frame : (frame_id){ 0 };
}

static int split_names(struct reader *r, struct text stack)
{
	enum { NAMES_LIMIT = 1 << 20 };
	r->names.count = 0;
	for (size_t begin = 0, end; begin <= stack.length; begin = end + 1) {
		const char *at = stack.at + begin;
		const char *semicolon = memchr(at, ';', stack.length - begin);
		end = semicolon ? begin + (size_t)(semicolon - at) : stack.length;
		if (r->names.count >= NAMES_LIMIT)
			return fail(r->err, -EFBIG, "line %zu has a stack of more than %d frames",
				    r->line, NAMES_LIMIT);
		if (end > begin && !vec_push(&r->names, (struct text){ at, end - begin }))
			return no_memory(r);
	}
	return 0;
}

static bool take_id(struct text *name, char before, uint32_t *out)
{
	uint64_t id;
	size_t at = name->length;
	while (at && name->at[at - 1] >= '0' && name->at[at - 1] <= '9')
		at--;
	if (!at || name->at[at - 1] != before || !text_uint(text_behind(*name, at), &id) ||
	    id > INT32_MAX)
		return false;
	*out = (uint32_t)id;
	name->length = at - 1;
	return true;
}

/* "comm-12/34" and "comm-?/34" as stackcollapse-perf has it, "[comm tid=34]" as async-profiler. */
static void split_ids(struct text *name, uint32_t *pid, uint32_t *tid)
{
	struct text t = *name;
	uint32_t p = 0, n = 0;
	bool found = false;
	if (text_begins(t, "[") && text_ends(t, "]")) {
		t = (struct text){ t.at + 1, t.length - 2 };
		found = take_id(&t, '=', &n) && text_ends(t, " tid");
		t.length -= found ? strlen(" tid") : 0;
	} else if (take_id(&t, '/', &n)) {
		found = text_ends(t, "-?") || take_id(&t, '-', &p);
		t.length -= found && text_ends(t, "-?") ? strlen("-?") : 0;
	}
	if (!found || !n || !t.length)
		return;
	*name = t;
	*pid = p;
	*tid = n;
}

/* "main (x.py:12)" is a frame of py-spy's, "libc`read" one of DTrace's; threads have no marks. */
static bool is_no_thread(struct text name)
{
	uint32_t line;
	if (has_mark(name) || memchr(name.at, '`', name.length))
		return true;
	if (!text_ends(name, ")"))
		return false;
	name.length--;
	return take_id(&name, ':', &line) && memchr(name.at, '(', name.length);
}

/* The thread's name comes first; `-` stands for none. */
static int intern_thread(struct reader *r, struct text name, thread_id *out)
{
	uint32_t pid = 0, tid = 0;
	*out = (thread_id){ 0 };
	if (text_equals(name, "-"))
		return 0;
	split_ids(&name, &pid, &tid);
	const char *comm = intern(r, name);
	if (comm)
		*out = builder_thread(r->b, pid, tid, comm);
	return out->v ? 0 : no_memory(r);
}

static int add_stack(struct reader *r, uint64_t count)
{
	thread_id thread = { 0 };
	stack_id stack = { 0 };
	size_t first = is_no_thread(r->names.at[0]) ? 0 : 1;
	int status = first ? intern_thread(r, r->names.at[0], &thread) : 0;
	if (status)
		return status;
	for (size_t i = first, next; i < r->names.count; i = next) {
		for (next = i + 1; next < r->names.count; next++)
			if (!text_ends(r->names.at[next], "_[i]"))
				break;
		stack = builder_stack(r->b, stack, intern_frame(r, &r->names.at[i], next - i));
		if (!stack.v)
			return fail_in(r->err, builder_stack_failed(r->b, r->err), "line %zu",
				       r->line);
	}
	bool truncated = r->names.count > first && text_equals(r->names.at[first], "[truncated]");
	if (builder_add_counts(r->b, thread, stack, truncated ? "unknown" : "", count, 0) < 0)
		return no_memory(r);
	return 0;
}

static int read_line(struct reader *r, struct text line)
{
	struct text stack;
	uint64_t count;
	r->line++;
	if (memchr(line.at, 0, line.length))
		return fail(r->err, -EBADMSG, "line %zu has a NUL byte", r->line);
	if (!split_count(line, &stack, &count))
		return is_comment(line) ? 0
					: fail(r->err, -EBADMSG, "line %zu does not end in a count",
					       r->line);
	if (__builtin_add_overflow(r->total, count, &r->total))
		return fail(r->err, -EBADMSG, "the counts up to line %zu exceed 64 bits", r->line);
	int status = split_names(r, stack);
	if (status)
		return status;
	if (!r->names.count)
		return fail(r->err, -EBADMSG, "line %zu has a count and no stack", r->line);
	return add_stack(r, count);
}

static int prepare(struct reader *r)
{
	if (strings_init(&r->groups) < 0 || strings_init(&r->plain) < 0 ||
	    !vec_push(&r->frame_of, (frame_id){ 0 }) ||
	    builder_reason(r->b, "unknown", "collapsed stacks do not say why") < 0)
		return no_memory(r);
	builder_meta(r->b)->foreign = true;
	return 0;
}

int folded_read(const void *bytes, size_t size_bytes, struct profile **out, struct error *err)
{
	struct reader r = { .err = err };
	struct cursor c = cursor_of(bytes, size_bytes);
	struct text line;
	int status = builder_create(&r.b, err);
	if (!status)
		status = prepare(&r);
	if (!status)
		builder_limit_stacks(r.b, size_bytes);
	while (!status && text_line(&c, &line))
		status = read_line(&r, line);
	if (!status) {
		builder_seal(r.b);
		status = builder_freeze(r.b, out, err);
	}
	builder_destroy(r.b);
	strings_deinit(&r.groups);
	strings_deinit(&r.plain);
	vec_free(&r.frame_of);
	vec_free(&r.names);
	vec_free(&r.lines);
	return status;
}

bool folded_is(const void *bytes, size_t size_bytes)
{
	enum { LINES_ENOUGH = 16 };
	struct cursor c = cursor_of(bytes, size_bytes);
	struct text line, stack;
	uint64_t count;
	size_t lines = 0;
	while (lines < LINES_ENOUGH && text_line(&c, &line)) {
		if (memchr(line.at, 0, line.length))
			return false;
		if (split_count(line, &stack, &count) && stack.length)
			lines++;
		else if (!is_comment(line))
			return false;
	}
	return lines > 0;
}
