// SPDX-License-Identifier: MIT
#include "format/firefox_parts.h"

/*
 * CPU time is counted from row to row there, so that of the first row would be lost: row 0 is a moment
 * without a stack and without weight.
 */
static const struct thread_sample *sample_at(const struct firefox *f, size_t i)
{
	static const struct thread_sample begin = { 0 };
	return i ? &f->threads.samples.at[f->thread->first + i - 1] : &begin;
}

static void sample_stack(struct firefox *f, size_t i)
{
	uint32_t row = f->last_row_of_stack[sample_at(f, i)->stack.v];
	if (row)
		strbuf_u64(f->out, row - 1);
	else
		strbuf_puts(f->out, "null");
}

static uint64_t interval_ns(const struct firefox *f)
{
	uint32_t rate_hz = f->p->meta.rate_hz;
	return rate_hz ? 1000000000 / rate_hz : 1000000;
}

/* Without times and CPU time, samples are taken to be one interval apart. */
static void sample_time(struct firefox *f, size_t i)
{
	const struct thread_sample *s = sample_at(f, i);
	if (!f->threads.timed)
		f->elapsed_ns += f->thread->cpu_ns ? s->cpu_ns : s->count * interval_ns(f);
	else if (i)
		f->elapsed_ns = s->time_ns;
	else if (f->thread->limit > f->thread->first && sample_at(f, 1)->time_ns > interval_ns(f))
		f->elapsed_ns = sample_at(f, 1)->time_ns - interval_ns(f);
	json_ms(f->out, f->elapsed_ns);
}

static void sample_weight(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, sample_at(f, i)->count);
}

static void sample_cpu(struct firefox *f, size_t i)
{
	strbuf_u64(f->out, sample_at(f, i)->cpu_ns);
}

static void put_samples(struct firefox *f)
{
	size_t count = 1 + f->thread->limit - f->thread->first;
	f->elapsed_ns = 0;
	strbuf_puts(f->out, "\"samples\":{");
	firefox_column(f, "stack", count, sample_stack);
	firefox_column(f, "time", count, sample_time);
	firefox_column(f, "weight", count, sample_weight);
	if (f->thread->cpu_ns)
		firefox_column(f, "threadCPUDelta", count, sample_cpu);
	strbuf_puts(f->out, "\"weightType\":\"samples\",");
	json_uint_field(f->out, "length", count);
	strbuf_puts(f->out, "},\n");
}

/* The name of a process is that of its first thread, if that was sampled. */
static string_id process_name(const struct firefox *f, const struct sampled_thread *t)
{
	uint32_t row = map64_get(&f->first_threads, t->pid);
	return row ? f->threads.threads.at[row - 1].comm : t->comm;
}

static void put_thread(struct firefox *f, uint32_t number)
{
	const struct sampled_thread *t = f->thread;
	const char *name = t->comm.v ? profile_string(f->p, t->comm) : "all threads";
	bool known = t->pid || t->tid;
	strbuf_puts(f->out, "{\"processType\":\"default\",\"processStartupTime\":0,"
			    "\"processShutdownTime\":null,\"registerTime\":0,"
			    "\"unregisterTime\":null,\"pausedRanges\":[],\n");
	json_text_field(f->out, "name", name);
	strbuf_putc(f->out, ',');
	json_text_field(f->out, "processName", profile_string(f->p, process_name(f, t)));
	strbuf_printf(f->out, ",\"isMainThread\":%s,\"pid\":\"%u\",\"tid\":%u,\n",
		      t->pid == t->tid ? "true" : "false", known ? t->pid : number,
		      known ? t->tid : number);
	put_samples(f);
	strbuf_puts(f->out, "\"markers\":{\"data\":[],\"name\":[],\"startTime\":[],\"endTime\":[],"
			    "\"phase\":[],\"category\":[],\"length\":0}}");
}

void firefox_threads(struct firefox *f)
{
	static const struct sampled_thread nobody = { 0 };
	size_t count = f->threads.threads.count;
	strbuf_puts(f->out, "\"threads\":[\n");
	for (size_t i = 0; i < count || !i; i++) { /* they open no profile without a thread */
		strbuf_puts(f->out, i ? ",\n" : "");
		f->thread = count ? &f->threads.threads.at[i] : &nobody;
		put_thread(f, (uint32_t)i);
	}
	strbuf_putc(f->out, ']');
}
