/*
 * format: the bytes of a recording, as far as its writer and its reader share them. pq-tape(5)
 * describes them in full.
 *
 * A tape is a sequence of segments. Each begins at the start of a block and can be read without the
 * others: its header, twice; a key frame, twice, with the whole text of every track (a file that
 * was read, or a directory that was listed); then records, one for each sample, with what has
 * changed since the sample before. Every 32nd record tells the difference from the key frame
 * instead, so that damage makes no more unreadable than what lies before the next of those. Eight
 * zero bytes end a segment.
 */
#ifndef PQ_TAPE_FORMAT_H
#define PQ_TAPE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
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

/* What a record is; the two lowest bits of one that is a sample say more. */
enum tape_record {
	TAPE_KEY = 1,
	TAPE_SAMPLE = 4,
	TAPE_IS_TICK = 1,
	TAPE_FROM_KEY = 2,
	TAPE_RECORDS = 8
};

/* Names of tracks that are not files: facts of the machine, and what recording cost. */
#define TAPE_FACTS "pq/facts"
#define TAPE_COST "pq/cost"

enum { PATH_LONGEST = 4096 };

/* What the name of a track ends in: a file's text has no mark; a directory's names and a link's
 * target have one. */
enum path_mark { PATH_FILE = '\0', PATH_DIRECTORY = '/', PATH_LINK = '@' };

/* The name of a path's track: no doubled slash and none at the end, then the mark. False when the
 * path leads upwards or is too long. */
bool path_clean(const char *path, enum path_mark mark, char *out, size_t n);

/* A segment's header. */
struct tape_segment {
	uint64_t sequence; /* 1, 2, … on this tape */
	uint64_t run;      /* a random number of the run of the recorder that wrote it */
	uint64_t samples;  /* on this tape before it, those overwritten since too */
	uint64_t ring;     /* bytes of the whole ring; 0: the tape is none */
	/* CLOCK_MONOTONIC, CLOCK_REALTIME and CLOCK_BOOTTIME at its first sample */
	int64_t mono_ns, real_ns, boot_ns;
	unsigned char boot_id[16];
};

void tape_put_header(const struct tape_segment *s, unsigned char out[TAPE_HEADER]);

/* 0; -1 with EINVAL when there is no whole header there, ENOTSUP when it is of a later version. */
int tape_get_header(const unsigned char in[TAPE_HEADER], struct tape_segment *s);

/* The checksum that those of a segment's records go on from: bytes left over from another segment
 * never pass for this one's. */
uint32_t tape_seed(const struct tape_segment *s);

/* Makes room for a record's head. The caller appends the record's bytes, then tape_end_record fills
 * in the head. */
size_t tape_begin_record(struct buf *b);
void tape_end_record(struct buf *b, size_t start, uint32_t seed, unsigned type);

/* A record's head: 0, or -1 when no record can begin so. */
int tape_get_head(const unsigned char in[TAPE_HEAD], unsigned *type, size_t *n, uint32_t *crc);

/* The checksum of a record with this head and these bytes. */
uint32_t tape_crc(uint32_t seed, const unsigned char head[TAPE_HEAD], const void *bytes, size_t n);

/* The next start of a block, at `at` or after it. */
uint64_t tape_block_up(uint64_t at);

/* The CRC-32C (Castagnoli) of iSCSI, ext4 and btrfs, continued from the checksum of what came
 * before; 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

/* Numbers. Each is a code of one to nine bytes. The first byte says how many follow, in
 * little-endian order. */

/* Appends a number; takes one off *rest, or returns false when there is none. */
void code_put(struct buf *b, uint64_t v);
bool code_get(struct text *rest, uint64_t *v);

/* The same for one that may be negative: small ones of either sign are short. */
void code_put_signed(struct buf *b, int64_t v);
bool code_get_signed(struct text *rest, int64_t *v);

/* n bytes, with their number before them. */
void code_put_text(struct buf *b, struct text t);
bool code_get_text(struct text *rest, struct text *t);

/* A sequence of differences, most of which are 0. Zeros at its end are not written. */
struct deltas {
	struct buf *out;
	uint64_t zeros; /* not written yet */
};

void deltas_put(struct deltas *d, uint64_t from, uint64_t to);
void deltas_skip(struct deltas *d, uint64_t n);

/* The sequence read back. */
struct deltas_read {
	struct text rest;
	uint64_t zeros; /* still to come */
	bool bad;       /* the bytes are not such a sequence */
};

/* Adds each of the next n differences to the numbers at v; true when one of them was not 0. */
bool deltas_add(struct deltas_read *d, uint64_t *v, size_t n);

#endif
