/* mounts: the cgroup mounts that may show a cgroup, in the order in which to ask them. */
#ifndef PQ_MOUNTS_H
#define PQ_MOUNTS_H

#include "../proc/mountinfo.h"
#include "locate.h"

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

/* The views from which a process's cgroup may be seen (pid NULL: any), best first; how many there are. */
size_t mounts_views(struct host *h, struct arena *a, const char *pid, struct view views[VIEWS]);

/* The next mount after `last` (NULL: the first) that shows such files, best first; NULL when there is none. */
const struct cgroup_mount *mounts_next(const struct view *v, int version, enum family f, const struct cgroup_mount *last);

/* What is below a mount, as a place. */
struct place mounts_place(struct arena *a, const struct view *v, const struct cgroup_mount *m, const char *rel, enum scope scope);

/* The cgroup's name, when what was given is a directory below any cgroup mount; else NULL. */
const char *mounts_name(struct arena *a, const struct view *v, const char *dir);

/* What is left of a cgroup's path below `root`, by whole names; NULL when it is not below it. Both may begin with ".."; a path
 * with one further on leads nowhere. */
const char *route_below(const char *path, const char *root);

#endif
