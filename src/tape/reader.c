#include "tape/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/code.h"
#include "base/fail.h"

/* ---- Segments */

/* How many bytes of a segment are searched for records after damage: it bounds the cost of a
 * hostile recording. */
enum { WALK_EFFORT = 4 << 20 };

static int
look_at_header(struct tape_index *x, const unsigned char *p, struct tape_segment *out)
{
	int result = tape_get_header(p, out);

	x->later |= result < 0 && errno == ENOTSUP;
	x->older |= result < 0 && errno == EPROTONOSUPPORT;
	return result;
}

/* Reads the header of a segment at a block, either copy. Returns 1; 0 if there is none; -1 with
 * errno. */
static int
tape_index_look(struct tape_index *x, struct source *s, uint64_t at, struct tape_segment *out)
{
	const unsigned char *p = source_at(s, at, 2 * TAPE_HEADER);
	struct tape_segment copy;

	if (!p)
		return errno ? -1 : 0;
	int first = look_at_header(x, p, out), second = look_at_header(x, p + TAPE_HEADER, &copy);
	if (first < 0 && second == 0)
		*out = copy;
	x->damaged += (first < 0) != (second < 0);
	return first == 0 || second == 0;
}

static bool
is_same_boot(const struct tape_segment *a, const struct tape_segment *b)
{
	return memcmp(a->boot_id, b->boot_id, sizeof a->boot_id) == 0;
}

/* Numbers the boot of a segment by that of the one before. */
static void
number_boot(struct tape_index *x, size_t i)
{
	const struct tape_place *before = i > 0 ? &x->v[i - 1] : NULL;

	x->v[i].boot = !before                               ? 0 :
	    is_same_boot(&before->segment, &x->v[i].segment) ? before->boot :
							       before->boot + 1;
}

void
tape_index_add(struct tape_index *x, uint64_t at, const struct tape_segment *segment)
{
	x->v = xgrow(x->v, x->n, &x->room, sizeof *x->v);
	x->v[x->n++] = (struct tape_place){ at, UINT64_MAX, *segment, 0 };
	number_boot(x, x->n - 1);
}

static int
by_sequence(const void *a, const void *b)
{
	const struct tape_place *x = a, *y = b;

	if (x->segment.sequence != y->segment.sequence)
		return x->segment.sequence < y->segment.sequence ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

/* Finds all segments of a file. Returns 0, or -1 with errno. */
static int
tape_index_scan(struct tape_index *x, struct source *s)
{
	uint64_t size = source_size(s);
	size_t piece = s->piece;
	int found = 0;

	x->n = x->damaged = 0;
	source_forget(s);
	s->piece = 2 * TAPE_HEADER; /* all that it needs of a block */
	for (uint64_t at = 0; at + 2 * TAPE_HEADER <= size && found >= 0; at += TAPE_BLOCK) {
		struct tape_segment segment;
		found = tape_index_look(x, s, at, &segment);
		if (found > 0)
			tape_index_add(x, at, &segment);
	}
	s->piece = piece;
	source_forget(s);
	for (size_t i = 0; i < x->n; i++)
		x->v[i].limit = i + 1 < x->n ? x->v[i + 1].at : size;
	if (x->n > 1)
		qsort(x->v, x->n, sizeof *x->v, by_sequence);
	for (size_t i = 0; i < x->n; i++)
		number_boot(x, i);
	return found < 0 ? -1 : 0;
}

void
tape_index_free(struct tape_index *x)
{
	free(x->v);
	*x = (struct tape_index){ 0 };
}

enum { PIECE = 64 << 10 };

/* Notes which segments must be in the recording, but were not found before its first one. Without a
 * ring it begins with segment 1; of a ring, the newest segment knows the oldest one. */
static void
note_missing(
    struct tape_reader *r, const struct tape_segment *first, const struct tape_segment *newest)
{
	uint64_t oldest = first->ring ? newest->oldest : 1;

	if (oldest == 0 || first->sequence <= oldest || r->live)
		return;
	r->lost.segments = first->sequence - oldest;
	r->lost.samples += first->ring ? 0 : first->samples;
}

/* Notes what is missing of a file that was opened, and of a ring that was read from a pipe. */
static void
note_losses(struct tape_reader *r)
{
	const struct tape_index *x = &r->index;

	r->lost.places = x->damaged;
	if (x->n > 0) {
		const struct tape_segment *newest = &x->v[x->n - 1].segment;
		uint64_t size = source_size(&r->source);
		note_missing(r, &x->v[0].segment, newest);
		r->lost.ring = newest->ring;
		r->lost.bytes = newest->ring > size ? newest->ring - size : 0;
		r->lost.later = x->later;
		r->lost.older = x->older;
	}
	r->at_start = r->lost;
}

/* Whether another process writes the file: it holds a lock on it. */
static bool
is_written(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
}

/* A pipe is read in order, but a ring from a pipe must be read to its end first: its oldest segment
 * is somewhere in the middle. */
static int
begin_pipe(struct tape_reader *r)
{
	struct tape_segment first;
	int found = tape_index_look(&r->index, &r->source, 0, &first);

	if (found <= 0)
		return found;
	r->in_order = first.ring == 0;
	if (r->in_order) {
		note_missing(r, &first, &first);
		return 1;
	}
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
		.wanted = SPAN_ALL };
}

