/* pidcgroup: /proc/PID/cgroup, the cgroups that a process is in: lines "ID:CONTROLLERS:PATH". */
#ifndef PQ_PROC_PIDCGROUP_H
#define PQ_PROC_PIDCGROUP_H

#include "base/text.h"

/* Finds the path for a controller: of the v1 line that names it, else of the v2 line "0::PATH";
 * with controller NULL, of the v2 line only. The path may have blanks, colons and ".." in it; the
 * kernel does not escape it. A " (deleted)" behind a v2 path is taken off; a path with a NUL in it
 * is none. Returns the version, 1 or 2, or 0 when there is no such line. */
int pidcgroup_find(struct text t, const char *controller, struct text *path);

#endif
