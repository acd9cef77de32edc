/* Who ran while runnable threads waited: sequences of events whose answer is known, and random ones
 * against a model that looks at every thread at every step. */
#include "trace/blame.h"

#include "draw.h"
#include "unit.h"

/* Threads 101, 102, … are of party A, 201, … of B, and so on. */
enum { A = BLAME_FIRST, B, C, D, PARTIES = 9 };

static uint32_t
hundreds(void *about, uint32_t tid, uint64_t at_ns)
{
	(void)about;
	(void)at_ns;
	return tid / 100 - 1 + BLAME_FIRST;
}

static struct blame *
begin(uint64_t slow_ns)
{
	return blame_new(hundreds, NULL, slow_ns);
}

/* Gets the same events, if there is one. */
static struct blame *twin;

static void
give(struct blame *b, struct sched_event e)
{
	blame_event(b, &e);
	if (twin)
		blame_event(twin, &e);
}

static void
put_switch(struct blame *b, uint64_t at, uint32_t cpu, uint32_t prev, char state, uint32_t next)
{
	give(b,
	    (struct sched_event){ .at_ns = at,
		.cpu = cpu,
		.tid = prev,
		.other = next,
		.kind = SCHED_SWITCH,
		.state = state });
}

static void
put_waking(struct blame *b, uint64_t at, uint32_t cpu, uint32_t tid, uint32_t to)
{
	give(b,
	    (struct sched_event){
		.at_ns = at, .cpu = cpu, .tid = tid, .to = to, .kind = SCHED_WAKING });
}

static void
put_migrate(struct blame *b, uint64_t at, uint32_t cpu, uint32_t tid, uint32_t to)
{
	give(b,
	    (struct sched_event){
		.at_ns = at, .cpu = cpu, .tid = tid, .to = to, .kind = SCHED_MIGRATE });
}

static void
put(struct blame *b, enum sched_kind kind, uint64_t at, uint32_t cpu, uint32_t tid)
{
	blame_event(
	    b, &(struct sched_event){ .at_ns = at, .cpu = cpu, .tid = tid, .kind = (uint8_t)kind });
}

static const struct blame_pair *
pair(const struct blame *b, uint32_t victim, uint32_t culprit)
{
	static const struct blame_pair none;

	for (size_t i = 0; i < blame_pairs(b); i++)
		if (blame_pair(b, i)->victim == victim && blame_pair(b, i)->culprit == culprit)
			return blame_pair(b, i);
	return &none;
}

static uint64_t
behind(const struct blame *b, uint32_t victim, uint32_t culprit)
{
	return pair(b, victim, culprit)->wait_ns;
}

static struct blame_victim
sum(const struct blame *b, uint32_t victim)
{
	const struct blame_victim *v = blame_victim(b, victim);

	return v ? *v : (struct blame_victim){ 0 };
}

/* The parts of every victim add up to its wait. */
static void
check_sums(const struct blame *b)
{
	for (uint32_t victim = 0; victim < blame_victims(b); victim++) {
		uint64_t parts = 0;
		for (size_t i = 0; i < blame_pairs(b); i++)
			if (blame_pair(b, i)->victim == victim)
				parts += blame_pair(b, i)->wait_ns;
		CHECK_U64(parts, sum(b, victim).wait_ns);
	}
}

static void
finish(struct blame *b)
{
	check_sums(b);
	blame_free(b);
}

static void
preempted(void)
{
	struct blame *b = begin(50);

	put_switch(b, 10, 0, 0, 'R', 101);
	put_waking(b, 20, 0, 201, 0);
	put_switch(b, 25, 0, 101, SCHED_PREEMPTED, 201); /* B waited 5 behind A */
	put_switch(b, 65, 0, 201, 'S', 301);             /* C: its start is unknown */
	put_switch(b, 85, 0, 301, 'S', 101);             /* A: 40 behind B, 20 behind C */
	blame_end(b, 90);
	CHECK_U64(sum(b, B).wait_ns, 5);
	CHECK_U64(behind(b, B, A), 5);
	CHECK_U64(sum(b, A).wait_ns, 60);
	CHECK_U64(behind(b, A, B), 40);
	CHECK_U64(behind(b, A, C), 20);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(sum(b, A).slow, 1);
	CHECK_U64(pair(b, A, B)->slow, 1);
	CHECK_U64(pair(b, A, C)->slow, 0);
	CHECK_U64(pair(b, A, C)->longest_ns, 20);
	CHECK_U64(sum(b, A).longest_ns, 60);
	CHECK_U64(sum(b, A).longest_end_ns, 85);
	CHECK_INT(sum(b, A).longest_tid, 101);
	/* of 101 at first, and of 301 */
	CHECK_U64(sum(b, C).left_out, 1);
	CHECK_U64(blame_losses(b)->unknown_start, 2);
	finish(b);
}

