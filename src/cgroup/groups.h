/*
 * groups: the cgroups that a tool watches, found anew at every row, so that a process that moves is
 * followed and cgroups that come and go are seen. Each is told with the levels above it, since a
 * limit of any of them holds.
 */
#ifndef PQ_CGROUP_GROUPS_H
#define PQ_CGROUP_GROUPS_H

#include "cgroup/locate.h"

/* What was asked for: one of the three, or our own cgroup. */
struct target {
	const char *pid;    /* digits, or NULL */
	const char *cgroup; /* a name or directory, or NULL */
	bool all;           /* every cgroup */
};

struct group {
	const char *name;
	/* below the family's top; NULL: it has no directory in that hierarchy */
	const char *rel[FAMILIES];
	int parent; /* index of the level above, -1 at the top */
	bool asked; /* what was asked for; else a level above it, or one of all */
	/* set by the tool: it is to have a row; its files could be read */
	bool shown, read;
};

/* All strings live in the arena that was given. */
struct groups {
	struct place top[FAMILIES]; /* of version 0 where the family is not found */
	/* the first group is the hierarchy's true root: no level is hidden above it */
	bool from_root;
	bool cut;        /* there are more than GROUPS_MOST */
	struct group *v; /* parents before their children */
	size_t n;
	bool *pressure_seen; /* in the watch: a file of that family could be read */
};

enum { GROUPS_MOST = 100000 };

/* What is kept from row to row. Zero-initialise, and set target and family (whose hierarchy gives
 * the levels). */
struct groups_watch {
	struct target target;
	enum family family;
	/* of that process, open: then no other family is found; NULL: it opens one for itself */
	struct atlas *shared;
	struct arena arena;
	char path[48]; /* /proc/PID/cgroup */
	char *last;    /* its text, for which these hold */
	size_t last_n;
	struct place place[FAMILIES];
	bool from_root;
	/* the errno with which they could not be found; 0: they could */
	int failed;
	/* when it was last looked for, some group had a pressure file */
	bool pressure_seen;
	unsigned rows; /* since then */
	bool was_read; /* for the tools: what was asked for could be read once */
	/* since the row before: the process is in another cgroup */
	bool moved;
};

/* The groups at this moment. Returns 0, or -1 with errno: ESRCH the process is gone, ENOENT no such
 * cgroup, ENODEV no hierarchy with that family's files can be seen. */
int groups_read(struct groups_watch *w, struct host *h, struct arena *a, struct groups *out);

/* Reads a group's file as host_read does; ENODEV when it has no directory in that family. */
int group_read(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct text *text);

/* The group of that name in other groups (of another moment), -1 if there is none. It is looked for
 * around place `near`. */
int groups_find(const struct groups *all, const char *name, size_t near);

/* The earlier reading of group i of `to`, as its place in `from`, when both could be read and it is
 * to be shown; else -1. */
int groups_before(const struct groups *from, const struct groups *to, size_t i);

void groups_free(struct groups_watch *w);

#endif
