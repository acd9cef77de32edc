#include "cpulist.h"

#include <errno.h>

static int
fail(int error)
{
	errno = error;
	return -1;
}

void
cpulist_add(struct cpulist *l, unsigned cpu)
{
	if (cpu < CPULIST_MOST)
		l->bits[cpu / 64] |= (uint64_t)1 << cpu % 64;
}

static int
add_range(struct text range, struct cpulist *l)
{
	struct text first;
	uint64_t from, to;
	size_t n = range.n;

	if (!text_split(&range, '-', &first) || text_u64(first, &from) < 0)
		return fail(EINVAL);
	to = from;
	if (first.n < n && text_u64(range, &to) < 0)
		return fail(EINVAL);
	if (to >= CPULIST_MOST)
		return fail(ERANGE);
	if (to < from)
		return fail(EINVAL);
	for (; from <= to; from++)
		cpulist_add(l, (unsigned)from);
	return 0;
}

int
cpulist_parse(struct text t, struct cpulist *out)
{
	struct text range;

	*out = (struct cpulist){ 0 };
	if (t.n == 0 || t.s[t.n - 1] == ',')
		return fail(EINVAL);
	while (text_split(&t, ',', &range))
		if (add_range(range, out) < 0)
			return -1;
	return 0;
}

bool
cpulist_has(const struct cpulist *l, unsigned cpu)
{
	return cpu < CPULIST_MOST && (l->bits[cpu / 64] >> cpu % 64 & 1);
}
