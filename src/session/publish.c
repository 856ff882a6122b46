// SPDX-License-Identifier: MIT
#include "session/publish.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"

struct publisher {
	struct process_table *processes;
	struct modules *modules;
	struct sampler *sampler;
	const struct log *log;
	bool eager;
	VEC(bool) touched; /* by process_id */
	bool some;
	struct map64 rows; /* by code->row: the sampler's number */
	VEC(struct sampler_mapping) list;
};

int publisher_create(struct process_table *processes, struct modules *modules,
		     struct sampler *sampler, bool eager, const struct log *log,
		     struct publisher **out, struct error *err)
{
	struct publisher *p = calloc(1, sizeof(*p));
	if (!p)
		return fail(err, -ENOMEM, "out of memory");
	p->processes = processes;
	p->modules = modules;
	p->sampler = sampler;
	p->eager = eager;
	p->log = log;
	*out = p;
	return 0;
}

void publisher_destroy(struct publisher *p)
{
	if (!p)
		return;
	vec_free(&p->touched);
	vec_free(&p->list);
	map64_deinit(&p->rows);
	free(p);
}

int publisher_touch(struct publisher *p, process_id process)
{
	if (!p->sampler->ops->publish_rows)
		return 0;
	while (p->touched.count <= process.v)
		if (!vec_push(&p->touched, false))
			return -ENOMEM;
	p->touched.at[process.v] = p->some = true;
	return 0;
}

int publisher_missed(struct publisher *p, process_id process)
{
	return process.v < p->touched.count ? 0 : publisher_touch(p, process);
}

int publisher_touch_live(struct publisher *p)
{
	int r = 0;
	for (uint32_t i = 1; r == 0 && p->eager && i < process_count(p->processes); i++)
		r = publisher_touch(p, (process_id){ i });
	return r;
}

void publisher_touch_all(struct publisher *p)
{
	for (size_t i = 1; i < p->touched.count; i++)
		p->touched.at[i] = p->some = true;
}

/* @return the sampler's number for a module's rows; 0 if it has none */
static uint32_t rows_number(struct publisher *p, const struct code *code)
{
	struct unwind_rows rows;
	struct error why = { 0 };
	uint32_t number = map64_get(&p->rows, code->row);
	if (number || code->state != CODE_READY || !unwind_table_rows(code->table, &rows))
		return number;
	if (p->sampler->ops->publish_rows(p->sampler, &rows, &number, &why) < 0) {
		log_debug(p->log, LOG_SESSION, "%s", why.text);
		return 0;
	}
	return map64_put(&p->rows, code->row, number) ? number : 0;
}

static bool is_to_come(const struct publisher *p, const struct code *code)
{
	return p->eager && (code->state == CODE_WANTED || code->state == CODE_OPEN ||
			    code->state == CODE_COMPILING);
}

/* What a mapping shows of a segment. Several segments may lie in one mapping, each with its own bias. */
static void add_segment(struct publisher *p, const struct mapping *mapping,
			const struct object_segment *segment, uint32_t number)
{
	uint64_t first = mapping->file_off, end = first + (mapping->end - mapping->start);
	uint64_t segment_end = segment->file_off + segment->file_size_bytes;
	if (first < segment->file_off)
		first = segment->file_off;
	if (end > segment_end)
		end = segment_end;
	if (first >= end)
		return;
	uint64_t start = mapping->start + (first - mapping->file_off);
	uint64_t vaddr = segment->vaddr + (first - segment->file_off);
	struct sampler_mapping shown = { start, start + (end - first), start - vaddr, number };
	if (!vec_push(&p->list, shown))
		log_debug(p->log, LOG_SESSION, "no memory for a mapping");
}

/* @return true if its rows are still to come */
static bool add_mapping(struct publisher *p, const struct mapping *mapping)
{
	if (process_mapped(p->processes, mapping->mapped)->kind == MAPPED_ANON)
		return false;
	const struct code *code = modules_code(p->modules, mapping->mapped, p->eager);
	if (!code)
		return false;
	uint32_t number = rows_number(p, code);
	if (!number)
		return is_to_come(p, code);
	for (uint32_t i = 0; i < code->object->segment_count; i++)
		if (code->object->segments[i].executable)
			add_segment(p, mapping, &code->object->segments[i], number);
	return false;
}

static bool publish(struct publisher *p, process_id process)
{
	size_t count;
	bool to_come = false;
	struct error why = { 0 };
	const struct process_info *info = process_info(p->processes, process);
	const struct mapping *all = process_mappings(p->processes, process, &count);
	p->list.count = 0;
	for (size_t i = 0; !info->exited && i < count; i++)
		to_come |= add_mapping(p, &all[i]);
	if (!info->exited && p->sampler->ops->publish_mappings(p->sampler, info->pid, p->list.at,
							       p->list.count, &why) < 0)
		log_debug(p->log, LOG_SESSION, "%s", why.text);
	return to_come;
}

bool publisher_run(struct publisher *p)
{
	bool to_come = false;
	if (!p->some)
		return false;
	p->some = false;
	for (uint32_t i = 1; i < p->touched.count; i++) {
		if (!p->touched.at[i])
			continue;
		p->touched.at[i] = false;
		to_come |= publish(p, (process_id){ i });
	}
	return to_come;
}
