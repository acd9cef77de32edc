/*
 * locate: in which directory the files of a process's cgroup are. That differs by controller (v1
 * beside v2), by mount (a container sees a part of the hierarchy) and by cgroup namespace (paths
 * are told relative to the reader's).
 */
#ifndef PQ_CGROUP_LOCATE_H
#define PQ_CGROUP_LOCATE_H

#include "base/arena.h"
#include "host/host.h"
#include "proc/mountinfo.h"

/* Files that are found together. On a hybrid machine each may be in another hierarchy. */
enum family {
	FAMILY_CPU,
	FAMILY_CPUACCT,
	FAMILY_MEMORY,
	FAMILY_PRESSURE,
	FAMILY_CPUSET,
	FAMILY_PIDS,
	FAMILIES
};

/* How sure a place is. */
enum scope {
	/* the path of /proc/PID/cgroup, translated through a mount that shows it */
	SCOPE_EXACT,
	SCOPE_SEARCHED, /* the path cannot be translated; the directory lists the process */
	/* neither: the mount's top, which in a container is mostly the right one */
	SCOPE_GUESS,
};

/* A cgroup's directory is top + rel; its name, as the kernel tells it here, is root + rel. */
struct place {
	int version; /* 1 or 2; 0: not found */
	enum scope scope;
	const char *top;  /* the mount's directory, as a path for host_read: "sys/fs/cgroup" */
	const char *root; /* the cgroup that is mounted there: "/" */
	const char *rel;  /* what is below it: "" or "/a/b" */
};

struct atlas; /* of a process: mounts.h */

/* The cgroup of the atlas's process. Returns 0, or -1 with errno: ENODEV no hierarchy of that
 * family can be seen from here, EACCES one may not be looked at. */
int locate_process(struct atlas *at, enum family f, struct place *out);

/* The cgroup of that name ("/web", "web") or directory ("/sys/fs/cgroup/cpu/web"). -1 with errno:
 * ENOENT no such cgroup, else as above. */
int locate_name(struct atlas *at, const char *name, enum family f, struct place *out);

/* The top of the hierarchy, as much of it as can be seen. -1 with errno as above. */
int locate_top(struct atlas *at, enum family f, struct place *out);

/* Whether the top of this place is the hierarchy's true root: levels above it, with limits of their
 * own, may be hidden otherwise (by a cgroup namespace or a bind mount). */
bool place_is_root(struct host *h, const struct place *p);

/* The cgroup's name: root and rel put together, "/" for the root. */
const char *place_name(struct arena *a, const struct place *p, const char *rel);

/* The other way: what a cgroup's name has below root, NULL when it is not to be seen through this
 * mount. */
const char *place_below(const struct place *p, const char *name);

/* Reads top/rel/file as host_read does. */
int place_read(
    struct host *h, const struct place *p, const char *rel, const char *file, struct text *text);

/* mounts: the cgroup mounts that may show a cgroup, in the order in which to ask them. */

/* The v1 controller whose hierarchy has a family's files; NULL: they are in v2 alone. */
extern const char *const controller_of[FAMILIES];

/* The cgroup mounts of one mount namespace, and the path that leads to its root. */
struct mount_view {
	const char *prefix; /* "", or "proc/123/root/" */
	bool own;           /* of the process that was asked for */
	struct cgroup_mount *mounts;
	size_t count;
};

enum { MOUNT_VIEWS = 3 };

/* What is known of a process's surroundings, read as it is needed, and once for all families. */
struct atlas {
	struct host *host;
	struct arena *arena;
	const char *pid;    /* "self", or digits */
	struct text cgroup; /* of /proc/PID/cgroup */
	struct mount_view views[MOUNT_VIEWS];
	bool drawn[MOUNT_VIEWS]; /* the view was read */
	uint64_t pids[2];        /* the process, as cgroup.procs may show it; 0: not known */
	bool pids_read;
};

/* Begins an atlas. 0, or -1 with the errno of /proc/PID/cgroup. What it points to lives in the
 * arena. */
int atlas_open(struct atlas *at, struct host *h, struct arena *a, const char *pid);

/* From where to look, best first, i from 0 to MOUNT_VIEWS - 1. It has no mounts where its mountinfo
 * cannot be read. */
const struct mount_view *atlas_view(struct atlas *at, int i);

/* The next mount after `last` (NULL: the first) that shows such files, best first; NULL when there
 * is none. */
const struct cgroup_mount *mounts_next(
    const struct mount_view *v, int version, enum family f, const struct cgroup_mount *last);

/* What is left of a cgroup's path below `root`, by whole names; NULL when it is not below it. Both
 * may begin with ".."; a path with one further on leads nowhere. */
const char *route_below(const char *path, const char *root);

#endif
