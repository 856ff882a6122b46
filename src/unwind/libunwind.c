// SPDX-License-Identifier: MIT
#include "unwind/libunwind.h"

#include <errno.h>
#include <libunwind.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/libunwind_files.h"
#include "unwind/table.h"

/* Exported for such callers, but declared in no installed header. */
int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t as, unw_word_t ip, unw_dyn_info_t *di,
				       unw_proc_info_t *pi, int need_unwind_info, void *arg);

enum {
	CACHED_FRAMES = 8192,       /* of libunwind's own cache, by pc */
	READS_MAX = 4 * 1024 * 1024 /* a stack; an expression of DWARF may loop for ever */
};

struct unwind_libunwind {
	unw_addr_space_t as;
	struct libunwind_files files;
	uint32_t space; /* whose frames are in libunwind's cache */
};

/* The state of one walk: what libunwind's callbacks get. */
struct remote {
	struct unwind_libunwind *u;
	const struct unwind_env *env;
	const uint64_t *registers;
	struct unwind_code code; /* the last answer of code_at */
	uint32_t reads;
	uint64_t failed_address;
	bool failed, pending, on_other_stack;
};

static const struct unwind_code *code_of(struct remote *r, uint64_t pc)
{
	struct unwind_code *code = &r->code;
	if (pc - code->start >= code->end - code->start) {
		*code = (struct unwind_code){ 0 };
		r->env->code_at(r->env->context, pc, code);
		if (code->lookup == LOOKUP_NO_MAPPING || code->lookup == LOOKUP_PENDING)
			code->end = code->start;
	}
	r->pending |= code->lookup == LOOKUP_PENDING;
	return code;
}

/* What the file at hand holds: CFI, and what CFI points at. */
static bool read_file(struct remote *r, uint64_t address, unw_word_t *out)
{
	if (r->code.lookup != LOOKUP_TABLE)
		return false;
	const struct libunwind_file *f = libunwind_file_of(&r->u->files, r->code.table->obj);
	return f && libunwind_file_read(f, address - r->code.bias, out, sizeof(*out));
}

static bool read_code(const struct remote *r, uint64_t address, unw_word_t *out)
{
	return r->env->read_memory &&
	       r->env->read_memory(r->env->context, MEMORY_CODE, address, out, sizeof(*out));
}

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write,
		      void *arg)
{
	(void)as;
	struct remote *r = arg;
	const struct unwind_env *env = r->env;
	uint64_t offset = address - env->stack_start;
	if (write || ++r->reads > READS_MAX)
		return -UNW_EINVAL;
	if (offset < env->stack_size_bytes) {
		if (env->stack_size_bytes - offset >= sizeof(*value)) {
			memcpy(value, env->stack + offset, sizeof(*value));
			return 0;
		}
	} else if (read_file(r, address, value) || read_code(r, address, value)) {
		return 0;
	}
	enum unwind_memory kind = r->on_other_stack ? MEMORY_OTHER_STACK : MEMORY_BEHIND_COPY;
	if (env->read_memory &&
	    env->read_memory(env->context, kind, address, value, sizeof(*value)))
		return 0;
	r->failed = true;
	r->failed_address = address;
	return -UNW_EUNSPEC;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *value, int write,
		      void *arg)
{
	(void)as;
	const struct remote *r = arg;
	if (write || reg < 0 || reg >= REGISTER_COUNT)
		return -UNW_EBADREG;
	*value = r->registers[reg]; /* UNW_X86_64_* are DWARF's numbers */
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t reg, unw_fpreg_t *value, int write,
			void *arg)
{
	(void)as, (void)reg, (void)value, (void)write, (void)arg;
	return -UNW_EINVAL;
}

static int find_proc_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *pi, int need,
			  void *arg)
{
	struct remote *r = arg;
	const struct unwind_code *code = code_of(r, ip);
	if (code->lookup != LOOKUP_TABLE)
		return -UNW_ENOINFO;
	const struct libunwind_file *f = libunwind_file_of(&r->u->files, code->table->obj);
	if (!f || !f->entry_count)
		return -UNW_ENOINFO;
	unw_dyn_info_t di = { .format = UNW_INFO_FORMAT_REMOTE_TABLE,
			      .start_ip = code->start,
			      .end_ip = code->end };
	di.u.rti.segbase = code->bias + f->hdr.vaddr;
	di.u.rti.table_data = di.u.rti.segbase + EH_FRAME_HDR_BYTES;
	di.u.rti.table_len = f->entry_count * 8ul / sizeof(unw_word_t);
	return UNW_OBJ(dwarf_search_unwind_table)(as, ip, &di, pi, need, arg);
}

static void put_unwind_info(unw_addr_space_t as, unw_proc_info_t *pi, void *arg)
{
	(void)as, (void)pi, (void)arg;
}

static int no_dyn_info(unw_addr_space_t as, unw_word_t *out, void *arg)
{
	(void)as, (void)out, (void)arg;
	return -UNW_ENOINFO;
}

static int no_resume(unw_addr_space_t as, unw_cursor_t *c, void *arg)
{
	(void)as, (void)c, (void)arg;
	return -UNW_EINVAL;
}

static int no_name(unw_addr_space_t as, unw_word_t ip, char *buffer, size_t size,
		   unw_word_t *offset, void *arg)
{
	(void)as, (void)ip, (void)buffer, (void)size, (void)offset, (void)arg;
	return -UNW_ENOINFO;
}

