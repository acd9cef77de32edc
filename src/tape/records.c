#include "tape/records.h"

#include <errno.h>
#include <string.h>

#include "tape/codec.h"

/* Of a track that the reader has heard of it knows the path. */
static void
put_path(struct tape_writer *w, struct buf *b, uint32_t i, uint32_t known)
{
	if (i >= known)
		code_put_text(b, text_of(paths_at(&w->tracks.paths, i)));
}

static void
put_contents(struct buf *b, const struct track *t)
{
	code_put(b, (uint64_t)t->error);
	if (!t->error)
		code_put_text(b, (struct text){ t->now.text.s, t->now.text.n });
}

/* The tracks that are written as a whole: how many, and of each the number and the contents, and
 * the path of a new one. */
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

/* By how much the numbers of all others have changed. */
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

/* The times are told by how far they are from what was to be expected. */
static void
put_times(struct tape_writer *w, struct buf *b, const struct moment *m, bool from_key)
{
	const struct tape_segment *s = &w->segment;
	struct moment before =
	    from_key ? (struct moment){ .mono_ns = s->mono_ns, .real_ns = s->real_ns } : w->last;
	int64_t span_ns = m->mono_ns - before.mono_ns;

	if (from_key)
		code_put(b, w->moments - s->moments);
	code_put_signed(b, from_key ? span_ns : span_ns - w->step_ns);
	code_put_signed(b, (m->real_ns - m->mono_ns) - (before.real_ns - before.mono_ns));
	w->step_ns = from_key ? 0 : span_ns;
	w->last = *m;
}

void
tape_put_moment(struct tape_writer *w, const struct moment *m, bool from_key)
{
	size_t start = tape_begin_record(&w->out);

	put_times(w, &w->out, m, from_key);
	put_whole(w, &w->out, from_key);
	put_numbers(w, &w->out, from_key);
	tape_end_record(&w->out, start, w->seed,
	    TAPE_MOMENT | (m->kind == MOMENT_TICK ? TAPE_IS_TICK : 0) |
		(from_key ? TAPE_FROM_KEY : 0));
	w->in_group = from_key ? 1 : w->in_group + 1;
	w->known_tracks = w->tracks.paths.n;
}

void
tape_put_start(struct tape_writer *w, const struct moment *m)
{
	struct tape_segment *s = &w->segment;
	unsigned char header[TAPE_HEADER];

	s->moments = w->moments;
	s->mono_ns = m->mono_ns;
	s->real_ns = m->real_ns;
	s->boot_ns = m->boot_ns;
	w->seed = tape_seed(s);
	tape_put_header(s, header);
	for (int copy = 0; copy < 2; copy++)
		buf_add(&w->out, (char *)header, sizeof header);
}

/* The key frame, twice. */
int
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
	    (w->segment.ring && tape_writer_least_ring(w) > w->segment.ring)) {
		errno = EMSGSIZE;
		return -1;
	}
	tape_end_record(b, start, w->seed, TAPE_KEY);
	char *copy = buf_room(b, w->key_bytes); /* first: it may move the bytes */
	memcpy(copy, b->s + start, w->key_bytes);
	b->n += w->key_bytes;
	return 0;
}