void
tape_reader_begin_at(struct tape_reader *r, int fd, const struct tape_index *index)
{
	begin(r, fd, false);
	r->index = *index;
	r->live = true;
}

int
tape_reader_begin(struct tape_reader *r, int fd, bool pipe)
{
	struct stat st;

	begin(r, fd, pipe);
	r->live = !pipe && is_written(fd);
	r->named = fstat(fd, &st) == 0 && st.st_nlink > 0;
	int found = pipe ? begin_pipe(r) : tape_index_scan(&r->index, &r->source);

	if (found < 0)
		return -1;
	note_losses(r);
	if (r->in_order || r->index.n > 0)
		return 0;
	errno = r->index.later           ? ENOTSUP :
	    r->index.older               ? EPROTONOSUPPORT :
	    source_size(&r->source) == 0 ? ENODATA :
					   EINVAL;
	return -1;
}

/* Whether a segment ends before a time. The clock may be set between two segments, so the monotonic
 * clock tells how long the first one can last. After a reboot nothing is known. */
static bool
ends_before(const struct tape_reader *r, size_t i, int64_t real_ns)
{
	if (i + 1 >= r->index.n)
		return false;
	const struct tape_segment *s = &r->index.v[i].segment, *next = &r->index.v[i + 1].segment;
	if (!is_same_boot(s, next) || next->mono_ns < s->mono_ns)
		return false;
	return s->real_ns + (next->mono_ns - s->mono_ns) + TAPE_STRAY_NS < real_ns;
}

void
tape_reader_seek(struct tape_reader *r, int64_t real_ns)
{
	r->next = 0;
	r->wanted.from_ns = real_ns;
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
tape_reader_skip(struct tape_reader *r, const struct sample *to)
{
	const struct tape_index *x = &r->index;

	while (r->next + 1 < x->n) {
		const struct tape_place *next = &x->v[r->next + 1];
		if (next->boot > to->boot ||
		    (next->boot == to->boot && next->segment.mono_ns > to->mono_ns))
			return;
		r->next++;
	}
}

void
tape_reader_rewind(struct tape_reader *r)
{
	r->next = 0;
	r->wanted.from_ns = INT64_MIN;
	r->segment = (struct tape_segment){ 0 };
	r->open = r->booted = false;
	r->boot = 0;
	r->settled = true;
	r->lost = r->at_start;
}

static bool
is_newest(const struct tape_reader *r)
{
	return r->in_order || r->segment.sequence == r->index.v[r->index.n - 1].segment.sequence;
}

/* Notes what is behind the closing record: another file was appended. */
static void
note_bytes_behind(struct tape_reader *r)
{
	uint64_t end = r->at + TAPE_END, size = source_size(&r->source);

	r->lost.behind = size > end && !is_written(r->source.fd) ? size - end : 0;
}

/* Counts the lost samples of the previous segment, which should have had `samples`. */
static void
settle(struct tape_reader *r, uint64_t samples, bool newest)
{
	if (r->settled)
		return;
	bool missing = samples > r->given;
	r->lost.samples += missing ? samples - r->given : 0;
	r->lost.places += r->garbage && (missing || newest);
	r->lost.torn |= r->garbage && newest;
	r->lost.unclosed |=
	    newest && !r->closed && !r->live && is_newest(r) && r->segment.version >= TAPE_CLOSES;
	if (newest && r->closed && !r->source.pipe && !r->segment.ring && is_newest(r))
		note_bytes_behind(r);
	r->settled = true;
}

static void
open_segment(
    struct tape_reader *r, uint64_t at, uint64_t limit, const struct tape_segment *s, bool adjacent)
{
	bool gap = adjacent && !r->settled && s->sequence > r->segment.sequence + 1;

	settle(r,
	    adjacent && s->samples >= r->segment.samples ? s->samples - r->segment.samples :
							   r->position,
	    false);
	r->lost.places += gap;
	r->segment = *s;
	r->seed = tape_seed(s);
	r->start = at;
	r->at = at + 2 * TAPE_HEADER;
	r->limit = limit;
	r->position = r->given = 0;
	r->effort = WALK_EFFORT;
	r->keyed = r->linked = r->garbage = r->closed = r->settled = false;
	r->open = true;
}

/* Opens the next segment of a pipe. */
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
	if (found > 0) {
		r->boot += r->segment.sequence != 0 && !is_same_boot(&r->segment, &s);
		open_segment(r, at, UINT64_MAX, &s, r->segment.sequence != 0);
	}
	return found;
}

