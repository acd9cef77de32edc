#include "cli/option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cli/output.h"
#include "cli/request.h"
#include "version.h"
#include "cli/words.h"

int
interval_parse(struct text t, int64_t *ns)
{
	static const struct {
		const char *suffix;
		double ns;
	} units[] = { { "ms", 1e6 }, { "s", 1e9 }, { "m", 60e9 }, { "h", 3600e9 }, { "", 1e9 } };
	const double least = 1e6, most = 31 * 86400e9;
	size_t digits = 0;
	double x;

	while (digits < t.n && ((t.s[digits] >= '0' && t.s[digits] <= '9') || t.s[digits] == '.'))
		digits++;
	struct text number = { t.s, digits }, suffix = { t.s + digits, t.n - digits };
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (!text_eq(suffix, units[i].suffix))
			continue;
		if (number.n == 0 || number.s[0] == '.' || text_decimal(number, &x) < 0)
			return -1;
		x *= units[i].ns;
		if (x < least || x > most)
			return -1;
		*ns = (int64_t)(x + 0.5);
		return 0;
	}
	return -1;
}

void
options_numbers(struct options *o, const char *interval, const char *count)
{
	if (interval && interval_parse(text_of(interval), &o->interval_ns) < 0)
		die(EXIT_USAGE,
		    "%s is no interval: a number of seconds, or with a unit, from 1ms to 31 days: "
		    "1, 0.1, 100ms, 2s, 1m",
		    interval);
	if (count && (text_u64(text_of(count), &o->count) < 0 || o->count == 0))
		die(EXIT_USAGE, "%s is no count: a whole number of rows, 1 or more", count);
}

static void
set_tick(struct options *o, const struct given *g)
{
	o->tick_ns = o->tool->takes & TAKES_WAIT ? 1000000000 / (int64_t)o->ask.hz : 10000000;
	if (g->seen[OPT_TICK] && interval_parse(text_of(g->arg[OPT_TICK]), &o->tick_ns) < 0)
		die(EXIT_USAGE, "--tick %s: it takes a time such as 10ms or 1s, 1ms at least",
		    g->arg[OPT_TICK]);
}

static void
set_time(struct when *w, const struct given *g, enum option_id id, const char *name)
{
	if (g->seen[id] && when_parse(text_of(g->arg[id]), w) < 0)
		die(EXIT_USAGE,
		    "%s %s: it takes a time such as 17:12, 2026-11-22 17:12:01, +5m (after the "
		    "start), -90s (before the end), @1790000000",
		    name, g->arg[id]);
}

/* What is replayed, and what is kept. */
static void
set_tapes(struct options *o, const struct given *g)
{
	words_exclude(g, OPT_SOURCE, OPT_ROOT);
	o->source = g->arg[OPT_SOURCE];
	o->root = g->arg[OPT_ROOT];
	o->out = g->seen[OPT_OUT] ? g->arg[OPT_OUT] : g->arg[OPT_TO_FILE];
	o->from = g->arg[OPT_FROM];
	o->to = g->arg[OPT_TO];
	o->follow = g->seen[OPT_FOLLOW];
	set_time(&o->from_when, g, OPT_FROM, "--from");
	set_time(&o->to_when, g, OPT_TO, "--to");
	if (!o->tool->rows && !(o->tool->takes & TAKES_VERDICT))
		return;
	if (!o->source && (o->from || o->to || o->follow))
		die(EXIT_USAGE, "--from, --to and --follow are about a tape: give it with -f");
	if (o->source && o->out)
		die(EXIT_USAGE,
		    "-f and -o exclude each other; pq tape cut copies a part of a tape");
	if (o->out && strcmp(o->out, "-") == 0)
		die(EXIT_USAGE,
		    "-o - would mix the tape with the rows; pq record -o - writes a tape to a "
		    "pipe");
}

static void
show(struct options *o, int column)
{
	for (int i = 0; i < o->nshown; i++)
		if (o->shown[i] == column)
			die(EXIT_USAGE, "-c names %s twice", o->tool->columns[column].key);
	o->shown[o->nshown++] = column;
}

static void
show_listed(struct options *o, const char *list)
{
	struct text rest = text_of(list), key;

	while (text_split(&rest, ',', &key)) {
		int column = columns_find(o->tool->columns, key);
		if (column < 0)
			die(EXIT_USAGE, "no column %.*s; pq %s --columns lists them%s%s%s",
			    (int)key.n, key.s, o->tool->name, o->tool->forms ? ", and with " : "",
			    o->tool->forms ? o->tool->forms_by : "",
			    o->tool->forms ? " others" : "");
		show(o, column);
	}
	if (o->nshown == 0)
		die(EXIT_USAGE, "-c takes columns by their keys; pq %s --columns lists them",
		    o->tool->name);
}

/* People get a screen of the worst, machines all. */
static unsigned
usual_rows(const struct options *o)
{
	int screen = output_terminal_rows();

	return !o->format->for_people ? 0 : screen > 5 ? (unsigned)screen - 4 : 20;
}

static bool
group_is_wanted(const char *list, const char *group)
{
	struct text rest = text_of(list), name;

	while (text_split(&rest, ',', &name))
		if (text_eq(name, "all") || text_eq(name, group))
			return true;
	return false;
}

