/*
 * runtimes: how many CPUs and how much memory language runtimes and servers assume. They read the
 * cgroup files too, but some round up, some read only the last level, and some read none.
 *
 * The CPUs that each assumes. q is quota / period, N the number of CPUs in the affinity, and "leaf"
 * the process's own cgroup. The rules hold for these versions:
 *
 *   Go             runtime/cgroup_linux.go, 1.25: min(N, max(2, ceil q)) of the leaf; before: N
 *   automaxprocs   1.6: max(1, floor q) of the leaf, even above N
 *   Java           HotSpot: min(N, ceil q); of all levels since 24, and in updates of 21; before:
 *                  of the leaf
 *   .NET           min(N, ceil q) of the leaf
 *   Rust           std::thread::available_parallelism: min(N, max(1, floor q)) of all levels; the
 *                  library num_cpus: ceil, of the leaf
 *   libuv          1.51: on v2 min(N, max(1, floor q)) of the topmost level that has one; on v1 it
 *                  reads the wrong file: N
 *   Envoy          since 2025: min(N, max(1, floor q)) of the leaf
 *   nginx          worker_processes auto: the online CPUs
 *   Python         os.cpu_count: the online CPUs; since 3.13 pools use os.process_cpu_count: N
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "commands/limits/limits.h"

/* What a runtime in the place of the process can read. */
struct sight {
	double online, affinity; /* CPUs */
	/* quota: of its own cgroup, of all levels that it sees, of the topmost limited */
	double leaf, least, topmost;
	double own_max, own_high, least_max; /* memory likewise, bytes */
	double all_max;                      /* v1: hierarchical_memory_limit */
	double machine;                      /* memory of the machine */
	int cpu_version, memory_version;
};

/* What a rule reads: nothing (FIXED: always the same number), no quota, or that of these levels. */
enum looks { LOOKS_FIXED, LOOKS_NOWHERE, LOOKS_AT_LEAF, LOOKS_AT_ALL, LOOKS_AT_TOPMOST };

struct runtime {
	const char *key, *name;
	double (*cpus)(const struct sight *);
	enum looks looks;
	const char *over;   /* why it may assume more than it reads; NULL: it does not */
	const char *set;    /* the setting that corrects it, before the number: "GOMAXPROCS=" */
	const char *behind; /* the text after the number */
	double at_least;    /* the least number to set */
};

/* A setting of the heap: a variable, or an option in one, in up to two spellings. */
struct heap_setting {
	const char *names[2];
	/* the bytes that it sets if the runtime sees so much memory; 0: it leaves the default; NaN:
	 * it is not valid */
	double (*bytes)(struct text value, double seen);
};

/* What a runtime makes of memory, in bytes. */
struct memory_rule {
	const char *key, *name;
	/* the memory that it sees; INFINITY: it sees no limit */
	double (*seen)(const struct sight *);
	/* the largest heap for that; INFINITY: no bound by default */
	double (*heap)(double seen);
	/* the setting that corrects it, if it may use `room`; NULL: none is needed */
	const char *(*set)(
	    struct arena *a, double room, const struct opinion *o, double seen, double share);
	struct heap_setting settings[2]; /* the first one beats the second */
};

/* NaN if either is NaN, unlike fmin. */
static double
least(double a, double b)
{
	return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
}

static double
up(double quota)
{
	return isnan(quota) ? quota : fmax(1, ceil(quota));
}

static double
down(double quota)
{
	return isnan(quota) ? quota : fmax(1, floor(quota));
}

static double
affinity_only(const struct sight *s)
{
	return s->affinity;
}

static double
online_only(const struct sight *s)
{
	return s->online;
}

static double
go_125(const struct sight *s)
{
	return least(s->affinity, isnan(s->leaf) ? s->leaf : fmax(2, ceil(s->leaf)));
}

static double
automaxprocs(const struct sight *s)
{
	return isinf(s->leaf) ? s->affinity : down(s->leaf);
}

static double
up_of_leaf(const struct sight *s)
{
	return least(s->affinity, up(s->leaf));
}

static double
up_of_all(const struct sight *s)
{
	return least(s->affinity, up(s->least));
}

static double
down_of_leaf(const struct sight *s)
{
	return least(s->affinity, down(s->leaf));
}

static double
down_of_all(const struct sight *s)
{
	return least(s->affinity, down(s->least));
}

static double
libuv(const struct sight *s)
{
	return s->cpu_version == 1 ? s->affinity : least(s->affinity, down(s->topmost));
}

static double
four(const struct sight *s)
{
	(void)s;
	return 4;
}

