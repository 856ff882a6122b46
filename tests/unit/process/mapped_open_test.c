// SPDX-License-Identifier: MIT
#include "process/mapped_open.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"

/* A copy of this very program (an ELF file with a build-id) in a folder of its own, mapped. */
struct fixture {
	char folder[64], path[128];
	void *at;
	size_t size_bytes;
	struct stat st;
};

static void write_copy(const char *path, struct stat *st, size_t *size_bytes)
{
	struct strbuf self = { 0 };
	assert_int_equal(read_file("/proc/self/exe", 1 << 28, &self, NULL), 0);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0700);
	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, self.text, self.length, NULL), 0);
	assert_int_equal(fstat(fd, st), 0);
	close(fd);
	*size_bytes = self.length;
	strbuf_deinit(&self);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	strcpy(f->folder, "/tmp/mapped_open_XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof(f->path), "%s/program", f->folder);
	write_copy(f->path, &f->st, &f->size_bytes);
	int fd = open(f->path, O_RDONLY);
	f->at = mmap(NULL, f->size_bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(f->at, MAP_FAILED);
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	munmap(f->at, f->size_bytes);
	unlink(f->path);
	rmdir(f->folder);
	free(f);
	return 0;
}

static struct mapped_open what(struct fixture *f)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), start = (uint64_t)(uintptr_t)f->at;
	return (struct mapped_open){ .pid = getpid(),
				     .start = start,
				     .end = start + (f->size_bytes + page - 1) / page * page,
				     .path = f->path,
				     .inode = f->st.st_ino };
}

static int open_it(const struct mapped_open *w, struct object **out, struct error *err)
{
	struct file_roots roots = { .count = 0 };
	int r = mapped_open(&roots, w, out, err);
	file_roots_deinit(&roots);
	return r;
}

static void what_is_mapped_is_opened(void **state)
{
	struct mapped_open w = what(*state);
	struct object *o;
	assert_int_equal(open_it(&w, &o, NULL), 0);
	assert_int_equal(o->inode, w.inode);
	assert_true(o->build_id_size > 0);
	object_unref(o);
}

static void another_file_at_the_path_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mapped_open w = what(f);
	struct object *o;
	struct error err = { 0 };
	struct stat st;
	size_t size_bytes;
	char kept[160];
	snprintf(kept, sizeof(kept), "%s.kept", f->path);
	assert_int_equal(rename(f->path, kept), 0); /* keeps its inode from being used again */
	write_copy(f->path, &st, &size_bytes);
	w.start = w.end = 4096; /* map_files has nothing there */
	assert_int_equal(open_it(&w, &o, &err), -ESTALE);
	assert_non_null(strstr(err.text, "is not the file that was mapped"));
	w.inode = st.st_ino;
	w.build_id_size = 4;
	memcpy(w.build_id, "none", 4);
	assert_int_equal(open_it(&w, &o, &err), -ESTALE);
	unlink(kept);
}

/* Opening a FIFO for reading would wait for a writer, for ever. */
static void what_is_no_regular_file_is_not_opened(void **state)
{
	struct fixture *f = *state;
	struct mapped_open w = what(f);
	struct object *o;
	struct error err = { 0 };
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	w.start = w.end = 4096;
	alarm(10);
	assert_true(open_it(&w, &o, &err) < 0);
	alarm(0);
	assert_true(err.text[0]);
}

/* Only /proc/PID/map_files leads to it, and only with rights (CAP_CHECKPOINT_RESTORE). */
static void a_deleted_file_is_opened_by_its_mapping(void **state)
{
	struct fixture *f = *state;
	struct mapped_open w = what(f);
	struct object *o;
	char link[96];
	unlink(f->path);
	snprintf(link, sizeof(link), "/proc/self/map_files/%llx-%llx", (unsigned long long)w.start,
		 (unsigned long long)w.end);
	int fd = open(link, O_RDONLY);
	if (fd < 0)
		skip();
	close(fd);
	assert_int_equal(open_it(&w, &o, NULL), 0);
	assert_int_equal(o->inode, w.inode);
	object_unref(o);
	w.start = w.end = 4096;
	assert_int_equal(open_it(&w, &o, NULL), -ENOENT);
}