static void
yielded_to_own(void)
{
	struct blame *b = begin(0);

	put_switch(b, 10, 0, 0, 'R', 101);
	put_waking(b, 10, 0, 102, 0);
	put_switch(b, 30, 0, 101, 'R', 102);
	put_switch(b, 35, 0, 102, 'S', 101);
	CHECK_U64(sum(b, A).wait_ns, 25);
	CHECK_U64(behind(b, A, A), 25);
	CHECK_U64(sum(b, A).waits, 2);
	CHECK_U64(sum(b, A).slow, 0);
	finish(b);
}

static void
migrated(void)
{
	struct blame *b = begin(0);

	put_switch(b, 5, 1, 0, 'R', 301);
	put_switch(b, 10, 0, 0, 'R', 201);
	put_waking(b, 10, 0, 101, 0);
	put_switch(b, 20, 0, 201, 'S', 401);
	put_migrate(b, 30, 1, 101, 1); /* CPU 1 pulls it: 10 behind B, 10 behind D, now behind C */
	put_switch(b, 45, 1, 301, 'S', 101);
	CHECK_U64(sum(b, A).wait_ns, 35);
	CHECK_U64(behind(b, A, B), 10);
	CHECK_U64(behind(b, A, D), 10);
	CHECK_U64(behind(b, A, C), 15);
	CHECK_U64(sum(b, A).waits, 1);
	finish(b);
}

/* The waker chooses another CPU: the thread was never in the queue of the one where it ran last. */
static void
placed(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_switch(b, 2, 1, 0, 'R', 301);
	put_switch(b, 3, 2, 0, 'R', 401);
	put_waking(b, 10, 2, 101, 0);
	put_migrate(b, 14, 2, 101, 1);
	put_switch(b, 20, 1, 301, 'S', 101);
	CHECK_U64(behind(b, A, C), 10);
	CHECK_U64(behind(b, A, B), 0);
	finish(b);
}

static void
idle_cpu(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 201, 'S', 0);
	put_switch(b, 2, 1, 301, 'S', 0);
	put_switch(b, 3, 1, 0, 'R', 301);
	put_waking(b, 10, 1, 101, 0); /* 0 is idle: wakes up late */
	put_waking(b, 10, 1, 102, 1); /* 1 is not, while 0 is */
	put_switch(b, 17, 0, 0, 'R', 101);
	put_switch(b, 30, 1, 301, 'S', 102);
	CHECK_U64(behind(b, A, BLAME_IDLE), 7);
	CHECK_U64(behind(b, A, C), 20);
	CHECK_U64(pair(b, A, BLAME_IDLE)->elsewhere_ns, 0);
	CHECK_U64(pair(b, A, C)->elsewhere_ns, 7);
	CHECK_U64(sum(b, A).elsewhere_ns, 7);
	CHECK_U64(sum(b, A).idle_ns, 0); /* too short to be held back */
	finish(b);
}

/* The first switch of a CPU says who ran there before. */
static void
begins_in_the_middle(void)
{
	struct blame *b = begin(0);

	put_waking(b, 10, 1, 101, 0);
	put_switch(b, 20, 0, 201, SCHED_PREEMPTED, 101);
	put_switch(b, 30, 0, 101, 'S', 301);
	put_switch(b, 50, 0, 301, 'S', 201);
	CHECK_U64(behind(b, A, B), 10);
	CHECK_U64(behind(b, B, A), 10);
	CHECK_U64(behind(b, B, C), 20);
	CHECK_U64(sum(b, C).waits, 0);
	CHECK_U64(sum(b, C).left_out, 1);
	CHECK_U64(blame_losses(b)->unknown_start, 1);
	finish(b);
}

