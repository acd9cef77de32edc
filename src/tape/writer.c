#include "tape/writer.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/code.h"
#include "base/fail.h"
#include "tape/format.h"

/* ---- Tracks */

static struct track *
find(struct tracks *t, struct text path)
{
	int i = map_find(&t->paths, path);

	if (i >= 0)
		return &t->v[i];
	t->v = xgrow(t->v, t->paths.n, &t->room, sizeof *t->v);
	struct track *new = &t->v[t->paths.n];
	map_put(&t->paths, path);
	*new = (struct track){ 0 };
	return new;
}

static void
make_room(struct track *t)
{
	if (t->room >= t->now.count)
		return;
	t->room = t->now.room;
	t->written = xrealloc(t->written, t->room * sizeof *t->written);
	t->keyed = xrealloc(t->keyed, t->room * sizeof *t->keyed);
}

static void
tracks_keep(struct tracks *all, struct text path, uint64_t sample, int error, struct text text)
{
	struct track *t = find(all, path);
	bool new = t->reads++ == 0;

	t->touched = sample;
	t->late |= new &&sample > 0;
	if (error && !new && t->error == error)
		return;
	if (error || new || t->error || !figures_renew(&t->now, text)) {
		t->fresh = true;
		t->as_keyed = false;
		if (!error)
			figures_take(&t->now, text);
	}
	t->error = error;
	t->changed = true;
	make_room(t);
}

/* Whether a record has the full text of the track, in a record with changes since the key frame or
 * since the previous record. */
static bool
track_is_whole(const struct track *t, bool from_key)
{
	return from_key ? !t->as_keyed : t->fresh;
}

static size_t
track_numbers(const struct track *t)
{
	return t->error ? 0 : t->now.count;
}

static void
track_written(struct track *t)
{
	if (track_numbers(t))
		memcpy(t->written, t->now.values, t->now.count * sizeof *t->written);
	t->fresh = t->changed = false;
}

static void
track_keyed(struct track *t)
{
	if (track_numbers(t))
		memcpy(t->keyed, t->now.values, t->now.count * sizeof *t->keyed);
	t->as_keyed = true;
	track_written(t);
}

/* Files of processes and threads come and go with them. */
static bool
is_of_process(struct text path)
{
	return text_skip(&path, "proc/") && path.n > 0 && *path.s >= '0' && *path.s <= '9';
}

static bool
is_dead(const struct track *t, struct text path, uint64_t since, uint64_t now)
{
	enum { OFTEN = 8, LONG = 512, LONG_OF_PROCESS = 128 };
	bool process = is_of_process(path), names = text_skip(&path, "var/log/");

	if (names) /* read only when there is a new cgroup */
		return false;
	if (process)
		return t->touched + LONG_OF_PROCESS < now;
	return (t->late || t->reads >= OFTEN) && t->touched < since && t->touched + LONG < now;
}

static void
free_track(struct track *t)
{
	figures_free(&t->now);
	free(t->written);
	free(t->keyed);
}

/* Drops tracks that were read often, but not since `since` and not in the last few hundred samples:
 * their cgroup or process has gone. A file that is read once at the start (mountinfo) stays. */
static void
tracks_drop_dead(struct tracks *t, uint64_t since, uint64_t now)
{
	struct map left = { 0 };
	uint32_t dead = 0;

	for (uint32_t i = 0; i < t->paths.n; i++)
		dead += is_dead(&t->v[i], map_key(&t->paths, i), since, now);
	for (uint32_t i = 0; i < t->paths.n && dead > 0; i++) {
		if (is_dead(&t->v[i], map_key(&t->paths, i), since, now)) {
			free_track(&t->v[i]);
			continue;
		}
		t->v[left.n] = t->v[i];
		map_put(&left, map_key(&t->paths, i));
	}
	if (dead == 0)
		return;
	map_free(&t->paths);
	t->paths = left;
}

static void
tracks_free(struct tracks *t)
{
	for (uint32_t i = 0; i < t->paths.n; i++)
		free_track(&t->v[i]);
	free(t->v);
	map_free(&t->paths);
	*t = (struct tracks){ 0 };
}

