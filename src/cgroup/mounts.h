/* mounts: the cgroup mounts that may show a cgroup, in the order in which to ask them. */
#ifndef PQ_CGROUP_MOUNTS_H
#define PQ_CGROUP_MOUNTS_H

#include "proc/mountinfo.h"
#include "cgroup/locate.h"

/* The v1 controller whose hierarchy has a family's files; NULL: they are in v2 alone. */
extern const char *const controller_of[FAMILIES];

/* The cgroup mounts of one mount namespace, and the path that leads to its root. */
struct view {
	const char *prefix; /* "", or "proc/123/root/" */
	bool own;           /* of the process that was asked for */
	struct cgroup_mount *mounts;
	size_t count;
};

enum { VIEWS = 3 };

/* What is known of a process's surroundings, read as it is needed, and once for all families. */
struct atlas {
	struct host *host;
	struct arena *arena;
	const char *pid;    /* "self", or digits */
	struct text cgroup; /* of /proc/PID/cgroup */
	struct view views[VIEWS];
	bool drawn[VIEWS]; /* the view was read */
	uint64_t pids[2];  /* the process, as cgroup.procs may show it; 0: not known */
	bool pids_read;
};

/* Begins an atlas. 0, or -1 with the errno of /proc/PID/cgroup. What it points to lives in the
 * arena. */
int atlas_open(struct atlas *at, struct host *h, struct arena *a, const char *pid);

/* From where to look, best first, i from 0 to VIEWS - 1. It has no mounts where its mountinfo
 * cannot be read. */
const struct view *atlas_view(struct atlas *at, int i);

/* The process's numbers; both 0 when they are not known. */
const uint64_t *atlas_pids(struct atlas *at);

/* The next mount after `last` (NULL: the first) that shows such files, best first; NULL when there
 * is none. */
const struct cgroup_mount *mounts_next(
    const struct view *v, int version, enum family f, const struct cgroup_mount *last);

/* What is below a mount, as a place. */
struct place mounts_place(struct arena *a, const struct view *v, const struct cgroup_mount *m,
    const char *rel, enum scope scope);

/* The cgroup's name, when what was given is a directory below any cgroup mount; else NULL. */
const char *mounts_name(struct arena *a, const struct view *v, const char *dir);

/* What is left of a cgroup's path below `root`, by whole names; NULL when it is not below it. Both
 * may begin with ".."; a path with one further on leads nowhere. */
const char *route_below(const char *path, const char *root);

#endif
