// SPDX-License-Identifier: MIT
#include "symbol/dwarf_names.h"

#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/vec.h"
#include "symbol/debug_file.h"
#include "symbol/dwarf_image.h"
#include "symbol/dwarf_unit.h"

enum {
	NAME_MAX_BYTES = 16 * 1024,
	STEPS_PER_BYTE = 8, /* DIEs and ranges looked at for each byte of .debug_info */
	CPU_MAX_S = 30,     /* on one object; after that its symbol table must do */
};

struct function_name { /* of an abstract function: shared by all its inlined copies */
	string_id name;
	uint32_t start_line;
	bool has_linkage_name;
};

struct dwarf_names {
	struct dwarf_image image, alternate;
	struct strings *strings;
	VEC(struct dwarf_unit) units;    /* row 0 is unused */
	struct ranges ranges;            /* to rows of `units` */
	VEC(struct function_name) names; /* row 0 is unused */
	struct map64 paths;              /* address of libdw's string -> string_id */
	struct strbuf scratch;
	struct map64 by_origin; /* offset of the DIE that holds the name + 1 -> row of `names` */
	struct dwarf_budget budget;
};

/* Units without ranges of their own (very old compilers) are known by their functions'. */
static bool add_function_ranges(struct dwarf_names *d, uint32_t row)
{
	struct dwarf_unit *u = &d->units.at[row];
	if (!dwarf_unit_load(u, &d->budget))
		return false;
	for (size_t i = 0; i + 1 < u->ranges.edges.count; i++) {
		const struct range_edge *e = &u->ranges.edges.at[i];
		if (e->row && !ranges_add(&d->ranges, e->start, e[1].start, row))
			return false;
	}
	return true;
}

static bool add_unit(struct dwarf_names *d, Dwarf_Die *die)
{
	uint32_t row = (uint32_t)d->units.count;
	size_t before = d->ranges.pending.count;
	if (!vec_push(&d->units, (struct dwarf_unit){ .die = *die }))
		return false;
	if (!dwarf_add_ranges(die, &d->ranges, row, &d->budget))
		return false;
	if (d->ranges.pending.count != before || dwarf_hasattr(die, DW_AT_ranges))
		return true;
	return dwarf_haschildren(die) != 1 || add_function_ranges(d, row);
}

static int index_units(struct dwarf_names *d, struct error *err)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die die;
	uint8_t type;
	bool ok = vec_push(&d->units, (struct dwarf_unit){ 0 }) &&
		  vec_push(&d->names, (struct function_name){ 0 });
	while (ok && d->budget.steps &&
	       dwarf_get_units(d->image.dwarf, cu, &cu, NULL, &type, &die, NULL) == 0)
		/* Of a program whose functions were split off (.dwo) the lines are still here. */
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			ok = add_unit(d, &die);
	if (!ok || !ranges_finish(&d->ranges))
		return fail(err, -ENOMEM, "no memory, or too many ranges in the debug information");
	return 0;
}

static void open_alternate(struct dwarf_names *d, const struct object *source,
			   const struct debug_places *places)
{
	struct object *o = NULL;
	if (debug_file_find_alternate(source, places, &o) < 0)
		return;
	if (dwarf_image_create(o, &d->alternate, NULL) == 0)
		dwarf_setalt(d->image.dwarf, d->alternate.dwarf);
	object_unref(o);
}

int dwarf_names_create(const struct object *source, const struct debug_places *places,
		       struct strings *strings, struct dwarf_names **out, struct error *err)
{
	struct dwarf_names *d = calloc(1, sizeof(*d));
	if (!d)
		return fail(err, -ENOMEM, "out of memory");
	d->strings = strings;
	int rc = dwarf_image_create(source, &d->image, err);
	if (rc == 0) {
		d->budget = (struct dwarf_budget){
			.steps = STEPS_PER_BYTE * (uint64_t)d->image.info_bytes,
			.cpu_ns = CPU_MAX_S * NSEC_PER_SEC,
			.cpu_deadline_ns =
				clock_ns(CLOCK_THREAD_CPUTIME_ID) + CPU_MAX_S * NSEC_PER_SEC
		};
		open_alternate(d, source, places);
		rc = index_units(d, err);
	}
	if (rc < 0) {
		dwarf_names_destroy(d);
		return rc;
	}
	*out = d;
	return 0;
}

