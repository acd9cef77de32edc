/* switch_slots: reads rings of scheduler events while they are filled. */
#include "bpf/switch_slots.h"

#include <string.h>

/* A CPU other than x86 may show another one its stores a little later, in another order. */
enum { MARGIN = 2, CHUNK = 1024 };

/* An interrupt may come between the time of an event and its slot. */
static const uint64_t interrupted_ns = 1000000;

/* A slot that is not filled so long after others of its CPU is lost. */
static const uint64_t unfilled_ns = 100000000;

/* ---- A slot */

static uint32_t
bits(uint64_t v, unsigned from, unsigned n)
{
	return (uint32_t)(v >> from & (((uint64_t)1 << n) - 1));
}

/* The highest bit that /proc shows: include/linux/sched.h of the kernel. /proc calls the 7th "P", which
 * is a kernel thread that is parked. */
static char
highest_state(uint32_t state)
{
	static const char letters[] = "RSDTtXXD";
	int i = 0;

	for (state &= 0x7f; state; state >>= 1)
		i++;
	return letters[i];
}

static char
state_of_task(uint32_t state)
{
	enum { IDLE = 0x402, DEAD = 0x80, RTLOCK_WAIT = 0x1000, FROZEN = 0x8000 };

	if ((state & IDLE) == IDLE)
		return 'I';
	if (state & DEAD)
		return 'X';
	return state & (RTLOCK_WAIT | FROZEN) ? 'D' : highest_state(state);
}

/* TASK_REPORT_IDLE and TASK_REPORT_MAX, since Linux 4.14. */
static char
state_of_field(uint32_t state)
{
	enum { IDLE = 0x80, PREEMPTED = 0x100 };

	if (state & PREEMPTED)
		return SCHED_PREEMPTED;
	return state & IDLE ? 'I' : highest_state(state);
}

static char
switch_state(const struct switch_slots *s, uint32_t state, bool preempted)
{
	if (s->field)
		return state_of_field(state);
	return preempted ? (char)SCHED_PREEMPTED : state_of_task(state);
}

static bool
knows_irq(const struct switch_slots *s, uint32_t cpu)
{
	return s->knows_irq && (!s->needs_irq_at || s->heads[cpu].irq_at);
}

bool
switch_slot_decode(const struct switch_slots *s, uint32_t cpu, const struct switch_slot *slot,
    struct sched_event *e)
{
	uint32_t kind = bits(slot->what, SLOT_KIND, 3), more = bits(slot->what, SLOT_MORE, 16);
	bool flag = slot->what >> SLOT_FLAG;

	if (kind == 0 || kind >= SCHED_KINDS)
		return false;
	*e = (struct sched_event){
		.at_ns = slot->at_ns + s->shift_ns,
		.cpu = cpu,
		.tid = bits(slot->what, SLOT_TID, 22),
		.other = bits(slot->what, SLOT_OTHER, 22),
		.kind = (uint8_t)kind,
	};
	if (kind == SCHED_SWITCH)
		e->state = switch_state(s, more, flag);
	if (kind == SCHED_NEW)
		e->kin = more == SCHED_PROCESS || more == SCHED_THREAD ? (uint8_t)more :
									 (uint8_t)SCHED_KIN_UNKNOWN;
	if (kind == SCHED_WAKING)
		e->in_irq = knows_irq(s, cpu) ? flag : (uint8_t)SCHED_IRQ_UNKNOWN;
	if (kind == SCHED_WAKING || kind == SCHED_MIGRATE)
		e->to = more == SLOT_NO_CPU ? SCHED_CPU_UNKNOWN : more;
	return true;
}

/* ---- A ring */

