/* runtimes: what the runtimes of the rules make of the limits of this process or cgroup. */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "commands/limits/rules.h"

/* ---- What a runtime in the place of the process sees */

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

/* The lowest of the levels that the process sees; NaN if one of them is unknown. */
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
mount_seen(const struct chain *c)
{
	return c->first_seen < c->n ? &c->v[c->first_seen] : NULL;
}

static const struct limits_level *
leaf_seen(const struct chain *c)
{
	return c->first_seen < c->n ? &c->v[c->n - 1] : NULL;
}

/* The affinity of the process; for a cgroup its cpuset. */
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
	const struct limits_level *cpu = leaf_seen(&l->cpu), *memory = leaf_seen(&l->memory),
				  *top = mount_seen(&l->cpu), *top_memory = mount_seen(&l->memory);
	double no_cpu = l->cpu.error ? (double)NAN : (double)INFINITY,
	       no_memory = l->memory.error ? (double)NAN : (double)INFINITY;

	return (struct sight){
		.online = cpus_or_nan(&l->online),
		.affinity = affinity_of(l),
		.leaf = cpu ? quota_of(cpu) : no_cpu,
		.least = least_seen(&l->cpu, quota_of),
		.topmost = topmost_seen(&l->cpu),
		.mount = top ? quota_of(top) : no_cpu,
		.own_max = memory ? max_of(memory) : no_memory,
		.own_high = memory ? known_or(memory->memory.high, INFINITY) : no_memory,
		.mount_max = top_memory ? max_of(top_memory) : no_memory,
		.least_max = least_seen(&l->memory, max_of),
		.all_max =
		    memory && l->memory.tells_all ? known_or(l->memory.all, INFINITY) : no_memory,
		.machine = known_or_nan(l->memory_total),
		.cpu_version = l->cpu.version,
		.memory_version = l->memory.version,
		.cpu_point = l->cpu.point,
	};
}

/* What this runtime looks at in the version of this hierarchy. */
static enum looks
looks_of(const struct runtime *r, const struct sight *s)
{
	if (s->cpu_version != 1)
		return r->looks;
	if (r->v2_only || (r->v1_mount && s->cpu_point && strcmp(s->cpu_point, r->v1_mount) != 0))
		return LOOKS_NOWHERE;
	return r->v1_leaf ? LOOKS_AT_LEAF : r->looks;
}

/* A runtime that does not read the files of v1 sees no quota there. */
static struct sight
sight_for(const struct runtime *r, const struct sight *s)
{
	struct sight seen = *s;

	seen.looks = looks_of(r, s);
	if (seen.looks == LOOKS_NOWHERE && r->looks != LOOKS_NOWHERE)
		seen.leaf = seen.least = seen.topmost = seen.mount = INFINITY;
	return seen;
}

static bool
is_setting(const struct setting *s, const char *set)
{
	size_t n = strlen(s->name);

	if (!set)
		return false;
	return s->option ? strcmp(s->option, set) == 0 :
			   strncmp(s->name, set, n) == 0 && strcmp(set + n, "=") == 0;
}

/* The variable in `set`, "GOMAXPROCS=", or in its other spelling (or NULL), if the environment has
 * it. Of several the last one: in one variable by place. */
static const struct setting *
given(const struct limits_process *p, const char *set, const char *other)
{
	const struct setting *found = NULL;

	for (size_t i = 0; i < p->nsettings; i++) {
		const struct setting *s = &p->settings[i];
		if (!is_setting(s, set) && !is_setting(s, other))
			continue;
		if (!found || strcmp(found->name, s->name) != 0 || s->at > found->at)
			found = s;
	}
	return found;
}

static bool
by_quota(const struct effective *e)
{
	return e->cpus.by && strcmp(e->cpus.by, "quota") == 0;
}

/* Why it assumes more than the limit. */
static const char *
why_more(const struct runtime *r, const struct sight *s, const struct effective *e,
    const struct opinion *o)
{
	if (o->given)
		return "set explicitly";
	if (s->looks == LOOKS_FIXED)
		return r->over;
	if (!by_quota(e))
		return o->believed > s->online ? "ignores the machine" : "ignores the affinity";
	if (s->looks == LOOKS_NOWHERE)
		return "ignores the quota";
	if (s->looks == LOOKS_AT_LEAF && s->leaf > e->cpus.value)
		return s->least > e->cpus.value ? "cannot see that level" : "ignores parent levels";
	if (s->looks == LOOKS_AT_ALL || s->least > e->cpus.value)
		return "cannot see that level";
	if (s->looks == LOOKS_AT_TOPMOST && s->topmost >= 1)
		return "reads another level";
	return r->over ? r->over : "reads another level";
}

