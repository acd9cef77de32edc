/*
 * file: a recording as a file. It has one writer, allocates a ring at the start, and continues an
 * existing recording. A window of a recording can be copied to a file of its own.
 */
#ifndef PQ_TAPE_FILE_H
#define PQ_TAPE_FILE_H

#include "tape/reader.h"
#include "tape/writer.h"

struct tape_file {
	struct tape_writer writer; /* first, as it finds the file by it */
	int fd;
	const char *path;            /* not copied */
	bool stream, created, fresh; /* fresh: it must not exist yet */
	uint64_t ring;               /* bytes of the ring; 0: the file grows */
	uint64_t closed_at;          /* the closing record of the run before; 0: none */
	uint64_t allocated;          /* bytes that are allocated for a growing file */
	/* its segments, so that a reader in this process need not search for them */
	struct tape_index index;
	int owner; /* another process that writes it, or 0 */
};

/* Opens the file at `path`, or creates it with mode 600; "-" is stdout. A link is not followed (ELOOP). It continues an existing recording.
 * `ring`: the bytes of a ring, all of which it allocates now; 0: the file grows. Returns 0, or -1
 * with errno: EBUSY another process writes it (f->owner; 0: unknown), EINVAL not a recording,
 * ENOTSUP of a later version, EPROTONOSUPPORT of version 0, ERANGE its ring has another size (f->ring), ENOTTY not a regular
 * file, or an error of open(2). */
int tape_file_open(struct tape_file *f, const char *path, uint64_t ring);

/* The same for a file that must not exist yet: EEXIST. A link of that name is not followed. */
int tape_file_create(struct tape_file *f, const char *path);

/* The same for a file in memory without a name, which goes with its descriptor: a ring of that many bytes. */
int tape_file_memory(struct tape_file *f, uint64_t ring);

/* The process that writes the recording at `path`; 0: none; -1 with errno. */
int tape_file_owner(const char *path);

/* Calls tape_writer_sample, and allocates room ahead. */
int tape_file_sample(struct tape_file *f, const struct sample *m);

/* Whether the file still has all that was written, to be asked before each sample as the next write
 * hides a loss; and with `path`, whether its path still leads to it. Returns 0, or -1 with errno:
 * ENODATA the file was truncated, ENOENT deleted, ESTALE replaced by another one. */
int tape_file_check(const struct tape_file *f, bool path);

/* Closes f's file, which is lost, and writes on to that of `fresh`, which becomes f's: the next sample
 * begins a segment there, with all tracks. */
void tape_file_replace(struct tape_file *f, struct tape_file *fresh);

/* Writes the closing record, frees unused room and closes the file. Removes a new file without samples.
 * Returns 0, or -1 with errno if written data may be lost. */
int tape_file_close(struct tape_file *f);

/* Copies the samples of the window to another recording. The times are CLOCK_REALTIME, or with a
 * boot_id CLOCK_MONOTONIC of that boot. Returns the number of samples, or -1 with errno. */
int64_t cut_copy(
    struct tape_reader *r, struct span w, const unsigned char *boot_id, struct tape_file *to);

/* Copies them to a new file at `path`, which appears only once it is complete. r->lost says what
 * was lost. */
int64_t cut_save(
    struct tape_reader *r, struct span w, const unsigned char *boot_id, const char *path);

#endif
