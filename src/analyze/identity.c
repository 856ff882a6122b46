// SPDX-License-Identifier: MIT
#include "analyze/identity.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "base/vec.h"

struct collector {
	struct identities *ids;
	bool by_file;
	struct map64 by_ids;      /* (function, module) to identity + 1 */
	struct row_index by_name; /* hash of name, module, file to identity + 1 */
	VEC(struct identity) all;
};

/* @return identity + 1, or 0 without memory */
static uint32_t add_identity(struct collector *c, struct identity fresh)
{
	return vec_push(&c->all, fresh) ? (uint32_t)c->all.count : 0;
}

static uint32_t find_named(struct collector *c, struct identity key)
{
	uint64_t hash = hash_u64(((uint64_t)key.name.v << 32 | key.module.v) ^
				 hash_u64(c->by_file ? key.file.v : 0));
	uint32_t found;
	for (struct index_probe p = index_find(&c->by_name, hash);
	     (found = index_next(&c->by_name, &p));) {
		assert(c->all.at); /* for static analysis: `found` says that there is a row */
		const struct identity *i = &c->all.at[found - 1];
		if (i->name.v == key.name.v && i->module.v == key.module.v &&
		    (!c->by_file || i->file.v == key.file.v))
			return found;
	}
	found = add_identity(c, key);
	return found && index_add(&c->by_name, hash, found) ? found : 0;
}

static uint32_t find(struct collector *c, frame_id frame, uint32_t k)
{
	const struct profile *p = c->ids->profile;
	const struct profile_frame *f = &p->frames[frame.v];
	struct identity key = { .frame = frame,
				.module = p->modules[f->module.v].path,
				.unnamed = true };
	if (k >= f->line_count)
		return add_identity(c, key);
	function_id function = p->lines[f->first_line + k].function;
	uint64_t ids = (uint64_t)function.v << 32 | f->module.v;
	uint32_t found = map64_get(&c->by_ids, ids);
	if (found)
		return found;
	key.name = p->functions[function.v].name;
	key.file = p->functions[function.v].file;
	key.unnamed = p->functions[function.v].unnamed;
	if (!key.name.v)
		return add_identity(c, key);
	found = find_named(c, key);
	return found && map64_put(&c->by_ids, ids, found) ? found : 0;
}

static bool collect(struct collector *c)
{
	struct identities *ids = c->ids;
	const struct profile *p = ids->profile;
	for (uint32_t i = 0; i < p->frame_count; i++) {
		frame_id frame = { i };
		for (uint32_t k = 0; k < identity_lines(ids, frame); k++) {
			uint32_t found = find(c, frame, k);
			if (!found)
				return false;
			ids->of_line[ids->first[i] + k] = found - 1;
		}
	}
	return true;
}

int identities_init(struct identities *ids, const struct profile *p, bool by_file,
		    struct error *err)
{
	struct collector c = { .ids = ids, .by_file = by_file };
	size_t lines = 0;
	*ids = (struct identities){ .profile = p };
	ids->first = calloc(p->frame_count + 1, sizeof(*ids->first));
	for (uint32_t i = 0; ids->first && i < p->frame_count; i++) {
		ids->first[i] = (uint32_t)lines;
		lines += identity_lines(ids, (frame_id){ i });
	}
	ids->of_line = calloc(lines + 1, sizeof(*ids->of_line));
	bool ok = ids->first && ids->of_line && collect(&c);
	ids->at = c.all.at;
	ids->count = c.all.count;
	map64_deinit(&c.by_ids);
	index_deinit(&c.by_name);
	if (ok)
		return 0;
	identities_deinit(ids);
	return fail(err, -ENOMEM, "out of memory");
}

void identities_deinit(struct identities *ids)
{
	free(ids->first);
	free(ids->of_line);
	free(ids->at);
	*ids = (struct identities){ 0 };
}
