/*
 * reader: reads samples from a tape: finds its segments, goes from record to record, and hands
 * their bytes to the playback (state.h), which has the text of every file. It trusts nothing:
 * damaged bytes are skipped up to the next record that can be understood, and counted.
 */
#ifndef PQ_TAPE_READER_H
#define PQ_TAPE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tape/format.h"
#include "tape/state.h"

/* The bytes of a tape by their position: of a file, which may grow or be overwritten meanwhile, or
 * of a pipe as they come. */
struct source {
	int fd;
	bool pipe;
	bool ended;      /* the pipe has */
	size_t piece;    /* least number of bytes per read */
	struct buf held; /* what was read last, from the place `base` on */
	uint64_t base;
};

/* Its length as far as it is known: a file's now, a pipe's up to what has come. */
uint64_t source_size(const struct source *s);

/* A segment, and the place of its header. */
struct tape_place {
	uint64_t at, limit; /* all of it lies before the limit */
	struct tape_segment segment;
};

/* Where the segments of a tape are. */
struct tape_index {
	struct tape_place *v; /* in the order of their sequence numbers */
	size_t n, room;
	uint64_t damaged; /* headers of which one copy is no good */
	bool later;       /* one is of a later version */
};

/* Adds the segment at that place as the last one. */
void tape_index_add(struct tape_index *x, uint64_t at, const struct tape_segment *segment);

void tape_index_free(struct tape_index *x);

/* What went wrong. */
struct tape_losses {
	uint64_t samples;     /* lost to damage */
	uint64_t places;      /* that are damaged */
	uint64_t overwritten; /* segments that the recorder overwrote before they were read */
	bool torn;            /* the tape ends in bytes that are no record */
	bool later;           /* some segments are of a later version, and were not read */
};

/* A part of a tape. Zero-initialise but for its times. */
struct tape_window {
	struct span times; /* CLOCK_REALTIME */
	bool given;        /* a sample of it was, … */
	int64_t given_ns;  /* … the last one at this monotonic time */
};

struct tape_reader {
	struct source source;
	struct tape_index index; /* of a file; of a pipe the present segment alone */
	size_t next;             /* the segment to be read next */
	bool in_order;           /* a pipe that is read as it comes */
	struct span wanted;      /* segments of other times (CLOCK_REALTIME) are passed over */
	bool follow;             /* the end of the newest segment is not the end */
	bool open, settled;      /* a segment is being read; its losses are counted */
	struct tape_segment segment;
	/* of the segment: its header, where the next record is looked for, its end */
	uint64_t start, at, limit;
	uint32_t seed;
	/* its key frame was understood; and the record before, on which the next may lean */
	bool keyed, linked;
	bool garbage;      /* it ends in bytes that are no record */
	uint64_t position; /* of the next sample in it */
	uint64_t given;    /* how many of its samples were read */
	/* bytes that may still be searched for records after damage */
	uint64_t effort;
	struct sample last;
	int64_t step_ns;
	unsigned char boot_id[16];
	bool booted; /* … is that of the last sample */
	struct playback tracks;
	struct tape_losses lost;
};

/* Finds the segments of a file, or the first one of a pipe. 0; -1 with errno: EINVAL it is no tape,
 * ENOTSUP it is of a later version, ENODATA it is empty, EINTR, or why it cannot be read. */
int tape_reader_begin(struct tape_reader *r, int fd, bool pipe);

/* The same for a file whose segments are known: it is not searched, and the index becomes the
 * reader's. */
void tape_reader_begin_at(struct tape_reader *r, int fd, const struct tape_index *index);

/* Passes over segments all of which lies before that time. Not for a pipe. */
void tape_reader_seek(struct tape_reader *r, int64_t real_ns);

/* Begins with the segment of this boot in which that time (CLOCK_MONOTONIC) lies. Not for a
 * pipe. */
void tape_reader_seek_mono(struct tape_reader *r, const unsigned char boot_id[16], int64_t mono_ns);

/* Back to the start, as if nothing had been read. Not for a pipe. */
void tape_reader_rewind(struct tape_reader *r);

/* Before reading: the times of the first and of the last sample (CLOCK_REALTIME). 0, or -1 with
 * errno; ESPIPE for a pipe. */
int tape_reader_span(struct tape_reader *r, struct span *out);

/* The next sample that can be understood; its texts are in r->tracks. 1; 0 at the end; -1 with
 * errno. */
int tape_reader_next(struct tape_reader *r, struct sample *m);

/* With follow, at the end: the next tape_reader_next finds what has come since. 0, or -1 with
 * errno. */
int tape_reader_again(struct tape_reader *r);

/* Whether the sample, which comes after those that were asked about before, belongs to the window.
 * Samples are a little later than they were due, and so is the last one of a window. */
bool tape_window_has(struct tape_window *w, const struct sample *m);

/* One line about what was lost into out; false when nothing was. */
bool tape_losses_text(const struct tape_losses *l, char *out, size_t n);

void tape_reader_free(struct tape_reader *r);

#endif
