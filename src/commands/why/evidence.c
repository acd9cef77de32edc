#include "commands/why/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sampler *
add(struct evidence *e, enum view v, const struct tool *tool, const struct request *ask)
{
	e->view[v] = session_add(&e->session, tool, ask);
	return e->view[v];
}

/* The tools' own way to ask for it: all CPUs, all cgroups with a limit if nobody is asked for. */
static void
add_machine(struct evidence *e, const struct request *ask)
{
	struct request all = *ask, cpus = *ask;

	all.target = (struct target){ .pid = NULL };
	cpus.target = all.target;
	cpus.per_cpu = cpus.all_cpus = true;
	add(e, VIEW_RUNQ, &tool_runq, &all)->tick_ns = 50000000;
	add(e, VIEW_CPUS, &tool_cpu, &cpus);
	all.target.all = true;
	add(e, VIEW_PSI, &tool_psi, &all);
	all.target.all = false;
	add(e, VIEW_TASKS, &tool_tasks, &all);
}

static void
add_groups(struct evidence *e, const struct request *ask)
{
	struct request groups = *ask;

	groups.target.all = !evidence_has_target(e);
	add(e, VIEW_THROTTLE, &tool_throttle, &groups);
	add(e, VIEW_MEM, &tool_mem, &groups);
	add(e, VIEW_GROWTH, &tool_mem, &groups)->steps = true;
}

/* Threads that stand still are looked at ten times a second: what lasts is looked for here. */
static void
add_target(struct evidence *e, const struct request *ask)
{
	struct request waits = *ask;

	waits.hz = 10;
	add(e, VIEW_TARGET, &tool_tasks, ask);
	add(e, VIEW_TARGET_PSI, &tool_psi, ask);
	add(e, VIEW_WAIT, &tool_wait, &waits)->tick_ns = 100000000;
}

static struct growth *
growth_of(struct evidence *e, const char *cgroup, double hard)
{
	for (size_t i = 0; i < e->ngrowth; i++)
		if (strcmp(e->growth[i].cgroup, cgroup) == 0)
			return &e->growth[i];
	if (e->ngrowth == GROWTHS_MOST)
		return NULL;
	e->growth[e->ngrowth] = (struct growth){
		.cgroup = xstrdup(cgroup), .first = hard, .last = hard, .least_step = INFINITY
	};
	return &e->growth[e->ngrowth++];
}

static void
note_growth(struct evidence *e)
{
	for (size_t i = 0; i < evidence_rows(e, VIEW_GROWTH); i++) {
		double hard = evidence_num(e, VIEW_GROWTH, i, "hard_bytes");
		struct growth *g = isnan(hard) ?
		    NULL :
		    growth_of(e, evidence_text(e, VIEW_GROWTH, i, "cgroup"), hard);
		if (!g)
			continue;
		if (g->steps++ > 0)
			g->least_step = fmin(g->least_step, hard - g->last);
		g->last = hard;
		g->limit = evidence_num(e, VIEW_GROWTH, i, "limit_bytes");
	}
}

bool
evidence_begin(struct evidence *e, const struct options *o, int64_t span_ns)
{
	struct request here = o->ask;

	*e = (struct evidence){ .ask = &o->ask, .utc = o->utc };
	session_open_whole(&e->session, o);
	e->session.interval_ns = e->session.host->replay ? 0 : span_ns;
	e->session.step_ns = 1000000000;
	here.all_cpus = true;
	here.most = 0;
	add_machine(e, &here);
	add_groups(e, &here);
	if (evidence_has_target(e))
		add_target(e, &here);
	if (!session_start(&e->session))
		return false;
	session_begin(&e->session);
	return true;
}

void
evidence_watch(struct evidence *e)
{
	enum session_event event;

	while ((event = session_next(&e->session)) != SESSION_END)
		if (event == SESSION_STEP || event == SESSION_ROW)
			note_growth(e);
}

static const struct table *
table_of(const struct evidence *e, enum view v)
{
	return e->view[v] ? sampler_table(e->view[v]) : NULL;
}

size_t
evidence_rows(const struct evidence *e, enum view v)
{
	const struct table *t = table_of(e, v);

	return t ? t->nrows : 0;
}

static const struct cell *
cell_of(const struct evidence *e, enum view v, size_t row, const char *key)
{
	const struct table *t = table_of(e, v);
	int column = t && row < t->nrows ? columns_find(t->columns, text_of(key)) : -1;

	return column < 0 ? NULL : &table_at(t, row)[column];
}

double
evidence_num(const struct evidence *e, enum view v, size_t row, const char *key)
{
	const struct cell *c = cell_of(e, v, row, key);

	return c ? c->num : NAN;
}

const char *
evidence_text(const struct evidence *e, enum view v, size_t row, const char *key)
{
	const struct cell *c = cell_of(e, v, row, key);

	return c && c->label ? c->label : "";
}

size_t
evidence_most(const struct evidence *e, enum view v, const char *key)
{
	size_t n = evidence_rows(e, v), best = n;

	for (size_t i = 0; i < n; i++) {
		double x = evidence_num(e, v, i, key);
		if (!isnan(x) && (best == n || x > evidence_num(e, v, best, key)))
			best = i;
	}
	return best;
}

size_t
evidence_find(const struct evidence *e, enum view v, const char *key, const char *label)
{
	size_t n = evidence_rows(e, v);

	for (size_t i = 0; i < n; i++)
		if (strcmp(evidence_text(e, v, i, key), label) == 0)
			return i;
	return n;
}

double
evidence_cpus(const struct evidence *e)
{
	size_t n = evidence_rows(e, VIEW_CPUS);

	return n > 1 ? (double)n - 1 : NAN; /* the first is of all */
}

bool
evidence_has_target(const struct evidence *e)
{
	return e->ask->target.pid || e->ask->target.cgroup;
}

const char *
evidence_words(const struct evidence *e, char out[256])
{
	const struct target *t = &e->ask->target;

	snprintf(out, 256, "%s%.200s",
	    t->pid        ? " -p " :
		t->cgroup ? " -g " :
			    "",
	    t->pid        ? t->pid :
		t->cgroup ? t->cgroup :
			    "");
	return out;
}

void
evidence_end(struct evidence *e)
{
	session_end(&e->session);
	for (size_t i = 0; i < e->ngrowth; i++)
		free(e->growth[i].cgroup);
}
