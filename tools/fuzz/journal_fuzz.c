// SPDX-License-Identifier: MIT
/*
 * Reads a journal. The input is a list of members, each with two bytes of length in front; they are
 * packed here, since no fuzzer finds its way through a checksum. What is left behind the last one stands
 * behind the journal as it is. What is accepted must be a sound profile that can be written and read.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/gzip.h"
#include "profile/journal.h"
#include "profile/pprof.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void pack(const uint8_t *bytes, size_t size_bytes, struct strbuf *out)
{
	struct cursor c = cursor_of(bytes, size_bytes);
	while (cursor_left(&c) >= 2) {
		const uint8_t *before = c.at;
		size_t length = cursor_u16(&c);
		if (length > cursor_left(&c)) {
			c.at = before;
			break;
		}
		const void *member = cursor_take(&c, length);
		require(gzip_compress_fast(member, length, out, NULL) == 0);
	}
	strbuf_add(out, c.at, cursor_left(&c));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size_bytes)
{
	struct strbuf journal = { 0 }, once = { 0 };
	struct profile *first = NULL, *second = NULL;
	struct error err = { 0 };
	size_t note;
	pack(bytes, size_bytes, &journal);
	journal_is(journal.text, journal.length);
	if (journal_read(journal.text, journal.length, NULL, NULL, &first, &note, &err) < 0) {
		require(err.text[0] && !first);
	} else {
		require(profile_check(first, &err) == 0);
		require(note < first->meta.note_count);
		require(pprof_write(first, &once, &err) == 0);
		require(pprof_read(once.text, once.length, &second, &err) == 0);
		require(profile_check(second, &err) == 0);
		require(profile_total_count(first) == profile_total_count(second));
		require(first->time_count == second->time_count);
	}
	profile_destroy(first);
	profile_destroy(second);
	strbuf_deinit(&journal);
	strbuf_deinit(&once);
	return 0;
}
