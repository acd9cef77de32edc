/* source: the bytes of a tape by their place: a file's, which may grow or be overwritten meanwhile,
 * or a pipe's as they come. */
#ifndef PQ_TAPE_SOURCE_H
#define PQ_TAPE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct source {
	int fd;
	bool pipe;
	bool ended;      /* the pipe has */
	size_t piece;    /* read at least so many bytes at a time */
	struct buf held; /* what was read last, from the place `base` on */
	uint64_t base;
};

/* n bytes from `at` on, valid until the next call. NULL when the tape ends before, or with errno
 * when it cannot be read (EINTR: a signal came); errno is 0 at the end. */
const unsigned char *source_at(struct source *s, uint64_t at, size_t n);

/* What was read of a file may be other by now: it is read anew. */
void source_forget(struct source *s);

/* Nothing before `at` will be asked for again. */
void source_pass(struct source *s, uint64_t at);

/* How long it is as far as is known: a file now, a pipe up to what has come. */
uint64_t source_size(const struct source *s);

void source_free(struct source *s);

#endif
