#include "trace/events.h"

#include <stdlib.h>

#include "base/code.h"
#include "base/fail.h"
#include "trace/format.h"

/* ---- Events of a block */

static void
stream_block(struct trace_stream *s, const struct trace_block *b)
{
	s->block = b;
	s->rest = b->events;
	s->left = b->count;
	s->ntids = 0;
	s->running_known = false;
	s->e = (struct sched_event){ .cpu = b->cpu, .at_ns = b->from_ns };
}

static bool
get_tid(struct trace_stream *s, uint32_t *tid)
{
	uint64_t number;

	if (!code_get(&s->rest, &number) || number > s->ntids)
		return false;
	if (number == s->ntids) {
		s->tids = xgrow(s->tids, s->ntids, &s->room, sizeof *s->tids);
		if (!code_get_u32(&s->rest, &s->tids[s->ntids]))
			return false;
		s->ntids++;
	}
	*tid = s->tids[number];
	return true;
}

static bool
get_byte(struct text *rest, unsigned *byte)
{
	if (rest->n == 0)
		return false;
	*byte = (unsigned char)*rest->s;
	*rest = (struct text){ rest->s + 1, rest->n - 1 };
	return true;
}

static bool
get_switch(struct trace_stream *s, unsigned first)
{
	unsigned index = first >> TRACE_STATE_SHIFT, state;
	bool same = (first & TRACE_KIND_BITS) == SCHED_SWITCH;

	if (index >= sizeof TRACE_STATES - 1 || (same && !s->running_known))
		return false;
	state = (unsigned char)TRACE_STATES[index];
	if (index == 0 && !get_byte(&s->rest, &state))
		return false;
	s->e.kind = SCHED_SWITCH;
	s->e.state = (char)state;
	s->e.in_irq = 0;
	s->e.to = 0;
	s->e.tid = s->running;
	if ((!same && !get_tid(s, &s->e.tid)) || !get_tid(s, &s->e.other))
		return false;
	s->running = s->e.other;
	s->running_known = true;
	return true;
}

static bool
get_other_event(struct trace_stream *s, unsigned first)
{
	bool by_running = first & TRACE_BY_RUNNING, is_running = first & TRACE_IS_RUNNING;

	if (first > 127 || ((by_running || is_running) && !s->running_known))
		return false;
	s->e.kind = (uint8_t)(first & TRACE_KIND_BITS);
	s->e.state = 0;
	s->e.in_irq = (first & TRACE_IN_IRQ) != 0;
	s->e.tid = s->e.other = s->running;
	s->e.to = s->e.cpu;
	return s->e.kind > 0 && (is_running || get_tid(s, &s->e.tid)) &&
	    (by_running || get_tid(s, &s->e.other)) &&
	    (first & TRACE_TO_HERE || code_get_u32(&s->rest, &s->e.to));
}

/* The next event of the present block; false if there is none, or it is not valid. */
static bool
stream_event(struct trace_stream *s)
{
	unsigned first;
	uint64_t later;

	if (s->left == 0 || !get_byte(&s->rest, &first) || !code_get(&s->rest, &later) ||
	    later > s->block->to_ns - s->e.at_ns)
		return false;
	s->left--;
	s->e.at_ns += later;
	unsigned kind = first & TRACE_KIND_BITS;
	return kind == SCHED_SWITCH || kind == TRACE_OF_OTHER ? get_switch(s, first) :
								get_other_event(s, first);
}

bool
trace_block_check(struct trace_stream *s, const struct trace_block *b)
{
	stream_block(s, b);
	while (s->left > 0)
		if (!stream_event(s))
			return false;
	return s->rest.n == 0 && s->e.at_ns == b->to_ns;
}

/* ---- All CPUs, by time: a heap of streams */

struct trace_cursor {
	uint64_t to_ns;
	struct trace_stream *streams;
	size_t nstreams;
	struct trace_stream **heap; /* the earliest event first */
	size_t n;
	bool began; /* the first event was given */
};

static bool
earlier(const struct trace_stream *a, const struct trace_stream *b)
{
	return a->e.at_ns != b->e.at_ns ? a->e.at_ns < b->e.at_ns : a->e.cpu < b->e.cpu;
}

static void
sift_down(struct trace_cursor *c, size_t at)
{
	struct trace_stream *s = c->heap[at];

	for (size_t child; (child = 2 * at + 1) < c->n; at = child) {
		child += child + 1 < c->n && earlier(c->heap[child + 1], c->heap[child]);
		if (!earlier(c->heap[child], s))
			break;
		c->heap[at] = c->heap[child];
	}
	c->heap[at] = s;
}

/* The next event of the CPU; false at the end. */
static bool
stream_next(struct trace_stream *s)
{
	while (s->left == 0) {
		if (s->block + 1 >= s->blocks_end)
			return false;
		stream_block(s, s->block + 1);
	}
	return stream_event(s);
}

/* Goes to the first event of the CPU at or after from_ns; false if there is none. */
static bool
stream_seek(struct trace_stream *s, uint64_t from_ns)
{
	while (s->block + 1 < s->blocks_end && s->block->to_ns < from_ns)
		s->block++;
	stream_block(s, s->block);
	do {
		if (!stream_next(s))
			return false;
	} while (s->e.at_ns < from_ns);
	return true;
}

/* The streams of all CPUs, each at its first block. */
static void
add_streams(struct trace_cursor *c, const struct trace_blocks *b)
{
	size_t room = 0;

	for (size_t i = 0, next; i < b->n; i = next) {
		for (next = i + 1; next < b->n && b->v[next].cpu == b->v[i].cpu;)
			next++;
		c->streams = xgrow(c->streams, c->nstreams, &room, sizeof *c->streams);
		c->streams[c->nstreams++] =
		    (struct trace_stream){ .block = &b->v[i], .blocks_end = b->v + next };
	}
}

struct trace_cursor *
trace_begin(const struct trace_file *t, uint64_t from_ns, uint64_t to_ns)
{
	struct trace_cursor *c = xmalloc(sizeof *c);

	*c = (struct trace_cursor){ .to_ns = to_ns };
	add_streams(c, t->blocks);
	c->heap = xmalloc((c->nstreams + 1) * sizeof(struct trace_stream *));
	for (size_t i = 0; i < c->nstreams; i++)
		if (stream_seek(&c->streams[i], from_ns))
			c->heap[c->n++] = &c->streams[i];
	for (size_t i = c->n / 2; i-- > 0;)
		sift_down(c, i);
	return c;
}

const struct sched_event *
trace_next(struct trace_cursor *c)
{
	if (c->n > 0 && c->began) {
		if (!stream_next(c->heap[0]))
			c->heap[0] = c->heap[--c->n];
		if (c->n > 0)
			sift_down(c, 0);
	}
	c->began = true;
	return c->n > 0 && c->heap[0]->e.at_ns <= c->to_ns ? &c->heap[0]->e : NULL;
}

void
trace_end(struct trace_cursor *c)
{
	for (size_t i = 0; i < c->nstreams; i++)
		free(c->streams[i].tids);
	free(c->streams);
	free(c->heap);
	free(c);
}