/* In a root of its own an absolute link means something else than to us. */
static void links_are_followed_inside_the_targets_root(void **state)
{
	struct fixture *f = *state;
	char link[96];
	snprintf(link, sizeof(link), "%s/link", f->folder);
	assert_int_equal(symlink("/program", link), 0);
	pid_t pid = fork();
	if (!pid) {
		if (chroot(f->folder) < 0)
			_exit(1);
		pause();
		_exit(0);
	}
	struct mapped_open w = what(f);
	struct object *o = NULL;
	char root[64], text[128] = "";
	int status, r = -1;
	snprintf(root, sizeof(root), "/proc/%d/root", (int)pid);
	while (waitpid(pid, &status, WNOHANG) == 0 && strcmp(text, f->folder) != 0)
		if (readlink(root, text, sizeof(text) - 1) < 0)
			break;
	w.pid = pid;
	w.start = w.end = 4096;
	w.path = (char[]){ "/link" };
	if (!strcmp(text, f->folder))
		r = open_it(&w, &o, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	unlink(link);
	if (strcmp(text, f->folder) != 0)
		skip(); /* only root may change its root */
	assert_int_equal(r, 0);
	assert_int_equal(o->inode, w.inode);
	object_unref(o);
}

static unsigned open_descriptors(void)
{
	unsigned n = 0;
	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void a_failure_leaves_no_descriptor(void **state)
{
	struct fixture *f = *state;
	struct mapped_open w = what(f);
	struct object *o;
	unsigned before = open_descriptors();
	w.start = w.end = 4096;
	w.path = (char[]){ "/no/such/file" };
	w.inode = 0;
	assert_int_equal(open_it(&w, &o, NULL), -ENOENT);
	w.path = (char[]){ "/dev/null" };
	assert_int_equal(open_it(&w, &o, NULL), -EINVAL);
	w.path = (char[]){ "/etc/passwd" };
	assert_int_equal(open_it(&w, &o, NULL), -ENOEXEC);
	assert_int_equal(open_descriptors(), before);
}

/* Of a recorded process its number says nothing: only the path, and what perf has put by. */
static void of_a_file_only_the_path_counts(void **state)
{
	struct mapped_open w = what(*state);
	struct object *o;
	w.pid = 0;
	assert_int_equal(open_it(&w, &o, NULL), 0);
	object_unref(o);
	w.path = (char *)(uintptr_t) "/nonexistent/program";
	assert_int_equal(open_it(&w, &o, NULL), -ENOENT);
}

static void make_folder(char *path, size_t size_bytes, const char *base, const char *below)
{
	snprintf(path, size_bytes, "%s%s", base, below);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* ~/.debug/.build-id/ab/cdef.../elf, and what older versions of perf left: the file itself. */
static void a_file_is_found_in_perfs_cache(void **state)
{
	struct fixture *f = *state;
	struct mapped_open w = what(f);
	struct object *o;
	char ids[96], below[48], two[160], elf[224], file[240], hex[2 * OBJECT_BUILD_ID_MAX + 1];
	assert_int_equal(open_it(&w, &o, NULL), 0);
	w.build_id_size = o->build_id_size;
	memcpy(w.build_id, o->build_id, o->build_id_size);
	object_unref(o);
	for (size_t i = 0; i < w.build_id_size; i++)
		snprintf(hex + 2 * i, 3, "%02x", w.build_id[i]);
	w.pid = 0;
	w.path = (char *)(uintptr_t) "/nonexistent/program";
	w.build_id_dir = f->folder;
	assert_int_equal(open_it(&w, &o, NULL), -ENOENT);
	make_folder(ids, sizeof(ids), f->folder, "/.build-id");
	snprintf(below, sizeof(below), "/%.2s", hex);
	make_folder(two, sizeof(two), ids, below);
	snprintf(below, sizeof(below), "/%s", hex + 2);
	make_folder(elf, sizeof(elf), two, below);
	snprintf(file, sizeof(file), "%s/elf", elf);
	assert_int_equal(rename(f->path, file), 0);
	assert_int_equal(open_it(&w, &o, NULL), 0);
	object_unref(o);
	assert_int_equal(rename(file, f->path), 0);
	assert_int_equal(rmdir(elf), 0);
	assert_int_equal(link(f->path, elf), 0);
	assert_int_equal(open_it(&w, &o, NULL), 0);
	object_unref(o);
	unlink(elf);
	assert_int_equal(symlink("/bin/sh", elf), 0); /* another file */
	assert_int_equal(open_it(&w, &o, NULL), -ENOENT);
	unlink(elf);
	rmdir(two);
	rmdir(ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_mapped_is_opened, setup, teardown),
		cmocka_unit_test_setup_teardown(another_file_at_the_path_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_not_opened, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_deleted_file_is_opened_by_its_mapping, setup,
						teardown),
		cmocka_unit_test_setup_teardown(links_are_followed_inside_the_targets_root, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_failure_leaves_no_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_file_only_the_path_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_found_in_perfs_cache, setup, teardown),
	};
	return cmocka_run_group_tests_name("process/mapped_open", tests, NULL, NULL);
}
