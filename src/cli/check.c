// SPDX-License-Identifier: MIT
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/accuracy.h"
#include "cli/check_items.h"
#include "cli/check_json.h"
#include "cli/cli.h"

struct check_options {
	bool json, accuracy;
};

static const struct option check_options[] = {
	{ .type = OPTION_FLAG,
	  .name = "json",
	  .help = "the same as JSON, for scripts",
	  .offset = offsetof(struct check_options, json) },
	{ .type = OPTION_FLAG,
	  .name = "accuracy",
	  .help = "profile functions of known shares, and show truth beside measurement",
	  .offset = offsetof(struct check_options, accuracy) },
	OPTION_END,
};

enum { RATE_HZ = 999, ID_WIDTH = 20 };

/* The commands that mend something, each once, in the order in which they are first named. */
struct mending {
	enum remedy_id at[REMEDY_COUNT];
	size_t count;
};

static size_t number_of(struct mending *m, enum remedy_id id)
{
	size_t i = 0;
	while (i < m->count && m->at[i] != id)
		i++;
	if (i == m->count)
		m->at[m->count++] = id;
	return i + 1;
}

static void print_item(struct strbuf *out, const struct check_item *item, struct mending *m)
{
	static const char *const marks[] = { [CHECK_OK] = "ok",
					     [CHECK_NOTE] = "note",
					     [CHECK_LACKS] = "LACKS",
					     [CHECK_STOPS] = "STOPS" };
	strbuf_printf(out, "%-5s  %-*s  %s\n", marks[item->state], ID_WIDTH, item->id, item->found);
	if (item->costs[0])
		strbuf_printf(out, "       costs  %s\n", item->costs);
	for (size_t i = 0; i < item->remedy_count; i++)
		strbuf_printf(out, "%s(%zu)", i ? " or " : "       mend   ",
			      number_of(m, item->remedies[i]));
	if (item->remedy_count)
		strbuf_putc(out, '\n');
}

static void print_remedies(struct strbuf *out, const struct mending *m)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct remedy *r = remedy(m->at[i]);
		char self[PATH_MAX] = "";
		bool names_us = m->at[i] == REMEDY_SETCAP;
		if (names_us && readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
			self[0] = 0;
		strbuf_printf(out, "%s(%zu)  %s%s%s\n     opens %s\n", i ? "" : "\n", i + 1,
			      r->command, names_us ? " " : "", self, r->opens);
	}
}

static void print_verdict(struct strbuf *out, const struct check_facts *f)
{
	struct utsname host;
	if (!uname(&host))
		strbuf_printf(out, "perfprof " PERFPROF_VERSION " on %s, Linux %s, as %s\n",
			      host.nodename, host.release,
			      f->rights.euid ? "an ordinary user" : "root");
	const char *verdict =
		!check_can_profile(f)       ? "Nothing can be profiled here."
		: f->permits.own_user < 0   ? "Your own processes can be profiled, by ptrace."
		: f->permits.own_kernel < 0 ? "Your own processes can be profiled, in user mode."
		: !rights_may_sample_all(&f->rights) ? "Your own processes can be profiled."
						     : "Every process can be profiled.";
	strbuf_printf(out, "%s\n\n", verdict);
}

/* What is wrong comes first: a reader in a hurry sees it without scrolling. */
static void print_text(struct strbuf *out, const struct check_facts *f,
		       const struct check_items *items)
{
	print_verdict(out, f);
	struct mending mending = { .count = 0 };
	for (int state = CHECK_STOPS; state >= CHECK_OK; state--)
		for (size_t i = 0; i < items->count; i++)
			if ((int)items->at[i].state == state)
				print_item(out, &items->at[i], &mending);
	print_remedies(out, &mending);
}

static int put(const struct strbuf *text, struct error *err)
{
	if (text->failed)
		return fail(err, -ENOMEM, "out of memory");
	int r = write_all(STDOUT_FILENO, strbuf_text(text), text->length, err);
	return r == -EPIPE ? 0 : r < 0 ? fail_in(err, r, "standard output") : 0;
}

static int print_all(const struct check_options *options)
{
	struct check_facts facts;
	struct check_items items;
	struct strbuf text = { 0 };
	struct error err = { 0 };
	check_facts_read("", RATE_HZ, &facts);
	check_items_make(&facts, &items);
	if (options->json)
		check_json(&text, &facts, &items);
	else
		print_text(&text, &facts, &items);
	int r = put(&text, &err);
	strbuf_deinit(&text);
	if (r < 0)
		return complain(STATUS_MISSING, &err);
	return check_can_profile(&facts) ? STATUS_DONE : STATUS_MISSING;
}

static int print_accuracy(void)
{
	struct strbuf text = { 0 };
	struct error err = { 0 };
	int off = accuracy_check(&text, RATE_HZ, &err);
	int r = off;
	if (off >= 0)
		r = put(&text, &err);
	strbuf_deinit(&text);
	if (r < 0)
		return complain(STATUS_MISSING, &err);
	return off ? STATUS_GATE : STATUS_DONE;
}

/* What --accuracy profiles is this program itself. @return the descriptor that is asked for; -1 */
static int work_asked_for(char **argv)
{
	uint32_t fd;
	bool asked = argv[1] && !strcmp(argv[1], ACCURACY_WORK_WORD) && argv[2] &&
		     parse_uint(argv[2], 0, INT32_MAX, &fd) == 0;
	return asked ? (int)fd : -1;
}

static int cmd_check(char **argv)
{
	int work_fd = work_asked_for(argv);
	if (work_fd >= 0)
		return accuracy_work(work_fd);
	struct check_options options = { 0 };
	struct arguments arguments;
	struct error err = { 0 };
	if (options_parse(&check_command, argv, &options, &arguments, &err) < 0)
		return complain(STATUS_USAGE, &err);
	if (arguments.help)
		return show_help(&check_command);
	if (arguments.count) {
		fail(&err, -EINVAL, "check takes no '%s'", arguments.at[0]);
		return complain(STATUS_USAGE, &err);
	}
	if (options.json && options.accuracy) {
		fail(&err, -EINVAL, "--accuracy has no JSON");
		return complain(STATUS_USAGE, &err);
	}
	return options.accuracy ? print_accuracy() : print_all(&options);
}

const struct command check_command = {
	.name = "check",
	.main = cmd_check,
	.brief = "what this machine permits, and what mends what is missing",
	.usage = "check [OPTIONS]",
	.summary =
		"What this machine permits, what is missing and what that costs, the command that "
		"mends it,\nand what that command opens to whom. Changes nothing.",
	.options = check_options,
	.epilog = "examples:\n"
		  "  perfprof check\n"
		  "  perfprof check --accuracy\n"
		  "  perfprof check --json | jq '.items[] | select(.state == \"lacks\")'\n",
};
