// SPDX-License-Identifier: MIT
#include "unwind/cfi.h"

enum {
	PE_ABSPTR = 0x00,
	PE_ULEB128 = 0x01,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SLEB128 = 0x09,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_FORMAT = 0x0f,
	PE_PCREL = 0x10,
	PE_ALIGNED = 0x50,
	PE_BASE = 0x70,
	PE_OMIT = 0xff,
};

static uint64_t vaddr_of(const struct cfi_section *section, const uint8_t *at)
{
	return section->vaddr + section->offset + (size_t)(at - section->bytes);
}

static uint64_t pointer_value(struct cursor *c, uint8_t format)
{
	switch (format) {
	case PE_ABSPTR:
	case PE_UDATA8: return cursor_u64(c);
	case PE_SDATA8: return (uint64_t)cursor_s64(c);
	case PE_ULEB128: return cursor_uleb(c);
	case PE_SLEB128: return (uint64_t)cursor_sleb(c);
	case PE_UDATA2: return cursor_u16(c);
	case PE_SDATA2: return (uint64_t)(int64_t)cursor_s16(c);
	case PE_UDATA4: return cursor_u32(c);
	case PE_SDATA4: return (uint64_t)(int64_t)cursor_s32(c);
	default: cursor_fail(c); return 0;
	}
}

bool cfi_pointer(const struct cfi_section *section, struct cursor *c, uint8_t encoding,
		 uint64_t *out)
{
	*out = 0;
	if (encoding == PE_OMIT)
		return true;
	if ((encoding & PE_BASE) == PE_ALIGNED) {
		cursor_take(c, -vaddr_of(section, c->at) & 7);
		*out = cursor_u64(c);
		return !c->bad;
	}
	uint64_t place = vaddr_of(section, c->at);
	uint64_t value = pointer_value(c, encoding & PE_FORMAT);
	switch (encoding & PE_BASE) {
	case 0: break;
	case PE_PCREL: value += place; break;
	default: cursor_fail(c); /* textrel, datarel, funcrel: no producer for x86-64 uses them */
	}
	*out = value;
	return !c->bad;
}

int cfi_next_entry(const struct cfi_section *section, struct cursor *c, struct cfi_entry *out)
{
	uint64_t size;
	bool dwarf64;
	for (;;) {
		if (c->at == c->end)
			return 0;
		out->offset = section->offset + cursor_offset(c);
		size = cursor_u32(c);
		dwarf64 = size == 0xffffffff;
		if (dwarf64)
			size = cursor_u64(c);
		if (c->bad)
			return -1;
		if (size) /* 0 ends what one object file brought; more may follow */
			break;
	}
	out->body = cursor_sub(c, size);
	if (c->bad)
		return -1;

	bool wide =
		dwarf64 && section->debug_frame; /* LSB: the id of .eh_frame has 4 bytes always */
	size_t id_offset = section->offset + (size_t)(out->body.at - section->bytes);
	uint64_t id = wide ? cursor_u64(&out->body) : cursor_u32(&out->body);
	if (out->body.bad) {
		c->bad = out->body.bad;
		return -1;
	}
	if (section->debug_frame) {
		out->is_cie = id == (wide ? UINT64_MAX : 0xffffffff);
		out->cie_offset = id;
	} else {
		out->is_cie = id == 0;
		if (id > id_offset) {
			c->bad = out->body.begin;
			return -1;
		}
		out->cie_offset = id_offset - id;
	}
	return 1;
}

/* The data behind an augmentation that begins with 'z', letter by letter. */
static bool parse_augmentation(const struct cfi_section *section, struct cursor *c,
			       const char *letters, struct cfi_cie *out)
{
	uint64_t ignored;
	struct cursor data = cursor_sub(c, cursor_uleb(c));
	for (; *letters && !data.bad; letters++) {
		switch (*letters) {
		case 'L': cursor_u8(&data); break;
		case 'P': cfi_pointer(section, &data, cursor_u8(&data), &ignored); break;
		case 'R': out->pointer_encoding = cursor_u8(&data); break;
		case 'S': out->is_signal = true; break;
		default: return !c->bad; /* unknown, but skipped thanks to the size */
		}
	}
	return !data.bad && !c->bad;
}

static bool run_cie(const struct cfi_section *section, struct cfi_cie *cie)
{
	struct cfi_machine m;
	struct cfi_fde whole = { .size_bytes = 1, .instructions = cie->instructions };
	memset(&cie->initial, 0, sizeof(cie->initial));
	cfi_machine_init(&m, section, cie, &whole);
	if (!cfi_machine_next(&m) || m.end != 1)
		return false;
	cie->initial = m.state;
	return true;
}

bool cfi_parse_cie(const struct cfi_section *section, const struct cfi_entry *entry,
		   struct cfi_cie *out)
{
	struct cursor c = entry->body;
	out->version = cursor_u8(&c);
	out->pointer_encoding = PE_ABSPTR;
	out->is_signal = false;
	const char *letters = cursor_string(&c);
	out->has_augmentation_data = letters[0] == 'z';
	if (out->version == 4) {
		if (cursor_u8(&c) != 8) /* address size */
			return false;
		cursor_u8(&c); /* segment selector size */
	} else if (out->version != 1 && out->version != 3) {
		return false;
	}
	if (!strcmp(letters, "eh")) /* gcc 2: a pointer to an exception table */
		cursor_u64(&c);
	else if (letters[0] && !out->has_augmentation_data)
		return false;
	out->code_align = cursor_uleb(&c);
	out->data_align = cursor_sleb(&c);
	out->return_register = out->version == 1 ? cursor_u8(&c) : cursor_uleb(&c);
	if (out->has_augmentation_data && !parse_augmentation(section, &c, letters + 1, out))
		return false;
	if (c.bad)
		return false;
	out->instructions = cursor_of(c.at, cursor_left(&c));
	return run_cie(section, out);
}

bool cfi_parse_fde(const struct cfi_section *section, const struct cfi_entry *entry,
		   const struct cfi_cie *cie, struct cfi_fde *out)
{
	struct cursor c = entry->body;
	if (!cfi_pointer(section, &c, cie->pointer_encoding, &out->start_vaddr))
		return false;
	out->size_bytes = pointer_value(&c, cie->pointer_encoding & PE_FORMAT);
	if (cie->has_augmentation_data)
		cursor_take(&c, cursor_uleb(&c));
	if (c.bad)
		return false;
	out->instructions = (struct cursor){ .begin = c.at, .at = c.at, .end = c.end };
	return out->start_vaddr + out->size_bytes >= out->start_vaddr;
}
