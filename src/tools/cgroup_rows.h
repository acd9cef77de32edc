/* cgroups: what the tools that show cgroups have in common: whom to show, and what is to be said of
 * a row. */
#ifndef PQ_TOOLS_CGROUP_ROWS_H
#define PQ_TOOLS_CGROUP_ROWS_H

#include "tools/tool.h"

/* The groups asked for, at this moment. False with w->fail or w->ended set. w->state must begin
 * with a struct groups_watch. */
bool cgroups_read(struct watch *w, enum family f, struct arena *a, struct groups *out);

/* Right after the tool has read the file of a group that was asked for, or has failed to: says why
 * it has no row. False when it has no such file. */
bool cgroups_seen(struct watch *w, const struct group *g, const char *file);

/* Says, if these columns are shown, that a group has no such pressure file: v1 has none, nor has a
 * kernel without PSI. */
void cgroups_no_pressure(
    struct watch *w, const struct group *g, const char *file, int some, int full);

/* What is said of a row: how its cgroup was found if that is not certain, or that its counters
 * began anew; NULL: nothing. */
const char *cgroups_note(const struct groups *groups, enum family f, bool restarted);

/* struct tool's release for these tools. */
void cgroups_release(struct watch *w);

#endif
