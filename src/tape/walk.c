#include "tape/walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 64 << 10 };

/* Of a pipe it is not known what comes behind a segment; but a ring has to be seen whole, as its
 * oldest segment is somewhere in the middle. */
static int
begin_pipe(struct tape_reader *r)
{
	struct tape_segment first;
	int found = tape_index_look(&r->index, &r->source, 0, &first);

	if (found <= 0)
		return found;
	r->in_order = first.ring == 0;
	if (r->in_order)
		return 1;
	while (!r->source.ended && source_size(&r->source) < first.ring)
		if (!source_at(&r->source, source_size(&r->source), 1) && errno)
			return -1;
	return tape_index_scan(&r->index, &r->source) < 0 ? -1 : 1;
}

static void
begin(struct tape_reader *r, int fd, bool pipe)
{
	*r = (struct tape_reader){ .source = { .fd = fd, .pipe = pipe, .piece = PIECE },
		.settled = true,
		.from_ns = INT64_MIN,
		.to_ns = INT64_MAX };
}

void
tape_reader_begin_at(struct tape_reader *r, int fd, const struct tape_index *index)
{
	begin(r, fd, false);
	r->index = *index;
}

int
tape_reader_begin(struct tape_reader *r, int fd, bool pipe)
{
	begin(r, fd, pipe);
	int found = pipe ? begin_pipe(r) : tape_index_scan(&r->index, &r->source);

	if (found < 0)
		return -1;
	r->lost.places = r->index.damaged;
	r->lost.later = r->index.later && r->index.n > 0;
	if (r->in_order || r->index.n > 0)
		return 0;
	errno = r->index.later ? ENOTSUP : source_size(&r->source) == 0 ? ENODATA : EINVAL;
	return -1;
}

/* Whether all of a segment lies before a time. The clock may be set between two segments: how long
 * the first one lasts at most, the monotonic clock tells; it starts anew with a boot, and then
 * nothing is known. */
static bool
ends_before(const struct tape_reader *r, size_t i, int64_t real_ns)
{
	if (i + 1 >= r->index.n)
		return false;
	const struct tape_segment *s = &r->index.v[i].segment, *next = &r->index.v[i + 1].segment;
	if (memcmp(s->boot_id, next->boot_id, sizeof s->boot_id) != 0 || next->mono_ns < s->mono_ns)
		return false;
	return s->real_ns + (next->mono_ns - s->mono_ns) + TAPE_STRAY_NS < real_ns;
}

void
tape_reader_seek(struct tape_reader *r, int64_t real_ns)
{
	r->next = 0;
	r->from_ns = real_ns;
}

void
tape_reader_seek_mono(struct tape_reader *r, const unsigned char boot_id[16], int64_t mono_ns)
{
	tape_reader_rewind(r);
	for (size_t i = 0; i < r->index.n; i++) {
		const struct tape_segment *s = &r->index.v[i].segment;
		if (memcmp(s->boot_id, boot_id, sizeof s->boot_id) != 0 || s->mono_ns <= mono_ns)
			r->next = i;
	}
}

void
tape_reader_rewind(struct tape_reader *r)
{
	r->next = 0;
	r->from_ns = INT64_MIN;
	r->segment = (struct tape_segment){ 0 };
	r->open = r->booted = false;
	r->settled = true;
	r->lost = (struct tape_losses){ .places = r->index.damaged, .later = r->lost.later };
}

/* Counts what was lost of the segment that was read last, which should have had so many moments. */
static void
settle(struct tape_reader *r, uint64_t moments, bool newest)
{
	if (r->settled)
		return;
	bool missing = moments > r->given;
	r->lost.moments += missing ? moments - r->given : 0;
	r->lost.places += r->garbage && (missing || newest);
	r->lost.torn |= r->garbage && newest;
	r->settled = true;
}

static void
open_segment(
    struct tape_reader *r, uint64_t at, uint64_t limit, const struct tape_segment *s, bool behind)
{
	settle(r,
	    behind && s->moments >= r->segment.moments ? s->moments - r->segment.moments :
							 r->position,
	    false);
	r->segment = *s;
	r->seed = tape_seed(s);
	r->start = at;
	r->at = at + 2 * TAPE_HEADER;
	r->limit = limit;
	r->position = r->given = 0;
	r->effort = WALK_EFFORT;
	r->keyed = r->linked = r->garbage = r->settled = false;
	r->open = true;
}

/* Of a pipe, at the next block that has one. */
static int
next_in_order(struct tape_reader *r)
{
	struct tape_segment s;
	uint64_t at = r->segment.sequence ? tape_block_up(r->at) : 0;
	int found;

	for (;; at += TAPE_BLOCK) {
		source_pass(&r->source, at);
		if (!source_at(&r->source, at, 1))
			return errno ? -1 : 0;
		found = tape_index_look(&r->index, &r->source, at, &s);
		if (found != 0)
			break;
	}
	if (found > 0)
		open_segment(r, at, UINT64_MAX, &s, r->segment.sequence != 0);
	return found;
}

