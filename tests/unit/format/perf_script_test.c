// SPDX-License-Identifier: MIT
#include "format/folded.h"
#include "format/perf_script.h"

/* Behind ours, since cmocka has a macro called fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct profile *read_text(const char *text)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	assert_true(perf_script_is(text, strlen(text)));
	assert_false(folded_is(text, strlen(text)));
	if (perf_script_read(text, strlen(text), &p, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(profile_check(p, &err), 0);
	return p;
}

static void assert_folds(const struct profile *p, const char *expected)
{
	static const struct folded_options options = { .annotate = true, .threads = true };
	struct strbuf out = { 0 };
	assert_int_equal(folded_write(p, &options, &out, NULL), 0);
	assert_string_equal(strbuf_text(&out), expected);
	strbuf_deinit(&out);
}

static void assert_becomes(const char *text, const char *expected)
{
	struct profile *p = read_text(text);
	assert_folds(p, expected);
	profile_destroy(p);
}

#define FRAMES "\t            1221 leaf+0x21 (/bin/x)\n\t           2724a root+0x7a (/lib/y.so)\n\n"

/* The same sample with the fields of perf script's -F in use. */
static void first_lines_of_all_forms(void **state)
{
	(void)state;
	static const char *const headers[] = {
		"a b (c) 7  12/34 [002] 11614.081522:    2004008 cpu-clock: \n",
		"a b (c) 7  12/34  11614.081522:    2004008 cpu-clock:pppH: \n",
		"a b (c) 7  12/34 [002] 11614.081522151: cycles:u: \n",
		"a b (c) 7  12/34 11614.081522: \n",
		"a b (c) 7  12/34 \n",
		"a b (c) 7  12/34 cycles: \n",
		"a b (c) 7  12/34 U     11614.081522:    2004008 cycles: \n",
		"a b (c) 7  12/34 [002] 11614.081522: sched:sched_switch: prev_comm=x ==> next 5\n",
		"      a b (c) 7  12/34 [002] 11614.081522:    2004008 cpu-clock: \n",
	};
	for (size_t i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
		struct strbuf text = { 0 };
		strbuf_puts(&text, headers[i]);
		strbuf_puts(&text, FRAMES);
		struct profile *p = read_text(text.text);
		assert_folds(p, "a b (c) 7-34;root;leaf 1\n");
		assert_int_equal(p->threads[1].pid, 12);
		profile_destroy(p);
		strbuf_deinit(&text);
	}
	assert_becomes("a 34 1.5: cycles:\n" FRAMES, "a-34;root;leaf 1\n");
	assert_becomes("a\n" FRAMES, "a;root;leaf 1\n");
	assert_becomes("swapper     0 [001] 1.5: cycles:\n" FRAMES, "swapper;root;leaf 1\n");
	assert_becomes(FRAMES FRAMES, "-;root;leaf 2\n");
	assert_becomes("\n" FRAMES "\n\n" FRAMES, "-;root;leaf 2\n");
}

static void samples_without_chains_are_one_line(void **state)
{
	(void)state;
	assert_becomes("  cafe 1 4.000001:  100  cycles:      5617080fe221 hot+0x21 (/bin/x)\n"
		       "  cafe 1 4.000002:  100  cycles:      5617080fe225 hot+0x25 (/bin/x)\n"
		       "  a b  1 4.000003:  100  cycles:  ffffffff81001000 [unknown] "
		       "([kernel.kallsyms])\n",
		       "a b-1;[kernel.kallsyms+0xffffffff81001000]_[k] 1\ncafe-1;hot 2\n");
	assert_becomes("a 1 4.5: \n\na 1 4.6: cycles: \n\n", "a-1 2\n");
}

static void frames_of_all_kinds(void **state)
{
	(void)state;
	assert_becomes("t 1 1.5: cycles:\n"
		       "\tffffffff81000123 do_read+0x3 ([kernel.kallsyms])\n"
		       "\tffffffffc0001000 nf_hook+0x3 ([nf_conntrack])\n"
		       "\t             7d8 old_hook+0x7f8f80b8 ([nf_conntrack])\n"
		       "\t    7fff00000100 __vdso_time+0x3 ([vdso])\n"
		       "\t    7f722d142778 Lfoo;::bar(I)V (/tmp/perf-19982.map)\n"
		       "\t    7f722d142779 [unknown] (//anon)\n"
		       "\t            1234 std::map<int, a (*)(int)>::at(int) const (/opt/a (b)/x "
		       "(deleted))\n"
		       "\t            5678 [unknown] (/lib/libz.so.1)\n"
		       "\t    7f1100000000 [unknown] (/lib/libz.so.1)\n"
		       "\t               0 [unknown] ([unknown])\n"
		       "\n",
		       "t-1;[unknown];[libz.so.1];[libz.so.1+0x5678];"
		       "std::map<int, a (*)(int)>::at(int) const;[anon]_[j];Lfoo:::bar(I)V_[j];"
		       "__vdso_time;old_hook_[k];nf_hook_[k];do_read_[k] 1\n");
}

