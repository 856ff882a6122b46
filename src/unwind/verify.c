// SPDX-License-Identifier: MIT
#include "unwind/verify.h"

#include "unwind/walk_state.h"

enum { CALL_MAX_BYTES = 7, CALL_RELATIVE = 0xe8, GROUP_5 = 0xff };

/* How long is `ff` with a ModRM of these fields, without prefixes? Source: Intel SDM 2, 2.1.5 */
static size_t indirect_bytes(uint8_t modrm, uint8_t sib)
{
	uint8_t mod = modrm >> 6, rm = modrm & 7;
	size_t size = 2;
	if (mod == 3)
		return size;
	if (rm == 4)
		size++;
	if (mod == 1)
		return size + 1;
	if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5))))
		return size + 4;
	return size;
}

static bool is_indirect_call(const uint8_t *code, size_t size_bytes)
{
	uint8_t operation = code[1] >> 3 & 7;
	if (code[0] != GROUP_5 || (operation != 2 && (operation != 3 || code[1] >> 6 == 3)))
		return false;
	return indirect_bytes(code[1], size_bytes > 2 ? code[2] : 0) == size_bytes;
}

bool unwind_is_behind_call(const uint8_t *before, size_t size_bytes)
{
	enum { RELATIVE_BYTES = 5 };
	const uint8_t *end = before + size_bytes;
	if (size_bytes >= RELATIVE_BYTES && end[-RELATIVE_BYTES] == CALL_RELATIVE)
		return true;
	for (size_t n = 2; n <= CALL_MAX_BYTES && n <= size_bytes; n++)
		if (is_indirect_call(end - n, n))
			return true;
	return false;
}

/* Nothing called it, if the pc is that of a trampoline and not inside a call. */
static bool look_for_trampoline(struct walk *w, uint64_t pc, struct unwind_place *out)
{
	struct unwind_rule rule;
	w->at.pc = pc;
	if (walk_find_rule(w, pc - 1, &rule) != FOUND || !is_trampoline(&rule))
		return false;
	*out = (struct unwind_place){ RETURN_EXCEPTED, rule.cfa_kind == CFA_SIGNAL };
	return true;
}

static enum unwind_return look_at_code(struct walk *w, uint64_t return_pc)
{
	static const size_t sizes[] = { CALL_MAX_BYTES, 2 }; /* all, or the least */
	uint8_t before[CALL_MAX_BYTES];
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (!walk_read_code(w, return_pc - sizes[i], before, sizes[i]))
			continue;
		return unwind_is_behind_call(before, sizes[i]) ? RETURN_FOLLOWS_CALL
							       : RETURN_FOLLOWS_NO_CALL;
	}
	return RETURN_NOT_CHECKED;
}

void unwind_look_at_place(const struct unwind_env *env, uint64_t pc, struct unwind_place *out)
{
	struct walk w = { .env = env, .is_caller = true };
	struct unwind_rule rule;
	if (look_for_trampoline(&w, pc, out))
		return;
	w.at.pc = pc + 1;
	*out = (struct unwind_place){ .state = look_at_code(&w, pc + 1) };
	if (walk_find_rule(&w, pc, &rule) != FOUND)
		return;
	out->was_injected = rule.cfa_kind == CFA_INJECTED;
	if (rule.cfa_kind == CFA_ROOT && out->state == RETURN_FOLLOWS_NO_CALL)
		out->state = RETURN_EXCEPTED;
}