int unwind_libunwind_create(struct unwind_libunwind **out, struct error *err)
{
	unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = no_dyn_info,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = no_resume,
		.get_proc_name = no_name,
	};
	struct unwind_libunwind *u = calloc(1, sizeof(*u));
	if (!u || !(u->as = unw_create_addr_space(&accessors, 0))) {
		free(u);
		return fail(err, -ENOMEM, "no memory for libunwind");
	}
	unw_set_caching_policy(u->as, UNW_CACHE_GLOBAL);
	unw_set_cache_size(u->as, CACHED_FRAMES, 0);
	*out = u;
	return 0;
}

void unwind_libunwind_destroy(struct unwind_libunwind *u)
{
	if (!u)
		return;
	unw_destroy_addr_space(u->as);
	libunwind_files_deinit(&u->files);
	free(u);
}

void unwind_libunwind_flush(struct unwind_libunwind *u)
{
	u->space = 0;
	unw_flush_cache(u->as, 0, 0);
}

static unw_word_t get(unw_cursor_t *cursor, unw_regnum_t reg)
{
	unw_word_t value = 0;
	return unw_get_reg(cursor, reg, &value) < 0 ? 0 : value;
}

static struct unwind_rule rule_of(const struct unwind_code *code, uint64_t pc)
{
	if (code->lookup != LOOKUP_TABLE)
		return (struct unwind_rule){ .cfa_kind = CFA_UNKNOWN };
	return table_rule(code->table, pc - code->bias);
}

/* A frame whose pc no call is before: a signal's, or a trampoline that a context begins with. */
static bool is_laid_out(const struct unwind_code *code, uint64_t pc)
{
	return rule_of(code, pc).cfa_kind == CFA_SIGNAL ||
	       (code->lookup == LOOKUP_TABLE && pc % 16 == 0 &&
		table_is_bare_start(code->table, pc - code->bias));
}

/* A frame that was walked out of, or not. */
struct left {
	struct unwind_rule rule; /* what our rows say of it */
	bool laid_out, is_caller;
	uint64_t sp, rbp;
};

/* libunwind ends a stack without an error wherever frame pointers make no sense to it. */
static enum unwind_reason end_reason(const struct remote *r, const struct left *f,
				     unw_cursor_t *cursor, int end)
{
	const struct unwind_env *env = r->env;
	if (f->rule.cfa_kind == CFA_ROOT || (f->laid_out && f->rule.cfa_kind != CFA_SIGNAL))
		return UNWIND_ROOT;
	if (f->rule.cfa_kind == CFA_UNKNOWN)
		return f->is_caller && !f->rbp ? UNWIND_ROOT : UNWIND_NO_RULE;
	if (end >= 0 && !get(cursor, UNW_REG_IP) && !get(cursor, UNW_X86_64_RBP))
		return UNWIND_ROOT;
	if (!r->failed)
		return UNWIND_LIBUNWIND_ENDS;
	return env->stack_copy_full && r->failed_address - env->stack_start >= env->stack_size_bytes
		       ? UNWIND_STACK_TOO_DEEP
		       : UNWIND_READ_FAILED;
}

/* Counts the frame at hand. @return false if the stack ends before or with it */
static bool take_frame(struct remote *r, unw_cursor_t *cursor, struct left *f, uint64_t *pcs,
		       uint32_t limit, struct unwind_result *out)
{
	uint64_t ip = get(cursor, UNW_REG_IP), pc = ip - f->is_caller;
	const struct unwind_code *code = code_of(r, pc);
	if (r->pending)
		return false;
	if (code->lookup == LOOKUP_NO_MAPPING)
		out->reason = UNWIND_NO_MAPPING;
	else if (out->count == limit)
		out->reason = UNWIND_TOO_MANY_FRAMES;
	if (out->reason != UNWIND_ROOT && out->count)
		return false;
	f->laid_out = f->is_caller && is_laid_out(code, ip);
	pcs[out->count++] = f->laid_out ? ip : pc;
	f->rule = rule_of(code, pcs[out->count - 1]);
	f->sp = get(cursor, UNW_REG_SP);
	f->rbp = get(cursor, UNW_X86_64_RBP);
	return out->reason == UNWIND_ROOT;
}

static void walk(struct remote *r, unw_cursor_t *cursor, uint64_t *pcs, uint32_t limit,
		 struct unwind_result *out)
{
	struct left f = { 0 };
	while (take_frame(r, cursor, &f, pcs, limit, out)) {
		const struct unwind_env *env = r->env;
		r->failed = false;
		int end = unw_step(cursor);
		if (end <= 0 || r->pending || !get(cursor, UNW_REG_IP)) {
			out->reason = end_reason(r, &f, cursor, end);
			return;
		}
		f.is_caller = f.rule.cfa_kind != CFA_SIGNAL;
		if (!f.is_caller &&
		    get(cursor, UNW_REG_SP) - env->stack_start >= env->stack_size_bytes)
			r->on_other_stack = unwind_signal_frame_stands(env, f.sp);
	}
}

void unwind_libunwind_walk(struct unwind_libunwind *u, const struct unwind_env *env,
			   const uint64_t registers[REGISTER_COUNT], uint32_t space, uint64_t *pcs,
			   uint32_t limit, struct unwind_result *out)
{
	struct remote r = { .u = u, .env = env, .registers = registers };
	unw_cursor_t cursor;
	*out = (struct unwind_result){ .reason = UNWIND_ROOT };
	if (u->space != space)
		unwind_libunwind_flush(u);
	u->space = space;
	if (unw_init_remote(&cursor, u->as, &r) < 0)
		out->reason = UNWIND_BAD_RULE;
	else
		walk(&r, &cursor, pcs, limit, out);
	out->pending = r.pending;
	out->pending_pc = r.code.start;
}
