// SPDX-License-Identifier: MIT
#include "sampler/bpf_store.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/cleanup.h"

enum { BLOCK_BYTES = (1 << LAYOUT_BLOCK_SHIFT) * sizeof(uint32_t) };

/* The largest value of a row's address: no address in a page reaches it. */
enum { UNREACHED = UINT16_MAX };

static void *map_array(int fd, size_t size_bytes)
{
	void *at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

int bpf_store_open(struct bpf_store *s, const struct bpf_store_fds *fds, struct error *err)
{
	*s = (struct bpf_store){ .blocks_fd = fds->blocks, .next_table = 1 };
	s->rules = map_array(fds->rules, LAYOUT_RULES_MAX * sizeof(*s->rules));
	s->tables = map_array(fds->tables, LAYOUT_TABLES_MAX * sizeof(*s->tables));
	if (!s->rules || !s->tables)
		return fail_errno(err, "cannot map the BPF tables");
	return 0;
}

void bpf_store_close(struct bpf_store *s)
{
	if (s->rules)
		munmap(s->rules, LAYOUT_RULES_MAX * sizeof(*s->rules));
	if (s->tables)
		munmap(s->tables, LAYOUT_TABLES_MAX * sizeof(*s->tables));
	for (uint32_t i = 0; i < s->block_count; i++) {
		munmap(s->blocks[i], BLOCK_BYTES);
		close(s->block_fds[i]);
	}
	index_deinit(&s->rule_index);
	*s = (struct bpf_store){ 0 };
}

static int add_block(struct bpf_store *s, struct error *err)
{
	uint32_t key = s->block_count;
	if (key == LAYOUT_BLOCKS_MAX)
		return fail(err, -ENOSPC, "unwind rows take more than %d MiB",
			    LAYOUT_BLOCKS_MAX * (BLOCK_BYTES >> 20));
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	_cleanup_close_ int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "block", sizeof(uint32_t),
			       sizeof(struct layout_chunk), LAYOUT_BLOCK_CHUNKS, &options);
	if (fd < 0)
		return fail_errno(err, "no memory for unwind rows in the kernel");
	void *at = map_array(fd, BLOCK_BYTES);
	if (!at)
		return fail_errno(err, "cannot map unwind rows");
	if (bpf_map_update_elem(s->blocks_fd, &key, &fd, BPF_ANY) < 0) {
		fail_errno(err, "cannot publish unwind rows");
		munmap(at, BLOCK_BYTES);
		return -errno;
	}
	s->blocks[key] = at;
	s->block_fds[key] = take_fd(&fd);
	s->block_count++;
	return 0;
}

static int reserve(struct bpf_store *s, uint64_t end_word, struct error *err)
{
	while (end_word > (uint64_t)s->block_count << LAYOUT_BLOCK_SHIFT) {
		int r = add_block(s, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint32_t *word_at(struct bpf_store *s, uint32_t index)
{
	return &s->blocks[index >> LAYOUT_BLOCK_SHIFT][index & ((1u << LAYOUT_BLOCK_SHIFT) - 1)];
}

/* @return the number of a rule in the common list; 0, which is CFA_UNKNOWN, when that is full */
static uint16_t common_rule(struct bpf_store *s, const struct unwind_rule *rule)
{
	uint64_t hash = hash_bytes(rule, sizeof(*rule));
	uint32_t row;
	for (struct index_probe p = index_find(&s->rule_index, hash);
	     (row = index_next(&s->rule_index, &p));)
		if (!memcmp(&s->rules[row].rule, rule, sizeof(*rule)))
			return (uint16_t)row;
	if (!s->next_rule)
		s->next_rule = 1; /* 0 stays zeroed: CFA_UNKNOWN */
	if (s->next_rule == LAYOUT_RULES_MAX || !index_add(&s->rule_index, hash, s->next_rule))
		return 0;
	s->rules[s->next_rule].rule = *rule;
	return (uint16_t)s->next_rule++;
}

/* Where the rows of a page go: behind those before, unless they would cross a chunk. */
static uint64_t place_of(uint64_t word, uint32_t row_count)
{
	uint64_t room = LAYOUT_CHUNK_WORDS - word % LAYOUT_CHUNK_WORDS;
	return row_count > room ? word + room : word;
}

struct page_rows { /* of one page, with the row that holds at its beginning */
	uint32_t first, end;
	bool begins_before; /* the row before `first` holds at its first bytes */
};

static struct page_rows page_rows(const struct unwind_rows *r, uint32_t page)
{
	struct page_rows p = { r->pages[page], r->pages[page + 1], false };
	p.begins_before = p.first && (p.first == p.end || r->rows[p.first].low);
	return p;
}

static uint64_t end_of_rows(const struct unwind_rows *r, uint64_t word)
{
	for (uint32_t page = 0; page < r->page_count; page++) {
		struct page_rows p = page_rows(r, page);
		uint32_t count = p.end - p.first + p.begins_before;
		word = place_of(word, count) + count;
	}
	return word;
}

static void put_row(struct bpf_store *s, uint32_t word, uint16_t low, uint16_t rule)
{
	*word_at(s, word) = low | (uint32_t)rule << 16;
}

static void fill(struct bpf_store *s, const struct unwind_rows *r, const uint16_t *rules,
		 uint32_t pages_word, uint32_t word)
{
	for (uint32_t page = 0; page < r->page_count; page++) {
		struct page_rows p = page_rows(r, page);
		uint32_t count = p.end - p.first + p.begins_before;
		for (uint32_t at = (uint32_t)place_of(word, count); word < at; word++)
			put_row(s, word, UNREACHED, 0);
		*word_at(s, pages_word + page) = word;
		if (p.begins_before)
			put_row(s, word++, 0, rules[r->rows[p.first - 1].rule]);
		for (uint32_t i = p.first; i < p.end; i++)
			put_row(s, word++, r->rows[i].low, rules[r->rows[i].rule]);
	}
	*word_at(s, pages_word + r->page_count) = word;
}

int bpf_store_add(struct bpf_store *s, const struct unwind_rows *r, uint32_t *out_table,
		  struct error *err)
{
	uint64_t rows_word = (uint64_t)s->next_word + r->page_count + 1;
	uint64_t end_word = end_of_rows(r, rows_word);
	if (s->next_table == LAYOUT_TABLES_MAX)
		return fail(err, -ENOSPC, "more than %d modules have unwind rows",
			    LAYOUT_TABLES_MAX);
	int status = reserve(s, end_word, err);
	if (status < 0)
		return status;
	_cleanup_free_ uint16_t *rules = calloc(r->rule_count + 1, sizeof(*rules));
	if (!rules)
		return fail(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < r->rule_count; i++)
		rules[i] = common_rule(s, &r->rules[i]);
	fill(s, r, rules, s->next_word, (uint32_t)rows_word);
	s->tables[s->next_table] =
		(struct layout_table){ r->base_vaddr, r->span_bytes, s->next_word };
	s->next_word = (uint32_t)end_word;
	*out_table = s->next_table++;
	return 0;
}
