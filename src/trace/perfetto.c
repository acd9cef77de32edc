/* perfetto: writes a trace as Perfetto's protobuf, which its viewer and trace_processor read. */
#include "trace/perfetto.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fail.h"
#include "base/map.h"
#include "trace/perfetto_fields.h"
#include "trace/proto.h"

enum {
	WRITE_AT = 1 << 16,     /* bytes that are written at once */
	BUNDLE_EVENTS = 4096,   /* of a CPU: a bundle repeats the names of its threads */
	BUNDLE_BYTES = 1 << 16, /* of whole events */
	SEQUENCE = 1,           /* all packets are of one sequence */
};

/* The arrays of the compact form: a value for each switch, then for each waking. */
enum {
	SWITCH_AT,
	SWITCH_STATE,
	SWITCH_NEXT,
	SWITCH_PRIO,
	SWITCH_NAME,
	WAKING_AT,
	WAKING_TID,
	WAKING_TO,
	WAKING_PRIOS,
	WAKING_NAME,
	WAKING_FLAGS,
	ARRAYS
};
static const unsigned char array_fields[ARRAYS] = { 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12 };

/* ---- The writer */

#define NOBODY UINT32_MAX /* the reader does not know who runs */

/* What is kept of a CPU. The bundle that is being filled has its events since the last one. */
struct cpu {
	uint32_t now;          /* the thread that runs, as the reader knows it */
	bool lost;             /* events are missing before this bundle */
	bool irq;              /* an interrupt woke up a thread in this bundle */
	uint64_t last_ns;      /* of the event before */
	uint64_t since_ns;     /* the events are complete from here on */
	uint64_t array_ns[2];  /* the last times in SWITCH_AT and WAKING_AT */
	uint32_t events;       /* in the arrays */
	uint64_t lost_track;   /* 0: none yet */
	size_t loss, loss_end; /* those of p->losses that come next */
	struct buf arrays[ARRAYS], whole;
	struct map names;
};

struct perfetto {
	struct trace_export x;
	int fd, error;
	const struct trace_file *t;
	bool part_only;            /* the file has only events of one process */
	struct trace_loss *losses; /* sorted by CPU and time */
	struct cpu *cpus;
	uint32_t ncpus;
	unsigned char *told; /* by number of the thread: enum told */
	uint64_t tracks;     /* numbers given to tracks */
	uint64_t marks;      /* the track of marks */
	struct export_sums sums;
	struct buf out;                          /* packets to be written */
	struct buf packet, message, part, event; /* being built */
	struct buf name;
};

/* What a trace says about a thread: nothing, that it has events, who it is. */
enum told { UNTOLD, MENTIONED, DESCRIBED };

static void *
zeroed(size_t n)
{
	return memset(xmalloc(n), 0, n);
}

static void
write_out(struct perfetto *p)
{
	if (!p->error && write_whole(p->fd, p->out.s, p->out.n) < 0)
		p->error = errno;
	p->out.n = 0;
}

/* Appends a packet with what p->message holds, and empties that. */
static void
put_packet(struct perfetto *p, enum packet_field field, uint64_t at_ns)
{
	struct buf *b = &p->packet;
	size_t before = p->out.n;

	b->n = 0;
	proto_number(b, PACKET_TIMESTAMP, at_ns);
	proto_number(b, PACKET_SEQUENCE, SEQUENCE);
	if (p->sums.bytes == 0) {
		proto_number(b, PACKET_FLAGS, FLAGS_CLEARED);
		proto_number(b, PACKET_FIRST, 1);
	}
	proto_message(b, field, &p->message);
	proto_message(&p->out, TRACE_PACKET, b);
	p->sums.bytes += p->out.n - before;
	p->message.n = 0;
	if (p->out.n >= WRITE_AT)
		write_out(p);
}

/* ---- Tracks: marks, counters, lost events */