static const struct runtime rules_cpus[] = {
	{ "go", "Go 1.25 and later", go_125, LOOKS_AT_LEAF, "its minimum is 2", "GOMAXPROCS=", "",
	    1 },
	{ "go_old", "Go before 1.25", affinity_only, LOOKS_NOWHERE, NULL, "GOMAXPROCS=", "", 1 },
	{ "automaxprocs", "Go, automaxprocs", automaxprocs, LOOKS_AT_LEAF, NULL, "GOMAXPROCS=", "",
	    1 },
	{ "java", "Java 24 and later", up_of_all, LOOKS_AT_ALL, NULL,
	    "-XX:ActiveProcessorCount=", "", 1 },
	{ "java_old", "Java 10 to 23", up_of_leaf, LOOKS_AT_LEAF, NULL,
	    "-XX:ActiveProcessorCount=", "", 1 },
	{ "dotnet", ".NET", up_of_leaf, LOOKS_AT_LEAF, NULL, "DOTNET_PROCESSOR_COUNT=", "", 1 },
	{ "tokio", "Rust std, tokio", down_of_all, LOOKS_AT_ALL, NULL, "TOKIO_WORKER_THREADS=", "",
	    1 },
	{ "rayon", "Rust rayon", down_of_all, LOOKS_AT_ALL, NULL, "RAYON_NUM_THREADS=", "", 1 },
	{ "num_cpus", "Rust num_cpus", up_of_leaf, LOOKS_AT_LEAF, NULL,
	    "threads: ", " (in its code)", 1 },
	{ "libuv", "Node.js, libuv", libuv, LOOKS_AT_TOPMOST, NULL, "workers: ", " (in its code)",
	    1 },
	/* One slow file or name server would block a pool of one. */
	{ "libuv_pool", "Node.js file pool", four, LOOKS_FIXED, "4 unless set",
	    "UV_THREADPOOL_SIZE=", "", 2 },
	{ "envoy", "Envoy", down_of_leaf, LOOKS_AT_LEAF, NULL, "--concurrency ", "", 1 },
	{ "nginx", "nginx, auto", online_only, LOOKS_NOWHERE, NULL, "worker_processes ", ";", 1 },
	{ "python", "Python 3.13", affinity_only, LOOKS_NOWHERE, NULL, "PYTHON_CPU_COUNT=", "", 1 },
	{ "python_old", "Python before 3.13", online_only, LOOKS_NOWHERE, NULL,
	    "workers: ", " (in its code)", 1 },
	{ .key = NULL },
};

/*
 * The largest heap of each runtime. The rules hold for these versions:
 *
 *   Go       no limit; GOMEMLIMIT is a soft limit for all memory of the runtime
 *   Java     -XX:MaxRAMPercentage, 25 % of what it sees; half where that is little
 *            (MinRAMPercentage). On v2 it sees all levels since 24, before the leaf; on v1
 *            hierarchical_memory_limit
 *   .NET     75 % of the least level that it sees, 20 MiB at least; without a limit none
 *   Node.js  half of the lesser of the leaf's memory.max and memory.high, from 256 MiB to 2 GiB, 4
 *            GiB from 15 GiB of memory on (V8 on 64 bits, the old generation)
 */

static const double MIB = 1024.0 * 1024;

static double
nothing(const struct sight *s)
{
	(void)s;
	return INFINITY;
}

static double
java(const struct sight *s)
{
	return least(s->machine, s->memory_version == 1 ? s->all_max : s->least_max);
}

static double
java_old(const struct sight *s)
{
	return least(s->machine, s->memory_version == 1 ? s->all_max : s->own_max);
}

static double
dotnet(const struct sight *s)
{
	return s->memory_version == 1 ? s->all_max : s->least_max;
}

static double
node(const struct sight *s)
{
	return least(s->machine, least(s->own_max, s->own_high));
}

static double
unbounded(double seen)
{
	return seen;
}

static const double JAVA_USUAL = 96 * 1.3 * 1024 * 1024;

/* A part of the memory, but at least about 125 MiB, the default MaxHeapSize on 64 bits; half of the
 * memory where that is less. */
static double
java_part(double seen, double part)
{
	if (isnan(seen))
		return seen;
	return seen / 2 < JAVA_USUAL ? seen / 2 : fmax(seen * part, JAVA_USUAL);
}

static double
java_heap(double seen)
{
	return java_part(seen, 0.25);
}

static double
dotnet_heap(double seen)
{
	return isnan(seen) || isinf(seen) ? seen : fmax(20 * MIB, 0.75 * seen);
}

