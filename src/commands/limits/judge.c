/* effective: the least of all bounds, and whose it is. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/human.h"
#include "commands/limits/limits.h"
#include "commands/limits/runtimes.h"

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
least(const struct chain *c, double machine, struct keyed (*of)(const struct limits_level *))
{
	struct bound b = { .value = NAN, .at_most = is_uncertain(c) };

	lower(&b, machine, "machine", NULL);
	for (size_t i = 0; i < c->n; i++)
		lower(&b, known_or_nan(of(&c->v[i])), "limit", c->v[i].name);
	return b;
}

static struct keyed
high_of(const struct limits_level *l)
{
	return l->memory.high;
}

static struct keyed
swap_of(const struct limits_level *l)
{
	return l->memory.swap;
}

static struct keyed
pids_of(const struct limits_level *l)
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

/* judge: what each runtime believes, beside what the process may really use. */

static double
quota_of(const struct limits_level *v)
{
	const struct cpu_quota *q = &v->cpu.quota;

	return !q->known ? (double)NAN : q->limited ? q->cpus : (double)INFINITY;
}

static double
max_of(const struct limits_level *v)
{
	return v->memory.unreadable ? (double)NAN : known_or(v->memory.max, INFINITY);
}

/* The least of the levels that the process sees; unknown when one of them is. */
static double
least_seen(const struct chain *c, double (*of)(const struct limits_level *))
{
	double least = INFINITY;

	for (size_t i = c->first_seen; i < c->n; i++) {
		double v = of(&c->v[i]);
		if (isnan(v))
			return NAN;
		least = fmin(least, v);
	}
	return c->error ? (double)NAN : least;
}

static double
topmost_seen(const struct chain *c)
{
	for (size_t i = c->first_seen; i < c->n; i++)
		if (!isinf(quota_of(&c->v[i])))
			return quota_of(&c->v[i]);
	return c->error ? (double)NAN : (double)INFINITY;
}

static const struct limits_level *
leaf_seen(const struct chain *c)
{
	return c->first_seen < c->n ? &c->v[c->n - 1] : NULL;
}

/* Of a cgroup without a process: its cpuset. */
static double
affinity_of(const struct limits *l)
{
	if (l->affinity.n)
		return l->affinity.n;
	for (size_t i = l->cpuset.n; i > 0; i--)
		if (l->cpuset.v[i - 1].ncpus)
			return l->cpuset.v[i - 1].ncpus;
	return cpus_or_nan(&l->online);
}

static struct sight
sight_of(const struct limits *l)
{
	const struct limits_level *cpu = leaf_seen(&l->cpu), *memory = leaf_seen(&l->memory);
	double no_cpu = l->cpu.error ? (double)NAN : (double)INFINITY,
	       no_memory = l->memory.error ? (double)NAN : (double)INFINITY;

	return (struct sight){
		.online = cpus_or_nan(&l->online),
		.affinity = affinity_of(l),
		.leaf = cpu ? quota_of(cpu) : no_cpu,
		.least = least_seen(&l->cpu, quota_of),
		.topmost = topmost_seen(&l->cpu),
		.own_max = memory ? max_of(memory) : no_memory,
		.own_high = memory ? known_or(memory->memory.high, INFINITY) : no_memory,
		.least_max = least_seen(&l->memory, max_of),
		.all_max =
		    memory && l->memory.tells_all ? known_or(l->memory.all, INFINITY) : no_memory,
		.machine = known_or_nan(l->memory_total),
		.cpu_version = l->cpu.version,
		.memory_version = l->memory.version,
	};
}

/* The variable that the line to set names, when it is set already: the last one found counts. */
static const struct setting *
given(const struct limits_process *p, const char *set)
{
	const struct setting *found = NULL;

	for (size_t i = 0; i < p->nsettings; i++) {
		const struct setting *s = &p->settings[i];
		size_t n = strlen(s->name);
		if (s->option ? strcmp(s->option, set) == 0 :
				strncmp(s->name, set, n) == 0 && strcmp(set + n, "=") == 0)
			found = s;
	}
	return found;
}

static bool
by_quota(const struct effective *e)
{
	return e->cpus.by && strcmp(e->cpus.by, "quota") == 0;
}

/* Why it takes more than the limit. */
static const char *
why_more(const struct runtime *r, const struct sight *s, const struct effective *e,
    const struct opinion *o)
{
	if (o->given)
		return "it is set to that";
	if (r->looks == LOOKS_FIXED)
		return r->over;
	if (!by_quota(e))
		return "ignores the affinity";
	if (r->looks == LOOKS_NOWHERE || (r->looks == LOOKS_AT_TOPMOST && s->cpu_version == 1))
		return "ignores the quota";
	if (r->looks == LOOKS_AT_LEAF && s->leaf > e->cpus.value)
		return s->least > e->cpus.value ? "cannot see that level" : "ignores levels above";
	if (r->looks == LOOKS_AT_ALL || s->least > e->cpus.value)
		return "cannot see that level";
	return r->over ? r->over : "asks another level";
}

