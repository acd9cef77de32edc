#include "commands/top/list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *heading;
	double high, very_high; /* from here on it is drawn so */
	int place;              /* those with the lowest stay where not all fit */
} columns[LIST_COLUMNS] = {
	[LIST_HURT] = { "%waits", INFINITY, INFINITY, 0 },
	[LIST_CPU] = { "%CPU", INFINITY, INFINITY, 2 },
	[LIST_WAIT] = { "%wait", WAIT_PCT_HIGH, WAIT_PCT_VERY_HIGH, 1 },
	[LIST_QUOTA] = { "%quota", 5, 50, 4 },
	[LIST_MEMORY] = { "%mem", 5, 30, 6 },
	[LIST_IO] = { "%I/O", 20, 80, 5 },
	[LIST_LOCK] = { "%lock", 20, 80, 3 },
};

const char *
list_sort_name(int sort)
{
	return sort == LIST_HURT ? "waits" : sort < LIST_COLUMNS ? columns[sort].heading : "name";
}

/* Memory pressure is known of cgroups only. */
static bool
has_column(const struct list *l, int c)
{
	return c != LIST_MEMORY || l->view == VIEW_CGROUPS;
}

void
list_sort_by_next(struct list *l, int step)
{
	do
		l->sort = (l->sort + step + LIST_SORTS) % LIST_SORTS;
	while (!has_column(l, l->sort));
	list_arrange(l);
}

/* ---- The entries of a row */

static const char *
copy(struct list *l, const char *text)
{
	return *text ? arena_copy(&l->arena, text_of(text)) : NULL;
}

/* The entry of that key, which may be new. */
static struct list_entry *
entry_of(struct list *l, const char *key)
{
	uint32_t known = l->keys.n, i = map_put(&l->keys, text_of(key));

	if (i == known) {
		l->all = xgrow(l->all, l->n, &l->room, sizeof *l->all);
		l->all[l->n++] = (struct list_entry){ .key = arena_copy(&l->arena, text_of(key)) };
		for (int c = 0; c < LIST_COLUMNS; c++)
			l->all[i].value[c] = NAN;
	}
	return &l->all[i];
}

static void
add(double *to, double x)
{
	if (!isnan(x))
		*to = isnan(*to) ? x : *to + x;
}

static const char *
task_key(const struct list *l, const char *pid, const char *tid, char out[64])
{
	snprintf(out, 64, l->view == VIEW_THREADS ? "%.20s/%.20s" : "%.20s", pid, tid);
	return out;
}

/* Gives each process ID the number of its row. */
static void
number_pids(struct tasks_rows processes, struct map *pids)
{
	for (size_t i = 0; i < tasks_count(processes); i++)
		map_put(pids, text_of(tasks_text(processes, i, TASKS_PID)));
}

/* Threads have names of their own. */
static void
name_processes(struct list *l, struct tasks_rows processes)
{
	struct map pids = { .n = 0 };

	number_pids(processes, &pids);
	for (size_t i = 0; i < l->n; i++) {
		int row = l->all[i].pid ? map_find(&pids, text_of(l->all[i].pid)) : -1;
		if (row >= 0)
			l->all[i].process = copy(l, tasks_text(processes, (size_t)row, TASKS_COMM));
	}
	map_free(&pids);
}

static void
take_tasks(struct list *l, struct tasks_rows rows)
{
	char key[64];

	for (size_t i = 0; i < tasks_count(rows); i++) {
		const char *pid = tasks_text(rows, i, TASKS_PID),
			   *tid = tasks_text(rows, i, TASKS_TID),
			   *cgroup = tasks_text(rows, i, TASKS_CGROUP);
		bool by_cgroup = l->view == VIEW_CGROUPS;
		if (by_cgroup ? !*cgroup : !*pid)
			continue;
		struct list_entry *x = entry_of(l, by_cgroup ? cgroup : task_key(l, pid, tid, key));
		if (!x->name && by_cgroup) {
			x->name = copy(l, tasks_brief(rows, i, TASKS_CGROUP));
		} else if (!by_cgroup) {
			x->name = copy(l, tasks_text(rows, i, TASKS_COMM));
			x->of = copy(l, tasks_brief(rows, i, TASKS_CGROUP));
			x->pid = copy(l, pid);
			x->tid = l->view == VIEW_THREADS ? copy(l, tid) : NULL;
		}
		add(&x->value[LIST_CPU], tasks_num(rows, i, TASKS_CPU));
		add(&x->value[LIST_WAIT], tasks_num(rows, i, TASKS_WAIT));
		add(&x->value[LIST_IO], 100 * tasks_num(rows, i, TASKS_BLOCKED));
		if (!by_cgroup)
			add(&x->value[LIST_QUOTA], tasks_num(rows, i, TASKS_QUOTA));
	}
}

