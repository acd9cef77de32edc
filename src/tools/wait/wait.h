/* wait: the threads that pq wait samples, the place in which each of them waits, and the time that
 * was spent in each place. */
#ifndef PQ_WAIT_WAIT_H
#define PQ_WAIT_WAIT_H

#include "base/map.h"
#include "proc/lock_owner.h"
#include "proc/task.h"
#include "table/flame.h"
#include "tools/targets.h"
#include "tools/task_source.h"

struct wait_options {
	bool threads;    /* a row is a thread in a place; else a place */
	unsigned rows;   /* at most; 0: all */
	unsigned hz;     /* samples per second */
	int64_t slow_ns; /* rows are single waits of at least this length; 0: they are not */
	bool idle;       /* with slow_ns or stacks: include waits for work */
	bool folded;     /* lines for flame graphs */
	const char *svg; /* the file for a flame graph: then folded, too; NULL: none */
	bool stacks;     /* rows also tell the functions by which threads came to a place */
	enum tasks_source source;
};

extern const struct wait_options wait_usual_options;

static inline const struct wait_options *
wait_options(const struct watch *w)
{
	return w->ask->options;
}

enum wait_state { WAIT_RUNNING, WAIT_RUNNABLE, WAIT_BLOCKED, WAIT_STOPPED, WAIT_ENDED };

/* An empty text is unknown. One that is too long keeps its end. */
struct wait_place {
	enum wait_state state;
	bool uninterruptible; /* state D */
	bool kernel;          /* a kernel thread */
	bool idle;            /* what waits here may just have no work */
	bool parked;          /* with stacks: a runtime keeps the thread until there is work */
	uint32_t stack, kernel_stack; /* see wait_stack_text; 0: unknown */
	char call[32], wchan[48], where[112];
	uint64_t futex; /* the address of one that may be of a lock with an owner; 0: none */
};

/* The members that most samples use come first: most threads did not run, and their data has left
 * the CPU caches by the next sample. */
struct wait_thread {
	uint32_t pid, tid;
	struct task_sched sched; /* at its last sample */
	int64_t since_ns;        /* it has not run since about then */
	int64_t sampled_ns;      /* its last sample */
	bool known;              /* it has been sampled: sched and place are set */
	bool gone;               /* it is not sampled any more */
	bool ended;              /* it is a zombie, which is still listed */
	bool told;               /* there was a row for its wait, which still lasts */
	bool ran;                /* it has been seen to run, so that since_ns is known */
	bool thin;               /* it may be sampled less often while it does not run */
	bool starved;            /* of a runnable one: it waited more than it ran */
	uint64_t placed;         /* the round in which its place was read */
	uint32_t inner;          /* its ID in its own pid namespace; 0: not read */
	bool nested;             /* that is another namespace than the one of /proc */
	uint64_t look;           /* the round from which on the memory of its lock is read again */
	int64_t counted_ns;      /* its time is counted up to here */
	/* counted as waiting for a CPU, and not yet in the wait_ns of the kernel */
	int64_t pending_ns;
	/* not counted yet: it was runnable at both ends of this time */
	int64_t open_ns;
	uint64_t cpu; /* the one it ran on last; UINT64_MAX: unknown */
	/* tells the call in which it waits from others: its number, arguments, sp and pc; 0: unknown */
	uint32_t call_hash;
	bool one_place; /* threads that wait in it are in one kernel function */
	bool same;      /* its row told that it waits in the same place as before it ran */
	struct wait_place place;
	uint32_t
	    sum; /* the number of the sum that got its last blocked time: a hint for find_sum */
	uint64_t sp, pc; /* where the program entered the call of that place; 0: unknown */
	char comm[64];
};

/* Whose time it is. Rows that do not tell threads apart have 0 and empty texts here. */
struct wait_owner {
	uint32_t pid, tid;
	const char *pid_label, *tid_label; /* for a row; NULL: unknown */
	char process[64], comm[64];
};

