#include "base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool
terminal_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *value = NULL;

	for (size_t i = 0; i < sizeof names / sizeof *names && !(value && *value); i++)
		value = getenv(names[i]);
	const char *charset = value ? strchr(value, '.') : NULL;
	return charset &&
	    (strncasecmp(charset, ".utf-8", 6) == 0 || strncasecmp(charset, ".utf8", 5) == 0);
}

bool
terminal_obeys(void)
{
	const char *term = getenv("TERM");

	return term && *term && strcmp(term, "dumb") != 0;
}

bool
terminal_colours(void)
{
	const char *no = getenv("NO_COLOR");

	return !no || !*no;
}