static void
put_track(struct perfetto *p, uint64_t track, uint64_t parent, const char *name)
{
	proto_number(&p->message, TRACK_ID, track);
	proto_string(&p->message, TRACK_NAME, name);
	if (parent)
		proto_number(&p->message, TRACK_PARENT, parent);
}

static uint64_t
add_group(struct trace_export *x, uint64_t parent, const char *name)
{
	struct perfetto *p = (struct perfetto *)x;

	put_track(p, ++p->tracks, parent, name);
	put_packet(p, PACKET_TRACK, p->t->from_ns);
	return p->tracks;
}

static uint64_t
add_counter(
    struct trace_export *x, uint64_t group, const char *name, const char *unit, const char *scale)
{
	struct perfetto *p = (struct perfetto *)x;

	p->part.n = 0;
	if (unit && strcmp(unit, "bytes") == 0)
		proto_number(&p->part, COUNTER_UNIT, UNIT_BYTES);
	else if (unit)
		proto_string(&p->part, COUNTER_UNIT_NAME, unit);
	if (scale)
		proto_string(&p->part, COUNTER_SCALE, scale);
	put_track(p, ++p->tracks, group, name);
	proto_message(&p->message, TRACK_COUNTER, &p->part);
	put_packet(p, PACKET_TRACK, p->t->from_ns);
	return p->tracks;
}

static void
begin_event(struct perfetto *p, enum event_type type, uint64_t track)
{
	proto_number(&p->message, EVENT_TYPE, type);
	proto_number(&p->message, EVENT_TRACK, track);
}

/* Whole numbers below this size are exact in a double. */
static const double exact = 9007199254740992.0;

static void
put_value(struct trace_export *x, uint64_t counter, uint64_t at_ns, double value)
{
	struct perfetto *p = (struct perfetto *)x;

	if (!isfinite(value))
		return;
	begin_event(p, TYPE_COUNTER, counter);
	if (value == floor(value) && fabs(value) < exact)
		proto_number(&p->message, EVENT_WHOLE, (uint64_t)(int64_t)value);
	else
		proto_real(&p->message, EVENT_REAL, value);
	put_packet(p, PACKET_TRACK_EVENT, at_ns);
}

static void
put_mark(struct trace_export *x, uint64_t at_ns, const char *words)
{
	struct perfetto *p = (struct perfetto *)x;

	begin_event(p, TYPE_INSTANT, p->marks);
	proto_string(&p->message, EVENT_NAME, words);
	put_packet(p, PACKET_TRACK_EVENT, at_ns);
}

static void
put_loss(struct perfetto *p, uint32_t cpu, uint64_t from_ns, uint64_t to_ns, uint64_t lost)
{
	struct buf name = { 0 };
	struct cpu *c = &p->cpus[cpu];

	if (!c->lost_track) {
		buf_text(&name, "lost events of CPU ");
		buf_u64(&name, cpu, 1);
		buf_char(&name, '\0');
		c->lost_track = add_group(&p->x, 0, name.s);
	}
	name.n = 0;
	if (lost > 0)
		buf_u64(&name, lost, 1);
	buf_text(&name, lost > 0 ? " events lost" : "events lost");
	buf_char(&name, '\0');
	begin_event(p, TYPE_BEGIN, c->lost_track);
	proto_string(&p->message, EVENT_NAME, name.s);
	put_packet(p, PACKET_TRACK_EVENT, from_ns);
	begin_event(p, TYPE_END, c->lost_track);
	put_packet(p, PACKET_TRACK_EVENT, to_ns);
	buf_free(&name);
}

/* ---- What the file says of the system */

static void
put_fact(struct buf *b, unsigned field, struct text value)
{
	struct buf s = { 0 };

	buf_add(&s, value.s, value.n);
	buf_char(&s, '\0');
	if (value.n > 0)
		proto_string(b, field, s.s);
	buf_free(&s);
}

static void
put_number_fact(struct buf *b, unsigned field, struct text value)
{
	uint64_t v;

	if (text_u64(value, &v) == 0)
		proto_number(b, field, v);
}

