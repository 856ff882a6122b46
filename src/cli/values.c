// SPDX-License-Identifier: MIT
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/options.h"

int parse_uint(const char *text, uint32_t low, uint32_t high, uint32_t *out)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	if (errno || *end || v < low || v > high)
		return -EINVAL;
	*out = (uint32_t)v;
	return 0;
}

int parse_percent(const char *text, uint32_t *out_ppm)
{
	char *end;
	double v = strtod(text, &end);
	if (end == text || *end || text[strspn(text, "0123456789.")])
		return -EINVAL;
	double ppm = v * 1e4;
	if (!isfinite(ppm) || ppm < 1 || ppm > 1e6)
		return -EINVAL;
	*out_ppm = (uint32_t)ppm;
	return 0;
}

int parse_size(const char *text, size_t *out_bytes)
{
	static const char units[] = "KMG";
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long v = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
	if (errno || (unit ? end[1] : *end) || v > SIZE_MAX >> shift)
		return -EINVAL;
	*out_bytes = (size_t)v << shift;
	return 0;
}

int parse_duration_ns(const char *text, uint64_t *out_ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1e9 },   { "s", 1e9 },  { "ms", 1e6 },
		      { "us", 1e3 }, { "m", 60e9 }, { "h", 3600e9 } };
	char *end;
	double v = strtod(text, &end);
	if (end == text || end != text + strspn(text, "0123456789."))
		return -EINVAL; /* strtod(3) also takes signs, exponents, hexadecimal, "inf" */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) != 0)
			continue;
		double ns = v * units[i].ns;
		if (!isfinite(ns) || ns < 1 || ns > 1e18)
			return -EINVAL;
		*out_ns = (uint64_t)ns;
		return 0;
	}
	return -EINVAL;
}

/* As parse_duration_ns(), but "" is `missing` and 0 is allowed. */
static int parse_moment_ns(const char *text, uint64_t missing, uint64_t *out_ns)
{
	if (!*text || !text[strspn(text, "0.")]) {
		*out_ns = *text ? 0 : missing;
		return 0;
	}
	return parse_duration_ns(text, out_ns);
}

int parse_time_range_ns(const char *text, uint64_t *out_begin_ns, uint64_t *out_end_ns)
{
	char begin[64];
	const char *dash = strchr(text, '-');
	if (!dash || (size_t)(dash - text) >= sizeof(begin) || !text[1])
		return -EINVAL;
	memcpy(begin, text, (size_t)(dash - text));
	begin[dash - text] = 0;
	if (parse_moment_ns(begin, 0, out_begin_ns) < 0 ||
	    parse_moment_ns(dash + 1, UINT64_MAX, out_end_ns) < 0)
		return -EINVAL;
	return *out_begin_ns < *out_end_ns ? 0 : -EINVAL;
}

/* Damerau-Levenshtein distance (optimal string alignment), for words below 32 letters. */
static unsigned distance(const char *a, const char *b)
{
	enum { LETTERS = 32 };
	size_t n = strlen(a), m = strlen(b);
	unsigned d[LETTERS][LETTERS];
	if (n >= LETTERS || m >= LETTERS)
		return LETTERS;
	for (unsigned i = 0; i <= n; i++) {
		for (unsigned j = 0; j <= m; j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = best < d[i - 1][j] + 1 ? best : d[i - 1][j] + 1;
			best = best < d[i][j - 1] + 1 ? best : d[i][j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < best)
				best = d[i - 2][j - 2] + 1;
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *nearest_word(const char *word, const char *const *list)
{
	const char *best = NULL;
	unsigned best_distance = strlen(word) > 4 ? 3 : 2; /* must be less than this */
	for (; *list; list++) {
		unsigned d = distance(word, *list);
		if (d < best_distance) {
			best = *list;
			best_distance = d;
		}
	}
	return best;
}
