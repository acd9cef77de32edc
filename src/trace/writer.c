#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/code.h"
#include "base/fail.h"
#include "proc/cpulist.h"
#include "trace/format.h"
#include "trace/trace_file.h"

enum {
	BLOCK_BYTES = 32 << 10, /* a block ends when it has this many */
	WRITE_BYTES = 256 << 10,
	TEXT_MOST = 64 << 10,
	NUMBERED_MOST = 4096, /* threads with a number, in a block */
	SLOTS = 2 * NUMBERED_MOST,
	EVENT_MOST = 1 + 6 * CODE_MOST
};

/* The block of a CPU that is being filled. Its threads have numbers, in the order in which they
 * occur. */
struct lane {
	struct buf events;
	uint64_t before, count; /* events of this CPU in earlier blocks, and in this one */
	uint64_t from_ns, last_ns;
	uint32_t running;
	bool running_known;
	uint32_t n; /* threads with a number */
	struct slot {
		uint32_t block, tid, number; /* in use if its block is the lane's */
	} slots[SLOTS];
	uint32_t block;
};

struct trace_writer {
	int fd, error;
	uint64_t blocks;
	struct buf out, payload;
	struct buf items[TRACE_KINDS]; /* of the blocks that are lists of items */
	uint64_t cgroups;
	struct lane **lanes; /* by CPU; NULL: no event yet */
	size_t nlanes, room;
};

/* ---- Blocks */

static void
write_out(struct trace_writer *w)
{
	if (!w->error && write_whole(w->fd, w->out.s, w->out.n) < 0)
		w->error = errno;
	w->out.n = 0;
}

static void
put_block(struct trace_writer *w, enum trace_kind kind, struct buf *payload)
{
	trace_put_block(&w->out, kind, payload);
	payload->n = 0;
	w->blocks++;
	if (w->out.n >= WRITE_BYTES)
		write_out(w);
}

struct trace_writer *
trace_writer_new(int fd)
{
	struct trace_writer *w = xmalloc(sizeof *w);
	unsigned char header[TRACE_HEADER];

	*w = (struct trace_writer){ .fd = fd };
	trace_put_header(header);
	buf_add(&w->out, (const char *)header, sizeof header);
	buf_add(&w->out, (const char *)header, sizeof header);
	return w;
}

/* ---- Lists. An item goes to the returned buffer whole before list_put is called again. */

static struct buf *
list_put(struct trace_writer *w, enum trace_kind kind)
{
	struct buf *b = &w->items[kind];

	if (b->n >= BLOCK_BYTES)
		put_block(w, kind, b);
	if (kind == TRACE_CGROUPS && b->n == 0)
		code_put(b, w->cgroups);
	return b;
}

static struct text
clipped(struct text t)
{
	return (struct text){ t.s, t.n < TEXT_MOST ? t.n : TEXT_MOST };
}

void
trace_put_facts(struct trace_writer *w, struct text facts)
{
	struct text line;

	while (text_line(&facts, &line)) {
		struct buf *b = list_put(w, TRACE_FACTS);
		line = clipped(line);
		buf_add(b, line.s, line.n);
		buf_char(b, '\n');
	}
}

void
trace_put_clocks(struct trace_writer *w, const struct trace_clocks *c)
{
	struct buf *b = list_put(w, TRACE_CLOCKS);

	code_put(b, c->boot_ns);
	code_put(b, c->real_ns);
	code_put(b, c->mono_ns);
}

void
trace_put_cgroup(struct trace_writer *w, const char *path)
{
	code_put_text(list_put(w, TRACE_CGROUPS), clipped(text_of(path)));
	w->cgroups++;
}

