/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_BPF_STORE_H
#define SAMPLER_BPF_STORE_H

#include <stdint.h>

#include "base/error.h"
#include "base/map.h"
#include "base/vec.h"
#include "bpf/layout.h"

/*
 * The unwind rows of all modules, in the maps that the BPF programs read (bpf/layout.h). Blocks are
 * made when there is need; a rule that several modules have is stored once.
 */
struct bpf_store {
	int blocks_fd, block_like_fd;
	struct layout_rule *rules;
	struct layout_table *tables;
	uint32_t *blocks[LAYOUT_BLOCKS_MAX];
	int block_fds[LAYOUT_BLOCKS_MAX];
	uint32_t block_count;
	uint32_t next_word, next_table, next_rule;
	struct row_index rule_index;
};

struct bpf_store_fds {
	int blocks, rules, tables;
};

/** @param fds borrowed, and must outlive the store */
int bpf_store_open(struct bpf_store *s, const struct bpf_store_fds *fds, struct error *err);
void bpf_store_close(struct bpf_store *s);

/**
 * Copies a module's rows.
 * @param out_table what mappings of the module refer to
 * @return 0; -ENOSPC if a limit is reached; other negative errno
 */
int bpf_store_add(struct bpf_store *s, const struct unwind_rows *rows, uint32_t *out_table,
		  struct error *err);

#endif
