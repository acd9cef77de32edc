/*
 * tape: the format of a recording, as far as its writer and its reader share it; pq-tape(5)
 * describes it for everybody else.
 *
 * A tape is a row of segments, each at the start of a block. A segment stands for itself: its
 * header, twice; a key frame, twice, with the whole text of every track (a file that was read, or a
 * directory that was listed); then records, one for each moment, with what has changed since the
 * moment before. Every 32nd says instead what is other than in the key frame, so that what is
 * damaged spoils no more than what lies before the next of those. Eight zero bytes end a segment.
 */
#ifndef PQ_TAPE_FORMAT_H
#define PQ_TAPE_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "host/host.h"

enum {
	TAPE_VERSION = 1,
	TAPE_BLOCK = 4096,
	TAPE_HEADER = 128,
	TAPE_HEAD = 8,
	TAPE_END = 8,
	TAPE_GROUP = 32,
	TAPE_RECORD_MOST = (1 << 24) - 1,
	TAPE_TRACKS_MOST = 1 << 18
};

/* Within a segment CLOCK_REALTIME strays no further from CLOCK_MONOTONIC: when the clock is set, a
 * new segment begins. */
#define TAPE_STRAY_NS INT64_C(1000000000)

/* What a record is; the two lowest bits of one that is a moment say more. */
enum tape_record {
	TAPE_KEY = 1,
	TAPE_MOMENT = 4,
	TAPE_IS_TICK = 1,
	TAPE_FROM_KEY = 2,
	TAPE_RECORDS = 8
};

/* The names of tracks that are no file: facts of the machine, and what recording cost. */
#define TAPE_FACTS "pq/facts"
#define TAPE_COST "pq/cost"

/* A segment's header. */
struct tape_segment {
	uint64_t sequence; /* 1, 2, … on this tape */
	uint64_t run;      /* a random number of the run of the recorder that wrote it */
	uint64_t moments;  /* on this tape before it, those overwritten since too */
	uint64_t ring;     /* bytes of the whole ring; 0: the tape is none */
	/* CLOCK_MONOTONIC, CLOCK_REALTIME and CLOCK_BOOTTIME at its first moment */
	int64_t mono_ns, real_ns, boot_ns;
	unsigned char boot_id[16];
};

void tape_put_header(const struct tape_segment *s, unsigned char out[TAPE_HEADER]);

/* 0; -1 with EINVAL when there is no whole header there, ENOTSUP when it is of a later version. */
int tape_get_header(const unsigned char in[TAPE_HEADER], struct tape_segment *s);

/* The checksum that those of a segment's records go on from: bytes left over from another segment
 * never pass for this one's. */
uint32_t tape_seed(const struct tape_segment *s);

/* Makes the room for a record's head, behind which its bytes are put; tape_end_record then fills it
 * in. */
size_t tape_begin_record(struct buf *b);
void tape_end_record(struct buf *b, size_t start, uint32_t seed, unsigned type);

/* A record's head: 0, or -1 when no record can begin so. */
int tape_get_head(const unsigned char in[TAPE_HEAD], unsigned *type, size_t *n, uint32_t *crc);

/* The checksum of a record with this head and these bytes. */
uint32_t tape_crc(uint32_t seed, const unsigned char head[TAPE_HEAD], const void *bytes, size_t n);

/* The next start of a block, at `at` or behind it. */
uint64_t tape_block_up(uint64_t at);

#endif
