// SPDX-License-Identifier: MIT
#include "stacks.h"

#include "analyze/calltree.h"
#include "base/strbuf.h"

/* One line a node: indent, name, self/total, and marks. */
static char *draw(const struct profile *p, struct calltree_options options)
{
	static const char *const kinds[] = { "root",   "thread", "",        "lib",
					     "kernel", "jit",    "unnamed", "truncated" };
	struct calltree *t;
	struct strbuf out = { 0 };
	assert_int_equal(calltree_build(p, &options, &t, NULL), 0);
	for (size_t i = 0; i < t->count; i++) {
		const struct calltree_node *n = &t->nodes[i];
		assert_true(i == 0 || n->parent < i);
		assert_int_equal(n->depth, i ? t->nodes[n->parent].depth + 1 : 0);
		strbuf_printf(&out, "%*s%s %d/%d %s%s", (int)n->depth, "",
			      strings_text(&t->strings, n->name), (int)n->self, (int)n->total,
			      kinds[n->kind], n->inlined ? "inlined" : "");
		if (n->line)
			strbuf_printf(&out, "%s:%u", strings_text(&t->strings, n->file), n->line);
		strbuf_putc(&out, '\n');
	}
	calltree_destroy(t);
	return out.text;
}

static void check(const char *stacks, struct calltree_options options, const char *expected)
{
	struct profile *p = stacks_profile(stacks);
	char *drawn = draw(p, options);
	assert_string_equal(drawn, expected);
	free(drawn);
	profile_destroy(p);
}

static const char sample[] = "worker;main@prog:3;hot@prog:7 5\n"
			     "worker;main@prog:3;i!inl@prog:9;hot@prog:8 6\n"
			     "aux;main@prog:3;read@libc.so.6;k!sys_read 2\n"
			     "aux;main@prog:4;hot@prog:7 10\n"
			     "aux;[truncated];u![libc.so.6+0x10]@libc.so.6 1\n"
			     "aux;j![anon] 1\n";

static void merges_by_function(void **state)
{
	(void)state;
	check(sample, (struct calltree_options){ 0 },
	      "all 0/25 root\n"
	      " aux 0/14 thread\n"
	      "  [anon] 1/1 jit\n"
	      "  [truncated] 0/1 truncated\n"
	      "   [libc.so.6+0x10] 1/1 unnamed\n"
	      "  main 0/12 main.c:4\n"
	      "   hot 10/10 hot.c:7\n"
	      "   read 0/2 lib\n"
	      "    sys_read 2/2 kernel\n"
	      " worker 0/11 thread\n"
	      "  main 0/11 main.c:3\n"
	      "   hot 5/5 hot.c:7\n"
	      "   inl 0/6 inlinedinl.c:9\n"
	      "    hot 6/6 hot.c:8\n");
}

static void without_threads_lines_have_the_most_samples(void **state)
{
	(void)state;
	check("t;main@prog:3;hot@prog:7 5\nt;main@prog:3;hot@prog:8 6\nu;main@prog:4;hot@prog:7 "
	      "2\n",
	      (struct calltree_options){ .no_comm = true },
	      "all 0/13 root\n"
	      " main 0/13 main.c:3\n"
	      "  hot 13/13 hot.c:7\n");
}

static void threads_are_named_by_tid(void **state)
{
	(void)state;
	check("t;main 2\n", (struct calltree_options){ .threads = true },
	      "all 0/2 root\n"
	      " t-7 0/2 thread\n"
	      "  main 2/2 \n");
}

static void merged_from_the_leaf(void **state)
{
	(void)state;
	check("t;a;b;i!c 3\nt;a;c 4\nu;c 1\n", (struct calltree_options){ .inverted = true },
	      "all 0/8 root\n"
	      " c 0/8 \n"
	      "  a 0/4 \n"
	      "   t 4/4 thread\n"
	      "  b 0/3 \n"
	      "   a 0/3 \n"
	      "    t 3/3 thread\n"
	      "  u 1/1 thread\n");
}

static void an_empty_profile_has_a_root(void **state)
{
	(void)state;
	check("", (struct calltree_options){ 0 }, "all 0/0 root\n");
	check("", (struct calltree_options){ .inverted = true }, "all 0/0 root\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_by_function),
		cmocka_unit_test(without_threads_lines_have_the_most_samples),
		cmocka_unit_test(threads_are_named_by_tid),
		cmocka_unit_test(merged_from_the_leaf),
		cmocka_unit_test(an_empty_profile_has_a_root),
	};
	return cmocka_run_group_tests_name("analyze/calltree", tests, NULL, NULL);
}
