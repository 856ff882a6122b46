// SPDX-License-Identifier: MIT
#include "cli/run_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/options.h"

enum { GROUPS_MOST = 65536 /* NGROUPS_MAX of Linux */, USERS_MOST = 1000 };

/* A directory service may have very many users: those of the first thousand are enough for a hint. */
static int no_such_user(const char *text, struct error *err)
{
	struct passwd *entry;
	char near[64] = "";
	setpwent();
	for (size_t i = 0; i < USERS_MOST && !*near && (entry = getpwent()); i++)
		if (nearest_word(text, (const char *const[]){ entry->pw_name, NULL }))
			snprintf(near, sizeof(near), "%s", entry->pw_name);
	endpwent();
	if (*near)
		return fail(err, -EINVAL, "no user '%s' on this machine; did you mean '%s'?", text,
			    near);
	return fail(err, -EINVAL, "no user '%s' on this machine; 'getent passwd' lists them", text);
}

static const struct passwd *look_up(const char *text)
{
	uint32_t uid;
	const struct passwd *entry = getpwnam(text);
	return entry || parse_uint(text, 0, UINT32_MAX - 1, &uid) < 0 ? entry : getpwuid(uid);
}

static int find_groups(const struct passwd *entry, struct run_user *out)
{
	int count = 32, room;
	do {
		gid_t *more = realloc(out->groups, (size_t)count * sizeof(*more));
		if (!more)
			return -ENOMEM;
		out->groups = more;
		room = count;
		if (getgrouplist(entry->pw_name, entry->pw_gid, more, &count) >= 0) {
			out->child.group_count = (size_t)count;
			return 0;
		}
	} while (count > room && count <= GROUPS_MOST);
	return -ERANGE;
}

/* As sudo -u sets them: with ours, CMD would read and write files of another user's home. */
static int make_environment(const struct passwd *entry, struct run_user *out)
{
	const struct {
		const char *name, *value;
	} own[] = { { "HOME", entry->pw_dir },
		    { "USER", entry->pw_name },
		    { "LOGNAME", entry->pw_name },
		    { "SHELL", *entry->pw_shell ? entry->pw_shell : "/bin/sh" } };
	enum { OWN = sizeof(own) / sizeof(own[0]) };
	size_t count = 0, n = 0;
	while (environ[count])
		count++;
	out->environment = calloc(count + OWN + 1, sizeof(*out->environment));
	if (!out->environment)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		bool replaced = false;
		for (size_t k = 0; k < OWN; k++) {
			size_t length = strlen(own[k].name);
			replaced |= !strncmp(environ[i], own[k].name, length) &&
				    environ[i][length] == '=';
		}
		if (!replaced && !(out->environment[n++] = strdup(environ[i])))
			return -ENOMEM;
	}
	for (size_t k = 0; k < OWN; k++, n++)
		if (asprintf(&out->environment[n], "%s=%s", own[k].name, own[k].value) < 0) {
			out->environment[n] = NULL;
			return -ENOMEM;
		}
	return 0;
}

int run_user_find(const char *text, struct run_user *out, struct error *err)
{
	*out = (struct run_user){ 0 };
	const struct passwd *entry = look_up(text);
	if (!entry)
		return no_such_user(text, err);
	if (geteuid() != 0)
		return fail(
			err, -EPERM,
			"only root may run a command as user '%s': run 'sudo perfprof run -u %s "
			"...', or leave -u out",
			entry->pw_name, entry->pw_name);
	out->child.uid = entry->pw_uid;
	out->child.gid = entry->pw_gid;
	out->name = strdup(entry->pw_name);
	int r = out->name ? make_environment(entry, out) : -ENOMEM;
	if (r == 0)
		r = find_groups(entry, out); /* last: it may overwrite `entry` */
	if (r < 0) {
		run_user_deinit(out);
		return fail(err, r, "cannot read the groups of user '%s': %s", text, strerror(-r));
	}
	out->child.name = out->name;
	out->child.groups = out->groups;
	out->child.environment = out->environment;
	return 0;
}

void run_user_deinit(struct run_user *u)
{
	for (char **at = u->environment; at && *at; at++)
		free(*at);
	free(u->environment);
	free(u->groups);
	free(u->name);
	*u = (struct run_user){ 0 };
}
