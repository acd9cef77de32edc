/* Parsing, printing and counting a set of CPUs. */
#include "proc/cpulist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fail.h"

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
		return fail_with(EINVAL);
	to = from;
	if (first.n < n && text_u64(range, &to) < 0)
		return fail_with(EINVAL);
	if (to >= CPULIST_MOST)
		return fail_with(ERANGE);
	if (to < from)
		return fail_with(EINVAL);
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
		return fail_with(EINVAL);
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

unsigned
cpulist_count(const struct cpulist *l)
{
	unsigned n = 0;

	for (size_t i = 0; i < CPULIST_MOST / 64; i++)
		for (uint64_t bits = l->bits[i]; bits; bits &= bits - 1)
			n++;
	return n;
}

bool
cpulist_print(const struct cpulist *l, char *out, size_t n)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++) {
		char range[32];
		unsigned last = cpu;
		if (!cpulist_has(l, cpu))
			continue;
		while (cpulist_has(l, last + 1))
			last++;
		size_t more = (size_t)(last > cpu ?
			snprintf(range, sizeof range, "%s%u-%u", used ? "," : "", cpu, last) :
			snprintf(range, sizeof range, "%s%u", used ? "," : "", cpu));
		if (used + more + sizeof "..." > n) {
			memcpy(out + used, "...", sizeof "...");
			return false;
		}
		memcpy(out + used, range, more + 1);
		used += more;
		cpu = last;
	}
	return true;
}