/* The reader decodes the states of switches by the release: without one, as Linux 4.4 had them. This
 * writer writes them as Linux 4.14 and later have them. */
static void
put_system(struct perfetto *p)
{
	struct text release = trace_fact(p->t, "release");

	p->part.n = 0;
	proto_string(&p->part, UTSNAME_SYSTEM, "Linux");
	put_fact(&p->part, UTSNAME_RELEASE, release.n > 0 ? release : text_of("5.0.unknown"));
	put_fact(&p->part, UTSNAME_MACHINE, trace_fact(p->t, "machine"));
	proto_message(&p->message, SYSTEM_UTSNAME, &p->part);
	put_number_fact(&p->message, SYSTEM_HZ, trace_fact(p->t, "ticks"));
	put_number_fact(&p->message, SYSTEM_PAGE, trace_fact(p->t, "page"));
	put_number_fact(&p->message, SYSTEM_CPUS, trace_fact(p->t, "cpus"));
	put_packet(p, PACKET_SYSTEM, p->t->from_ns);
}

static void
put_clock(struct perfetto *p, unsigned id, uint64_t at_ns)
{
	p->part.n = 0;
	proto_number(&p->part, CLOCK_ID, id);
	proto_number(&p->part, CLOCK_TIME, at_ns);
	proto_message(&p->message, CLOCK_OF, &p->part);
}

/* The reader wants clocks that only go forward: a point at which one was set back is left out. */
static void
put_clocks(struct perfetto *p)
{
	struct trace_clocks last = { 0, 0, 0 };

	for (size_t i = 0; i < p->t->nclocks; i++) {
		const struct trace_clocks *c = &p->t->clocks[i];
		if (c->boot_ns < last.boot_ns || c->real_ns < last.real_ns ||
		    c->mono_ns < last.mono_ns)
			continue;
		put_clock(p, ID_BOOT, c->boot_ns);
		put_clock(p, ID_REAL, c->real_ns);
		put_clock(p, ID_MONO, c->mono_ns);
		proto_number(&p->message, CLOCKS_PRIMARY, ID_BOOT);
		put_packet(p, PACKET_CLOCKS, c->boot_ns);
		last = *c;
	}
}

/* An instant at the start, with each fact beside it. */
static void
put_facts(struct perfetto *p)
{
	struct text facts = { p->t->facts.s, p->t->facts.n }, line, key;

	begin_event(p, TYPE_INSTANT, p->marks);
	proto_string(&p->message, EVENT_NAME, "start of the trace");
	while (text_line(&facts, &line)) {
		if (!text_split(&line, ' ', &key))
			continue;
		p->part.n = 0;
		put_fact(&p->part, ANNOTATION_NAME, key);
		put_fact(&p->part, ANNOTATION_STRING, line);
		proto_message(&p->message, EVENT_ANNOTATION, &p->part);
	}
	put_packet(p, PACKET_TRACK_EVENT, p->t->from_ns);
}

static int
by_cpu(const void *a, const void *b)
{
	const struct trace_loss *l = a, *m = b;

	if (l->cpu != m->cpu)
		return l->cpu < m->cpu ? -1 : 1;
	return (l->from_ns > m->from_ns) - (l->from_ns < m->from_ns);
}

static struct cpu *
cpu_of(struct perfetto *p, uint32_t number)
{
	if (number >= p->ncpus) {
		p->cpus = xrealloc(p->cpus, (number + 1) * sizeof *p->cpus);
		memset(p->cpus + p->ncpus, 0, (number + 1 - p->ncpus) * sizeof *p->cpus);
		for (; p->ncpus <= number; p->ncpus++)
			p->cpus[p->ncpus].now = NOBODY;
	}
	return &p->cpus[number];
}