static double
node_heap(double seen)
{
	if (isnan(seen))
		return seen;
	return fmax(256 * MIB, fmin(seen / 2, (seen >= 15 * 1024 * MIB ? 4096 : 2048) * MIB));
}

/* ---- Settings of the heap */

/* "3000MiB", "1073741824"; "off" and "" are no limit (runtime/mgcpacer.go, readGOMEMLIMIT) */
static double
go_bytes(struct text value, double seen)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	struct text digits = { value.s, 0 };
	uint64_t n;

	(void)seen;
	if (value.n == 0 || text_eq(value, "off"))
		return INFINITY;
	while (digits.n < value.n && value.s[digits.n] >= '0' && value.s[digits.n] <= '9')
		digits.n++;
	struct text unit = { value.s + digits.n, value.n - digits.n };
	if (text_u64(digits, &n) < 0)
		return NAN;
	for (int i = 0; i < 5; i++)
		if (text_eq(unit, units[i]))
			return ldexp((double)n, 10 * i);
	return unit.n == 0 ? (double)n : (double)NAN;
}

/* "3g", "512M", "1073741824" */
static double
java_bytes(struct text value, double seen)
{
	static const char letters[] = "kKmMgGtT";
	uint64_t n;

	(void)seen;
	const char *letter = value.n > 0 ? strchr(letters, value.s[value.n - 1]) : NULL;
	bool scaled = letter && *letter;
	value.n -= scaled;
	if (text_u64(value, &n) < 0)
		return NAN;
	return ldexp((double)n, scaled ? 10 + 10 * (int)((letter - letters) / 2) : 0);
}

static double
share_of(struct text value)
{
	double percent;

	return text_decimal(value, &percent) == 0 && percent <= 100 ? percent / 100 : (double)NAN;
}

static double
java_percent(struct text value, double seen)
{
	double part = share_of(value);

	return isnan(part) ? part : java_part(seen, part);
}

/* Hexadecimal with or without 0x: .NET reads all its variables so. */
static double
hex(struct text value)
{
	double v = 0;

	if (!text_skip(&value, "0x"))
		text_skip(&value, "0X");
	for (size_t i = 0; i < value.n; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = value.s[i] ? strchr(digits, value.s[i]) : NULL;
		if (!digit)
			return NAN;
		v = v * 16 + (double)((digit - digits) % 16);
	}
	return value.n > 0 && v < 0x1p64 ? v : (double)NAN;
}

static double
dotnet_bytes(struct text value, double seen)
{
	(void)seen;
	return hex(value);
}

static double
dotnet_percent(struct text value, double seen)
{
	double percent = hex(value);

	return percent <= 100 ? percent / 100 * seen : (double)NAN;
}

static double
node_bytes(struct text value, double seen)
{
	uint64_t n;

	(void)seen;
	return text_u64(value, &n) == 0 ? (double)n * MIB : (double)NAN;
}

static double
node_percent(struct text value, double seen)
{
	return share_of(value) * seen;
}

static bool
is_given_by(const struct opinion *o, const char *option)
{
	return o->given && o->given->option && strcmp(o->given->option, option) == 0;
}

/* "GOMEMLIMIT=86MiB"; small limits in KiB. */
static const char *
set_go(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	double bytes = room * (share > 0 ? share : 0.9);
	bool large = bytes >= 64 * MIB;

	(void)o;
	(void)seen;
	return arena_printf(a, "GOMEMLIMIT=%.0f%s", floor(large ? bytes / MIB : bytes / 1024),
	    large ? "MiB" : "KiB");
}

/* A percentage is of the memory that Java sees; it does not count beside -Xmx, nor in little
 * memory. */
static const char *
set_java(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	double part = share > 0 ? share : 0.75;
	bool counts =
	    !o->given || is_given_by(o, "-XX:MaxRAMPercentage=") ? seen / 2 >= JAVA_USUAL : false;

	if (counts && seen <= room)
		return arena_printf(a, "-XX:MaxRAMPercentage=%.0f", part * 100);
	return arena_printf(a, "-Xmx%.0fm", floor(room * part / MIB));
}

static const char *
set_dotnet(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	(void)seen;
	if (o->believed < room)
		return NULL;
	return arena_printf(a, "DOTNET_GCHeapHardLimit=0x%llx",
	    (unsigned long long)(room * (share > 0 ? share : 0.75)));
}

/* A percentage beats a size. */
static const char *
set_node(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	static const char percentage[] = "--max-old-space-size-percentage=";
	double part = share > 0 ? share : 0.75;

	if (o->believed < room)
		return NULL;
	if (is_given_by(o, percentage))
		return arena_printf(a, "%s%.0f", percentage, floor(room * part / seen * 100));
	return arena_printf(a, "--max-old-space-size=%.0f", floor(room * part / MIB));
}

