#include "commands/who/taken.h"

static double
grew(const struct cpu_time *from, const struct cpu_time *to, int field)
{
	return to->ticks[field] > from->ticks[field] ?
	    (double)(to->ticks[field] - from->ticks[field]) :
	    0;
}

/* user has the time of guests in it. */
static void
tell(struct blame *b, const struct cpu_time *from, const struct cpu_time *to)
{
	double all = 0;

	for (int f = STAT_USER; f <= STAT_STEAL; f++)
		all += grew(from, to, f);
	if (all > 0)
		blame_taken(b, to->cpu,
		    (grew(from, to, STAT_IRQ) + grew(from, to, STAT_SOFTIRQ)) / all,
		    grew(from, to, STAT_STEAL) / all);
}

void
taken_read(struct taken_times *t, struct host *h, struct blame *b)
{
	const struct stat_file before = t->last;
	struct text text;

	t->now ^= 1;
	arena_reset(&t->arena[t->now]);
	t->last = (struct stat_file){ .ncpus = 0 };
	t->known = host_read(h, "proc/stat", &text) == 0 &&
	    stat_parse(text, &t->arena[t->now], &t->last) == 0 && before.ncpus > 0 &&
	    t->last.cpus[0].fields > STAT_STEAL;
	for (size_t i = 0; i < t->last.ncpus; i++) {
		const struct cpu_time *to = &t->last.cpus[i],
				      *from = stat_find(&before, to->cpu, i);
		if (t->known && from)
			tell(b, from, to);
	}
}

void
taken_free(struct taken_times *t)
{
	for (int i = 0; i < 2; i++)
		arena_free(&t->arena[i]);
}