static void
put_losses(struct perfetto *p)
{
	size_t n = p->t->nlosses;

	p->losses = zeroed((n + 1) * sizeof *p->losses);
	if (n > 0)
		memcpy(p->losses, p->t->losses, n * sizeof *p->losses);
	qsort(p->losses, n, sizeof *p->losses, by_cpu);
	for (size_t i = 0; i < n; i++) {
		const struct trace_loss *l = &p->losses[i];
		if (l->cpu >= PERFETTO_CPUS)
			continue;
		struct cpu *c = cpu_of(p, l->cpu);
		if (c->loss_end == 0)
			c->loss = i;
		c->loss_end = i + 1;
		put_loss(
		    p, l->cpu, l->from_ns, l->to_ns < l->from_ns ? l->from_ns : l->to_ns, l->lost);
	}
}

/* ---- Bundles: the events of one CPU */

static void
put_compact(struct perfetto *p, const struct cpu *c)
{
	struct buf *b = &p->part;

	b->n = 0;
	for (uint32_t i = 0; i < c->names.n; i++) {
		struct text name = map_key(&c->names, i);
		proto_bytes(b, COMPACT_NAMES, name.s, name.n);
	}
	for (unsigned i = 0; i < ARRAYS; i++)
		if (c->arrays[i].n > 0 && (i != WAKING_FLAGS || c->irq))
			proto_message(b, array_fields[i], &c->arrays[i]);
	proto_message(&p->message, BUNDLE_COMPACT, b);
}

static void
end_bundle(struct perfetto *p, uint32_t cpu)
{
	struct cpu *c = &p->cpus[cpu];

	if (c->events == 0 && c->whole.n == 0)
		return;
	proto_number(&p->message, BUNDLE_CPU, cpu);
	buf_add(&p->message, c->whole.s, c->whole.n);
	if (c->lost)
		proto_number(&p->message, BUNDLE_LOST, 1);
	if (c->events > 0)
		put_compact(p, c);
	put_packet(p, PACKET_FTRACE, c->last_ns);
	for (unsigned i = 0; i < ARRAYS; i++)
		c->arrays[i].n = 0;
	c->whole.n = 0;
	c->array_ns[0] = c->array_ns[1] = 0;
	c->events = 0;
	c->lost = c->irq = false;
	map_clear(&c->names);
}

/* The bits of the kernel for the state in which a thread stopped. One that is unknown has those of
 * three states, which no thread is in at once. */
static uint64_t
state_bits(char state)
{
	switch (state) {
	case 'R':
		return 0;
	case SCHED_PREEMPTED:
		return 0x100;
	case 'S':
		return 1;
	case 'D':
		return 2;
	case 'T':
		return 4;
	case 't':
		return 8;
	case 'X':
		return 0x10;
	case 'Z':
		return 0x20;
	case 'I':
		return 0x80;
	default:
		return 1 | 2 | 4;
	}
}

/* Who has that number. Marks the thread as mentioned. */
static const struct trace_thread *
mention(struct perfetto *p, uint32_t tid, uint64_t at_ns)
{
	const struct trace_thread *t = tid ? trace_find(p->t, tid, at_ns) : NULL;

	if (t && p->told[t - p->t->threads] == UNTOLD)
		p->told[t - p->t->threads] = MENTIONED;
	return t;
}

/* The thread's name, in UTF-8; "" if it is unknown. Valid until the next call. */
static struct text
name_of(struct perfetto *p, uint32_t tid, uint64_t at_ns)
{
	const struct trace_thread *t = mention(p, tid, at_ns);

	p->name.n = 0;
	buf_room(&p->name, 1); /* so that "" is somewhere */
	if (tid == 0)
		buf_text(&p->name, "swapper");
	else if (tid >= PERFETTO_LOST && tid < PERFETTO_LOST + PERFETTO_CPUS)
		buf_text(&p->name, "(events lost)");
	else if (tid >= PERFETTO_OUTSIDE && tid < PERFETTO_OUTSIDE + PERFETTO_CPUS)
		buf_text(&p->name, "(not recorded)");
	else if (t)
		buf_printable(&p->name, t->comm);
	return (struct text){ p->name.s, p->name.n };
}

static void
put_name(struct perfetto *p, unsigned field, uint32_t tid, uint64_t at_ns)
{
	struct text name = name_of(p, tid, at_ns);

	proto_bytes(&p->message, field, name.s, name.n);
}