static void
across_a_gap(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_waking(b, 10, 0, 101, 0);
	put_waking(b, 10, 0, 102, 0);
	put_switch(b, 15, 0, 201, 'S', 101); /* before the gap: counts */
	blame_gap(b, 0, 20, 40);
	put_switch(b, 50, 0, 301, 'S', 102); /* waited across it */
	put_switch(b, 60, 0, 102, SCHED_PREEMPTED, 301);
	put_switch(b, 70, 0, 301, 'S', 102); /* after it */
	CHECK_U64(sum(b, A).wait_ns, 5 + 10);
	CHECK_U64(sum(b, A).waits, 2);
	CHECK_U64(sum(b, A).left_out, 1);
	CHECK_U64(behind(b, A, C), 10);
	CHECK_U64(blame_losses(b)->across_gap, 1);
	CHECK_U64(blame_losses(b)->gaps, 1);
	finish(b);
}

/* Events of one CPU are lost: a thread that waits for another one may have run there meanwhile. */
static void
gap_of_another_cpu(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_switch(b, 1, 1, 0, 'R', 301);
	put_waking(b, 10, 0, 101, 0);
	blame_gap(b, 1, 12, 14);
	put_switch(b, 20, 0, 201, 'S', 101);
	CHECK_U64(sum(b, A).waits, 0);
	CHECK_U64(sum(b, A).left_out, 1);
	finish(b);
}

/* CPU 0 stops a thread that it was not seen to start. */
static void
untold_gap(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_waking(b, 5, 0, 101, 0);
	put_switch(b, 20, 0, 301, 'S', 101);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(sum(b, A).left_out, 0);
	CHECK_U64(behind(b, A, BLAME_UNKNOWN), 15);
	CHECK_U64(blame_losses(b)->unseen, 1);
	put_waking(b, 25, 0, 201, 0);
	put_switch(b, 30, 0, 101, 'S', 201);
	CHECK_U64(behind(b, B, A), 5);
	/* what ran before the last switch is known */
	put_waking(b, 40, 0, 101, 0);
	put_waking(b, 45, 0, 301, 0);
	put_switch(b, 50, 0, 201, 'S', 101);
	put_switch(b, 70, 0, 901, 'S', 301);
	CHECK_U64(behind(b, C, B), 5);
	CHECK_U64(behind(b, C, BLAME_UNKNOWN), 20);
	finish(b);
}

static void
tid_used_again(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_waking(b, 5, 0, 101, 0);
	put(b, SCHED_NEW, 50, 0, 101); /* the end of the old one was lost */
	put_switch(b, 60, 0, 201, 'S', 101);
	CHECK_U64(sum(b, A).wait_ns, 10);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(sum(b, A).left_out, 1);
	put(b, SCHED_EXIT, 70, 0, 101);
	put_switch(b, 71, 0, 101, 'X', 0);
	put_waking(b, 80, 1, 101, 0); /* another one of that number, whose start is not seen */
	put_switch(b, 83, 0, 0, 'R', 101);
	CHECK_U64(sum(b, A).wait_ns, 13);
	finish(b);
}

/* The parent's CPU is where it is looked for; it may begin on another one. */
static void
new_elsewhere(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_switch(b, 1, 1, 0, 'R', 301);
	put(b, SCHED_NEW, 10, 0, 101);
	put_switch(b, 12, 1, 301, 'S', 401);
	put_switch(b, 20, 1, 401, 'S', 101);
	CHECK_U64(behind(b, A, C), 2);
	CHECK_U64(behind(b, A, D), 8);
	CHECK_U64(behind(b, A, B), 0);
	finish(b);
}

static void
exits_while_runnable(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 101);
	put(b, SCHED_EXIT, 5, 0, 101);
	put_switch(b, 10, 0, 101, SCHED_PREEMPTED, 201);
	put_switch(b, 18, 0, 201, 'S', 101);
	put_switch(b, 20, 0, 101, 'X', 0);
	CHECK_U64(behind(b, A, B), 8);
	blame_end(b, 100);
	CHECK_U64(sum(b, A).wait_ns, 8);
	CHECK_U64(sum(b, A).open, 0);
	finish(b);
}

