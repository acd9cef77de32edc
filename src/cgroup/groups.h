/*
 * groups: the cgroups that a tool watches. They are looked up for every row, so that pq follows a
 * process that moves, and sees cgroups come and go. Each comes with its parents, as the limits of
 * all levels apply.
 */
#ifndef PQ_CGROUP_GROUPS_H
#define PQ_CGROUP_GROUPS_H

#include "cgroup/locate.h"
#include "cgroup/names.h"

/* What the user selected: one of these, or pq's own cgroup. */
struct target {
	const char *pid;    /* -p: digits, or NULL */
	const char *cgroup; /* -g: a name or directory, or NULL */
	bool all;           /* -a */
};

/* Where a recording found a file of a cgroup. */
struct group_seat {
	const char *file; /* NULL: of none yet */
	enum family family;
	struct seat seat;
};

enum { GROUP_SEATS = 8 }; /* no tool reads more files of a cgroup for each row */

struct group {
	const char *name;
	/* the path below the family's top; NULL: no directory in that hierarchy */
	const char *rel[FAMILIES];
	int parent; /* its index, or -1 at the top */
	bool asked; /* selected by -p or -g; else a parent, or one of -a */
	/* set by the tool: the cgroup gets a row; its files could be read */
	bool shown, read;
	const struct group_names *names; /* set by groups_name; NULL: not shown */
	struct group_seat *seats;        /* NULL: not kept */
};

/* What reading their files told. */
struct groups_seen {
	bool pressure; /* in the last row that looked, some cgroup had a pressure file */
	bool removed;  /* a cgroup has gone since it was listed */
	bool unsure;   /* a file does not exist, so that its cgroup may have gone */
};

/* All strings are in the arena of groups_read, or kept for this row and the next. */
struct groups {
	struct place top[FAMILIES]; /* version 0: the family was not found */
	bool from_root;  /* the first group is the true root, so that no level is hidden above */
	bool cut;        /* there are more than GROUPS_MOST */
	struct group *v; /* parents before their children */
	size_t n;
	enum family levels;       /* the family whose hierarchy they are in */
	struct groups_seen *seen; /* of the watch */
};

enum { GROUPS_MOST = 100000 };

/* All cgroups, as they were listed. */
struct group_list {
	struct arena arena;
	struct group *v;
	size_t n;
	bool cut;       /* as in groups */
	uint64_t lists; /* host_lists of then */
};

/* What is kept from row to row. Zero-initialise, then set target, and family, whose hierarchy gives
 * the levels. */
struct groups_watch {
	struct target target;
	enum family family;
	/* an open atlas of the process, and only `family` is looked up; NULL: the watch opens its
	 * own */
	struct atlas *shared;
	struct arena arena;
	char *last; /* /proc/PID/cgroup at the last lookup; place and from_root hold for it */
	size_t last_n;
	struct place place[FAMILIES];
	bool from_root;
	int failed;       /* the errno of that lookup, or 0 */
	int mounts_error; /* as in the atlas of that lookup */
	struct groups_seen seen;
	unsigned rows;      /* since the last row that looked for pressure files */
	bool was_read;      /* set by the tool: the selected cgroup could be read once */
	struct names names; /* of the cgroups that had a row */
	bool moved;         /* the process has moved to another cgroup since the last row */
	/* set by a tool that reads all again where groups_outdated: with -a, directories need not be
	 * listed if the kernel counts no more cgroups than are known */
	bool counts;
	struct group_list lists[2]; /* the last two: the snapshot before may use the older one */
	unsigned newest;
	bool listed; /* in this row */
};

/* Looks up the cgroups. 0, or -1 with errno: ESRCH the process has exited, ENOENT no such cgroup,
 * ENODEV no hierarchy with files of that family is visible. */
int groups_read(struct groups_watch *w, struct host *h, struct arena *a, struct groups *out);

/* Whether a cgroup has gone although the kernel counted as many as were known: then others came, which
 * groups_read finds if it is called again. */
bool groups_outdated(const struct groups_watch *w);

/* Sets the names of the groups that are shown and were read. To be called once for each
 * groups_read. */
void groups_name(struct groups_watch *w, struct host *h, struct groups *all);

/* Reads a file of a cgroup, as host_read does. `file` is a string literal, as its address is kept. ENODEV:
 * the cgroup has no directory in that family. */
int group_read(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct text *text);

/* Parses the file as host_parse does. Its other errors are those of group_read. */
int group_parse(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, const struct parser *by, void *out);

/* The text of a file of one limit: a number, or "max", which leaves *out unknown: no limit. 0, or -1
 * with EINVAL. */
int limit_parse(struct text t, struct keyed *out);

/* v1 writes "no limit" as the largest number of whole pages, near INT64_MAX: unknown here. */
struct keyed limit_unless_huge(struct keyed v);

/* Reads a file of one limit. -1 with the errno of group_read or limit_parse leaves *out unknown. */
int group_read_limit(struct host *h, const struct groups *all, const struct group *g, enum family f,
    const char *file, struct keyed *out);

/* The index of the group of that name among those of another sample, or -1. Searches outwards from
 * index `near`. */
int groups_find(const struct groups *all, const char *name, size_t near);

/* For group i of `to`: the index of its earlier reading in `from`, if it is shown and both could be
 * read, else -1. */
int groups_before(const struct groups *from, const struct groups *to, size_t i);

void groups_free(struct groups_watch *w);

#endif
