/* What a scan may cost, what it passed over, and what it could not see. */
#include <math.h>

#include "proc/stat.h"
#include "proc/task_sched.h"
#include "tools/tasks/tasks.h"

/* How many threads a row may look at follows from what the row before cost; the first ones open all
 * files, and do not count. */
void
tasks_set_quota(struct watch *w)
{
	struct state *state = w->state;
	size_t n = state->last ? state->last->ntasks : 0, least = n / 16 + 1;
	uint64_t before = state->spent_ns;
	struct task_sched own;
	struct text text;

	if (state->quota < n)
		state->from = (state->from + state->quota) % n;
	state->quota = SIZE_MAX;
	state->spent_ns = 0;
	if (host_read(w->host, "proc/self/schedstat", &text) < 0 ||
	    task_sched_parse(text, &own) < 0)
		return;
	state->spent_ns = own.run_ns;
	if (state->scans < 2 || before == 0 || own.run_ns <= before)
		return;
	double most =
	    (double)state->looked * (double)w->ask->budget_ns / (double)(own.run_ns - before);
	if (most < (double)n)
		state->quota = most > (double)least ? (size_t)most : least;
}

void
tasks_tell_passed(struct watch *w, const struct snapshot *s)
{
	struct state *state = w->state;
	double share = s->ntasks ? (double)s->passed / (double)s->ntasks : 0;

	if (s->passed == 0 || share < 1.5 * state->told_share)
		return;
	state->told_share = share;
	watch_note(w,
	    "--budget: %zu of %zu threads were not looked at in this row: their figures are of the "
	    "last row in which they were",
	    s->passed, s->ntasks);
}

/* The machine counts the tasks that it makes; those that were not seen came and went. In a
 * container most are others'. */
double
tasks_unseen(struct watch *w, const struct snapshot *s)
{
	struct state *state = w->state;
	struct text text;
	uint64_t forks;

	if (!state->whole || host_read(w->host, "proc/stat", &text) < 0 ||
	    stat_parse_forks(text, &forks) < 0)
		return NAN;
	if (!state->forks.known || forks < state->forks.v) {
		state->forks = keyed_of(forks);
		state->born = state->unseen = 0;
		return NAN;
	}
	for (size_t i = 0; i < s->n; i++)
		state->born += s->v[i].born;
	uint64_t told = state->unseen, seen = state->born + told, all = forks - state->forks.v;
	state->unseen += all > seen ? all - seen : 0;
	return (double)(state->unseen - told);
}
