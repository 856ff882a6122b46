// SPDX-License-Identifier: MIT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#undef fail /* base/error.h has one too */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const struct file_owner nobody = { (uid_t)-1, (gid_t)-1 };

/* Each test has a folder of its own; `path` names a file in it. */
struct fixture {
	char folder[64], path[128], other[128];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	strcpy(f->folder, "/tmp/perfprof-file-test-XXXXXX");
	if (!mkdtemp(f->folder))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/out", f->folder);
	snprintf(f->other, sizeof(f->other), "%s/other", f->folder);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlink(f->path);
	unlink(f->other);
	int r = rmdir(f->folder); /* fails if something was left aside */
	free(f);
	return r;
}

static void contents(const char *path, const char *expect)
{
	struct strbuf b = { 0 };
	struct error err = { 0 };
	assert_int_equal(read_file(path, 1 << 20, &b, &err), 0);
	assert_string_equal(strbuf_text(&b), expect);
	strbuf_deinit(&b);
}

static void a_file_appears_whole_and_private(void **state)
{
	struct fixture *f = *state;
	struct output_file out;
	struct error err = { 0 };
	umask(0);
	assert_int_equal(output_file_open(f->path, &out, &err), 0);
	assert_int_equal(write_all(out.fd, "new", 3, &err), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(output_file_commit(&out, nobody, &err), 0);
	contents(f->path, "new");
	struct stat st;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	output_file_abandon(&out);
	contents(f->path, "new");
}

static void an_abandoned_file_leaves_the_old_one(void **state)
{
	struct fixture *f = *state;
	struct output_file out;
	struct error err = { 0 };
	assert_int_equal(write_file(f->path, "old", 3, nobody, &err), 0);
	assert_int_equal(output_file_open(f->path, &out, &err), 0);
	assert_int_equal(write_all(out.fd, "new", 3, &err), 0);
	output_file_abandon(&out);
	output_file_abandon(&out);
	contents(f->path, "old");
}

static void a_link_is_replaced_and_its_target_untouched(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct stat st;
	assert_int_equal(write_file(f->other, "precious", 8, nobody, &err), 0);
	assert_int_equal(symlink(f->other, f->path), 0);
	assert_int_equal(write_file(f->path, "new", 3, nobody, &err), 0);
	contents(f->other, "precious");
	contents(f->path, "new");
	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
}

static void a_dangling_link_creates_nothing_elsewhere(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	assert_int_equal(symlink(f->other, f->path), 0);
	assert_int_equal(write_file(f->path, "new", 3, nobody, &err), 0);
	assert_int_equal(access(f->other, F_OK), -1);
	contents(f->path, "new");
}

static void *read_fifo(void *path)
{
	static char text[16];
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

static void a_fifo_is_written_in_place(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	pthread_t reader;
	void *text;
	struct stat st;
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(pthread_create(&reader, NULL, read_fifo, f->path), 0);
	assert_int_equal(write_file(f->path, "through", 7, nobody, &err), 0);
	pthread_join(reader, &text);
	assert_string_equal(text, "through");
	assert_int_equal(stat(f->path, &st), 0);
	assert_true(S_ISFIFO(st.st_mode));
}

static void a_full_disk_is_an_error_with_a_name(void **state)
{
	(void)state;
	struct error err = { 0 };
	assert_int_equal(write_file("/dev/full", "x", 1, nobody, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "/dev/full"));
}

static void what_cannot_be_opened_is_named(void **state)
{
	struct fixture *f = *state;
	struct output_file out;
	struct error err = { 0 };
	char path[256];
	snprintf(path, sizeof(path), "%s/no/such", f->folder);
	assert_int_equal(output_file_open(path, &out, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(output_file_open(f->folder, &out, &err), -EISDIR);
	struct strbuf b = { 0 };
	assert_int_equal(read_file(path, 10, &b, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(read_file(f->folder, 10, &b, &err), -EISDIR);
	strbuf_deinit(&b);
}

static void a_rename_that_fails_leaves_nothing_aside(void **state)
{
	struct fixture *f = *state;
	struct output_file out;
	struct error err = { 0 };
	assert_int_equal(output_file_open(f->path, &out, &err), 0);
	assert_int_equal(mkdir(f->path, 0700), 0); /* a folder came in between */
	assert_true(output_file_commit(&out, nobody, &err) < 0);
	assert_non_null(strstr(err.text, f->path));
	assert_int_equal(rmdir(f->path), 0);
}

static void reading_has_a_limit(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	struct strbuf b = { 0 };
	assert_int_equal(write_file(f->path, "12345", 5, nobody, &err), 0);
	assert_int_equal(read_file(f->path, 5, &b, &err), 0);
	assert_int_equal(b.length, 5);
	assert_int_equal(read_file(f->path, 5, &b, &err), 0); /* appends; the limit is the file's */
	assert_string_equal(b.text, "1234512345");
	assert_int_equal(read_file(f->path, 4, &b, &err), -EFBIG);
	assert_non_null(strstr(err.text, "4 bytes"));
	strbuf_deinit(&b);
	struct strbuf endless = { 0 };
	assert_int_equal(read_file("/dev/zero", 1000000, &endless, &err), -EFBIG);
	strbuf_deinit(&endless);
}

static void pipes_are_read_to_their_end(void **state)
{
	(void)state;
	int ends[2];
	struct error err = { 0 };
	struct strbuf b = { 0 };
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write_all(ends[1], "ab", 2, &err), 0);
	assert_int_equal(write_all(ends[1], "cd", 2, &err), 0);
	close(ends[1]);
	assert_int_equal(read_all(ends[0], 100, &b, &err), 0);
	assert_string_equal(b.text, "abcd");
	close(ends[0]);
	strbuf_deinit(&b);
}

static void a_closed_pipe_is_an_error(void **state)
{
	(void)state;
	int ends[2];
	struct error err = { 0 };
	void (*before)(int) = signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	assert_int_equal(write_all(ends[1], "x", 1, &err), -EPIPE);
	close(ends[1]);
	signal(SIGPIPE, before);
}

static void the_sudo_user_owns_what_root_writes(void **state)
{
	struct fixture *f = *state;
	struct error err = { 0 };
	setenv("SUDO_UID", "1234", 1);
	setenv("SUDO_GID", "2345", 1);
	struct file_owner owner = file_owner_from_environment();
	if (geteuid() == 0) {
		struct stat st;
		assert_int_equal(owner.uid, 1234);
		assert_int_equal(owner.gid, 2345);
		assert_int_equal(write_file(f->path, "x", 1, owner, &err), 0);
		assert_int_equal(stat(f->path, &st), 0);
		assert_int_equal(st.st_uid, 1234);
		assert_int_equal(st.st_gid, 2345);
	} else {
		assert_int_equal(owner.uid, (uid_t)-1);
	}
	static const char *const wrong[] = { "",   "-1",         "12x",
					     " 5", "4294967295", "99999999999999999999" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		setenv("SUDO_UID", wrong[i], 1);
		assert_int_equal(file_owner_from_environment().uid, (uid_t)-1);
	}
	unsetenv("SUDO_UID");
	unsetenv("SUDO_GID");
	assert_int_equal(file_owner_from_environment().uid, (uid_t)-1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_file_appears_whole_and_private),
		CASE(an_abandoned_file_leaves_the_old_one),
		CASE(a_link_is_replaced_and_its_target_untouched),
		CASE(a_dangling_link_creates_nothing_elsewhere),
		CASE(a_fifo_is_written_in_place),
		CASE(a_full_disk_is_an_error_with_a_name),
		CASE(what_cannot_be_opened_is_named),
		CASE(a_rename_that_fails_leaves_nothing_aside),
		CASE(reading_has_a_limit),
		CASE(pipes_are_read_to_their_end),
		CASE(a_closed_pipe_is_an_error),
		CASE(the_sudo_user_owns_what_root_writes),
	};
	return cmocka_run_group_tests_name("base/file", tests, NULL, NULL);
}
