// SPDX-License-Identifier: MIT
#include "cli/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/vec.h"
#include "cli/cli.h"
#include "cli/recover_kernel.h"
#include "object/object.h"
#include "profile/builder.h"
#include "profile/journal.h"
#include "symbol/symbol.h"

enum { LINES_MAX = 256 };

struct opened { /* a file that was looked for; `object` is NULL if it is another one now */
	const char *path, *build_id;
	struct object *object;
};

struct recovery {
	struct symbol_resolver *resolver;
	VEC(struct opened) files;
};

static struct object *open_regular(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct object *object = NULL;
	if (fd >= 0)
		object_open_fd(fd, path, &object, NULL);
	return object;
}

static bool has_build_id(const struct object *o, const char *hex)
{
	char own[2 * OBJECT_BUILD_ID_MAX + 1] = "";
	for (unsigned i = 0; i < o->build_id_size; i++)
		snprintf(own + 2 * i, sizeof(own) - 2 * i, "%02x", o->build_id[i]);
	return *own && !strcmp(own, hex);
}

static struct object *object_of(struct recovery *r, const struct builder_unnamed *frame)
{
	/* Texts of one builder: equal ones have one address. Frames of a module mostly come together. */
	for (size_t i = r->files.count; i-- > 0;)
		if (r->files.at[i].path == frame->path &&
		    r->files.at[i].build_id == frame->build_id)
			return r->files.at[i].object;
	struct object *object = NULL;
	if (*frame->build_id && frame->path[0] == '/')
		object = open_regular(frame->path);
	else if (*frame->build_id && !strcmp(frame->path, "[vdso]"))
		symbol_vdso_object(&object, NULL);
	if (object && !has_build_id(object, frame->build_id)) {
		object_unref(object);
		object = NULL;
	}
	if (!vec_push(&r->files, (struct opened){ frame->path, frame->build_id, object })) {
		object_unref(object);
		return NULL;
	}
	return object;
}

static int name_frame(struct recovery *r, struct builder *b, const struct builder_unnamed *frame)
{
	struct object *object = object_of(r, frame);
	struct symbol_result named = { 0 };
	if (object)
		symbol_resolve(r->resolver, object, frame->vaddr, &named);
	struct builder_line lines[LINES_MAX];
	size_t count = named.line_count < LINES_MAX ? named.line_count : LINES_MAX;
	for (size_t i = 0; i < count; i++)
		lines[i] = (struct builder_line){
			.name = named.lines[i].function,
			.system_name = named.lines[i].system_name,
			.file = named.lines[i].file,
			.line = named.lines[i].line,
			.start_line = named.lines[i].start_line,
		};
	return count ? builder_name_frame(b, frame->frame, lines, count) : 0;
}

static int name_frames(void *context, struct builder *b, struct error *err)
{
	(void)context;
	struct recovery r = { 0 };
	struct builder_unnamed frame = { 0 };
	int status = 0;
	while (status == 0 && builder_next_unnamed(b, &frame)) {
		if (!r.resolver)
			status = symbol_resolver_create(&(struct symbol_config){ .inlines = true },
							&r.resolver, err);
		if (status == 0 && name_frame(&r, b, &frame) < 0)
			status = fail(err, -ENOMEM, "out of memory");
	}
	if (status == 0)
		status = recover_kernel(b, err);
	for (size_t i = 0; i < r.files.count; i++)
		object_unref(r.files.at[i].object);
	vec_free(&r.files);
	if (r.resolver)
		symbol_resolver_destroy(r.resolver);
	return status;
}

int recover_journal(const void *bytes, size_t size_bytes, struct profile **out, struct error *err)
{
	size_t first_note = 0;
	int r = journal_read(bytes, size_bytes, name_frames, NULL, out, &first_note, err);
	for (size_t i = first_note; r == 0 && i < (*out)->meta.note_count; i++)
		note("%s", profile_string(*out, (*out)->meta.notes[i]));
	return r;
}
