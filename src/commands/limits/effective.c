/* effective: the least of all bounds, and whose it is. */
#include <math.h>
#include <stddef.h>

#include "commands/limits/limits.h"

double
known_or(struct keyed v, double otherwise)
{
	return v.known ? (double)v.v : otherwise;
}

double
known_or_nan(struct keyed v)
{
	return known_or(v, NAN);
}

double
cpus_or_nan(const struct cpu_count *c)
{
	return c->n > 0 ? (double)c->n : (double)NAN;
}

/* A lesser bound takes the place of the one before; one that is equal does not. */
static void
lower(struct bound *b, double value, const char *by, const char *level)
{
	if (isnan(value) || (!isnan(b->value) && value >= b->value))
		return;
	b->value = value;
	b->by = by;
	b->level = level;
}

static bool
is_uncertain(const struct chain *c)
{
	return c->error != 0 || c->hidden || c->scope == SCOPE_GUESS;
}

/* A cpuset holds for the levels below too, so the first that is as small as the last one set it. */
static void
lower_to_cpuset(struct bound *b, const struct chain *c)
{
	unsigned last = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].ncpus)
			last = c->v[i].ncpus;
	for (size_t i = 0; last && i < c->n; i++)
		if (c->v[i].ncpus == last) {
			lower(b, last, "cpuset", c->v[i].name);
			return;
		}
}

static struct bound
cpus(const struct limits *l)
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(&l->cpu) };

	lower(&b, cpus_or_nan(&l->online), "machine", NULL);
	lower_to_cpuset(&b, &l->cpuset);
	lower(&b, cpus_or_nan(&l->affinity), "affinity", NULL);
	for (size_t i = 0; i < l->cpu.n; i++) {
		const struct cpu_quota *q = &l->cpu.v[i].cpu.quota;
		lower(&b, q->limited ? q->cpus : NAN, "quota", l->cpu.v[i].name);
		b.at_most |= !q->known;
	}
	return b;
}

/* v1 tells of hidden levels too. */
static struct bound
memory(const struct limits *l)
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(&l->memory) };
	bool all_known = l->memory.tells_all && l->memory.scope != SCOPE_GUESS;

	lower(&b, known_or_nan(l->memory_total), "machine", NULL);
	for (size_t i = 0; i < l->memory.n; i++) {
		lower(&b, known_or_nan(l->memory.v[i].memory.max), "limit", l->memory.v[i].name);
		b.at_most |= l->memory.v[i].memory.unreadable;
	}
	lower(&b, known_or_nan(l->memory.all), "limit", "hidden");
	b.at_most &= !all_known;
	return b;
}

/* The least of one figure of all levels, below what the machine has. */
static struct bound
least(const struct chain *c, double machine, struct keyed (*of)(const struct level *))
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(c) };

	lower(&b, machine, "machine", NULL);
	for (size_t i = 0; i < c->n; i++)
		lower(&b, known_or_nan(of(&c->v[i])), "limit", c->v[i].name);
	return b;
}

static struct keyed
high_of(const struct level *l)
{
	return l->memory.high;
}

static struct keyed
swap_of(const struct level *l)
{
	return l->memory.swap;
}

static struct keyed
pids_of(const struct level *l)
{
	return l->pids.max;
}

struct effective
limits_effective(const struct limits *l)
{
	return (struct effective){
		.cpus = cpus(l),
		.memory = memory(l),
		.high = least(&l->memory, NAN, high_of),
		.swap = least(&l->memory, known_or_nan(l->swap_total), swap_of),
		.pids = least(&l->pids, NAN, pids_of),
	};
}
