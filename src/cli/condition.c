#include "cli/condition.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"

void
condition_wrong(const char *option, const char *source, const struct expr_error *e)
{
	size_t at = 0;

	for (size_t i = 0; i < e->at && source[i]; i++)
		/* not the later bytes of a character */
		at += ((unsigned char)source[i] & 0xc0) != 0x80;
	warn("%s: %s", option, e->message);
	fprintf(stderr, "  %s\n  %*s^\n", source, (int)at, "");
	exit((int)fail_status(EXIT_USAGE));
}

struct expr *
condition_parse(const char *option, const char *source, const struct expr_tool *tools, size_t n)
{
	struct expr_error e;
	struct expr *x = expr_parse(source, tools, n, &e);

	if (!x)
		condition_wrong(option, source, &e);
	return x;
}
