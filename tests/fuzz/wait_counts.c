#include <stdlib.h>

#include "proc/wait_counts.h"
#include "replay.h"

/* What was understood, printed and read again, is the same. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char source[RUNQLAT_SOURCE], again[RUNQLAT_SOURCE];
	struct runqlat_counts c, d;
	struct buf b = { 0 }, e = { 0 };

	if (runqlat_parse((struct text){ (const char *)data, n }, &c, source) < 0)
		return 0;
	if (runqlat_print(&c, source, &b) < 0 ||
	    runqlat_parse((struct text){ b.s, b.n }, &d, again) < 0 ||
	    runqlat_print(&d, again, &e) < 0 ||
	    !text_same((struct text){ b.s, b.n }, (struct text){ e.s, e.n }))
		abort();
	if (!(runqlat_quantile(&c, 0.5) <= runqlat_quantile(&c, 0.99)) && c.waits > 0)
		abort();
	buf_free(&b);
	buf_free(&e);
	return 0;
}
