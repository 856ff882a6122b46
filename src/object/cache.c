// SPDX-License-Identifier: MIT
#include "object/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/vec.h"

struct cached {
	struct object *object;
};

struct object_cache {
	pthread_mutex_t lock;
	VEC(struct cached) objects; /* row 0 is unused */
	struct row_index index;     /* by build-id */
};

struct object_cache *object_cache_create(void)
{
	struct object_cache *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	if (!vec_push(&c->objects, (struct cached){NULL})) {
		object_cache_destroy(c);
		return NULL;
	}
	return c;
}

void object_cache_destroy(struct object_cache *c)
{
	if (!c)
		return;
	for (size_t i = 1; i < c->objects.count; i++)
		object_unref(c->objects.at[i].object);
	vec_free(&c->objects);
	index_deinit(&c->index);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct object *find_locked(struct object_cache *c, const uint8_t *build_id,
                                  size_t size_bytes, uint64_t hash)
{
	uint32_t row;
	for (struct index_probe p = index_find(&c->index, hash);
	     (row = index_next(&c->index, &p));) {
		struct object *o = c->objects.at[row].object;
		if (o->build_id_size == size_bytes && !memcmp(o->build_id, build_id, size_bytes))
			return object_ref(o);
	}
	return NULL;
}

struct object *object_cache_get(struct object_cache *c, const uint8_t *build_id, size_t size_bytes)
{
	if (!size_bytes)
		return NULL;
	uint64_t hash = hash_bytes(build_id, size_bytes);
	pthread_mutex_lock(&c->lock);
	struct object *found = find_locked(c, build_id, size_bytes, hash);
	pthread_mutex_unlock(&c->lock);
	return found;
}

struct object *object_cache_add(struct object_cache *c, struct object *obj)
{
	if (!obj->build_id_size)
		return obj;
	uint64_t hash = hash_bytes(obj->build_id, obj->build_id_size);
	pthread_mutex_lock(&c->lock);
	struct object *found = find_locked(c, obj->build_id, obj->build_id_size, hash);
	if (!found && vec_push(&c->objects, (struct cached){obj})) {
		if (index_add(&c->index, hash, (uint32_t)(c->objects.count - 1)))
			object_ref(obj);
		else
			c->objects.count--;
	}
	pthread_mutex_unlock(&c->lock);
	if (!found)
		return obj;
	object_unref(obj);
	return found;
}

size_t object_cache_trim(struct object_cache *c)
{
	pthread_mutex_lock(&c->lock);
	size_t kept = 1;
	index_deinit(&c->index);
	c->index = (struct row_index){0};
	for (size_t i = 1; i < c->objects.count; i++) {
		struct object *o = c->objects.at[i].object;
		bool only_ours = __atomic_load_n(&o->references, __ATOMIC_ACQUIRE) == 1;
		uint64_t hash = hash_bytes(o->build_id, o->build_id_size);
		if (only_ours || !index_add(&c->index, hash, (uint32_t)kept)) {
			object_unref(o);
			continue;
		}
		c->objects.at[kept++].object = o;
	}
	c->objects.count = kept;
	pthread_mutex_unlock(&c->lock);
	return kept - 1;
}