/* Whether a segment after this one cannot be of the same recording: several were joined. */
static bool
is_foreign(const struct tape_reader *r, const struct tape_segment *s)
{
	if (!r->segment.sequence)
		return false;
	return s->sequence == r->segment.sequence ||
	    (r->booted && memcmp(r->boot_id, s->boot_id, sizeof s->boot_id) == 0 &&
		s->mono_ns < r->last.mono_ns);
}

static int
next_in_file(struct tape_reader *r)
{
	struct tape_segment s;
	bool adjacent = r->segment.sequence != 0;

	for (; r->next < r->index.n; r->next++) {
		const struct tape_place *p = &r->index.v[r->next];
		bool later = p->segment.real_ns - TAPE_STRAY_NS > r->wanted.to_ns;
		if (later || ends_before(r, r->next, r->wanted.from_ns)) {
			adjacent = false;
			continue;
		}
		if (is_foreign(r, &p->segment)) {
			r->lost.foreign++;
			continue;
		}
		int found = tape_index_look(&(struct tape_index){ 0 }, &r->source, p->at, &s);
		if (found < 0)
			return -1;
		if (found > 0 && s.sequence == p->segment.sequence && s.run == p->segment.run) {
			r->boot = p->boot;
			r->next++;
			open_segment(
			    r, p->at, r->next == r->index.n ? UINT64_MAX : p->limit, &s, adjacent);
			return 1;
		}
		r->lost.overwritten++;
		adjacent = false;
	}
	return 0;
}

/* Opens the next segment. Returns 1; 0 if there is none; -1 with errno. */
static int
walk_on(struct tape_reader *r)
{
	int found = r->in_order ? next_in_order(r) : next_in_file(r);

	if (found == 0)
		settle(r, r->position, true);
	return found;
}

/* Whether nobody can append to the file any more: it has no name, or it lost bytes. */
static bool
is_gone(const struct tape_reader *r)
{
	struct stat st;

	return fstat(r->source.fd, &st) == 0 &&
	    ((r->named && st.st_nlink == 0) || (uint64_t)st.st_size < r->at);
}

/* The next segment after the newest starts at the next block, or at the start of a ring. The closing
 * record that was between them may have reached into that block. */
int
tape_reader_again(struct tape_reader *r)
{
	const uint64_t next = tape_block_up(r->at + TAPE_END),
		       places[] = { next, next + TAPE_BLOCK, 0 };
	struct tape_index none = { 0 };
	struct tape_segment s;
	int found;

	source_forget(&r->source);
	if (is_gone(r)) {
		r->lost.gone = true;
		r->follow = false;
		return 0;
	}
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
	if (tape_index_scan(&r->index, &r->source) < 0) /* the ring has wrapped meanwhile */
		return -1;
	for (r->next = 0;
	     r->next < r->index.n && r->index.v[r->next].segment.sequence <= r->segment.sequence;)
		r->next++;
	settle(r, r->position, false);
	r->open = false;
	if (r->next < r->index.n) /* segments between were overwritten, not damaged */
		r->lost.overwritten +=
		    r->index.v[r->next].segment.sequence - r->segment.sequence - 1;
	return 0;
}

