/*
 * map: gives each string key a number: 0, 1, 2, … in the order in which keys are added. The caller
 * keeps the values, in an array of its own, at the number of the key.
 *
 * The map uses open addressing and stores all keys in one block of memory. A lookup allocates
 * nothing, and neither does adding a key after map_clear, once the map has reached its size.
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
	uint32_t *slots;        /* nslots, a power of two: the number of a key + 1; 0: free */
	char *bytes;            /* the keys, each followed by a NUL */
	size_t used, size;      /* of the bytes; `used` includes removed keys */
	size_t removed;         /* bytes of removed keys */
};

/* The number of the key, or -1. */
int map_find(const struct map *m, struct text key);

/* The number of the key. A new key is added; its number is the previous m->n. */
uint32_t map_put(struct map *m, struct text key);

/* The key of that number, followed by a NUL. Valid until a key is added. */
struct text map_key(const struct map *m, uint32_t number);

/* Removes a key. The last key takes its number, so the caller moves its element too. */
void map_remove(struct map *m, uint32_t number);

/* Removes all keys after the first n. */
void map_truncate(struct map *m, uint32_t n);

/* Removes all keys and keeps the memory. */
void map_clear(struct map *m);

void map_free(struct map *m);

#endif