/* Appends the whole event that p->message holds, and empties that. The thread `pid` runs. */
static void
put_flagged(struct perfetto *p, struct cpu *c, enum ftrace_event field, uint64_t at_ns,
    uint32_t pid, unsigned flags)
{
	struct buf *b = &p->event;

	b->n = 0;
	proto_number(b, FTRACE_TIMESTAMP, at_ns);
	proto_number(b, FTRACE_PID, pid == NOBODY ? 0 : pid);
	proto_message(b, field, &p->message);
	if (flags)
		proto_number(b, FTRACE_FLAGS, flags);
	proto_message(&c->whole, BUNDLE_EVENT, b);
	p->message.n = 0;
	c->last_ns = at_ns;
}

static void
put_whole(struct perfetto *p, struct cpu *c, enum ftrace_event field, uint64_t at_ns, uint32_t pid)
{
	put_flagged(p, c, field, at_ns, pid, 0);
}

static void
whole_switch(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	struct buf *b = &p->message;

	put_name(p, SWITCH_PREV_COMM, e->tid, e->at_ns);
	proto_number(b, SWITCH_PREV_PID, e->tid);
	proto_number(b, SWITCH_PREV_PRIO, PERFETTO_PRIO);
	proto_number(b, SWITCH_PREV_STATE, state_bits(e->state));
	put_name(p, SWITCH_NEXT_COMM, e->other, e->at_ns);
	proto_number(b, SWITCH_NEXT_PID, e->other);
	proto_number(b, SWITCH_NEXT_PRIO, PERFETTO_PRIO);
	put_whole(p, c, FTRACE_SWITCH, e->at_ns, e->tid);
	c->now = e->other;
}

/* Of one array of times: each is written as what it is after the one before. */
static void
put_time(struct cpu *c, unsigned array, uint64_t at_ns)
{
	uint64_t *last = &c->array_ns[array == WAKING_AT];

	proto_varint(&c->arrays[array], at_ns - *last);
	*last = c->last_ns = at_ns;
	c->events++;
}

static void
compact_switch(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	mention(p, e->tid, e->at_ns);
	put_time(c, SWITCH_AT, e->at_ns);
	proto_varint(&c->arrays[SWITCH_STATE], state_bits(e->state));
	proto_varint(&c->arrays[SWITCH_NEXT], e->other);
	proto_varint(&c->arrays[SWITCH_PRIO], PERFETTO_PRIO);
	proto_varint(&c->arrays[SWITCH_NAME], map_put(&c->names, name_of(p, e->other, e->at_ns)));
	c->now = e->other;
}

static void
whole_waking(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	struct buf *b = &p->message;

	mention(p, e->other, e->at_ns);
	put_name(p, WAKING_COMM, e->tid, e->at_ns);
	proto_number(b, WAKING_PID, e->tid);
	proto_number(b, WAKING_PRIO, PERFETTO_PRIO);
	proto_number(b, WAKING_CPU, e->to);
	put_flagged(p, c, FTRACE_WAKING, e->at_ns, e->other, e->in_irq ? FLAG_HARDIRQ : 0);
}

static void
compact_waking(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	put_time(c, WAKING_AT, e->at_ns);
	proto_varint(&c->arrays[WAKING_TID], e->tid);
	proto_varint(&c->arrays[WAKING_TO], e->to);
	proto_varint(&c->arrays[WAKING_PRIOS], PERFETTO_PRIO);
	proto_varint(&c->arrays[WAKING_NAME], map_put(&c->names, name_of(p, e->tid, e->at_ns)));
	proto_varint(&c->arrays[WAKING_FLAGS], e->in_irq ? FLAG_HARDIRQ : 0);
	c->irq |= e->in_irq;
}

/* ---- Lost events. While they are lost, a thread of their own runs, so that no other one seems to. */

