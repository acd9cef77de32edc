#include "trace/blame.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum {
	TIDS_MOST = 1 << 22, /* PID_MAX_LIMIT of the kernel */
	TIDS_OF_PAGE = 1 << 10,
	THREADS_MOST = 1 << 19,
	CPUS_MOST = 1 << 13, /* NR_CPUS of no kernel is larger */
	LOG_MOST = 1 << 10,  /* pieces of a CPU */
	LOG_KEPT = 1 << 6,   /* of these, when it is full: a new thread may need them */
};

/* Who takes time of a CPU without an event. */
enum taker { IRQ, STEAL, TAKERS };

/* Clocks that run by the share that each of them takes. */
struct taken {
	double ns[TAKERS];
};

/* One piece of what a CPU did: until the next piece it ran threads of this party. */
struct piece {
	uint64_t from_ns, idle_ns; /* idle_ns: b->idle_ns then */
	struct taken taken;        /* the CPU's then */
	uint32_t who;
};

struct cpu {
	struct piece *log; /* of LOG_MOST; the last piece lasts */
	uint32_t n;
	uint32_t tid;                     /* who runs */
	bool known;                       /* tid is known */
	uint32_t waiting;                 /* the first thread in its queue, plus 1 */
	uint64_t since_ns, since_idle_ns; /* of the last switch; b->idle_ns then */
	struct taken taken, since_taken;  /* at taken_ns; at since_ns */
	uint64_t taken_ns;
	double share[TAKERS]; /* from taken_ns on */
};

enum state { UNSEEN, SLEEPING, WAITING, RUNNING };

struct thread {
	uint32_t tid, party, cpu; /* cpu: where it runs or waits */
	uint32_t next, prev;      /* in the queue of the CPU, plus 1; or next free */
	uint8_t state;
	bool woken;     /* while it ran: by a race it may not have gone to sleep */
	bool doubtful;  /* it waits because of that, unless it is woken once more */
	bool preempted; /* it waits because of that: it may be about to sleep */
	bool born;      /* waits since it was created, and its CPU is not known yet */
	bool placed;    /* woken, and still to be put into a queue */
	bool unproved;  /* runs after a wait that counts as one of unknown start */
	bool slow;      /* the wait counts as slow already */
	uint32_t waker_cpu;
	uint64_t from_ns;          /* when the wait or run began */
	uint64_t piece_ns;         /* up to here the wait is in the sums */
	uint64_t done_ns, idle_ns; /* up to here the wait is in the parts; b->idle_ns then */
	struct taken taken;        /* of its CPU then */
	struct part *parts;
	uint32_t nparts, room;
	double share_ns, shared_ns; /* of a queue with a quota: of earlier CPUs; the clock then */
};

/* The threads of a party with a quota on one CPU. */
struct queue {
	uint32_t n; /* how many wait */
	bool own;   /* one runs */
	uint64_t at_ns;
	double shared_ns; /* a clock that runs while they wait and none runs, by 1/n */
};

/* Of a party with a quota: its queues by CPU. */
struct queues {
	struct queue *v;
	uint32_t n;
};

struct blame {
	blame_who *who;
	void *about;
	uint64_t now_ns;
	uint64_t idle_ns; /* a clock that runs while some CPU is idle */
	uint32_t idle_cpus;
	uint64_t gap_to_ns;
	bool partial; /* see blame_partial */
	bool unseen;  /* the switch at hand comes after one that nobody saw */
	struct cpu *cpus;
	uint32_t ncpus;
	uint32_t *pages[TIDS_MOST / TIDS_OF_PAGE]; /* the number of the thread, plus 1 */
	struct thread *threads;
	uint32_t nthreads, threads_room, free_thread;
	struct queues *queues; /* by party */
	uint32_t nqueues;
	struct wait_sums sums;
	struct blame_losses lost;
};

struct blame *
blame_new(blame_who *who, void *about, uint64_t slow_ns)
{
	struct blame *b = memset(xmalloc(sizeof *b), 0, sizeof *b);

	b->who = who;
	b->about = about;
	b->sums.slow_ns = slow_ns;
	return b;
}

static uint32_t
party_of(const struct blame *b, uint32_t tid)
{
	uint32_t party = tid == 0 ? (uint32_t)BLAME_IDLE : b->who(b->about, tid, b->now_ns);

	return party < BLAME_PARTIES_MOST ? party : (uint32_t)BLAME_OTHERS;
}

