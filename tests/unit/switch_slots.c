/* Rings of scheduler events, in memory that is made here. */
#include "bpf/switch_slots.h"

#include "unit.h"

enum { SLOTS = 64, KEEPS = SLOTS - 3 };

static struct switch_head heads[2];
enum { LARGE = 3000 };
static struct switch_slot memory[2 * SLOTS], large[LARGE], *slots = memory;
static struct switch_slots ring = { heads, memory, 2, .knows_irq = true, .all = true };

static struct sched_event got[4096];
static size_t ngot;
static struct switch_loss losses[64];
static size_t nlosses;
static struct switch_span span;
/* What the kernel writes when an event is given out: so many more of them. */
static uint64_t burst_at, burst;

static uint64_t
what(uint64_t kind, uint64_t tid, uint64_t other, uint64_t more, uint64_t flag)
{
	return tid << SLOT_TID | other << SLOT_OTHER | more << SLOT_MORE | kind << SLOT_KIND |
	    flag << SLOT_FLAG;
}

/* What a program does. */
static void
write_slot(uint32_t cpu, uint64_t at_ns, uint64_t what)
{
	struct switch_head *h = &heads[cpu];

	slots[h->first + h->events % h->slots] = (struct switch_slot){ at_ns, what };
	h->events++;
}

/* Events i of CPU 1 at 1000 + i, from thread i to i + 1. */
static void
write_switches(uint64_t n)
{
	for (uint64_t i = heads[1].events, end = i + n; i < end; i++)
		write_slot(1, 1000 + i, what(SCHED_SWITCH, i, i + 1, 1, 0));
}

static void
on_event(void *ctx, const struct sched_event *e)
{
	(void)ctx;
	got[ngot++] = *e;
	if (burst && ngot == burst_at) {
		write_switches(burst);
		burst = 0;
	}
}

static void
on_loss(void *ctx, const struct switch_loss *l)
{
	(void)ctx;
	losses[nlosses++] = *l;
}

static void
empty(void)
{
	memset(heads, 0, sizeof heads);
	memset(memory, 0, sizeof memory);
	heads[1].first = SLOTS;
	heads[0].slots = heads[1].slots = SLOTS;
	ring.opened_ns = 1000;
	ring.shift_ns = 0;
	ring.field = ring.needs_irq_at = false;
	burst = 0;
}

/* Slots that are not filled are from long before. */
static const uint64_t late_ns = 200000000;

static void
read_until(uint64_t since_ns, uint64_t now_ns)
{
	static const struct switch_sink sink = { NULL, on_event, on_loss };

	ngot = nlosses = 0;
	switch_slots_read(&ring, 1, switch_slots_events(&ring, 1), since_ns, now_ns, &sink, &span);
}

static void
read_at(uint64_t since_ns)
{
	read_until(since_ns, 1000000);
}

static struct sched_event
decode(uint64_t v)
{
	struct switch_slot slot = { 77, v };
	struct sched_event e = { 0 };

	CHECK(switch_slot_decode(&ring, 1, &slot, &e));
	return e;
}

static void
each_field_has_its_bits(void)
{
	empty();
	struct sched_event e = decode(what(SCHED_WAKING, 4194303, 0, 8191, 1));
	CHECK(e.at_ns == 77 && e.cpu == 1 && e.tid == 4194303 && e.other == 0 && e.to == 8191);
	CHECK(e.kind == SCHED_WAKING && e.in_irq == 1);
	e = decode(what(SCHED_WAKING, 0, 4194303, SLOT_NO_CPU, 0));
	CHECK(e.tid == 0 && e.other == 4194303 && e.to == SCHED_CPU_UNKNOWN && e.in_irq == 0);
	e = decode(what(SCHED_MIGRATE, 5, 0, 3, 0));
	CHECK(e.kind == SCHED_MIGRATE && e.tid == 5 && e.to == 3);
	struct switch_slot none = { 5, 0 }, bad = { 5, (uint64_t)7 << SLOT_KIND };
	CHECK(!switch_slot_decode(&ring, 0, &none, &e) && !switch_slot_decode(&ring, 0, &bad, &e));
}

static char
state(uint64_t bits, uint64_t flag)
{
	return decode(what(SCHED_SWITCH, 1, 2, bits, flag)).state;
}