static int
next_in_file(struct tape_reader *r)
{
	struct tape_segment s;
	bool behind = r->segment.sequence != 0;

	for (; r->next < r->index.n; r->next++) {
		const struct tape_place *p = &r->index.v[r->next];
		bool later = p->segment.real_ns - TAPE_STRAY_NS > r->to_ns;
		if (later || ends_before(r, r->next, r->from_ns)) {
			behind = false;
			continue;
		}
		int found = tape_index_look(&(struct tape_index){ 0 }, &r->source, p->at, &s);
		if (found < 0)
			return -1;
		if (found > 0 && s.sequence == p->segment.sequence && s.run == p->segment.run) {
			r->next++;
			open_segment(
			    r, p->at, r->next == r->index.n ? UINT64_MAX : p->limit, &s, behind);
			return 1;
		}
		r->lost.overwritten++;
		behind = false;
	}
	return 0;
}

int
walk_on(struct tape_reader *r)
{
	int found = r->in_order ? next_in_order(r) : next_in_file(r);

	if (found == 0)
		settle(r, r->position, true);
	return found;
}

/* What comes behind the newest segment begins at the next block, or at the start of a ring. */
int
tape_reader_again(struct tape_reader *r)
{
	const uint64_t places[] = { tape_block_up(r->at + TAPE_END), 0 };
	struct tape_index none = { 0 };
	struct tape_segment s;
	int found;

	source_forget(&r->source);
	if (!r->segment.sequence) /* nothing was read yet */
		return 0;
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		found = tape_index_look(&none, &r->source, places[i], &s);
		if (found < 0)
			return -1;
		if (found > 0 && s.sequence == r->segment.sequence + 1) {
			tape_index_add(&r->index, places[i], &s);
			return 0;
		}
	}
	found = tape_index_look(&none, &r->source, r->start, &s);
	if (found < 0 || (found > 0 && s.sequence == r->segment.sequence))
		return found < 0 ? -1 : 0;
	if (tape_index_scan(&r->index, &r->source) < 0) /* the ring has gone round meanwhile */
		return -1;
	for (r->next = 0;
	     r->next < r->index.n && r->index.v[r->next].segment.sequence <= r->segment.sequence;)
		r->next++;
	settle(r, r->position, false);
	r->open = false;
	if (r->next < r->index.n) /* those between are not damaged, but gone */
		r->lost.overwritten +=
		    r->index.v[r->next].segment.sequence - r->segment.sequence - 1;
	return 0;
}

int
tape_reader_span(struct tape_reader *r, int64_t *first_ns, int64_t *last_ns)
{
	struct moment m;
	int got;

	if (r->in_order) {
		errno = ESPIPE;
		return -1;
	}
	*first_ns = r->index.v[0].segment.real_ns;
	*last_ns = r->index.v[r->index.n - 1].segment.real_ns;
	r->next = r->index.n - 1;
	while ((got = tape_reader_next(r, &m)) > 0)
		*last_ns = m.real_ns;
	tape_reader_rewind(r);
	return got;
}

bool
tape_window_has(struct tape_window *w, const struct moment *m)
{
	int64_t spacing_ns = w->given ? m->mono_ns - w->given_ns : 0;

	if (m->real_ns < w->from_ns || m->real_ns - spacing_ns / 2 > w->to_ns)
		return false;
	w->given = true;
	w->given_ns = m->mono_ns;
	return true;
}

bool
tape_losses_text(const struct tape_losses *l, char *out, size_t n)
{
	int at = 0;

	if (l->moments || l->places)
		at = snprintf(out, n, "damaged in %llu place%s", (unsigned long long)l->places,
		    l->places == 1 ? "" : "s");
	if (at > 0 && (l->moments || !l->torn))
		at += snprintf(out + at, n - (size_t)at, ": %llu moment%s lost",
		    (unsigned long long)l->moments, l->moments == 1 ? " is" : "s are");
	if (at > 0 && l->torn)
		at += snprintf(out + at, n - (size_t)at, "; it ends in what is no record");
	if (l->overwritten)
		at += snprintf(out + at, n - (size_t)at,
		    "%s%llu segment%s overwritten by the recorder before being read",
		    at ? "; " : "", (unsigned long long)l->overwritten,
		    l->overwritten == 1 ? " was" : "s were");
	if (l->later)
		at += snprintf(out + at, n - (size_t)at,
		    "%sa part of it is of a later version of pq, and was not read", at ? "; " : "");
	return at > 0;
}
