#include <stdlib.h>

#include "proc/wait_counts.h"
#include "replay.h"

/* What was understood, printed and read again, is the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char source[WAIT_COUNTS_SOURCE], again[WAIT_COUNTS_SOURCE];
	struct wait_counts c, d;
	struct buf b = { 0 }, e = { 0 };

	if (wait_counts_parse((struct text){ (const char *)data, n }, &c, source) < 0)
		return 0;
	if (wait_counts_print(&c, source, &b) < 0 ||
	    wait_counts_parse((struct text){ b.s, b.n }, &d, again) < 0 ||
	    wait_counts_print(&d, again, &e) < 0 ||
	    !text_same((struct text){ b.s, b.n }, (struct text){ e.s, e.n }))
		abort();
	if (!(wait_counts_quantile(&c, 0.5) <= wait_counts_quantile(&c, 0.99)) && c.waits > 0)
		abort();
	buf_free(&b);
	buf_free(&e);
	return 0;
}
