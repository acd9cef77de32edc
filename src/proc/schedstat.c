#include "proc/schedstat.h"

#include <errno.h>
#include <limits.h>

static bool
parse_cpu(struct text line, struct cpu_sched *c)
{
	struct text word;
	uint64_t cpu, skipped;

	if (!text_word(&line, &word) || text_u64(word, &cpu) < 0 || cpu > INT_MAX)
		return false;
	for (int i = 0; i < 6; i++)
		if (text_next_u64(&line, &skipped) < 0)
			return false;
	c->cpu = (unsigned)cpu;
	return text_next_u64(&line, &c->run_ns) == 0 && text_next_u64(&line, &c->delay_ns) == 0 &&
	    text_next_u64(&line, &c->runs) == 0;
}

int
schedstat_parse(struct text t, struct arena *a, struct schedstat *out)
{
	struct text line;
	size_t cap = 0;

	*out = (struct schedstat){ 0 };
	while (text_whole_line(&t, &line)) {
		if (!text_skip(&line, "cpu"))
			continue;
		out->cpus = arena_grow(a, out->cpus, out->ncpus, &cap, sizeof *out->cpus);
		if (parse_cpu(line, &out->cpus[out->ncpus]))
			out->ncpus++;
	}
	if (out->ncpus > 0)
		return 0;
	errno = EINVAL;
	return -1;
}

const struct cpu_sched *
schedstat_find(const struct schedstat *s, unsigned cpu, size_t hint)
{
	for (size_t i = 0; i < s->ncpus; i++) {
		const struct cpu_sched *c = &s->cpus[(hint + i) % s->ncpus];
		if (c->cpu == cpu)
			return c;
	}
	return NULL;
}
