// SPDX-License-Identifier: MIT
#include <string.h>

#include "format/firefox_parts.h"

static const struct {
	const char *name, *color; /* colours are words of theirs */
} categories[] = {
	[FIREFOX_OTHER] = { "Other", "grey" },
	[FIREFOX_USER] = { "User", "yellow" },
	[FIREFOX_KERNEL] = { "Kernel", "orange" },
	[FIREFOX_JIT] = { "JIT", "green" },
	[FIREFOX_TRUNCATED] = { "Truncated", "darkgrey" },
};

static void put_categories(struct firefox *f)
{
	strbuf_puts(f->out, "\"categories\":[");
	for (size_t i = 0; i < sizeof(categories) / sizeof(*categories); i++) {
		strbuf_puts(f->out, i ? ",\n{" : "\n{");
		json_text_field(f->out, "name", categories[i].name);
		strbuf_putc(f->out, ',');
		json_text_field(f->out, "color", categories[i].color);
		strbuf_puts(f->out, ",\"subcategories\":[\"Other\"]}");
	}
	strbuf_puts(f->out, "],\n");
}

static void put_text(struct firefox *f, const char *key, const char *text)
{
	if (!*text)
		return;
	json_text_field(f->out, key, text);
	strbuf_puts(f->out, ",\n");
}

/* An entry of "More info" there. */
static void put_entry(struct firefox *f, const char *label, const char *text)
{
	if (!*text)
		return;
	if (f->out->text[f->out->length - 1] == '}')
		strbuf_puts(f->out, ",\n");
	strbuf_putc(f->out, '{');
	json_text_field(f->out, "label", label);
	strbuf_puts(f->out, ",\"format\":\"string\",");
	json_text_field(f->out, "value", text);
	strbuf_putc(f->out, '}');
}

static void put_number_entry(struct firefox *f, const char *label, uint64_t number)
{
	struct strbuf text = { 0 };
	strbuf_u64(&text, number);
	put_entry(f, label, strbuf_text(&text));
	f->out->failed |= text.failed;
	strbuf_deinit(&text);
}

static uint64_t truncated_samples(const struct profile *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->meta.reason_count; i++)
		sum += p->meta.reasons[i].samples;
	return sum;
}

static uint64_t completed_samples(const struct profile *p)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < p->sample_count; i++)
		sum += p->samples[i].completed ? p->samples[i].count : 0;
	return sum;
}

static void put_extra(struct firefox *f)
{
	const struct profile *p = f->p;
	const struct profile_meta *m = &p->meta;
	strbuf_puts(f->out, "\"extra\":[{\"label\":\"perfprof\",\"entries\":[");
	put_number_entry(f, "Samples", profile_total_count(p));
	put_number_entry(f, "Truncated samples", truncated_samples(p));
	uint64_t completed = completed_samples(p);
	if (completed)
		put_number_entry(f, "Completed samples", completed);
	if (!m->foreign)
		put_number_entry(f, "Lost samples", m->lost_samples);
	if (!f->threads.timed)
		put_entry(f, "Times", "samples have no times; a thread's time is its CPU time");
	else if (p->time_cell_ns)
		put_number_entry(f, "Times: rounded down, to ms", p->time_cell_ns / 1000000);
	put_entry(f, "Backend", profile_string(p, m->backend));
	put_entry(f, "Event", profile_string(p, m->event));
	put_entry(f, "Host", profile_string(p, m->host));
	put_entry(f, "Kernel", profile_string(p, m->kernel));
	for (size_t i = 0; i < m->note_count; i++)
		put_entry(f, "Note", profile_string(p, m->notes[i]));
	strbuf_puts(f->out, "]}]}");
}

void firefox_meta(struct firefox *f)
{
	enum { GECKO_VERSION = 36, PROCESSED_VERSION = 66 };
	const struct profile_meta *m = &f->p->meta;
	const char *command = profile_string(f->p, m->command);
	strbuf_puts(f->out, "\"meta\":{\"interval\":");
	json_ms(f->out, m->rate_hz ? 1000000000 / m->rate_hz : 1000000);
	strbuf_puts(f->out, ",\"startTime\":");
	json_ms(f->out, m->start_unix_ns);
	strbuf_printf(f->out,
		      ",\"processType\":0,\"stackwalk\":1,\"debug\":false,\"version\":%d,"
		      "\"preprocessedProfileVersion\":%d,\n",
		      GECKO_VERSION, PROCESSED_VERSION);
	put_text(f, "product", *command ? command : "profile");
	put_text(f, "arguments", command);
	put_text(f, "importedFrom", "perfprof " PERFPROF_VERSION);
	put_text(f, "platform", "Linux");
	put_text(f, "oscpu", "Linux x86_64");
	if (m->cpus) {
		json_uint_field(f->out, "logicalCPUs", m->cpus);
		strbuf_puts(f->out, ",\n");
	}
	put_categories(f);
	strbuf_puts(f->out, "\"markerSchema\":[],\"symbolicated\":true,"
			    "\"usesOnlyOneStackType\":true,\"sourceCodeIsNotOnSearchfox\":true,"
			    "\"keepProfileThreadOrder\":true,\n\"sampleUnits\":{\"time\":\"ms\","
			    "\"eventDelay\":\"ms\",\"threadCPUDelta\":\"ns\"},\n");
	put_extra(f);
}

/*
 * A build-id as Breakpad spells it: its first 16 bytes as a little-endian GUID in capitals, and the
 * "age", which is 0. Source: Breakpad, src/common/linux/file_id.cc
 */
static void put_breakpad_id(struct firefox *f, const char *build_id)
{
	static const unsigned char order[] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	size_t length = strlen(build_id);
	strbuf_puts(f->out, "\"breakpadId\":\"");
	for (size_t i = 0; i < 2 * sizeof(order); i++) {
		size_t at = 2 * (size_t)order[i / 2] + i % 2;
		char digit = at < length ? build_id[at] : '0';
		strbuf_putc(f->out,
			    digit >= 'a' && digit <= 'f' ? (char)(digit - 'a' + 'A') : digit);
	}
	strbuf_puts(f->out, "0\",");
}

static bool is_hex(const char *text)
{
	return text[strspn(text, "0123456789abcdef")] == 0;
}

void firefox_libs(struct firefox *f)
{
	const struct profile *p = f->p;
	strbuf_puts(f->out, "\"libs\":[");
	for (uint32_t i = 1; i < p->module_count; i++) {
		const char *path = profile_string(p, p->modules[i].path);
		const char *name = module_basename(p, (module_id){ i });
		const char *build_id = profile_string(p, p->modules[i].build_id);
		strbuf_puts(f->out, i > 1 ? ",\n{" : "\n{");
		json_text_field(f->out, "arch", "");
		strbuf_putc(f->out, ',');
		json_text_field(f->out, "name", name);
		strbuf_putc(f->out, ',');
		json_text_field(f->out, "path", path);
		strbuf_putc(f->out, ',');
		json_text_field(f->out, "debugName", name);
		strbuf_putc(f->out, ',');
		json_text_field(f->out, "debugPath", path);
		strbuf_putc(f->out, ',');
		put_breakpad_id(f, is_hex(build_id) ? build_id : "");
		if (*build_id)
			json_text_field(f->out, "codeId", build_id);
		else
			strbuf_puts(f->out, "\"codeId\":null");
		strbuf_putc(f->out, '}');
	}
	strbuf_putc(f->out, ']');
}