static void inlined_calls_join_the_frame_below(void **state)
{
	(void)state;
	struct profile *p = read_text("t 1 1.5: cycles:\n"
				      "\t 1221 innermost+0x21 (inlined)\n  a.h:3\n"
				      "\t 1221 middle+0x21 (inlined)\n  b.h:5\n"
				      "\t 1221 outer+0x21 (/bin/x)\n  c.c:7\n"
				      "\t 27304 alone+0x84 (inlined)\n"
				      "\t 1130 _start+0x20 (/bin/x)\n  x[1130]\n\n");
	assert_folds(p, "t-1;_start;alone;outer;middle_[i];innermost_[i] 1\n");
	size_t found = 0;
	for (size_t i = 1; i < p->frame_count; i++) {
		const struct profile_frame *f = &p->frames[i];
		if (f->line_count != 3)
			continue;
		found++;
		assert_int_equal(f->vaddr, 0x1221);
		assert_int_equal(p->lines[f->first_line].line, 3);
		assert_int_equal(p->lines[f->first_line + 2].line, 7);
		function_id outer = p->lines[f->first_line + 2].function;
		assert_string_equal(profile_string(p, p->functions[outer.v].file), "c.c");
	}
	assert_int_equal(found, 1);
	profile_destroy(p);
}

static void only_the_first_event_is_counted(void **state)
{
	(void)state;
	struct profile *p =
		read_text("a 1 1.5: 250 cpu-clock:u: \n" FRAMES "a 1 1.6: 7 faults: \n" FRAMES
			  "a 1 1.7: 250 cpu-clock:u: \n" FRAMES "a 1 1.8: 7 faults: \n" FRAMES);
	assert_folds(p, "a-1;root;leaf 2\n");
	assert_int_equal(profile_total_cpu_ns(p), 500);
	assert_int_equal(p->meta.note_count, 1);
	assert_string_equal(profile_string(p, p->meta.notes[0]),
			    "2 samples of event 'faults' are left out: only 'cpu-clock:u' is "
			    "counted");
	profile_destroy(p);
	assert_becomes("a 1 1.5: 1 cpu_core/cycles/: \n" FRAMES
		       "a 1 1.5: 1 cpu_atom/cycles/: \n" FRAMES,
		       "a-1;root;leaf 2\n");
}

static void records_and_comments_are_no_samples(void **state)
{
	(void)state;
	struct profile *p =
		read_text("# ========\n# hostname : box\n#\n\n"
			  "x 1 1.1: PERF_RECORD_COMM exec: x:1/1\n"
			  "x 1 1.2: PERF_RECORD_MMAP2 1/1: [0x5(0x1) @ 0 fe:00 1 2]: r-xp /x\n"
			  "a 1 1.5: cycles:\n" FRAMES "x 1 1.6: PERF_RECORD_LOST lost 12\n"
			  "x 1 1.7: PERF_RECORD_LOST_SAMPLES lost 3\n"
			  "a 1 1.8: cycles:\n" FRAMES "x 1 1.9: PERF_RECORD_EXIT(1:1):(2:2)\n");
	assert_folds(p, "a-1;root;leaf 2\n");
	assert_int_equal(p->meta.lost_samples, 15);
	assert_string_equal(profile_string(p, p->meta.host), "box");
	assert_int_equal(p->time_count, 2);
	assert_int_equal(p->times[1].time_ns, 300000000);
	assert_int_equal(p->meta.duration_ns, 300000000);
	profile_destroy(p);
}

static void errors_name_the_line(void **state)
{
	(void)state;
	struct error err = { 0 };
	struct profile *p = NULL;
	const char *text = "a 1 1.5: cycles:\n" FRAMES "no sample\n";
	assert_int_equal(perf_script_read(text, strlen(text), &p, &err), -74); /* EBADMSG */
	assert_string_equal(err.text, "line 5 is neither a sample nor a frame of one");
	assert_int_equal(perf_script_read("a 1 1.5: c:\n\0\n", 14, &p, &err), -74);
	assert_string_equal(err.text, "line 2 has a NUL byte");
}

static void other_texts_are_not_taken_for_it(void **state)
{
	(void)state;
	static const char *const texts[] = { "",      "a;b 1\n",     "Lorem ipsum\n", "# comment\n",
					     "a 5\n", "a b;c 7 5\n", "\tnot hex\n",   "a 1.5\n" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_false(perf_script_is(texts[i], strlen(texts[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_lines_of_all_forms),
		cmocka_unit_test(samples_without_chains_are_one_line),
		cmocka_unit_test(frames_of_all_kinds),
		cmocka_unit_test(inlined_calls_join_the_frame_below),
		cmocka_unit_test(only_the_first_event_is_counted),
		cmocka_unit_test(records_and_comments_are_no_samples),
		cmocka_unit_test(errors_name_the_line),
		cmocka_unit_test(other_texts_are_not_taken_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
