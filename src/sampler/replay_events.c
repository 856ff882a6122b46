// SPDX-License-Identifier: MIT
#include "sampler/replay_events.h"

#include <errno.h>
#include <string.h>

#include "sampler/replay_types.h"

enum {
	EVENTS_MOST = 4096,
	IDS_MOST = 4 << 20, /* an event has one for each CPU or thread */
	ATTR_FIRST_BYTES = PERF_ATTR_SIZE_VER0,
};

void replay_events_deinit(struct replay_events *e)
{
	vec_free(&e->rows);
	map64_deinit(&e->by_id);
}

/* Names of what has no other name in the file. Source: perf-list(1) */
static const char *default_name(const struct perf_event_attr *attr)
{
	static const char *const software[] = {
		"cpu-clock",        "task-clock",   "page-faults",  "context-switches",
		"cpu-migrations",   "minor-faults", "major-faults", "alignment-faults",
		"emulation-faults", "dummy",        "bpf-output",   "cgroup-switches"
	};
	static const char *const hardware[] = { "cycles",
						"instructions",
						"cache-references",
						"cache-misses",
						"branches",
						"branch-misses",
						"bus-cycles",
						"stalled-cycles-frontend",
						"stalled-cycles-backend",
						"ref-cycles" };
	uint32_t config = (uint32_t)attr->config; /* above: the PMU, where there are several */
	if (attr->type == PERF_TYPE_SOFTWARE && config < sizeof(software) / sizeof(software[0]))
		return software[config];
	if (attr->type == PERF_TYPE_HARDWARE && config < sizeof(hardware) / sizeof(hardware[0]))
		return hardware[config];
	return "an event without a name";
}

int replay_events_add(struct replay_events *e, struct cursor *c, struct error *err)
{
	struct replay_event event = { 0 };
	struct cursor peek = *c;
	cursor_u32(&peek); /* type */
	uint32_t size_bytes = cursor_u32(&peek);
	if (!size_bytes)
		size_bytes = ATTR_FIRST_BYTES; /* perf_event_open(2): as it was at first */
	const void *bytes = cursor_take(c, size_bytes);
	if (!bytes || size_bytes < ATTR_FIRST_BYTES || e->rows.count >= EVENTS_MOST)
		return fail(err, -EBADMSG, "describes no event that it could hold");
	memcpy(&event.attr, bytes,
	       size_bytes < sizeof(event.attr) ? size_bytes : sizeof(event.attr));
	perf_layout_of(&event.attr, &event.layout);
	event.name = strings_intern(e->strings, default_name(&event.attr));
	if (!vec_push(&e->rows, event))
		return fail(err, -ENOMEM, "out of memory");
	return (int)e->rows.count - 1;
}

int replay_events_add_id(struct replay_events *e, uint32_t row, uint64_t id)
{
	if (e->by_id.count >= IDS_MOST || !id)
		return 0;
	return map64_put(&e->by_id, id, row + 1) ? 0 : -ENOMEM;
}

static struct replay_event *event_by_id(const struct replay_events *e, uint64_t id)
{
	uint32_t row = map64_get(&e->by_id, id);
	return row ? &e->rows.at[row - 1] : NULL;
}

static void set_name(struct replay_events *e, struct replay_event *event, const char *name)
{
	if (event && name[0])
		event->name = strings_intern(e->strings, name);
}

void replay_events_describe(struct replay_events *e, struct cursor c)
{
	uint32_t count = cursor_u32(&c), attr_bytes = cursor_u32(&c);
	for (uint32_t i = 0; i < count && !c.bad; i++) {
		cursor_take(&c, attr_bytes);
		uint32_t id_count = cursor_u32(&c);
		struct cursor text = cursor_sub(&c, cursor_u32(&c));
		uint64_t id = id_count ? cursor_u64(&c) : 0;
		if (id_count)
			cursor_take(&c, ((size_t)id_count - 1) * sizeof(id));
		struct replay_event *event = id ? event_by_id(e, id) : NULL;
		if (!event && i < e->rows.count)
			event = &e->rows.at[i];
		if (!c.bad)
			set_name(e, event, cursor_string(&text));
	}
}

