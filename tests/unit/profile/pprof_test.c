// SPDX-License-Identifier: MIT
#include "fixture.h"

#include <string.h>

static struct profile *read_back(const struct strbuf *bytes)
{
	struct error err = { 0 };
	struct profile *p = NULL;
	if (pprof_read(bytes->text, bytes->length, &p, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

static void a_capture_read_and_written_is_the_same_file(void **state)
{
	(void)state;
	struct profile *p = fixture_profile(0);
	struct strbuf once = { 0 }, twice = { 0 };
	assert_int_equal(pprof_write(p, &once, NULL), 0);
	struct profile *q = read_back(&once);
	assert_int_equal(pprof_write(q, &twice, NULL), 0);
	assert_int_equal(twice.length, once.length);
	assert_memory_equal(twice.text, once.text, once.length);
	profile_destroy(p);
	profile_destroy(q);
	strbuf_deinit(&once);
	strbuf_deinit(&twice);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_capture_read_and_written_is_the_same_file),
	};
	return cmocka_run_group_tests_name("profile/pprof", tests, NULL, NULL);
}
