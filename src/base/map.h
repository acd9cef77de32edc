/*
 * map: numbers for strings: 0, 1, 2, … in the order in which they are added, so that what the
 * caller knows of a key is the element of an array of its own, at the key's number.
 *
 * Open addressing: a lookup hashes the key, eight bytes at a time, and follows a table of numbers.
 * All keys lie one after the other in one piece of memory: neither a lookup nor, once the map has
 * reached its size, adding a key after map_clear allocates anything.
 */
#ifndef PQ_BASE_MAP_H
#define PQ_BASE_MAP_H

#include <stdint.h>

#include "base/text.h"

struct map_entry;

/* Zero-initialise to start. */
struct map {
	uint32_t n; /* keys */
	uint32_t room, nslots;
	struct map_entry *keys; /* by number */
	uint32_t *slots;        /* a power of two of them: a key's number + 1, or 0 */
	char *bytes;            /* of the keys, each with a NUL after it */
	size_t used, size; /* … that are taken, those of removed keys too, and that there are */
	size_t removed;    /* … that belong to no key any more */
};

/* The number of the key; -1 when it is not there. */
int map_find(const struct map *m, struct text key);

/* The number of the key, which is added if it is not there: then that is what m->n was before. */
uint32_t map_put(struct map *m, struct text key);

/* The key of that number, with a NUL after it. Valid until a key is added. */
struct text map_key(const struct map *m, uint32_t number);

/* Removes a key; the last one takes its number. The caller moves its element likewise. */
void map_remove(struct map *m, uint32_t number);

/* Removes all but the first n keys. */
void map_truncate(struct map *m, uint32_t n);

/* Removes all keys and keeps the memory for the next ones. */
void map_clear(struct map *m);

void map_free(struct map *m);

#endif
