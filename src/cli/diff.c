// SPDX-License-Identifier: MIT
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyze/diff_gate.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "cli/open.h"
#include "cli/reading.h"
#include "render/diff.h"

enum { BUDGET_MAX_BYTES = 1 << 16 };

static const struct option_words formats = {
	.at = (const char *const[]){ "text", "md", "json", NULL },
	.later = (const char *const[]){ "html", "svg", NULL },
};

static const struct option_words ways = {
	.at = (const char *const[]){ "auto", "share", "seconds", "rate", NULL },
};

static const struct option_words when_colored = {
	.at = (const char *const[]){ "auto", "always", "never", NULL },
};

struct diff_arguments {
	struct reading_options reading; /* first: the shared options are stored by its offsets */
	const char *by, *budget;
	struct option_list base, fail_if;
};

static const struct option diff_options[] = {
	{ .type = OPTION_LIST,
	  .letter = 'b',
	  .name = "base",
	  .argument = "FILE",
	  .help = "a capture of BASE; may be repeated, all others are then NEW",
	  .offset = offsetof(struct diff_arguments, base) },
	{ .type = OPTION_WORD,
	  .name = "by",
	  .argument = "NAME",
	  .help = "what is compared; auto is seconds for captures of run, rate for those of attach",
	  .offset = offsetof(struct diff_arguments, by),
	  .words = &ways },
	{ .type = OPTION_LIST,
	  .name = "fail-if",
	  .argument = "EXPR",
	  .help = "exit with 1 if surely exceeded: 'total_cpu > +3%', 'func(parse_*) > +10%' (of "
		  "its "
		  "cost in BASE), 'func(parse) > 12%' (share in NEW); may be repeated",
	  .offset = offsetof(struct diff_arguments, fail_if) },
	{ .type = OPTION_STRING,
	  .name = "budget",
	  .argument = "FILE",
	  .help = "such expressions from FILE, one a line; # begins a comment",
	  .offset = offsetof(struct diff_arguments, budget) },
	READING_WORD("format", format, &formats, "form of the comparison"),
	READING_OPTION(OPTION_UINT, 0, "top", "N", top,
		       "functions listed in text and Markdown (20)"),
	READING_WORD("color", color, &when_colored, "colours in text"),
	READING_OPTION(OPTION_STRING, 'o', "output", "FILE", output, "write FILE; - is stdout"),
	READING_FILTERS,
	OPTION_END,
};

/* The captures of both sides as the command line has them. */
struct captures {
	const char *names[SIDES][OPTION_LIST_MAX];
	struct profile *profiles[SIDES][OPTION_LIST_MAX];
	size_t counts[SIDES];
};

static void captures_deinit(struct captures *c)
{
	for (int side = 0; side < SIDES; side++)
		for (size_t i = 0; i < c->counts[side]; i++)
			profile_destroy(c->profiles[side][i]);
}

static int name_captures(const struct diff_arguments *options, const struct arguments *words,
			 struct captures *out, struct error *err)
{
	size_t base = options->base.count;
	if (base ? !words->count : words->count != 2)
		return fail(
			err, -EINVAL,
			base ? "diff wants a NEW behind the options; see 'perfprof diff --help'"
			     : "diff wants BASE and NEW, not %zu files; more of a side: -b BASE "
			       "-b BASE NEW NEW",
			words->count);
	if (words->count > OPTION_LIST_MAX)
		return fail(err, -EINVAL, "diff takes at most %d files of NEW", OPTION_LIST_MAX);
	for (size_t i = 0; i < base; i++)
		out->names[SIDE_BASE][i] = options->base.at[i];
	out->counts[SIDE_BASE] = base;
	for (size_t i = 0; i < words->count; i++) {
		enum diff_side side = base || i ? SIDE_NEW : SIDE_BASE;
		out->names[side][out->counts[side]++] = words->at[i];
	}
	return 0;
}

static int open_captures(struct captures *c, const struct reading_options *options,
			 struct error *err)
{
	for (int side = 0; side < SIDES; side++)
		for (size_t i = 0; i < c->counts[side]; i++) {
			int status = open_capture(c->names[side][i], &c->profiles[side][i], err);
			if (status)
				return status;
			int r = reading_filter(&c->profiles[side][i], options, err);
			if (r < 0)
				return r == -EINVAL ? STATUS_USAGE : STATUS_MISSING;
		}
	return STATUS_DONE;
}

static int render(const struct diff *d, const struct captures *c,
		  const struct diff_arguments *options, const struct output *output,
		  struct error *err)
{
	bool to_terminal = !strcmp(output->path, "-") && isatty(STDOUT_FILENO);
	struct diff_render_options style = {
		.format = output->format == OUTPUT_JSON       ? REPORT_JSON
			  : output->format == OUTPUT_MARKDOWN ? REPORT_MARKDOWN
							      : REPORT_TEXT,
		.top = options->reading.top,
		.columns = to_terminal ? terminal_columns() : 0,
		.color = output_uses_color(options->reading.color, to_terminal),
	};
	for (int side = 0; side < SIDES; side++) {
		const struct profile *p = c->profiles[side][0];
		style.names[side] = c->names[side][0];
		style.commands[side] = profile_string(p, p->meta.command);
	}
	struct strbuf bytes = { 0 };
	int r = diff_render(d, &style, &bytes, err);
	if (r == 0)
		r = output_write_bytes(output, &bytes, 0, err);
	strbuf_deinit(&bytes);
	return r;
}

/* What must hold. Texts are the command line's, or the budget's. */
struct gates {
	struct gate {
		const char *text;
		struct diff_gate gate;
	} * at;
	size_t count;
	char *budget; /* owns the texts of its lines */
};

