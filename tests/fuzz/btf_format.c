#include <stdlib.h>

#include "bpf/btf.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct format_field f;
	uint32_t id;

	if (format_field(t, "next_pid", &f) == 0 && f.offset + f.size > INT16_MAX)
		abort();
	format_field(t, "prev_state", &f);
	format_id(t, &id);
	return 0;
}