static void
states_are_those_of_proc(void)
{
	empty();
	CHECK(
	    state(0, 0) == 'R' && state(0, 1) == SCHED_PREEMPTED && state(1, 1) == SCHED_PREEMPTED);
	CHECK(state(1, 0) == 'S' && state(2, 0) == 'D' && state(0x402, 0) == 'I');
	CHECK(state(0x102, 0) == 'D' && state(0x2001, 0) == 'S' && state(0x8000, 0) == 'D');
	CHECK(state(4, 0) == 'T' && state(8, 0) == 't' && state(0x80, 0) == 'X');
	ring.field = true;
	CHECK(state(0x100, 0) == SCHED_PREEMPTED && state(0x80, 0) == 'I' && state(0x20, 0) == 'X');
	CHECK(state(0, 0) == 'R' && state(1, 0) == 'S' && state(2, 0) == 'D');
}

static void
an_unknown_interrupt_is_no_waker(void)
{
	empty();
	ring.needs_irq_at = true;
	CHECK_INT(decode(what(SCHED_WAKING, 1, 2, 0, 0)).in_irq, SCHED_IRQ_UNKNOWN);
	heads[1].irq_at = 4096;
	CHECK_INT(decode(what(SCHED_WAKING, 1, 2, 0, 0)).in_irq, 0);
}

static void
a_ring_that_is_not_full_has_all(void)
{
	empty();
	read_at(0);
	CHECK(ngot == 0 && span.events == 0 && span.lost == 0);
	CHECK(span.from_ns == 1000 && span.to_ns == 1000000);
	write_switches(40);
	read_at(0);
	CHECK(ngot == 40 && got[0].tid == 0 && got[39].tid == 39 && nlosses == 0);
	CHECK(span.from_ns == 1000 && span.lost == 0 && span.unseen == 0 && span.cpu == 1);
}

static void
a_full_ring_has_the_last(void)
{
	for (uint64_t n = SLOTS - 4; n < 3 * SLOTS; n++) {
		uint64_t keeps = n < KEEPS ? n : KEEPS;
		empty();
		write_switches(n);
		read_at(0);
		CHECK(ngot == keeps && span.events == keeps && span.lost == 0 && nlosses == 0);
		CHECK(got[0].tid == n - keeps && got[ngot - 1].tid == n - 1);
		CHECK_U64(span.from_ns, 1000 + n - keeps);
	}
}

static void
since_leaves_out_what_is_older(void)
{
	empty();
	write_switches(200);
	read_at(1000 + 190);
	CHECK(ngot == 10 && got[0].tid == 190 && span.from_ns == 1190 && span.unseen == 0);
	read_at(1000 + 10); /* is overwritten */
	CHECK(ngot == KEEPS && span.from_ns == 1000 + 200 - KEEPS);
	read_at(5000);
	CHECK(ngot == 0 && span.from_ns == 5000 && span.lost == 0);
	ring.shift_ns = (uint64_t)-500; /* times of another clock */
	ring.opened_ns = 0;
	read_at(1000 + 190 - 500);
	CHECK(ngot == 10 && got[0].at_ns == 690);
}

/* One that the reader has not come to yet, of a ring that is larger than what it copies at once. */
static void
what_is_overwritten_meanwhile_is_lost(void)
{
	enum { AFTER = 1024 };

	empty();
	heads[1] = (struct switch_head){ .slots = LARGE };
	ring.slots = slots = large;
	write_switches(LARGE - 10);
	burst_at = 1;
	burst = 2000;
	read_at(0);
	/* the first chunk was copied; then all before 4990 - 2997 may have been overwritten */
	CHECK_U64(span.events + span.lost, LARGE - 10);
	CHECK_U64(span.lost, LARGE - 10 + 2000 - (LARGE - 3) - AFTER);
	CHECK(nlosses == 1 && losses[0].cpu == 1 && losses[0].lost == span.lost);
	CHECK(got[AFTER - 1].tid == AFTER - 1 && losses[0].from_ns == got[AFTER - 1].at_ns);
	CHECK(losses[0].to_ns == got[AFTER].at_ns && got[AFTER].tid == AFTER + span.lost);
	CHECK(got[ngot - 1].tid == LARGE - 11 && span.unseen == 0);
	/* all of it */
	heads[1].events = 0;
	write_switches(LARGE - 10);
	burst_at = 1;
	burst = 2 * LARGE;
	read_at(0);
	CHECK(nlosses == 1 && losses[0].to_ns == 1000000);
	CHECK_U64(span.lost, LARGE - 10 - AFTER);
	ring.slots = slots = memory;
}

