// SPDX-License-Identifier: MIT
#include "unwind/go_rows.h"

#include <errno.h>
#include <stdlib.h>

#include "unwind/go_marks.h"

enum {
	FRAME_MAX_BYTES = 1 << 30,
	RETURN_ADDRESS_BYTES = 8,
	SAVED_RBP_OFF = -16, /* by Go's ABI next to the return address */
};

static const struct unwind_rule other_stack = { .cfa_kind = CFA_OTHER_STACK };

static int load_code(struct go_rows *g, const struct object *o, struct error *err)
{
	size_t size = (size_t)g->table.text_size_bytes;
	uint64_t file_off;
	if (size > o->image_size_bytes || !object_file_off_of(o, g->table.text, &file_off))
		return -ENOENT;
	g->code = malloc(size);
	if (!g->code)
		return fail(err, -ENOMEM, "out of memory");
	return object_read(o, file_off, g->code, size, NULL) < 0 ? -ENOENT : 0;
}

int go_rows_open(const struct object *o, struct go_rows *out, struct error *err)
{
	struct elf_sections sections;
	struct go_rows g = { 0 };
	int rc = elf_sections_read(o, &sections, err);
	if (rc < 0)
		return rc;
	rc = go_table_open(o, &sections, &g.table, err);
	elf_sections_deinit(&sections);
	if (rc < 0)
		return rc;
	rc = load_code(&g, o, err);
	if (rc < 0) {
		go_rows_close(&g);
		return rc;
	}
	go_marks_look(&g, o);
	*out = g;
	return 0;
}

void go_rows_close(struct go_rows *g)
{
	go_table_close(&g->table);
	free(g->code);
	g->code = NULL;
}

/* One function while its rows are made. */
struct making {
	const struct go_rows *g;
	const struct go_function *f;
	const uint8_t *code;
	uint32_t saved_from; /* offset from which on rbp is saved; UINT32_MAX: it never is */
	struct go_marks marks;
};

static struct cursor code_from(const struct making *m, uint64_t off)
{
	struct cursor c = cursor_of(m->code, (size_t)m->f->size_bytes);
	cursor_seek(&c, (size_t)off);
	return c;
}

/*
 * `push %rbp` is the first thing in a frame, or `mov %rbp, N(%rsp)` the first thing behind its making
 * (before 1.21): N is the slot next to the return address.
 */
static uint32_t find_saved(const struct making *m, uint64_t frame_off, int32_t frame_bytes)
{
	enum { PUSH_RBP = 0x55 };
	static const uint8_t by_byte[] = { 0x48, 0x89, 0x6c, 0x24 };
	static const uint8_t by_word[] = { 0x48, 0x89, 0xac, 0x24 };
	if (frame_bytes == 8 && frame_off && m->code[frame_off - 1] == PUSH_RBP)
		return (uint32_t)frame_off;
	struct cursor c = code_from(m, frame_off);
	const uint8_t *move = cursor_take(&c, sizeof(by_byte));
	int32_t slot = -1;
	if (move && !memcmp(move, by_byte, sizeof(by_byte)))
		slot = cursor_u8(&c);
	else if (move && !memcmp(move, by_word, sizeof(by_word)))
		slot = cursor_s32(&c);
	if (cursor_offset(&c) - frame_off == 5 && slot > INT8_MAX)
		return UINT32_MAX;
	return c.bad || slot != frame_bytes - 8 ? UINT32_MAX : (uint32_t)cursor_offset(&c);
}

static void begin(struct making *m)
{
	struct go_sp sp;
	m->saved_from = UINT32_MAX;
	for (go_sp_begin(&m->g->table, m->f, &sp); go_sp_next(&sp);) {
		uint64_t off = sp.start_vaddr - m->f->start_vaddr;
		if (off >= m->f->size_bytes)
			break;
		if (sp.moved_bytes <= 0)
			continue;
		m->saved_from = find_saved(m, off, sp.moved_bytes);
		break;
	}
	go_marks_find(m->g, m->f, m->code, &m->marks);
}

static struct unwind_rule plain_rule(int32_t moved_bytes, bool is_saved)
{
	struct unwind_rule rule = { .cfa_kind = CFA_RSP,
				    .cfa_off = moved_bytes + RETURN_ADDRESS_BYTES };
	if (moved_bytes < 0 || moved_bytes > FRAME_MAX_BYTES)
		return (struct unwind_rule){ .cfa_kind = CFA_UNKNOWN };
	if (is_saved) {
		rule.rbp_kind = RBP_CFA;
		rule.rbp_off = SAVED_RBP_OFF;
	}
	return rule;
}