static bool
is_lock(struct wait_rows rows, size_t row)
{
	return strncmp(wait_text(rows, row, WAIT_WHERE), "lock", 4) == 0;
}

/* Which cgroup a process is in, by the rows of tasks. */
static const char *
cgroup_of(struct tasks_rows tasks, const struct map *pids, const char *pid)
{
	int row = map_find(pids, text_of(pid));

	return row < 0 ? "" : tasks_text(tasks, (size_t)row, TASKS_CGROUP);
}

/* A task that neither ran nor waited for a CPU has no row in pq tasks, but may be blocked all the time. */
static struct list_entry *
entry_of_wait(struct list *l, struct wait_rows rows, size_t i, const char *of, bool hurts)
{
	int known = *of ? map_find(&l->keys, text_of(of)) : -1;

	if (known >= 0)
		return &l->all[known];
	if (!*of || !hurts)
		return NULL;
	struct list_entry *x = entry_of(l, of);
	if (l->view != VIEW_CGROUPS) {
		x->name = copy(l, wait_text(rows, i, WAIT_PROCESS));
		x->pid = copy(l, wait_text(rows, i, WAIT_PID));
		x->tid = l->view == VIEW_THREADS ? copy(l, wait_text(rows, i, WAIT_TID)) : NULL;
	}
	return x;
}

/* Uninterruptible sleep is mostly I/O. */
static void
take_waits(struct list *l, struct tasks_rows tasks, struct wait_rows rows)
{
	struct map pids = { .n = 0 };
	char key[64];

	if (l->view == VIEW_CGROUPS)
		number_pids(tasks, &pids);
	for (size_t i = 0; i < wait_count(rows); i++) {
		const char *pid = wait_text(rows, i, WAIT_PID);
		double share = wait_num(rows, i, WAIT_SHARE);
		bool io = wait_num(rows, i, WAIT_UNINTERRUPTIBLE) == 1, lock = is_lock(rows, i);
		const char *of = l->view == VIEW_CGROUPS ?
		    cgroup_of(tasks, &pids, pid) :
		    task_key(l, pid, wait_text(rows, i, WAIT_TID), key);
		struct list_entry *x = entry_of_wait(l, rows, i, of, io || lock);
		if (!x)
			continue;
		if (io && isnan(x->value[LIST_IO]))
			x->value[LIST_IO] = share;
		add(&x->value[LIST_LOCK], lock ? share : 0);
	}
	map_free(&pids);
}

static void
take_quotas(struct list *l, struct throttle_rows rows)
{
	for (size_t i = 0; i < throttle_count(rows); i++) {
		struct list_entry *x = entry_of(l, throttle_text(rows, i, THROTTLE_CGROUP));
		if (!x->name)
			x->name = copy(l, throttle_brief(rows, i, THROTTLE_CGROUP));
		x->value[LIST_QUOTA] = 100 * throttle_num(rows, i, THROTTLE_HELD);
		if (isnan(x->value[LIST_CPU]))
			x->value[LIST_CPU] = 100 * throttle_num(rows, i, THROTTLE_USED);
	}
}

/* A cgroup that is near its memory limit, or stalls, is listed though no task of it is known. */
static void
take_limits(struct list *l, struct mem_rows rows)
{
	for (size_t i = 0; i < mem_count(rows); i++) {
		if (strcmp(mem_text(rows, i, MEM_CGROUP), "machine") == 0)
			continue;
		struct list_entry *x = entry_of(l, mem_text(rows, i, MEM_CGROUP));
		if (!x->name)
			x->name = copy(l, mem_brief(rows, i, MEM_CGROUP));
	}
}

static void
take_pressure(struct list *l, struct psi_rows rows)
{
	for (size_t i = 1; i < psi_count(rows); i++) {
		int known = map_find(&l->keys, text_of(psi_text(rows, i, PSI_CGROUP)));
		if (known >= 0)
			l->all[known].value[LIST_MEMORY] = psi_num(rows, i, PSI_MEMORY_SOME);
	}
}

