// SPDX-License-Identifier: MIT
#include "process/process.h" /* before cmocka.h, which has a macro fail() */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* Pids that no machine has (above PID_MAX_LIMIT), so that /proc says nothing of them. */
enum { PARENT = 5000001, CHILD = 5000002, WORKER = 5000003 };

static int create(void **state)
{
	return process_table_create((struct process_table **)state, NULL);
}

static int destroy(void **state)
{
	process_table_destroy(*state);
	return 0;
}

static bool comm(struct process_table *t, pid_t pid, pid_t tid, const char *name, bool is_exec)
{
	struct record r = {
		.kind = RECORD_COMM, .pid = pid, .tid = tid, .comm = { name, is_exec }
	};
	return process_apply(t, &r);
}

static bool forked(struct process_table *t, pid_t pid, pid_t tid, pid_t parent, pid_t parent_tid)
{
	struct record r = {
		.kind = RECORD_FORK, .pid = pid, .tid = tid, .fork = { parent, parent_tid }
	};
	return process_apply(t, &r);
}

static bool mapped(struct process_table *t, pid_t pid, uint64_t start, uint64_t end,
		   const char *path, uint64_t inode)
{
	struct record r = { .kind = RECORD_MMAP, .pid = pid, .tid = pid };
	r.mmap = (struct record_mmap){
		.start = start, .end = end, .executable = true, .inode = inode, .path = path
	};
	return process_apply(t, &r);
}

static void ended(struct process_table *t, pid_t pid)
{
	struct record r = { .kind = RECORD_EXIT, .pid = pid, .tid = pid };
	process_apply(t, &r);
}

static const char *path_at(struct process_table *t, process_id p, uint64_t pc)
{
	const struct mapping *m = process_mapping(t, p, pc);
	return m ? strings_text(process_strings(t), process_mapped(t, m->mapped)->path) : NULL;
}

static const char *name_of(struct process_table *t, pid_t pid, pid_t tid)
{
	thread_ref ref = process_thread(t, process_find(t, pid), tid);
	return strings_text(process_strings(t), thread_info(t, ref)->comm);
}

static void a_child_begins_as_its_parent(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "parent", true);
	mapped(t, PARENT, 0x1000, 0x2000, "/bin/parent", 7);
	forked(t, CHILD, CHILD, PARENT, PARENT);
	assert_string_equal(path_at(t, process_find(t, CHILD), 0x1800), "/bin/parent");
	assert_string_equal(name_of(t, CHILD, CHILD), "parent");
	assert_int_equal(process_info(t, process_find(t, CHILD))->parent_pid, PARENT);
}

static void exec_begins_a_new_image(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "parent", true);
	mapped(t, PARENT, 0x1000, 0x2000, "/bin/parent", 7);
	forked(t, CHILD, CHILD, PARENT, PARENT);
	process_id before = process_find(t, CHILD);
	assert_true(comm(t, CHILD, CHILD, "tool", true));
	process_id after = process_find(t, CHILD);
	assert_int_not_equal(before.v, after.v);
	assert_null(process_mapping(t, after, 0x1800));
	assert_non_null(process_mapping(t, before, 0x1800));
	mapped(t, CHILD, 0x1000, 0x2000, "/bin/tool", 8);
	mapped(t, CHILD, 0x3000, 0x4000, "/lib/ld.so", 9);
	assert_string_equal(path_at(t, after, 0x1800), "/bin/tool");
	assert_string_equal(path_at(t, process_find(t, PARENT), 0x1800), "/bin/parent");
	assert_int_equal(process_binary(t, after).v, process_mapping(t, after, 0x1800)->mapped.v);
	assert_string_equal(name_of(t, CHILD, CHILD), "tool");
}

static void threads_have_names_of_their_own(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "server", true);
	forked(t, PARENT, WORKER, PARENT, PARENT);
	thread_ref before = process_thread(t, process_find(t, PARENT), WORKER);
	assert_string_equal(name_of(t, PARENT, WORKER), "server");
	comm(t, PARENT, WORKER, "worker", false);
	assert_string_equal(name_of(t, PARENT, WORKER), "worker");
	assert_string_equal(name_of(t, PARENT, PARENT), "server");
	/* Samples taken earlier keep the name of then. */
	assert_string_equal(strings_text(process_strings(t), thread_info(t, before)->comm),
			    "server");
}

static void a_pid_that_comes_again_is_another_process(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "parent", true);
	forked(t, CHILD, CHILD, PARENT, PARENT);
	mapped(t, CHILD, 0x1000, 0x2000, "/lib/plugin", 7);
	process_id first = process_find(t, CHILD);
	ended(t, CHILD);
	assert_true(process_info(t, first)->exited);
	assert_string_equal(path_at(t, first, 0x1000), "/lib/plugin");
	forked(t, CHILD, CHILD, PARENT, PARENT);
	process_id second = process_find(t, CHILD);
	assert_int_not_equal(first.v, second.v);
	assert_false(process_info(t, second)->exited);
	assert_null(process_mapping(t, second, 0x1000));
}

static void a_process_lives_as_long_as_a_thread_of_it(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "server", true);
	forked(t, PARENT, WORKER, PARENT, PARENT);
	process_id p = process_find(t, PARENT);
	ended(t, PARENT);
	assert_false(process_info(t, p)->exited);
	ended(t, WORKER);
	assert_true(process_info(t, p)->exited);
}