void replay_events_update(struct replay_events *e, struct cursor body)
{
	uint64_t type = cursor_u64(&body), id = cursor_u64(&body);
	if (type == EVENT_UPDATE_NAME && !body.bad)
		set_name(e, event_by_id(e, id), cursor_string(&body));
}

enum event_class { CLASS_CLOCK, CLASS_CYCLES, CLASS_OTHER, CLASS_NONE };

/* "cycles:P", "cpu_core/cycles/", "cpu-cycles:u" */
static bool is_named_cycles(const char *name)
{
	const char *slash = strchr(name, '/');
	const char *word = slash ? slash + 1 : name;
	size_t length = strcspn(word, ":/,");
	return (length == 6 && !memcmp(word, "cycles", 6)) ||
	       (length == 10 && !memcmp(word, "cpu-cycles", 10));
}

static enum event_class class_of(const struct replay_events *e, const struct replay_event *event)
{
	const struct perf_event_attr *attr = &event->attr;
	if (event->layout.is_clock)
		return CLASS_CLOCK;
	if (attr->type == PERF_TYPE_SOFTWARE && attr->config == PERF_COUNT_SW_DUMMY)
		return CLASS_NONE;
	if (attr->type == PERF_TYPE_HARDWARE && !(uint32_t)attr->config)
		return CLASS_CYCLES;
	return is_named_cycles(strings_text(e->strings, event->name)) ? CLASS_CYCLES : CLASS_OTHER;
}

static bool is_twin(const struct replay_event *a, const struct replay_event *b)
{
	const struct perf_event_attr *x = &a->attr, *y = &b->attr;
	if ((x->exclude_user && y->exclude_kernel) || (x->exclude_kernel && y->exclude_user))
		return true;
	return !a->layout.is_clock && (x->type != y->type || x->config != y->config);
}

void replay_events_choose(struct replay_events *e)
{
	enum event_class best = CLASS_NONE;
	const struct replay_event *first = NULL;
	if (e->are_chosen)
		return;
	e->are_chosen = true;
	for (size_t i = 0; i < e->rows.count; i++) {
		enum event_class class = class_of(e, &e->rows.at[i]);
		if (class < best) {
			best = class;
			first = &e->rows.at[i];
		}
	}
	for (size_t i = 0; first && i < e->rows.count; i++) {
		struct replay_event *event = &e->rows.at[i];
		event->chosen =
			event == first || (best != CLASS_OTHER && class_of(e, event) == best &&
					   is_twin(event, first));
	}
}

const struct replay_event *replay_events_chosen(const struct replay_events *e)
{
	for (size_t i = 0; i < e->rows.count; i++)
		if (e->rows.at[i].chosen)
			return &e->rows.at[i];
	return NULL;
}

static bool meta_of(const struct replay_event *event, const uint8_t *bytes, size_t size_bytes,
		    struct perf_meta *out)
{
	size_t part = size_bytes < PERF_HEAD_BYTES ? size_bytes : PERF_HEAD_BYTES;
	return perf_decode_meta(&event->layout, bytes, bytes + size_bytes - part, size_bytes, out);
}

/* perf sees to it that the id stands at the same place whatever the event. */
int replay_events_of(const struct replay_events *e, const uint8_t *bytes, size_t size_bytes,
		     uint32_t *out_row, struct perf_meta *out_meta)
{
	if (!e->rows.count || !meta_of(&e->rows.at[0], bytes, size_bytes, out_meta))
		return -EBADMSG;
	uint32_t row = e->rows.count > 1 ? map64_get(&e->by_id, out_meta->id) : 1;
	/* Only samples must have one: what perf writes itself carries 0. */
	if (!row && out_meta->type == PERF_RECORD_SAMPLE)
		return 0;
	*out_row = row ? row - 1 : 0;
	if (*out_row && !meta_of(&e->rows.at[*out_row], bytes, size_bytes, out_meta))
		return -EBADMSG;
	return 1;
}
