/*
 * file: a tape as a file that is written. It has one writer, takes the room for a ring beforehand,
 * and continues an existing recording. A window of a tape can be copied to a file of its own.
 */
#ifndef PQ_TAPE_FILE_H
#define PQ_TAPE_FILE_H

#include "tape/reader.h"
#include "tape/writer.h"

struct tape_file {
	struct tape_writer writer;
	int fd;
	const char *path; /* as it was given: the caller's */
	bool stream, created;
	uint64_t ring;      /* of the file; 0: it grows */
	uint64_t allocated; /* bytes that a growing file has room for */
	/* where its segments are: who reads it at once need not search for them */
	struct tape_index index;
	int owner; /* the process that writes it, when that is another one */
};

/* Opens the file at `path`, makes it when it is not there; "-" is stdout. With a ring (its bytes)
 * all of its room is taken now. A tape that is there is continued. 0; -1 with errno: EBUSY another
 * process writes it (f->owner, 0 when it cannot be told), EINVAL it is something else than a tape,
 * ENOTSUP a tape of a later version, ERANGE its ring has another size (f->ring), ENOTTY no regular
 * file, or why it cannot be opened. */
int tape_file_open(struct tape_file *f, const char *path, uint64_t ring);

/* The process that writes the tape at `path`; 0 when there is none, -1 with errno. */
int tape_file_owner(const char *path);

/* As tape_writer_sample does, and makes room for more. */
int tape_file_sample(struct tape_file *f, const struct sample *m);

/* Gives back the room that was not needed, and closes it; one that was made anew and has no sample
 * is removed. 0, or -1 with errno when what was written may not be there. */
int tape_file_close(struct tape_file *f);

/* Which samples of a tape are copied. */
/* Copies all samples of the window: CLOCK_REALTIME, or with a boot_id CLOCK_MONOTONIC of that boot,
 * which nobody sets. Returns how many, or -1 with errno. */
int64_t cut_copy(
    struct tape_reader *r, struct span w, const unsigned char *boot_id, struct tape_file *to);

/* The same into a new file at `path`, which is there only when it is complete. What was lost on the
 * way is in r->lost. */
int64_t cut_save(
    struct tape_reader *r, struct span w, const unsigned char *boot_id, const char *path);

#endif
