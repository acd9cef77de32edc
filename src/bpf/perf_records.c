#include "bpf/perf_records.h"

#include <string.h>

/* A record has a head of 8 bytes (its type, flags and length), its own fields, and at the end who it is
 * about and when: struct perf_event_header and the comments at enum perf_event_type in
 * include/uapi/linux/perf_event.h of the kernel. */
enum { HEAD = 8, TAIL = 16, LEAST = HEAD + TAIL };

enum { RECORD_LOST = 2, RECORD_COMM = 3, RECORD_EXIT = 4, RECORD_FORK = 7, RECORD_SWITCH = 14 };

/* Flags. Each has a meaning for one type. */
enum { COMM_BY_EXEC = 1 << 13, SWITCH_OUT = 1 << 13, SWITCH_RUNNABLE = 1 << 14 };

enum { TIDS_MOST = 1 << 22 /* PID_MAX_LIMIT of the kernel */ };

struct record {
	const char *s;
	size_t n;
	uint32_t type, flags;
	uint32_t pid, tid; /* the thread that the record is about */
	uint64_t at_ns;
};

static uint32_t
u32(const char *s)
{
	uint32_t v;

	memcpy(&v, s, sizeof v);
	return v;
}

static uint64_t
u64(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof v);
	return v;
}

static uint32_t
u16(const char *s)
{
	uint16_t v;

	memcpy(&v, s, sizeof v);
	return v;
}

/* The length of the record at the start; 0: there is no whole one. */
static size_t
length(struct text t)
{
	size_t n = t.n >= HEAD ? u16(t.s + 6) : 0;

	return n >= HEAD && n % 8 == 0 && n <= t.n ? n : 0;
}

static struct text
after(struct text t, size_t n)
{
	return (struct text){ t.s + n, t.n - n };
}

/* ---- Their order */

size_t
perf_records_turn(struct buf *out, struct text bytes)
{
	size_t whole = perf_records_skip(bytes, SIZE_MAX);
	char *end = buf_room(out, whole + 1) + whole;

	out->n += whole;
	bytes.n = whole;
	for (size_t n; (n = length(bytes)) > 0; bytes = after(bytes, n)) {
		end -= n;
		memcpy(end, bytes.s, n);
	}
	return whole;
}

void
perf_records_lose(struct buf *out, uint64_t lost, uint64_t at_ns)
{
	struct {
		uint32_t type;
		uint16_t flags, size;
		uint64_t id, lost;
		uint32_t pid, tid;
		uint64_t at_ns;
	} record = { RECORD_LOST, 0, sizeof record, 0, lost, 0, 0, at_ns };

	buf_add(out, (const char *)&record, sizeof record);
}

size_t
perf_records_skip(struct text records, size_t n)
{
	size_t at = 0, step;

	while (at < n && (step = length(after(records, at))) > 0)
		at += step;
	return at;
}

/* ---- What they say */

static bool
next(struct text *records, struct record *r)
{
	size_t n = length(*records);

	if (n == 0)
		return false;
	*r = (struct record){ .s = records->s, .n = n };
	if (n >= LEAST) {
		r->type = u32(r->s);
		r->flags = u16(r->s + 4);
		r->pid = u32(r->s + n - 16);
		r->tid = u32(r->s + n - 12);
		r->at_ns = u64(r->s + n - 8);
	}
	*records = after(*records, n);
	return true;
}

bool
perf_records_time(struct text records, uint64_t *at_ns)
{
	struct record r;

	while (next(&records, &r))
		if (r.type) {
			*at_ns = r.at_ns;
			return true;
		}
	return false;
}

/* A reader at work. A thread may be recorded twice, if it began while others were found: what says the
 * same once more is left out. */
struct reader {
	const struct perf_records_of *of;
	const struct switch_sink *sink;
	struct switch_span *span;
	uint64_t last_ns;
	uint32_t runs, stopped; /* by the switch before; 0: unknown */
	uint32_t type, tid;     /* of the record before */
};

static bool
is_thread(uint32_t tid)
{
	return tid > 0 && tid < TIDS_MOST;
}

/* Whether the record before says the same of this thread. */
static bool
is_repeat(struct reader *r, uint32_t type, uint32_t tid)
{
	bool same = r->type == type && r->tid == tid;

	r->type = type;
	r->tid = tid;
	return same;
}

static bool
is_wanted(const struct reader *r, uint64_t at_ns)
{
	return at_ns >= r->of->since_ns && at_ns <= r->of->until_ns;
}

