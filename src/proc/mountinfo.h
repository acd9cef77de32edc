/* mountinfo: the files of a process that say where its cgroups are: /proc/PID/mountinfo and
 * /proc/PID/cgroup. */
#ifndef PQ_PROC_MOUNTINFO_H
#define PQ_PROC_MOUNTINFO_H

#include "base/arena.h"
#include "base/text.h"

/* A line "43 42 0:23 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw" of mountinfo. The strings are
 * decoded copies in the arena. */
struct cgroup_mount {
	int version; /* 1 or 2 */
	/* the mounted cgroup, as the cgroup namespace of the reader names it: "/", "/../.." */
	const char *root;
	const char *point; /* the mount point: "/sys/fs/cgroup" */
	const char *super; /* v1: "rw,cpu,cpuacct", which has the controllers among its words */
	size_t number;     /* for the caller: its place among the mounts */
};

/* The next mount of type cgroup or cgroup2; false at the end. Skips other and damaged lines. */
bool mountinfo_next(struct text *rest, struct arena *a, struct cgroup_mount *out);

/* Finds the options of the file system that is mounted last on /proc, if that is a proc:
 * "rw,hidepid=invisible,subset=pid". Points into t. fs/proc/root.c, proc_show_options. */
bool mountinfo_find_proc(struct text t, struct text *options);

/* Whether lxcfs, which shows files of /proc and /sys changed for a container, is mounted over this
 * file or a directory above it. */
bool mountinfo_has_lxcfs(struct text t, const char *path);

/* Whether the absolute path is on a file system that may make its reader wait for a server or for another
 * program, for ever: NFS, FUSE and the like. */
bool mountinfo_may_wait(struct text t, const char *path);

/* The value of the first word "key=value" in a comma-separated list; false if there is none. */
bool comma_list_find(struct text list, const char *key, struct text *value);

/* Whether a comma-separated list has this whole word: "rw,cpuacct" does not have "cpu". */
bool comma_list_has(struct text list, const char *word);

/* Finds a path in /proc/PID/cgroup, whose lines are "ID:CONTROLLERS:PATH". Takes the v1 line that
 * names the controller, else the v2 line "0::PATH"; if controller is NULL, the v2 line only. The
 * kernel does not escape the path, which may have blanks, colons and ".." in it. Removes
 * " (deleted)" from the end of a v2 path, and skips a path with a NUL byte. Returns the version, 1
 * or 2, or 0 if there is no such line. */
int pidcgroup_find(struct text t, const char *controller, struct text *path);

#endif
