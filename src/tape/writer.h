/*
 * writer: writes samples to a recording. It keeps the last text of every file (a track), writes a
 * key frame with all of them at the start of a segment, and then the changes.
 */
#ifndef PQ_TAPE_WRITER_H
#define PQ_TAPE_WRITER_H

#include "base/map.h"
#include "tape/format.h"
#include "tape/template.h"

/* A file: its last text, and what of it is written. */
struct track {
	int error; /* of the last reading; 0: it has the text `now` */
	struct figures now;
	uint64_t *written; /* its numbers in the last record */
	uint64_t *keyed;   /* its numbers in the key frame */
	size_t room;       /* of these two */
	/* the next record has its full text: it is new, or has other words or another error */
	bool fresh;
	bool as_keyed;    /* its words, or its error, are those of the key frame */
	bool changed;     /* its numbers may differ from the written ones */
	uint64_t touched; /* the sample that read it last */
	uint64_t reads;
	bool late; /* it was first read after the first sample */
};

/* Zero-initialise to start. */
struct tracks {
	struct map paths;
	struct track *v; /* by the number of the path */
	size_t room;
};

struct tape_writer {
	int fd;
	bool stream; /* a pipe: written in order, and only once */
	/* whether to give up a write that a signal interrupts; NULL: never */
	bool (*give_up)(void);
	/* The oldest segment that is left in a ring when the new one is at `start`; NULL: no ring.
	 * Those from `cleared` on have lost their headers. */
	uint64_t (*oldest)(struct tape_writer *w, uint64_t cleared);
	uint64_t at; /* the place of the next record */
	/* the place of the segment, and its largest size */
	uint64_t start, room;
	uint64_t samples;     /* in the recording so far, overwritten ones included */
	uint64_t run_samples; /* those of this run */
	/* samples so far, written or not; the one that began the segment */
	uint64_t turn, segment_turn;
	struct tape_segment segment; /* the present one, or the last one before the start */
	uint32_t seed;
	bool begun;        /* in a segment; false after a failed write */
	unsigned in_group; /* records since the last one that refers to the key frame */
	/* bytes of the records since then, and of that one */
	size_t group_bytes, from_key_bytes;
	size_t key_bytes;      /* of the key frame */
	uint32_t key_tracks;   /* its number of tracks */
	uint32_t known_tracks; /* the number of tracks in the previous record */
	struct sample last;
	int64_t step_ns; /* between the last two samples */
	struct tracks tracks;
	struct buf out;
};

/* Begins to write to fd, at the block `at`. `from` has the boot_id, run and ring, and the sequence
 * number and samples of the recording so far. */
void tape_writer_begin(
    struct tape_writer *w, int fd, bool stream, const struct tape_segment *from, uint64_t at);

/* Keeps what was read for this sample: a file, a directory (its path ends in '/') or a link ('@');
 * its text, or the errno of reading it. */
void tape_writer_keep(struct tape_writer *w, struct text path, int error, struct text text);

/* Writes the sample. Returns 0, or -1 with errno: the sample is not written, but the next one may
 * be. EMSGSIZE: its tracks do not fit a recording, or a ring of this size. */
int tape_writer_sample(struct tape_writer *w, const struct sample *m);

/* Writes the closing record, if there is a segment to close. Returns 0, or -1 with errno. */
int tape_writer_close(struct tape_writer *w);

/* The smallest ring, in bytes, for the present tracks. */
uint64_t tape_writer_least_ring(const struct tape_writer *w);

/* The mean size of a sample in bytes, with its share of headers and key frames; NaN until it is
 * known. */
double tape_writer_rate(const struct tape_writer *w);

/* Frees the writer. The descriptor stays open. */
void tape_writer_end(struct tape_writer *w);

#endif