/* Its program was interrupted, and did not know which slot it had. */
static void
a_slot_that_was_not_filled_is_lost(void)
{
	empty();
	write_switches(10);
	heads[1].events++;
	heads[1].clashes++;
	write_slot(1, 1011, what(SCHED_SWITCH, 10, 11, 0, 0));
	read_until(0, late_ns);
	CHECK(ngot == 11 && span.lost == 1 && nlosses == 1 && losses[0].from_ns == 1009);
	CHECK(losses[0].to_ns == 1011);
	/* the event of the lap before is still there */
	empty();
	write_switches(100);
	heads[1].events++;
	write_switches(10);
	read_until(0, late_ns);
	CHECK(span.lost == 1 && ngot == KEEPS - 1);
	CHECK(nlosses == 1 && losses[0].from_ns == 1099 && losses[0].to_ns == 1101);
}

/* The time was taken before the interrupt came. */
static void
an_interrupted_event_gets_the_time_of_the_one_before(void)
{
	empty();
	write_slot(1, 5000, what(SCHED_WAKING, 1, 2, 0, 1));
	write_slot(1, 4990, what(SCHED_NEW, 3, 2, 0, 0));
	write_slot(1, 4980, what(SCHED_WAKING, 1, 2, 0, 1));
	read_until(0, late_ns);
	CHECK(ngot == 2 && got[1].kind == SCHED_NEW && got[1].at_ns == 5000 && span.lost == 1);
}

static void
a_cpu_without_a_ring_loses_all(void)
{
	empty();
	heads[1].slots = 0;
	heads[1].events = 12;
	read_at(0);
	CHECK(ngot == 0 && span.lost == 12 && nlosses == 1);
	CHECK(losses[0].from_ns == 1000 && losses[0].to_ns == 1000000 && losses[0].lost == 12);
}

static void
switches_that_do_not_follow_are_counted(void)
{
	empty();
	write_slot(1, 2000, what(SCHED_SWITCH, 1, 2, 0, 0));
	write_slot(1, 2001, what(SCHED_EXEC, 9, 2, 0, 0));
	write_slot(1, 2002, what(SCHED_SWITCH, 9, 3, 0, 0));
	read_at(0);
	CHECK_U64(span.unseen, 0);
	write_slot(1, 2003, what(SCHED_SWITCH, 4, 5, 0, 0));
	read_at(0);
	CHECK(span.unseen == 1 && span.lost == 0);
}

static struct switch_place place;

static void
follow_at(uint64_t now_ns)
{
	static const struct switch_sink sink = { NULL, on_event, on_loss };

	ngot = nlosses = 0;
	switch_slots_follow(&ring, 1, switch_slots_events(&ring, 1), now_ns, &place, &sink, &span);
}

/* As often as it is read, each event comes once. */
static void
reading_on_gives_each_event_once(void)
{
	uint64_t next = 0;

	empty();
	place = (struct switch_place){ .runs = SWITCH_NOBODY };
	for (uint64_t n = 0; n < KEEPS; n++) {
		write_switches(n);
		follow_at(1000000);
		CHECK(ngot == n && span.events == n && span.lost == 0 && nlosses == 0);
		CHECK(n == 0 || (got[0].tid == next && got[n - 1].tid == next + n - 1));
		next += n;
	}
	write_slot(1, 900000, what(SCHED_SWITCH, 9999, 1, 1, 0));
	follow_at(1000000);
	CHECK(span.unseen == 1 && span.to_ns == 1000000);
}

