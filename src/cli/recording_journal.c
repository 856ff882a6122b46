// SPDX-License-Identifier: MIT
#include <errno.h>

#include "cli/cli.h"
#include "cli/recording.h"

static int append_member(void *context, const void *bytes, size_t size_bytes, bool begins)
{
	struct recording_journal *j = context;
	struct error err = { 0 };
	int r = begins && j->file.size_bytes
			? part_file_begin_anew(&j->file, bytes, size_bytes, &err)
			: part_file_append(&j->file, bytes, size_bytes, &err);
	j->cut_short |= r < 0;
	if (r < 0 && !j->quiet)
		note("%s; sampling goes on, but what is sampled from now on is lost if perfprof is "
		     "killed",
		     err.text);
	return r;
}

static void say_what_was_there(const struct recording_journal *j, const char *output)
{
	if (j->quiet)
		return;
	if (j->file.kept_aside)
		note("'%s.part' was left behind by a perfprof that was killed; it is now '%s', and "
		     "'perfprof report' reads it",
		     output, j->file.kept_aside);
	if (j->file.in_use)
		note("'%s.part' is not ours to use (another perfprof is writing it, or it is no "
		     "file): the journal is '%s'",
		     output, j->file.path);
}

int recording_begin(struct session_config *config, const struct recording_options *o,
		    struct outputs *outputs, pid_t pid, struct recording_journal *out,
		    struct error *err)
{
	*out = (struct recording_journal){ .file.fd = -1, .quiet = o->quiet };
	int r = outputs_expand(outputs, pid, err);
	const char *output = r == 0 ? outputs_first_file(outputs) : NULL;
	if (!output)
		return r;
	struct error why = { 0 };
	if (part_file_open(output, file_owner_from_environment(), &out->file, &why) < 0) {
		if (!o->quiet)
			note("%s; sampling goes on, but is lost if perfprof is killed", why.text);
		return 0;
	}
	say_what_was_there(out, output);
	config->on_member = append_member;
	config->member_context = out;
	return 0;
}

void recording_end(struct recording_journal *j, struct outputs *outputs, bool keep)
{
	if (keep && j->file.fd >= 0 && j->file.size_bytes) {
		note("what was sampled%s is in '%s'; 'perfprof report' reads it",
		     j->cut_short ? " until there was no room" : "", j->file.path);
		part_file_keep(&j->file);
	} else {
		part_file_remove(&j->file);
	}
	outputs_deinit(outputs);
}
