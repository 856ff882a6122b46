// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "sampler/replay_file.h"
#include "sampler/replay_types.h"

enum { DSOS_MOST = 1 << 20, WORDS_MOST = 64 * 1024 };

/* u32 size, then so many bytes with a NUL among them. */
static const char *take_string(struct replay *r, struct cursor *c)
{
	struct cursor text = cursor_sub(c, cursor_u32(c));
	return strings_text(&r->strings, strings_intern(&r->strings, cursor_string(&text)));
}

static const char *take_command(struct replay *r, struct cursor *c)
{
	struct strbuf text = { 0 };
	uint32_t count = cursor_u32(c);
	for (uint32_t i = 0; i < count && i < WORDS_MOST && !c->bad; i++) {
		if (i)
			strbuf_putc(&text, ' ');
		strbuf_puts(&text, take_string(r, c));
	}
	string_id id = strings_intern(&r->strings, strbuf_text(&text));
	strbuf_deinit(&text);
	return strings_text(&r->strings, id);
}

static uint64_t hash_path(string_id path)
{
	return hash_u64(path.v);
}

static struct replay_dso *find_dso(const struct replay *r, string_id path)
{
	uint32_t row;
	struct index_probe p = index_find(&r->dso_index, hash_path(path));
	while ((row = index_next(&r->dso_index, &p)))
		if (r->dsos.at[row].path.v == path.v)
			return &r->dsos.at[row];
	return NULL;
}

static int add_dso(struct replay *r, const char *path, const struct replay_build_id *id)
{
	struct replay_dso dso = { .path = strings_intern(&r->strings, path), .id = *id };
	struct replay_dso *known = find_dso(r, dso.path);
	if (known) {
		known->ambiguous |= memcmp(&known->id, id, sizeof(*id)) != 0;
		return 0;
	}
	if (r->dsos.count >= DSOS_MOST)
		return 0;
	if (!r->dsos.count && !vec_push(&r->dsos, (struct replay_dso){ 0 }))
		return -ENOMEM;
	uint32_t row = (uint32_t)r->dsos.count;
	if (!vec_push(&r->dsos, dso) || !index_add(&r->dso_index, hash_path(dso.path), row))
		return -ENOMEM;
	return 0;
}

static bool begins(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

int replay_build_id(struct replay *r, struct cursor *c, struct error *err)
{
	enum { ID_FIELD_BYTES = 24, ID_SIZE_AT = 20 };
	struct cursor body = *c;
	cursor_u32(&body); /* type */
	uint16_t misc = cursor_u16(&body), size_bytes = cursor_u16(&body);
	body = cursor_sub(c, size_bytes);
	cursor_take(&body, sizeof(struct perf_event_header) + sizeof(int32_t)); /* pid */
	const uint8_t *field = cursor_take(&body, ID_FIELD_BYTES);
	const char *path = cursor_string(&body);
	if (body.bad)
		return fail(err, -EBADMSG, "names a build-id in a record that is too short");
	struct replay_build_id id = { .size_bytes = BUILD_ID_MAX };
	if (misc & MISC_BUILD_ID_SIZE && field[ID_SIZE_AT] <= BUILD_ID_MAX)
		id.size_bytes = field[ID_SIZE_AT];
	memcpy(id.bytes, field, id.size_bytes);
	if (begins(path, "[kernel.kallsyms]"))
		r->facts.kernel = id;
	else if (!strcmp(path, "[vdso]"))
		r->facts.vdso = id;
	return add_dso(r, path, &id) < 0 ? fail(err, -ENOMEM, "out of memory") : 0;
}

void replay_identify(struct replay *r, struct record_mmap *mmap)
{
	if (mmap->has_build_id || !r->dsos.count || mmap->path[0] != '/')
		return;
	const struct replay_dso *dso = find_dso(r, strings_intern(&r->strings, mmap->path));
	if (!dso || dso->ambiguous || !dso->id.size_bytes)
		return;
	mmap->has_build_id = true;
	mmap->build_id_size = dso->id.size_bytes;
	memcpy(mmap->build_id, dso->id.bytes, dso->id.size_bytes);
	mmap->device = mmap->inode = 0;
}

static int take_arch(struct replay *r, struct cursor *c, struct error *err)
{
	const char *arch = take_string(r, c);
	if (arch[0] && strcmp(arch, "x86_64") != 0)
		return fail(err, -EBADMSG,
			    "was recorded on %s; this version reads perf.data of x86_64 only",
			    arch);
	return 0;
}

static int take_build_ids(struct replay *r, struct cursor c, struct error *err)
{
	int status = 0;
	while (status == 0 && cursor_left(&c))
		status = replay_build_id(r, &c, err);
	return status;
}

int replay_feature(struct replay *r, uint64_t feature, struct cursor c, struct error *err)
{
	switch (feature) {
	case FEATURE_BUILD_ID: return take_build_ids(r, c, err);
	case FEATURE_HOSTNAME: r->facts.host = take_string(r, &c); break;
	case FEATURE_OSRELEASE: r->facts.release = take_string(r, &c); break;
	case FEATURE_ARCH: return take_arch(r, &c, err);
	case FEATURE_NRCPUS:
		cursor_u32(&c); /* that could be there; then those that are online */
		r->facts.cpus = cursor_u32(&c);
		break;
	case FEATURE_CMDLINE: r->facts.command = take_command(r, &c); break;
	case FEATURE_EVENT_DESC: replay_events_describe(&r->events, c); break;
	case FEATURE_CLOCK_DATA:
		cursor_take(&c, 2 * sizeof(uint32_t)); /* version, clock */
		r->facts.moment_unix_ns = cursor_u64(&c);
		r->facts.moment_ns = cursor_u64(&c);
		break;
	case FEATURE_STAT:
		return fail(err, -EBADMSG, "holds the counters of 'perf stat', no samples");
	default: break;
	}
	return 0;
}
