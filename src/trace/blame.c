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
	PAIRS_MOST = 1 << 18,
	LENGTHS = 64,           /* classes of waits: by the power of two of their length in ns */
	IDLE_LONG_NS = 1000000, /* a CPU wakes up from idle in less time */
};

/* One piece of what a CPU did: until the next piece it ran threads of this party. */
struct piece {
	uint64_t from_ns, idle_ns; /* idle_ns: b->idle_ns then */
	uint32_t who;
};

struct cpu {
	struct piece *log; /* of LOG_MOST; the last piece lasts */
	uint32_t n;
	uint32_t tid;      /* who runs */
	bool known;        /* tid is known */
	uint32_t waiting;  /* the first thread in its queue, plus 1 */
	uint64_t since_ns; /* of the last switch */
};

/* How long a thread waited behind somebody, and of that, while another CPU was idle. */
struct part {
	uint32_t who;
	uint64_t ns, elsewhere_ns;
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
	uint32_t waker_cpu;
	uint64_t from_ns;          /* when the wait or run began */
	uint64_t done_ns, idle_ns; /* up to here the wait is in the parts; b->idle_ns then */
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

/* Waits of a class, which may be due to a quota. */
struct held {
	double share_ns[2][LENGTHS]; /* [0]: that saw the CPU idle for long */
};

struct held_pair {
	uint64_t wait_ns[2][LENGTHS];
};

struct victim {
	struct blame_victim sum;
	bool seen;
	struct queue *queues; /* of a party with a quota: by CPU; NULL: none */
	uint32_t nqueues;
	struct held *held;
};

struct pair {
	struct blame_pair sum;
	struct held_pair *held;
};

struct blame {
	blame_who *who;
	void *about;
	uint64_t slow_ns, now_ns;
	uint64_t idle_ns; /* a clock that runs while some CPU is idle */
	uint32_t idle_cpus;
	uint64_t gap_to_ns;
	struct cpu *cpus;
	uint32_t ncpus;
	uint32_t *pages[TIDS_MOST / TIDS_OF_PAGE]; /* the number of the thread, plus 1 */
	struct thread *threads;
	uint32_t nthreads, threads_room, free_thread;
	struct victim *victims; /* by party */
	uint32_t nvictims, victims_room;
	struct pair *pairs;
	uint32_t npairs, pairs_room;
	uint32_t *slots; /* nslots, a power of two: the number of a pair, plus 1; 0: free */
	uint32_t nslots;
	struct part *sums; /* of one wait, by party; ns 0: none */
	uint32_t nsums;
	uint32_t *touched; /* the parties in it */
	uint32_t ntouched, touched_room;
	struct blame_losses lost;
};

static void *
zeroed(size_t n, size_t size)
{
	return memset(xmalloc(n * size), 0, n * size);
}

static void *
grow(void *v, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room : 16;

	if (n < *room)
		return v;
	while (more <= n)
		more *= 2;
	v = xrealloc(v, more * size);
	memset((char *)v + *room * size, 0, (more - *room) * size);
	*room = more;
	return v;
}

struct blame *
blame_new(blame_who *who, void *about, uint64_t slow_ns)
{
	struct blame *b = zeroed(1, sizeof *b);

	b->who = who;
	b->about = about;
	b->slow_ns = slow_ns;
	return b;
}

/* ---- Parties, and pairs of them */

static uint32_t
party_of(const struct blame *b, uint32_t tid)
{
	uint32_t party = tid == 0 ? (uint32_t)BLAME_IDLE : b->who(b->about, tid, b->now_ns);

	return party < BLAME_PARTIES_MOST ? party : (uint32_t)BLAME_OTHERS;
}

static struct victim *
victim_of(struct blame *b, uint32_t party)
{
	b->victims = grow(b->victims, party, &b->victims_room, sizeof *b->victims);
	if (party >= b->nvictims)
		b->nvictims = party + 1;
	return &b->victims[party];
}

static uint32_t *
slot_of(const struct blame *b, uint32_t victim, uint32_t culprit)
{
	uint64_t h = ((uint64_t)victim << 32 | culprit) * 0x9e3779b97f4a7c15u;

	for (uint32_t i = (uint32_t)(h >> 32);; i++) {
		uint32_t *slot = &b->slots[i & (b->nslots - 1)];
		if (*slot == 0 ||
		    (b->pairs[*slot - 1].sum.victim == victim &&
			b->pairs[*slot - 1].sum.culprit == culprit))
			return slot;
	}
}

static void
rehash(struct blame *b)
{
	b->nslots = b->nslots ? b->nslots * 2 : 256;
	free(b->slots);
	b->slots = zeroed(b->nslots, sizeof *b->slots);
	for (uint32_t i = 0; i < b->npairs; i++)
		*slot_of(b, b->pairs[i].sum.victim, b->pairs[i].sum.culprit) = i + 1;
}

static struct pair *
pair_of(struct blame *b, uint32_t victim, uint32_t culprit)
{
	if (b->npairs >= b->nslots / 2)
		rehash(b);
	uint32_t *slot = slot_of(b, victim, culprit);
	if (*slot)
		return &b->pairs[*slot - 1];
	if (b->npairs >= PAIRS_MOST && culprit >= BLAME_FIRST)
		return pair_of(b, victim, BLAME_OTHERS);
	b->pairs = grow(b->pairs, b->npairs, &b->pairs_room, sizeof *b->pairs);
	struct pair *p = &b->pairs[b->npairs];
	*p = (struct pair){ .sum = { .victim = victim, .culprit = culprit } };
	*slot = ++b->npairs;
	return p;
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
		*page = zeroed(TIDS_OF_PAGE, sizeof **page);
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
		b->threads = grow(b->threads, b->nthreads, &b->threads_room, sizeof *b->threads);
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

/* ---- What CPUs do */

/* A CPU of which nothing is known yet. */
static void
cpu_begin(struct blame *b, struct cpu *c)
{
	c->log = xmalloc(LOG_MOST * sizeof *c->log);
	c->log[0] = (struct piece){ b->now_ns, b->idle_ns, BLAME_UNKNOWN };
	c->n = 1;
	c->since_ns = b->now_ns;
}

/* NULL: no kernel has so many. */
static struct cpu *
cpu_of(struct blame *b, uint32_t cpu)
{
	if (cpu >= CPUS_MOST) {
		b->lost.invalid++;
		return NULL;
	}
	b->cpus = grow(b->cpus, cpu, &b->ncpus, sizeof *b->cpus);
	if (!b->cpus[cpu].log)
		cpu_begin(b, &b->cpus[cpu]);
	return &b->cpus[cpu];
}

static void
add_part(struct blame *b, uint32_t who, uint64_t ns, uint64_t elsewhere_ns)
{
	if (ns == 0)
		return;
	b->sums = grow(b->sums, who, &b->nsums, sizeof *b->sums);
	if (b->sums[who].ns == 0) {
		b->touched = grow(b->touched, b->ntouched, &b->touched_room, sizeof *b->touched);
		b->touched[b->ntouched++] = who;
	}
	b->sums[who].ns += ns;
	b->sums[who].elsewhere_ns += elsewhere_ns;
}

/* Adds what the thread's CPU did since t->done_ns. While that CPU is idle, so is some CPU: the time in
 * which another one was idle is left. */
static void
walk(struct blame *b, struct thread *t)
{
	const struct cpu *c = &b->cpus[t->cpu];
	uint32_t i = c->n - 1;

	while (i > 0 && c->log[i].from_ns > t->done_ns)
		i--;
	if (c->log[i].from_ns > t->done_ns) {
		add_part(b, BLAME_UNKNOWN, c->log[i].from_ns - t->done_ns, 0);
		t->done_ns = c->log[i].from_ns;
		t->idle_ns = c->log[i].idle_ns;
	}
	for (; i < c->n; i++) {
		bool last = i + 1 == c->n;
		uint64_t to = last ? b->now_ns : c->log[i + 1].from_ns,
			 idle = last ? b->idle_ns : c->log[i + 1].idle_ns;
		uint32_t who = c->log[i].who;
		add_part(b, who, to - t->done_ns, who == BLAME_IDLE ? 0 : idle - t->idle_ns);
		t->done_ns = to;
		t->idle_ns = idle;
	}
}

static void
load_parts(struct blame *b, struct thread *t)
{
	for (uint32_t i = 0; i < t->nparts; i++)
		add_part(b, t->parts[i].who, t->parts[i].ns, t->parts[i].elsewhere_ns);
	t->nparts = 0;
}

static void
clear_sums(struct blame *b)
{
	for (uint32_t i = 0; i < b->ntouched; i++)
		b->sums[b->touched[i]] = (struct part){ 0 };
	b->ntouched = 0;
}

static void
store_parts(struct blame *b, struct thread *t)
{
	t->parts = grow(t->parts, b->ntouched, &t->room, sizeof *t->parts);
	for (uint32_t i = 0; i < b->ntouched; i++) {
		t->parts[i] = b->sums[b->touched[i]];
		t->parts[i].who = b->touched[i];
	}
	t->nparts = b->ntouched;
	clear_sums(b);
}

/* Puts the wait so far into the thread's parts: the CPU's log is no longer needed. */
static void
settle(struct blame *b, struct thread *t)
{
	load_parts(b, t);
	walk(b, t);
	store_parts(b, t);
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
	c->log[c->n++] = (struct piece){ b->now_ns, b->idle_ns, who };
}

/* ---- Queues with a quota */

/* NULL: the party has no quota. */
static struct queue *
queue_of(struct blame *b, uint32_t party, uint32_t cpu)
{
	struct victim *v = party < b->nvictims ? &b->victims[party] : NULL;

	if (!v || !v->queues)
		return NULL;
	v->queues = grow(v->queues, cpu, &v->nqueues, sizeof *v->queues);
	struct queue *q = &v->queues[cpu];
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
	t->from_ns = t->done_ns = b->now_ns;
	t->idle_ns = b->idle_ns;
	t->nparts = 0;
	t->share_ns = 0;
	t->woken = t->doubtful = t->preempted = t->born = t->placed = t->unproved = false;
	enqueue(b, t, cpu);
}

static void
leave_out(struct blame *b, const struct thread *t, uint64_t *why)
{
	struct victim *v = victim_of(b, t->party);

	v->seen = true;
	v->sum.left_out++;
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

static unsigned
length_class(uint64_t ns)
{
	return ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;
}

/* Notes a wait that may be due to the quota, with its share of the queue. */
static void
hold(struct blame *b, const struct thread *t)
{
	struct victim *v = &b->victims[t->party];
	uint64_t own_ns = t->party < b->nsums ? b->sums[t->party].ns : 0;
	unsigned length = length_class(b->now_ns - t->from_ns - own_ns),
		 of = b->sums[BLAME_IDLE].ns < IDLE_LONG_NS;

	v->held->share_ns[of][length] += t->share_ns;
	for (uint32_t i = 0; i < b->ntouched; i++) {
		struct pair *p = pair_of(b, t->party, b->touched[i]);
		if (b->touched[i] == t->party)
			continue;
		if (!p->held)
			p->held = zeroed(1, sizeof *p->held);
		p->held->wait_ns[of][length] += b->sums[b->touched[i]].ns;
	}
}

static void
add_to_pair(
    struct blame *b, const struct thread *t, const struct part *part, uint32_t who, bool slow)
{
	struct blame_pair *p = &pair_of(b, t->party, who)->sum;

	p->wait_ns += part->ns;
	p->elsewhere_ns += part->elsewhere_ns;
	p->waits++;
	p->slow += slow;
	if (part->ns > p->longest_ns) {
		p->longest_ns = part->ns;
		p->longest_end_ns = b->now_ns;
		p->longest_tid = t->tid;
	}
}

/* Who has the largest part of the wait. */
static uint32_t
worst_of(const struct blame *b)
{
	uint32_t worst = BLAME_UNKNOWN;
	uint64_t most = 0;

	for (uint32_t i = 0; i < b->ntouched; i++)
		if (b->sums[b->touched[i]].ns > most) {
			worst = b->touched[i];
			most = b->sums[worst].ns;
		}
	return worst;
}

static void
add_to_victim(struct blame *b, const struct thread *t)
{
	struct victim *v = victim_of(b, t->party);
	uint64_t wait_ns = b->now_ns - t->from_ns;
	bool slow = b->slow_ns && wait_ns >= b->slow_ns;
	uint32_t worst = slow ? worst_of(b) : 0;

	v->seen = true;
	v->sum.waits++;
	v->sum.wait_ns += wait_ns;
	v->sum.slow += slow;
	if (wait_ns >= v->sum.longest_ns) {
		v->sum.longest_ns = wait_ns;
		v->sum.longest_end_ns = b->now_ns;
		v->sum.longest_tid = t->tid;
	}
	for (uint32_t i = 0; i < b->ntouched; i++) {
		const struct part *part = &b->sums[b->touched[i]];
		add_to_pair(b, t, part, b->touched[i], slow && b->touched[i] == worst);
		v->sum.elsewhere_ns += part->elsewhere_ns;
	}
	if (b->nsums && b->sums[BLAME_IDLE].ns >= IDLE_LONG_NS)
		v->sum.idle_ns += b->sums[BLAME_IDLE].ns;
}

/* The wait ends now. */
static void
wait_end(struct blame *b, struct thread *t)
{
	dequeue(b, t);
	t->state = UNSEEN;
	if (t->from_ns < b->gap_to_ns) {
		leave_out(b, t, &b->lost.across_gap);
		return;
	}
	load_parts(b, t);
	walk(b, t);
	add_to_victim(b, t);
	if (b->ntouched && b->victims[t->party].held)
		hold(b, t);
	clear_sums(b);
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
	struct victim *v = victim_of(b, t->party);

	t->unproved = false;
	v->sum.left_out -= v->sum.left_out > 0;
	b->lost.unknown_start -= b->lost.unknown_start > 0;
	v->sum.waits++;
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
	struct thread *old = thread_of(b, c->tid), *t = thread_of(b, e->tid);
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

static void
stop(struct blame *b, const struct sched_event *e)
{
	struct thread *t = e->tid ? thread_of(b, e->tid) : NULL;
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
			wait_drop(b, t, &b->lost.unknown_start);
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
		add_part(b, BLAME_UNKNOWN, b->now_ns - t->done_ns, 0);
		t->done_ns = b->now_ns;
		store_parts(b, t);
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
	const struct thread *t = tid ? thread_of(b, tid) : NULL;

	c->log[c->n - 1].who = tid == 0 ? (uint32_t)BLAME_IDLE :
	    t                           ? t->party :
					  (uint32_t)BLAME_UNKNOWN;
	c->known = true;
}

/* Who runs on the CPU is not known any more. */
static void
forget(struct blame *b, struct cpu *c)
{
	struct thread *t = c->known && c->tid ? thread_of(b, c->tid) : NULL;

	if (t && t->state == RUNNING) {
		set_own(b, t->party, t->cpu, false);
		t->state = UNSEEN;
	}
	if (c->known && c->tid == 0)
		b->idle_cpus--;
	c->known = false;
	log_piece(b, c, BLAME_UNKNOWN);
}

static void
on_switch(struct blame *b, const struct sched_event *e)
{
	struct cpu *c = cpu_of(b, e->cpu);

	if (!c || e->tid >= TIDS_MOST || e->other >= TIDS_MOST) {
		b->lost.invalid += c != NULL;
		return;
	}
	if (c->known && c->tid != e->tid) { /* events are missing, and nobody said so */
		gap_until(b, b->now_ns);
		forget(b, c);
	}
	if (!c->known)
		learn(b, c, e->tid);
	else if (c->tid == 0)
		b->idle_cpus--;
	stop(b, e);
	struct thread *next = e->other ? thread_of(b, e->other) : NULL;
	if (next)
		start(b, e, next);
	b->idle_cpus += e->other == 0;
	c->tid = e->other;
	c->known = true;
	c->since_ns = b->now_ns;
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
blame_end(struct blame *b, uint64_t at_ns)
{
	if (at_ns > b->now_ns)
		advance(b, at_ns);
	for (uint32_t i = 0; i < b->nthreads; i++) {
		struct thread *t = &b->threads[i];
		if (t->state != WAITING)
			continue;
		struct blame_victim *v = &victim_of(b, t->party)->sum;
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
	struct victim *v;

	if (party < BLAME_FIRST || party >= BLAME_PARTIES_MOST)
		return;
	v = victim_of(b, party);
	v->queues = grow(v->queues, 0, &v->nqueues, sizeof *v->queues);
	if (!v->held)
		v->held = zeroed(1, sizeof *v->held);
}

/* Moves this share of the waits of a class to the quota. */
static uint64_t
move(struct blame *b, uint32_t party, int of, int length, double share)
{
	uint64_t moved = 0;

	for (uint32_t i = 0; i < b->npairs; i++) {
		struct pair *p = &b->pairs[i];
		if (p->sum.victim != party || !p->held)
			continue;
		uint64_t *held = &p->held->wait_ns[of][length];
		uint64_t ns = share < 1 ? (uint64_t)((double)*held * share) : *held;
		*held -= ns;
		p->sum.wait_ns -= ns;
		moved += ns;
	}
	return moved;
}

void
blame_throttled(struct blame *b, uint32_t party, uint64_t throttled_ns)
{
	struct victim *v = party < b->nvictims ? &b->victims[party] : NULL;
	double left = (double)throttled_ns;
	uint64_t moved = 0;

	if (!v || !v->held)
		return;
	v->sum.quota_known = true;
	for (int of = 0; of < 2; of++)
		for (int i = LENGTHS - 1; i >= 0 && left > 0; i--) {
			double share_ns = v->held->share_ns[of][i];
			if (share_ns <= 0)
				continue;
			moved += move(b, party, of, i, left / share_ns);
			left -= share_ns;
		}
	pair_of(b, party, BLAME_QUOTA)->sum.wait_ns += moved;
}

/* ---- The sums */

uint32_t
blame_victims(const struct blame *b)
{
	return b->nvictims;
}

const struct blame_victim *
blame_victim(const struct blame *b, uint32_t party)
{
	return party < b->nvictims && b->victims[party].seen ? &b->victims[party].sum : NULL;
}

size_t
blame_pairs(const struct blame *b)
{
	return b->npairs;
}

const struct blame_pair *
blame_pair(const struct blame *b, size_t i)
{
	return &b->pairs[i].sum;
}

const struct blame_losses *
blame_losses(const struct blame *b)
{
	return &b->lost;
}

void
blame_clear(struct blame *b)
{
	for (uint32_t i = 0; i < b->nvictims; i++) {
		b->victims[i].sum = (struct blame_victim){ 0 };
		b->victims[i].seen = false;
		if (b->victims[i].held)
			*b->victims[i].held = (struct held){ 0 };
	}
	for (uint32_t i = 0; i < b->npairs; i++)
		free(b->pairs[i].held);
	b->npairs = 0;
	if (b->nslots)
		memset(b->slots, 0, b->nslots * sizeof *b->slots);
	b->lost = (struct blame_losses){ 0 };
}

void
blame_free(struct blame *b)
{
	if (!b)
		return;
	blame_clear(b);
	for (uint32_t i = 0; i < b->nvictims; i++) {
		free(b->victims[i].queues);
		free(b->victims[i].held);
	}
	for (uint32_t i = 0; i < b->nthreads; i++)
		free(b->threads[i].parts);
	for (uint32_t i = 0; i < b->ncpus; i++)
		free(b->cpus[i].log);
	for (size_t i = 0; i < sizeof b->pages / sizeof b->pages[0]; i++)
		free(b->pages[i]);
	free(b->victims);
	free(b->threads);
	free(b->cpus);
	free(b->pairs);
	free(b->slots);
	free(b->sums);
	free(b->touched);
	free(b);
}
