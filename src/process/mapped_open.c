// SPDX-License-Identifier: MIT
#include "process/mapped_open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "process/build_id_cache.h"
#include "process/loaded_image.h"

static bool is_what_was_mapped(const struct mapped_open *what, const struct object *o,
			       uint64_t inode)
{
	if (what->build_id_size)
		return o->build_id_size == what->build_id_size &&
		       !memcmp(o->build_id, what->build_id, o->build_id_size);
	/* Device numbers differ on overlayfs and btrfs and prove nothing. */
	return !what->inode || inode == what->inode;
}

static int take(const struct opened_file *file, const struct mapped_open *what, struct object **out,
		struct error *err)
{
	struct object *o;
	int r = object_open_fd(file->fd, what->path, &o, err);
	if (r < 0)
		return r;
	if (!is_what_was_mapped(what, o, file->inode)) {
		object_unref(o);
		return fail(err, -ESTALE, "'%s' is not the file that was mapped: it was replaced",
			    what->path);
	}
	*out = o;
	return 0;
}

/*
 * An inode may be used again, or its content be overwritten: where the mapping does not tell the
 * build-id, the process's memory does.
 */
static void learn_build_id(struct mapped_open *what)
{
	struct loaded_identity loaded;
	if (what->build_id_size)
		return;
	loaded_identity_read(what->pid, what->start, &loaded);
	what->build_id_size = loaded.build_id_size;
	memcpy(what->build_id, loaded.build_id, sizeof(what->build_id));
}

static int open_link(struct file_root *root, const struct mapped_open *what, const char *link,
		     struct object **out)
{
	struct opened_file file;
	int r = file_root_open_link(root, link, &file, NULL);
	return r < 0 ? r : take(&file, what, out, NULL);
}

/* The mapping itself: right also for deleted and replaced files and memfds. The process may have gone
 * on to map something else there, so identity is checked where it is known. */
static int open_mapping(struct file_root *root, const struct mapped_open *what, struct object **out)
{
	char link[128];
	snprintf(link, sizeof(link), "/proc/%d/map_files/%llx-%llx", (int)what->pid,
		 (unsigned long long)what->start, (unsigned long long)what->end);
	return open_link(root, what, link, out);
}

static int open_program(struct file_root *root, const struct mapped_open *what, struct object **out)
{
	char link[64];
	snprintf(link, sizeof(link), "/proc/%d/exe", (int)what->pid);
	bool is_known = what->build_id_size || what->inode;
	return is_known ? open_link(root, what, link, out) : -ENOENT;
}

static int open_path(struct file_root *root, const struct mapped_open *what, struct object **out,
		     struct error *err)
{
	struct opened_file file;
	int r = file_root_open_file(root, what->path, &file, err);
	return r < 0 ? r : take(&file, what, out, err);
}

/* Of a process in a file only the path is left, and what perf has put by. */
static int open_recorded(struct file_root *ours, const struct mapped_open *what,
			 struct object **out, struct error *err)
{
	int r = open_path(ours, what, out, err);
	if (r < 0 &&
	    build_id_cache_open(what->build_id_dir, what->build_id, what->build_id_size, out) == 0)
		return 0;
	return r;
}

static int open_of_process(struct file_root *root, struct mapped_open *what, struct object **out)
{
	int r = open_mapping(root, what, out);
	if (r == 0 || r == -ETIMEDOUT)
		return r;
	learn_build_id(what);
	r = open_path(root, what, out, NULL);
	return r == 0 || r == -ETIMEDOUT ? r : open_program(root, what, out);
}

static int open_live(struct file_roots *roots, struct file_root *ours, struct mapped_open *what,
		     struct object **out, struct error *err)
{
	struct file_root *root = NULL;
	bool lives = file_roots_get(roots, what->pid, &root, NULL) == 0;
	int r = lives ? open_of_process(root, what, out) : -ESRCH;
	if (r == -ETIMEDOUT)
		fail(err, r, "'%s': its file system does not answer", what->path);
	/* The process may have ended: the same path as we see it, if it is the same file. */
	else if (r < 0)
		r = open_path(ours, what, out, err);
	if (r < 0 && lives && loaded_image_open(what, out, NULL) == 0)
		r = 0;
	if (r == 0 && lives && root != ours)
		object_set_root(*out, root);
	file_root_unref(root);
	return r;
}

int mapped_open(struct file_roots *roots, const struct mapped_open *wanted, struct object **out,
		struct error *err)
{
	struct file_root *ours;
	struct mapped_open what = *wanted;
	int r = file_roots_get(roots, 0, &ours, err);
	if (r < 0)
		return r;
	r = what.pid ? open_live(roots, ours, &what, out, err)
		     : open_recorded(ours, &what, out, err);
	file_root_unref(ours);
	return r;
}
