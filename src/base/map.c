#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum { FIRST_ROOM = 16, FIRST_BYTES = 512 };

struct map_entry {
	size_t at; /* place in the bytes */
	uint32_t n, hash;
};

/* Hashes eight bytes at a time. */
static uint32_t
hash_of(struct text key)
{
	const char *s = key.s;
	size_t n = key.n;
	uint64_t h = n, word;

	for (; n >= sizeof word; s += sizeof word, n -= sizeof word) {
		memcpy(&word, s, sizeof word);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 32;
	}
	word = 0;
	if (n > 0)
		memcpy(&word, s, n);
	h = (h ^ word) * 0x9e3779b97f4a7c15u;
	return (uint32_t)(h >> 32);
}

struct text
map_key(const struct map *m, uint32_t number)
{
	const struct map_entry *k = &m->keys[number];

	return (struct text){ m->bytes + k->at, k->n };
}

static bool
is_key(const struct map *m, uint32_t number, struct text key, uint32_t hash)
{
	return m->keys[number].hash == hash && text_same(map_key(m, number), key);
}

/* The slot of the key, or the free slot where it would go. */
static uint32_t *
slot_of(const struct map *m, struct text key, uint32_t hash)
{
	for (uint32_t i = hash;; i++) {
		uint32_t *slot = &m->slots[i & (m->nslots - 1)];
		if (*slot == 0 || is_key(m, *slot - 1, key, hash))
			return slot;
	}
}

/* The slot of an existing key. */
static uint32_t *
slot_of_number(const struct map *m, uint32_t number)
{
	uint32_t i = m->keys[number].hash;

	while (m->slots[i & (m->nslots - 1)] != number + 1)
		i++;
	return &m->slots[i & (m->nslots - 1)];
}

int
map_find(const struct map *m, struct text key)
{
	return m->n == 0 ? -1 : (int)*slot_of(m, key, hash_of(key)) - 1;
}

/* Doubles the slots, so that at most half of them are taken. */
static void
grow(struct map *m)
{
	m->room = m->room ? m->room * 2 : FIRST_ROOM;
	m->keys = xrealloc(m->keys, m->room * sizeof *m->keys);
	m->nslots = m->room * 2;
	free(m->slots);
	m->slots = xmalloc(m->nslots * sizeof *m->slots);
	memset(m->slots, 0, m->nslots * sizeof *m->slots);
	for (uint32_t i = 0; i < m->n; i++) {
		uint32_t at = m->keys[i].hash;
		while (m->slots[at & (m->nslots - 1)])
			at++;
		m->slots[at & (m->nslots - 1)] = i + 1;
	}
}

/* Makes room for n more bytes: drops the bytes of removed keys, and doubles the size while it would
 * be more than half full. */
static void
make_room(struct map *m, size_t n)
{
	size_t size = m->size ? m->size : FIRST_BYTES, used = 0;

	if (m->used + n <= m->size)
		return;
	while (size / 2 < m->used - m->removed + n)
		size *= 2;
	char *bytes = xmalloc(size);
	for (uint32_t i = 0; i < m->n; i++) {
		struct map_entry *k = &m->keys[i];
		memcpy(bytes + used, m->bytes + k->at, k->n + 1);
		k->at = used;
		used += k->n + 1;
	}
	free(m->bytes);
	m->bytes = bytes;
	m->size = size;
	m->used = used;
	m->removed = 0;
}

static void
add(struct map *m, struct text key, uint32_t hash)
{
	if (key.n >= UINT32_MAX)
		out_of_memory();
	make_room(m, key.n + 1);
	if (key.n > 0)
		memcpy(m->bytes + m->used, key.s, key.n);
	m->bytes[m->used + key.n] = '\0';
	m->keys[m->n++] = (struct map_entry){ m->used, (uint32_t)key.n, hash };
	m->used += key.n + 1;
}

uint32_t
map_put(struct map *m, struct text key)
{
	uint32_t hash = hash_of(key);

	if (m->n == m->room)
		grow(m);
	uint32_t *slot = slot_of(m, key, hash);
	if (*slot == 0) {
		add(m, key, hash);
		*slot = m->n;
	}
	return *slot - 1;
}

/* Frees a slot, and moves back later entries that a search would no longer reach. */
static void
free_slot(struct map *m, uint32_t gap)
{
	uint32_t mask = m->nslots - 1, i = gap;

	while (m->slots[i = (i + 1) & mask]) {
		uint32_t home = m->keys[m->slots[i] - 1].hash & mask;
		if (((i - home) & mask) < ((i - gap) & mask))
			continue;
		m->slots[gap] = m->slots[i];
		gap = i;
	}
	m->slots[gap] = 0;
}

void
map_remove(struct map *m, uint32_t number)
{
	uint32_t last = m->n - 1;

	free_slot(m, (uint32_t)(slot_of_number(m, number) - m->slots));
	m->removed += m->keys[number].n + 1;
	if (number != last)
		*slot_of_number(m, last) = number + 1;
	m->keys[number] = m->keys[last];
	m->n = last;
}

void
map_truncate(struct map *m, uint32_t n)
{
	while (m->n > n)
		map_remove(m, m->n - 1);
}

void
map_clear(struct map *m)
{
	if (m->n > 0)
		memset(m->slots, 0, m->nslots * sizeof *m->slots);
	m->n = 0;
	m->used = m->removed = 0;
}

void
map_free(struct map *m)
{
	free(m->keys);
	free(m->slots);
	free(m->bytes);
	*m = (struct map){ 0 };
}