/* ---- Threads by number */

/* Where the thread's number is; NULL: no kernel has such a tid. */
static uint32_t *
place_of(struct blame *b, uint32_t tid)
{
	uint32_t **page = tid < TIDS_MOST ? &b->pages[tid / TIDS_OF_PAGE] : NULL;

	if (!page)
		return NULL;
	if (!*page)
		*page =
		    memset(xmalloc(TIDS_OF_PAGE * sizeof **page), 0, TIDS_OF_PAGE * sizeof **page);
	return &(*page)[tid % TIDS_OF_PAGE];
}

static uint32_t
thread_new(struct blame *b, uint32_t tid)
{
	uint32_t i = b->free_thread;

	if (i) {
		struct part *parts = b->threads[i - 1].parts;
		uint32_t room = b->threads[i - 1].room;
		b->free_thread = b->threads[i - 1].next;
		b->threads[i - 1] = (struct thread){ .parts = parts, .room = room };
	} else {
		b->threads =
		    sums_grow(b->threads, b->nthreads, &b->threads_room, sizeof *b->threads);
		i = ++b->nthreads;
	}
	b->threads[i - 1].tid = tid;
	b->threads[i - 1].party = party_of(b, tid);
	return i;
}

/* NULL: it is invalid, or there are too many. */
static struct thread *
thread_of(struct blame *b, uint32_t tid)
{
	uint32_t *place = place_of(b, tid);

	if (!place || (!*place && !b->free_thread && b->nthreads == THREADS_MOST)) {
		b->lost.invalid++;
		return NULL;
	}
	if (!*place)
		*place = thread_new(b, tid);
	return &b->threads[*place - 1];
}

/* A thread that a CPU ran or runs; NULL: none, or unknown. */
static struct thread *
runner(struct blame *b, uint32_t tid)
{
	return tid && tid != SCHED_TID_UNKNOWN ? thread_of(b, tid) : NULL;
}

/* ---- What CPUs do */

/* A CPU of which nothing is known yet. */
static void
cpu_begin(struct blame *b, struct cpu *c)
{
	c->log = xmalloc(LOG_MOST * sizeof *c->log);
	c->log[0] =
	    (struct piece){ .from_ns = b->now_ns, .idle_ns = b->idle_ns, .who = BLAME_UNKNOWN };
	c->n = 1;
	c->since_ns = c->taken_ns = b->now_ns;
}

static struct taken
taken_now(const struct blame *b, const struct cpu *c)
{
	double ns = (double)(b->now_ns - c->taken_ns);

	return (struct taken){ { c->taken.ns[IRQ] + ns * c->share[IRQ],
	    c->taken.ns[STEAL] + ns * c->share[STEAL] } };
}

/* NULL: no kernel has so many. */
static struct cpu *
cpu_of(struct blame *b, uint32_t cpu)
{
	if (cpu >= CPUS_MOST) {
		b->lost.invalid++;
		return NULL;
	}
	b->cpus = sums_grow(b->cpus, cpu, &b->ncpus, sizeof *b->cpus);
	if (!b->cpus[cpu].log)
		cpu_begin(b, &b->cpus[cpu]);
	return &b->cpus[cpu];
}

/* What interrupts and a hypervisor took of the piece is theirs. */
static uint64_t
add_taken(struct blame *b, const struct thread *t, const struct piece *p, uint64_t left)
{
	static const uint32_t who[] = { [IRQ] = BLAME_IRQ, [STEAL] = BLAME_STEAL };

	for (int i = 0; i < TAKERS; i++) {
		double took = p->taken.ns[i] - t->taken.ns[i];
		uint64_t ns = took > 0 ? (uint64_t)took : 0;
		ns = ns < left ? ns : left;
		sums_part(&b->sums, who[i], ns, 0);
		left -= ns;
	}
	return left;
}

/* The thread waited on until p->from_ns behind p->who; the clocks of p are those of then. */
static void
add_piece(struct blame *b, struct thread *t, const struct piece *p)
{
	uint64_t left = add_taken(b, t, p, p->from_ns - t->done_ns),
		 idle = p->who == BLAME_IDLE ? 0 : p->idle_ns - t->idle_ns;

	sums_part(&b->sums, p->who, left, idle < left ? idle : left);
	t->done_ns = p->from_ns;
	t->idle_ns = p->idle_ns;
	t->taken = p->taken;
}

