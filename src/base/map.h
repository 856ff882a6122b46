/* SPDX-License-Identifier: MIT */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Mixes 64 bits (the finaliser of MurmurHash3, Austin Appleby, public domain). */
static inline uint64_t hash_u64(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	x ^= x >> 33;
	return x;
}

/** Hashes bytes; the same on every machine, but no defence against crafted collisions. */
uint64_t hash_bytes(const void *bytes, size_t size_bytes);

/**
 * Open addressing from a 64-bit key to a u32 row number; row 0 means "none" and cannot be stored.
 * A zeroed struct is an empty map.
 */
struct map64 {
	uint64_t *keys;
	uint32_t *rows;
	size_t count, capacity; /* capacity is a power of two */
};

/** @return the row, or 0. */
uint32_t map64_get(const struct map64 *m, uint64_t key);

/** Stores or replaces. @return false without memory. */
bool map64_put(struct map64 *m, uint64_t key, uint32_t row);

/** Removes; nothing happens if the key is missing. */
void map64_remove(struct map64 *m, uint64_t key);

void map64_deinit(struct map64 *m);

/**
 * Index over rows that live in a table of the caller: the map keeps (hash, row), the caller
 * compares. Row 0 means "none". A zeroed struct is empty.
 *
 *	for (struct index_probe p = index_find(&ix, hash); (row = index_next(&ix, &p));)
 *		if (equal(row, key)) return row;
 *	index_add(&ix, hash, new_row);
 */
struct row_index {
	uint32_t *hashes;
	uint32_t *rows;
	size_t count, capacity;
};

struct index_probe {
	size_t slot;
	uint32_t hash;
};

struct index_probe index_find(const struct row_index *ix, uint64_t hash);
uint32_t index_next(const struct row_index *ix, struct index_probe *probe);
bool index_add(struct row_index *ix, uint64_t hash, uint32_t row);
void index_deinit(struct row_index *ix);

#endif