static void
equal_times(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_switch(b, 1, 1, 301, 'S', 0);
	put_switch(b, 10, 1, 0, 'R', 101); /* the waking of that time comes after it */
	put_waking(b, 10, 0, 101, 1);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(sum(b, A).wait_ns, 0);
	CHECK_U64(sum(b, A).left_out, 0);
	put_switch(b, 20, 1, 101, 'S', 0); /* it does sleep */
	put_switch(b, 30, 0, 201, 'S', 301);
	/* 301 stops and goes on elsewhere, and the second comes first */
	put_switch(b, 40, 1, 0, 'R', 301);
	put_switch(b, 40, 0, 301, SCHED_PREEMPTED, 0);
	put_switch(b, 50, 1, 301, 'S', 0);
	blame_end(b, 60);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(sum(b, C).waits, 1);
	CHECK_U64(sum(b, C).wait_ns, 0);
	CHECK_U64(blame_losses(b)->gaps, 0);
	finish(b);
}

/* A thread that is about to sleep is woken: the waker waits until its CPU has left it, and the switch
 * still says that it sleeps. */
static void
woken_while_it_stops(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 101);
	put_waking(b, 10, 1, 101, 0);
	put_switch(b, 11, 0, 101, 'S', 201);
	put_switch(b, 15, 0, 201, 'S', 101);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(behind(b, A, B), 4);
	/* or it does not sleep that time, and later it does */
	put_waking(b, 20, 1, 101, 0);
	put_switch(b, 30, 0, 101, 'S', 201);
	put_waking(b, 90, 1, 101, 0);
	put_switch(b, 93, 0, 201, 'S', 101);
	CHECK_U64(sum(b, A).waits, 2);
	CHECK_U64(sum(b, A).wait_ns, 7);
	/* and at the end nobody knows */
	put_waking(b, 95, 1, 101, 0);
	put_switch(b, 96, 0, 101, 'S', 201);
	uint64_t before = sum(b, A).left_out;
	blame_end(b, 200);
	CHECK_U64(sum(b, A).wait_ns, 7);
	CHECK_U64(sum(b, A).left_out - before, 1);
	finish(b);
}

/* It was stopped just before it would have slept: woken up then, it goes on waiting. */
static void
woken_while_preempted(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 101);
	put_switch(b, 10, 0, 101, SCHED_PREEMPTED, 201);
	put_waking(b, 15, 0, 101, 0);
	put_switch(b, 30, 0, 201, 'S', 101);
	CHECK_U64(sum(b, A).wait_ns, 20);
	CHECK_U64(sum(b, A).waits, 1);
	finish(b);
}

static void
lasts_at_the_end(void)
{
	struct blame *b = begin(50);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_waking(b, 10, 0, 101, 0);
	put_switch(b, 40, 0, 201, 'S', 301);
	blame_end(b, 100);
	CHECK_U64(sum(b, A).wait_ns, 90);
	CHECK_U64(sum(b, A).open, 1);
	CHECK_U64(sum(b, A).slow, 1);
	CHECK_U64(behind(b, A, B), 30);
	CHECK_U64(behind(b, A, C), 60);
	CHECK_U64(pair(b, A, C)->slow, 1);
	finish(b);
}

static void
exec_of_a_thread(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 105);
	put(b, SCHED_EXEC, 5, 0, 101); /* takes the number of its leader */
	put_waking(b, 10, 0, 201, 0);
	put_switch(b, 15, 0, 101, 'S', 201);
	CHECK_U64(behind(b, B, A), 5);
	CHECK_U64(blame_losses(b)->gaps, 0);
	finish(b);
}

static void
moved_unseen(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_switch(b, 1, 1, 0, 'R', 301);
	put_waking(b, 10, 0, 101, 0);
	put_switch(b, 20, 1, 301, 'S', 101);
	CHECK_U64(sum(b, A).wait_ns, 10);
	CHECK_U64(behind(b, A, BLAME_UNKNOWN), 10);
	finish(b);
}