/* Adds what the thread's CPU did from t->done_ns up to that time, which is now or when a piece began. While that CPU is idle, so is some CPU: the time in
 * which another one was idle is left. */
static void
walk(struct blame *b, struct thread *t, uint64_t until_ns)
{
	const struct cpu *c = &b->cpus[t->cpu];
	uint32_t i = c->n - 1;

	while (i > 0 && c->log[i].from_ns > t->done_ns)
		i--;
	if (c->log[i].from_ns > t->done_ns) {
		sums_part(&b->sums, BLAME_UNKNOWN, c->log[i].from_ns - t->done_ns, 0);
		t->done_ns = c->log[i].from_ns;
		t->idle_ns = c->log[i].idle_ns;
		t->taken = c->log[i].taken;
	}
	for (; i < c->n && c->log[i].from_ns < until_ns; i++) {
		bool last = i + 1 == c->n;
		uint64_t to = last ? b->now_ns : c->log[i + 1].from_ns,
			 idle = last ? b->idle_ns : c->log[i + 1].idle_ns;
		struct taken taken = last ? taken_now(b, c) : c->log[i + 1].taken;
		struct piece p = { to < until_ns ? to : until_ns, idle, taken, c->log[i].who };
		add_piece(b, t, &p);
	}
}

static void
load_parts(struct blame *b, struct thread *t)
{
	for (uint32_t i = 0; i < t->nparts; i++)
		sums_part(&b->sums, t->parts[i].who, t->parts[i].ns, t->parts[i].elsewhere_ns);
	t->nparts = 0;
}

/* Puts the wait so far into the thread's parts: the CPU's log is no longer needed. */
static void
settle(struct blame *b, struct thread *t)
{
	load_parts(b, t);
	walk(b, t, b->now_ns);
	t->nparts = sums_take(&b->sums, &t->parts, &t->room);
}

static void
shorten_log(struct blame *b, struct cpu *c)
{
	for (uint32_t i = c->waiting; i; i = b->threads[i - 1].next)
		settle(b, &b->threads[i - 1]);
	memmove(c->log, c->log + LOG_MOST - LOG_KEPT, LOG_KEPT * sizeof *c->log);
	c->n = LOG_KEPT;
}

/* From now on the CPU runs that party. */
static void
log_piece(struct blame *b, struct cpu *c, uint32_t who)
{
	struct piece *last = &c->log[c->n - 1];

	if (last->who == who)
		return;
	if (last->from_ns == b->now_ns) {
		last->who = who;
		return;
	}
	if (c->n == LOG_MOST)
		shorten_log(b, c);
	c->log[c->n++] = (struct piece){ b->now_ns, b->idle_ns, taken_now(b, c), who };
}

/* ---- Queues with a quota */

/* NULL: the party has no quota. */
static struct queue *
queue_of(struct blame *b, uint32_t party, uint32_t cpu)
{
	if (!sums_limited(&b->sums, party))
		return NULL;
	struct queues *of = &b->queues[party];
	of->v = sums_grow(of->v, cpu, &of->n, sizeof *of->v);
	struct queue *q = &of->v[cpu];
	if (q->n > 0 && !q->own)
		q->shared_ns += (double)(b->now_ns - q->at_ns) / q->n;
	q->at_ns = b->now_ns;
	return q;
}

static void
set_own(struct blame *b, uint32_t party, uint32_t cpu, bool own)
{
	struct queue *q = queue_of(b, party, cpu);

	if (q)
		q->own = own;
}

/* ---- Waits */

static void
enqueue(struct blame *b, struct thread *t, uint32_t cpu)
{
	struct cpu *c = &b->cpus[cpu];
	uint32_t i = (uint32_t)(t - b->threads) + 1;
	struct queue *q = queue_of(b, t->party, cpu);

	t->cpu = cpu;
	t->taken = taken_now(b, c);
	t->prev = 0;
	t->next = c->waiting;
	if (c->waiting)
		b->threads[c->waiting - 1].prev = i;
	c->waiting = i;
	if (q) {
		t->shared_ns = q->shared_ns;
		q->n++;
	}
}

