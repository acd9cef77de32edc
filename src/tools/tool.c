/* What tools call during a run, and the options that they share. */
#include "tools/tool.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void
format_note(struct watch *w, const char *fmt, va_list ap)
{
	char message[900];

	vsnprintf(message, sizeof message, fmt, ap);
	w->note(w, message);
}

void
watch_note(struct watch *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_note(w, fmt, ap);
	va_end(ap);
}

void *
watch_fail(struct watch *w, enum exit_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	format_note(w, fmt, ap);
	va_end(ap);
	w->fail = status;
	return NULL;
}

bool
watch_shows(const struct watch *w, int column)
{
	for (int i = 0; i < w->nshown; i++)
		if (w->shown[i] == column)
			return true;
	return false;
}

bool
cpu_chosen(const struct cpu_choice *c, unsigned cpu)
{
	return !c->listed || cpulist_has(&c->list, cpu);
}

bool
watch_check_cpus(struct watch *w, const struct cpu_choice *c, const struct cpulist *online)
{
	for (unsigned cpu = 0; cpu < CPULIST_MOST && !w->cpus_checked && c->listed && !w->fail;
	     cpu++)
		if (cpulist_has(&c->list, cpu) && !cpulist_has(online, cpu))
			watch_fail(w, EXIT_USAGE,
			    "CPU %u is not online (want a list such as 0,2-3, or ALL)", cpu);
	w->cpus_checked = true;
	return !w->fail;
}

const char *
watch_cpu_name(struct watch *w, unsigned cpu)
{
	cpu = cpu < CPULIST_MOST ? cpu : CPULIST_MOST; /* the last one is for invalid numbers */
	if (!w->cpu_names)
		w->cpu_names = arena_alloc(&w->arena, (CPULIST_MOST + 1) * sizeof *w->cpu_names);
	if (!w->cpu_names[cpu][0])
		snprintf(w->cpu_names[cpu], sizeof *w->cpu_names, "%u", cpu);
	return w->cpu_names[cpu];
}

double
watch_cpus(struct watch *w)
{
	double known = (double)w->host->facts.cpus, count = 0;
	struct cpulist online;
	struct text text, line;

	if (host_read(w->host, "sys/devices/system/cpu/online", &text) == 0 &&
	    text_line(&text, &line) && cpulist_parse(line, &online) == 0)
		count = cpulist_count(&online);
	count = fmax(count, known); /* a container may see fewer than it can use */
	return count > 0 ? count : CPULIST_MOST;
}

/* The files that the help of a column names at its end, in parentheses. */
static struct text
files_of(const struct column *c)
{
	const char *open = strrchr(c->help, '(');
	struct text t = text_of(open ? open + 1 : c->help);

	t.n -= open && t.n > 0;
	return t;
}

void
watch_tell_counters(struct watch *w, const struct interval *t, bool fell)
{
	uint64_t told = t->jumped | (fell ? t->fell : 0);

	for (; told; told &= told - 1) {
		int i = __builtin_ctzll(told);
		const struct column *c = &t->columns[i];
		struct text files = files_of(c);
		if (w->nshown == 0 || watch_shows(w, i))
			watch_note(w, "%s is unknown in some rows: its counter %s (%.*s)",
			    c->heading,
			    t->jumped >> i & 1 ? "grew by more than the time allows" : "decreased",
			    (int)files.n, files.s);
	}
}

void
gauge_add(struct gauge *g, double value)
{
	g->sum += value;
	g->last = value;
	g->max = g->n == 0 ? value : fmax(g->max, value);
	g->n++;
}

double
gauge_mean(const struct gauge *g)
{
	return g->n ? g->sum / g->n : NAN;
}

double
gauge_max(const struct gauge *g)
{
	return g->n ? g->max : NAN;
}

/* ---- What a tool declares */

const struct option option_pid = { 'p', NULL, "PID", OPTION_TEXT,
	offsetof(struct request, target.pid), .help = "only this process", .not_with = "-g -a" };
const struct option option_cgroup = { 'g', NULL, "CGROUP", OPTION_TEXT,
	offsetof(struct request, target.cgroup),
	.help = "this cgroup: a name such as /web, or its directory", .not_with = "-a" };
const struct option option_all = { 'a', NULL, NULL, OPTION_FLAG,
	offsetof(struct request, target.all), .help = "all cgroups, worst first" };
const struct option option_most = { 'n', NULL, "N", OPTION_ROWS, offsetof(struct request, most),
	.help = "only the first N rows (-a on a terminal: what fits)", .want = "a number of rows",
	.most = 1000000 };
const struct option option_sort = { 0, "sort", "KEY", OPTION_TEXT, offsetof(struct request, sort),
	.help = "sort by this column: numbers descending, names ascending" };

void
tool_sort(const struct watch *w, struct table *t, double (*key)(const struct cell *row))
{
	const char *by = w->ask->sort;

	table_choose(t,
	    &(struct choice){
		.by = by ? columns_find(t->columns, text_of(by)) : -1, .worst = key });
}

bool
tool_takes(const struct tool *t, const struct option *o)
{
	for (int i = 0; t->shared && t->shared[i]; i++)
		if (t->shared[i] == o)
			return true;
	return false;
}

const struct tool *
tool_form(const struct tool *t, const struct request *ask)
{
	for (int i = 0; t->forms && t->forms[i]; i++)
		if (t->forms[i]->suits(ask))
			return t->forms[i];
	return t;
}

struct target
tool_target(const struct tool *t, const struct target *target)
{
	return (struct target){
		.pid = tool_takes(t, &option_pid) ? target->pid : NULL,
		.cgroup = tool_takes(t, &option_cgroup) ? target->cgroup : NULL,
		.all = tool_takes(t, &option_all) && target->all,
	};
}

bool
tool_takes_target(const struct tool *t, const struct target *target)
{
	struct target taken = tool_target(t, target);

	return taken.pid || taken.cgroup || taken.all;
}

void *
tool_defaults(const struct tool *t, struct arena *a, unsigned rows)
{
	char *own = arena_alloc(a, t->options_size + 1);

	if (t->defaults)
		memcpy(own, t->defaults, t->options_size);
	for (const struct option *o = t->options; o && o->type != OPTION_END; o++)
		if (o->type == OPTION_ROWS)
			*(unsigned *)(void *)(own + o->at) = rows;
	return own;
}
