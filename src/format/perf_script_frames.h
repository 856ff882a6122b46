/* SPDX-License-Identifier: MIT */
#ifndef FORMAT_PERF_SCRIPT_FRAMES_H
#define FORMAT_PERF_SCRIPT_FRAMES_H

#include "base/strbuf.h"
#include "base/strings.h"
#include "base/vec.h"
#include "format/perf_script_line.h"
#include "profile/builder.h"

/* From the frames of a `perf script` sample, line by line, to frames of the model. */

struct perf_call {
	struct text symbol, source;
	uint32_t line; /* of the source; 0 if not printed */
};

struct perf_frames {
	struct builder *b;
	struct strings texts;
	VEC(module_id) module_of;       /* by the path's string_id */
	struct strings keys;            /* what makes a frame: see frame_key() */
	VEC(frame_id) frame_of;         /* by the key's string_id */
	struct strbuf key;              /* scratch */
	VEC(struct builder_line) lines; /* scratch */
	VEC(frame_id) path;             /* of the present sample, innermost first */
	struct perf_script_frame last;  /* of which more inlined calls or a source line may come */
	VEC(struct perf_call) calls;    /* at its address, innermost first */
};

/** A zeroed struct is initialised. @return 0 or -ENOMEM; deinit in either case */
int perf_frames_init(struct perf_frames *r, struct builder *b);
void perf_frames_deinit(struct perf_frames *r);

/** Takes the next line; it points into the file. @return 0 or -ENOMEM */
int perf_frames_add(struct perf_frames *r, const struct perf_script_frame *f);
/** Says the source line of the frame that was added last; there must be one: r->calls.count. */
void perf_frames_source(struct perf_frames *r, struct text file, uint32_t line);
/** Completes the last frame in `path`. The caller empties that. @return 0 or -ENOMEM */
int perf_frames_end(struct perf_frames *r);

/** A text with a NUL behind; id 0 is "". @return false without memory */
bool perf_frames_intern(struct perf_frames *r, struct text t, string_id *out);

static inline const char *perf_frames_text(const struct perf_frames *r, string_id id)
{
	return strings_text(&r->texts, id);
}

#endif