int
tape_reader_span(struct tape_reader *r, struct span *out)
{
	struct sample m;
	int got;

	if (r->in_order)
		return fail_with(ESPIPE);
	out->from_ns = r->index.v[0].segment.real_ns;
	out->to_ns = r->index.v[r->index.n - 1].segment.real_ns;
	r->next = r->index.n - 1;
	while ((got = tape_reader_next(r, &m)) > 0)
		out->to_ns = m.real_ns;
	tape_reader_rewind(r);
	return got;
}

bool
tape_window_has(struct tape_window *w, const struct sample *m)
{
	int64_t spacing_ns = w->given ? m->mono_ns - w->given_ns : 0;

	if (m->real_ns < w->times.from_ns || m->real_ns - spacing_ns / 2 > w->times.to_ns)
		return false;
	w->given = true;
	w->given_ns = m->mono_ns;
	return true;
}

/* ---- The records of a segment, and how reading resumes after damage */

enum { FOUND_MOST = 256 << 10 };

/* Checks for a record at that place. Returns 1 with its type and payload; 0 if there is none; 2 at
 * the end of the segment; -1 with errno. */
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

/* Finds the next record after damage, and sets r->at. Returns 1; 0 if there is none in this
 * segment; -1 with errno. */
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

/* Goes to the next record after damage. Returns 2; 0 if there is none in this segment; -1 with
 * errno. At the end of a recording that grows, the damage may be a record that is half written. But
 * if another record follows, it is complete by now. */
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

/* Takes the times of a sample. Each is written as its difference from the expected time. */
static bool
take_times(struct tape_reader *r, struct text *rest, bool from_key, struct sample *m)
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

/* Takes the record of a sample; false if it cannot be used. */
static bool
take_sample(struct tape_reader *r, unsigned type, struct text payload, struct sample *m)
{
	bool from_key = type & TAPE_FROM_KEY;
	uint64_t number = r->position;

	if (from_key && (!code_get(&payload, &number) || number > UINT32_MAX))
		return false;
	r->position = number + 1;
	if (from_key ? !r->keyed : !r->linked)
		return false;
	*m = (struct sample){ .kind = type & TAPE_IS_TICK ? SAMPLE_TICK : SAMPLE_ROW };
	if (!take_times(r, &payload, from_key, m) ||
	    playback_sample(&r->tracks, payload, from_key) < 0)
		return false;
	m->restarted = r->booted && memcmp(r->boot_id, r->segment.boot_id, sizeof r->boot_id) != 0;
	m->boot = r->boot;
	memcpy(r->boot_id, r->segment.boot_id, sizeof r->boot_id);
	r->booted = true;
	r->last = *m;
	r->given++;
	return true;
}

/* Takes a closing record: it has the number of samples of its segment. */
static void
take_close(struct tape_reader *r, struct text payload)
{
	uint64_t samples;

	if (!code_get(&payload, &samples) || payload.n > 0 || samples > UINT32_MAX)
		return;
	r->position = samples > r->position ? samples : r->position;
	r->closed = true;
}

/* Takes the next record of the segment. Returns 1 for a sample; 2 for another record; 0 at the end
 * of the segment; -1 with errno. */
static int
next_record(struct tape_reader *r, struct sample *m)
{
	struct text payload = { NULL, 0 };
	unsigned type = 0;
	int got = record_at(r, r->at, TAPE_RECORD_MOST, &type, &payload);

	if (got < 0 || got == 2)
		return got == 2 ? 0 : -1;
	if (got == 0 && r->source.pipe && !source_at(&r->source, r->at, 1))
		return errno ? -1 : 0; /* the writer was stopped */
	if (got == 0)
		return pass_damage(r);
	r->close_at = r->at;
	r->at += TAPE_HEAD + payload.n;
	if (type == TAPE_CLOSED) {
		take_close(r, payload);
		return 0;
	}
	if (type != TAPE_KEY) {
		r->linked = take_sample(r, type, payload, m);
		return r->linked ? 1 : 2;
	}
	if (!r->keyed)
		r->keyed = playback_key(&r->tracks, payload) == 0;
	return 2;
}

int
tape_reader_next(struct tape_reader *r, struct sample *m)
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
