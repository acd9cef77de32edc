/* Where segments and records go; tape_records.c makes them. */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tape/records.h"

static const int64_t SLEPT_NS = 100000000;

enum { SEGMENT_LEAST = 64 << 10, SEGMENT_GROWING = 256 << 10, RING_PARTS = 256 };

void
tape_writer_begin(
    struct tape_writer *w, int fd, bool stream, const struct tape_segment *from, uint64_t at)
{
	*w = (struct tape_writer){
		.fd = fd, .stream = stream, .at = at, .moments = from->moments, .segment = *from
	};
}

void
tape_writer_keep(struct tape_writer *w, struct text path, int error, struct text text)
{
	tracks_keep(&w->tracks, path, w->turn, error, text);
}

uint64_t
tape_writer_least_ring(const struct tape_writer *w)
{
	uint64_t segment = tape_block_up(2 * TAPE_HEADER + 3 * (uint64_t)w->key_bytes);

	return 4 * (segment > SEGMENT_LEAST ? segment : SEGMENT_LEAST);
}

/* Small enough that a ring loses little at a time, large enough that key frames take a small
 * part. */
static uint64_t
segment_room(const struct tape_writer *w)
{
	uint64_t ring = w->segment.ring, some = 8 * (uint64_t)w->key_bytes,
		 room = ring ? ring / RING_PARTS : SEGMENT_GROWING;

	room = room > SEGMENT_LEAST ? room : SEGMENT_LEAST;
	room = room > some ? room : some;
	return ring && room > ring / 4 ? ring / 4 : room;
}

/* No header of an older segment may be left where this turn of the ring has nothing: it would be
 * out of its order. */
static int
clear_to_end(struct tape_writer *w, uint64_t from)
{
	static const char nothing[2 * TAPE_HEADER];

	for (; from + TAPE_BLOCK <= w->segment.ring; from += TAPE_BLOCK)
		if (pwrite(w->fd, nothing, sizeof nothing, (off_t)from) < 0)
			return -1;
	return 0;
}

/* Where the next segment goes. One never goes over the end of the ring. */
static int
find_place(struct tape_writer *w, bool first)
{
	uint64_t start = first ? w->at : tape_block_up(w->at + TAPE_END);

	if (w->segment.ring && start + w->room > w->segment.ring) {
		if (clear_to_end(w, start) < 0)
			return -1;
		start = 0;
	}
	w->start = start;
	return 0;
}

/* Writes what was put together at `at`. */
static int
write_out(struct tape_writer *w, uint64_t at)
{
	for (size_t done = 0; done < w->out.n;) {
		const char *s = w->out.s + done;
		size_t left = w->out.n - done;
		ssize_t n =
		    w->stream ? write(w->fd, s, left) : pwrite(w->fd, s, left, (off_t)(at + done));
		if (n < 0 && errno == EINTR && !(w->give_up && w->give_up()))
			continue;
		if (n < 0 && errno == EAGAIN && w->stream && !(w->give_up && w->give_up())) {
			/* somebody made it non-blocking */
			poll(&(struct pollfd){ w->fd, POLLOUT, 0 }, 1, 1000);
			continue;
		}
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* The end of the segment, which begins at that place. When it ends in an older segment's header, no
 * copy of that may be left. */
static void
put_end(struct tape_writer *w, uint64_t at)
{
	uint64_t end = at + TAPE_END, inside = end % TAPE_BLOCK;
	size_t n = TAPE_END +
	    (w->segment.ring && inside > 0 && inside < 2 * TAPE_HEADER ?
		    2 * TAPE_HEADER - (size_t)inside :
		    0);

	if (w->segment.ring && at + n > w->segment.ring)
		n = TAPE_END;
	memset(buf_room(&w->out, n), 0, n);
	w->out.n += n;
}

static void
pad_stream(struct tape_writer *w, bool first)
{
	size_t n = first ? 0 : (size_t)(tape_block_up(w->at + TAPE_END) - w->at);

	if (!w->stream || n == 0)
		return;
	memset(buf_room(&w->out, n), 0, n);
	w->out.n += n;
}

static int
put_segment(struct tape_writer *w, const struct moment *m)
{
	bool first = w->run_moments == 0;

	tracks_drop_dead(&w->tracks, w->segment_turn, w->turn);
	w->out.n = 0;
	pad_stream(w, first);
	size_t padding = w->out.n;
	tape_put_start(w, m);
	if (tape_put_key(w) < 0)
		return -1;
	w->room = segment_room(w);
	if (find_place(w, first) < 0)
		return -1;
	tape_put_moment(w, m, true);
	size_t n = w->out.n - padding;
	if (!w->stream)
		put_end(w, w->start + n);
	if (write_out(w, w->start) < 0)
		return -1;
	w->at = w->start + n;
	w->segment_turn = w->turn;
	return 0;
}

static int
begin_segment(struct tape_writer *w, const struct moment *m)
{
	w->segment.sequence++;
	w->begun = put_segment(w, m) == 0;
	if (!w->begun) /* it was not written */
		w->segment.sequence--;
	return w->begun ? 0 : -1;
}

/* The machine has, since the segment began: only a header tells for how long. */
static bool
has_slept(const struct tape_writer *w, const struct moment *m)
{
	return (m->boot_ns - m->mono_ns) - (w->segment.boot_ns - w->segment.mono_ns) > SLEPT_NS;
}

/* Since the segment began: a reader tells by the headers alone where a time is. */
static bool
clock_was_set(const struct tape_writer *w, const struct moment *m)
{
	int64_t stray_ns = (m->real_ns - m->mono_ns) - (w->segment.real_ns - w->segment.mono_ns);

	return stray_ns > TAPE_STRAY_NS || stray_ns < -TAPE_STRAY_NS;
}

/* A record behind the last one: 1; 0 when the segment is full, or has strayed so far from its key
 * frame that a new one is better. */
static int
append(struct tape_writer *w, const struct moment *m)
{
	bool from_key = w->in_group == TAPE_GROUP;

	if (has_slept(w, m) || clock_was_set(w, m))
		return 0;
	w->out.n = 0;
	tape_put_moment(w, m, from_key);
	size_t n = w->out.n;
	bool strayed = from_key && n > TAPE_BLOCK && n > w->key_bytes / 2;
	if (w->at + n + TAPE_END > w->start + w->room || n - TAPE_HEAD > TAPE_RECORD_MOST ||
	    strayed)
		return 0;
	if (!w->stream)
		put_end(w, w->at + n);
	if (write_out(w, w->at) < 0)
		return -1;
	w->at += n;
	return 1;
}

int
tape_writer_moment(struct tape_writer *w, const struct moment *m)
{
	int done = w->begun ? append(w, m) : 0;

	if (done == 0)
		done = begin_segment(w, m);
	w->turn++;
	if (done < 0) { /* the same place is tried again, as a new segment */
		w->begun = false;
		return -1;
	}
	w->moments++;
	w->run_moments++;
	return 0;
}

double
tape_writer_rate(const struct tape_writer *w)
{
	double begin = 2.0 * TAPE_HEADER + 2.0 * (double)w->key_bytes;
	double in_segment = (double)(w->at - w->start) - begin;
	uint64_t moments = w->moments - w->segment.moments;

	if (!w->begun || moments <= TAPE_GROUP)
		return NAN;
	double each = in_segment / (double)moments;
	return each / (1 - begin / (double)w->room);
}

void
tape_writer_end(struct tape_writer *w)
{
	tracks_free(&w->tracks);
	buf_free(&w->out);
}
