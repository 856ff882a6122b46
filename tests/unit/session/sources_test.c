// SPDX-License-Identifier: MIT
#include "profile/builder.h" /* before cmocka.h, which has a macro fail() */
#include "session/sources.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* A folder with files that debug information may name. */
struct place {
	char folder[64];
	struct builder *b;
	module_id module;
};

static const char *in(const struct place *f, const char *name)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	return path;
}

static void write_lines(const struct place *f, const char *name, unsigned lines)
{
	FILE *out = fopen(in(f, name), "w");
	assert_non_null(out);
	for (unsigned i = 1; i <= lines; i++)
		fprintf(out, "line %u\n", i);
	fclose(out);
}

static void begin(struct place *f)
{
	strcpy(f->folder, "/tmp/perfprof-sources-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	assert_int_equal(builder_create(&f->b, NULL), 0);
	write_lines(f, "program", 1);
	f->module = builder_add_module(
		f->b, &(struct builder_module){ .path = in(f, "program"), .is_main = true });
}

static void sample(struct place *f, const char *file, uint32_t line)
{
	struct builder_line l = { .name = "work", .file = file, .line = line };
	frame_id frame = builder_new_frame(f->b, f->module, line, FRAME_USER);
	assert_int_equal(builder_name_frame(f->b, frame, &l, 1), 0);
	stack_id s = builder_stack(f->b, (stack_id){ 0 }, frame);
	assert_int_equal(builder_sample(f->b, 0, (thread_id){ 0 }, s, ""), 0);
}

static struct profile *end(struct place *f)
{
	struct profile *p;
	assert_int_equal(builder_freeze(f->b, &p, NULL), 0);
	assert_int_equal(sources_collect(p, NULL), 0);
	builder_destroy(f->b);
	char command[128];
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	return p;
}

static void lines_around_hot_ones_are_kept(void **state)
{
	(void)state;
	struct place f;
	begin(&f);
	write_lines(&f, "work.c", 500);
	sample(&f, in(&f, "work.c"), 3);
	sample(&f, in(&f, "work.c"), 200);
	sample(&f, in(&f, "work.c"), 210);
	struct profile *p = end(&f);
	assert_int_equal(p->source_count, 2);
	assert_int_equal(p->sources[0].first_line, 1);
	assert_int_equal(strncmp(p->sources[0].text, "line 1\nline 2\n", 14), 0);
	assert_non_null(strstr(p->sources[0].text, "line 9\n"));
	assert_null(strstr(p->sources[0].text, "line 10\n"));
	assert_int_equal(p->sources[1].first_line, 194);
	assert_non_null(strstr(p->sources[1].text, "line 216\n"));
	assert_null(strstr(p->sources[1].text, "line 217\n"));
	profile_destroy(p);
}

static void only_source_files_are_opened(void **state)
{
	(void)state;
	struct place f;
	begin(&f);
	write_lines(&f, "secret", 50);
	write_lines(&f, "secret.txt", 50);
	write_lines(&f, "real.c", 50);
	FILE *binary = fopen(in(&f, "binary.c"), "w");
	assert_non_null(binary);
	fwrite("a\0b\n", 1, 4, binary);
	fclose(binary);
	char target[128];
	strcpy(target, in(&f, "secret"));
	assert_int_equal(symlink(target, in(&f, "link.c")), 0);
	assert_int_equal(mkfifo(in(&f, "fifo.c"), 0600), 0);
	assert_int_equal(mkdir(in(&f, "folder.c"), 0700), 0);
	static const char *const names[] = { "secret", "secret.txt", "binary.c", "link.c",
					     "fifo.c", "folder.c",   "gone.c",   "real.c" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		sample(&f, in(&f, names[i]), 5);
	sample(&f, "relative.c", 5);
	struct profile *p = end(&f);
	assert_int_equal(p->source_count, 1);
	assert_non_null(strstr(p->sources[0].file, "/real.c"));
	assert_false(p->sources[0].newer);
	profile_destroy(p);
}

static void a_file_that_was_changed_later_is_marked(void **state)
{
	(void)state;
	struct place f;
	begin(&f);
	write_lines(&f, "work.c", 5);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 4000000000 } };
	assert_int_equal(utimensat(AT_FDCWD, in(&f, "work.c"), times, 0), 0);
	sample(&f, in(&f, "work.c"), 5);
	struct profile *p = end(&f);
	assert_int_equal(p->source_count, 1);
	assert_true(p->sources[0].newer);
	profile_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_around_hot_ones_are_kept),
		cmocka_unit_test(only_source_files_are_opened),
		cmocka_unit_test(a_file_that_was_changed_later_is_marked),
	};
	return cmocka_run_group_tests_name("session/sources", tests, NULL, NULL);
}
