/*
 * format: the bytes of a recording that its writer and its reader share. pq-tape(5) describes them.
 *
 * A recording is a sequence of segments. Each begins at a block and can be read without the others.
 * It consists of its header, twice; a key frame, twice, with the full text of every track (a file
 * that was read, or a directory that was listed); and records, one per sample, with the changes
 * since the previous sample. Every 32nd record, or a later one up to the 256th if much has changed
 * since the key frame, has the changes since the key frame, so that damage makes only the records
 * before the next such record unreadable. Eight zero bytes end a segment.
 *
 * Version 2 tells a whole recording from one that lost a part: a closing record follows the last
 * sample of the recorder, and the header names the oldest segment that the file still has.
 */
#ifndef PQ_TAPE_FORMAT_H
#define PQ_TAPE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "host/host.h"

enum {
	TAPE_VERSION = 2, /* of what is written; version 1 is still read */
	TAPE_CLOSES = 2,  /* the first version with closing records */
	TAPE_BLOCK = 4096,
	TAPE_HEADER = 128,
	TAPE_HEAD = 8,
	TAPE_END = 8,
	TAPE_CLOSING = 32, /* room for a closing record, and the end after it */
	TAPE_GROUP = 32,
	TAPE_RECORD_MOST = (1 << 24) - 1,
	TAPE_TRACKS_MOST = 1 << 18
};

/* How far CLOCK_REALTIME may drift from CLOCK_MONOTONIC within a segment. If the clock is set, a
 * new segment begins. */
#define TAPE_STRAY_NS INT64_C(1000000000)

/* Types of records. The two lowest bits of a sample are flags. */
enum tape_record {
	TAPE_KEY = 1,
	TAPE_CLOSED = 2, /* nothing follows in this segment: its recorder has ended */
	TAPE_SAMPLE = 4,
	TAPE_IS_TICK = 1,
	TAPE_FROM_KEY = 2,
	TAPE_RECORDS = 8
};

/* Tracks that are not files: facts about the machine, and the cost of recording. */
#define TAPE_FACTS "pq/facts"
#define TAPE_COST "pq/cost"

/* Which tools read the sample: a line "NAME READ EVERY_MS PLANNED_MS" for each tool of a recorder.
 * READ is 1 if the tool read its files for this sample; if it is 0, the files have the text of an
 * earlier sample. EVERY_MS is the tool's present interval, and PLANNED_MS the one that was asked
 * for: the first is longer while the recorder keeps a budget. Empty, or no such track: each sample
 * has all tools. */
#define TAPE_TOOLS "pq/tools"

/* The last trigger of the recorder: a line with its time (CLOCK_REALTIME, ns) and, after a blank, the reason
 * as people read it. */
#define TAPE_TRIGGER "pq/trigger"

enum { PATH_LONGEST = 4096 };

/* The last character of a track's name says what the track holds: the text of a file (no mark), the
 * names in a directory, or the target of a link. */
enum path_mark { PATH_FILE = '\0', PATH_DIRECTORY = '/', PATH_LINK = '@' };

/* Makes a path the name of a track: without empty parts, and with the mark. False if the path has
 * ".." or is too long. */
bool path_clean(const char *path, enum path_mark mark, char *out, size_t n);

/* The header of a segment. */
struct tape_segment {
	unsigned version;
	uint64_t sequence; /* 1, 2, … in this recording */
	uint64_t run;      /* a random number for the run of the recorder that wrote it */
	uint64_t samples;  /* before it in this recording, overwritten ones included */
	uint64_t ring;     /* bytes of the ring; 0: none */
	/* CLOCK_MONOTONIC, CLOCK_REALTIME and CLOCK_BOOTTIME at its first sample */
	int64_t mono_ns, real_ns, boot_ns;
	unsigned char boot_id[16];
	uint64_t oldest; /* the sequence of the oldest one in the file by then; 0: unknown */
};

void tape_put_header(const struct tape_segment *s, unsigned char out[TAPE_HEADER]);

/* Returns 0, or -1 with errno: EINVAL not a complete header, ENOTSUP of a later version,
 * EPROTONOSUPPORT of version 0. */
int tape_get_header(const unsigned char in[TAPE_HEADER], struct tape_segment *s);

/* The seed for the checksums of a segment's records. It differs between segments, so that bytes of
 * an overwritten segment are never taken for records. */
uint32_t tape_seed(const struct tape_segment *s);

/* Begins a record. The caller appends its bytes, and tape_end_record fills in the head. */
size_t tape_begin_record(struct buf *b);
void tape_end_record(struct buf *b, size_t start, uint32_t seed, unsigned type);

/* Parses the head of a record. Returns 0, or -1 if it is not valid. */
int tape_get_head(const unsigned char in[TAPE_HEAD], unsigned *type, size_t *n, uint32_t *crc);

/* The checksum of a record with this head and these bytes. */
uint32_t tape_crc(uint32_t seed, const unsigned char head[TAPE_HEAD], const void *bytes, size_t n);

/* The start of the next block, at or after `at`. */
uint64_t tape_block_up(uint64_t at);

#endif