static int add_gate(struct gates *g, const char *text, struct error *err)
{
	struct gate *more = realloc(g->at, (g->count + 1) * sizeof(*more));
	if (!more)
		return fail(err, -ENOMEM, "out of memory");
	g->at = more;
	more[g->count].text = text;
	return diff_gate_parse(text, &more[g->count++].gate, err);
}

static int read_budget(struct gates *g, const char *path, struct error *err)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	g->budget = f ? calloc(1, BUDGET_MAX_BYTES + 1) : NULL;
	if (!f || !g->budget)
		return fail_errno(err, "cannot open '%s'", path);
	size_t n = fread(g->budget, 1, BUDGET_MAX_BYTES, f);
	if (ferror(f) || n == BUDGET_MAX_BYTES || strlen(g->budget) != n)
		return fail(err, -EINVAL, "'%s' is no budget: a text of expressions, one a line",
			    path);
	char *line = g->budget;
	for (unsigned number = 1; line; number++) {
		char *text = strsep(&line, "\n");
		text[strcspn(text, "#\r")] = 0;
		if (!text[strspn(text, " \t")])
			continue;
		int r = add_gate(g, text, err);
		if (r < 0)
			return fail_in(err, r, "'%s', line %u", path, number);
	}
	return 0;
}

static int read_gates(const struct diff_arguments *options, struct gates *out, struct error *err)
{
	int r = 0;
	for (size_t i = 0; r == 0 && i < options->fail_if.count; i++)
		r = add_gate(out, options->fail_if.at[i], err);
	if (r == 0 && options->budget)
		r = read_budget(out, options->budget, err);
	return r;
}

static void gates_deinit(struct gates *g)
{
	free(g->at);
	free(g->budget);
}

/* A line for each limit that is exceeded. */
static int check_gates(const struct diff *d, const struct gates *g)
{
	int status = STATUS_DONE;
	for (size_t i = 0; i < g->count; i++) {
		struct strbuf why = { 0 };
		const char *text = g->at[i].text;
		if (diff_gate_exceeded(d, &g->at[i].gate, &why)) {
			note("exceeded: %s: %s", text + strspn(text, " \t"), strbuf_text(&why));
			status = STATUS_GATE;
		}
		if (!diff_gate_has_subject(d, &g->at[i].gate))
			note("no function has such a name: %s", text + strspn(text, " \t"));
		strbuf_deinit(&why);
	}
	return status;
}

static enum diff_by by_of(const char *word)
{
	static const char *const words[] = { [DIFF_BY_KIND] = "auto",
					     [DIFF_BY_SHARE] = "share",
					     [DIFF_BY_SECONDS] = "seconds",
					     [DIFF_BY_RATE] = "rate" };
	for (int i = 0; word && i < (int)(sizeof(words) / sizeof(words[0])); i++)
		if (!strcmp(words[i], word))
			return (enum diff_by)i;
	return DIFF_BY_KIND;
}

static int compare(const struct captures *c, const struct diff_arguments *options,
		   const struct gates *gates, const struct output *output, struct error *err)
{
	const struct profile *const *const profiles[SIDES] = {
		(const struct profile *const *)c->profiles[SIDE_BASE],
		(const struct profile *const *)c->profiles[SIDE_NEW],
	};
	struct diff_options how = { .by = by_of(options->by) };
	struct diff d;
	int r = diff_build(profiles, c->counts, &how, &d, err);
	if (r < 0)
		return r == -EINVAL ? STATUS_USAGE : STATUS_MISSING;
	r = render(&d, c, options, output, err);
	int status = r < 0 ? STATUS_MISSING : check_gates(&d, gates);
	diff_deinit(&d);
	return status;
}

static int cmd_diff(char **argv)
{
	struct diff_arguments options = { .reading = { .inlines = true, .kernel = true } };
	struct arguments words;
	struct error err = { 0 };
	struct captures captures = { 0 };
	struct gates gates = { 0 };
	struct output output;
	if (options_parse(&diff_command, argv, &options, &words, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (words.help)
		return show_help(&diff_command);
	int status = STATUS_DONE;
	int r = reading_report_output(&options.reading, &output, &err);
	if (r == 0)
		r = name_captures(&options, &words, &captures, &err);
	if (r == 0)
		r = read_gates(&options, &gates, &err);
	if (r < 0)
		status = r == -EINVAL ? STATUS_USAGE : STATUS_MISSING;
	if (status == STATUS_DONE)
		status = open_captures(&captures, &options.reading, &err);
	if (status == STATUS_DONE)
		status = compare(&captures, &options, &gates, &output, &err);
	captures_deinit(&captures);
	gates_deinit(&gates);
	return *err.text ? complain(status, &err) : status;
}

const struct command diff_command = {
	.name = "diff",
	.main = cmd_diff,
	.brief = "what changed between two profiles, and whether it is more than chance",
	.usage = "diff BASE NEW [OPTIONS]",
	.summary = "What changed between two profiles, and whether it is more than chance: each "
		   "function with an interval.\nBASE and NEW are files that report reads. With "
		   "'run --repeat 8' each holds several runs, and the interval comes from how much "
		   "they differ.\n-o writes .txt, .md or .json.",
	.options = diff_options,
	.epilog = "examples:\n"
		  "  perfprof run --repeat 8 -o base.pb.gz -- ./benchmark-before\n"
		  "  perfprof run --repeat 8 -o new.pb.gz -- ./benchmark-after\n"
		  "  perfprof diff base.pb.gz new.pb.gz --fail-if 'total_cpu > +3%'\n",
};