static void
invalid_events(void)
{
	struct blame *b = begin(0);

	put_switch(b, 10, UINT32_MAX, 0, 'R', 101);
	put_switch(b, 10, 0, 0, 'R', UINT32_MAX);
	put_waking(b, 10, UINT32_MAX, UINT32_MAX, UINT32_MAX);
	put_waking(b, 10, 0, 101, UINT32_MAX);
	put_waking(b, 10, 0, 101, 3);
	put_migrate(b, 10, UINT32_MAX, 101, 2);
	put_migrate(b, 10, 0, 101, UINT32_MAX);
	put(b, SCHED_NEW, 10, UINT32_MAX, 101);
	put(b, SCHED_EXEC, 10, UINT32_MAX, 101);
	put(b, SCHED_EXIT, 10, UINT32_MAX, UINT32_MAX);
	put(b, (enum sched_kind)77, 10, 0, 1);
	blame_gap(b, UINT32_MAX, 10, 9);
	put_switch(b, 20, 0, 0, '\377', 101);
	put_switch(b, 15, 0, 101, 'S', 201); /* time goes back */
	blame_end(b, 1);
	CHECK_U64(blame_losses(b)->disordered, 1);
	CHECK(blame_losses(b)->invalid >= 6);
	finish(b);
}

/* Only the events of A: between them others run unseen. */
static void
partial(void)
{
	struct blame *b = begin(0);

	blame_partial(b);
	put_switch(b, 10, 0, 201, 'S', 101);
	put_waking(b, 15, 0, 102, 0);
	put_switch(b, 20, 0, 101, SCHED_PREEMPTED, 301);
	put_switch(b, 50, 0, 401, 'S', 102); /* C has run, and D; when is unknown */
	put_switch(b, 60, 0, 102, 'S', 301);
	put_switch(b, 90, 0, 301, 'S', 101);
	CHECK_U64(sum(b, A).waits, 2);
	CHECK_U64(behind(b, A, A), 5 + 10);
	CHECK_U64(behind(b, A, BLAME_UNKNOWN), 30 + 30);
	CHECK_U64(behind(b, A, C), 30);
	CHECK_U64(sum(b, A).left_out, 1); /* of 101 at first */
	CHECK_U64(blame_losses(b)->gaps, 0);
	finish(b);
}

/* A party is throttled on two CPUs. On CPU 0 two of its threads wait, and the CPU is idle: the throttled
 * time of that queue counts for both. */
static void
quota(void)
{
	const uint64_t ms = 1000000;
	struct blame *b = begin(0);

	blame_limited(b, A);
	put_switch(b, 1, 0, 0, 'R', 201);
	put_waking(b, 1, 0, 101, 0);
	put_waking(b, 1, 0, 102, 0);
	put_switch(b, 1 + 1 * ms, 0, 201, 'S', 0);
	put_switch(b, 1 + 80 * ms, 0, 0, 'R', 101);
	put_switch(b, 1 + 80 * ms, 0, 101, 'S', 102);
	/* and later it waits for the neighbour alone */
	put_waking(b, 1 + 90 * ms, 0, 101, 0);
	put_switch(b, 1 + 95 * ms, 0, 102, 'S', 201);
	put_switch(b, 1 + 105 * ms, 0, 201, 'S', 101);
	blame_end(b, 1 + 110 * ms);
	CHECK_U64(behind(b, A, BLAME_IDLE), 158 * ms);
	CHECK_U64(sum(b, A).idle_ns, 158 * ms);
	CHECK(!sum(b, A).quota_known);
	blame_throttled(b, A, 80 * ms); /* all of the two waits, nothing of the third */
	CHECK(sum(b, A).quota_known);
	CHECK_U64(behind(b, A, BLAME_QUOTA), 160 * ms);
	CHECK_U64(behind(b, A, BLAME_IDLE), 0);
	CHECK_U64(behind(b, A, B), 10 * ms);
	CHECK_U64(behind(b, A, A), 5 * ms);
	finish(b);
}

/* Half of the queue's time was throttled: so is half of the waits; and none if it was not. */
static void
quota_of_a_part(void)
{
	for (uint64_t throttled = 0; throttled <= 40; throttled += 20) {
		struct blame *b = begin(0);
		blame_limited(b, A);
		put_switch(b, 1, 0, 0, 'R', 201);
		put_waking(b, 1, 0, 101, 0);
		put_waking(b, 1, 0, 102, 0);
		put_switch(b, 41, 0, 201, 'S', 101);
		put_switch(b, 41, 0, 101, 'S', 102);
		blame_throttled(b, A, throttled);
		blame_throttled(b, B, 1000); /* has no quota */
		CHECK_U64(behind(b, A, BLAME_QUOTA), 2 * throttled);
		CHECK_U64(behind(b, A, B), 80 - 2 * throttled);
		CHECK(sum(b, A).quota_known && !sum(b, B).quota_known);
		finish(b);
	}
}

