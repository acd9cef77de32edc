#include <stdlib.h>
#include <string.h>

#include "proc/maps.h"
#include "replay.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n }, rest = t, line;
	struct symbol s[3] = { { .address = 0x1000 }, { .address = 0x7f0000001234 },
		{ .address = UINT64_MAX } };
	struct mapping m;
	char path[64];

	while (text_line(&rest, &line)) {
		if (!mapping_parse(line, &m))
			continue;
		if (m.start >= m.end || m.path.n > line.n)
			abort();
		if (mapping_path(m.path, path, sizeof path) && !memchr(path, '\0', sizeof path))
			abort();
	}
	if (perf_map_parse(t, s, 3) > n)
		abort();
	for (int i = 0; i < 3; i++)
		if (!memchr(s[i].name, '\0', sizeof s[i].name))
			abort();
	return 0;
}