/* o->believed is in CPUs here. */
static void
judge_cpus(
    const struct runtime *r, const struct sight *s, const struct effective *e, struct opinion *o)
{
	const double limit = e->cpus.value, whole = quota_threads(limit);
	bool by_itself = o->given || s->looks == LOOKS_FIXED || s->looks == LOOKS_NOWHERE;

	if (isnan(o->believed) || isnan(limit)) {
		o->why = "unknown";
	} else if (o->believed <= 1 && limit < 1) {
		o->fit = FIT_LEAST;
		o->why = "1 is the minimum";
	} else if (s->looks == LOOKS_FIXED && !o->given && !by_quota(e)) {
		/* without a quota, a few more threads than CPUs do no harm */
		o->fit = FIT_RIGHT;
		o->why = r->over;
	} else if (o->believed > limit && (by_itself || o->believed > ceil(limit))) {
		o->fit = FIT_MORE;
		o->why = why_more(r, s, e, o);
	} else if (o->believed > limit) {
		o->fit = FIT_UP;
		o->why = "rounds up";
	} else if (isnan(s->leaf)) {
		o->why = "quota unknown";
	} else if (o->believed < whole && s->looks != LOOKS_FIXED) {
		o->fit = FIT_FEWER;
		o->why = o->given ? "set explicitly" : "below the limit";
	} else {
		o->fit = o->believed < limit && s->looks != LOOKS_FIXED ? FIT_DOWN : FIT_RIGHT;
		o->why = o->fit == FIT_DOWN ? "rounds down" : "right";
	}
}

static const char *
looks_name(enum looks v)
{
	static const char *const names[] = { [LOOKS_FIXED] = "nothing",
		[LOOKS_NOWHERE] = "CPUs only",
		[LOOKS_AT_LEAF] = "own cgroup",
		[LOOKS_AT_ALL] = "all levels",
		[LOOKS_AT_TOPMOST] = "topmost limit",
		[LOOKS_AT_MOUNT] = "top of the mount" };

	return names[v];
}

static struct opinion
on_cpus(struct arena *a, const struct runtime *r, const struct sight *sight, const struct limits *l,
    const struct effective *e)
{
	const struct sight seen = sight_for(r, sight), *s = &seen;
	struct opinion o = { .rule = &r->about,
		.believed = r->cpus(s),
		.looks = looks_name(s->looks),
		.sets = r->set->before,
		.given = given(&l->process, r->set->before, NULL) };
	double most = fmax(r->set->at_least, quota_threads(e->cpus.value));
	uint64_t n;

	if (o.given && text_u64(text_of(o.given->value), &n) == 0 && n > 0)
		o.believed = (double)n;
	else
		o.given = NULL;
	judge_cpus(r, s, e, &o);
	if (o.fit == FIT_UP || o.fit == FIT_FEWER || (o.fit == FIT_MORE && o.believed > most))
		o.set = arena_printf(a, "%s%.0f%s", r->set->before, most, r->set->after);
	o.note = r->note && !isnan(o.believed) ? r->note(s, o.believed) : NULL;
	if (r->threads && !o.given)
		o.believed = isnan(o.believed) ? o.believed : r->threads(o.believed);
	return o;
}

/* The memory that the process may use before it is slowed down or killed. */
static double
room_of(const struct effective *e)
{
	return isnan(e->high.value) ? e->memory.value : fmin(e->memory.value, e->high.value);
}

static const char *
why_heap(struct arena *a, double seen, double room, bool limited, const struct opinion *o)
{
	char size[HUMAN_MOST];

	if (room <= 0)
		return "nothing fits in 0";
	if (isinf(o->believed) && !limited)
		return "no limit is set";
	if (o->given)
		return "set explicitly";
	if (isinf(o->believed))
		return "no bound by default";
	if (o->fit == FIT_MORE && o->believed < room)
		return "no room beside it";
	if (o->fit == FIT_MORE && o->believed == room)
		return "all of the limit";
	if (o->fit == FIT_MORE)
		return seen > room ? "ignores that limit" : "above the limit";
	return arena_printf(a, "%.0f %% of %s", o->believed / seen * 100, human_size(seen, size));
}