/* Shares may change while a thread waits; a thread that moves is where it is. */
static void
taken_time(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_switch(b, 1, 1, 0, 'R', 301);
	blame_taken(b, 0, 0.25, 0.5);
	put_waking(b, 100, 0, 101, 0);
	put_switch(b, 200, 0, 201, SCHED_PREEMPTED, 202);
	put_waking(b, 300, 1, 302, 1);
	blame_taken(b, 0, 0, 0.1);
	put_migrate(b, 400, 1, 101, 1);
	put_switch(b, 500, 1, 301, 'S', 101);
	CHECK_U64(behind(b, A, BLAME_IRQ), 50);
	CHECK_U64(behind(b, A, BLAME_STEAL), 110);
	CHECK_U64(behind(b, A, B), 140);
	CHECK_U64(behind(b, A, C), 100);
	CHECK_U64(sum(b, A).wait_ns, 400);
	blame_cut(b, 600);
	CHECK_U64(behind(b, B, BLAME_STEAL), 50 + 30);
	finish(b);
}

static void
intervals(void)
{
	struct blame *b = begin(0);

	put_switch(b, 1, 0, 0, 'R', 201);
	put_waking(b, 10, 0, 101, 0);
	put_waking(b, 10, 0, 102, 0);
	put_switch(b, 20, 0, 201, 'S', 101);
	CHECK_U64(behind(b, A, B), 10);
	blame_cut(b, 22);
	CHECK_U64(behind(b, A, B), 20);
	CHECK_U64(behind(b, A, A), 2);
	CHECK_U64(sum(b, A).waits, 2);
	CHECK_U64(sum(b, A).open, 1);
	blame_clear(b);
	CHECK(!blame_victim(b, A) && blame_pairs(b) == 0);
	CHECK_U64(blame_losses(b)->unknown_start, 0);
	put_switch(b, 25, 0, 101, 'S', 102);
	CHECK_U64(sum(b, A).waits, 1);
	CHECK_U64(sum(b, A).open, 0);
	CHECK_U64(sum(b, A).longest_ns, 15);
	CHECK_U64(behind(b, A, B), 0);
	CHECK_U64(behind(b, A, A), 3);
	finish(b);
}

/* ---- A model: at every step it looks at every thread */

enum { CPUS = 3, THREADS = 24 };

static struct {
	bool waits[THREADS], runs[THREADS];
	unsigned cpu[THREADS];
	uint64_t from[THREADS];
	uint64_t ns[PARTIES][PARTIES + BLAME_FIRST], elsewhere[PARTIES], waited[PARTIES];
	uint64_t longest[PARTIES];
	uint32_t on[CPUS]; /* tid */
} model;

static uint32_t
tid_of(unsigned i)
{
	return 100 * (1 + i % 4) + 1 + i;
}

static uint32_t
party(uint32_t tid)
{
	return tid ? hundreds(NULL, tid, 0) : (uint32_t)BLAME_IDLE;
}

static void
model_pass(uint64_t ns)
{
	for (unsigned i = 0; i < THREADS; i++) {
		if (!model.waits[i])
			continue;
		unsigned victim = party(tid_of(i)) - BLAME_FIRST;
		uint32_t runs = model.on[model.cpu[i]];
		bool other = false;
		for (unsigned c = 0; c < CPUS; c++)
			other |= model.on[c] == 0;
		model.ns[victim][party(runs)] += ns;
		model.elsewhere[victim] += runs && other ? ns : 0;
	}
}

static void
model_stop(unsigned i, uint64_t now, unsigned cpu, bool waits)
{
	model.runs[i] = false;
	model.waits[i] = waits;
	model.cpu[i] = cpu;
	model.from[i] = now;
}

static void
model_start(unsigned i, uint64_t now)
{
	unsigned victim = party(tid_of(i)) - BLAME_FIRST;
	uint64_t ns = now - model.from[i];

	model.runs[i] = true;
	model.waits[i] = false;
	model.waited[victim]++;
	if (ns > model.longest[victim])
		model.longest[victim] = ns;
}

static unsigned
number_of(uint32_t tid)
{
	return tid % 100 - 1;
}