/* ---- Records, which are collected in w->out */

/* Appends the path unless the reader knows it from an earlier record. */
static void
put_path(struct tape_writer *w, struct buf *b, uint32_t i, uint32_t known)
{
	if (i >= known)
		code_put_text(b, map_key(&w->tracks.paths, i));
}

static void
put_contents(struct buf *b, const struct track *t)
{
	code_put(b, (uint64_t)t->error);
	if (!t->error)
		code_put_text(b, (struct text){ t->now.text.s, t->now.text.n });
}

/* Appends the tracks with their full text: how many, and for each its number, the path if it is
 * new, and the contents. */
static void
put_whole(struct tape_writer *w, struct buf *b, bool from_key)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < w->tracks.paths.n; i++)
		n += track_is_whole(&w->tracks.v[i], from_key);
	code_put(b, n);
	for (uint32_t i = 0; i < w->tracks.paths.n && n > 0; i++) {
		if (!track_is_whole(&w->tracks.v[i], from_key))
			continue;
		code_put(b, i);
		put_path(w, b, i, from_key ? w->key_tracks : w->known_tracks);
		put_contents(b, &w->tracks.v[i]);
		n--;
	}
}

/* Appends the changes of the numbers of all other tracks. */
static void
put_numbers(struct tape_writer *w, struct buf *b, bool from_key)
{
	struct deltas d = { .out = b };

	for (uint32_t i = 0; i < w->tracks.paths.n; i++) {
		struct track *t = &w->tracks.v[i];
		const uint64_t *base = from_key ? t->keyed : t->written;
		size_t n = track_is_whole(t, from_key) ? 0 : track_numbers(t);
		if (!from_key && !t->changed) {
			deltas_skip(&d, n);
			continue;
		}
		for (size_t k = 0; k < n; k++)
			deltas_put(&d, base[k], t->now.values[k]);
		track_written(t);
	}
}

/* Appends the times, each as its difference from the expected time. */
static void
put_times(struct tape_writer *w, struct buf *b, const struct sample *m, bool from_key)
{
	const struct tape_segment *s = &w->segment;
	struct sample before =
	    from_key ? (struct sample){ .mono_ns = s->mono_ns, .real_ns = s->real_ns } : w->last;
	int64_t span_ns = m->mono_ns - before.mono_ns;

	if (from_key)
		code_put(b, w->samples - s->samples);
	code_put_signed(b, from_key ? span_ns : span_ns - w->step_ns);
	code_put_signed(b, (m->real_ns - m->mono_ns) - (before.real_ns - before.mono_ns));
	w->step_ns = from_key ? 0 : span_ns;
	w->last = *m;
}

/* Appends the record of a sample, with changes since the key frame or since the previous record. */
static void
tape_put_sample(struct tape_writer *w, const struct sample *m, bool from_key)
{
	size_t start = tape_begin_record(&w->out);

	put_times(w, &w->out, m, from_key);
	put_whole(w, &w->out, from_key);
	put_numbers(w, &w->out, from_key);
	tape_end_record(&w->out, start, w->seed,
	    TAPE_SAMPLE | (m->kind == SAMPLE_TICK ? TAPE_IS_TICK : 0) |
		(from_key ? TAPE_FROM_KEY : 0));
	w->in_group = from_key ? 1 : w->in_group + 1;
	w->known_tracks = w->tracks.paths.n;
}

/* Appends room for the header of a segment that begins with this sample, twice. */
static void
tape_put_start(struct tape_writer *w, const struct sample *m)
{
	struct tape_segment *s = &w->segment;

	s->samples = w->samples;
	s->mono_ns = m->mono_ns;
	s->real_ns = m->real_ns;
	s->boot_ns = m->boot_ns;
	w->seed = tape_seed(s);
	buf_room(&w->out, 2 * TAPE_HEADER);
	w->out.n += 2 * TAPE_HEADER;
}