/* The frame is on another stack than rsp: rbp points to it, since that is where it saved its caller's. */
static struct unwind_rule frame_rule(bool is_saved)
{
	if (!is_saved)
		return other_stack;
	return (struct unwind_rule){ .cfa_kind = CFA_SWITCH_RBP,
				     .cfa_off = 16,
				     .rbp_kind = RBP_CFA,
				     .rbp_off = SAVED_RBP_OFF };
}

static struct unwind_rule saved_rule(const struct go_rows *g, enum unwind_saved_kind kind)
{
	if (!g->knows_saved)
		return other_stack;
	return (struct unwind_rule){ .cfa_kind = CFA_SWITCH_SAVED,
				     .rbp_kind = (uint8_t)kind,
				     .rbp_off = g->g_rbp_off,
				     .cfa_off = g->thread_g_off,
				     .cfa_add = g->m_curg_off };
}

static struct unwind_rule rule_for(const struct making *m, const struct go_mark *mark,
				   int32_t moved_bytes, bool is_saved)
{
	struct unwind_rule rule = plain_rule(moved_bytes, is_saved);
	switch (mark->kind) {
	case MARK_PLAIN:
	case MARK_SIGNAL: break;
	case MARK_ROOT: rule = (struct unwind_rule){ .cfa_kind = CFA_ROOT }; break;
	case MARK_INJECTED: rule.cfa_kind = CFA_INJECTED; break;
	case MARK_FRAME: rule = frame_rule(is_saved); break;
	case MARK_MOVES_SP: rule = moved_bytes > 0 ? frame_rule(is_saved) : rule; break;
	case MARK_SYSTEM: rule = is_saved ? frame_rule(true) : saved_rule(m->g, SAVED_BELOW); break;
	case MARK_CGO:
		rule = is_saved ? frame_rule(true)
				: (struct unwind_rule){ .cfa_kind = CFA_SWITCH_CGO,
							.cfa_off = mark->record_off,
							.cfa_add = RETURN_ADDRESS_BYTES };
		break;
	case MARK_GIVES_UP: rule.rbp_kind = RBP_UNDEFINED; break;
	case MARK_MORESTACK: rule = saved_rule(m->g, SAVED_PC_AND_SP); break;
	}
	return rule;
}

/* The next offset behind `off`, up to `end`, from which on another rule may hold. */
static uint64_t next_change(const struct making *m, uint64_t off, uint64_t end)
{
	if (m->saved_from > off && m->saved_from < end)
		end = m->saved_from;
	for (size_t i = 0; i < m->marks.count; i++)
		if (m->marks.at[i].off > off && m->marks.at[i].off < end)
			end = m->marks.at[i].off;
	return end;
}

static const struct go_mark *mark_at(const struct making *m, uint64_t off)
{
	static const struct go_mark plain = { .kind = MARK_PLAIN };
	const struct go_mark *found = &plain;
	for (size_t i = 0; i < m->marks.count && m->marks.at[i].off <= off; i++)
		found = &m->marks.at[i];
	return found;
}

static bool add_range(const struct making *m, uint64_t off, uint64_t end, int32_t moved_bytes,
		      uint64_t base_vaddr, uint32_t from, struct row_builder *out)
{
	while (off < end) {
		uint64_t next = next_change(m, off, end);
		uint64_t start = m->f->start_vaddr - base_vaddr + off;
		bool is_saved = moved_bytes > 0 && off >= m->saved_from;
		struct unwind_rule rule = rule_for(m, mark_at(m, off), moved_bytes, is_saved);
		if (next - off + start > from &&
		    !row_builder_add(out, start > from ? (uint32_t)start : from, &rule))
			return false;
		off = next;
	}
	return true;
}

bool go_rows_is_signal_return(const struct go_function *f)
{
	return go_marks_whole(f) == MARK_SIGNAL;
}

bool go_rows_add(const struct go_rows *g, const struct go_function *f, uint64_t base_vaddr,
		 uint32_t from, struct row_builder *out)
{
	static const struct unwind_rule unknown = { .cfa_kind = CFA_UNKNOWN };
	static const struct unwind_rule signal = { .cfa_kind = CFA_SIGNAL };
	struct making m = { .g = g, .f = f, .code = g->code + (f->start_vaddr - g->table.text) };
	struct go_sp sp;
	uint64_t end = 0;
	if (go_rows_is_signal_return(f))
		return row_builder_add(out, from, &signal);
	begin(&m);
	for (go_sp_begin(&g->table, f, &sp); end < f->size_bytes && go_sp_next(&sp);) {
		uint64_t off = end;
		end = sp.end_vaddr - f->start_vaddr;
		if (end > f->size_bytes)
			end = f->size_bytes;
		if (!add_range(&m, off, end, sp.moved_bytes, base_vaddr, from, out))
			return false;
	}
	if (end)
		return true;
	uint32_t start = (uint32_t)(f->start_vaddr - base_vaddr);
	return row_builder_add(out, start > from ? start : from, &unknown);
}
