/* SPDX-License-Identifier: MIT */
#ifndef CLI_CHECK_ITEMS_H
#define CLI_CHECK_ITEMS_H

#include <sys/resource.h>

#include "process/remedies.h"
#include "process/rights.h"
#include "sampler/perf_permits.h"

/* What `check` says, from facts alone. */

enum check_state {
	CHECK_OK,
	CHECK_NOTE,  /* nothing is lost by it in this version */
	CHECK_LACKS, /* something is lost */
	CHECK_STOPS, /* nothing can be profiled */
};

enum { CHECK_TEXT_BYTES = 240, CHECK_REMEDIES_MAX = 4, CHECK_ITEMS_MAX = 24 };

struct check_item {
	const char *id; /* "perf_event_open" */
	enum check_state state;
	char found[CHECK_TEXT_BYTES]; /* how it stands */
	char costs[CHECK_TEXT_BYTES]; /* what is lost; "" if ok */
	enum remedy_id remedies[CHECK_REMEDIES_MAX];
	size_t remedy_count;
};

struct check_facts {
	struct rights rights;
	struct perf_permits permits;
	bool has_bpf; /* built in */
	int bpf;      /* what its probe answers: 0 or negative errno */
	int ptrace;   /* likewise */
	struct rlimit descriptors, locked_memory;
	uint32_t rate_hz;            /* the default of `run` and `attach` */
	const char *debuginfod_urls; /* NULL: not set */
};

struct check_items {
	struct check_item at[CHECK_ITEMS_MAX];
	size_t count;
};

/** @param root as rights_read() */
void check_facts_read(const char *root, uint32_t rate_hz, struct check_facts *out);

void check_items_make(const struct check_facts *f, struct check_items *out);

/** Whether processes of one's own can be profiled. */
bool check_can_profile(const struct check_facts *f);

#endif
