/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SESSION_SCRIPTED_SAMPLER_H
#define TESTS_SESSION_SCRIPTED_SAMPLER_H

#include <errno.h>
#include <stdlib.h>

#include "sampler/sampler.h"

/* A sampler that plays records which the test has written: it needs no right. */

static struct script {
	const struct record *records;
	size_t count, at;
	int open_status, on_exec_status; /* what fails */
	unsigned opened, armed, disarmed, destroyed, turns;
	uint64_t pause_ns; /* until rearm() wants its next turn */
	struct sampler_stats stats;
} script;

static const struct sampler_ops scripted_sampler;

static int scripted_open(const struct sampler_config *config, struct sampler **out,
			 struct error *err)
{
	(void)config;
	if (script.open_status < 0)
		return fail(err, script.open_status, "the script says no");
	script.opened++;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->ops = &scripted_sampler;
	return 0;
}

static int scripted_add(struct sampler *s, pid_t pid, struct error *err)
{
	(void)s, (void)pid, (void)err;
	return 0;
}

static int scripted_add_on_exec(struct sampler *s, pid_t pid, struct error *err)
{
	(void)s, (void)pid;
	return script.on_exec_status < 0 ? fail(err, script.on_exec_status, "the script says no")
					 : 0;
}

static int scripted_arm(struct sampler *s, struct error *err)
{
	(void)s, (void)err;
	script.armed++;
	return 0;
}

static uint64_t scripted_rearm(struct sampler *s, uint64_t now_ns)
{
	(void)s;
	script.turns++;
	return now_ns + script.pause_ns;
}

static bool scripted_peek(struct sampler *s, const struct record **out)
{
	(void)s;
	if (script.at == script.count)
		return false;
	*out = &script.records[script.at];
	return true;
}

static void scripted_consume(struct sampler *s)
{
	(void)s;
	script.at++;
}

static void scripted_disarm(struct sampler *s)
{
	(void)s;
	script.disarmed++;
}

static void scripted_stats(const struct sampler *s, struct sampler_stats *out)
{
	(void)s;
	*out = script.stats;
}

static void scripted_destroy(struct sampler *s)
{
	script.destroyed++;
	free(s);
}

static const struct sampler_ops scripted_sampler = {
	.name = "script",
	.open = scripted_open,
	.add_process = scripted_add,
	.add_on_exec = scripted_add_on_exec,
	.arm = scripted_arm,
	.rearm = scripted_rearm,
	.peek = scripted_peek,
	.consume = scripted_consume,
	.disarm = scripted_disarm,
	.stats = scripted_stats,
	.destroy = scripted_destroy,
};

static inline void script_begin(const struct record *records, size_t count)
{
	script = (struct script){ .records = records, .count = count, .pause_ns = 1000000 };
	script.stats = (struct sampler_stats){ .rate_hz = 999, .kernel = true };
}

#endif