static void
dequeue(struct blame *b, struct thread *t)
{
	struct queue *q = queue_of(b, t->party, t->cpu);

	if (t->prev)
		b->threads[t->prev - 1].next = t->next;
	else
		b->cpus[t->cpu].waiting = t->next;
	if (t->next)
		b->threads[t->next - 1].prev = t->prev;
	if (q) {
		t->share_ns += q->shared_ns - t->shared_ns;
		q->n -= q->n > 0;
	}
}

static void
wait_begin(struct blame *b, struct thread *t, uint32_t cpu)
{
	t->state = WAITING;
	t->from_ns = t->piece_ns = t->done_ns = b->now_ns;
	t->idle_ns = b->idle_ns;
	t->nparts = 0;
	t->share_ns = 0;
	t->woken = t->doubtful = t->preempted = t->born = t->placed = t->unproved = t->slow = false;
	enqueue(b, t, cpu);
}

static void
leave_out(struct blame *b, const struct thread *t, uint64_t *why)
{
	sums_victim(&b->sums, t->party)->left_out++;
	++*why;
}

/* The thread stops waiting, and the wait does not count. */
static void
wait_drop(struct blame *b, struct thread *t, uint64_t *why)
{
	dequeue(b, t);
	leave_out(b, t, why);
	t->state = UNSEEN;
}

/* Adds the wait up to that time to the sums. */
static void
count(struct blame *b, struct thread *t, uint64_t until_ns)
{
	load_parts(b, t);
	walk(b, t, until_ns);
	t->slow = sums_count(&b->sums,
	    &(struct wait){
		t->party, t->tid, t->from_ns, until_ns, t->piece_ns, t->share_ns, t->slow });
	t->piece_ns = until_ns;
	t->share_ns = 0;
}

/* The wait ended at that time. */
static void
wait_end_at(struct blame *b, struct thread *t, uint64_t at_ns)
{
	dequeue(b, t);
	t->state = UNSEEN;
	if (t->from_ns < b->gap_to_ns) {
		leave_out(b, t, &b->lost.across_gap);
		return;
	}
	count(b, t, at_ns);
}

/* The wait ends now. */
static void
wait_end(struct blame *b, struct thread *t)
{
	wait_end_at(b, t, b->now_ns);
}

/* Nothing that overlaps a gap counts. */
static void
gap_until(struct blame *b, uint64_t to_ns)
{
	b->lost.gaps++;
	if (to_ns > b->gap_to_ns)
		b->gap_to_ns = to_ns;
}

/* ---- Events */

/* Whether the event that should have come before the switch to the thread comes now: two CPUs did
 * this at the same time. */
static bool
is_proof(const struct blame *b, const struct thread *t)
{
	return t->unproved && t->from_ns == b->now_ns;
}

/* It waited, for no time. */
static void
prove(struct blame *b, struct thread *t)
{
	struct blame_victim *v = sums_victim(&b->sums, t->party);

	t->unproved = false;
	v->left_out -= v->left_out > 0;
	b->lost.unknown_start -= b->lost.unknown_start > 0;
	v->waits++;
}

static void
on_waking(struct blame *b, const struct sched_event *e)
{
	struct thread *t = thread_of(b, e->tid);

	if (!t || !cpu_of(b, e->to))
		return;
	if (t->state == RUNNING && is_proof(b, t)) {
		prove(b, t);
	} else if (t->state == RUNNING) {
		t->woken = true;
	} else if (t->state != WAITING || !t->preempted) {
		if (t->state == WAITING && t->doubtful)
			dequeue(b, t);
		else if (t->state == WAITING) /* it has run and slept since */
			wait_drop(b, t, &b->lost.unknown_start);
		wait_begin(b, t, e->to);
		t->placed = true;
		t->waker_cpu = e->cpu;
	}
}

/* The thread's number may have been that of another one, whose end was lost. */
static void
on_new(struct blame *b, const struct sched_event *e)
{
	struct thread *t = thread_of(b, e->tid);

	if (!t || !cpu_of(b, e->cpu))
		return;
	if (t->state == WAITING)
		wait_drop(b, t, &b->lost.unknown_start);
	t->party = party_of(b, e->tid);
	wait_begin(b, t, e->cpu);
	t->born = true;
}

/* The waker puts a thread into the queue of another CPU than that where it ran last: it was in no queue
 * before. Later another CPU takes it out of one. */
