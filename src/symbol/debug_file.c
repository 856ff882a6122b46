// SPDX-License-Identifier: MIT
#include "symbol/debug_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/cursor.h"
#include "base/strbuf.h"

enum { CRC_CHUNK_BYTES = 1 << 16 };

/* What is below a target's root proves nothing by where it lies, nor does it hang us. */
static int open_regular(struct file_root *root, const char *path, struct object **out)
{
	struct opened_file file;
	if (file_root_open_file(root, path, &file, NULL) < 0 ||
	    object_open_fd(file.fd, path, out, NULL) < 0)
		return -ENOENT;
	object_set_root(*out, root);
	return 0;
}

static int open_by_build_id(struct file_root *root, const uint8_t *build_id, size_t size_bytes,
			    const char *debug_dir, struct object **out)
{
	char path[PATH_MAX], hex[2 * OBJECT_BUILD_ID_MAX + 1] = "";
	if (size_bytes < 2 || size_bytes > OBJECT_BUILD_ID_MAX)
		return -ENOENT;
	for (size_t i = 0; i < size_bytes; i++)
		snprintf(hex + 2 * i, 3, "%02x", build_id[i]);
	int n = snprintf(path, sizeof(path), "%s/.build-id/%.2s/%s.debug", debug_dir, hex, hex + 2);
	if (n < 0 || (size_t)n >= sizeof(path) || open_regular(root, path, out) < 0)
		return -ENOENT;
	if ((*out)->build_id_size == size_bytes && !memcmp((*out)->build_id, build_id, size_bytes))
		return 0;
	object_unref(*out);
	return -ENOENT;
}

static bool crc_matches(const struct object *o, uint32_t wanted)
{
	uint8_t chunk[CRC_CHUNK_BYTES];
	uLong crc = crc32(0, NULL, 0);
	for (uint64_t at = 0; at < o->image_size_bytes;) {
		uint64_t left = o->image_size_bytes - at;
		size_t n = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
		if (object_read(o, at, chunk, n, NULL) < 0)
			return false;
		crc = crc32(crc, chunk, (uInt)n);
		at += n;
	}
	return crc == wanted;
}

static int open_linked(struct file_root *root, const struct object *o, const char *path,
		       uint32_t crc, struct object **out)
{
	if (open_regular(root, path, out) < 0)
		return -ENOENT;
	bool itself = (*out)->inode == o->inode && (*out)->device == o->device;
	if (!itself && crc_matches(*out, crc))
		return 0;
	object_unref(*out);
	return -ENOENT;
}

/* A file name and a checksum, aligned to 4. */
static int read_debuglink(const struct object *o, char name[NAME_MAX + 1], uint32_t *crc)
{
	struct object_section section;
	if (object_section_load(o, ".gnu_debuglink", &section, NULL) < 0)
		return -ENOENT;
	struct cursor c = cursor_of(section.bytes, section.size_bytes);
	const char *text = cursor_string(&c);
	cursor_seek(&c, (cursor_offset(&c) + 3) & ~(size_t)3);
	*crc = cursor_u32(&c);
	bool ok = !c.bad && text[0] && !strchr(text, '/') && strlen(text) <= NAME_MAX;
	if (ok)
		memcpy(name, text, strlen(text) + 1);
	object_section_deinit(&section);
	return ok ? 0 : -ENOENT;
}

static int open_by_debuglink(struct file_root *root, const struct object *o, const char *debug_dir,
			     struct object **out)
{
	char name[NAME_MAX + 1], path[3 * PATH_MAX];
	uint32_t crc;
	const char *slash = strrchr(o->path, '/');
	if (!slash || read_debuglink(o, name, &crc) < 0)
		return -ENOENT;
	int dir_length = (int)(slash - o->path);
	if (dir_length >= PATH_MAX || strlen(debug_dir) >= PATH_MAX)
		return -ENOENT;
	snprintf(path, sizeof(path), "%.*s/%s", dir_length, o->path, name);
	if (open_linked(root, o, path, crc, out) == 0)
		return 0;
	snprintf(path, sizeof(path), "%.*s/.debug/%s", dir_length, o->path, name);
	if (open_linked(root, o, path, crc, out) == 0)
		return 0;
	snprintf(path, sizeof(path), "%s/%.*s/%s", debug_dir, dir_length, o->path, name);
	return open_linked(root, o, path, crc, out);
}

static int find_below(struct file_root *root, const struct object *o, const char *debug_dir,
		      struct object **out)
{
	if (open_by_build_id(root, o->build_id, o->build_id_size, debug_dir, out) == 0)
		return 0;
	return open_by_debuglink(root, o, debug_dir, out);
}

int debug_file_find(const struct object *o, const struct debug_places *places, struct object **out)
{
	if (o->root && find_below(o->root, o, places->debug_dir, out) == 0)
		return 0;
	return find_below(places->ours, o, places->debug_dir, out);
}

static int open_alternate(struct file_root *root, const struct object *debug, const char *name,
			  const uint8_t *id, size_t id_bytes, struct object **out)
{
	char path[2 * PATH_MAX];
	const char *slash = strrchr(debug->path, '/');
	if (strlen(name) >= PATH_MAX || strlen(debug->path) >= PATH_MAX)
		return -ENOENT;
	int dir_length = name[0] != '/' && slash ? (int)(slash - debug->path) + 1 : 0;
	snprintf(path, sizeof(path), "%.*s%s", dir_length, debug->path, name);
	if (open_regular(root, path, out) < 0)
		return -ENOENT;
	if ((*out)->build_id_size == id_bytes && !memcmp((*out)->build_id, id, id_bytes))
		return 0;
	object_unref(*out);
	return -ENOENT;
}

int debug_file_find_alternate(const struct object *debug, const struct debug_places *places,
			      struct object **out)
{
	struct object_section section;
	if (object_section_load(debug, ".gnu_debugaltlink", &section, NULL) < 0)
		return -ENOENT;
	struct cursor c = cursor_of(section.bytes, section.size_bytes);
	const char *name = cursor_string(&c);
	size_t id_bytes = cursor_left(&c);
	const uint8_t *id = cursor_take(&c, id_bytes);
	struct file_root *roots[] = { debug->root, places->ours };
	int rc = -ENOENT;
	for (size_t i = 0; i < 2 && rc < 0 && !c.bad && id_bytes; i++) {
		if (!roots[i])
			continue;
		rc = open_by_build_id(roots[i], id, id_bytes, places->debug_dir, out);
		if (rc < 0)
			rc = open_alternate(roots[i], debug, name, id, id_bytes, out);
	}
	object_section_deinit(&section);
	return rc;
}
