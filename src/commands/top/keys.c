#include "commands/top/keys.h"

#include <string.h>

enum { ESC = 0x1b, SEQUENCE_MOST = 32 };

size_t
key_feed(struct key_reader *r, const void *bytes, size_t n)
{
	size_t room = sizeof r->held - r->n;

	n = n < room ? n : room;
	if (n > 0)
		memcpy(r->held + r->n, bytes, n);
	r->n += n;
	return n;
}

bool
key_begun(const struct key_reader *r)
{
	return r->n > 0;
}

static int
take(struct key_reader *r, size_t n, int key)
{
	r->n -= n;
	memmove(r->held, r->held + n, r->n);
	return key;
}

static int
plain(unsigned char c)
{
	switch (c) {
	case '\r':
	case '\n':
		return KEY_ENTER;
	case 0x7f:
	case '\b':
		return KEY_BACKSPACE;
	case 0:
		return KEY_OTHER;
	default:
		return c;
	}
}

/* The key of "ESC [ A" and "ESC O A". */
static int
of_letter(unsigned char c)
{
	static const char letters[] = "ABCDHF";
	static const int keys[] = { KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT, KEY_HOME, KEY_END };
	const char *at = strchr(letters, c);

	return c && at ? keys[at - letters] : KEY_OTHER;
}

/* The key of "ESC [ 5 ~", and with a modifier "ESC [ 5 ; 2 ~". */
static int
of_number(const unsigned char *digits)
{
	static const int keys[] = { KEY_OTHER, KEY_HOME, KEY_OTHER, KEY_BACKSPACE, KEY_END,
		KEY_PAGE_UP, KEY_PAGE_DOWN, KEY_HOME, KEY_END };
	bool one = digits[0] >= '0' && digits[0] <= '8' && (digits[1] < '0' || digits[1] > '9');

	return one ? keys[digits[0] - '0'] : KEY_OTHER;
}

/* "ESC [", parameters, and a last byte. One that is too long, or that has a byte which no sequence has, is
 * none: its first two bytes are dropped. */
static int
of_sequence(struct key_reader *r, bool paused)
{
	size_t at = 2;

	while (at < r->n && at < SEQUENCE_MOST && r->held[at] >= 0x20 && r->held[at] < 0x40)
		at++;
	if (at == r->n && at < SEQUENCE_MOST)
		return paused ? take(r, r->n, KEY_OTHER) : KEY_NONE;
	unsigned char last = r->held[at];
	if (at == SEQUENCE_MOST || last < 0x40 || last > 0x7e)
		return take(r, 2, KEY_OTHER);
	return take(r, at + 1, last == '~' ? of_number(r->held + 2) : of_letter(last));
}

static int
of_escape(struct key_reader *r, bool paused)
{
	if (r->n == 1)
		return paused ? take(r, 1, KEY_ESCAPE) : KEY_NONE;
	switch (r->held[1]) {
	case '[':
		return of_sequence(r, paused);
	case 'O':
		if (r->n == 2)
			return paused ? take(r, 2, KEY_OTHER) : KEY_NONE;
		return take(r, 3, of_letter(r->held[2]));
	case ESC:
		return take(r, 1, KEY_ESCAPE);
	default:
		return take(r, 2, KEY_OTHER); /* Alt and a key */
	}
}

int
key_next(struct key_reader *r, bool paused)
{
	if (r->n == 0)
		return KEY_NONE;
	if (r->held[0] == ESC)
		return of_escape(r, paused);
	return take(r, 1, plain(r->held[0]));
}
