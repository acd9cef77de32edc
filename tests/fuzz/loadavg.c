#include <stdlib.h>

#include "proc/machine.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct loadavg l;

	if (loadavg_parse((struct text){ (const char *)data, n }, &l) == 0)
		for (int i = 0; i < 3; i++)
			if (!(l.load[i] >= 0))
				abort();
	return 0;
}