/* A wait for a CPU includes that for a quota, where both are known. */
static double
hurts(const struct list_entry *x)
{
	const double *v = x->value;
	double sum = NAN;

	for (int c = LIST_WAIT; c < LIST_COLUMNS; c++)
		if (c != LIST_QUOTA)
			add(&sum, v[c]);
	if (!(v[LIST_WAIT] >= v[LIST_QUOTA]))
		add(&sum, v[LIST_QUOTA] - (isnan(v[LIST_WAIT]) ? 0 : v[LIST_WAIT]));
	return sum;
}

void
list_take(struct list *l, const struct evidence *e, const struct list_samplers *s)
{
	struct wait_rows waits = { s->wait };
	struct tasks_rows threads = { s->threads };

	arena_reset(&l->arena);
	map_clear(&l->keys);
	l->n = 0;
	take_tasks(l, l->view == VIEW_THREADS ? threads : e->tasks);
	if (l->view == VIEW_CGROUPS) {
		take_quotas(l, e->throttle);
		take_limits(l, e->mem);
	}
	take_waits(l, e->tasks, waits);
	if (l->view == VIEW_CGROUPS)
		take_pressure(l, e->psi);
	if (l->view == VIEW_THREADS)
		name_processes(l, e->tasks);
	for (size_t i = 0; i < l->n; i++)
		l->all[i].value[LIST_HURT] = hurts(&l->all[i]);
	list_arrange(l);
}

/* ---- Which are shown, and in which order */

/* Those that hurt equally are in the order of their use of CPUs, and then of their names. */
static int
worse(const void *a, const void *b)
{
	const struct list_entry *x = *(struct list_entry *const *)a,
				*y = *(struct list_entry *const *)b;
	double cpu_x = isnan(x->value[LIST_CPU]) ? -1 : x->value[LIST_CPU],
	       cpu_y = isnan(y->value[LIST_CPU]) ? -1 : y->value[LIST_CPU];

	if (x->rank != y->rank)
		return x->rank < y->rank ? 1 : -1;
	if (x->rank > -INFINITY && cpu_x != cpu_y)
		return cpu_x < cpu_y ? 1 : -1;
	int by_name = strcmp(x->name ? x->name : "", y->name ? y->name : "");
	return by_name ? by_name : strcmp(x->key, y->key);
}

/* By name, all have the same rank. */
static double
rank_of(const struct list *l, const struct list_entry *x)
{
	double v = l->sort == LIST_NAME ? -INFINITY : x->value[l->sort];

	return isnan(v) ? -1 : floor(v * 10 + 0.5) / 10; /* as it is shown */
}

static bool
passes(const struct list *l, const struct list_entry *x)
{
	return !*l->filter || (x->name && strcasestr(x->name, l->filter)) ||
	    strcasestr(x->key, l->filter) || (x->of && strcasestr(x->of, l->filter)) ||
	    (x->process && strcasestr(x->process, l->filter));
}

void
list_arrange(struct list *l)
{
	l->nshown = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!passes(l, &l->all[i]))
			continue;
		l->shown = xgrow(l->shown, l->nshown, &l->shown_room, sizeof(struct list_entry *));
		l->all[i].rank = rank_of(l, &l->all[i]);
		l->shown[l->nshown++] = &l->all[i];
	}
	if (l->nshown > 1)
		qsort(l->shown, l->nshown, sizeof(struct list_entry *), worse);
}

/* Where the selected entry is; the first one if it has gone. */
static size_t
selected_at(const struct list *l)
{
	for (size_t i = 0; l->selected && i < l->nshown; i++)
		if (strcmp(l->shown[i]->key, l->selected) == 0)
			return i;
	return 0;
}

/* While nothing was selected, the worst one is. */
void
list_move(struct list *l, long by)
{
	long at = (long)selected_at(l) + by, last = (long)l->nshown - 1;

	if (l->nshown == 0)
		return;
	at = at < 0 ? 0 : at > last ? last : at;
	free(l->selected);
	l->selected = at == 0 ? NULL : xstrdup(l->shown[at]->key);
}

const struct list_entry *
list_selected(const struct list *l)
{
	return l->nshown > 0 ? l->shown[selected_at(l)] : NULL;
}

/* ---- Drawing */

enum { FIGURE_WIDTH = 7, ID_WIDTH = 8, NAME_LEAST = 14 };

/* Whether column c comes before `other` where not all fit: the one that gives the order does. */
static bool
comes_first(const struct list *l, int c, int other)
{
	if (c == l->sort || other == l->sort)
		return c == l->sort;
	return columns[c].place < columns[other].place;
}

