#include "base/printable.h"

#include <stdbool.h>

size_t
utf8_length(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t n = *s < 0x80        ? 1 :
	    *s >= 0xc2 && *s < 0xe0 ? 2 :
	    *s >= 0xe0 && *s < 0xf0 ? 3 :
	    *s >= 0xf0 && *s < 0xf5 ? 4 :
				      0;

	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* overlong, a surrogate, or beyond Unicode */
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* Whether a terminal would obey the character, or it is not UTF-8 (n is 0): U+0000 to U+001F,
 * U+007F, and U+0080 to U+009F. */
static bool
is_control(const char *s, size_t n)
{
	unsigned char c = (unsigned char)*s;

	return n == 0 || c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0);
}

size_t
printable_length(const char *s)
{
	size_t at = 0;

	for (;;) {
		while (s[at] >= ' ' && s[at] < 0x7f)
			at++;
		size_t n = utf8_length(s + at);
		if (is_control(s + at, n))
			return at;
		at += n;
	}
}

const char *
printable_octal(char out[5], char c)
{
	unsigned char u = (unsigned char)c;

	out[0] = '\\';
	out[1] = (char)('0' + (u >> 6));
	out[2] = (char)('0' + (u >> 3 & 7));
	out[3] = (char)('0' + (u & 7));
	out[4] = '\0';
	return out;
}
