/* SPDX-License-Identifier: MIT */
#ifndef OBJECT_CACHE_H
#define OBJECT_CACHE_H

#include "object/object.h"

/* Open objects by build-id, so that one file mapped by many processes is opened once. Thread-safe.
 */
struct object_cache;

/** @return NULL without memory */
struct object_cache *object_cache_create(void);
/** Takes NULL; gives back the cache's references. */
void object_cache_destroy(struct object_cache *c);

/** @return a new reference, or NULL if no object with this build-id is there */
struct object *object_cache_get(struct object_cache *c, const uint8_t *build_id, size_t size_bytes);

/**
 * Keeps an object under its build-id; one without a build-id is not kept.
 *
 * @param obj the caller's reference, given up
 * @return a reference for the caller: to `obj`, or to the object of equal build-id that was there
 * first
 */
struct object *object_cache_add(struct object_cache *c, struct object *obj);

/** Drops the objects that nobody else holds. @return how many are left */
size_t object_cache_trim(struct object_cache *c);

#endif
