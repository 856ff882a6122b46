// SPDX-License-Identifier: MIT
#include "stacks.h"

#include "analyze/hotspots.h"

static const struct hotspot *find(const struct profile *p, const struct hotspots *h,
				  const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (!strcmp(profile_string(p, h->at[i].function), name))
			return &h->at[i];
	return NULL;
}

static void self_and_total(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("prog;main@prog:3;hot@prog:7 50\n"
					   "prog;main@prog:3;warm@prog:2;hot@prog:8 25\n"
					   "prog;main@prog:4 25\n");
	struct hotspots h;
	assert_int_equal(hotspots_build(p, &h, NULL), 0);
	assert_int_equal(h.samples, 100);
	assert_int_equal(h.count, 3);
	const struct hotspot *hot = &h.at[0], *mainf = &h.at[1], *warm = &h.at[2];
	assert_string_equal(profile_string(p, hot->function), "hot");
	assert_int_equal(hot->self, 75);
	assert_int_equal(hot->total, 75);
	assert_int_equal(hot->line, 7);
	assert_string_equal(profile_string(p, hot->module), "prog");
	assert_string_equal(profile_string(p, hot->file), "hot.c");
	assert_int_equal(hot->self_ns, 750000000);
	assert_string_equal(profile_string(p, mainf->function), "main");
	assert_int_equal(mainf->self, 25);
	assert_int_equal(mainf->total, 100);
	assert_int_equal(mainf->line, 4); /* self counts before total */
	assert_int_equal(warm->self, 0);
	assert_int_equal(warm->total, 25);
	assert_int_equal(warm->line, 2);
	assert_true(hot->self_share.low < 75 && 75 < hot->self_share.high);
	hotspots_deinit(&h);
	profile_destroy(p);
}

/* Truth by hand: f is on the stack of 1 + 2 + 4 samples, however often. */
static void recursion_counts_once(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;main;f 1\n"
					   "t;main;f;f 2\n"
					   "t;main;f;g;f;i!f 4\n"
					   "t;main;g 8\n"
					   "t;g;main;g 16\n");
	struct hotspots h;
	assert_int_equal(hotspots_build(p, &h, NULL), 0);
	assert_int_equal(find(p, &h, "f")->total, 7);
	assert_int_equal(find(p, &h, "f")->self, 7);
	assert_int_equal(find(p, &h, "g")->total, 28);
	assert_int_equal(find(p, &h, "g")->self, 24);
	assert_int_equal(find(p, &h, "main")->total, 31);
	hotspots_deinit(&h);
	profile_destroy(p);
}

static void equal_names_in_two_modules_stay_apart(void **state)
{
	(void)state;
	struct profile *p =
		stacks_profile("t;main@prog;init@liba.so 3\nt;main@prog;init@libb.so 4\n");
	struct hotspots h;
	assert_int_equal(hotspots_build(p, &h, NULL), 0);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.at[0].self, 4);
	assert_string_equal(profile_string(p, h.at[0].module), "libb.so");
	hotspots_deinit(&h);
	profile_destroy(p);
}

static void quality_of_modules(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("t;[truncated];cb@libx.so;deep@prog 5\n"
					   "t;[truncated];k!sys 2\n"
					   "t;main@prog;u![libx.so+0x10]@libx.so 3\n"
					   "t;main@prog;other@libx.so;main@prog 10\n");
	struct quality q;
	assert_int_equal(quality_build(p, &q, NULL), 0);
	assert_int_equal(q.samples, 20);
	assert_int_equal(q.truncated, 7);
	assert_string_equal(profile_string(p, q.at[0].path), "prog");
	assert_int_equal(q.at[0].self, 15);
	assert_int_equal(q.at[0].samples, 18);
	assert_int_equal(q.at[0].truncated, 0);
	assert_string_equal(profile_string(p, q.at[1].path), "libx.so");
	assert_int_equal(q.at[1].self, 3);
	assert_int_equal(q.at[1].samples, 18);
	assert_int_equal(q.at[1].truncated, 5);
	assert_int_equal(q.at[1].unnamed, 3);
	assert_string_equal(profile_string(p, q.at[1].truncated_reason), "no-rule");
	quality_deinit(&q);
	profile_destroy(p);
}

static void an_empty_profile(void **state)
{
	(void)state;
	struct profile *p = stacks_profile("");
	struct hotspots h;
	struct quality q;
	assert_int_equal(hotspots_build(p, &h, NULL), 0);
	assert_int_equal(quality_build(p, &q, NULL), 0);
	assert_int_equal(h.count, 0);
	assert_int_equal(q.count, 0);
	hotspots_deinit(&h);
	quality_deinit(&q);
	profile_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_and_total),
		cmocka_unit_test(recursion_counts_once),
		cmocka_unit_test(equal_names_in_two_modules_stay_apart),
		cmocka_unit_test(quality_of_modules),
		cmocka_unit_test(an_empty_profile),
	};
	return cmocka_run_group_tests_name("analyze/hotspots", tests, NULL, NULL);
}
