/*
 * limit_changes: which limits of cgroups were changed while samples were taken, from what to what,
 * and when. It observes a host or a recording (host.h), so it costs no further reading.
 *
 *  struct limit_changes c = { .only = { "/web" } };
 *  const struct observer o = limit_changes_observer(&c);
 *  host_observe(host, &o);
 *  while (host_next(...) > 0)
 *          ... read, then limit_changes_sample(&c, &m, host);
 *  limit_changes_get(&c, 0) ... limit_changes_free(&c);
 *
 * A limit that cannot be read for a while has not changed. A cgroup that was removed, or whose
 * counters have fallen, and another one of the same name are two cgroups.
 *
 * v2  cpu.max, memory.max, memory.high, memory.swap.max, cpuset.cpus.effective
 * v1  cpu.cfs_quota_us and cpu.cfs_period_us, memory.limit_in_bytes, cpuset.effective_cpus
 */
#ifndef PQ_CGROUP_LIMIT_CHANGES_H
#define PQ_CGROUP_LIMIT_CHANGES_H

#include "base/map.h"
#include "cgroup/quota.h"
#include "host/host.h"

enum limit_kind { LIMIT_QUOTA, LIMIT_MEMORY, LIMIT_HIGH, LIMIT_SWAP, LIMIT_CPUSET, LIMIT_KINDS };

enum limit_state { LIMIT_UNKNOWN, LIMIT_NONE, LIMIT_SET };

struct limit_value {
	enum limit_state state;
	double number;      /* CPUs, or bytes; of a cpuset, the number of its text */
	uint64_t period_us; /* of a quota */
};

struct limit_change {
	char *cgroup; /* by its name as pq sees it, or its directory if that is unknown */
	enum limit_kind kind;
	struct limit_value from, to;
	/* when the old limit was read last, and the new one first */
	struct sample before, at;
};

/* The first and the last changes are kept, this many each. */
enum { CHANGES_END = 16, CHANGES_KEPT = 2 * CHANGES_END };

enum { ONLY_MOST = 2 };

struct group_limits;

/* Zero-initialise to start. */
struct limit_changes {
	/* only changes of these cgroups and their parents count; NULL: of all */
	const char *only[ONLY_MOST];
	uint64_t total; /* changes so far */
	bool any;       /* a limit, or that there is none, could be read */
	struct limit_change kept[CHANGES_KEPT];
	struct map dirs;        /* of cgroups, as paths for host_read */
	struct group_limits *v; /* by the number of the directory */
	uint32_t room;
	uint32_t *touched, ntouched, touched_room; /* of this sample */
	struct map listed, present;   /* directories whose children are known now, and these */
	struct map cpusets;           /* their texts */
	struct buf mounts;            /* /proc/self/mountinfo */
	uint64_t turn;                /* the number of this sample */
	bool read[FAMILIES];          /* in this sample */
	struct sample seen[FAMILIES]; /* when the files of the family were read last */
};

/* Refers to c, which must not move. */
struct observer limit_changes_observer(struct limit_changes *c);

/* Ends a sample: compares what was read for it. `h` is the host, or of a recording one that says
 * which tools the sample has: without left_out, all files were read that a recording has. */
void limit_changes_sample(struct limit_changes *c, const struct sample *m, const struct host *h);

/* How many changes are kept, and the i-th of them, in the order of time. If there are more, those
 * from CHANGES_END on are the last. */
size_t limit_changes_kept(const struct limit_changes *c);
const struct limit_change *limit_changes_get(const struct limit_changes *c, size_t i);

/* Whether the change is one of the cgroup or of one of its parents. */
bool limit_change_affects(const struct limit_change *c, const char *cgroup);

/* The text of a cpuset, "0-3". */
const char *limit_changes_cpuset(const struct limit_changes *c, const struct limit_value *v);

void limit_changes_free(struct limit_changes *c);

#endif