/* The thread that holds a lock for which threads wait, and what it does. */
struct wait_holder {
	uint32_t sum; /* the number of the sum whose threads wait */
	enum lock_kind kind;
	uint32_t pid, tid, readers; /* tid 0: the readers of a rwlock, whose number this is */
	char comm[64];
	/* what it does; of the chain of owners, what the last one does */
	char doing[160], chain[192]; /* room for 12 IDs */
	bool deadlock;               /* the chain comes back to a thread in it */
	unsigned found, samples;     /* in so many, of so many samples of waiting threads */
	unsigned others;             /* so many other threads held locks of these waits */
	unsigned votes;              /* by how many more of these it did this than anything else */
	const char *pid_label, *tid_label, *words; /* for a row; NULL: unknown */
};

/* The time that one owner spent in one place. */
struct wait_sum {
	struct wait_owner owner;
	struct wait_place place;
	struct wait_place
	    added; /* the place whose time was added last; `place` may keep less of it */
	const char *stack, *kernel_stack; /* for a row; NULL: unknown */
	double ns;
	int64_t longest_ns;    /* of waits without running that last; 0: none */
	unsigned lock_samples; /* samples of its threads that waited for a lock */
	/* of a row: the most frequent holder; NULL: unknown */
	const struct wait_holder *holder;
};

/* A wait of at least slow_ns. */
struct wait_event {
	struct wait_owner owner;
	struct wait_place place;
	int64_t ns;
	bool lasting;                     /* it has not ended */
	const struct wait_holder *holder; /* the last one; NULL: unknown */
};

enum { WAIT_THREADS_MOST = 20000, WAIT_EVENTS_MOST = 10000 };

/* The tool's state. */
struct waits {
	struct wait_thread *threads; /* of the target, ordered by pid and tid */
	size_t nthreads;
	uint64_t *turn; /* by thread: sample_due need not visit it before this round */
	struct targets targets;
	struct arena listing;
	struct task_source source;  /* rows of the threads, which files have otherwise */
	const struct task_row *row; /* that of the thread being sampled; NULL: it has none */
	bool partly; /* rows of this sample: only those of threads that are not skipped */
	uint32_t *wanted, *due; /* indexes of these rows, and of their threads */
	size_t nwanted, wanted_room;
	unsigned until_list; /* samples until the threads are listed again */
	int list_error;      /* errno of the last listing; 0: none */
	uint64_t self;       /* pq, which leaves itself out; 0: unknown, or selected by -p */
	/* how far the clock of each CPU is behind; NULL: unknown */
	struct wait_clock *clocks;

	/* names of calls that were looked up last, by their number; "": none */
	struct wait_call {
		uint64_t number;
		char name[32];
		bool idle, takes_fd;
		bool one_place; /* threads that wait in it are in one kernel function */
	} calls[16];

	struct map keys;       /* what tells sums apart */
	struct wait_sum *sums; /* by the number of their key */
	uint32_t sums_room;
	uint32_t
	    sum_of[WAIT_ENDED + 1]; /* as in wait_thread, of states that no place tells apart */
	struct wait_event *events;  /* since the last row */
	size_t nevents, events_room;

	struct flame flame;         /* with svg: the time of all rows … */
	bool drawn;                 /* … of which there was one */
	struct wait_stacks *stacks; /* NULL: none was read yet */

	/* of this sample, and of the previous one; NULL: there were none */
	struct wait_locks *locks, *locks_before;
	bool locks_provided;         /* as a text of this host: another sampler may do so first */
	struct wait_holder *holders; /* since the last row */
	size_t nholders, holders_room;
	struct arena told_holders; /* those of the events */

	int64_t seen_ns;   /* the previous sample */
	uint64_t round;    /* number of samples */
	unsigned samples;  /* since the last row */
	uint64_t left_out; /* what the watch had left out at the last row */
	unsigned rows;
	bool thins;      /* with slow_ns: threads may be sampled less often … */
	unsigned rarest; /* … but at least once in this many samples */
	bool sched_seen; /* schedstat of some thread had figures */
	bool placed;     /* the place of some thread could be read */
	bool told_end;   /* the rows up to the end of the target are made */
};

/* ---- threads.c */

/* Sets the threads of the target, new ones too, and ends those that are no longer there. If listing fails,
 * list_error says why, and there are none. Without rows, listing costs as much as a sample: with many threads, some
 * calls do nothing. */
void wait_threads_list(struct watch *w);