static void
lose(struct perfetto *p, uint32_t cpu, uint64_t from_ns)
{
	struct cpu *c = &p->cpus[cpu];
	struct sched_event e = { .at_ns = from_ns, .cpu = cpu, .kind = SCHED_SWITCH, .state = '?' };

	if (c->now != NOBODY && c->now != PERFETTO_LOST + cpu) {
		e.tid = c->now;
		e.other = PERFETTO_LOST + cpu;
		e.at_ns = from_ns > c->last_ns ? from_ns : c->last_ns;
		whole_switch(p, c, &e);
	}
	end_bundle(p, cpu);
	c->lost = true;
}

/* From since_ns on, this thread runs: the event at at_ns says so. */
static void
resume(struct perfetto *p, uint32_t cpu, uint32_t tid, uint64_t at_ns)
{
	struct cpu *c = &p->cpus[cpu];
	uint64_t since = c->since_ns > c->last_ns ? c->since_ns : c->last_ns;
	struct sched_event e = { .at_ns = since < at_ns ? since : at_ns, .cpu = cpu, .state = 'S' };

	e.kind = SCHED_SWITCH;
	e.tid = c->now == NOBODY ? 0 : c->now;
	e.other = tid;
	whole_switch(p, c, &e);
}

/* Goes past the losses that end before this event. */
static void
pass_losses(struct perfetto *p, uint32_t cpu, uint64_t at_ns)
{
	struct cpu *c = &p->cpus[cpu];

	for (; c->loss < c->loss_end; c->loss++) {
		const struct trace_loss *l = &p->losses[c->loss];
		if (l->from_ns >= at_ns && l->to_ns > at_ns)
			return;
		lose(p, cpu, l->from_ns);
		c->since_ns = l->to_ns;
	}
}

/* The thread, or the one that stands for the threads of other processes on this CPU. */
static uint32_t
inside(struct perfetto *p, uint32_t cpu, uint32_t tid, uint64_t at_ns)
{
	bool known = tid != SCHED_TID_UNKNOWN && !p->part_only;

	return !known && trace_outside(p->t, tid, at_ns) ? PERFETTO_OUTSIDE + cpu : tid;
}

/* Makes the reader know who runs, if it does not, and the event says it. */
static void
agree(struct perfetto *p, const struct sched_event *e)
{
	struct cpu *c = &p->cpus[e->cpu];
	bool unknown = c->now == NOBODY || c->now == PERFETTO_LOST + e->cpu;
	bool complete = c->since_ns > 0 || c->now != NOBODY; /* since some time before this event */

	if (e->kind == SCHED_WAKING && unknown) {
		c->since_ns = complete ? c->since_ns : e->at_ns;
		resume(p, e->cpu, inside(p, e->cpu, e->other, e->at_ns), e->at_ns);
	} else if (e->kind == SCHED_SWITCH && c->now != e->tid && complete) {
		if (!unknown) {
			p->sums.gaps++;
			put_loss(p, e->cpu, c->last_ns, e->at_ns, 0);
			lose(p, e->cpu, c->last_ns);
			c->since_ns = e->at_ns;
		}
		resume(p, e->cpu, e->tid, e->at_ns);
	}
}

/* ---- Processes and threads */

static void
describe_thread(struct perfetto *p, const struct trace_thread *t, uint64_t at_ns)
{
	p->message.n = 0;
	if (t->kernel) {
		p->part.n = 0;
		proto_number(&p->part, PROCESS_PID, t->pid);
		if (t->pid != 2) /* kthreadd creates all others */
			proto_number(&p->part, PROCESS_PPID, 2);
		proto_string(&p->part, PROCESS_COMMAND, t->comm);
		proto_number(&p->part, PROCESS_KERNEL, 1);
		proto_number(&p->part, PROCESS_BY_COMM, 1);
		proto_message(&p->message, TREE_PROCESS, &p->part);
	}
	p->part.n = 0;
	proto_number(&p->part, THREAD_TID, t->tid);
	proto_string(&p->part, THREAD_NAME, t->comm);
	proto_number(&p->part, THREAD_TGID, t->pid);
	proto_message(&p->message, TREE_THREAD, &p->part);
	put_packet(p, PACKET_PROCESS_TREE, at_ns);
}

