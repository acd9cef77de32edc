/* source: the bytes of a recording by their position. */
#ifndef PQ_TAPE_SOURCE_H
#define PQ_TAPE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* The bytes of a recording by their position, of a file, which may grow or be overwritten
 * meanwhile, or of a pipe. */
struct source {
	int fd;
	bool pipe;
	bool ended;      /* at the end of the pipe */
	size_t piece;    /* least number of bytes per read */
	struct buf held; /* the bytes that were read last, from `base` on */
	uint64_t base;
};

/* The length of a file now, or of a pipe up to what was read. */
uint64_t source_size(const struct source *s);

/* Gets n bytes at `at`, valid until the next call. NULL with errno 0 if the recording ends before,
 * or with an error of reading (EINTR: a signal). */
const unsigned char *source_at(struct source *s, uint64_t at, size_t n);

/* Drops what was read of a file, as it may have changed. */
void source_forget(struct source *s);

/* Frees what was read of a pipe before `at`. */
void source_pass(struct source *s, uint64_t at);

void source_free(struct source *s);

#endif
