/* The rows of pq tasks: sums over threads, of a process or of a cgroup. */
#include "tools/tasks/tasks_rows.h"

#include <math.h>
#include <string.h>

/* What a row is put together from; NaN: a part of it is not known. */
struct sum {
	double rate[FIGURES];
	double switched[2], blocked_ticks, majflt, quota_ns;
	double running, blocked, sleeping;
	double threads, stuck, born, ended;
};

/* A wait of x ns in each second is x / 10^7 % of it. */
static const double PERCENT_OF_NS = 1e-7;

void
tasks_set_rates(const struct snapshot *s, double span_s)
{
	for (size_t i = 0; i < s->ntasks; i++) {
		struct task *t = &s->tasks[i];
		double since_s = span_s + t->age_s;
		t->age_s = t->read ? 0 : since_s;
		for (int k = 0; k < FIGURES && t->read; k++)
			t->rate[k] = t->counted ? t->grown[k] / since_s : 0;
	}
}

static void
add_task(struct sum *sum, const struct task *t)
{
	for (int k = 0; k < FIGURES; k++)
		sum->rate[k] += t->rate[k];
	for (int k = 0; k < 2; k++)
		sum->switched[k] += t->counted && !t->moved ? 0 : t->switched[k];
	sum->blocked_ticks += t->blocked_ticks;
	sum->running += t->state ? t->state == 'R' : NAN;
	sum->blocked += t->state ? t->state == 'D' : NAN;
	sum->sleeping += t->state ? t->state == 'S' || t->state == 'I' : NAN;
	sum->stuck += t->stuck;
	sum->threads++;
}

static void
add_unit(struct sum *sum, const struct snapshot *s, const struct entry *u)
{
	const struct process *p = u->p;

	sum->majflt += u->t ? u->t->was_majflt : p->was_majflt;
	sum->quota_ns += u->t ? u->t->quota_ns : p->quota_ns;
	sum->born += u->t ? u->t->born : p->born;
	sum->ended += u->t ? 0 : p->ended;
	if (u->t)
		add_task(sum, u->t);
	for (size_t i = p->first; !u->t && i < p->first + p->n; i++)
		add_task(sum, &s->tasks[i]);
}

static void
fill(struct cell *row, const struct sum *sum, double ticks_per_s, double span_s)
{
	double wait_pct = sum->rate[WAIT_NS] * PERCENT_OF_NS,
	       quota_pct = sum->quota_ns / span_s * PERCENT_OF_NS;

	cell_gauge(&row[T_CPU], sum->rate[RUN_NS] * PERCENT_OF_NS, span_s);
	cell_gauge(&row[T_WAIT], wait_pct, span_s);
	cell_gauge(&row[T_WAITS], sum->rate[SLICES], span_s);
	cell_gauge(&row[T_WAIT_US],
	    sum->rate[SLICES] > 0 ? sum->rate[WAIT_NS] / sum->rate[SLICES] * 1e-3 : NAN,
	    sum->rate[SLICES]);
	cell_gauge(&row[T_VCSW], sum->switched[0] / span_s, span_s);
	cell_gauge(&row[T_IVCSW], sum->switched[1] / span_s, span_s);
	cell_gauge(&row[T_THREADS], sum->threads, span_s);
	cell_gauge(&row[T_STUCK], sum->stuck, span_s);
	cell_gauge(&row[T_RUNNING], sum->running, span_s);
	cell_gauge(&row[T_BLOCKED], sum->blocked, span_s);
	cell_gauge(&row[T_SLEEPING], sum->sleeping, span_s);
	cell_gauge(&row[T_BORN], sum->born, 1);
	cell_gauge(&row[T_ENDED], sum->ended, 1);
	cell_gauge(&row[T_MAJFLT], sum->majflt / span_s, span_s);
	cell_gauge(&row[T_BLKIO], 100 * sum->blocked_ticks / ticks_per_s / span_s, span_s);
	cell_gauge(&row[T_QUOTA], quota_pct, span_s);
	cell_gauge(
	    &row[T_CONTENTION], isnan(quota_pct) ? NAN : fmax(0, wait_pct - quota_pct), span_s);
}

static void
name(struct cell *row, const struct entry *u)
{
	const struct detail *d = u->t ? u->t->detail : u->p->detail;

	cell_label(&row[T_PID], u->p->label);
	cell_label(&row[T_TID], u->t ? u->t->label : NULL);
	cell_label(&row[T_COMM], d ? d->name : NULL);
}

static bool
same_cgroup(const struct entry *a, const struct entry *b)
{
	const char *x = a->p->cgroup, *y = b->p->cgroup;

	return x == y || (x && y && strcmp(x, y) == 0);
}

/* By cgroup the units stand in the order of their cgroups. */
static void
add_rows(const struct watch *w, const struct snapshot *s, double span_s, struct table *out)
{
	for (size_t i = 0, next; i < s->nunits; i = next) {
		const struct entry *u = &s->units[i];
		struct sum sum = { .threads = 0 };
		for (next = i; next < s->nunits &&
		     (next == i || (w->ask->by_cgroup && same_cgroup(u, &s->units[next])));
		     next++)
			add_unit(&sum, s, &s->units[next]);
		struct cell *row = table_row(out);
		fill(row, &sum, (double)w->host->facts.ticks_per_s, span_s);
		cell_label(&row[T_CGROUP], u->p->cgroup);
		if (!w->ask->by_cgroup)
			name(row, u);
	}
}

static double
by_wait(const struct cell *row)
{
	return row[T_WAIT].num + 1e6 * row[T_STUCK].num;
}

/* Tasks that began and ended between two looks are told in a row of their own, where there is a
 * place for its name; or where nobody shows the rows, but something judges by them. */
static void
add_unseen(const struct watch *w, const struct snapshot *s, struct table *out)
{
	int where = w->nshown == 0 || watch_shows(w, T_COMM) ? T_COMM : T_CGROUP;

	if (w->nshown > 0 && !watch_shows(w, where))
		return;
	struct cell *row = table_row(out);
	cell_gauge(&row[T_THREADS], s->unseen, 1);
	cell_gauge(&row[T_BORN], s->unseen, 1);
	cell_gauge(&row[T_ENDED], s->unseen, 1);
	cell_label(&row[where], "(came and went)");
}

/* Why rows come first that have nothing in them. */
static void
tell_stuck(struct watch *w, const struct table *out)
{
	for (size_t i = 0; i < out->nrows && !watch_shows(w, T_STUCK); i++)
		if (table_at(out, i)[T_STUCK].num > 0)
			watch_note(w,
			    "threads that wait for a CPU since before the row come first (-w more, "
			    "stuck): that wait is not yet in %%wait");
}

void
tasks_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct snapshot *s = to;

	(void)from; /* what lies between was found when the later one was read */
	tasks_set_rates(s, span_s);
	add_rows(w, s, span_s, out);
	table_sort(out, 0, by_wait);
	if (w->ask->most)
		table_keep(out, w->ask->most);
	tell_stuck(w, out);
	if (s->unseen > 0 && !w->ask->comm)
		add_unseen(w, s, out);
}