void
trace_put_thread(struct trace_writer *w, const struct trace_thread *t)
{
	struct buf *b = list_put(w, TRACE_THREADS);

	code_put(b, t->tid);
	code_put(b, t->pid);
	code_put_text(b, (struct text){ t->comm, strnlen(t->comm, TRACE_COMM - 1) });
	code_put(b, t->start_ns);
	code_put(b, t->cgroup == TRACE_NO_CGROUP ? 0 : (uint64_t)t->cgroup + 1);
	code_put(b, t->kernel);
}

void
trace_put_loss(struct trace_writer *w, const struct trace_loss *l)
{
	struct buf *b = list_put(w, TRACE_LOSSES);

	code_put(b, l->cpu);
	code_put(b, l->from_ns);
	code_put(b, l->to_ns);
	code_put(b, l->lost);
}

void
trace_put_quota(struct trace_writer *w, const struct trace_quota *q)
{
	struct buf *b = list_put(w, TRACE_QUOTAS);

	code_put(b, q->cgroup);
	code_put(b, q->at_ns);
	code_put(b, q->throttled_ns);
	code_put(b, q->limited);
}

void
trace_put_mark(struct trace_writer *w, uint64_t at_ns, const char *words)
{
	struct buf *b = list_put(w, TRACE_MARKS);

	code_put(b, at_ns);
	code_put_text(b, clipped(text_of(words)));
}

/* ---- Events */

static struct lane *
lane_of(struct trace_writer *w, uint32_t cpu)
{
	while (cpu >= w->nlanes) {
		w->lanes = xgrow(w->lanes, w->nlanes, &w->room, sizeof *w->lanes);
		w->lanes[w->nlanes++] = NULL;
	}
	if (!w->lanes[cpu]) {
		w->lanes[cpu] = xmalloc(sizeof **w->lanes);
		memset(w->lanes[cpu], 0, sizeof **w->lanes);
		w->lanes[cpu]->block = 1;
	}
	return w->lanes[cpu];
}

static void
end_lane(struct trace_writer *w, uint32_t cpu, struct lane *l)
{
	if (l->count == 0)
		return;
	code_put(&w->payload, cpu);
	code_put(&w->payload, l->before);
	code_put(&w->payload, l->count);
	code_put(&w->payload, l->from_ns);
	code_put(&w->payload, l->last_ns - l->from_ns);
	buf_add(&w->payload, l->events.s, l->events.n);
	put_block(w, TRACE_EVENTS, &w->payload);
	l->before += l->count;
	l->count = l->n = 0;
	l->events.n = 0;
	l->running_known = false;
	l->block++;
}

/* Most numbers are small. */
static unsigned char *
write_number(unsigned char *to, uint64_t v)
{
	if (v >= CODE_SMALL)
		return code_write(to, v);
	*to = (unsigned char)(CODE_FIRST + v);
	return to + 1;
}

/* A thread as its number. A new one has the next number, and its tid follows. */
static unsigned char *
write_tid(struct lane *l, unsigned char *to, uint32_t tid)
{
	struct slot *s = &l->slots[(tid * 2654435761u) >> 19];

	while (s->block == l->block && s->tid != tid)
		s = s == l->slots + SLOTS - 1 ? l->slots : s + 1;
	if (s->block == l->block)
		return write_number(to, s->number);
	*s = (struct slot){ l->block, tid, l->n++ };
	return code_write(code_write(to, s->number), tid);
}

static unsigned char *
write_time(struct lane *l, unsigned char *to, uint64_t at_ns)
{
	at_ns = at_ns > l->last_ns ? at_ns : l->last_ns;
	uint64_t later = l->count > 0 ? at_ns - l->last_ns : 0;
	if (l->count == 0)
		l->from_ns = at_ns;
	l->last_ns = at_ns;
	return code_write(to, later);
}

/* The index of a state; 0: it has none. */
static unsigned
index_of(char state)
{
	static const unsigned char indexes[128] = { ['R'] = 1,
		['P'] = 2,
		['S'] = 3,
		['D'] = 4,
		['T'] = 5,
		['t'] = 6,
		['X'] = 7,
		['Z'] = 8,
		['I'] = 9,
		['K'] = 10,
		['W'] = 11,
		['N'] = 12 };
	unsigned char c = (unsigned char)state;

	return c < sizeof indexes ? indexes[c] : 0;
}

