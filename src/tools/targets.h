/* targets: the processes that a tool of tasks shows: all, the one of -p, or those of -g and its child
 * cgroups. */
#ifndef PQ_TOOLS_TARGETS_H
#define PQ_TOOLS_TARGETS_H

#include "tools/tool.h"

/* Kept from sample to sample. Zero-initialise, and free with targets_free. */
struct targets {
	struct arena arena;
	struct place place; /* of -g; version 0: not found yet */
	bool seen;          /* the processes were found once */
	uint32_t leader;    /* if -p names a thread: its process; else 0 */
};

/* Lists the process IDs, ascending, in the arena; *n counts them. A cgroup may have none. 0, or -1
 * with errno and *n 0: ESRCH no process is visible, EINVAL -p names a thread (see leader), else as
 * host_read, host_list and locate_name. */
int targets_pids(struct targets *s, struct watch *w, struct arena *a, uint32_t **pids, size_t *n);

/* Says why targets_pids failed with that errno. Sets w->fail if it never succeeded, else w->ended.
 * True if the run may go on: the cgroup was removed, and may be created again. */
bool targets_explain(const struct targets *s, struct watch *w, int error);

/* Why the first sample of a recording does not have the cgroup of a target, for an error about it. */
const char *recording_lacks_cgroup(const struct host *h, const struct target *t);

/* "process 4242", "cgroup /web", "all cgroups" or "pq itself". Returns out. */
const char *target_words(const struct target *t, char out[320]);

/* If -g names no cgroup by its path, but one by the name of its pod, container, unit or job, sets its
 * path, which is in the arena. False with a line in why: several cgroups have that name. */
bool targets_resolve(struct host *h, struct arena *a, struct target *t, char why[1024]);

/* For who has no watch: EXIT_DONE if -p can be this; else the status to end with, and why in the words
 * of targets_explain. */
enum exit_status targets_process(struct host *h, const char *pid, char why[1024]);

/* The process of -p is not there: w->fail at first, w->ended later. Returns NULL. */
void *targets_gone(struct watch *w, bool first);

/* Lists the process IDs of the cgroup at top/rel and its child cgroups. -1 with errno if a list
 * cannot be read: EOPNOTSUPP a threaded cgroup (v2) has none. */
int targets_of_cgroup(struct host *h, struct arena *a, const struct place *top, const char *rel,
    uint32_t **pids, size_t *n);

/* The numbers in a text of one per line, ascending and without repeats. Skips 0 and other words. */
uint32_t *targets_parse_pids(struct arena *a, struct text t, size_t *n);

void targets_free(struct targets *s);

#endif
