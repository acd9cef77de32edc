/* keys: the bytes that a terminal sends, as keys. A sequence may arrive in several reads, and may be
 * one that pq does not know. */
#ifndef PQ_TOP_KEYS_H
#define PQ_TOP_KEYS_H

#include <stdbool.h>
#include <stddef.h>

/* Keys below 256 are the byte itself: a letter, Ctrl and a letter, a byte of UTF-8. */
enum key {
	KEY_NONE = 0,
	KEY_UP = 256,
	KEY_DOWN,
	KEY_RIGHT,
	KEY_LEFT,
	KEY_HOME,
	KEY_END,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_ENTER,
	KEY_ESCAPE,
	KEY_BACKSPACE,
	KEY_OTHER /* a sequence that means nothing here */
};

/* Zero-initialise to start. */
struct key_reader {
	unsigned char held[64];
	size_t n;
};

/* Takes up to n bytes. Returns how many: fewer if it is full, until key_next has emptied it. */
size_t key_feed(struct key_reader *r, const void *bytes, size_t n);

/* The next key, or KEY_NONE if there is none, or only the beginning of a sequence. With `paused`, no more
 * bytes came for a while: ESC alone is the key Escape, and a sequence that was begun is dropped. */
int key_next(struct key_reader *r, bool paused);

/* Whether a sequence has begun, which the next bytes may complete. */
bool key_begun(const struct key_reader *r);

#endif
