/* SPDX-License-Identifier: MIT */
#ifndef SAMPLER_REPLAY_EVENTS_H
#define SAMPLER_REPLAY_EVENTS_H

#include "base/cursor.h"
#include "base/error.h"
#include "base/map.h"
#include "base/strbuf.h"
#include "base/strings.h"
#include "base/vec.h"
#include "sampler/perf_decode.h"

/*
 * The events that a file has samples of. One of them becomes the profile: the first clock, else
 * the first that counts cycles, else the first; with its twins (cycles of the other kind of core,
 * the kernel's half beside the user's), since those never count the same moment.
 */
struct replay_event {
	struct perf_event_attr attr;
	struct perf_layout layout;
	string_id name;
	bool chosen;
	uint64_t samples; /* that were left out */
};

struct replay_events {
	struct strings *strings; /* borrowed */
	VEC(struct replay_event) rows;
	struct map64 by_id; /* of the kernel -> row + 1 */
	bool are_chosen;
};

void replay_events_deinit(struct replay_events *e);

/** Takes an attr as it stands in a file, with its size in it. @return its row; -EBADMSG; -ENOMEM */
int replay_events_add(struct replay_events *e, struct cursor *attr, struct error *err);
/** @return 0 or -ENOMEM */
int replay_events_add_id(struct replay_events *e, uint32_t row, uint64_t id);
/** HEADER_EVENT_DESC: their names. What is damaged there costs a name. */
void replay_events_describe(struct replay_events *e, struct cursor c);
/** PERF_RECORD_EVENT_UPDATE: a name. */
void replay_events_update(struct replay_events *e, struct cursor body);

/** Chooses, once. Call before replay_events_of(). */
void replay_events_choose(struct replay_events *e);
/** @return the event that is the profile; NULL if there is none */
const struct replay_event *replay_events_chosen(const struct replay_events *e);

/**
 * Finds the event that a record is of.
 *
 * @param meta what its layout says
 * @return 1; 0 if it is of an event that the file does not describe; -EBADMSG if it is too short
 */
int replay_events_of(const struct replay_events *e, const uint8_t *bytes, size_t size_bytes,
		     uint32_t *out_row, struct perf_meta *out_meta);

#endif
