// SPDX-License-Identifier: MIT
/* Before cmocka.h, which has a macro fail(). */
#include "process/remedies.h"
#include "sampler/refusal.h"

#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void assert_says(const struct refusal *r, const char *cause, enum remedy_id id)
{
	struct error err = { 0 };
	assert_int_equal(refusal_explain(r, &err), r->code);
	assert_non_null(strstr(err.text, cause));
	assert_non_null(strstr(err.text, remedy(id)->command));
	assert_non_null(strstr(err.text, remedy(id)->opens));
	assert_non_null(strstr(err.text, "; 'perfprof check' says more")); /* nothing is cut off */
}

static void test_debian_and_ubuntu(void **state)
{
	(void)state;
	for (int level = 3; level <= 4; level++) {
		struct rights rights = { .euid = 1000, .perf_paranoid = level };
		struct refusal r = { .rights = &rights, .code = -EACCES };
		assert_says(&r,
			    level == 3 ? "perf_event_paranoid is 3, "
				       : "perf_event_paranoid is 4, ",
			    REMEDY_PARANOID_2);
		assert_says(&r, "nobody without CAP_PERFMON", REMEDY_SUDO);
	}
}

/* Who has the capability is refused by something else. */
static void test_capable_at_4(void **state)
{
	(void)state;
	struct rights rights = { .euid = 0,
				 .perf_paranoid = 4,
				 .capabilities = UINT64_C(1) << CAP_SYS_ADMIN,
				 .under_seccomp = true };
	struct refusal r = { .rights = &rights, .code = -EPERM };
	assert_says(&r, "a seccomp filter", REMEDY_CONTAINER);
	assert_says(&r, "a seccomp filter", REMEDY_SECCOMP);
	rights.in_user_namespace = true; /* there the capability counts for nothing */
	assert_says(&r, "perf_event_paranoid is 4", REMEDY_SUDO);
}

static void test_somebody_elses(void **state)
{
	(void)state;
	struct rights rights = { .euid = 1000, .perf_paranoid = 2 };
	struct process_owner owner = { .known = true, .name = "www-data" };
	struct refusal r = { .rights = &rights, .owner = &owner, .pid = 4711, .code = -EACCES };
	assert_says(&r, "process 4711: it belongs to www-data", REMEDY_SUDO);
	owner.same_user = owner.undumpable = true;
	assert_says(&r, "hidden its memory", REMEDY_SUDO);
	owner.undumpable = false;
	assert_says(&r, "process 4711: not permitted (it may have changed", REMEDY_SUDO);
	/* Nobody may sample at 3: then the owner is not the cause. */
	owner.same_user = false;
	rights.perf_paranoid = 3;
	assert_says(&r, "perf_event_paranoid is 3", REMEDY_PARANOID_2);
}

static void test_no_call(void **state)
{
	(void)state;
	struct rights rights = { .perf_paranoid = RIGHTS_UNKNOWN };
	struct refusal r = { .rights = &rights, .code = -EPERM };
	struct error err = { 0 };
	assert_int_equal(refusal_explain(&r, &err), -ENOSYS);
	assert_non_null(strstr(err.text, "no perf_event_open"));
	r.code = -EMFILE; /* without descriptors /proc/sys cannot be read either */
	assert_int_equal(refusal_explain(&r, &err), -EMFILE);
	assert_non_null(strstr(err.text, "may open no more files"));
	rights.perf_paranoid = 2;
	r.code = -ENOMEM;
	assert_int_equal(refusal_explain(&r, &err), -ENOMEM);
	assert_string_equal(err.text, "cannot sample: perf_event_open: Cannot allocate memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_debian_and_ubuntu),
		cmocka_unit_test(test_capable_at_4),
		cmocka_unit_test(test_somebody_elses),
		cmocka_unit_test(test_no_call),
	};
	return cmocka_run_group_tests_name("sampler/refusal", tests, NULL, NULL);
}
