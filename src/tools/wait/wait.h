/* wait: what the files of pq wait share: a thread, the place in which it waits, and the time that
 * was spent in each. */
#ifndef PQ_WAIT_WAIT_H
#define PQ_WAIT_WAIT_H

#include "base/map.h"
#include "proc/task.h"
#include "tools/targets.h"

struct wait_options {
	bool threads;    /* a row is a thread, not a place */
	unsigned rows;   /* so many, the worst; 0: all */
	unsigned hz;     /* samples a second */
	int64_t slow_ns; /* a row for each wait that took so long; 0: not asked for */
	bool idle;       /* with slow_ns: waits for something to do, too */
	bool folded;     /* lines for flame graphs */
};

extern const struct wait_options wait_usual_options;

static inline const struct wait_options *
wait_options(const struct watch *w)
{
	return w->ask->options;
}

enum wait_state { WAIT_RUNNING, WAIT_RUNNABLE, WAIT_BLOCKED, WAIT_STOPPED, WAIT_ENDED };

/* What is empty is unknown. Texts that are too long keep their end. */
struct wait_place {
	enum wait_state state;
	bool uninterruptible; /* state D */
	bool kernel;          /* a thread of the kernel */
	bool idle;            /* what waits there may well have nothing to do */
	char call[32], wchan[48], where[112];
};

/* What most looks need comes first: most threads stand still, and their data has left the caches by
 * the next look. */
struct wait_thread {
	uint32_t pid, tid;
	struct task_sched sched; /* at the last look */
	int64_t since_ns;        /* it has not run since this look, or shortly before */
	int64_t looked_ns;       /* the last look at it */
	bool known;              /* sched and the place */
	/* it is not looked at any more; ended: a zombie, which is still listed */
	bool gone, ended;
	bool told;          /* a line was made for this wait while it lasts */
	bool thin;          /* it may be looked at less often when it stands still */
	int64_t counted_ns; /* its time is counted up to here */
	/* … as waiting for a CPU, before the kernel has added it to wait_ns */
	int64_t pending_ns;
	/* of the time before: it was ready at both ends, and ran, waited or slept: see
	 * wait_split */
	int64_t open_ns;
	uint64_t cpu; /* the one that it was on last; UINT64_MAX: unknown */
	struct wait_place place;
	char comm[64];
};

/* All of the target's, ordered by pid and tid. */
struct wait_threads {
	struct wait_thread *v;
	size_t n;
	struct wait_id {
		uint32_t pid, tid;
	} * ids; /* those listed last, in order */
	size_t nids, ids_room;
	struct arena scratch;
	struct targets targets;
	uint64_t self; /* pq itself is not shown, unless it is asked for; 0: unknown */
	bool begun;
	bool cut; /* there are more than WAIT_THREADS_MOST */
};

enum { WAIT_THREADS_MOST = 20000 };

/* Lists the threads of the target anew; those that went on are kept, the others are handed to
 * `lost` (with about) before they are dropped. 0, or -1 with errno as targets_pids: there are none
 * then. */
int wait_threads_list(struct watch *w, struct wait_threads *all,
    void (*lost)(void *about, struct wait_thread *t), void *about);

/* The thread, or NULL. */
const struct wait_thread *wait_threads_find(
    const struct wait_threads *all, uint32_t pid, uint32_t tid);

/* The text of a file of the thread: "/stat". As host_read. */
int wait_thread_read(
    struct watch *w, const struct wait_thread *t, const char *file, struct text *text);

/* Sets the place in which the thread is now, and its name. Why something is unknown is noted. False
 * when it has gone. */
bool wait_place_read(struct watch *w, struct wait_thread *t);

/* Whose: pid and tid are 0, and the names empty, where they are not told apart. */
struct wait_whose {
	uint32_t pid, tid;
	/* as labels of a row, once they are needed; NULL: unknown */
	const char *pid_name, *tid_name;
	char process[64], comm[64];
};

/* Time spent in one place, by all or by one. */
struct wait_sum {
	struct wait_whose whose;
	struct wait_place place;
	double ns;
	int64_t longest_ns; /* of those who stand still there; 0: nobody does */
};

/* Zero-initialise to start. */
struct wait_sums {
	struct map keys;    /* of what tells them apart */
	struct wait_sum *v; /* by the key's number */
	uint32_t room;
};

/* The sum like this one in all but its figures; a new one at 0 when there is none. Valid until the
 * next call. */
struct wait_sum *wait_sums_find(struct wait_sums *s, const struct wait_sum *like);

/* A wait that took long. */
struct wait_event {
	struct wait_whose whose;
	struct wait_place place;
	int64_t ns;
	bool lasting;
};

#endif
