/*
 * A tape of any bytes: read as a file and as a pipe, with all its texts; then once more with
 * checksums that are right, so that what lies behind them is reached.
 */
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "tape/format.h"
#include "tape/reader.h"
#include "mended.h"
#include "replay.h"

static unsigned sum; /* of all that is given: ASan sees it read */

static void
look_at(struct tape_reader *r)
{
	struct text t;

	for (uint32_t i = 0; i < r->tracks.paths.n; i++) {
		const char *path = map_key(&r->tracks.paths, i).s;
		if (*path == '/' || strstr(path, "//") || strcmp(path, "..") == 0 ||
		    strncmp(path, "../", 3) == 0 || strstr(path, "/../"))
			abort();
		if (playback_track(&r->tracks, i, &t) < 0)
			continue;
		for (size_t k = 0; k < t.n; k++)
			sum += (unsigned char)t.s[k];
	}
}

/* No more samples than there are heads of records, twice: a ring in order, and again. */
static void
walk(struct tape_reader *r, size_t n)
{
	struct sample m;
	size_t given = 0;

	while (tape_reader_next(r, &m) > 0) {
		if (m.mono_ns < 0 || m.real_ns < 0 || ++given > n / TAPE_HEAD)
			abort();
		look_at(r);
	}
}

static void
read_tape(size_t n, bool pipe)
{
	struct tape_reader r;
	struct span span;
	char line[200];

	lseek(fd, 0, SEEK_SET);
	if (tape_reader_begin(&r, fd, pipe) < 0) {
		tape_reader_free(&r);
		return;
	}
	walk(&r, n);
	tape_losses_text(&r.lost, line, sizeof line);
	if (!r.in_order && tape_reader_span(&r, &span) == 0) {
		tape_reader_seek(&r, span.to_ns);
		r.wanted.to_ns = span.to_ns;
		walk(&r, n);
		r.follow = true;
		for (int i = 0; i < 3 && tape_reader_again(&r) == 0; i++)
			walk(&r, n);
	}
	tape_reader_free(&r);
}

static void
put_le32(uint8_t *out, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

static void
mend_records(uint8_t *s, size_t n, size_t at, uint32_t seed)
{
	unsigned type;
	uint32_t crc;
	size_t bytes;

	while (at + TAPE_HEAD <= n && tape_get_head(s + at, &type, &bytes, &crc) == 0 &&
	    bytes <= n - at - TAPE_HEAD) {
		put_le32(s + at + 4, tape_crc(seed, s + at, s + at + TAPE_HEAD, bytes));
		at += TAPE_HEAD + bytes;
	}
}

/* Gives headers and records their checksums. */
static void
mend(uint8_t *s, size_t n)
{
	struct tape_segment segment;

	for (size_t at = 0; at + 2 * TAPE_HEADER <= n; at += TAPE_BLOCK) {
		for (size_t copy = at; copy <= at + TAPE_HEADER; copy += TAPE_HEADER)
			put_le32(s + copy + TAPE_HEADER - 4, crc32c(0, s + copy, TAPE_HEADER - 4));
		if (tape_get_header(s + at, &segment) == 0)
			mend_records(s, n, at + 2 * TAPE_HEADER, tape_seed(&segment));
	}
}

static void
read_both_ways(size_t n)
{
	read_tape(n, false);
	read_tape(n, true);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	read_both(data, n, mend, read_both_ways);
	return 0;
}