/* Two generations of events are open for a moment, and each reports what happens then. */
static void what_is_reported_twice_happened_once(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "parent", true);
	struct record r = {
		.kind = RECORD_FORK, .time_ns = 1000000000, .pid = CHILD, .tid = CHILD
	};
	r.fork = (struct record_fork){ PARENT, PARENT };
	process_apply(t, &r);
	process_id first = process_find(t, CHILD);
	r.time_ns += 2000;
	process_apply(t, &r);
	assert_int_equal(process_find(t, CHILD).v, first.v);
	struct record exec = {
		.kind = RECORD_COMM, .time_ns = 1003000000, .pid = CHILD, .tid = CHILD
	};
	exec.comm = (struct record_comm){ "tool", true };
	process_apply(t, &exec);
	process_id image = process_find(t, CHILD);
	assert_int_not_equal(image.v, first.v);
	exec.time_ns += 2000;
	process_apply(t, &exec);
	assert_int_equal(process_find(t, CHILD).v, image.v);
	mapped(t, CHILD, 0x1000, 0x2000, "/bin/tool", 8);
	exec.time_ns += 3000000; /* a script's interpreter: mapped in between, so another exec */
	process_apply(t, &exec);
	assert_int_not_equal(process_find(t, CHILD).v, image.v);
}

static void one_file_is_one_row_however_often_it_is_mapped(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "parent", true);
	uint32_t before = process_mapped_count(t);
	mapped(t, PARENT, 0x1000, 0x2000, "/lib/a.so", 7);
	mapped(t, PARENT, 0x5000, 0x6000, "/lib/a.so", 7);
	mapped(t, CHILD, 0x1000, 0x2000, "/lib/a.so (deleted)", 7);
	assert_int_equal(process_mapped_count(t), before + 1);
	mapped(t, PARENT, 0x8000, 0x9000, "/lib/a.so", 8); /* replaced: another inode */
	assert_int_equal(process_mapped_count(t), before + 2);
}

/* An image that exec has replaced keeps its mappings for a while, not for ever. */
static void replaced_images_give_up_their_mappings(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "first", true);
	mapped(t, PARENT, 0x1000, 0x2000, "/bin/first", 7);
	process_id first = process_find(t, PARENT);
	for (unsigned i = 0; i < 300; i++) {
		comm(t, PARENT, PARENT, "next", true);
		mapped(t, PARENT, 0x1000, 0x2000, "/bin/next", 8);
	}
	assert_true(process_info(t, first)->exited);
	assert_null(process_mapping(t, first, 0x1000));
	assert_string_equal(path_at(t, process_find(t, PARENT), 0x1000), "/bin/next");
}

/* The exec of a thread that is no leader: the others end first, then it has the leader's number. */
static void a_thread_that_execs_becomes_the_leader(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "server", true);
	mapped(t, PARENT, 0x1000, 0x2000, "/bin/server", 7);
	forked(t, PARENT, WORKER, PARENT, PARENT);
	process_id before = process_find(t, PARENT);
	ended(t, PARENT); /* the leader */
	comm(t, PARENT, PARENT, "tool", true);
	process_id after = process_find(t, PARENT);
	assert_true(process_info(t, before)->exited);
	assert_false(process_info(t, after)->exited);
	assert_string_equal(name_of(t, PARENT, PARENT), "tool");
	forked(t, WORKER, WORKER, PARENT, PARENT); /* the thread's old number is free */
	assert_false(process_info(t, after)->exited);
	ended(t, WORKER);
	assert_false(process_info(t, after)->exited);
	ended(t, PARENT);
	assert_true(process_info(t, after)->exited);
}

static void a_name_that_comes_again_is_no_new_row(void **state)
{
	struct process_table *t = *state;
	comm(t, PARENT, PARENT, "idle", true);
	comm(t, PARENT, PARENT, "busy", false);
	uint32_t rows = process_thread_count(t);
	for (unsigned i = 0; i < 100; i++)
		comm(t, PARENT, PARENT, i % 2 ? "busy" : "idle", false);
	assert_int_equal(process_thread_count(t), rows);
	assert_string_equal(name_of(t, PARENT, PARENT), "busy");
}

static void this_process_is_read_from_proc(void **state)
{
	struct process_table *t = *state;
	assert_int_equal(process_add_live(t, getpid(), NULL), 0);
	process_id p = process_find(t, getpid());
	uint64_t here = (uint64_t)(uintptr_t)this_process_is_read_from_proc;
	assert_non_null(strstr(path_at(t, p, here), "process_test"));
	assert_int_equal(process_info(t, p)->parent_pid, getppid());
	assert_true(process_info(t, p)->start_ticks > 0);
	struct error err = { 0 };
	assert_true(process_add_live(t, PARENT, &err) < 0);
	assert_string_equal(err.text, "no process 5000001");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_child_begins_as_its_parent, create, destroy),
		cmocka_unit_test_setup_teardown(exec_begins_a_new_image, create, destroy),
		cmocka_unit_test_setup_teardown(threads_have_names_of_their_own, create, destroy),
		cmocka_unit_test_setup_teardown(a_pid_that_comes_again_is_another_process, create,
						destroy),
		cmocka_unit_test_setup_teardown(a_process_lives_as_long_as_a_thread_of_it, create,
						destroy),
		cmocka_unit_test_setup_teardown(what_is_reported_twice_happened_once, create,
						destroy),
		cmocka_unit_test_setup_teardown(one_file_is_one_row_however_often_it_is_mapped,
						create, destroy),
		cmocka_unit_test_setup_teardown(replaced_images_give_up_their_mappings, create,
						destroy),
		cmocka_unit_test_setup_teardown(a_thread_that_execs_becomes_the_leader, create,
						destroy),
		cmocka_unit_test_setup_teardown(a_name_that_comes_again_is_no_new_row, create,
						destroy),
		cmocka_unit_test_setup_teardown(this_process_is_read_from_proc, create, destroy),
	};
	return cmocka_run_group_tests_name("process/process", tests, NULL, NULL);
}
