// SPDX-License-Identifier: MIT
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "../support/elf_builder.h"
#include "symbol/worker.h"

#include <cmocka.h>

enum { FUNCTIONS = 2000 };

/* f0 at 0x1000, f1 at 0x1010, ... */
static struct object *numbered_functions(void)
{
	static const char code[FUNCTIONS * 16];
	struct elf_builder b;
	struct strbuf file = { 0 }, symbols = { 0 }, names = { 0 };
	struct object *o = NULL;
	elf_builder_init(&b, ET_DYN);
	elf_builder_section(&b, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, 0x1000, code,
			    sizeof(code));
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "f%u", i);
		elf_symbol(&symbols, &names, name, STB_GLOBAL, STT_FUNC, 1, 0x1000 + 16 * i, 16);
	}
	int table =
		elf_builder_section(&b, ".symtab", SHT_SYMTAB, 0, 0, symbols.text, symbols.length);
	int strings =
		elf_builder_section(&b, ".strtab", SHT_STRTAB, 0, 0, names.text, names.length);
	b.sections[table].sh_link = (Elf64_Word)strings;
	elf_build(&b, &file);
	assert_int_equal(object_open_image(file.text, file.length, "/x", &o, NULL), 0);
	strbuf_deinit(&file);
	strbuf_deinit(&symbols);
	strbuf_deinit(&names);
	return o;
}

static struct symbol_worker *start(void)
{
	struct symbol_worker *w = NULL;
	struct error err = { 0 };
	const struct symbol_config config = { .inlines = true, .debug_dir = "/nonexistent" };
	assert_int_equal(symbol_worker_start(&config, &w, &err), 0);
	return w;
}

static bool readable(const struct symbol_worker *w)
{
	struct pollfd p = { .fd = symbol_worker_fd(w), .events = POLLIN };
	return poll(&p, 1, 0) == 1;
}

static void submit(struct symbol_worker *w, struct object *o, uint32_t i)
{
	const struct symbol_request request = { .token = i,
						.object = o,
						.vaddr = 0x1000 + 16 * (uint64_t)i };
	assert_int_equal(symbol_worker_submit(w, &request), 0);
}

static void answers_come_in_order(void **state)
{
	(void)state;
	struct object *o = numbered_functions();
	struct symbol_worker *w = start();
	struct symbol_answer a;
	assert_false(symbol_worker_take(w, &a));
	assert_false(readable(w));
	for (uint32_t i = 0; i < FUNCTIONS; i++)
		submit(w, o, i);
	assert_true(symbol_worker_wait(w, 20000));
	assert_int_equal(symbol_worker_pending(w), FUNCTIONS);
	assert_true(readable(w));
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		char name[16];
		assert_true(readable(w));
		assert_true(symbol_worker_take(w, &a));
		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(a.token, i);
		assert_string_equal(a.result.lines[0].function, name);
	}
	assert_false(symbol_worker_take(w, &a));
	assert_false(readable(w));
	assert_int_equal(symbol_worker_pending(w), 0);
	assert_true(symbol_worker_cpu_ns(w) > 0);
	object_unref(o);
	symbol_worker_destroy(w);
}

static void answers_are_taken_while_more_come(void **state)
{
	(void)state;
	struct object *o = numbered_functions();
	struct symbol_worker *w = start();
	uint32_t sent = 0, taken = 0;
	while (taken < FUNCTIONS) {
		for (int i = 0; i < 7 && sent < FUNCTIONS; i++)
			submit(w, o, sent++);
		struct pollfd p = { .fd = symbol_worker_fd(w), .events = POLLIN };
		assert_int_equal(poll(&p, 1, 20000), 1);
		struct symbol_answer a;
		while (symbol_worker_take(w, &a))
			assert_int_equal(a.token, taken++);
	}
	object_unref(o);
	symbol_worker_destroy(w);
}

static void unanswered_requests_are_given_up_at_the_end(void **state)
{
	(void)state;
	struct object *o = numbered_functions();
	for (int round = 0; round < 50; round++) {
		struct symbol_worker *w = start();
		for (uint32_t i = 0; i < 200; i++)
			submit(w, o, i);
		symbol_worker_destroy(w);
		assert_int_equal(__atomic_load_n(&o->references, __ATOMIC_ACQUIRE), 1);
	}
	object_unref(o);
	symbol_worker_destroy(NULL);
}

static void kernel_addresses_need_no_object(void **state)
{
	(void)state;
	struct symbol_worker *w = start();
	const struct symbol_request request = { .token = 5, .vaddr = 1 };
	struct symbol_answer a;
	assert_int_equal(symbol_worker_submit(w, &request), 0);
	assert_true(symbol_worker_wait(w, 20000));
	assert_true(symbol_worker_take(w, &a));
	assert_int_equal(a.token, 5);
	assert_int_equal(a.result.line_count, 0);
	symbol_worker_destroy(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_in_order),
		cmocka_unit_test(answers_are_taken_while_more_come),
		cmocka_unit_test(unanswered_requests_are_given_up_at_the_end),
		cmocka_unit_test(kernel_addresses_need_no_object),
	};
	return cmocka_run_group_tests_name("symbol/worker", tests, NULL, NULL);
}
