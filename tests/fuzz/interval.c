#include <stdlib.h>

#include "cli/values.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	int64_t ns = 0;

	if (interval_parse((struct text){ (const char *)data, n }, &ns) == 0 &&
	    (ns < 1000000 || ns > 31 * INT64_C(86400000000000)))
		abort();
	return 0;
}
