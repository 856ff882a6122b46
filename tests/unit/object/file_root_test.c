// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "object/file_root.h"
#include "object/open_apart.h"

#include <errno.h>
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

#include "base/file.h"

static const char TEXT[] = "what stands in the file\n";

struct fixture {
	char folder[64], file[96], fifo[96];
	struct stat st;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->folder, "/tmp/file_root_XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->file, sizeof(f->file), "%s/file", f->folder);
	snprintf(f->fifo, sizeof(f->fifo), "%s/fifo", f->folder);
	struct file_owner nobody = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	assert_int_equal(write_file(f->file, TEXT, strlen(TEXT), nobody, NULL), 0);
	assert_int_equal(mkfifo(f->fifo, 0600), 0);
	assert_int_equal(stat(f->file, &f->st), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	unlink(f->file);
	unlink(f->fifo);
	rmdir(f->folder);
	free(f);
	return 0;
}

static void assert_content(int fd)
{
	char bytes[64] = "";
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), strlen(TEXT));
	assert_string_equal(bytes, TEXT);
	close(fd);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void files_links_and_what_is_neither(void **state)
{
	const struct fixture *f = *state;
	struct file_roots roots = { .count = 0 };
	struct file_root *root, *again;
	struct opened_file file;
	char link[64];
	unsigned before = open_descriptors();
	assert_int_equal(file_roots_get(&roots, 0, &root, NULL), 0);
	assert_int_equal(file_roots_get(&roots, getpid(), &again, NULL), 0);
	assert_ptr_equal(root, again);
	assert_int_equal(file_root_open_file(root, f->file, &file, NULL), 0);
	assert_int_equal(file.inode, f->st.st_ino);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file.fd);
	struct opened_file linked;
	assert_int_equal(file_root_open_link(root, link, &linked, NULL), 0);
	assert_int_equal(linked.inode, f->st.st_ino);
	assert_content(linked.fd);
	assert_content(file.fd);
	alarm(10); /* a FIFO that is opened waits for a writer */
	struct error err = { 0 };
	assert_int_equal(file_root_open_file(root, f->fifo, &file, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is no regular file"));
	alarm(0);
	assert_int_equal(file_root_open_file(root, "/no/such/file", &file, NULL), -ENOENT);
	assert_true(file_roots_get(&roots, 0x7fffffff, &again, NULL) < 0);
	file_root_unref(root);
	file_root_unref(root);
	file_roots_deinit(&roots);
	assert_int_equal(open_descriptors(), before);
}

static void a_copy_is_made_apart(void **state)
{
	const struct fixture *f = *state;
	struct apart_request request = { .root_fd = -1, .path = f->file };
	uint64_t inode = 0;
	unsigned before = open_descriptors();
	int fd = open_apart(&request, &inode);
	assert_true(fd >= 0);
	assert_int_equal(inode, f->st.st_ino);
	assert_content(fd);
	request.root_fd = open(f->folder, O_PATH | O_DIRECTORY);
	request.path = "/file"; /* its root is the folder */
	fd = open_apart(&request, &inode);
	assert_true(fd >= 0);
	assert_content(fd);
	request.path = "/fifo";
	assert_int_equal(open_apart(&request, &inode), -EINVAL);
	request.path = "/none";
	assert_int_equal(open_apart(&request, &inode), -ENOENT);
	close(request.root_fd);
	assert_int_equal(open_descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_links_and_what_is_neither, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_is_made_apart, setup, teardown),
	};
	return cmocka_run_group_tests_name("object/file_root", tests, NULL, NULL);
}
