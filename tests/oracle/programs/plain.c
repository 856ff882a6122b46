// SPDX-License-Identifier: MIT
/* Inlined chains, static and cold parts, a sort, tail calls and unused functions for
 * symbol_oracle.py. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *left, *right;
	uint64_t key;
	char name[32];
};

static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	return x ^ (x >> 29);
}

static inline uint64_t mix_twice(uint64_t x)
{
	return mix(mix(x) + 1);
}

static inline uint64_t mix_all(const uint64_t *x, size_t n)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += mix_twice(x[i]);
	return sum;
}

static int compare_keys(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

__attribute__((cold, noinline)) static void give_up(const char *why)
{
	fprintf(stderr, "%s\n", why);
	exit(1);
}

static struct node *insert(struct node *n, uint64_t key)
{
	if (!n) {
		n = calloc(1, sizeof(*n));
		if (!n)
			give_up("no memory");
		n->key = key;
		snprintf(n->name, sizeof(n->name), "%llx", (unsigned long long)mix(key));
		return n;
	}
	struct node **next = key < n->key ? &n->left : &n->right;
	*next = insert(*next, key);
	return n;
}

static size_t depth(const struct node *n)
{
	if (!n)
		return 0;
	size_t l = depth(n->left), r = depth(n->right);
	return 1 + (l > r ? l : r);
}

int unused_function(int x)
{
	return x * 3 + (int)mix_twice((uint64_t)x);
}

static void (*const table[])(const char *) = { give_up };

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	uint64_t *x = malloc(n * sizeof(*x));
	struct node *root = NULL;
	if (!x || n == 0)
		table[0]("nothing to do");
	for (size_t i = 0; i < n; i++) {
		x[i] = mix(i);
		root = insert(root, x[i]);
	}
	qsort(x, n, sizeof(*x), compare_keys);
	printf("%zu %llu\n", depth(root), (unsigned long long)mix_all(x, n));
	return 0;
}
