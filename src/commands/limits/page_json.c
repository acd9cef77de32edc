/* page_json: the page as one JSON object. An unknown limit and no limit are both null; another member
 * ("quota", "limit") tells which. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "commands/limits/limits.h"
#include "table/table.h"

/* Starts an object of a list. */
static void
begin_item(struct buf *b)
{
	buf_text(b, b->s[b->n - 1] == '[' ? "{" : ",{");
}

static void
begin(struct buf *b, const char *key, char open)
{
	buf_json_key(b, key);
	buf_char(b, open);
}

static void
put_bound(struct buf *b, const char *key, const struct bound *v, int digits)
{
	buf_json_number(b, key, v->value, digits);
	buf_json_text(b, "limited_by", v->by);
	buf_json_text(b, "level", v->level);
	buf_json_bool(b, "at_most", v->at_most);
}

static void
put_chain(struct buf *b, const struct chain *c)
{
	static const char *const scopes[] = {
		[SCOPE_EXACT] = "exact",
		[SCOPE_SEARCHED] = "found-by-search",
		[SCOPE_UNLISTED] = "process-not-listed",
		[SCOPE_GUESS] = "mount-root(guess)",
	};

	buf_json_number(b, "version", c->error ? (double)NAN : (double)c->version, 0);
	buf_json_text(b, "scope", c->error ? NULL : scopes[c->scope]);
	buf_json_bool(b, "hidden_above", c->error == 0 && c->hidden);
	buf_json_bool(b, "disabled", c->disabled);
	buf_json_text(b, "error", c->error ? strerror(c->error) : NULL);
}

