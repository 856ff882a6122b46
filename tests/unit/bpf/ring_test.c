// SPDX-License-Identifier: MIT
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sampler/bpf_ring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

enum { RING_BYTES = 4096 };

/* A ring as the kernel maps it, data twice in a row; the test is the producer. */
static struct {
	uint64_t consumer, producer;
	uint8_t *data;
	struct bpf_ring ring;
} fake;

static int begin(void **state)
{
	(void)state;
	int fd = memfd_create("ring", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, RING_BYTES) < 0)
		return -1;
	uint8_t *at = mmap(NULL, 2 * RING_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 2; i++)
		mmap(at + i * RING_BYTES, RING_BYTES, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	memset(&fake, 0, sizeof(fake));
	fake.data = at;
	fake.ring = (struct bpf_ring){ .consumer = &fake.consumer,
				       .producer = &fake.producer,
				       .data = at,
				       .size_bytes = RING_BYTES };
	return 0;
}

static int end(void **state)
{
	(void)state;
	vec_free(&fake.ring.slots);
	vec_free(&fake.ring.order);
	munmap(fake.data, 2 * RING_BYTES);
	return 0;
}

enum { BUSY = 1u << 31, DISCARDED = 1u << 30 };

static void put(uint64_t time_ns, int tid, uint32_t flags)
{
	struct wire_task task = { { WIRE_EXIT, sizeof(task), time_ns, 1, tid }, 7 };
	uint32_t length = (uint32_t)sizeof(task) | flags;
	uint8_t *at = fake.data + fake.producer % RING_BYTES;
	memcpy(at, &length, sizeof(length));
	memcpy(at + 8, &task, sizeof(task));
	fake.producer += 8 + sizeof(task);
}

static void assert_next(int tid)
{
	const struct wire_head *head = bpf_ring_peek(&fake.ring);
	assert_non_null(head);
	assert_int_equal(head->tid, tid);
	bpf_ring_consume(&fake.ring);
}

static void records_come_in_the_order_of_time(void **state)
{
	(void)state;
	put(30, 3, 0);
	put(10, 1, 0);
	put(20, 2, 0);
	assert_int_equal(bpf_ring_scan(&fake.ring), 0);
	assert_next(1);
	assert_int_equal(fake.consumer, 0); /* the first in the ring is still wanted */
	assert_next(2);
	assert_next(3);
	assert_int_equal(fake.consumer, fake.producer);
	assert_null(bpf_ring_peek(&fake.ring));
}

static void a_busy_record_holds_up_those_behind(void **state)
{
	(void)state;
	put(10, 1, 0);
	uint64_t at = fake.producer;
	put(20, 2, BUSY);
	put(15, 3, 0);
	bpf_ring_scan(&fake.ring);
	assert_next(1);
	assert_null(bpf_ring_peek(&fake.ring));
	uint32_t length = sizeof(struct wire_task);
	memcpy(fake.data + at, &length, sizeof(length));
	bpf_ring_scan(&fake.ring);
	assert_next(3);
	assert_next(2);
}

static void discarded_and_damaged_records_are_passed_over(void **state)
{
	(void)state;
	put(10, 1, DISCARDED);
	put(11, 2, 0);
	struct wire_head head = { WIRE_SAMPLE, sizeof(head) + 8, 12, 1, 3 };
	uint32_t length = sizeof(head) + 8; /* too short for a sample */
	memcpy(fake.data + fake.producer, &length, sizeof(length));
	memcpy(fake.data + fake.producer + 8, &head, sizeof(head));
	fake.producer += 8 + length;
	put(13, 4, 0);
	bpf_ring_scan(&fake.ring);
	assert_next(2);
	assert_next(4);
	assert_int_equal(fake.consumer, fake.producer);
}

static void goes_round_many_times(void **state)
{
	(void)state;
	for (int i = 1; i < 1000; i++) {
		put((uint64_t)i, i, 0);
		bpf_ring_scan(&fake.ring);
		assert_next(i);
	}
	assert_true(fake.producer > 5 * RING_BYTES);
	assert_int_equal(fake.consumer, fake.producer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_in_the_order_of_time),
		TEST(a_busy_record_holds_up_those_behind),
		TEST(discarded_and_damaged_records_are_passed_over),
		TEST(goes_round_many_times),
	};
	return cmocka_run_group_tests_name("bpf/ring", tests, NULL, NULL);
}
