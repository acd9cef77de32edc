/* The records of a segment, and what to do behind damage; tape_walk.c goes from one segment to the
 * next. */
#include <errno.h>
#include <string.h>

#include "tape/walk.h"

enum { FOUND_MOST = 256 << 10 };

/* Whether a record is at that place: 1 with its type and payload, 0 no, 2 the end of the segment,
 * -1 with errno. */
static int
record_at(struct tape_reader *r, uint64_t at, size_t most, unsigned *type, struct text *payload)
{
	static const unsigned char end[TAPE_HEAD];
	const unsigned char *p =
	    r->limit - at < TAPE_HEAD ? (errno = 0, NULL) : source_at(&r->source, at, TAPE_HEAD);
	uint32_t crc;
	size_t n;

	if (!p)
		return errno ? -1 : 0;
	if (memcmp(p, end, sizeof end) == 0)
		return 2;
	if (tape_get_head(p, type, &n, &crc) < 0 || n > most || n > r->limit - at - TAPE_HEAD)
		return 0;
	p = source_at(&r->source, at, TAPE_HEAD + n);
	if (!p)
		return errno ? -1 : 0;
	if (tape_crc(r->seed, p, p + TAPE_HEAD, n) != crc) {
		r->effort -= n < r->effort ? n : r->effort;
		return 0;
	}
	*payload = (struct text){ (const char *)p + TAPE_HEAD, n };
	return 1;
}

/* Behind damage: the place of the next record, or 0 when there is none in this segment; -1 with
 * errno. */
static int
find_record(struct tape_reader *r)
{
	struct text payload;
	unsigned type;
	uint64_t at = r->at + 1, most = r->at + WALK_EFFORT;

	for (; at < most && at < r->limit && r->effort > 0; at++) {
		int got = record_at(r, at, FOUND_MOST, &type, &payload);
		if (got < 0)
			return -1;
		if (got == 0 && !source_at(&r->source, at, TAPE_HEAD))
			return errno ? -1 : 0;
		if (got == 1) {
			r->at = at;
			r->lost.places++;
			return 1;
		}
	}
	return 0;
}

/* Goes to the next record: 2; 0 there is none in this segment, -1 with errno. Where the writer is
 * at work, what is no record may be half of one; but when there is another one behind it, it is
 * whole by then. */
static int
pass_damage(struct tape_reader *r)
{
	bool growing = r->follow && r->next == r->index.n;
	uint64_t at = r->at, effort = r->effort;
	struct text payload;
	unsigned type;
	int got = find_record(r);

	if (got == 0 && growing) {
		r->effort = effort;
		return 0;
	}
	if (got == 1 && growing) {
		source_forget(&r->source);
		if (record_at(r, at, TAPE_RECORD_MOST, &type, &payload) == 1) {
			r->at = at;
			r->lost.places--;
			return 2;
		}
	}
	r->linked = false;
	r->garbage |= got == 0;
	return got == 1 ? 2 : got;
}

/* The clocks of a moment, told by how far they are from what was to be expected. */
static bool
take_times(struct tape_reader *r, struct text *rest, bool from_key, struct moment *m)
{
	const struct tape_segment *s = &r->segment;
	uint64_t mono = (uint64_t)(from_key ? s->mono_ns : r->last.mono_ns),
		 real = (uint64_t)(from_key ? s->real_ns : r->last.real_ns);
	uint64_t before = mono;
	int64_t beyond, drift;

	if (!code_get_signed(rest, &beyond) || !code_get_signed(rest, &drift))
		return false;
	real -= mono;
	mono += (uint64_t)beyond + (from_key ? 0 : (uint64_t)r->step_ns);
	real += mono + (uint64_t)drift;
	if (mono > INT64_MAX / 8 || real > INT64_MAX / 2)
		return false;
	m->mono_ns = (int64_t)mono;
	m->real_ns = (int64_t)real;
	m->boot_ns = (int64_t)((uint64_t)s->boot_ns + mono - (uint64_t)s->mono_ns);
	r->step_ns = from_key ? 0 : (int64_t)(mono - before);
	return true;
}

/* A record of a moment: whether it could be understood. */
static bool
take_moment(struct tape_reader *r, unsigned type, struct text payload, struct moment *m)
{
	bool from_key = type & TAPE_FROM_KEY;
	uint64_t number = r->position;

	if (from_key && (!code_get(&payload, &number) || number > UINT32_MAX))
		return false;
	r->position = number + 1;
	if (from_key ? !r->keyed : !r->linked)
		return false;
	*m = (struct moment){ .kind = type & TAPE_IS_TICK ? MOMENT_TICK : MOMENT_ROW };
	if (!take_times(r, &payload, from_key, m) ||
	    playback_moment(&r->tracks, payload, from_key) < 0)
		return false;
	m->restarted = r->booted && memcmp(r->boot_id, r->segment.boot_id, sizeof r->boot_id) != 0;
	memcpy(r->boot_id, r->segment.boot_id, sizeof r->boot_id);
	r->booted = true;
	r->last = *m;
	r->given++;
	return true;
}

/* The next record of the segment: 1 a moment, 2 something else, 0 the segment is over, -1 with
 * errno. */
static int
next_record(struct tape_reader *r, struct moment *m)
{
	struct text payload = { NULL, 0 };
	unsigned type = 0;
	int got = record_at(r, r->at, TAPE_RECORD_MOST, &type, &payload);

	if (got < 0 || got == 2)
		return got == 2 ? 0 : -1;
	if (got == 0 && r->source.pipe && !source_at(&r->source, r->at, 1))
		return errno ? -1 : 0; /* whoever wrote into it was stopped */
	if (got == 0)
		return pass_damage(r);
	r->at += TAPE_HEAD + payload.n;
	if (type != TAPE_KEY) {
		r->linked = take_moment(r, type, payload, m);
		return r->linked ? 1 : 2;
	}
	if (!r->keyed)
		r->keyed = playback_key(&r->tracks, payload) == 0;
	return 2;
}

int
tape_reader_next(struct tape_reader *r, struct moment *m)
{
	for (;;) {
		int got = r->open ? 1 : walk_on(r);
		if (got <= 0)
			return got;
		got = next_record(r, m);
		if (got == 1 || got < 0)
			return got;
		if (got == 2)
			continue;
		if (r->follow && r->next == r->index.n)
			return 0;
		r->open = false;
	}
}

void
tape_reader_free(struct tape_reader *r)
{
	playback_free(&r->tracks);
	tape_index_free(&r->index);
	source_free(&r->source);
}
