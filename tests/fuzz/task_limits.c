#include <stdlib.h>
#include <string.h>

#include "proc/cpulist.h"
#include "proc/task.h"
#include "replay.h"

static void
is_inside(struct text whole, struct text part)
{
	if (part.n > 0 && (part.s < whole.s || part.s + part.n > whole.s + whole.n))
		abort();
}

/* What is printed reads back as the same. */
static void
check_list(struct text t)
{
	struct cpulist l, again;
	static char out[CPULIST_MOST * 5];

	if (cpulist_parse(t, &l) < 0)
		return;
	if (!cpulist_print(&l, out, sizeof out) || cpulist_parse(text_of(out), &again) < 0 ||
	    memcmp(&l, &again, sizeof l) != 0)
		abort();
	cpulist_print(&l, out, 16);
	if (strlen(out) > 15)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n }, value, option;
	struct rlimits limits;

	if (rlimits_parse(t, &limits) == 0 && !limits.files.known && !limits.processes.known)
		abort();
	if (environ_find(t, "JAVA_TOOL_OPTIONS", &value)) {
		is_inside(t, value);
		if (environ_option(value, "-XX:ActiveProcessorCount=", &option))
			is_inside(value, option);
	}
	check_list(t);
	return 0;
}