void dwarf_names_destroy(struct dwarf_names *d)
{
	if (!d)
		return;
	for (size_t i = 1; i < d->units.count; i++)
		dwarf_unit_deinit(&d->units.at[i]);
	vec_free(&d->units);
	vec_free(&d->names);
	ranges_deinit(&d->ranges);
	map64_deinit(&d->by_origin);
	map64_deinit(&d->paths);
	strbuf_deinit(&d->scratch);
	dwarf_image_deinit(&d->image);
	dwarf_image_deinit(&d->alternate);
	free(d);
}

static const char *string_attribute(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attribute;
	return dwarf_formstring(dwarf_attr_integrate(die, name, &attribute));
}

static uint32_t number_attribute(Dwarf_Die *die, unsigned name, bool integrate)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;
	Dwarf_Attribute *a = integrate ? dwarf_attr_integrate(die, name, &attribute)
				       : dwarf_attr(die, name, &attribute);
	return a && dwarf_formudata(a, &value) == 0 && value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* DWARF 6 codes, which compilers use already (dwarfstd.org, "DWARF Version 5 Language Names"). */
enum { LANG_C17 = 0x2c, LANG_C23 = 0x3e };

/* Where names are not mangled, linkage names are aliases for the linker (glibc's `__GI_read`). */
static bool has_mangled_names(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C89:
	case DW_LANG_C:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case LANG_C17:
	case LANG_C23:
	case DW_LANG_Mips_Assembler: return false;
	default: return true;
	}
}

static struct function_name read_name(struct dwarf_names *d, Dwarf_Die *unit, Dwarf_Die *die)
{
	struct function_name n = { .start_line = number_attribute(die, DW_AT_decl_line, true) };
	const char *name = NULL;
	if (has_mangled_names(unit)) {
		name = string_attribute(die, DW_AT_linkage_name);
		if (!name)
			name = string_attribute(die, DW_AT_MIPS_linkage_name);
		n.has_linkage_name = name != NULL;
	}
	if (!name)
		name = string_attribute(die, DW_AT_name);
	if (name)
		n.name = strings_intern_bytes(d->strings, name, strnlen(name, NAME_MAX_BYTES));
	return n;
}

/* A copy of an inlined function has its name in the abstract one, where all copies find it. */
static uint64_t origin_key(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Die origin;
	if (!dwarf_attr(die, DW_AT_abstract_origin, &attribute) ||
	    !dwarf_formref_die(&attribute, &origin))
		origin = *die;
	if (attribute.form == DW_FORM_GNU_ref_alt || attribute.form == DW_FORM_ref_sup4 ||
	    attribute.form == DW_FORM_ref_sup8)
		origin = *die; /* offsets of another file */
	return (uint64_t)dwarf_dieoffset(&origin) + 1;
}

static const struct function_name *function_name(struct dwarf_names *d, struct dwarf_unit *u,
						 struct dwarf_function *f, Dwarf_Die *die)
{
	if (f->name)
		return &d->names.at[f->name];
	uint64_t key = origin_key(die);
	f->name = map64_get(&d->by_origin, key);
	if (!f->name && vec_push(&d->names, read_name(d, &u->die, die))) {
		f->name = (uint32_t)(d->names.count - 1);
		map64_put(&d->by_origin, key, f->name);
	}
	return &d->names.at[f->name];
}

struct place {
	string_id file;
	uint32_t line;
};