/* Fills it in, when the place of the segment is known. */
static void
tape_fill_header(struct tape_writer *w, size_t at, uint64_t cleared)
{
	unsigned char *header = (unsigned char *)w->out.s + at;

	w->segment.oldest = w->segment.ring && w->oldest ? w->oldest(w, cleared) : 1;
	tape_put_header(&w->segment, header);
	memcpy(header + TAPE_HEADER, header, TAPE_HEADER);
}

/* Appends the key frame, twice. */
static int
tape_put_key(struct tape_writer *w)
{
	struct buf *b = &w->out;
	size_t start = tape_begin_record(b);

	code_put(b, w->tracks.paths.n);
	for (uint32_t i = 0; i < w->tracks.paths.n; i++) {
		put_path(w, b, i, 0);
		put_contents(b, &w->tracks.v[i]);
		track_keyed(&w->tracks.v[i]);
	}
	w->key_tracks = w->tracks.paths.n;
	w->key_bytes = b->n - start;
	if (w->key_bytes - TAPE_HEAD > TAPE_RECORD_MOST || w->key_tracks > TAPE_TRACKS_MOST ||
	    (w->segment.ring && tape_writer_least_ring(w) > w->segment.ring))
		return fail_with(EMSGSIZE);
	tape_end_record(b, start, w->seed, TAPE_KEY);
	char *copy = buf_room(b, w->key_bytes); /* first, as it may move the bytes */
	memcpy(copy, b->s + start, w->key_bytes);
	b->n += w->key_bytes;
	return 0;
}

/* ---- Places of segments and records in the file */

static const int64_t SLEPT_NS = 100000000;

enum { SEGMENT_LEAST = 64 << 10, SEGMENT_GROWING = 256 << 10, RING_PARTS = 256 };