static void
give(struct reader *r, struct sched_event e)
{
	if (!is_wanted(r, e.at_ns))
		return;
	e.cpu = r->of->cpu;
	e.at_ns = e.at_ns > r->last_ns ? e.at_ns : r->last_ns;
	r->last_ns = e.at_ns;
	r->span->events++;
	r->sink->event(r->sink->ctx, &e);
}

static void
stop(struct reader *r, uint32_t tid, char state, uint64_t at_ns)
{
	if (r->stopped == tid)
		return;
	r->runs = 0;
	r->stopped = tid;
	give(r,
	    (struct sched_event){ .at_ns = at_ns,
		.tid = tid,
		.other = SCHED_TID_UNKNOWN,
		.kind = SCHED_SWITCH,
		.state = state });
}

static void
start(struct reader *r, uint32_t tid, uint64_t at_ns)
{
	if (r->runs == tid)
		return;
	r->runs = tid;
	r->stopped = 0;
	give(r,
	    (struct sched_event){ .at_ns = at_ns,
		.tid = SCHED_TID_UNKNOWN,
		.other = tid,
		.kind = SCHED_SWITCH,
		.state = SCHED_STATE_UNKNOWN });
}

static void
take_switch(struct reader *r, const struct record *record)
{
	if (!is_thread(record->tid) || record->pid != r->of->pid)
		return;
	r->type = 0;
	if (record->flags & SWITCH_OUT)
		stop(r, record->tid, record->flags & SWITCH_RUNNABLE ? 'R' : SCHED_STATE_UNKNOWN,
		    record->at_ns);
	else
		start(r, record->tid, record->at_ns);
}

/* Fork and exit have the same fields: pid, parent's pid, tid, parent's tid, time. */
enum {
	PID = HEAD,
	PARENT_PID = HEAD + 4,
	TID = HEAD + 8,
	PARENT_TID = HEAD + 12,
	TASK = HEAD + 24
};

static void
take_fork(struct reader *r, const struct record *record)
{
	uint32_t tid = u32(record->s + TID), parent = u32(record->s + PARENT_TID);

	if (!is_thread(tid) || u32(record->s + PARENT_PID) != r->of->pid ||
	    is_repeat(r, record->type, tid))
		return;
	bool same = u32(record->s + PID) == r->of->pid;
	give(r,
	    (struct sched_event){ .at_ns = record->at_ns,
		.tid = tid,
		.other = parent,
		.kind = SCHED_NEW,
		.kin = same ? SCHED_THREAD : SCHED_PROCESS });
}

/* Nothing more is recorded of the thread: its last switch follows soon. */
static void
take_exit(struct reader *r, const struct record *record)
{
	uint32_t tid = u32(record->s + TID);

	if (!is_thread(tid) || u32(record->s + PID) != r->of->pid ||
	    is_repeat(r, record->type, tid))
		return;
	give(r, (struct sched_event){ .at_ns = record->at_ns, .tid = tid, .kind = SCHED_EXIT });
	stop(r, tid, 'X', record->at_ns);
}

static void
take_exec(struct reader *r, const struct record *record)
{
	if (!(record->flags & COMM_BY_EXEC) || !is_thread(record->tid) ||
	    record->pid != r->of->pid || is_repeat(r, record->type, record->tid))
		return;
	give(r,
	    (struct sched_event){ .at_ns = record->at_ns,
		.tid = record->tid,
		.other = SCHED_TID_UNKNOWN,
		.kind = SCHED_EXEC });
}

static void
take_loss(struct reader *r, const struct record *record)
{
	uint64_t lost = u64(record->s + HEAD + 8), from = r->last_ns, to = record->at_ns;

	from = from > r->of->since_ns ? from : r->of->since_ns;
	struct switch_loss l = { r->of->cpu, from, to > from ? to : from, lost };
	r->runs = r->stopped = 0;
	if (!is_wanted(r, to) || lost == 0)
		return;
	r->span->lost += lost;
	r->sink->loss(r->sink->ctx, &l);
}

static void
take(struct reader *r, const struct record *record)
{
	if (record->type == RECORD_SWITCH)
		take_switch(r, record);
	else if (record->type == RECORD_FORK && record->n >= TASK + TAIL)
		take_fork(r, record);
	else if (record->type == RECORD_EXIT && record->n >= TASK + TAIL)
		take_exit(r, record);
	else if (record->type == RECORD_COMM && record->n >= LEAST)
		take_exec(r, record);
	else if (record->type == RECORD_LOST && record->n >= HEAD + 16 + TAIL)
		take_loss(r, record);
}

void
perf_records_read(struct text records, const struct perf_records_of *of,
    const struct switch_sink *sink, struct switch_span *span)
{
	struct reader r = { .of = of, .sink = sink, .span = span };
	struct record record;

	while (next(&records, &record))
		take(&r, &record);
}
