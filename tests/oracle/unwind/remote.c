// SPDX-License-Identifier: MIT
/* What src/unwind/libunwind.c does for users stands here once more: an oracle that shared code with what it judges
 * would share its faults. */
#include "remote.h"

#include <err.h>
#include <libunwind.h>
#include <string.h>

/* Exported for such callers, but declared in no installed header. */
int UNW_OBJ(dwarf_search_unwind_table)(unw_addr_space_t as, unw_word_t ip, unw_dyn_info_t *di,
				       unw_proc_info_t *pi, int need_unwind_info, void *arg);

struct remote {
	const struct dump *dump;
	const struct space *space;
};

static bool read_bytes(const struct remote *r, uint64_t address, void *out, size_t n)
{
	uint64_t offset = address - r->dump->registers[REGISTER_RSP];
	if (offset < r->dump->stack_size_bytes) {
		if (n > r->dump->stack_size_bytes - offset)
			return false;
		memcpy(out, r->dump->stack + offset, n);
		return true;
	}
	return space_read(r->space, address, out, n);
}

static int access_mem(unw_addr_space_t as, unw_word_t address, unw_word_t *value, int write,
		      void *arg)
{
	(void)as;
	if (write)
		return -UNW_EINVAL;
	return read_bytes(arg, address, value, sizeof(*value)) ? 0 : -UNW_EUNSPEC;
}

static int access_reg(unw_addr_space_t as, unw_regnum_t reg, unw_word_t *value, int write,
		      void *arg)
{
	(void)as;
	const struct remote *r = arg;
	if (write || reg < 0 || reg >= REGISTER_COUNT)
		return -UNW_EBADREG;
	*value = r->dump->registers[reg]; /* UNW_X86_64_* are DWARF's numbers */
	return 0;
}

static int access_fpreg(unw_addr_space_t as, unw_regnum_t reg, unw_fpreg_t *value, int write,
			void *arg)
{
	(void)as, (void)reg, (void)value, (void)write, (void)arg;
	return -UNW_EINVAL;
}

static int by_hdr(unw_addr_space_t as, unw_word_t ip, const struct map *map, unw_proc_info_t *pi,
		  int need, void *arg)
{
	struct {
		uint8_t version, eh_frame_encoding, count_encoding, table_encoding;
		int32_t eh_frame;
		uint32_t count;
	} hdr;
	uint64_t base = map->bias + map->image->eh_frame_hdr_vaddr;
	if (!map->image->eh_frame_hdr_vaddr || !read_bytes(arg, base, &hdr, sizeof(hdr)) ||
	    hdr.count_encoding != 0x03 || hdr.table_encoding != 0x3b)
		return -UNW_ENOINFO;
	unw_dyn_info_t di = { .format = UNW_INFO_FORMAT_REMOTE_TABLE,
			      .start_ip = map->start,
			      .end_ip = map->end };
	di.u.rti.segbase = base;
	di.u.rti.table_data = base + sizeof(hdr);
	di.u.rti.table_len = hdr.count * 8ul / sizeof(unw_word_t);
	return UNW_OBJ(dwarf_search_unwind_table)(as, ip, &di, pi, need, arg);
}

static int find_proc_info(unw_addr_space_t as, unw_word_t ip, unw_proc_info_t *pi, int need,
			  void *arg)
{
	const struct remote *r = arg;
	const struct map *map = space_find(r->space, ip);
	if (!map || !map->image || !map->image->object)
		return -UNW_ENOINFO;
	return by_hdr(as, ip, map, pi, need, arg);
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

static unw_addr_space_t make_address_space(unw_caching_policy_t policy)
{
	static unw_accessors_t accessors = {
		.find_proc_info = find_proc_info,
		.put_unwind_info = put_unwind_info,
		.get_dyn_info_list_addr = no_dyn_info,
		.access_mem = access_mem,
		.access_reg = access_reg,
		.access_fpreg = access_fpreg,
		.resume = no_resume,
		.get_proc_name = no_name,
	};
	unw_addr_space_t as = unw_create_addr_space(&accessors, 0);
	if (!as)
		errx(1, "unw_create_addr_space");
	unw_set_caching_policy(as, policy);
	return as;
}

unsigned remote_walk(const struct dump *d, const struct space *space, uint64_t *pcs, unsigned limit)
{
	static unw_addr_space_t as;
	static pid_t pid;
	if (!as)
		as = make_address_space(UNW_CACHE_GLOBAL);
	if (pid != d->pid)
		unw_flush_cache(as, 0, 0);
	pid = d->pid;
	struct remote r = { d, space };
	unw_cursor_t cursor;
	unsigned n = 0;
	if (unw_init_remote(&cursor, as, &r) < 0)
		errx(1, "unw_init_remote");
	do {
		unw_word_t ip = 0;
		unw_get_reg(&cursor, UNW_REG_IP, &ip);
		pcs[n++] = ip;
	} while (unw_step(&cursor) > 0 && n < limit);
	return n;
}

unsigned remote_unwind(const struct dump *d, const struct space *space, struct remote_frame *frames,
		       unsigned limit, int *out_end)
{
	static unw_addr_space_t as;
	if (!as)
		as = make_address_space(UNW_CACHE_NONE);
	struct remote r = { d, space };
	unw_cursor_t cursor;
	unsigned n = 0;
	if (unw_init_remote(&cursor, as, &r) < 0)
		errx(1, "unw_init_remote");
	do {
		unw_word_t ip = 0;
		unw_proc_info_t info;
		unw_get_reg(&cursor, UNW_REG_IP, &ip);
		if (!ip && n) /* an undefined return address */
			break;
		/* It says so of the frame that the last step arrived at. */
		frames[n].interrupted = unw_is_signal_frame(&cursor) > 0;
		frames[n].has_cfi = unw_get_proc_info(&cursor, &info) == 0 &&
				    info.format != UNW_INFO_FORMAT_DYNAMIC;
		frames[n++].pc = ip;
		*out_end = unw_step(&cursor);
	} while (*out_end > 0 && n < limit);
	return n;
}
