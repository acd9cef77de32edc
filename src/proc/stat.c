#include "proc/stat.h"

#include <errno.h>
#include <limits.h>

/* What stands behind "cpu" in such a line: "0 14 0 102 …"; the sum over all CPUs has a blank
 * there. */
static bool
parse_cpu(struct text line, struct cpu_time *c)
{
	struct text word;
	uint64_t cpu;
	int n = 0;

	if (!text_word(&line, &word) || text_u64(word, &cpu) < 0 || cpu > INT_MAX)
		return false;
	*c = (struct cpu_time){ .cpu = (unsigned)cpu };
	while (n < CPU_FIELDS && text_word(&line, &word))
		if (text_u64(word, &c->ticks[n++]) < 0)
			return false;
	c->fields = n;
	return n > CPU_IDLE; /* Linux 2.4 had the first four; a line with fewer is torn */
}

int
stat_parse(struct text t, struct arena *a, struct stat_file *out)
{
	struct text line;
	size_t cap = 0;

	*out = (struct stat_file){ 0 };
	while (text_whole_line(&t, &line)) {
		if (text_skip(&line, "cpu")) {
			if (line.n == 0 || line.s[0] == ' ')
				continue;
			out->cpus = arena_grow(a, out->cpus, out->ncpus, &cap, sizeof *out->cpus);
			if (parse_cpu(line, &out->cpus[out->ncpus]))
				out->ncpus++;
		} else if (text_skip(&line, "procs_blocked ")) {
			out->has_blocked = text_u64(line, &out->blocked) == 0;
			break; /* after it comes softirq, and that is long */
		}
	}
	if (out->ncpus > 0 || out->has_blocked)
		return 0;
	errno = EINVAL;
	return -1;
}

int
stat_parse_blocked(struct text t, uint64_t *blocked)
{
	struct text line;

	while (text_whole_line(&t, &line))
		if (text_skip(&line, "procs_blocked "))
			return text_u64(line, blocked);
	errno = EINVAL;
	return -1;
}

int
stat_parse_forks(struct text t, uint64_t *forks)
{
	struct text line;

	while (text_whole_line(&t, &line))
		if (text_skip(&line, "processes ") && text_u64(line, forks) == 0 && *forks > 0)
			return 0;
	errno = EINVAL;
	return -1;
}

const struct cpu_time *
stat_find(const struct stat_file *f, unsigned cpu, size_t hint)
{
	for (size_t i = 0; i < f->ncpus; i++) {
		const struct cpu_time *c = &f->cpus[(hint + i) % f->ncpus];
		if (c->cpu == cpu)
			return c;
	}
	return NULL;
}
