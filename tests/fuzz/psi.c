#include <stdlib.h>

#include "proc/machine.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct psi p;

	if ((psi_parse((struct text){ (const char *)data, n }, &p) == 0) !=
	    (p.some.total_us.known || p.full.total_us.known))
		abort();
	return 0;
}
