// SPDX-License-Identifier: MIT
#include "process/cgroup_mounts.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/vec.h"

enum {
	MOUNTINFO_MAX = 16 * 1024 * 1024,
	LOOKED_AT_MAX = 8192, /* groups, for a hint */
	DEPTH_MAX = 64,
	PART_LEAST = 3, /* letters that must agree to speak of a part */
	SLIP_MOST = 2,
};

/* Blanks and the like are octal in mountinfo: "\040". */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = 0;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, word, length) && (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

bool cgroup_mount_parse(char *line, struct cgroup_mount *out)
{
	char *rest = line, *word = NULL;
	*out = (struct cgroup_mount){ 0 };
	for (unsigned field = 0; rest; field++) {
		word = strsep(&rest, " ");
		if (field == 3)
			out->root = word;
		else if (field == 4)
			out->point = word;
		else if (field > 5 && !strcmp(word, "-"))
			break; /* here the optional fields end */
	}
	const char *type = rest ? strsep(&rest, " ") : NULL;
	if (rest)
		strsep(&rest, " "); /* the source */
	const char *options = rest ? strsep(&rest, " ") : NULL;
	if (!options || !out->point)
		return false;
	bool second = !strcmp(type, "cgroup2");
	if (!second && strcmp(type, "cgroup") != 0)
		return false;
	unescape(out->root);
	unescape(out->point);
	out->rank = second ? 1 : has_word(options, "perf_event") ? 0 : 2;
	return true;
}

static bool add(struct cgroup_mounts *m, const struct cgroup_mount *parsed)
{
	struct cgroup_mount row = { strdup(parsed->root), strdup(parsed->point), parsed->rank };
	if (!row.root || !row.point || !vec_push(m, row)) {
		free(row.root);
		free(row.point);
		return false;
	}
	for (size_t i = m->count - 1; i && m->at[i - 1].rank > row.rank; i--) {
		m->at[i] = m->at[i - 1];
		m->at[i - 1] = row;
	}
	return true;
}

int cgroup_mounts_read(struct cgroup_mounts *out, struct error *err)
{
	struct strbuf text = { 0 };
	int r = read_file("/proc/self/mountinfo", MOUNTINFO_MAX, &text, err);
	char *rest = text.text;
	struct cgroup_mount mount;
	while (r == 0 && rest)
		if (cgroup_mount_parse(strsep(&rest, "\n"), &mount) && !add(out, &mount))
			r = fail(err, -ENOMEM, "out of memory");
	strbuf_deinit(&text);
	return r;
}

void cgroup_mounts_deinit(struct cgroup_mounts *m)
{
	for (size_t i = 0; i < m->count; i++) {
		free(m->at[i].root);
		free(m->at[i].point);
	}
	vec_free(m);
}

void cgroup_mounts_folder(const struct cgroup_mount *m, const char *name, struct strbuf *out)
{
	size_t root = strcmp(m->root, "/") ? strlen(m->root) : 0;
	if (root && !strncmp(name, m->root, root) && (!name[root] || name[root] == '/'))
		name += root;
	strbuf_clear(out);
	strbuf_printf(out, "%s%s%s", m->point, *name == '/' || !*name ? "" : "/", name);
}

bool cgroup_names_are_near(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	size_t least = n < m ? n : m, most = n < m ? m : n, front = 0, back = 0;
	if (least >= PART_LEAST && strstr(n < m ? b : a, n < m ? a : b))
		return true;
	while (front < least && a[front] == b[front])
		front++;
	while (back < least - front && a[n - 1 - back] == b[m - 1 - back])
		back++;
	return least > PART_LEAST && most - front - back <= SLIP_MOST;
}

struct search {
	const char *wanted; /* the last part of a name */
	unsigned left;
	struct strbuf *path; /* of the group at hand */
};

static bool search_below(struct search *s, unsigned depth)
{
	size_t length = s->path->length;
	DIR *folder = opendir(strbuf_text(s->path));
	bool found = false;
	const struct dirent *e;
	while (folder && !found && s->left && !s->path->failed && (e = readdir(folder))) {
		if (e->d_type != DT_DIR || e->d_name[0] == '.')
			continue;
		s->left--;
		s->path->length = length;
		strbuf_printf(s->path, "/%s", e->d_name);
		found = cgroup_names_are_near(s->wanted, e->d_name) ||
			(depth && search_below(s, depth - 1));
	}
	if (folder)
		closedir(folder);
	return found;
}

bool cgroup_mounts_nearest(const struct cgroup_mounts *m, const char *name, struct strbuf *out)
{
	_cleanup_free_ char *copy = strdup(name);
	size_t length = copy ? strlen(copy) : 0;
	while (length && copy[length - 1] == '/')
		copy[--length] = 0;
	if (!length)
		return false;
	const char *slash = strrchr(copy, '/');
	struct search s = { .wanted = slash ? slash + 1 : copy, .path = out };
	for (size_t i = 0; i < m->count; i++) {
		s.left = LOOKED_AT_MAX;
		strbuf_clear(out);
		strbuf_puts(out, m->at[i].point);
		if (search_below(&s, DEPTH_MAX))
			return !out->failed;
	}
	return false;
}
