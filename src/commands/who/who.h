/* who: what the rows of pq who and their two sources share. */
#ifndef PQ_COMMANDS_WHO_H
#define PQ_COMMANDS_WHO_H

#include "cli/args.h"
#include "commands/who/parties.h"

/* What the rows are made of: the sums of an interval. */
struct who_snapshot {
	const struct blame *blame;
	struct parties *parties;
	bool utc;
	const char *note; /* about the totals; NULL: none */
	const char *source;
	bool taken;   /* what interrupts and a hypervisor took is known */
	bool sampled; /* of /proc: who ran is an estimate, and nothing is known of single waits */
	/* CLOCK_REALTIME at a time since boot; false: unknown */
	bool (*real)(const void *about, uint64_t boot_ns, int64_t *real_ns);
	const void *about;
};

/* The hint, with parties_only_cgroup. */
#define WHO_ONLY_CGROUP "all known threads are in one cgroup, %s: -t tells them apart"

/* Makes the rows of a snapshot, sorted, and at most as many as -n wants. */
void who_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out);

/* ---- saved.c: pq who -f */

enum exit_status who_saved(const struct options *o);

/* ---- live.c: the tool's functions */

struct who_state {
	struct who_live *live;
};

void who_tick(struct watch *w);
int64_t who_tick_ns(const void *options);
void *who_read(struct watch *w, struct arena *a);
void who_release(struct watch *w);

#endif