static void
judge_cpus(
    const struct runtime *r, const struct sight *s, const struct effective *e, struct opinion *o)
{
	const double limit = e->cpus.value, whole = fmax(1, floor(limit));
	bool by_itself = o->given || r->looks == LOOKS_FIXED || r->looks == LOOKS_NOWHERE;

	if (isnan(o->believed) || isnan(limit)) {
		o->why = "not known";
	} else if (o->believed <= 1 && limit < 1) {
		o->fit = FIT_LEAST;
		o->why = "1 is the least";
	} else if (r->looks == LOOKS_FIXED && !o->given && !by_quota(e)) {
		/* a few more threads than CPUs do no harm where there is no quota to use up */
		o->fit = FIT_RIGHT;
		o->why = r->over;
	} else if (o->believed > limit && (by_itself || o->believed > ceil(limit))) {
		o->fit = FIT_MORE;
		o->why = why_more(r, s, e, o);
	} else if (o->believed > limit) {
		o->fit = FIT_UP;
		o->why = "rounds up";
	} else if (isnan(s->leaf)) {
		o->why = "the quota is unknown";
	} else if (o->believed < whole && r->looks != LOOKS_FIXED) {
		o->fit = FIT_FEWER;
		o->why = o->given ? "it is set to that" : "fewer than it may";
	} else {
		o->fit = o->believed < limit && r->looks != LOOKS_FIXED ? FIT_DOWN : FIT_RIGHT;
		o->why = o->fit == FIT_DOWN ? "rounds down" : "right";
	}
}

static struct opinion
on_cpus(struct arena *a, const struct runtime *r, const struct sight *s, const struct limits *l,
    const struct effective *e)
{
	struct opinion o = { .key = r->key,
		.name = r->name,
		.believed = r->cpus(s),
		.given = given(&l->process, r->set) };
	double most = fmax(r->at_least, floor(e->cpus.value));
	uint64_t n;

	if (o.given && text_u64(text_of(o.given->value), &n) == 0 && n > 0)
		o.believed = (double)n;
	else
		o.given = NULL;
	judge_cpus(r, s, e, &o);
	if (o.fit == FIT_UP || o.fit == FIT_FEWER || (o.fit == FIT_MORE && o.believed > most))
		o.set = arena_printf(a, "%s%.0f%s", r->set, most, r->behind);
	return o;
}

/* What the process may have before it is slowed down or killed. */
static double
room_of(const struct effective *e)
{
	return isnan(e->high.value) ? e->memory.value : fmin(e->memory.value, e->high.value);
}

static void
judge_memory(struct arena *a, double seen, double room, bool limited, struct opinion *o)
{
	char size[HUMAN_MOST];

	if (isnan(o->believed) || isnan(room)) {
		o->why = "not known";
		return;
	}
	o->fit = o->believed > room && limited ? FIT_MORE : FIT_RIGHT;
	if (isinf(o->believed) && !limited)
		o->why = "no limit to keep to";
	else if (isinf(o->believed))
		o->why = "no bound of its own";
	else if (o->fit == FIT_MORE)
		o->why = seen > room ? "ignores that limit" : "more than the limit";
	else
		o->why = arena_printf(
		    a, "%.0f %% of %s", o->believed / seen * 100, human_size(seen, size));
}

/* Where no cgroup sets a limit, the memory is everybody's, and there is nothing to hold to. */
static struct opinion
on_memory(struct arena *a, const struct memory_rule *r, const struct sight *s,
    const struct effective *e, double share)
{
	double seen = r->seen(s), room = room_of(e);
	bool limited = e->memory.level || e->high.level;
	struct opinion o = { .key = r->key, .name = r->name, .believed = r->heap(seen) };

	judge_memory(a, seen, room, limited, &o);
	if (o.fit != FIT_UNKNOWN && limited)
		o.set = r->set(a, room, o.believed, seen, share);
	return o;
}

struct opinions
runtimes_judge(struct arena *a, const struct limits *l, const struct effective *e, double share)
{
	struct opinions out = { 0 };
	struct sight s = sight_of(l);

	while (rules_cpus[out.ncpus].key)
		out.ncpus++;
	while (rules_memory[out.nmemory].key)
		out.nmemory++;
	out.cpus = arena_alloc(a, out.ncpus * sizeof *out.cpus);
	out.memory = arena_alloc(a, out.nmemory * sizeof *out.memory);
	for (size_t i = 0; i < out.ncpus; i++)
		out.cpus[i] = on_cpus(a, &rules_cpus[i], &s, l, e);
	for (size_t i = 0; i < out.nmemory; i++)
		out.memory[i] = on_memory(a, &rules_memory[i], &s, e, share);
	return out;
}

const char *
fit_name(enum fit v)
{
	static const char *const names[] = { NULL, "right", "least", "rounds down", "fewer",
		"rounds up", "more" };

	return names[v];
}