static void
on_migrate(struct blame *b, const struct sched_event *e)
{
	struct thread *t = thread_of(b, e->tid);

	if (!t || !cpu_of(b, e->to) || t->state != WAITING || t->cpu == e->to)
		return;
	bool placing = t->placed && t->waker_cpu == e->cpu && e->cpu < b->ncpus &&
	    b->cpus[e->cpu].since_ns <= t->from_ns;
	if (!placing)
		settle(b, t);
	dequeue(b, t);
	enqueue(b, t, e->to);
	t->placed = false;
	t->born = false;
}

/* A thread other than the leader of its process gets the leader's number. */
static void
on_exec(struct blame *b, const struct sched_event *e)
{
	struct cpu *c = cpu_of(b, e->cpu);

	if (!c || !c->known || c->tid == e->tid || !thread_of(b, e->tid))
		return;
	struct thread *old = runner(b, c->tid), *t = thread_of(b, e->tid);
	if (old && old->state == RUNNING)
		old->state = UNSEEN;
	if (t->state == WAITING)
		wait_drop(b, t, &b->lost.unknown_start);
	t->state = RUNNING;
	t->cpu = e->cpu;
	t->from_ns = b->now_ns;
	t->woken = t->unproved = false;
	c->tid = e->tid;
}

static void
thread_free(struct blame *b, struct thread *t)
{
	if (t->state == WAITING)
		wait_drop(b, t, &b->lost.unknown_start);
	t->next = b->free_thread;
	b->free_thread = (uint32_t)(t - b->threads) + 1;
	t->state = UNSEEN;
	*place_of(b, t->tid) = 0;
}

/* The thread ran although no switch to it was seen. It waited until the last switch before that, at least,
 * if that is the one that somebody did not see. */
static void
end_unseen(struct blame *b, struct thread *t, uint32_t cpu)
{
	uint64_t since_ns = b->cpus[cpu].since_ns;

	if (b->unseen && t->cpu == cpu && t->done_ns <= since_ns && !t->doubtful)
		wait_end_at(b, t, since_ns);
	else
		wait_drop(b, t, &b->lost.unknown_start);
}

static void
stop(struct blame *b, const struct sched_event *e)
{
	struct thread *t = runner(b, e->tid);
	bool runnable = e->state == SCHED_PREEMPTED || e->state == 'R';

	if (!t)
		return;
	set_own(b, t->party, e->cpu, false);
	if (t->state == RUNNING && t->cpu != e->cpu) {
		/* another CPU runs it already */
		if (runnable && is_proof(b, t))
			prove(b, t);
	} else if (e->state == 'X' || e->state == 'Z') {
		thread_free(b, t);
	} else {
		if (t->state == WAITING)
			end_unseen(b, t, e->cpu);
		bool woken = t->woken && t->state == RUNNING;
		t->state = SLEEPING;
		if (!runnable && !woken)
			return;
		wait_begin(b, t, e->cpu);
		t->doubtful = !runnable;
		t->preempted = e->state == SCHED_PREEMPTED;
	}
}

/* The thread is picked by a CPU that it was not known to wait for. */
static void
find_elsewhere(struct blame *b, struct thread *t, uint32_t cpu)
{
	if (!t->born) { /* it moved without an event: who ran in between is unknown */
		load_parts(b, t);
		sums_part(&b->sums, BLAME_UNKNOWN, b->now_ns - t->done_ns, 0);
		t->done_ns = b->now_ns;
		t->nparts = sums_take(&b->sums, &t->parts, &t->room);
	}
	dequeue(b, t);
	enqueue(b, t, cpu);
}

static void
start(struct blame *b, const struct sched_event *e, struct thread *t)
{
	bool unproved = t->state != WAITING;

	if (unproved) {
		leave_out(b, t, &b->lost.unknown_start);
	} else {
		if (t->cpu != e->cpu)
			find_elsewhere(b, t, e->cpu);
		wait_end(b, t);
	}
	t->state = RUNNING;
	t->cpu = e->cpu;
	t->from_ns = b->now_ns;
	t->woken = false;
	t->unproved = unproved;
	set_own(b, t->party, e->cpu, true);
}

/* Until now nothing was known of the CPU: it ran this thread. */
static void
learn(struct blame *b, struct cpu *c, uint32_t tid)
{
	const struct thread *t = runner(b, tid);

	c->known = true;
	if (b->partial)
		return; /* others may have run, too */
	c->log[c->n - 1].who = tid == 0 ? (uint32_t)BLAME_IDLE :
	    t                           ? t->party :
					  (uint32_t)BLAME_UNKNOWN;
}

