// SPDX-License-Identifier: MIT
#include "base/part_file.h" /* before cmocka.h, which has a macro fail() */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static const struct file_owner nobody = { (uid_t)-1, (gid_t)-1 };

/* Each test has a folder of its own. */
struct fixture {
	char folder[64], output[128], part[160], first_aside[192];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	strcpy(f->folder, "/tmp/perfprof-part-test-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->output, sizeof(f->output), "%s/out", f->folder);
	snprintf(f->part, sizeof(f->part), "%s.part", f->output);
	snprintf(f->first_aside, sizeof(f->first_aside), "%s.1", f->part);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[96];
	snprintf(command, sizeof(command), "rm -r %s", f->folder);
	int r = system(command);
	free(f);
	return r;
}

static void make_file(const char *path, const char *text)
{
	struct error err = { 0 };
	assert_int_equal(write_file(path, text, strlen(text), nobody, &err), 0);
}

static void contents(const char *path, const char *expect)
{
	struct strbuf b = { 0 };
	assert_int_equal(read_file(path, 1 << 20, &b, NULL), 0);
	assert_string_equal(strbuf_text(&b), expect);
	strbuf_deinit(&b);
}

static struct part_file open_part(const struct fixture *f)
{
	struct part_file p;
	struct error err = { 0 };
	if (part_file_open(f->output, nobody, &p, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

static void it_grows_and_goes(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	struct part_file p = open_part(f);
	assert_string_equal(p.path, f->part);
	assert_null(p.kept_aside);
	assert_false(p.in_use);
	assert_int_equal(stat(f->part, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(fcntl(p.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(part_file_append(&p, "one", 3, NULL), 0);
	assert_int_equal(part_file_append(&p, "two", 3, NULL), 0);
	contents(f->part, "onetwo");
	part_file_remove(&p);
	assert_int_equal(p.fd, -1);
	assert_int_equal(stat(f->part, &st), -1);
	part_file_remove(&p);
}

static void a_leftover_is_kept_aside(void **state)
{
	struct fixture *f = *state;
	char second[200];
	snprintf(second, sizeof(second), "%s.2", f->part);
	make_file(f->part, "old");
	make_file(f->first_aside, "older");
	struct part_file p = open_part(f);
	assert_string_equal(p.path, f->part);
	assert_string_equal(p.kept_aside, second);
	contents(second, "old");
	contents(f->first_aside, "older");
	contents(f->part, "");
	part_file_keep(&p);
	contents(f->part, "");
}

static void an_empty_leftover_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	make_file(f->part, "");
	struct part_file p = open_part(f);
	assert_string_equal(p.path, f->part);
	assert_null(p.kept_aside);
	assert_int_equal(stat(f->first_aside, &st), -1);
	part_file_remove(&p);
}

static void assert_another_name(const struct fixture *f, struct part_file *p)
{
	char name[200];
	snprintf(name, sizeof(name), "%s.%d.part", f->output, (int)getpid());
	assert_true(p->in_use);
	assert_string_equal(p->path, name);
	assert_int_equal(part_file_append(p, "ours", 4, NULL), 0);
	contents(name, "ours");
	part_file_remove(p);
}

static void a_locked_one_is_left_alone(void **state)
{
	struct fixture *f = *state;
	struct part_file living =
		open_part(f); /* a lock belongs to an open file, not to a process */
	assert_int_equal(part_file_append(&living, "theirs", 6, NULL), 0);
	struct part_file p = open_part(f);
	assert_another_name(f, &p);
	contents(f->part, "theirs");
	assert_int_equal(part_file_append(&living, "!", 1, NULL), 0);
	contents(f->part, "theirs!");
	part_file_remove(&living);
}

static void links_and_pipes_are_not_opened(void **state)
{
	struct fixture *f = *state;
	char target[128];
	struct stat st;
	snprintf(target, sizeof(target), "%s/target", f->folder);
	make_file(target, "precious");
	assert_int_equal(symlink(target, f->part), 0);
	struct part_file p = open_part(f);
	assert_another_name(f, &p);
	contents(target, "precious");
	assert_int_equal(lstat(f->part, &st), 0);
	assert_true(S_ISLNK(st.st_mode));

	assert_int_equal(unlink(f->part), 0);
	assert_int_equal(mkfifo(f->part, 0600), 0);
	p = open_part(f); /* and does not wait for a reader */
	assert_another_name(f, &p);

	assert_int_equal(unlink(f->part), 0);
	assert_int_equal(symlink("/nonexistent/anything", f->part), 0);
	p = open_part(f);
	assert_another_name(f, &p);
}

static void a_name_that_is_not_ours_any_more_stays(void **state)
{
	struct fixture *f = *state;
	struct part_file p = open_part(f);
	assert_int_equal(unlink(f->part), 0);
	make_file(f->part, "somebody else's");
	part_file_remove(&p);
	contents(f->part, "somebody else's");
}

static void what_does_not_fit_is_cut_off_again(void **state)
{
	struct fixture *f = *state;
	struct rlimit before, limit;
	struct error err = { 0 };
	struct part_file p = open_part(f);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 10, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(part_file_append(&p, "12345678", 8, &err), 0);
	int r = part_file_append(&p, "abcdef", 6, &err);
	int again = part_file_append(&p, "9", 1, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -ENOSPC);
	assert_non_null(strstr(err.text, f->part));
	assert_int_equal(again, 0);
	contents(f->part, "123456789");
	part_file_remove(&p);
}

static void without_a_folder_there_is_none(void **state)
{
	(void)state;
	struct part_file p;
	struct error err = { 0 };
	assert_int_equal(part_file_open("/nonexistent/out", nobody, &p, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/out.part"));
	assert_int_equal(p.fd, -1);
	part_file_remove(&p);
}

static void another_one_takes_its_place(void **state)
{
	const struct fixture *f = *state;
	struct part_file p;
	char aside[192], text[16] = "";
	snprintf(aside, sizeof(aside), "%s.new", f->part);
	assert_int_equal(part_file_open(f->output, nobody, &p, NULL), 0);
	assert_int_equal(part_file_append(&p, "before", 6, NULL), 0);
	assert_int_equal(part_file_begin_anew(&p, "an", 2, NULL), 0);
	assert_int_equal(part_file_append(&p, "ew", 2, NULL), 0);
	assert_int_equal(p.size_bytes, 4);
	int fd = open(f->part, O_RDONLY);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 4);
	assert_string_equal(text, "anew");
	close(fd);
	assert_int_equal(access(aside, F_OK), -1);
	assert_int_equal(mkdir(aside, 0700), 0); /* where none can be made, the old one goes on */
	assert_true(part_file_begin_anew(&p, "x", 1, NULL) < 0);
	assert_int_equal(part_file_append(&p, "!", 1, NULL), 0);
	assert_int_equal(rmdir(aside), 0);
	part_file_remove(&p);
	assert_int_equal(access(f->part, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_grows_and_goes),
		TEST(another_one_takes_its_place),
		TEST(a_leftover_is_kept_aside),
		TEST(an_empty_leftover_is_nothing),
		TEST(a_locked_one_is_left_alone),
		TEST(links_and_pipes_are_not_opened),
		TEST(a_name_that_is_not_ours_any_more_stays),
		TEST(what_does_not_fit_is_cut_off_again),
		TEST(without_a_folder_there_is_none),
	};
	return cmocka_run_group_tests_name("base/part_file", tests, NULL, NULL);
}
