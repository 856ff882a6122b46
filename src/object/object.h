/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * An ELF file that was seen mapped somewhere: its descriptor, identity and segments. Immutable
 * after object_open_*() and counted, so threads share it; sections are read with pread(2), never
 * mmapped (a file that its owner truncates would kill us with SIGBUS).
 */

enum { OBJECT_BUILD_ID_MAX = 20 };

struct object_segment { /* a PT_LOAD */
	uint64_t file_off, file_size_bytes, vaddr, mem_size_bytes;
	bool executable;
};

struct object {
	int fd;                    /* -1 for an object in memory (the vdso) */
	const uint8_t *image;      /* whole file in memory when fd is -1 */
	uint64_t image_size_bytes; /* size of the file or of the image */
	uint64_t inode, device;
	uint8_t build_id[OBJECT_BUILD_ID_MAX];
	uint8_t build_id_size; /* 0: none */
	bool is_pie_or_shared; /* ET_DYN */
	uint16_t machine;      /* e_machine */
	const struct object_segment *segments;
	uint32_t segment_count;
	const char *path;       /* for messages and for finding debug files; may be stale */
	struct file_root *root; /* where `path` leads; NULL: as we see it */
	uint32_t references;    /* atomic */
};

/**
 * Reads the ELF header, segments and build-id.
 *
 * @param fd   taken over, also on failure
 * @param path for messages; copied
 * @return 0; -ENOEXEC if it is no ELF file for x86-64 or i386; -EBADMSG if it is damaged; -ENOMEM
 */
int object_open_fd(int fd, const char *path, struct object **out, struct error *err);

/** The same for bytes in memory (the vdso); they are copied. */
int object_open_image(const void *image, size_t size_bytes, const char *path, struct object **out,
		      struct error *err);

/** The same without a copy. @param image malloc'd; taken over, also on failure */
int object_adopt_image(void *image, size_t size_bytes, const char *path, struct object **out,
		       struct error *err);

/** Tells whose root `path` is in (a reference is taken). Before the object is shared. */
void object_set_root(struct object *o, struct file_root *root);

struct object *object_ref(struct object *o);
/** Takes NULL. Closes at the last reference. */
void object_unref(struct object *o);

/**
 * Turns an offset in the file into the ELF's own virtual address.
 * @return false when no segment holds the offset; an executable segment is preferred
 */
bool object_vaddr_of(const struct object *o, uint64_t file_off, uint64_t *out_vaddr);

/** The way back. @return false when no segment has bytes in the file for the address */
bool object_file_off_of(const struct object *o, uint64_t vaddr, uint64_t *out_file_off);

/**
 * Reads bytes of the file (or image), all of them or none.
 * @return 0; -EBADMSG if they lie behind the end (`err` names the offset); another negative errno
 */
int object_read(const struct object *o, uint64_t file_off, void *out, size_t size_bytes,
		struct error *err);

/** Bytes of a section in memory of its own, decompressed if it was compressed. */
struct object_section {
	uint8_t *bytes; /* malloc'd; free with object_section_deinit() */
	size_t size_bytes;
	uint64_t vaddr;
};

/**
 * Loads a section by name (also `.zdebug_*` and SHF_COMPRESSED with zlib and zstd).
 *
 * @return 0; -ENOENT (a miss: `err` is not set); -EBADMSG; -EFBIG; -ENOMEM
 */
int object_section_load(const struct object *o, const char *name, struct object_section *out,
			struct error *err);
void object_section_deinit(struct object_section *s);

#endif