/* A thread that waits for the CPU, or THREADS: none. */
static unsigned
model_pick(unsigned cpu)
{
	unsigned first = (unsigned)draw(THREADS);

	for (unsigned k = 0; k < THREADS; k++) {
		unsigned i = (first + k) % THREADS;
		if (i > 0 && model.waits[i] && model.cpu[i] == cpu) /* 0 starves */
			return i;
	}
	return THREADS;
}

static void
model_switch(struct blame *b, uint64_t now, unsigned cpu)
{
	static const char states[] = { SCHED_PREEMPTED, 'R', 'S', 'D', 'I' };
	char state = states[draw(sizeof states)];
	unsigned next = draw(8) ? model_pick(cpu) : THREADS;
	uint32_t prev = model.on[cpu], tid = next < THREADS ? tid_of(next) : 0;

	if (prev == tid)
		return;
	put_switch(b, now, cpu, prev, prev ? state : 'R', tid);
	if (prev)
		model_stop(number_of(prev), now, cpu, state == 'R' || state == SCHED_PREEMPTED);
	if (tid)
		model_start(next, now);
	model.on[cpu] = tid;
}

static void
model_step(struct blame *b, uint64_t now)
{
	unsigned i = (unsigned)draw(THREADS), cpu = (unsigned)draw(CPUS);

	if (draw(2)) {
		model_switch(b, now, cpu);
	} else if (model.waits[i] && i > 0 && draw(4) == 0) {
		put_migrate(b, now, cpu, tid_of(i), cpu);
		model.cpu[i] = cpu;
	} else if (!model.waits[i] && !model.runs[i]) {
		put_waking(b, now, CPUS + 5, tid_of(i), cpu);
		model_stop(i, now, cpu, true);
	}
}

static void
check_model(const struct blame *b)
{
	for (unsigned v = 0; v < 4; v++) {
		struct blame_victim s = sum(b, v + BLAME_FIRST);
		CHECK_U64(s.elsewhere_ns, model.elsewhere[v]);
		CHECK_U64(s.waits, model.waited[v]);
		CHECK_U64(s.longest_ns, model.longest[v]);
		CHECK_U64(s.left_out, 0);
		for (uint32_t c = 0; c < PARTIES + BLAME_FIRST; c++)
			CHECK_U64(behind(b, v + BLAME_FIRST, c), model.ns[v][c]);
	}
}

/* The sums of the intervals of the twin, together. */
static struct {
	uint64_t ns[PARTIES][PARTIES + BLAME_FIRST], elsewhere[PARTIES], waits[PARTIES];
	uint64_t longest[PARTIES], slow[PARTIES];
} intervals_sum;

/* What lasts at the end of an interval counts in the next one, too. */
static void
add_interval(const struct blame *b)
{
	for (unsigned v = 0; v < 4; v++) {
		struct blame_victim s = sum(b, v + BLAME_FIRST);
		intervals_sum.elsewhere[v] += s.elsewhere_ns;
		intervals_sum.waits[v] += s.waits - s.open;
		intervals_sum.slow[v] += s.slow;
		if (s.longest_ns > intervals_sum.longest[v])
			intervals_sum.longest[v] = s.longest_ns;
		for (uint32_t c = 0; c < PARTIES + BLAME_FIRST; c++)
			intervals_sum.ns[v][c] += behind(b, v + BLAME_FIRST, c);
	}
	check_sums(b);
}

static void
check_intervals(const struct blame *whole)
{
	for (unsigned v = 0; v < 4; v++) {
		struct blame_victim s = sum(whole, v + BLAME_FIRST);
		CHECK_U64(intervals_sum.elsewhere[v], s.elsewhere_ns);
		CHECK_U64(intervals_sum.waits[v], s.waits - s.open);
		CHECK_U64(intervals_sum.slow[v], s.slow);
		CHECK_U64(intervals_sum.longest[v], s.longest_ns);
		for (uint32_t c = 0; c < PARTIES + BLAME_FIRST; c++)
			CHECK_U64(intervals_sum.ns[v][c], behind(whole, v + BLAME_FIRST, c));
	}
}