/* A reader at work. Events below `next` are read. */
struct reader {
	const struct switch_slots *s;
	const struct switch_head *head;
	const struct switch_sink *sink;
	struct switch_span *span;
	uint64_t since_ns, last_ns; /* last_ns: of the event before; 0: none */
	uint64_t missing;           /* since that one */
	uint32_t runs;              /* on this CPU; SWITCH_NOBODY: unknown */
	bool begun; /* span->from_ns is known: what is missing from now on is lost */
};

uint64_t
switch_slots_events(const struct switch_slots *s, uint32_t cpu)
{
	return __atomic_load_n(&s->heads[cpu].events, __ATOMIC_ACQUIRE);
}

/* The first event that cannot have been overwritten, or be it now. */
static uint64_t
oldest(const struct reader *r)
{
	uint64_t events, keeps = r->head->slots;

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	events = __atomic_load_n(&r->head->events, __ATOMIC_RELAXED);
	keeps = keeps > 1 + MARGIN ? keeps - 1 - MARGIN : 0;
	return events > keeps ? events - keeps : 0;
}

static const struct switch_slot *
slot(const struct reader *r, uint64_t i)
{
	return &r->s->slots[r->head->first + i % r->head->slots];
}

/* Copies events from i on, at most to the end of the ring. Returns how many. */
static size_t
copy(const struct reader *r, uint64_t i, uint64_t end, struct switch_slot *out)
{
	uint64_t left = r->head->slots - i % r->head->slots, n = end - i;

	n = n < left ? n : left;
	n = n < CHUNK ? n : CHUNK;
	memcpy(out, slot(r, i), n * sizeof *out);
	return n;
}

static void
tell_loss(struct reader *r, uint64_t to_ns)
{
	struct switch_loss l = { r->span->cpu, r->last_ns ? r->last_ns : r->span->from_ns, to_ns,
		r->missing };

	r->span->lost += r->missing;
	if (r->missing == 0)
		return;
	r->runs = SWITCH_NOBODY;
	r->sink->loss(r->sink->ctx, &l);
	r->missing = 0;
}

/* Only these kinds happen while interrupts are on. */
static bool
is_interruptible(const struct sched_event *e)
{
	return e->kind == SCHED_NEW || e->kind == SCHED_EXEC || e->kind == SCHED_EXIT;
}

/* A thread that runs another program gets the number of its process. */
static void
follow(struct reader *r, const struct sched_event *e)
{
	if (e->kind == SCHED_EXEC && e->other == r->runs)
		r->runs = e->tid;
	if (e->kind != SCHED_SWITCH || !r->s->all)
		return;
	r->span->unseen += r->runs != SWITCH_NOBODY && r->runs != e->tid;
	r->runs = e->other;
}

/* A slot that was not filled has the event of an earlier lap, or none. */
static void
take(struct reader *r, const struct switch_slot *slot)
{
	struct sched_event e;
	bool there = switch_slot_decode(r->s, r->span->cpu, slot, &e);

	if (there && e.at_ns < r->last_ns && r->last_ns - e.at_ns < interrupted_ns &&
	    is_interruptible(&e))
		e.at_ns = r->last_ns;
	if (!there || e.at_ns < r->last_ns) {
		r->missing++;
		return;
	}
	if (e.at_ns < r->since_ns)
		return;
	if (r->missing > 0)
		tell_loss(r, e.at_ns);
	follow(r, &e);
	r->last_ns = e.at_ns;
	r->span->events++;
	r->sink->event(r->sink->ctx, &e);
}

/* The first event that is from since_ns or later. */
static uint64_t
find(const struct reader *r, uint64_t from, uint64_t end)
{
	while (from < end) {
		uint64_t middle = from + (end - from) / 2;
		uint64_t at_ns = __atomic_load_n(&slot(r, middle)->at_ns, __ATOMIC_RELAXED);
		if (at_ns + r->s->shift_ns < r->since_ns)
			from = middle + 1;
		else
			end = middle;
	}
	return from;
}

static void
begin(struct reader *r, uint64_t from_ns)
{
	r->begun = true;
	r->span->from_ns = from_ns > r->s->opened_ns ? from_ns : r->s->opened_ns;
}