void
tape_writer_begin(
    struct tape_writer *w, int fd, bool stream, const struct tape_segment *from, uint64_t at)
{
	*w = (struct tape_writer){
		.fd = fd, .stream = stream, .at = at, .samples = from->samples, .segment = *from
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

/* The size of a segment: small, so that a ring loses little at a time, but large enough that key
 * frames are a small part. */
static uint64_t
segment_room(const struct tape_writer *w)
{
	uint64_t ring = w->segment.ring, some = 8 * (uint64_t)w->key_bytes,
		 room = ring ? ring / RING_PARTS : SEGMENT_GROWING;

	room = room > SEGMENT_LEAST ? room : SEGMENT_LEAST;
	room = room > some ? room : some;
	return ring && room > ring / 4 ? ring / 4 : room;
}

/* Erases the headers of older segments from `from` to the end of the ring, where this round has no
 * segment: their order would be wrong. */
static int
clear_to_end(struct tape_writer *w, uint64_t from)
{
	static const char nothing[2 * TAPE_HEADER];

	for (; from + TAPE_BLOCK <= w->segment.ring; from += TAPE_BLOCK)
		if (pwrite(w->fd, nothing, sizeof nothing, (off_t)from) < 0)
			return -1;
	return 0;
}

/* Finds the place of the next segment, which never crosses the end of the ring. Headers from
 * *cleared on are erased. */
static int
find_place(struct tape_writer *w, bool first, uint64_t *cleared)
{
	uint64_t start = first ? w->at : tape_block_up(w->at + TAPE_END);

	*cleared = UINT64_MAX;
	if (w->segment.ring && start + w->room > w->segment.ring) {
		if (clear_to_end(w, start) < 0)
			return -1;
		*cleared = start;
		start = 0;
	}
	w->start = start;
	return 0;
}

/* Writes w->out at `at`. */
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
			/* another program made the file non-blocking */
			poll(&(struct pollfd){ w->fd, POLLOUT, 0 }, 1, 1000);
			continue;
		}
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

/* Appends the end of the segment, at that place. If it overwrites one copy of an older segment's
 * header, it must erase the other copy, too. */
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
put_segment(struct tape_writer *w, const struct sample *m)
{
	bool first = w->run_samples == 0;
	uint64_t cleared;

	tracks_drop_dead(&w->tracks, w->segment_turn, w->turn);
	w->out.n = 0;
	pad_stream(w, first);
	size_t padding = w->out.n;
	tape_put_start(w, m);
	if (tape_put_key(w) < 0)
		return -1;
	w->room = segment_room(w);
	if (find_place(w, first, &cleared) < 0)
		return -1;
	tape_fill_header(w, padding, cleared);
	tape_put_sample(w, m, true);
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
begin_segment(struct tape_writer *w, const struct sample *m)
{
	w->segment.sequence++;
	w->begun = put_segment(w, m) == 0;
	if (!w->begun) /* not written */
		w->segment.sequence--;
	return w->begun ? 0 : -1;
}

/* Whether the machine was suspended since the segment began: only a header says for how long. */
static bool
has_slept(const struct tape_writer *w, const struct sample *m)
{
	return (m->boot_ns - m->mono_ns) - (w->segment.boot_ns - w->segment.mono_ns) > SLEPT_NS;
}

/* Whether the clock was set since the segment began: a reader finds times by the headers alone. */
static bool
clock_was_set(const struct tape_writer *w, const struct sample *m)
{
	int64_t stray_ns = (m->real_ns - m->mono_ns) - (w->segment.real_ns - w->segment.mono_ns);

	return stray_ns > TAPE_STRAY_NS || stray_ns < -TAPE_STRAY_NS;
}

/* A record with changes since the key frame repeats the full text of all files that came after it, such
 * as those of new processes. It waits until the other records are as large, but not for long. */
static bool
is_group_full(const struct tape_writer *w)
{
	return w->in_group >= TAPE_GROUP &&
	    (w->group_bytes >= w->from_key_bytes || w->in_group >= 8 * TAPE_GROUP);
}

/* Appends a record to the segment. Returns 1; 0 if the segment is full, or has changed so much
 * since its key frame that a new one is better; -1 with errno. */
static int
append(struct tape_writer *w, const struct sample *m)
{
	bool from_key = is_group_full(w);

	if (has_slept(w, m) || clock_was_set(w, m))
		return 0;
	w->out.n = 0;
	tape_put_sample(w, m, from_key);
	size_t n = w->out.n;
	bool strayed = from_key && n > TAPE_BLOCK && n > w->key_bytes / 2;
	if (w->at + n + TAPE_CLOSING > w->start + w->room || n - TAPE_HEAD > TAPE_RECORD_MOST ||
	    strayed)
		return 0;
	if (!w->stream)
		put_end(w, w->at + n);
	if (write_out(w, w->at) < 0)
		return -1;
	w->at += n;
	w->from_key_bytes = from_key ? n : w->from_key_bytes;
	w->group_bytes = from_key ? 0 : w->group_bytes + n;
	return 1;
}

int
tape_writer_sample(struct tape_writer *w, const struct sample *m)
{
	int done = w->begun ? append(w, m) : 0;

	if (done == 0)
		done = begin_segment(w, m);
	w->turn++;
	if (done < 0) { /* the next sample begins a segment at the same place */
		w->begun = false;
		return -1;
	}
	w->samples++;
	w->run_samples++;
	return 0;
}

int
tape_writer_close(struct tape_writer *w)
{
	if (!w->begun)
		return 0;
	w->out.n = 0;
	size_t start = tape_begin_record(&w->out);
	code_put(&w->out, w->samples - w->segment.samples);
	tape_end_record(&w->out, start, w->seed, TAPE_CLOSED);
	size_t n = w->out.n;
	put_end(w, w->at + n);
	if (write_out(w, w->at) < 0)
		return -1;
	w->at += n;
	w->begun = false;
	return 0;
}

double
tape_writer_rate(const struct tape_writer *w)
{
	double begin = 2.0 * TAPE_HEADER + 2.0 * (double)w->key_bytes;
	double in_segment = (double)(w->at - w->start) - begin;
	uint64_t samples = w->samples - w->segment.samples;

	if (!w->begun || samples <= TAPE_GROUP)
		return NAN;
	double each = in_segment / (double)samples;
	return each / (1 - begin / (double)w->room);
}

void
tape_writer_end(struct tape_writer *w)
{
	tracks_free(&w->tracks);
	buf_free(&w->out);
}