/* libdw leaves some paths relative to the directory where the compiler ran. */
static string_id intern_path(struct dwarf_names *d, struct dwarf_unit *u, const char *path)
{
	if (!path)
		return (string_id){ 0 };
	uint64_t key = (uint64_t)(uintptr_t)path;
	uint32_t known = map64_get(&d->paths, key);
	if (known)
		return (string_id){ known };
	const char *dir = string_attribute(&u->die, DW_AT_comp_dir);
	size_t dir_length = dir ? strnlen(dir, NAME_MAX_BYTES) : 0;
	strbuf_clear(&d->scratch);
	if (path[0] != '/' && dir_length &&
	    (strncmp(path, dir, dir_length) != 0 || path[dir_length] != '/'))
		strbuf_printf(&d->scratch, "%.*s/", (int)dir_length, dir);
	strbuf_add(&d->scratch, path, strnlen(path, NAME_MAX_BYTES));
	string_id id = strings_intern(d->strings, strbuf_text(&d->scratch));
	map64_put(&d->paths, key, id.v);
	return id;
}

static struct place line_place(struct dwarf_names *d, struct dwarf_unit *u, uint64_t vaddr)
{
	Dwarf_Line *line = dwarf_unit_line(u, vaddr);
	int number;
	if (!line || dwarf_lineno(line, &number) != 0)
		return (struct place){ 0 };
	return (struct place){ intern_path(d, u, dwarf_linesrc(line, NULL, NULL)),
			       (uint32_t)number };
}

static struct place call_place(struct dwarf_names *d, struct dwarf_unit *u, Dwarf_Die *die)
{
	struct place p = { .line = number_attribute(die, DW_AT_call_line, false) };
	uint32_t file = number_attribute(die, DW_AT_call_file, false);
	if (dwarf_hasattr(die, DW_AT_call_file) && file < u->file_count)
		p.file = intern_path(d, u, dwarf_filesrc(u->files, file, NULL, NULL));
	return p;
}

static uint64_t function_start(Dwarf_Die *die)
{
	Dwarf_Addr base, start, end;
	if (dwarf_entrypc(die, &start) == 0)
		return start;
	return dwarf_ranges(die, 0, &base, &start, &end) > 0 ? start : 0;
}

/* From the innermost function outwards; where one was inlined, the next one's line is the call's.
 */
static void add_frames(struct dwarf_names *d, struct dwarf_unit *u, uint32_t row,
		       struct place place, struct dwarf_answer *out)
{
	while (row) {
		struct dwarf_function *f = &u->functions.at[row];
		Dwarf_Die die;
		if (!dwarf_offdie(d->image.dwarf, f->die_off, &die))
			return;
		const struct function_name *n = function_name(d, u, f, &die);
		if (out->count == DWARF_FRAMES_MAX)
			out->count--; /* the outermost one stays */
		out->frames[out->count++] =
			(struct dwarf_frame){ .name = n->name,
					      .has_linkage_name = n->has_linkage_name,
					      .start_line = n->start_line,
					      .file = place.file,
					      .line = place.line };
		if (!f->inlined)
			out->start_vaddr = function_start(&die);
		else
			place = call_place(d, u, &die);
		row = f->parent;
	}
}

void dwarf_names_find(struct dwarf_names *d, uint64_t vaddr, struct dwarf_answer *out)
{
	out->count = 0;
	out->start_vaddr = 0;
	uint32_t row = ranges_find(&d->ranges, vaddr);
	if (!row)
		return;
	struct dwarf_unit *u = &d->units.at[row];
	if (!dwarf_unit_load(u, &d->budget))
		return;
	struct place place = line_place(d, u, vaddr);
	add_frames(d, u, ranges_find(&u->ranges, vaddr), place, out);
	if (!out->count && place.line)
		out->frames[out->count++] =
			(struct dwarf_frame){ .file = place.file, .line = place.line };
}