static void
check_groups(const struct tool *t, const char *list)
{
	struct text rest = text_of(list), name;

	while (text_split(&rest, ',', &name)) {
		bool known = text_eq(name, "all");
		for (int i = 0; t->columns[i].key && !known; i++)
			known = t->columns[i].group && text_eq(name, t->columns[i].group);
		if (!known)
			die(EXIT_USAGE,
			    "no group of columns %.*s; pq %s --columns names each column's",
			    (int)name.n, name.s, t->name);
	}
}

/* What the rows are of is shown. */
static bool
is_named_so(const struct options *o, const char *group)
{
	return (o->ask.threads && strcmp(group, "thread") == 0) ||
	    (o->ask.by_cgroup && strcmp(group, "cgroup") == 0) ||
	    (o->ask.verbose && strcmp(group, "cost") == 0);
}

/* A line has frames, and a count. */
static void
check_folded(const struct options *o)
{
	int figures = 0;

	for (int i = 0; i < o->nshown; i++)
		figures += o->tool->columns[o->shown[i]].kind != LABEL;
	if (figures != 1)
		die(EXIT_USAGE,
		    "-c with --folded takes labels and one figure, such as process,where,samples");
}

/* Those that the tool shows by default, else those of no group, and those of -w. */
static void
show_usual(struct options *o, const char *columns, const char *groups)
{
	if (columns)
		show_listed(o, columns);
	for (int i = 0, listed = o->nshown; o->tool->columns[i].key; i++) {
		const char *group = o->tool->columns[i].group;
		bool wanted = group ? !o->format->for_people || group_is_wanted(groups, group) ||
			is_named_so(o, group) :
				      !columns;
		for (int k = 0; k < listed; k++)
			wanted &= o->shown[k] != i;
		if (wanted)
			show(o, i);
	}
}

/* Machines get all columns, people those of the default view and of -w; -c overrules both. */
static void
set_columns(struct options *o, const struct given *g)
{
	const char *groups = g->seen[OPT_GROUPS] ? g->arg[OPT_GROUPS] : "";

	words_exclude(g, OPT_COLUMNS, OPT_GROUPS);
	check_groups(o->tool, groups);
	if (g->seen[OPT_COLUMNS])
		show_listed(o, g->arg[OPT_COLUMNS]);
	else
		show_usual(o,
		    o->tool->default_columns && (o->format->for_people || o->ask.folded) ?
			o->tool->default_columns(&o->ask) :
			NULL,
		    groups);
	if (o->ask.folded)
		check_folded(o);
}

static void
print_columns(const struct tool *t)
{
	static const char *const kinds[] = { "label", "gauge", "count", "rate", "share", "flag" };
	static const char *const units[] = { "-", "CPUs", "%", "bytes", "ms", "1/s", "us" };

	for (int i = 0; t->columns[i].key; i++) {
		const struct column *c = &t->columns[i];
		printf("%-18s %-9s %-5s %-5s %-7s %s\n", c->key, *c->heading ? c->heading : "-",
		    kinds[c->kind], units[c->unit], c->group ? c->group : "default", c->help);
	}
}

static void
print_and_exit(const struct options *o, const struct given *g)
{
	if (g->seen[OPT_HELP])
		words_help(o->tool);
	else if (g->seen[OPT_VERSION])
		puts("pq " PQ_VERSION);
	else
		print_columns(o->tool);
	exit_printed();
}

static const struct format *
format_of(const struct given *g)
{
	if (g->seen[OPT_METRICS])
		return &format_metrics;
	return g->seen[OPT_JSON] ? &format_json : g->seen[OPT_CSV] ? &format_csv : &format_text;
}

/* A text of metrics is of one moment. */
static void
set_moment(struct options *o)
{
	if (o->format != &format_metrics)
		return;
	if (o->count > 1)
		die(EXIT_USAGE,
		    "--metrics is of one moment, and so takes no count but 1; pq export keeps a "
		    "file of them");
	o->count = 1;
}

/* The tool, or what is run instead as the request has it. */
static const struct tool *
form_of(const struct tool *t, const struct request *ask)
{
	for (int i = 0; t->forms && t->forms[i]; i++)
		if (t->forms[i]->suits(ask))
			return t->forms[i];
	return t;
}

void
options_parse(struct options *o, const struct tool *tool, struct given *g, char **words)
{
	words_take(g, tool, words);
	words_exclude(g, OPT_JSON, OPT_CSV);
	words_exclude(g, OPT_JSON, OPT_METRICS);
	words_exclude(g, OPT_CSV, OPT_METRICS);
	words_exclude(g, OPT_METRICS, OPT_HISTOGRAM);
	*o = (struct options){ .tool = tool, .given = g, .utc = g->seen[OPT_UTC] };
	o->format = format_of(g);
	request_parse(&o->ask, g, usual_rows(o));
	if (o->ask.folded)
		o->format = &format_folded;
	o->tool = form_of(tool, &o->ask);
	if (g->seen[OPT_HELP] || g->seen[OPT_VERSION] || g->seen[OPT_LIST])
		print_and_exit(o, g);
	set_tapes(o, g);
	if (!tool->rows)
		return;
	options_numbers(o, g->word[0], g->word[1]);
	set_moment(o);
	set_tick(o, g);
	set_columns(o, g);
}
