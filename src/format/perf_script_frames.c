// SPDX-License-Identifier: MIT
#include "format/perf_script_frames.h"

#include <errno.h>

/*
 * Above it lies what the loader placed at random; below, newer perfs print offsets in the file and
 * programs with a fixed place have their own addresses.
 */
static const uint64_t run_time_addresses = UINT64_C(1) << 40;
static const uint64_t kernel_addresses = UINT64_C(0xffff800000000000);

bool perf_frames_intern(struct perf_frames *r, struct text t, string_id *out)
{
	*out = strings_intern_bytes(&r->texts, t.at, t.length);
	return out->v || !t.length;
}

/* Code that lies in no file: generated at run time, named by a perf map or not at all. */
static bool is_generated(struct text file)
{
	static const char *const names[] = { "//anon",     "[anon",   "[heap]",   "[stack]",
					     "anon_inode", "/memfd:", "/dev/zero" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (text_begins(file, names[i]))
			return true;
	const char *slash = text_last(file, '/');
	struct text name = slash ? text_behind(file, (size_t)(slash + 1 - file.at)) : file;
	return (text_begins(name, "perf-") && text_ends(name, ".map")) ||
	       (text_begins(name, "jitted-") && text_ends(name, ".so"));
}

/* Older perfs print small addresses for modules of the kernel, "([nf_conntrack])". */
static enum frame_kind kind_of(const struct perf_script_frame *f)
{
	bool of_user = text_begins(f->file, "[vdso") || text_equals(f->file, "[vsyscall]");
	if (f->address >= kernel_addresses && !of_user)
		return FRAME_KERNEL;
	if (is_generated(f->file))
		return FRAME_JIT;
	return text_begins(f->file, "[") && !of_user ? FRAME_KERNEL : FRAME_USER;
}

static bool find_module(struct perf_frames *r, struct text file, module_id *out)
{
	static const char gone[] = " (deleted)";
	bool deleted = text_ends(file, gone);
	string_id path;
	*out = (module_id){ 0 };
	if (deleted)
		file.length -= sizeof(gone) - 1;
	if (!perf_frames_intern(r, file, &path))
		return false;
	if (!path.v)
		return true;
	while (r->module_of.count <= path.v)
		if (!vec_push(&r->module_of, (module_id){ 0 }))
			return false;
	if (!r->module_of.at[path.v].v)
		r->module_of.at[path.v] = builder_add_module(
			r->b, &(struct builder_module){ .path = perf_frames_text(r, path),
							.deleted = deleted });
	*out = r->module_of.at[path.v];
	return out->v;
}

/* Where neither a symbol nor an address in the file is known, only the file names the place. */
static bool file_name(struct perf_frames *r, struct text file, const char **out)
{
	const char *slash = *file.at == '[' ? NULL : text_last(file, '/');
	struct text base = slash ? text_behind(file, (size_t)(slash + 1 - file.at)) : file;
	string_id id;
	r->key.length = 0;
	if (*base.at != '[')
		strbuf_putc(&r->key, '[');
	strbuf_add(&r->key, base.at, base.length);
	if (*base.at != '[')
		strbuf_putc(&r->key, ']');
	if (r->key.failed ||
	    !perf_frames_intern(r, (struct text){ r->key.text, r->key.length }, &id))
		return false;
	*out = perf_frames_text(r, id);
	return true;
}

static bool list_lines(struct perf_frames *r, const struct perf_script_frame *f, bool placeless)
{
	r->lines.count = 0;
	for (size_t i = 0; i < r->calls.count; i++) {
		const struct perf_call *call = &r->calls.at[i];
		string_id name, file;
		if (!perf_frames_intern(r, call->symbol, &name) ||
		    !perf_frames_intern(r, call->source, &file))
			return false;
		struct builder_line line = { .name = perf_frames_text(r, name),
					     .file = perf_frames_text(r, file),
					     .line = call->line };
		if (!name.v && i + 1 == r->calls.count && placeless && f->file.length &&
		    !file_name(r, f->file, &line.name))
			return false;
		if (!vec_push(&r->lines, line))
			return false;
	}
	return true;
}

static void add_key(struct perf_frames *r, struct text t)
{
	strbuf_putc(&r->key, '\n');
	strbuf_add(&r->key, t.at, t.length);
}

/* All that tells two frames apart: address, kind, module, functions, lines. */
static bool frame_key(struct perf_frames *r, uint64_t vaddr, enum frame_kind kind, module_id module)
{
	r->key.length = 0;
	strbuf_printf(&r->key, "%llx %d %u", (unsigned long long)vaddr, (int)kind, module.v);
	for (size_t i = 0; i < r->calls.count; i++) {
		add_key(r, r->calls.at[i].symbol);
		add_key(r, r->calls.at[i].source);
		strbuf_printf(&r->key, ":%u", r->calls.at[i].line);
	}
	return !r->key.failed;
}

/* Adds the frame of r->calls. Without their outer call, which perf may not print, they are in no module. */
int perf_frames_end(struct perf_frames *r)
{
	const struct perf_script_frame *f = &r->last;
	if (!r->calls.count)
		return 0;
	enum frame_kind kind = kind_of(f);
	module_id module = { 0 };
	if (kind != FRAME_JIT && !find_module(r, f->file, &module))
		return -ENOMEM;
	bool known = kind == FRAME_KERNEL || (module.v && f->address < run_time_addresses);
	uint64_t vaddr = known ? f->address : 0;
	if (!frame_key(r, vaddr, kind, module))
		return -ENOMEM;
	size_t count = r->keys.count;
	string_id id = strings_intern_bytes(&r->keys, r->key.text, r->key.length);
	frame_id frame = id.v && id.v < count ? r->frame_of.at[id.v] : (frame_id){ 0 };
	if (!frame.v) {
		frame = builder_new_frame(r->b, module, vaddr, kind);
		if (!id.v || !frame.v || !vec_push(&r->frame_of, frame) ||
		    !list_lines(r, f, !vaddr) ||
		    builder_name_frame(r->b, frame, r->lines.at, r->lines.count) < 0)
			return -ENOMEM;
	}
	r->calls.count = 0;
	return vec_push(&r->path, frame) ? 0 : -ENOMEM;
}

int perf_frames_add(struct perf_frames *r, const struct perf_script_frame *f)
{
	int status = 0;
	if (!r->last.inlined || r->last.address != f->address)
		status = perf_frames_end(r);
	r->last = *f;
	if (!status &&
	    !vec_push(&r->calls, (struct perf_call){ .symbol = f->symbol, .source = { "", 0 } }))
		status = -ENOMEM;
	return status;
}

void perf_frames_source(struct perf_frames *r, struct text file, uint32_t line)
{
	struct perf_call *call = &r->calls.at[r->calls.count - 1];
	call->source = file;
	call->line = line;
}

int perf_frames_init(struct perf_frames *r, struct builder *b)
{
	r->b = b;
	bool ok = strings_init(&r->texts) == 0 && strings_init(&r->keys) == 0 &&
		  vec_push(&r->frame_of, (frame_id){ 0 });
	return ok ? 0 : -ENOMEM;
}

void perf_frames_deinit(struct perf_frames *r)
{
	strings_deinit(&r->texts);
	strings_deinit(&r->keys);
	strbuf_deinit(&r->key);
	vec_free(&r->module_of);
	vec_free(&r->frame_of);
	vec_free(&r->lines);
	vec_free(&r->path);
	vec_free(&r->calls);
}
