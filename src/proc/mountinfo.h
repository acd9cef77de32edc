/* mountinfo: /proc/PID/mountinfo, where file systems are mounted; pq looks for cgroup ones only. */
#ifndef PQ_PROC_MOUNTINFO_H
#define PQ_PROC_MOUNTINFO_H

#include "base/arena.h"
#include "base/text.h"

/* Of a line "43 42 0:23 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw": decoded copies in the
 * arena. */
struct cgroup_mount {
	int version; /* 1 or 2 */
	/* the cgroup that is mounted, as the reader's cgroup namespace names it: "/", "/../.." */
	const char *root;
	const char *point; /* where: "/sys/fs/cgroup" */
	/* v1: the controllers are among these comma-separated words: "rw,cpu,cpuacct" */
	const char *super;
};

/* The next mount of type cgroup or cgroup2, other lines and damaged ones skipped; false when there
 * are no more. */
bool mountinfo_next(struct text *rest, struct arena *a, struct cgroup_mount *out);

/* Whether a comma-separated list has this word, whole: "cpu" is not in "rw,cpuacct". */
bool comma_list_has(struct text list, const char *word);

/* pidcgroup: /proc/PID/cgroup, the cgroups that a process is in: lines "ID:CONTROLLERS:PATH". */

/* Finds the path for a controller: of the v1 line that names it, else of the v2 line "0::PATH";
 * with controller NULL, of the v2 line only. The path may have blanks, colons and ".." in it; the
 * kernel does not escape it. A " (deleted)" behind a v2 path is taken off; a path with a NUL in it
 * is none. Returns the version, 1 or 2, or 0 when there is no such line. */
int pidcgroup_find(struct text t, const char *controller, struct text *path);

#endif
