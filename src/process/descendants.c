// SPDX-License-Identifier: MIT
#include "process/descendants.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/map.h"
#include "process/stat_file.h"

struct relation {
	pid_t pid, parent_pid;
};
typedef VEC(struct relation) relation_list;

static int read_relations(relation_list *out)
{
	DIR *proc = opendir("/proc");
	int r = 0;
	for (struct dirent *e; proc && r == 0 && (e = readdir(proc));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		struct stat_file stat;
		if (pid > 0 && stat_file_read(pid, &stat) &&
		    !vec_push(out, (struct relation){ pid, stat.parent_pid }))
			r = -ENOMEM;
	}
	if (proc)
		closedir(proc);
	return r;
}

/* One generation: children of known processes that are not known yet. @return -ENOMEM, else how many */
static int add_children(const relation_list *relations, struct map64 *known, pid_list *pids)
{
	int added = 0;
	for (size_t i = 0; i < relations->count; i++) {
		const struct relation *r = &relations->at[i];
		if (!map64_get(known, (uint64_t)r->parent_pid) ||
		    map64_get(known, (uint64_t)r->pid))
			continue;
		if (!vec_push(pids, r->pid) || !map64_put(known, (uint64_t)r->pid, 1))
			return -ENOMEM;
		added++;
	}
	return added;
}

int process_add_descendants(pid_list *pids)
{
	relation_list relations = { 0 };
	struct map64 known = { 0 };
	int r = read_relations(&relations);
	for (size_t i = 0; r == 0 && i < pids->count; i++)
		r = map64_put(&known, (uint64_t)pids->at[i], 1) ? 0 : -ENOMEM;
	if (r == 0) {
		do {
			r = add_children(&relations, &known, pids);
		} while (r > 0);
	}
	vec_free(&relations);
	map64_deinit(&known);
	return r;
}

int process_add_all(pid_list *pids)
{
	DIR *proc = opendir("/proc");
	int r = 0;
	for (const struct dirent *e; proc && r == 0 && (e = readdir(proc));) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (pid > 0 && !vec_push(pids, pid))
			r = -ENOMEM;
	}
	if (proc)
		closedir(proc);
	return r;
}
