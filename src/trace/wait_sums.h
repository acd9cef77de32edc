/*
 * wait_sums: who waited how long behind whom. blame.c finds the waits and their parts; these are
 * the sums, and how much of them is due to a quota.
 */
#ifndef PQ_TRACE_WAIT_SUMS_H
#define PQ_TRACE_WAIT_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A party is who waits and who is waited for: a cgroup, a process or a thread, as the caller decides.
 * Its numbers begin with BLAME_FIRST; below are: */
enum {
	BLAME_IDLE,    /* the CPU was idle although a thread was in its queue */
	BLAME_QUOTA,   /* a quota held the victim back: see blame_throttled */
	BLAME_UNKNOWN, /* the events do not say who ran; or the party of a thread is not known */
	BLAME_OTHERS,  /* the culprits beyond the limit, together */
	BLAME_IRQ,     /* interrupts: see blame_taken */
	BLAME_STEAL,   /* a hypervisor */
	BLAME_FIRST,
	BLAME_PARTIES_MOST = 1 << 17 /* numbers from here on count as BLAME_OTHERS */
};

/* How long one party waited. */
struct blame_victim {
	uint64_t wait_ns, waits; /* waits: that had time in these sums, or ended */
	uint64_t slow;           /* waits of at least slow_ns */
	uint64_t elsewhere_ns; /* of wait_ns: the thread's CPU was busy, and another one was idle */
	/* the longest wait from its start on, up to when it was counted, and whose it was */
	uint64_t longest_ns, longest_end_ns;
	uint32_t longest_tid;
	uint64_t open;     /* of waits: lasted at the end, or a cut, and count up to there */
	uint64_t idle_ns;  /* behind BLAME_IDLE, of waits with 1 ms or more of it: a quota? */
	uint64_t left_out; /* waits that are not in all this */
	bool quota_known;  /* by blame_throttled */
};

/* How long of that behind whom. The pairs of a victim add up to its wait_ns. */
struct blame_pair {
	uint32_t victim, culprit;
	uint64_t wait_ns;
	uint64_t waits;        /* waits with time behind that culprit */
	uint64_t slow;         /* slow waits of which that culprit has the largest part */
	uint64_t elsewhere_ns; /* as in struct blame_victim */
	uint64_t longest_ns;   /* the most in one wait, when that ended, and whose it was */
	uint64_t longest_end_ns;
	uint32_t longest_tid;
};

/* ---- For blame.c */

/* How long a thread waited behind somebody, and of that, while another CPU was idle. */
struct part {
	uint32_t who;
	uint64_t ns, elsewhere_ns;
};

/* A wait that has ended, or the next piece of one that lasts. */
struct wait {
	uint32_t party, tid;
	uint64_t from_ns, end_ns; /* of all of it so far */
	uint64_t piece_ns;        /* when the piece began, which its parts are of */
	double share_ns;          /* of a queue with a quota, in the piece */
	bool slow;                /* counted as slow by an earlier piece */
};

struct sums_victim;
struct sums_pair;

/* Zero-initialise, then set slow_ns. */
struct wait_sums {
	uint64_t slow_ns;
	struct sums_victim *victims; /* by party */
	uint32_t nvictims, victims_room;
	struct sums_pair *pairs;
	uint32_t npairs, pairs_room;
	uint32_t *slots; /* nslots, a power of two: the number of a pair, plus 1; 0: free */
	uint32_t nslots;
	struct part *parts; /* of the wait at hand, by party; ns 0: none */
	uint32_t nparts;
	uint32_t *touched; /* the parties in it */
	uint32_t ntouched, touched_room;
};

/* Returns the array with room for index n, however large; new elements are zeroed. */
void *sums_grow(void *v, uint32_t n, uint32_t *room, size_t size);

/* Adds a part to the wait at hand. */
void sums_part(struct wait_sums *s, uint32_t who, uint64_t ns, uint64_t elsewhere_ns);

/* Moves the parts of the wait at hand into the array, which grows; returns how many. */
uint32_t sums_take(struct wait_sums *s, struct part **parts, uint32_t *room);

/* The wait at hand has ended, or is cut, and these are its parts: counts it. Returns whether it is slow. */
bool sums_count(struct wait_sums *s, const struct wait *w);

/* What the party waited: to count what has no parts. */
struct blame_victim *sums_victim(struct wait_sums *s, uint32_t party);

/* The party has a quota; then whether it has. */
void sums_limit(struct wait_sums *s, uint32_t party);
bool sums_limited(const struct wait_sums *s, uint32_t party);

/* See blame.h. */
void sums_throttled(struct wait_sums *s, uint32_t party, uint64_t throttled_ns);
const struct blame_victim *sums_seen(const struct wait_sums *s, uint32_t party);
const struct blame_pair *sums_pair(const struct wait_sums *s, size_t i);
void sums_clear(struct wait_sums *s);
void sums_free(struct wait_sums *s);

#endif