/* NULL if the thread is not one of the target's. */
struct wait_thread *wait_thread_find(const struct waits *s, uint32_t pid, uint32_t tid);

/* Whether this thread has gone for good. The number of a first thread that has ended stays, and if another thread
 * calls execve(2), that thread takes over the number. */
bool wait_thread_over(const struct wait_thread *t);

/* The row of the thread in this sample; NULL: it has none. *next is the first row that may be its own, at first
 * source.now->v, and moves on: the threads of one pass come in order. */
const struct task_row *wait_thread_row(
    const struct waits *s, const struct wait_thread *t, const struct task_row **next);

/* ---- place.c */

/* Reads a file of the thread, such as "/stat". As host_read. */
int wait_thread_read(
    struct watch *w, const struct wait_thread *t, const char *file, struct text *text);

/* Sets the place in which the thread is now, and its name. Notes why something is unknown. False
 * when the thread has ended. */
bool wait_place_read(struct watch *w, struct wait_thread *t);

void wait_set_owner(const struct waits *s, const struct wait_thread *t, struct wait_owner *out);

/* Adds time of the thread to a place. It has waited there for lasting_ns without running; 0: it has
 * run. */
void wait_add_time(struct watch *w, struct wait_thread *t, const struct wait_place *place,
    int64_t ns, int64_t lasting_ns);

/* The sum of the thread's time in its place. NULL if that is not counted. */
struct wait_sum *wait_sum_of(struct watch *w, struct wait_thread *t);

/* The length of a place without the number of a socket or pipe. */
size_t wait_where_length(const char *where);

/* ---- stack.c */

/* Before the threads of a process are sampled: the stacks of these threads may be the same as before, and are
 * read at once. */
void wait_stacks_begin(struct watch *w);
void wait_stacks_want(struct watch *w, const struct wait_thread *t);
void wait_stacks_read(struct watch *w);

/* With the option for it, and if the thread is blocked: sets the stacks of its place. The thread had this
 * schedstat before its place was read. If it has run since then, all three are read again. */
void wait_stack_look(struct watch *w, struct wait_thread *t, struct task_sched *now);

/* The frames of a stack, each but the last followed by a newline, the innermost first; for flame
 * graphs, the outermost first. NULL: unknown. Valid until the next stack is read. */
const char *wait_stack_text(const struct waits *s, uint32_t number);

/* The number of a stack of this one word. */
uint32_t wait_stack_word(struct watch *w, const char *word);

/* Says how many threads are left out of the rows. */
void wait_stacks_tell_hidden(struct watch *w);

void wait_stacks_free(struct waits *s);

/* ---- locks.c */

/* Begins a sample: of a recording, reads its locks. */
void wait_locks_begin(struct watch *w);

/* Finds the owner of the lock for which the thread waits; sets its place if it was not known that it
 * is a lock. */
void wait_locks_look(struct watch *w, struct wait_thread *t);

/* The next round in which wait_locks_look reads the lock of the thread; UINT64_MAX: it waits for none. */
uint64_t wait_locks_next(const struct waits *s, const struct wait_thread *t);

/* Follows each owner to the last one of its chain, and counts the holders. */
void wait_locks_end(struct watch *w);

/* The holder of the lock for which the thread waits in this sample, if its wait lasts, or has waited in
 * the previous one. NULL if it is unknown. */
const struct wait_holder *wait_locks_holder(
    const struct waits *s, const struct wait_thread *t, bool lasts);

/* The most frequent holder of the sum's locks, for a row; NULL: unknown. */
const struct wait_holder *wait_locks_most(const struct waits *s, uint32_t sum, struct arena *a);

/* A copy of the holder for a row. */
const struct wait_holder *wait_holder_label(const struct wait_holder *h, struct arena *a);

void wait_locks_free(struct watch *w);

/* ---- sample.c */

/* The thread has ended: counts its time up to the last sample in which it was there. */
void wait_thread_end(struct watch *w, struct wait_thread *t);

/* The tool's tick: samples every thread. */
void wait_sample(struct watch *w);

/* Before a row: counts the time up to now of threads that have not run, and adds an event, once,
 * for each long wait that lasts. */
void wait_close_row(struct watch *w);

#endif
