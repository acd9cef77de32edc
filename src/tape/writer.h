/*
 * writer: puts samples on a tape. It keeps the last text of every file (a track), writes a key frame
 * with all of them at the start of a segment, and then what changes.
 */
#ifndef PQ_TAPE_WRITER_H
#define PQ_TAPE_WRITER_H

#include "base/map.h"
#include "tape/format.h"
#include "tape/template.h"

/* A file: its last text, and what the tape has of it already. */
struct track {
	int error; /* its last reading failed so; 0: it gave the text `now` */
	struct figures now;
	uint64_t *written; /* its numbers as the last record left them */
	uint64_t *keyed;   /* as the key frame has them */
	size_t room;       /* of these two */
	/* the next record has it as a whole: it is new, or has other words, or another error */
	bool fresh;
	bool as_keyed;    /* its words, or its error, are those of the key frame */
	bool changed;     /* its numbers may be others than those written */
	uint64_t touched; /* the sample in which it was read last */
	uint64_t reads;
	bool late; /* it was read first when the recording was under way */
};

/* Zero-initialise to start. */
struct tracks {
	struct map paths;
	struct track *v; /* by the path's number */
	size_t room;
};

struct tape_writer {
	int fd;
	bool stream; /* a pipe: written in order, and never again */
	/* whether to give up a write that a signal interrupts; NULL: never */
	bool (*give_up)(void);
	uint64_t at; /* where the next record goes */
	/* where the segment began, and how many bytes it takes at most */
	uint64_t start, room;
	uint64_t samples;     /* on the tape so far, those overwritten since too */
	uint64_t run_samples; /* those of this run */
	/* samples that were to be written; the one with which the segment began */
	uint64_t turn, segment_turn;
	struct tape_segment segment; /* the segment being written */
	uint32_t seed;
	bool begun;            /* a segment is: false again after a write that failed */
	unsigned in_group;     /* records since one that leans on the key frame */
	size_t key_bytes;      /* of a key frame */
	uint32_t key_tracks;   /* how many tracks it has */
	uint32_t known_tracks; /* how many the record before had */
	struct sample last;
	int64_t step_ns; /* between the last two samples */
	struct tracks tracks;
	struct buf out;
};

/* Begins to write to fd, at `at`, a block's start; `from` says where the tape goes on: its boot_id,
 * run and ring are taken over, and its sequence and samples are those on the tape before. */
void tape_writer_begin(
    struct tape_writer *w, int fd, bool stream, const struct tape_segment *from, uint64_t at);

/* A file was read for this sample, or a directory listed (its path ends in a slash), or a link read
 * (in @): its text, or the errno that it gave. */
void tape_writer_keep(struct tape_writer *w, struct text path, int error, struct text text);

/* The sample is complete: writes it. 0; -1 with errno: it is not on the tape, but the next one may
 * be; EMSGSIZE: the tape, or a ring of this size, has no room for its tracks. */
int tape_writer_sample(struct tape_writer *w, const struct sample *m);

/* The bytes that a ring needs at least for what is kept now. */
uint64_t tape_writer_least_ring(const struct tape_writer *w);

/* How many bytes a sample takes, with its share of headers and key frames; NaN until that is
 * known. */
double tape_writer_rate(const struct tape_writer *w);

/* Frees all; the descriptor stays open. */
void tape_writer_end(struct tape_writer *w);

#endif
