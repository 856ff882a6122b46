// SPDX-License-Identifier: MIT
#include "render/report.h"

#include <errno.h>
#include <string.h>

#include "render/report_parts.h"

const char *report_basename(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash && slash[1] ? slash + 1 : path;
}

const char *report_reason(const struct report *r, string_id id)
{
	const struct profile_meta *m = &r->profile->meta;
	for (size_t i = 0; i < m->reason_count; i++)
		if (m->reasons[i].id.v == id.v && m->reasons[i].sentence.v)
			return profile_string(r->profile, m->reasons[i].sentence);
	return profile_string(r->profile, id);
}

/* Whether the file came with the system rather than from its user's own build. */
static bool is_packaged(const char *path)
{
	static const char *const places[] = { "/usr/bin/", "/usr/sbin/", "/usr/lib", "/bin/",
					      "/sbin/",    "/lib",       "/snap/" };
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (!strncmp(path, places[i], strlen(places[i])))
			return true;
	return false;
}

static void mend_unnamed(const struct report *r, const struct module_quality *m, struct strbuf *out)
{
	const char *path = profile_string(r->profile, m->path);
	if (!*path)
		strbuf_puts(out, "code that lies in no file and that nobody named");
	else if (!strcmp(path, "[kernel.kallsyms]"))
		strbuf_puts(out, "kernel names are hidden: sysctl kernel.kptr_restrict=0");
	else if (m->deleted)
		strbuf_puts(out, "no names and the file is gone: record again");
	else
		strbuf_printf(out, "%s: %s",
			      m->unnamed < m->self ? "some functions have no names" : "no names",
			      is_packaged(path)
				      ? "install its package's debug symbols (Debian, Ubuntu: "
					"'find-dbgsym-packages' of debian-goodies names the "
					"-dbgsym package)"
				      : "build it with -g and do not strip it");
}

void report_mend(const struct report *r, const struct module_quality *m, struct strbuf *out)
{
	if (m->truncated) {
		const char *why = report_reason(r, m->truncated_reason);
		strbuf_printf(out, "truncated: %s", *why ? why : "no reason given");
	}
	if (m->unnamed) {
		strbuf_puts(out, m->truncated ? "; " : "");
		mend_unnamed(r, m, out);
	}
	if (m->deleted && !m->unnamed)
		strbuf_printf(out, "%sthe file was replaced or deleted while it ran",
			      m->truncated ? "; " : "");
}

int report_render(const struct profile *p, const struct report_options *options, struct strbuf *out,
		  struct error *err)
{
	struct report r = { .profile = p, .options = options, .facts = facts_of(p) };
	int result = hotspots_build(p, &r.hotspots, err);
	if (!result)
		result = quality_build(p, &r.quality, err);
	if (!result && options->source)
		result = source_lines_build(p, options->source, &r.source, err);
	if (!result && options->format == REPORT_JSON)
		result = report_json(&r, out, err);
	else if (!result && options->source)
		result = report_source(&r, out, err);
	else if (!result)
		result = report_document(&r, out, err);
	hotspots_deinit(&r.hotspots);
	quality_deinit(&r.quality);
	source_lines_deinit(&r.source);
	return result;
}
