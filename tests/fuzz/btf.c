#include <stdlib.h>

#include "bpf/btf.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct btf_member m;
	struct btf b;
	uint32_t id;

	if (btf_parse((struct text){ (const char *)data, n }, &b) < 0)
		return 0;
	if (btf_find(&b, BTF_STRUCT, "task_struct", &id) == 0 &&
	    btf_member(&b, id, "deep", &m) == 0 && m.offset > INT16_MAX)
		abort();
	if (btf_find(&b, BTF_TYPEDEF, "btf_trace_sched_switch", &id) == 0)
		btf_params(&b, id);
	for (id = 0; id <= b.n + 1 && id < 100; id++)
		btf_member(&b, id, "pid", &m);
	btf_free(&b);
	return 0;
}