/* The message Process of a process tree wants the parent, which is unknown, or makes the idle task
 * one. So processes are described by a track, with the cgroup as a label. */
static void
describe_process(struct perfetto *p, const struct trace_thread *t, uint64_t at_ns)
{
	p->part.n = 0;
	proto_number(&p->part, TRACK_PROCESS_PID, t->pid);
	proto_string(&p->part, TRACK_PROCESS_NAME, t->comm);
	if (t->cgroup < p->t->ncgroups && *p->t->cgroups[t->cgroup])
		proto_string(&p->part, TRACK_PROCESS_LABEL, p->t->cgroups[t->cgroup]);
	proto_number(&p->message, TRACK_ID, ++p->tracks);
	proto_message(&p->message, TRACK_PROCESS, &p->part);
	put_packet(p, PACKET_TRACK, at_ns);
}

static void
describe(struct perfetto *p, const struct trace_thread *t, uint64_t at_ns)
{
	size_t i = (size_t)(t - p->t->threads);
	/* a second track of a process starts a new one in the reader */
	bool first = i == 0 || p->t->threads[i - 1].tid != t->tid;

	p->told[i] = DESCRIBED;
	if (t->pid == 0)
		return;
	if (!t->kernel && t->tid == t->pid && first)
		describe_process(p, t, at_ns);
	describe_thread(p, t, at_ns);
}

/* The process of a thread that is mentioned is described too. */
static void
describe_all(struct perfetto *p)
{
	uint64_t from = p->t->from_ns;

	for (size_t i = 0; i < p->t->nthreads; i++) {
		const struct trace_thread *t = &p->t->threads[i];
		if (p->told[i] != UNTOLD && t->pid != t->tid && t->pid != 0)
			mention(p, t->pid, t->start_ns > from ? t->start_ns : from);
	}
	for (size_t i = 0; i < p->t->nthreads; i++) {
		const struct trace_thread *t = &p->t->threads[i];
		if (p->told[i] == MENTIONED)
			describe(p, t, t->start_ns > from ? t->start_ns : from);
	}
}

/* The reader takes a new thread for one of the process of its creator, by the flag of clone(2), or
 * for a process. So nothing is said of a thread whose process is unknown. */
static void
put_new(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	const struct trace_thread *t = mention(p, e->tid, e->at_ns);

	mention(p, e->other, e->at_ns);
	if (!t || t->pid == 0)
		return;
	proto_number(&p->message, NEWTASK_PID, e->tid);
	put_name(p, NEWTASK_COMM, e->tid, e->at_ns);
	proto_number(&p->message, NEWTASK_FLAGS, t->pid == t->tid ? 0 : FLAG_THREAD);
	put_whole(p, c, FTRACE_NEWTASK, e->at_ns, e->other);
	if (p->told[t - p->t->threads] != DESCRIBED)
		describe(p, t, e->at_ns + 1);
}

static void
put_exit(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	const struct trace_thread *t = mention(p, e->tid, e->at_ns);

	put_name(p, EXIT_COMM, e->tid, e->at_ns);
	proto_number(&p->message, EXIT_PID, e->tid);
	if (t && t->pid)
		proto_number(&p->message, EXIT_TGID, t->pid);
	put_whole(p, c, FTRACE_EXIT, e->at_ns, e->tid);
}

/* ---- Events */

/* A thread that stopped for the last time is freed. A zombie is not, until its parent has it. */
static void
put_switch(struct perfetto *p, struct cpu *c, const struct sched_event *e, bool whole)
{
	if (whole)
		whole_switch(p, c, e);
	else
		compact_switch(p, c, e);
	if (e->state != 'X')
		return;
	proto_number(&p->message, FREE_PID, e->tid);
	put_whole(p, c, FTRACE_FREE, e->at_ns, e->other);
}

