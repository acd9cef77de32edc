/*
 * reader: reads samples from a recording. It finds the segments, goes from record to record, and
 * passes their bytes to the playback (state.h), which has the text of every file. It trusts
 * nothing: it skips damaged bytes up to the next valid record, and counts them.
 */
#ifndef PQ_TAPE_READER_H
#define PQ_TAPE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tape/format.h"
#include "tape/losses.h"
#include "tape/source.h"
#include "tape/state.h"

/* A segment, and the position of its header. */
struct tape_place {
	uint64_t at, limit; /* it ends before the limit */
	struct tape_segment segment;
	unsigned boot; /* how many reboots there are in the segments before */
};

/* The segments of a recording. */
struct tape_index {
	struct tape_place *v; /* by sequence number */
	size_t n, room;
	uint64_t damaged; /* headers with one damaged copy */
	bool later;       /* one is of a later version */
	bool older;       /* one is of version 0 */
};

/* Appends a segment. */
void tape_index_add(struct tape_index *x, uint64_t at, const struct tape_segment *segment);

void tape_index_free(struct tape_index *x);

/* A part of a recording. Zero-initialise, and set the times. */
struct tape_window {
	struct span times; /* CLOCK_REALTIME */
	bool given;        /* a sample was in it */
	int64_t given_ns;  /* monotonic time of the last one */
};

struct tape_reader {
	struct source source;
	struct tape_index index; /* of a file, or of a ring from a pipe */
	size_t next;             /* the index of the next segment */
	bool in_order;           /* a pipe, which has no index */
	struct span wanted;      /* segments of other times (CLOCK_REALTIME) are skipped */
	bool follow;             /* more may come after the newest segment */
	bool live;               /* a process was writing it when it was opened */
	bool named;              /* the file had a name when it was opened */
	bool open, settled;      /* in a segment; its losses are counted */
	struct tape_segment segment;
	/* of the segment: its header, the next record, its end */
	uint64_t start, at, limit;
	uint32_t seed;
	/* its key frame was read; the previous record was read, so the next can refer to it */
	bool keyed, linked;
	bool garbage;      /* it ends in an incomplete record */
	bool closed;       /* it has a closing record */
	uint64_t close_at; /* there */
	uint64_t position; /* of the next sample in it */
	uint64_t given;    /* how many of its samples were read */
	/* how many bytes may still be searched for records after damage */
	uint64_t effort;
	struct sample last;
	int64_t step_ns;
	unsigned char boot_id[16];
	bool booted;   /* boot_id is set, to that of the last sample */
	unsigned boot; /* of the segment: how many reboots there were before it */
	struct playback tracks;
	struct tape_losses lost, at_start; /* now, and before the first sample */
};

/* Finds the segments of a file, or the first one of a pipe. Returns 0, or -1 with errno: EINVAL not
 * a recording, ENOTSUP of a later version, EPROTONOSUPPORT of version 0, ENODATA empty, EINTR, or an error of reading. */
int tape_reader_begin(struct tape_reader *r, int fd, bool pipe);

/* The same for a file with a known index, which becomes the reader's. */
void tape_reader_begin_at(struct tape_reader *r, int fd, const struct tape_index *index);

/* Skips segments that end before that time. Not for a pipe. */
void tape_reader_seek(struct tape_reader *r, int64_t real_ns);

/* Goes to the segment of this boot that contains that time (CLOCK_MONOTONIC). Not for a pipe. */
void tape_reader_seek_mono(struct tape_reader *r, const unsigned char boot_id[16], int64_t mono_ns);

/* Skips segments that end before this sample, which is of the same file. */
void tape_reader_skip(struct tape_reader *r, const struct sample *to);

/* Goes back to the start, as if nothing had been read. Not for a pipe. */
void tape_reader_rewind(struct tape_reader *r);

/* Sets *out to the times of the first and the last sample (CLOCK_REALTIME). To be called before
 * reading. Returns 0, or -1 with errno; ESPIPE for a pipe. */
int tape_reader_span(struct tape_reader *r, struct span *out);

/* Reads the next sample that can be read; r->tracks has its texts. Returns 1; 0 at the end; -1 with
 * errno. */
int tape_reader_next(struct tape_reader *r, struct sample *m);

/* With `follow`, at the end: looks for new data, which the next tape_reader_next reads. Clears
 * `follow` if no more can come, since the file was deleted or cut short. Returns 0, or -1 with
 * errno. */
int tape_reader_again(struct tape_reader *r);

/* Whether the sample is in the window. To be called for each sample, in order. Samples come a
 * little after their deadline, so the last one of a window may be a little later than its end. */
bool tape_window_has(struct tape_window *w, const struct sample *m);

void tape_reader_free(struct tape_reader *r);

#endif
