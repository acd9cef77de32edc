#include <stdlib.h>
#include <string.h>

#include "proc/mountinfo.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text rest = { (const char *)data, n };
	struct arena a = { 0 };
	struct cgroup_mount m;

	while (mountinfo_next(&rest, &a, &m)) {
		if ((m.version != 1 && m.version != 2) || m.point[0] != '/')
			abort();
		if (strlen(m.root) + strlen(m.point) + strlen(m.super) > n)
			abort();
		comma_list_has(text_of(m.super), "cpu");
	}
	if (rest.n > 0)
		abort();
	arena_free(&a);
	return 0;
}
