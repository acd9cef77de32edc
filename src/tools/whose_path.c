/* Paths of tasks: built by hand, as there are some thousand of them in a row. */
#include <string.h>

#include "tools/targets.h"

static char *
put_number(char *p, uint32_t v)
{
	char digits[10];
	int n = 0;

	do
		digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

static char *
put(char *p, const char *s)
{
	size_t n = strlen(s);

	memcpy(p, s, n);
	return p + n;
}

const char *
whose_path(char out[64], uint32_t pid, uint32_t tid, const char *file)
{
	char *p = put_number(put(out, "proc/"), pid);

	if (tid)
		p = put_number(put(p, "/task/"), tid);
	*put(p, file) = '\0';
	return out;
}