/* Events that were overwritten before the first was read are not lost: the span begins later. */
static void
read_ring(struct reader *r, uint64_t i, uint64_t end)
{
	struct switch_slot chunk[CHUNK];

	while (i < end) {
		size_t n = copy(r, i, end, chunk), k = 0;
		for (uint64_t valid = oldest(r); k < n && i + k < valid; k++)
			r->missing += r->begun;
		if (k < n && !r->begun)
			begin(r, chunk[k].at_ns + r->s->shift_ns);
		for (; k < n; k++)
			take(r, &chunk[k]);
		i += n;
	}
}

/* The first event from i on whose slot may still be filled; `end` if there is none. Whoever took its number
 * may have been interrupted, or have lost the CPU. */
static uint64_t
first_unfilled(const struct reader *r, uint64_t i, uint64_t end, uint64_t now_ns)
{
	uint64_t latest_ns = r->last_ns, from = end;

	while (from > i && end - from < CHUNK &&
	    slot(r, from - 1)->at_ns + r->s->shift_ns + unfilled_ns > now_ns)
		from--;
	for (i = from > i + 1 ? from - 2 : i; i < end; i++) {
		struct sched_event e;
		bool there = switch_slot_decode(r->s, r->span->cpu, slot(r, i), &e);
		if (!there || e.at_ns + interrupted_ns < latest_ns) {
			uint64_t next_ns =
			    i + 1 < end ? slot(r, i + 1)->at_ns + r->s->shift_ns : now_ns;
			return next_ns + unfilled_ns > now_ns ? i : end;
		}
		latest_ns = e.at_ns > latest_ns ? e.at_ns : latest_ns;
	}
	return end;
}

void
switch_slots_read(const struct switch_slots *s, uint32_t cpu, uint64_t end, uint64_t since_ns,
    uint64_t now_ns, const struct switch_sink *sink, struct switch_span *span)
{
	uint64_t since = since_ns > s->opened_ns ? since_ns : s->opened_ns;
	struct reader r = { s, &s->heads[cpu], sink, span, since, 0, 0, SWITCH_NOBODY, false };

	*span = (struct switch_span){ .cpu = cpu, .from_ns = now_ns, .to_ns = now_ns };
	if (r.head->slots == 0) {
		begin(&r, since);
		r.missing = end;
	} else {
		uint64_t first = oldest(&r), i = find(&r, first, end);
		if (first == 0 || i > first)
			begin(&r, since);
		uint64_t filled = i < end ? first_unfilled(&r, i, end, now_ns) : end;
		read_ring(&r, i, filled);
		if (filled < end && r.last_ns)
			span->to_ns = r.last_ns;
	}
	tell_loss(&r, span->to_ns);
}

void
switch_slots_follow(const struct switch_slots *s, uint32_t cpu, uint64_t end, uint64_t now_ns,
    struct switch_place *place, const struct switch_sink *sink, struct switch_span *span)
{
	struct reader r = { s, &s->heads[cpu], sink, span, s->opened_ns, place->last_ns, 0,
		place->runs, false };

	*span = (struct switch_span){ .cpu = cpu, .from_ns = now_ns, .to_ns = now_ns };
	begin(&r, place->last_ns);
	uint64_t first = r.head->slots ? oldest(&r) : end, i = place->next, all = end;
	if (first > i) {
		r.missing = first - i;
		i = first;
	}
	if (i < end)
		end = first_unfilled(&r, i, end, now_ns);
	if (i < end)
		read_ring(&r, i, end);
	if (end < all)
		span->to_ns = r.last_ns;
	tell_loss(&r, now_ns);
	*place = (struct switch_place){ i > end ? i : end, r.last_ns, r.runs };
	if (span->lost && !r.head->slots)
		place->last_ns = now_ns;
}