/* Who runs on the CPU is not known any more. */
static void
forget(struct blame *b, struct cpu *c)
{
	struct thread *t = c->known ? runner(b, c->tid) : NULL;

	if (t && t->state == RUNNING) {
		set_own(b, t->party, t->cpu, false);
		t->state = UNSEEN;
	}
	if (c->known && c->tid == 0)
		b->idle_cpus--;
	c->known = false;
	log_piece(b, c, BLAME_UNKNOWN);
}

static bool
is_valid(uint32_t tid)
{
	return tid < TIDS_MOST || tid == SCHED_TID_UNKNOWN;
}

/* A switch is missing, and nobody said so: some kernels hide threads from BPF. Somebody ran since the last
 * switch, at least at its end. */
static void
doubt(struct blame *b, struct cpu *c)
{
	struct piece *last = &c->log[c->n - 1];

	b->lost.unseen++;
	if (last->from_ns >= c->since_ns || c->n == LOG_MOST)
		last->who = BLAME_UNKNOWN;
	else
		c->log[c->n++] =
		    (struct piece){ c->since_ns, c->since_idle_ns, c->since_taken, BLAME_UNKNOWN };
}

static void
on_switch(struct blame *b, const struct sched_event *e)
{
	struct cpu *c = cpu_of(b, e->cpu);

	if (!c || !is_valid(e->tid) || !is_valid(e->other)) {
		b->lost.invalid += c != NULL;
		return;
	}
	b->unseen = c->known && c->tid != e->tid && !b->partial;
	if (c->known && c->tid != e->tid && b->partial) {
		c->log[c->n - 1].who = BLAME_UNKNOWN; /* since some time */
		forget(b, c);
	} else if (b->unseen) {
		doubt(b, c);
		forget(b, c);
	} else if (!c->known) {
		learn(b, c, e->tid);
	} else if (c->tid == 0) {
		b->idle_cpus--;
	}
	stop(b, e);
	struct thread *next = runner(b, e->other);
	if (next)
		start(b, e, next);
	b->idle_cpus += e->other == 0;
	c->tid = e->other;
	c->known = true;
	c->since_ns = b->now_ns;
	c->since_idle_ns = b->idle_ns;
	c->since_taken = taken_now(b, c);
	log_piece(b, c, next ? next->party : (uint32_t)(e->other ? BLAME_UNKNOWN : BLAME_IDLE));
}

static void
advance(struct blame *b, uint64_t at_ns)
{
	if (at_ns < b->now_ns) {
		b->lost.disordered++;
		return;
	}
	if (b->idle_cpus > 0)
		b->idle_ns += at_ns - b->now_ns;
	b->now_ns = at_ns;
}

void
blame_event(struct blame *b, const struct sched_event *e)
{
	advance(b, e->at_ns);
	switch (e->kind) {
	case SCHED_SWITCH:
		on_switch(b, e);
		break;
	case SCHED_WAKING:
		on_waking(b, e);
		break;
	case SCHED_NEW:
		on_new(b, e);
		break;
	case SCHED_EXEC:
		on_exec(b, e);
		break;
	case SCHED_MIGRATE:
		on_migrate(b, e);
		break;
	default: /* a thread that exits still runs: its last switch ends it */
		break;
	}
}

void
blame_taken(struct blame *b, uint32_t cpu, double irq, double steal)
{
	struct cpu *c = cpu_of(b, cpu);

	if (!c)
		return;
	c->taken = taken_now(b, c);
	c->taken_ns = b->now_ns;
	c->share[IRQ] = irq;
	c->share[STEAL] = steal;
}

void
blame_gap(struct blame *b, uint32_t cpu, uint64_t from_ns, uint64_t to_ns)
{
	if (from_ns > b->now_ns)
		advance(b, from_ns);
	gap_until(b, to_ns);
	struct cpu *c = cpu_of(b, cpu);
	if (c)
		forget(b, c);
}

void
blame_partial(struct blame *b)
{
	b->partial = true;
}

