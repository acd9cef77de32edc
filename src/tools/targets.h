/* whose: the processes that the tools of tasks look at (-p, -g and the cgroups below it, or all),
 * and the paths of their files. */
#ifndef PQ_TOOLS_TARGETS_H
#define PQ_TOOLS_TARGETS_H

#include "tools/tool.h"

/* Kept from moment to moment. Zero-initialise, and free it with targets_free. */
struct targets {
	struct arena arena;
	struct place place; /* of -g; version 0: not found yet */
	bool seen;          /* they could be told once */
	/* of what -p names, if that is no process but a thread of this one; else 0 */
	uint32_t leader;
};

/* The numbers of the processes asked for, ascending, in the arena, of which *n is how many; a
 * cgroup may have none. 0, or -1 with errno: ESRCH no process can be seen, EINVAL -p names a thread
 * (leader), else as host_read, host_list and locate_name; *n is 0 then. */
int targets_pids(struct targets *s, struct watch *w, struct arena *a, uint32_t **pids, size_t *n);

/* Says why there were none, for that errno: with w->fail when there never were any, else with
 * w->ended. True when it may go on: a cgroup has gone, and may be made anew. */
bool targets_explain(const struct targets *s, struct watch *w, int error);

/* Those of the cgroup at top/rel and of the ones below it. -1 with errno when they cannot all be
 * had: EOPNOTSUPP, a threaded cgroup (v2) tells none. */
int targets_of_cgroup(struct host *h, struct arena *a, const struct place *top, const char *rel,
    uint32_t **pids, size_t *n);

/* Lines of numbers, ascending, each once; others, and 0, are left out. */
uint32_t *targets_parse_pids(struct arena *a, struct text t, size_t *n);

/* "proc/PID/stat" of a process (tid 0), "proc/PID/task/TID/stat" of a thread, for the file "/stat",
 * whose name has at most 31 characters. Returns out. */
const char *task_path(char out[64], uint32_t pid, uint32_t tid, const char *file);

void targets_free(struct targets *s);

#endif
