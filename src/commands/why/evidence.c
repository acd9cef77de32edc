#include "commands/why/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/wait/wait.h"

static struct member *
add_asked(struct evidence *e, enum view v, const struct tool *tool, const struct target *target,
    const void *options)
{
	struct request ask = { tool_target(tool, target), options };

	e->view[v] = panel_add(&e->panel, tool, &ask);
	return e->view[v];
}

/* As when no option is given, but with all rows. */
static struct member *
add(struct evidence *e, enum view v, const struct tool *tool, const struct target *target)
{
	return add_asked(e, v, tool, target, tool_defaults(tool, &e->arena, 0));
}

static void
add_machine(struct evidence *e)
{
	const struct target none = { .pid = NULL }, all = { .all = true };

	add(e, VIEW_RUNQ, &tool_runq, &none)->every_ns = 50000000;
	add(e, VIEW_CPUS, &tool_cpu, &none);
	add(e, VIEW_PSI, &tool_psi, &all);
	add(e, VIEW_TASKS, &tool_tasks, &none);
}

/* All cgroups with a limit, unless somebody is asked for. */
static void
add_groups(struct evidence *e)
{
	const struct target all = { .all = true };
	const struct target *target = evidence_has_target(e) ? e->target : &all;

	add(e, VIEW_THROTTLE, &tool_throttle, target);
	add(e, VIEW_MEM, &tool_mem, target);
	add(e, VIEW_GROWTH, &tool_mem, target)->steps = true;
}

/* Threads that stand still are looked at ten times a second: what lasts is looked for here. */
static void
add_target(struct evidence *e)
{
	struct wait_options *waits = tool_defaults(&tool_wait, &e->arena, 0);

	waits->hz = 10;
	add(e, VIEW_TARGET, &tool_tasks, e->target);
	add(e, VIEW_TARGET_PSI, &tool_psi, e->target);
	add_asked(e, VIEW_WAIT, &tool_wait, e->target, waits)->every_ns = 100000000;
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
note_growth(void *ctx, struct panel *p)
{
	struct evidence *e = ctx;

	(void)p;
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
evidence_begin(struct evidence *e, struct host *host, const struct target *target, uint64_t moments)
{
	*e = (struct evidence){ .target = target };
	e->panel = (struct panel){ .host = host,
		.step_ns = 1000000000,
		.moments = moments,
		.stepped = note_growth,
		.ctx = e };
	add_machine(e);
	add_groups(e);
	if (evidence_has_target(e))
		add_target(e);
	return panel_begin(&e->panel);
}

static const struct table *
table_of(const struct evidence *e, enum view v)
{
	return e->view[v] && e->view[v]->has_rows ? &e->view[v]->sampler.table : NULL;
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
	return e->target->pid || e->target->cgroup;
}

const char *
evidence_words(const struct evidence *e, char out[256])
{
	const struct target *t = e->target;

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
	panel_end(&e->panel);
	arena_free(&e->arena);
	for (size_t i = 0; i < e->ngrowth; i++)
		free(e->growth[i].cgroup);
}
