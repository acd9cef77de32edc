/* paths: numbers for paths, 0, 1, 2, … in the order in which they came, so that what is known of a
 * file is an array's element. */
#ifndef PQ_TAPE_PATHS_H
#define PQ_TAPE_PATHS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum { PATH_LONGEST = 4096 };

struct paths {
	struct {
		char *s;
		uint32_t hash;
	} * v; /* by number */
	uint32_t n, room;
	uint32_t *places, nplaces; /* open addressing: a path's number + 1; 0 is free */
};

/* The number of the path, or -1. */
int paths_find(const struct paths *p, struct text path);

/* Gives a path that is not there yet the number p->n. */
void paths_add(struct paths *p, struct text path);

const char *paths_at(const struct paths *p, uint32_t number);

/* What the name of a track ends in, beside that of a file's text: a directory's names, a link's
 * target. */
enum path_mark { PATH_FILE = '\0', PATH_DIRECTORY = '/', PATH_LINK = '@' };

/* A path as tapes have it: no slash doubled or at the end, and the mark behind it. False when it
 * leads upwards, or is too long. */
bool path_clean(const char *path, enum path_mark mark, char *out, size_t n);

/* Forgets all but the first n. */
void paths_keep(struct paths *p, uint32_t n);

/* Forgets all. */
void paths_clear(struct paths *p);

#endif
