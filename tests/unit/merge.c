/* Events of CPUs in turn, put into the order of their times. */
#include "commands/who/merge.h"

#include "draw.h"
#include "unit.h"

enum { CPUS = 5, EVENTS = 4000 };

static struct sched_event
event(uint64_t at_ns, uint32_t cpu, uint32_t tid)
{
	return (struct sched_event){ .at_ns = at_ns, .cpu = cpu, .tid = tid, .kind = SCHED_SWITCH };
}

static void
add(struct merge *m, uint64_t at_ns, uint32_t cpu, uint32_t tid)
{
	const struct sched_event e = event(at_ns, cpu, tid);

	merge_event(m, &e);
}

/* Takes all that is due, in order; returns the number of events. */
static size_t
take(struct merge *m, uint64_t to_ns, uint64_t *last_ns, uint32_t next[CPUS])
{
	const struct sched_event *e;
	size_t n = 0;

	merge_begin(m, to_ns);
	for (; (e = merge_next(m)); n++) {
		CHECK(e->at_ns >= *last_ns && e->at_ns <= to_ns);
		CHECK_INT(e->tid, next[e->cpu]++); /* those of a CPU keep their order */
		*last_ns = e->at_ns;
	}
	merge_done(m);
	return n;
}

static void
readings_give_one_order(void)
{
	uint64_t now[CPUS] = { 0 }, last_ns = 0, horizon = 0;
	uint32_t made[CPUS] = { 0 }, next[CPUS] = { 0 };
	struct merge m = { 0 };
	size_t got = 0;

	for (int reading = 0; reading < 300; reading++) {
		for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
			now[cpu] = now[cpu] > horizon ? now[cpu] : horizon + 1;
			for (uint64_t n = draw(20); n > 0; n--)
				add(&m, now[cpu] += draw(4), cpu, made[cpu]++);
		}
		horizon += draw(60);
		got += take(&m, horizon, &last_ns, next);
	}
	got += take(&m, UINT64_MAX, &last_ns, next);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++)
		CHECK_INT(next[cpu], made[cpu]);
	CHECK(got > EVENTS);
	merge_free(&m);
}

/* A CPU may be late: the event is given out, after those that were given out before. */
static void
late_events_are_not_lost(void)
{
	struct merge m = { 0 };

	add(&m, 10, 0, 1);
	add(&m, 30, 0, 2);
	merge_begin(&m, 20);
	CHECK_INT(merge_next(&m)->tid, 1);
	CHECK(!merge_next(&m));
	merge_done(&m);
	add(&m, 5, 1, 3);
	add(&m, 30, 1, 4);
	merge_begin(&m, 30);
	CHECK_INT(merge_next(&m)->tid, 3);
	CHECK_INT(merge_next(&m)->tid, 2);
	CHECK_INT(merge_next(&m)->tid, 4);
	CHECK(!merge_next(&m));
	merge_done(&m);
	merge_begin(&m, UINT64_MAX);
	CHECK(!merge_next(&m));
	merge_free(&m);
}

static void
losses_come_with_their_times(void)
{
	struct merge m = { 0 };
	struct switch_loss l;

	merge_loss(&m, &(struct switch_loss){ 1, 50, 60, 3 });
	merge_loss(&m, &(struct switch_loss){ 0, 10, 90, 2 });
	merge_begin(&m, 20);
	CHECK(!merge_next(&m) && merge_next_loss(&m, 20, &l));
	CHECK_INT(l.cpu, 0);
	CHECK(!merge_next_loss(&m, 20, &l));
	merge_done(&m);
	merge_begin(&m, 70);
	CHECK(!merge_next_loss(&m, 49, &l) && merge_next_loss(&m, 50, &l));
	CHECK_INT(l.cpu, 1);
	merge_done(&m);
	merge_begin(&m, 90);
	CHECK(!merge_next_loss(&m, UINT64_MAX, &l));
	merge_free(&m);
}

int
main(void)
{
	unit_test("readings of all CPUs give one order", readings_give_one_order);
	unit_test("events that come late are not lost", late_events_are_not_lost);
	unit_test("losses come with their times", losses_come_with_their_times);
	return unit_done();
}
