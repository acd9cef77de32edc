#include "tape/losses.h"

#include <stdio.h>

#include "base/buf.h"

/* Begins a part of the line about losses: "; " between two parts. */
static void
put_part(struct buf *b)
{
	if (b->n > 0)
		buf_text(b, "; ");
}

static void
put_count(struct buf *b, uint64_t n, const char *one, const char *many)
{
	buf_u64(b, n, 1);
	buf_char(b, ' ');
	buf_text(b, n == 1 ? one : many);
}

static void
put_damage(struct buf *b, const struct tape_losses *l)
{
	if (!l->samples && !l->places)
		return;
	buf_text(b, "damaged in ");
	put_count(b, l->places, "place", "places");
	if (l->samples || !l->torn) {
		buf_text(b, ": ");
		put_count(b, l->samples, "sample lost", "samples lost");
	}
}

static void
put_end_losses(struct buf *b, const struct tape_losses *l)
{
	if (l->bytes) {
		put_part(b);
		buf_text(b, "cut short: ");
		buf_u64(b, l->bytes, 1);
		buf_text(b, " of the ");
		put_count(b, l->ring, "byte", "bytes");
		buf_text(b, " of its ring are missing, with their samples");
	}
	if (l->segments) {
		put_part(b);
		put_count(b, l->segments, "segment is missing", "segments are missing");
		buf_text(b, " at its start");
	}
	if (l->torn || l->unclosed) {
		put_part(b);
		buf_text(b,
		    l->torn ? "it ends in an incomplete record" :
			      "not closed by its recorder: later samples may be missing");
	}
}

bool
tape_losses_text(const struct tape_losses *l, char *out, size_t n)
{
	struct buf b = { 0 };

	put_damage(&b, l);
	put_end_losses(&b, l);
	if (l->overwritten) {
		put_part(&b);
		put_count(&b, l->overwritten, "segment was", "segments were");
		buf_text(&b, " overwritten by the recorder before being read");
	}
	if (l->foreign || l->behind) {
		put_part(&b);
		buf_text(&b, "several recordings were joined: ");
		put_count(&b, l->foreign ? l->foreign : l->behind,
		    l->foreign ? "segment of another one was" : "byte after its end was",
		    l->foreign ? "segments of others were" : "bytes after its end were");
		buf_text(&b, " not read");
	}
	if (l->gone) {
		put_part(&b);
		buf_text(&b, "the file was deleted or cut short while it was followed");
	}
	if (l->later || l->older) {
		put_part(&b);
		buf_text(&b,
		    l->later ? "a part of it was written by a later version of pq and was skipped" :
			       "a part of it has format version 0 and was skipped");
	}
	snprintf(out, n, "%.*s", (int)b.n, b.n ? b.s : "");
	bool any = b.n > 0;
	buf_free(&b);
	return any;
}
