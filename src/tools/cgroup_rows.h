/* cgroup_rows: what the tools that show cgroups share: which cgroups to show, the loop that makes
 * their rows, and the notes on a row. */
#ifndef PQ_TOOLS_CGROUP_ROWS_H
#define PQ_TOOLS_CGROUP_ROWS_H

#include "tools/tool.h"

/* The columns of a cgroup's names, in the order of cells_name. */
#define GROUP_NAME_COLUMNS \
	{ "pod", "pod", LABEL, NO_UNIT, 0, 0, .group = "names", .extra = true, \
		.help = "its Kubernetes pod (cgroup path, /var/log/containers, /var/log/pods)" }, \
	    { "namespace", "namespace", LABEL, NO_UNIT, 0, 0, .group = "names", .extra = true, \
		    .help = "the Kubernetes namespace of the pod (/var/log/containers, " \
			    "/var/log/pods)" }, \
	    { "container", "container", LABEL, NO_UNIT, 0, 0, .group = "names", .extra = true, \
		    .help = \
			"its container (/var/log/containers; of LXC and machined: cgroup path)" }, \
	    { "unit", "unit", LABEL, NO_UNIT, 0, 0, .group = "names", .extra = true, \
		    .help = "its systemd unit that is no slice (cgroup path)" }, \
	{ \
		"job", "job", LABEL, NO_UNIT, 0, 0, \
		    .group = "names", .extra = true, .metric = "slurm_job", \
		    .help = "its Slurm job, or JOB.STEP (cgroup path)" \
	}

enum { GROUP_NAMES = 5 };

/* Sets the cell of the cgroup's path, and those of its names, which begin at `names`. g may be
 * NULL. */
void cells_name(
    struct cell *path, struct cell *names, const char *name, const struct group_names *g);

/* Sets the cell of the level that sets a limit: group i, a parent of it, or something else that has
 * this name. */
void cell_level(struct cell *c, const struct groups *all, size_t i, const char *level);

/* The cgroups to show. False with w->fail or w->ended set. w->state must begin with a struct
 * groups_watch, whose target.all the tool may set before the first call, as -a does. */
bool cgroups_read(struct watch *w, enum family f, struct arena *a, struct groups *out);

/* To be called right after reading this file of a selected cgroup (g->read, and errno if that
 * failed): says why the cgroup has no row. False if it has no such file. */
bool cgroups_seen(struct watch *w, const struct group *g, const char *file);

/* Says that a cgroup has no such pressure file, if one of these columns is shown. v1 and kernels
 * without PSI have none. */
void cgroups_no_pressure(
    struct watch *w, const struct group *g, const char *file, int some, int full);

/* Two snapshots of a tool, and their cgroups. */
struct cgroups_interval {
	const void *from, *to;
	const struct groups *from_groups, *to_groups;
	struct interval *time;
};

/* Counters of a cgroup of which one decreased. */
struct falls {
	unsigned fallen, kept; /* so many decreased; and so many above 0 did not */
};

void falls_add(struct falls *f, struct keyed from, struct keyed to);

/* Whether all have decreased: the cgroup was created again under the same name, and no difference
 * means anything. If some have not, the others are damaged, and only they are unknown. */
bool falls_all(const struct falls *f);

/* Fills the row of group i of `to`, which is group `before` of `from`. True if a counter
 * decreased. */
typedef bool cgroups_fill(
    const struct cgroups_interval *t, size_t before, size_t i, struct cell *row);

/* Makes a row for each cgroup that is shown and was read in both snapshots. The first column is its
 * path, and the last ones are GROUP_NAME_COLUMNS and the note: whether a counter was reset, and how the cgroup was found if
 * that is uncertain. Says which counters grew by more than they can. */
void cgroups_rows(struct watch *w, const struct cgroups_interval *t, enum family f,
    cgroups_fill *fill, struct table *out);

/* Sets the cells of group i in a row of such a table: its path, its names and the note. */
void cells_group(struct cell *row, size_t ncolumns, const struct groups *all, size_t i,
    enum family f, bool reset);

/* The release function of these tools. */
void cgroups_release(struct watch *w);

#endif