static void
put_other(struct perfetto *p, struct cpu *c, const struct sched_event *e)
{
	switch (e->kind) {
	case SCHED_NEW:
		put_new(p, c, e);
		break;
	case SCHED_EXEC:
		mention(p, e->tid, e->at_ns);
		proto_number(&p->message, EXEC_PID, e->tid);
		put_whole(p, c, FTRACE_EXEC, e->at_ns, e->tid);
		break;
	case SCHED_EXIT:
		put_exit(p, c, e);
		break;
	case SCHED_MIGRATE:
		mention(p, e->tid, e->at_ns);
		proto_number(&p->message, MIGRATE_PID, e->tid);
		proto_number(&p->message, MIGRATE_CPU, e->to);
		put_whole(p, c, FTRACE_MIGRATE, e->at_ns, c->now);
		break;
	default:
		break;
	}
}

/* In a bundle the reader takes the switches of the compact form first, then its wakings, then whole
 * events, and sorts all by time. So an event at the same time as the one before is a whole one. */
static void
put_event(struct trace_export *x, const struct sched_event *event)
{
	struct perfetto *p = (struct perfetto *)x;
	struct sched_event own = *event;
	const struct sched_event *e = &own;

	if (e->cpu >= PERFETTO_CPUS || e->at_ns < cpu_of(p, e->cpu)->last_ns) {
		p->sums.left_out++;
		return;
	}
	struct cpu *c = &p->cpus[e->cpu];
	if (e->kind == SCHED_SWITCH) {
		own.tid = inside(p, e->cpu, e->tid, e->at_ns);
		own.other = inside(p, e->cpu, e->other, e->at_ns);
		own.state = own.tid == event->tid ? own.state : 'S';
	}
	pass_losses(p, e->cpu, e->at_ns);
	agree(p, e);
	bool tie = e->at_ns == c->last_ns;
	if (e->kind == SCHED_SWITCH)
		put_switch(p, c, e, tie || c->now != e->tid);
	else if (e->kind != SCHED_WAKING)
		put_other(p, c, e);
	else if (tie || c->now != e->other)
		whole_waking(p, c, e);
	else
		compact_waking(p, c, e);
	p->sums.events++;
	if (c->events >= BUNDLE_EVENTS || c->whole.n >= BUNDLE_BYTES)
		end_bundle(p, e->cpu);
}

static void
free_cpu(struct cpu *c)
{
	for (unsigned i = 0; i < ARRAYS; i++)
		buf_free(&c->arrays[i]);
	buf_free(&c->whole);
	map_free(&c->names);
}

static int
finish(struct trace_export *x, struct export_sums *sums)
{
	struct perfetto *p = (struct perfetto *)x;
	struct buf *bufs[] = { &p->out, &p->packet, &p->message, &p->part, &p->event, &p->name };

	for (uint32_t i = 0; i < p->ncpus; i++) {
		pass_losses(p, i, UINT64_MAX);
		end_bundle(p, i);
		free_cpu(&p->cpus[i]);
	}
	describe_all(p);
	write_out(p);
	for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
		buf_free(bufs[i]);
	int error = p->error;
	*sums = p->sums;
	free(p->losses);
	free(p->cpus);
	free(p->told);
	free(p);
	return error ? fail_with(error) : 0;
}

struct trace_export *
perfetto_new(int fd, const struct trace_file *t)
{
	static const struct export_ops ops = { put_event, add_group, add_counter, put_value,
		put_mark, finish };
	struct perfetto *p = zeroed(sizeof *p);

	p->x.ops = &ops;
	p->fd = fd;
	p->t = t;
	p->part_only = trace_fact(t, "only").n > 0;
	p->told = zeroed(t->nthreads + 1);
	put_clocks(p);
	put_system(p);
	p->marks = add_group(&p->x, 0, "marks");
	put_facts(p);
	for (size_t i = 0; i < t->nmarks; i++)
		put_mark(&p->x, t->marks[i].at_ns, t->marks[i].words);
	put_losses(p);
	return &p->x;
}