static void
reading_on_tells_what_was_overwritten(void)
{
	empty();
	place = (struct switch_place){ .runs = SWITCH_NOBODY };
	write_switches(10);
	follow_at(1000000);
	write_switches(10 * SLOTS);
	follow_at(1000000);
	CHECK_U64(span.lost, 10 * SLOTS - KEEPS);
	CHECK(ngot == KEEPS && nlosses == 1 && losses[0].lost == span.lost);
	CHECK(losses[0].from_ns == 1009 && losses[0].to_ns == got[0].at_ns);
	heads[1].slots = 0; /* it has no ring any more */
	heads[1].events += 5;
	follow_at(2000000);
	CHECK(span.lost == 5 && losses[0].to_ns == 2000000);
	follow_at(3000000);
	CHECK(span.lost == 0 && nlosses == 0);
	heads[1].events++;
	follow_at(4000000);
	CHECK(span.lost == 1 && losses[0].from_ns == 2000000);
}

/* A program has taken the number of an event, and not yet filled its slot. */
static void
reading_on_waits_for_a_slot(void)
{
	const uint64_t late = 200000000;

	for (int filled = 0; filled < 2; filled++)
		for (int after = 0; after < 2; after++) {
			empty();
			place = (struct switch_place){ .runs = SWITCH_NOBODY };
			write_switches(10);
			uint64_t at = heads[1].events++;
			if (after)
				write_slot(1, 1011, what(SCHED_SWITCH, 10, 11, 0, 0));
			follow_at(2000);
			CHECK(ngot == 10 && span.lost == 0 && span.to_ns == 1009);
			if (filled)
				slots[SLOTS + at] =
				    (struct switch_slot){ 1010, what(SCHED_NEW, 7, 9, 0, 0) };
			follow_at(filled ? 2500 : late);
			CHECK(!filled || (span.lost == 0 && ngot == 1 + (size_t)after));
			CHECK(filled || !after || (span.lost == 1 && ngot == 1));
		}
}

/* So does a save: what is about to be written is not lost. */
static void
a_save_ends_before_a_slot_that_is_not_filled(void)
{
	for (uint64_t before = 10; before <= 10 * SLOTS; before *= 8)
		for (int after = 0; after < 2; after++) {
			uint64_t keeps = before < KEEPS ? before : KEEPS - 1 - (uint64_t)after;
			empty();
			for (uint64_t i = 0; i < before; i++)
				write_slot(
				    1, 1000 + 2000000 * i, what(SCHED_SWITCH, i, i + 1, 1, 0));
			uint64_t last_ns = 1000 + 2000000 * (before - 1);
			heads[1].events++;
			if (after)
				write_slot(1, last_ns + 5, what(SCHED_WAKING, 1, 2, 0, 1));
			read_until(0, last_ns + 9);
			CHECK(ngot == keeps && span.lost == 0 && nlosses == 0);
			CHECK(got[ngot - 1].at_ns == last_ns && span.to_ns == last_ns);
			read_until(0, last_ns + late_ns);
			CHECK_U64(span.lost, (uint64_t)after);
		}
}

int
main(void)
{
	unit_test("each field has its bits", each_field_has_its_bits);
	unit_test("states are those of /proc", states_are_those_of_proc);
	unit_test(
	    "where interrupts are unknown, so is the waker", an_unknown_interrupt_is_no_waker);
	unit_test("a ring that is not full has all events", a_ring_that_is_not_full_has_all);
	unit_test("a ring that is full has the last events", a_full_ring_has_the_last);
	unit_test("a time leaves out what is older", since_leaves_out_what_is_older);
	unit_test(
	    "what is overwritten while it is read is lost", what_is_overwritten_meanwhile_is_lost);
	unit_test("a slot that was not filled is lost", a_slot_that_was_not_filled_is_lost);
	unit_test("an interrupted event gets the time of the one before",
	    an_interrupted_event_gets_the_time_of_the_one_before);
	unit_test("a CPU without a ring loses all", a_cpu_without_a_ring_loses_all);
	unit_test("switches that do not follow on one another are counted",
	    switches_that_do_not_follow_are_counted);
	unit_test("reading on gives each event once", reading_on_gives_each_event_once);
	unit_test("reading on tells what was overwritten", reading_on_tells_what_was_overwritten);
	unit_test("reading on waits for a slot that is not filled", reading_on_waits_for_a_slot);
	unit_test("a save ends before a slot that is not filled",
	    a_save_ends_before_a_slot_that_is_not_filled);
	return unit_done();
}