/* A wait that may turn out to be none, or to be left out, is not cut. */
static void
cut(struct blame *b, struct thread *t)
{
	struct queue *q = queue_of(b, t->party, t->cpu);

	if (t->doubtful || t->from_ns < b->gap_to_ns)
		return;
	if (q) {
		t->share_ns += q->shared_ns - t->shared_ns;
		t->shared_ns = q->shared_ns;
	}
	count(b, t, b->now_ns);
	sums_victim(&b->sums, t->party)->open++;
}

void
blame_cut(struct blame *b, uint64_t at_ns)
{
	if (at_ns > b->now_ns)
		advance(b, at_ns);
	for (uint32_t i = 0; i < b->nthreads; i++)
		if (b->threads[i].state == WAITING)
			cut(b, &b->threads[i]);
}

void
blame_add(struct blame *b, uint32_t party, uint64_t waits, const struct part *parts, size_t n)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < n; i++) {
		sums_part(&b->sums, parts[i].who, parts[i].ns, parts[i].elsewhere_ns);
		ns += parts[i].ns;
	}
	sums_count(
	    &b->sums, &(struct wait){ .party = party, .from_ns = 0, .end_ns = ns, .piece_ns = 0 });
	struct blame_victim *v = sums_victim(&b->sums, party);
	v->waits += waits;
	v->waits--;
}

void
blame_moved(struct blame *b, uint32_t tid)
{
	const uint32_t *place = place_of(b, tid);
	uint32_t party = party_of(b, tid);

	if (!place || !*place || b->threads[*place - 1].party == party)
		return;
	struct thread *t = &b->threads[*place - 1];
	if (t->state == WAITING) {
		if (!t->doubtful && t->from_ns >= b->gap_to_ns)
			count(b, t, b->now_ns);
		dequeue(b, t);
		t->party = party;
		t->share_ns = 0;
		enqueue(b, t, t->cpu);
	} else if (t->state == RUNNING) {
		struct cpu *c = &b->cpus[t->cpu];
		set_own(b, t->party, t->cpu, false);
		set_own(b, party, t->cpu, true);
		if (c->known && c->tid == tid)
			log_piece(b, c, party);
	}
	t->party = party;
}

void
blame_end(struct blame *b, uint64_t at_ns)
{
	if (at_ns > b->now_ns)
		advance(b, at_ns);
	for (uint32_t i = 0; i < b->nthreads; i++) {
		struct thread *t = &b->threads[i];
		if (t->state != WAITING)
			continue;
		struct blame_victim *v = sums_victim(&b->sums, t->party);
		uint64_t waits = v->waits;
		if (t->doubtful)
			wait_drop(b, t, &b->lost.unknown_start);
		else
			wait_end(b, t);
		v->open += v->waits - waits;
	}
}

/* ---- The quota */

void
blame_limited(struct blame *b, uint32_t party)
{
	if (party < BLAME_FIRST || party >= BLAME_PARTIES_MOST)
		return;
	sums_limit(&b->sums, party);
	b->queues = sums_grow(b->queues, party, &b->nqueues, sizeof *b->queues);
}

void
blame_throttled(struct blame *b, uint32_t party, uint64_t throttled_ns)
{
	sums_throttled(&b->sums, party, throttled_ns);
}

/* ---- The sums */

uint32_t
blame_victims(const struct blame *b)
{
	return b->sums.nvictims;
}

const struct blame_victim *
blame_victim(const struct blame *b, uint32_t party)
{
	return sums_seen(&b->sums, party);
}

size_t
blame_pairs(const struct blame *b)
{
	return b->sums.npairs;
}

const struct blame_pair *
blame_pair(const struct blame *b, size_t i)
{
	return sums_pair(&b->sums, i);
}

const struct blame_losses *
blame_losses(const struct blame *b)
{
	return &b->lost;
}

void
blame_clear(struct blame *b)
{
	sums_clear(&b->sums);
	b->lost = (struct blame_losses){ 0 };
}

void
blame_free(struct blame *b)
{
	if (!b)
		return;
	sums_free(&b->sums);
	for (uint32_t i = 0; i < b->nqueues; i++)
		free(b->queues[i].v);
	for (uint32_t i = 0; i < b->nthreads; i++)
		free(b->threads[i].parts);
	for (uint32_t i = 0; i < b->ncpus; i++)
		free(b->cpus[i].log);
	for (size_t i = 0; i < sizeof b->pages / sizeof b->pages[0]; i++)
		free(b->pages[i]);
	free(b->queues);
	free(b->threads);
	free(b->cpus);
	free(b);
}