/* Sets *out to the columns for which there is room beside a name. Returns how many. */
static int
shown_columns(const struct list *l, const struct frame *f, int out[LIST_COLUMNS])
{
	int ids = l->view == VIEW_CGROUPS ? 0 : l->view == VIEW_PROCESSES ? ID_WIDTH : 2 * ID_WIDTH;
	int room = (f->width - ids - NAME_LEAST) / FIGURE_WIDTH, n = 0;

	for (int c = 0; c < LIST_COLUMNS; c++) {
		int before = 0;
		for (int other = 0; other < LIST_COLUMNS; other++)
			before += has_column(l, other) && comes_first(l, other, c);
		if (has_column(l, c) && before < room)
			out[n++] = c;
	}
	return n;
}

static void
draw_heading(const struct list *l, struct frame *f, int line)
{
	int shown[LIST_COLUMNS], n = shown_columns(l, f, shown);

	frame_at(f, line, 0, STYLE_REVERSE);
	frame_fill(f, STYLE_REVERSE);
	f->column = 0;
	if (l->view != VIEW_CGROUPS)
		frame_right(f, "PID", ID_WIDTH);
	if (l->view == VIEW_THREADS)
		frame_right(f, "TID", ID_WIDTH);
	for (int i = 0; i < n; i++) {
		f->style = STYLE_REVERSE | (l->sort == shown[i] ? STYLE_BOLD : 0);
		frame_right(f, columns[shown[i]].heading, FIGURE_WIDTH);
	}
	f->style = STYLE_REVERSE;
	frame_text(f, l->view == VIEW_CGROUPS ? "  cgroup" : "  command");
}

static unsigned
style_of(int c, double x)
{
	return x >= columns[c].very_high ? STYLE_RED :
	    x >= columns[c].high         ? STYLE_YELLOW :
					   STYLE_PLAIN;
}

static void
draw_names(struct frame *f, const struct list_entry *x)
{
	int room = f->width - f->column - 2;

	frame_text(f, "  ");
	if (!x->of) {
		frame_name(f, x->name ? x->name : x->key, room);
		return;
	}
	int first = room / 2 > 15 ? 15 : room / 2, at = f->column;
	frame_cut(f, x->name ? x->name : "-", first);
	if (room < 2 * NAME_LEAST - 4)
		return;
	f->column = at + first + 1;
	frame_name(f, x->of, room - first - 1);
}

static void
draw_entry(const struct list *l, struct frame *f, int line, const struct list_entry *x, bool marked)
{
	int shown[LIST_COLUMNS], n = shown_columns(l, f, shown);
	unsigned mark = marked ? STYLE_REVERSE : 0;
	char text[32];

	frame_at(f, line, 0, mark);
	if (mark) {
		frame_fill(f, mark);
		f->column = 0;
	}
	if (l->view != VIEW_CGROUPS)
		frame_right(f, x->pid ? x->pid : "-", ID_WIDTH);
	if (l->view == VIEW_THREADS)
		frame_right(f, x->tid ? x->tid : "-", ID_WIDTH);
	for (int i = 0; i < n; i++) {
		double v = x->value[shown[i]];
		f->style = mark ? mark : style_of(shown[i], v);
		snprintf(text, sizeof text, isnan(v) ? "-" : v < 9999.95 ? "%.1f" : "%.0f", v);
		frame_right(f, text, FIGURE_WIDTH);
	}
	f->style = mark;
	draw_names(f, x);
}

void
list_draw(struct list *l, struct frame *f, int line, int lines, bool marked)
{
	size_t rows = lines > 1 ? (size_t)lines - 1 : 0, at = selected_at(l);

	if (lines < 1)
		return;
	draw_heading(l, f, line);
	l->top = at < l->top ? at : at >= l->top + rows && rows > 0 ? at - rows + 1 : l->top;
	if (l->nshown <= rows)
		l->top = 0;
	else if (l->top > l->nshown - rows)
		l->top = l->nshown - rows;
	for (size_t i = 0; i < rows && l->top + i < l->nshown; i++)
		draw_entry(
		    l, f, line + 1 + (int)i, l->shown[l->top + i], marked && l->top + i == at);
	if (l->nshown > 0 || rows == 0)
		return;
	frame_at(f, line + 1, 0, STYLE_DIM);
	frame_text(f, *l->filter ? "  nothing matches the filter" : "  nothing to show yet");
}

void
list_free(struct list *l)
{
	free(l->all);
	free(l->shown);
	free(l->selected);
	map_free(&l->keys);
	arena_free(&l->arena);
}
