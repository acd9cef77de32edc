#include <stdlib.h>

#include "proc/mountinfo.h"
#include "replay.h"

static void
find(struct text t, const char *controller)
{
	struct text path;
	int version = pidcgroup_find(t, controller, &path);

	if (version == 0)
		return;
	if (path.n == 0 || path.s[0] != '/' || path.s < t.s || path.s + path.n > t.s + t.n)
		abort();
	if (version != 2 && (version != 1 || !controller))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };

	find(t, "cpu");
	find(t, "memory");
	find(t, NULL);
	return 0;
}