/* Wherever the events are cut, the sums are those of all of them. */
static void
cut_anywhere(void)
{
	struct blame *b = begin(3000);
	uint64_t now = 1;

	twin = begin(3000);
	memset(&model, 0, sizeof model);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		put_switch(b, now, cpu, 901 + cpu, 'S', 0);
	for (int i = 0; i < 30000; i++) {
		now += draw(4) ? draw(1000) : 0;
		model_step(b, now);
		if (draw(i < 15000 ? 3 : 500) == 0) {
			blame_cut(twin, now + draw(2) * draw(400));
			add_interval(twin);
			blame_clear(twin);
			now += 400;
		}
	}
	blame_end(b, now);
	blame_end(twin, now);
	add_interval(twin);
	check_intervals(b);
	blame_free(twin);
	twin = NULL;
	finish(b);
}

static void
as_the_model(void)
{
	struct blame *b = begin(0);
	uint64_t now = 1;

	memset(&model, 0, sizeof model);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) /* now it is known who runs */
		put_switch(b, now, cpu, 901 + cpu, 'S', 0);
	for (int i = 0; i < 60000; i++) {
		uint64_t ns = draw(4) ? draw(1000) : 0;
		model_pass(ns);
		now += ns;
		model_step(b, now);
	}
	for (unsigned i = 0; i < THREADS; i++)
		if (model.waits[i])
			model_start(i, now);
	blame_end(b, now);
	check_model(b);
	CHECK_U64(blame_losses(b)->unseen, 0);
	CHECK(sum(b, A).longest_ns > 1000000); /* longer than any log */
	finish(b);
}

/* Any bytes: no crash, and parts that add up. */
static void
any_events(void)
{
	struct blame *b = begin(10);
	static const char states[] = "RPSDXZI";
	uint64_t now = 0;

	blame_limited(b, A);
	for (int i = 0; i < 300000; i++) {
		struct sched_event e = { .at_ns = now += draw(5),
			.cpu = (uint32_t)draw(4),
			.tid = (uint32_t)(draw(5) ? 100 * (1 + draw(4)) + draw(9) : 0),
			.other = (uint32_t)(draw(3) ? 100 * (1 + draw(4)) + draw(9) : 0),
			.to = (uint32_t)draw(4),
			.kind = (uint8_t)draw(SCHED_KINDS + 1),
			.state = states[draw(7)] };
		blame_event(b, &e);
		if (draw(1000) == 0)
			blame_gap(b, (uint32_t)draw(4), now, now + draw(100));
		if (draw(50000) == 0)
			blame_clear(b);
	}
	blame_end(b, now + 7);
	check_sums(b);
	blame_throttled(b, A, 1000);
	finish(b);
}

int
main(void)
{
	unit_test("a preempted thread waits behind those who run", preempted);
	unit_test("a thread that yields waits behind its own party", yielded_to_own);
	unit_test("a thread that is migrated waits behind both CPUs", migrated);
	unit_test("the queue that the waker chose counts from the waking on", placed);
	unit_test("a CPU that wakes up late was idle, and one that idled meanwhile", idle_cpu);
	unit_test("a start that is not seen is left out and counted", begins_in_the_middle);
	unit_test("a wait across lost events is left out and counted", across_a_gap);
	unit_test("and so is one on another CPU", gap_of_another_cpu);
	unit_test("missing events that nobody tells are seen", untold_gap);
	unit_test("a number used again is another thread", tid_used_again);
	unit_test("a new thread waits where it begins", new_elsewhere);
	unit_test("a thread that exits may wait before its end", exits_while_runnable);
	unit_test("the order of events at one time on two CPUs does not matter", equal_times);
	unit_test("a thread that is woken while it stops", woken_while_it_stops);
	unit_test("a waking of a preempted thread begins no wait", woken_while_preempted);
	unit_test("a wait that lasts counts up to the end", lasts_at_the_end);
	unit_test("exec may change the number of a running thread", exec_of_a_thread);
	unit_test("a move without an event leaves the culprit unknown", moved_unseen);
	unit_test("invalid events are counted", invalid_events);
	unit_test("who runs between the events of one process is unknown", partial);
	unit_test("a quota takes its throttled time from idle CPUs first", quota);
	unit_test("a quota takes no more than its throttled time", quota_of_a_part);
	unit_test("interrupts and a hypervisor have parts of their own", taken_time);
	unit_test("intervals begin with empty sums", intervals);
	unit_test("random events: as a model that looks at every step", as_the_model);
	unit_test("events cut anywhere have the sums of all of them", cut_anywhere);
	unit_test("random bytes: the parts add up", any_events);
	return unit_done();
}
