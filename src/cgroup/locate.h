/*
 * locate: finds the directory that has the files of a process's cgroup. It depends on the
 * controller (v1 or v2), on the mount (a container sees a part of the hierarchy), and on the cgroup
 * namespace (a path is relative to that of its reader).
 */
#ifndef PQ_CGROUP_LOCATE_H
#define PQ_CGROUP_LOCATE_H

#include "base/arena.h"
#include "host/host.h"
#include "proc/mountinfo.h"

/* Files that are in one directory. On a hybrid machine each family may be in another hierarchy. */
enum family {
	FAMILY_CPU,
	FAMILY_CPUACCT,
	FAMILY_MEMORY,
	FAMILY_PRESSURE,
	FAMILY_CPUSET,
	FAMILY_PIDS,
	FAMILY_IO,
	FAMILIES
};

/* The v1 controller whose hierarchy has the files of a family; NULL: only v2 has them. */
extern const char *const controller_of[FAMILIES];

/* How certain a place is. */
enum scope {
	SCOPE_EXACT,    /* a mount shows the path of /proc/PID/cgroup */
	SCOPE_SEARCHED, /* no mount shows the path, but the directory lists the process */
	/* a mount shows the path, but the directory lists only other processes */
	SCOPE_UNLISTED,
	SCOPE_GUESS, /* neither: the top of the mount, which is mostly right in a container */
};

/* The directory of a cgroup is top + rel, its name root + rel. */
struct place {
	int version; /* 1 or 2; 0: not found */
	enum scope scope;
	const char *top;  /* the directory of the mount, as a path for host_read: "sys/fs/cgroup" */
	const char *root; /* the cgroup that is mounted there: "/" */
	const char *rel;  /* the path below it: "" or "/a/b" */
};

/* The cgroup mounts of one mount namespace, best first. There are none if mountinfo cannot be
 * read. */
struct mount_view {
	const char *prefix; /* the path to the root of the namespace: "" or "proc/123/root/" */
	bool own;           /* it is the namespace of the process itself */
	struct cgroup_mount *mounts;
	size_t count, room;
};

enum { MOUNT_VIEWS = 3 };

/* What is known about where a process is. Each part is read when it is needed first, and then used
 * for all families. */
struct atlas {
	struct host *host;
	struct arena *arena;
	const char *pid;    /* "self", or digits: those of a thread that has not ended */
	struct text cgroup; /* the text of its /proc/PID/cgroup */
	struct mount_view views[MOUNT_VIEWS];
	bool view_read[MOUNT_VIEWS];
	/* of our own mountinfo, if it may not be read; the usual mounts are tried then. 0: none */
	int mounts_error;
	/* lxcfs shows these files to us: /sys/devices/system/cpu/online, /proc/stat, /proc/meminfo */
	bool lxcfs_online, lxcfs_stat, lxcfs_meminfo;
	uint64_t pids[2]; /* the process, as cgroup.procs may list it; 0: unknown */
	bool pids_read;
};

/* 0, or -1 with the errno of /proc/PID/cgroup. The atlas refers to memory of the arena. */
int atlas_open(struct atlas *at, struct host *h, struct arena *a, const char *pid);

/* The mounts to try, best first: i is 0 to MOUNT_VIEWS - 1. */
const struct mount_view *atlas_view(struct atlas *at, int i);

/* ---- The place of a cgroup. If not found: -1 with errno ENODEV (no hierarchy of that family is
 * visible), EACCES (one may not be read), or EXDEV (what is in its place is no cgroup file
 * system). */

/* The cgroup of the process of the atlas. */
int locate_process(struct atlas *at, enum family f, struct place *out);

/* The cgroup of that name ("/web", "web", "cpu:/web") or directory ("/sys/fs/cgroup/cpu/web").
 * ENOENT: no such cgroup. */
int locate_name(struct atlas *at, const char *name, enum family f, struct place *out);

/* The top of the visible part of the hierarchy. */
int locate_top(struct atlas *at, enum family f, struct place *out);

/* Whether the top of this place is the true root of the hierarchy. If not, a cgroup namespace or a
 * bind mount hides levels above it, whose limits apply too. */
bool place_is_root(struct host *h, const struct place *p);

/* Whether the kernel runs with the controller disabled, so that no cgroup can have its files: by
 * /proc/cgroups, or by cgroup.controllers of the true root. */
bool controller_is_disabled(struct host *h, const struct place *p, const char *controller);

/* The name of a cgroup: root and rel together, "/" for the root. */
const char *place_name(struct arena *a, const struct place *p, const char *rel);

/* The reverse: the rel of a cgroup's name, or NULL if this mount does not show it. */
const char *place_below(const struct place *p, const char *name);

/* Reads top/rel/file as host_read does. */
int place_read(
    struct host *h, const struct place *p, const char *rel, const char *file, struct text *text);

/* ---- Mounts and paths */

/* The next mount after `last` (NULL: the first) that has the files of the family, best first; NULL
 * at the end. */
const struct cgroup_mount *mounts_next(
    const struct mount_view *v, int version, enum family f, const struct cgroup_mount *last);

/* The rest of a cgroup's path below `root`, compared by whole names; NULL if it is not below it.
 * Both may begin with ".."; a path with a later ".." gives NULL. */
const char *route_below(const char *path, const char *root);

#endif