/* A heap that leaves no room for the rest of the process is too large. */
static void
judge_memory(
    struct arena *a, double seen, double room, bool limited, double beside, struct opinion *o)
{
	if (isnan(o->believed) || isnan(room)) {
		o->why = o->given ? "setting is not valid" : "unknown";
		return;
	}
	bool more = limited ? o->believed + beside >= room :
			      o->given && isfinite(o->believed) && o->believed > room;
	o->fit = more ? FIT_MORE : FIT_RIGHT;
	o->why = why_heap(a, seen, room, limited, o);
}

/* The heap that the environment sets; 0: it sets none. */
static double
heap_given(const struct memory_rule *r, const struct limits_process *p, double seen,
    const struct setting **by)
{
	for (int i = 0; i < 2 && r->settings[i].bytes; i++) {
		const struct heap_setting *s = &r->settings[i];
		*by = given(p, s->names[0], s->names[1]);
		double bytes = *by ? s->bytes(text_of((*by)->value), seen) : 0;
		if (bytes != 0)
			return bytes;
	}
	*by = NULL;
	return 0;
}

/* Without a memory limit, or with a setting that fits, no other setting is needed. */
static struct opinion
on_memory(struct arena *a, const struct memory_rule *r, const struct sight *s,
    const struct limits *l, const struct effective *e, double share)
{
	double seen = r->seen(s), room = room_of(e);
	bool limited = e->memory.level || e->high.level;
	struct opinion o = { .rule = &r->about, .believed = r->heap(seen) };
	/* a percentage is of the machine's memory where no limit is seen */
	double set = heap_given(r, &l->process, fmin(seen, s->machine), &o.given);

	o.believed = o.given ? set : o.believed;
	judge_memory(a, seen, room, limited, r->beside, &o);
	if (o.fit != FIT_UNKNOWN && room > 0 && (o.given ? o.fit == FIT_MORE : limited))
		o.set = r->set(a, room, &o, seen, share);
	return o;
}

static const struct detected *
find_detected(const struct limits *l, const char *key, int table)
{
	const struct limits_program *p = &l->program;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].key, key) == 0 && (p->v[i].tables & table))
			return &p->v[i];
	return NULL;
}

const char *
runtimes_threads(const struct limits_program *p)
{
	for (size_t i = 0; i < p->n; i++)
		for (const struct runtime *r = rules_cpus; r->about.key; r++)
			if (r->comm && strcmp(r->about.key, p->v[i].key) == 0)
				return r->comm;
	return NULL;
}

/* What the process has taken up of the limits since it started, where that shows: some runtimes
 * follow a quota that changes, and some start a thread for each CPU, with a name. */
static void
compare_with_start(const struct runtime *r, const struct limits_process *p, struct opinion *o)
{
	if (r->comm && p->workers.known && p->workers.v > 0)
		o->running = p->workers;
	if (r->about.follows && !o->given)
		o->restart = RESTART_NOT;
	else if (o->running.known && r->looks != LOOKS_FIXED && !isnan(o->believed))
		o->restart = (double)o->running.v == o->believed ? RESTART_NOT : RESTART_NEEDED;
}

struct opinions
runtimes_judge(struct arena *a, const struct limits *l, const struct effective *e, double share)
{
	struct opinions out = { 0 };
	struct sight s = sight_of(l);

	while (rules_cpus[out.ncpus].about.key)
		out.ncpus++;
	while (rules_memory[out.nmemory].about.key)
		out.nmemory++;
	out.cpus = arena_alloc(a, out.ncpus * sizeof *out.cpus);
	out.memory = arena_alloc(a, out.nmemory * sizeof *out.memory);
	for (size_t i = 0; i < out.ncpus; i++)
		out.cpus[i] = on_cpus(a, &rules_cpus[i], &s, l, e);
	for (size_t i = 0; i < out.ncpus; i++)
		if ((out.cpus[i].detected = find_detected(l, out.cpus[i].rule->key, 1)))
			compare_with_start(&rules_cpus[i], &l->process, &out.cpus[i]);
	for (size_t i = 0; i < out.nmemory; i++)
		out.memory[i] = on_memory(a, &rules_memory[i], &s, l, e, share);
	for (size_t i = 0; i < out.nmemory; i++)
		out.memory[i].detected = find_detected(l, out.memory[i].rule->key, 2);
	return out;
}

const char *
fit_name(enum fit v)
{
	static const char *const names[] = { NULL, "right", "least", "rounds down", "fewer",
		"rounds up", "more" };

	return names[v];
}