static unsigned char *
write_switch(struct lane *l, unsigned char *to, const struct sched_event *e)
{
	bool same = l->running_known && l->running == e->tid;
	unsigned index = index_of(e->state);

	*to++ =
	    (unsigned char)((same ? SCHED_SWITCH : TRACE_OF_OTHER) | index << TRACE_STATE_SHIFT);
	to = write_time(l, to, e->at_ns);
	if (index == 0)
		*to++ = (unsigned char)e->state;
	if (!same)
		to = write_tid(l, to, e->tid);
	l->running = e->other;
	l->running_known = true;
	return write_tid(l, to, e->other);
}

static unsigned char *
write_other_event(struct lane *l, unsigned char *to, const struct sched_event *e)
{
	bool by_running = l->running_known && l->running == e->other,
	     is_running = l->running_known && l->running == e->tid, here = e->to == e->cpu;

	*to++ = (unsigned char)(e->kind | (e->in_irq == 1 ? TRACE_IN_IRQ : 0) |
	    (by_running ? TRACE_BY_RUNNING : 0) | (is_running ? TRACE_IS_RUNNING : 0) |
	    (here ? TRACE_TO_HERE : 0));
	to = write_time(l, to, e->at_ns);
	if (!is_running)
		to = write_tid(l, to, e->tid);
	if (!by_running)
		to = write_tid(l, to, e->other);
	return here ? to : code_write(to, e->to);
}

void
trace_put_event(struct trace_writer *w, const struct sched_event *e)
{
	if (e->cpu >= CPULIST_MOST || e->kind == 0 || e->kind >= SCHED_KINDS)
		return;
	struct lane *l = lane_of(w, e->cpu);
	if (l->events.n >= BLOCK_BYTES || l->n + 2 > NUMBERED_MOST)
		end_lane(w, e->cpu, l);
	unsigned char *to = (unsigned char *)buf_room(&l->events, EVENT_MOST),
		      *end = e->kind == SCHED_SWITCH ? write_switch(l, to, e) :
						       write_other_event(l, to, e);
	l->events.n += (size_t)(end - to);
	l->count++;
}

/* ---- The end */

/* The end says how much there is, so that a reader can tell what is missing. */
static void
put_end(struct trace_writer *w)
{
	code_put(&w->payload, w->blocks);
	for (size_t i = 0; i < w->nlanes; i++) {
		if (!w->lanes[i])
			continue;
		code_put(&w->payload, i);
		code_put(&w->payload, w->lanes[i]->before);
		code_put(&w->payload, w->lanes[i]->last_ns);
	}
	put_block(w, TRACE_END, &w->payload);
}

static void
writer_free(struct trace_writer *w)
{
	for (size_t i = 0; i < w->nlanes; i++) {
		if (w->lanes[i])
			buf_free(&w->lanes[i]->events);
		free(w->lanes[i]);
	}
	for (int i = 0; i < TRACE_KINDS; i++)
		buf_free(&w->items[i]);
	buf_free(&w->out);
	buf_free(&w->payload);
	free(w->lanes);
	free(w);
}

int
trace_writer_end(struct trace_writer *w)
{
	for (size_t i = 0; i < w->nlanes; i++)
		if (w->lanes[i])
			end_lane(w, (uint32_t)i, w->lanes[i]);
	for (int kind = 0; kind < TRACE_KINDS; kind++)
		if (w->items[kind].n > 0)
			put_block(w, (enum trace_kind)kind, &w->items[kind]);
	put_end(w);
	write_out(w);
	int error = w->error;
	writer_free(w);
	return error ? fail_with(error) : 0;
}
