/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_LOADED_IMAGE_H
#define PROCESS_LOADED_IMAGE_H

#include "process/mapped_open.h"

/**
 * Makes an object of what a live process has loaded, for files that can be opened nowhere any more:
 * deleted or replaced, where /proc/PID/map_files is not permitted. It has what segments hold: CFI and
 * dynamic symbols, no `.symtab`. Its size is limited; nothing is asked of the process.
 *
 * @return 0; -ESRCH, -EPERM (Yama, another user); -ESTALE if something else is mapped there by now;
 *         -ENOEXEC; -EFBIG; -EBADMSG; with `err`
 */
int loaded_image_open(const struct mapped_open *what, struct object **out, struct error *err);

/** What the process itself has as its build-id: all zero and size 0 if that cannot be read. */
struct loaded_identity {
	bool is_elf;
	uint8_t build_id_size;
	uint8_t build_id[BUILD_ID_MAX];
};

/** @param start of an executable mapping in `pid`, whose file may be mapped in several parts */
void loaded_identity_read(pid_t pid, uint64_t start, struct loaded_identity *out);

#endif