static void
put_cpu_levels(struct buf *b, const struct limits *l)
{
	begin(b, "levels", '[');
	for (size_t i = 0; i < l->cpu.n; i++) {
		const struct cpu_bounds *v = &l->cpu.v[i].cpu;
		begin_item(b);
		buf_json_text(b, "cgroup", l->cpu.v[i].name);
		buf_json_text(b, "quota",
		    !v->quota.known      ? NULL :
			v->quota.limited ? "limited" :
					   "none");
		buf_json_number(b, "quota_cpus", v->quota.limited ? v->quota.cpus : NAN, 3);
		buf_json_number(
		    b, "period_ms", v->quota.limited ? (double)v->quota.period_us / 1000 : NAN, 3);
		buf_json_number(b, "burst_ms", known_or_nan(v->burst_us) / 1000, 3);
		buf_json_number(b, "weight", known_or_nan(v->weight), 0);
		buf_json_bool(b, "idle", v->idle);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
put_cpuset_levels(struct buf *b, const struct limits *l)
{
	begin(b, "cpuset_levels", '[');
	for (size_t i = 0; i < l->cpuset.n; i++) {
		const struct limits_level *v = &l->cpuset.v[i];
		begin_item(b);
		buf_json_text(b, "cgroup", v->name);
		buf_json_number(b, "cpus", v->ncpus ? (double)v->ncpus : (double)NAN, 0);
		buf_json_text(b, "list", v->cpus);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
put_cpus(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;

	begin(b, "cpus", '{');
	put_bound(b, "limit_cpus", &p->effective->cpus, 3);
	buf_json_number(b, "online_cpus", cpus_or_nan(&l->online), 0);
	buf_json_text(b, "online", l->online.list);
	buf_json_text(b, "online_from", l->online_from);
	buf_json_text(b, "virtual_by", l->online_by);
	buf_json_number(b, "affinity_cpus", cpus_or_nan(&l->affinity), 0);
	buf_json_text(b, "affinity", l->affinity.list);
	put_chain(b, &l->cpu);
	put_cpu_levels(b, l);
	put_cpuset_levels(b, l);
	buf_char(b, '}');
}

static void
put_memory_level(struct buf *b, const struct limits_level *v)
{
	const struct memory_bounds *m = &v->memory;

	begin_item(b);
	buf_json_text(b, "cgroup", v->name);
	buf_json_text(b, "limit", m->unreadable ? NULL : m->max.known ? "limited" : "none");
	buf_json_number(b, "limit_bytes", known_or_nan(m->max), 0);
	buf_json_number(b, "high_bytes", known_or_nan(m->high), 0);
	buf_json_number(b, "low_bytes", known_or_nan(m->low), 0);
	buf_json_number(b, "min_bytes", known_or_nan(m->min), 0);
	buf_json_number(b, "swap_bytes", known_or_nan(m->swap), 0);
	buf_char(b, '}');
}

static void
put_memory(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;

	begin(b, "memory", '{');
	put_bound(b, "limit_bytes", &p->effective->memory, 0);
	buf_json_number(b, "high_bytes", p->effective->high.value, 0);
	buf_json_number(b, "swap_bytes", p->effective->swap.value, 0);
	buf_json_number(b, "machine_bytes", known_or_nan(l->memory_total), 0);
	buf_json_text(b, "virtual_by", l->memory_by);
	buf_json_number(b, "machine_swap_bytes", known_or_nan(l->swap_total), 0);
	put_chain(b, &l->memory);
	begin(b, "levels", '[');
	for (size_t i = 0; i < l->memory.n; i++)
		put_memory_level(b, &l->memory.v[i]);
	buf_text(b, "]}");
}

static void
put_tasks(struct buf *b, const struct page *p)
{
	const struct chain *c = &p->limits->pids;

	begin(b, "tasks", '{');
	put_bound(b, "limit", &p->effective->pids, 0);
	put_chain(b, c);
	begin(b, "levels", '[');
	for (size_t i = 0; i < c->n; i++) {
		begin_item(b);
		buf_json_text(b, "cgroup", c->v[i].name);
		buf_json_number(b, "limit", known_or_nan(c->v[i].pids.max), 0);
		buf_json_number(b, "current", known_or_nan(c->v[i].pids.current), 0);
		buf_char(b, '}');
	}
	buf_text(b, "]}");
}

/* If `known` is true and a number is null, there is no limit. */
static void
put_rlimit(struct buf *b, const char *key, const struct rlimit_pair *v)
{
	begin(b, key, '{');
	buf_json_bool(b, "known", v->known);
	buf_json_number(b, "soft", known_or_nan(v->soft), 0);
	buf_json_number(b, "hard", known_or_nan(v->hard), 0);
	buf_char(b, '}');
}

static void
put_program(struct buf *b, const struct limits_program *r, bool read)
{
	begin(b, "program", '{');
	buf_json_text(b, "path", r->path);
	buf_json_text(b, "error", r->error && (read || r->path) ? program_error(r->error) : NULL);
	buf_json_text(b, "runtime", r->name);
	buf_json_text(b, "version", r->version);
	buf_json_text(b, "detail", r->detail);
	buf_char(b, '}');
}

static void
put_process(struct buf *b, const struct page *p)
{
	const struct limits_process *s = &p->limits->process;
	bool asked = p->limits->target.pid;

	begin(b, "process", '{');
	buf_json_text(b, "comm", s->comm);
	buf_json_number(b, "threads", asked ? known_or_nan(s->threads) : NAN, 0);
	buf_json_number(b, "runnable", known_or_nan(s->runnable), 0);
	put_rlimit(b, "files", &s->rlimits.files);
	buf_json_number(b, "open_files", known_or_nan(s->open_files), 0);
	put_rlimit(b, "processes", &s->rlimits.processes);
	buf_json_text(b, "environment_error",
	    asked && s->environ_error ? page_error(p, s->environ_error) : NULL);
	put_program(b, &p->limits->program, asked && !p->replay);
	begin(b, "environment", '[');
	for (size_t i = 0; i < s->nsettings; i++) {
		begin_item(b);
		buf_json_text(b, "name", s->settings[i].name);
		buf_json_text(b, "option", s->settings[i].option);
		buf_json_text(b, "value", s->settings[i].value);
		buf_char(b, '}');
	}
	buf_text(b, "]}");
}

static void
put_rule(struct buf *b, const struct rule *r)
{
	buf_json_text(b, "runtime", r->key);
	buf_json_text(b, "name", r->name);
	buf_json_text(b, "versions", r->versions);
	buf_json_text(b, "rule", r->text);
	buf_json_bool(b, "measured", r->known_by == MEASURED);
	buf_json_text(b, "last_seen", r->last_seen);
	buf_json_bool(b, "usual", r->usual);
}

static void
put_restart(struct buf *b, enum restart v)
{
	if (v == RESTART_UNKNOWN)
		buf_json_text(b, "restart", NULL);
	else
		buf_json_bool(b, "restart", v == RESTART_NEEDED);
}

static void
put_opinions(
    struct buf *b, const char *key, const char *unit, const struct opinion *v, size_t n, int digits)
{
	begin(b, key, '[');
	for (size_t i = 0; i < n; i++) {
		begin_item(b);
		put_rule(b, v[i].rule);
		buf_json_number(b, unit, v[i].believed, digits);
		buf_json_text(b, "verdict", fit_name(v[i].fit));
		buf_json_text(b, "why", v[i].why);
		buf_json_text(b, "set", v[i].set);
		buf_json_text(b, "looks_at", v[i].looks);
		buf_json_text(b, "sets", v[i].sets);
		buf_json_text(b, "note", v[i].note);
		buf_json_bool(b, "detected", v[i].detected);
		buf_json_text(b, "version", v[i].detected ? v[i].detected->version : NULL);
		buf_json_number(b, "running_threads", known_or_nan(v[i].running), 0);
		put_restart(b, v[i].restart);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

void
page_json(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;
	const struct opinions *o = p->opinions;
	struct report times = { .utc = p->utc };
	uint64_t pid;

	buf_json_begin(b, "limits", &times, l->real_ns);
	if (l->target.pid && text_u64(text_of(l->target.pid), &pid) == 0)
		buf_json_number(b, "pid", (double)pid, 0);
	else
		buf_json_number(b, "pid", NAN, 0);
	buf_json_text(b, "cgroup",
	    l->cpu.n > 0        ? l->cpu.v[l->cpu.n - 1].name :
		l->memory.n > 0 ? l->memory.v[l->memory.n - 1].name :
				  NULL);
	const struct group_names *g = l->known_as;
	buf_json_text(b, "pod", g->pod);
	buf_json_text(b, "namespace", g->namespace);
	buf_json_text(b, "container", g->container);
	buf_json_text(b, "unit", g->unit);
	buf_json_text(b, "job", g->job);
	put_cpus(b, p);
	put_memory(b, p);
	put_tasks(b, p);
	if (!l->target.cgroup)
		put_process(b, p);
	put_opinions(b, "runtimes", "cpus", o->cpus, o->ncpus, 3);
	put_opinions(b, "heaps", "heap_bytes", o->memory, o->nmemory, 0);
	buf_text(b, "}\n");
}