#define JAVA_SETTINGS \
	{ \
		{ { "-Xmx", "-XX:MaxHeapSize=" }, java_bytes }, \
		{ \
			{ "-XX:MaxRAMPercentage=", NULL }, java_percent \
		} \
	}

static const struct memory_rule rules_memory[] = {
	{ "go", "Go", nothing, unbounded, set_go, { { { "GOMEMLIMIT=" }, go_bytes } } },
	{ "java", "Java 24 and later", java, java_heap, set_java, JAVA_SETTINGS },
	{ "java_old", "Java 10 to 23", java_old, java_heap, set_java, JAVA_SETTINGS },
	{ "dotnet", ".NET", dotnet, dotnet_heap, set_dotnet,
	    { { { "DOTNET_GCHeapHardLimit=", "COMPlus_GCHeapHardLimit=" }, dotnet_bytes },
		{ { "DOTNET_GCHeapHardLimitPercent=", "COMPlus_GCHeapHardLimitPercent=" },
		    dotnet_percent } } },
	{ "node", "Node.js", node, node_heap, set_node,
	    { { { "--max-old-space-size-percentage=" }, node_percent },
		{ { "--max-old-space-size=" }, node_bytes } } },
	{ .key = NULL },
};

/* ---- What each runtime assumes, compared with the limit that applies */

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
	if (r->looks == LOOKS_FIXED)
		return r->over;
	if (!by_quota(e))
		return "ignores the affinity";
	if (r->looks == LOOKS_NOWHERE || (r->looks == LOOKS_AT_TOPMOST && s->cpu_version == 1))
		return "ignores the quota";
	if (r->looks == LOOKS_AT_LEAF && s->leaf > e->cpus.value)
		return s->least > e->cpus.value ? "cannot see that level" : "ignores parent levels";
	if (r->looks == LOOKS_AT_ALL || s->least > e->cpus.value)
		return "cannot see that level";
	return r->over ? r->over : "reads another level";
}

static void
judge_cpus(
    const struct runtime *r, const struct sight *s, const struct effective *e, struct opinion *o)
{
	const double limit = e->cpus.value, whole = quota_threads(limit);
	bool by_itself = o->given || r->looks == LOOKS_FIXED || r->looks == LOOKS_NOWHERE;

	if (isnan(o->believed) || isnan(limit)) {
		o->why = "unknown";
	} else if (o->believed <= 1 && limit < 1) {
		o->fit = FIT_LEAST;
		o->why = "1 is the minimum";
	} else if (r->looks == LOOKS_FIXED && !o->given && !by_quota(e)) {
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
	} else if (o->believed < whole && r->looks != LOOKS_FIXED) {
		o->fit = FIT_FEWER;
		o->why = o->given ? "set explicitly" : "below the limit";
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
		.given = given(&l->process, r->set, NULL) };
	double most = fmax(r->at_least, quota_threads(e->cpus.value));
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
	if (o->fit == FIT_MORE && o->believed <= room)
		return "all of the limit";
	if (o->fit == FIT_MORE)
		return seen > room ? "ignores that limit" : "above the limit";
	return arena_printf(a, "%.0f %% of %s", o->believed / seen * 100, human_size(seen, size));
}

/* A heap as large as the limit leaves no room for the rest of the process. */
static void
judge_memory(struct arena *a, double seen, double room, bool limited, struct opinion *o)
{
	if (isnan(o->believed) || isnan(room)) {
		o->why = o->given ? "setting is not valid" : "unknown";
		return;
	}
	bool more =
	    limited ? o->believed >= room : o->given && isfinite(o->believed) && o->believed > room;
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
	struct opinion o = { .key = r->key, .name = r->name, .believed = r->heap(seen) };
	/* a percentage is of the machine's memory where no limit is seen */
	double set = heap_given(r, &l->process, fmin(seen, s->machine), &o.given);

	o.believed = o.given ? set : o.believed;
	judge_memory(a, seen, room, limited, &o);
	if (o.fit != FIT_UNKNOWN && room > 0 && (o.given ? o.fit == FIT_MORE : limited))
		o.set = r->set(a, room, &o, seen, share);
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
		out.memory[i] = on_memory(a, &rules_memory[i], &s, l, e, share);
	return out;
}

const char *
fit_name(enum fit v)
{
	static const char *const names[] = { NULL, "right", "least", "rounds down", "fewer",
		"rounds up", "more" };

	return names[v];
}
