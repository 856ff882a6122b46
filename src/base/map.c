// SPDX-License-Identifier: MIT
#include "base/map.h"

#include <stdlib.h>
#include <string.h>

uint64_t hash_bytes(const void *bytes, size_t size_bytes)
{
	const uint8_t *p = bytes;
	uint64_t h = UINT64_C(0x9e3779b97f4a7c15) ^ size_bytes;
	while (size_bytes >= 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		h = hash_u64(h ^ word) + UINT64_C(0x9e3779b97f4a7c15);
		p += 8;
		size_bytes -= 8;
	}
	uint64_t tail = 0;
	if (size_bytes)
		memcpy(&tail, p, size_bytes);
	return hash_u64(h ^ tail);
}

static size_t map64_slot(const struct map64 *m, uint64_t key)
{
	size_t mask = m->capacity - 1;
	size_t i = (size_t)hash_u64(key) & mask;
	while (m->rows[i] && m->keys[i] != key)
		i = (i + 1) & mask;
	return i;
}

uint32_t map64_get(const struct map64 *m, uint64_t key)
{
	return m->count ? m->rows[map64_slot(m, key)] : 0;
}

static bool map64_rehash(struct map64 *m, size_t capacity)
{
	struct map64 bigger = { .capacity = capacity };
	bigger.keys = malloc(capacity * sizeof(*bigger.keys));
	bigger.rows = calloc(capacity, sizeof(*bigger.rows));
	if (!bigger.keys || !bigger.rows) {
		map64_deinit(&bigger);
		return false;
	}
	for (size_t i = 0; i < m->capacity; i++) {
		if (!m->rows[i])
			continue;
		size_t slot = map64_slot(&bigger, m->keys[i]);
		bigger.keys[slot] = m->keys[i];
		bigger.rows[slot] = m->rows[i];
		bigger.count++;
	}
	map64_deinit(m);
	*m = bigger;
	return true;
}

bool map64_put(struct map64 *m, uint64_t key, uint32_t row)
{
	if ((m->count + 1) * 4 > m->capacity * 3 &&
	    !map64_rehash(m, m->capacity ? m->capacity * 2 : 16))
		return false;
	size_t slot = map64_slot(m, key);
	if (!m->rows[slot])
		m->count++;
	m->keys[slot] = key;
	m->rows[slot] = row;
	return true;
}

void map64_remove(struct map64 *m, uint64_t key)
{
	if (!m->count)
		return;
	size_t mask = m->capacity - 1, hole = map64_slot(m, key);
	if (!m->rows[hole])
		return;
	m->rows[hole] = 0;
	m->count--;
	/* Backward shift keeps every probe sequence free of holes (Knuth, vol. 3, 6.4, algorithm
	 * R). */
	for (size_t i = (hole + 1) & mask; m->rows[i]; i = (i + 1) & mask) {
		size_t home = (size_t)hash_u64(m->keys[i]) & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->keys[hole] = m->keys[i];
		m->rows[hole] = m->rows[i];
		m->rows[i] = 0;
		hole = i;
	}
}

void map64_deinit(struct map64 *m)
{
	free(m->keys);
	free(m->rows);
	*m = (struct map64){ 0 };
}

static uint32_t index_hash(uint64_t hash)
{
	return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

struct index_probe index_find(const struct row_index *ix, uint64_t hash)
{
	uint32_t h = index_hash(hash);
	return (struct index_probe){ .slot = ix->capacity ? h & (ix->capacity - 1) : 0, .hash = h };
}

uint32_t index_next(const struct row_index *ix, struct index_probe *probe)
{
	if (!ix->capacity)
		return 0;
	while (ix->rows[probe->slot]) {
		size_t slot = probe->slot;
		probe->slot = (slot + 1) & (ix->capacity - 1);
		if (ix->hashes[slot] == probe->hash)
			return ix->rows[slot];
	}
	return 0;
}

static void index_insert(struct row_index *ix, uint32_t hash, uint32_t row)
{
	size_t slot = hash & (ix->capacity - 1);
	while (ix->rows[slot])
		slot = (slot + 1) & (ix->capacity - 1);
	ix->hashes[slot] = hash;
	ix->rows[slot] = row;
	ix->count++;
}

static bool index_rehash(struct row_index *ix, size_t capacity)
{
	struct row_index bigger = { .capacity = capacity };
	bigger.hashes = malloc(capacity * sizeof(*bigger.hashes));
	bigger.rows = calloc(capacity, sizeof(*bigger.rows));
	if (!bigger.hashes || !bigger.rows) {
		index_deinit(&bigger);
		return false;
	}
	for (size_t i = 0; i < ix->capacity; i++)
		if (ix->rows[i])
			index_insert(&bigger, ix->hashes[i], ix->rows[i]);
	index_deinit(ix);
	*ix = bigger;
	return true;
}

bool index_add(struct row_index *ix, uint64_t hash, uint32_t row)
{
	if ((ix->count + 1) * 4 > ix->capacity * 3 &&
	    !index_rehash(ix, ix->capacity ? ix->capacity * 2 : 16))
		return false;
	index_insert(ix, index_hash(hash), row);
	return true;
}

void index_deinit(struct row_index *ix)
{
	free(ix->hashes);
	free(ix->rows);
	*ix = (struct row_index){ 0 };
}
