#include "option.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "version.h"

enum option_id { OPT_JSON, OPT_CSV, OPT_MOMENTS, OPT_ROOT, OPT_PID, OPT_CGROUP, OPT_ALL, OPT_CPUS, OPT_ALLOWED, OPT_BUSIEST,
	OPT_TICK, OPT_COLUMNS, OPT_GROUPS, OPT_UTC, OPT_LIST, OPT_HELP, OPT_VERSION, OPTIONS };

static const struct option {
	char letter;      /* 0: it has only its name */
	const char *name; /* NULL: it has only its letter */
	const char *arg;  /* NULL: it takes none */
	unsigned takes;   /* 0: all tools take it */
	const char *help;
} table[OPTIONS] = {
	[OPT_JSON] = { 0, "json", NULL, 0, "one JSON object per row and line" },
	[OPT_CSV] = { 0, "csv", NULL, 0, "CSV (RFC 4180), the header once" },
	[OPT_MOMENTS] = { 'f', NULL, "DIR", 0, "replay captured moments (scripts/capture)" },
	[OPT_ROOT] = { 0, "root", "DIR", 0, "take the file tree under DIR for the machine's" },
	[OPT_PID] = { 'p', NULL, "PID", TAKES_PID, "of this process: its cgroup, or the CPUs it may run on" },
	[OPT_CGROUP] = { 'g', NULL, "CGROUP", TAKES_CGROUP, "this cgroup: a name such as /web, or its directory" },
	[OPT_ALL] = { 'a', NULL, NULL, TAKES_ALL, "all cgroups with a limit, the worst first" },
	[OPT_CPUS] = { 'P', NULL, "LIST", TAKES_CPUS, "these CPUs, a row each: 0,2-3, or ALL" },
	[OPT_ALLOWED] = { 0, "allowed", NULL, TAKES_ALLOWED, "only CPUs that this process, or -p, may run on" },
	[OPT_BUSIEST] = { 0, "busiest", "N", TAKES_BUSIEST, "only the N busiest CPUs, the busiest first" },
	[OPT_TICK] = { 0, "tick", "TIME", TAKES_TICK, "look at the run queue this often (10ms)" },
	[OPT_COLUMNS] = { 'c', NULL, "LIST", 0, "these columns, by their keys" },
	[OPT_GROUPS] = { 'w', NULL, "GROUPS", 0, "wider: these groups of columns too, or all" },
	[OPT_UTC] = { 'u', NULL, NULL, 0, "times in UTC" },
	[OPT_LIST] = { 0, "columns", NULL, 0, "list the columns, and exit" },
	[OPT_HELP] = { 'h', "help", NULL, 0, "print this, and exit" },
	[OPT_VERSION] = { 0, "version", NULL, 0, "print the version, and exit" },
};

/* What was given, to be looked at when all is known. */
struct given {
	bool seen[OPTIONS];
	const char *arg[OPTIONS];
	const char *number[2]; /* interval and count */
	int numbers;
};

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

static bool
has_groups(const struct tool *t)
{
	for (int i = 0; t->columns[i].key; i++)
		if (t->columns[i].group)
			return true;
	return t->per_cpu && has_groups(t->per_cpu);
}

static bool
takes(const struct tool *t, enum option_id id)
{
	if (id == OPT_GROUPS)
		return has_groups(t);
	return table[id].takes == 0 || (t->takes & table[id].takes);
}

static void
print_help(const struct tool *t)
{
	printf("Usage: pq %s [options] [interval [count]]\n%s: %s.\n\n", t->name, t->name, t->brief);
	printf("Examples:\n%s\nOptions:\n", t->examples);
	for (int i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];
		char left[40];
		if (!takes(t, (enum option_id)i))
			continue;
		int n = o->letter ? snprintf(left, sizeof left, "-%c%s", o->letter, o->name ? ", " : "") : 0;
		n += o->name ? snprintf(left + n, sizeof left - (size_t)n, "--%s", o->name) : 0;
		if (o->arg)
			snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
		printf("  %-14s %s\n", left, o->help);
	}
	printf("\nAn interval is a number of seconds, or has a unit: 1, 0.1, 100ms, 2s, 1m; without one there is one row\n"
	       "over one second. More: man pq-%s\n", t->name);
}

static void
print_columns(const struct tool *t)
{
	static const char *const kinds[] = { "label", "gauge", "count", "rate", "share", "flag" };
	static const char *const units[] = { "-", "CPUs", "%", "bytes", "ms", "1/s" };

	for (int i = 0; t->columns[i].key; i++) {
		const struct column *c = &t->columns[i];
		printf("%-18s %-9s %-5s %-5s %-7s %s\n", c->key, *c->heading ? c->heading : "-", kinds[c->kind],
		       units[c->unit], c->group ? c->group : "default", c->help);
	}
}

static enum option_id
find_letter(const struct tool *t, char letter)
{
	for (int i = 0; i < OPTIONS; i++)
		if (table[i].letter == letter && takes(t, (enum option_id)i))
			return (enum option_id)i;
	return OPTIONS;
}

static enum option_id
find_name(const struct tool *t, struct text name)
{
	for (int i = 0; i < OPTIONS; i++)
		if (table[i].name && text_eq(name, table[i].name) && takes(t, (enum option_id)i))
			return (enum option_id)i;
	return OPTIONS;
}

_Noreturn static void
unknown_option(const struct tool *t, const char *word)
{
	if (word[1] >= '0' && word[1] <= '9')
		die(EXIT_USAGE, "%s is no interval: it must be a positive number of seconds, such as 1, 0.1 or 100ms", word);
	die(EXIT_USAGE, "no option %s here; pq %s --help lists them", word, t->name);
}

static void
give(struct given *g, enum option_id id, const char *word, const char *arg)
{
	if (g->seen[id])
		die(EXIT_USAGE, "%s is given twice", word);
	g->seen[id] = true;
	g->arg[id] = arg;
}

/* "--tick=1s", "--tick 1s", "--json"; returns how many words it took. */
static int
take_name(struct given *g, const struct tool *t, char **words)
{
	struct text rest = text_of(words[0] + 2), name;
	const char *arg = strchr(words[0], '=');

	if (!text_split(&rest, '=', &name))
		name = rest;
	enum option_id id = find_name(t, name);
	if (id == OPTIONS)
		unknown_option(t, words[0]);
	if (!table[id].arg && arg)
		die(EXIT_USAGE, "--%s takes no argument", table[id].name);
	bool apart = table[id].arg && !arg;
	if (apart && !words[1])
		die(EXIT_USAGE, "--%s needs an argument: %s", table[id].name, table[id].arg);
	give(g, id, words[0], apart ? words[1] : arg ? arg + 1 : NULL);
	return 1 + apart;
}

/* "-u", "-ua", "-p1", "-p 1". */
static int
take_letters(struct given *g, const struct tool *t, char **words)
{
	for (const char *c = words[0] + 1; *c; c++) {
		enum option_id id = find_letter(t, *c);
		if (id == OPTIONS)
			unknown_option(t, words[0]);
		if (!table[id].arg) {
			give(g, id, words[0], NULL);
			continue;
		}
		if (!c[1] && !words[1])
			die(EXIT_USAGE, "-%c needs an argument: %s", table[id].letter, table[id].arg);
		give(g, id, words[0], c[1] ? c + 1 : words[1]);
		return c[1] ? 1 : 2;
	}
	return 1;
}

static void
take_number(struct given *g, const char *word)
{
	if (g->numbers == 2)
		die(EXIT_USAGE, "one argument too many: %s; there are an interval and a count", word);
	g->number[g->numbers++] = word;
}

static void
take_words(struct given *g, const struct tool *t, char **words)
{
	bool options = true;

	while (*words) {
		const char *word = *words;
		if (!options || word[0] != '-' || !word[1]) {
			take_number(g, word);
			words++;
		} else if (strcmp(word, "--") == 0) {
			options = false;
			words++;
		} else {
			words += word[1] == '-' ? take_name(g, t, words) : take_letters(g, t, words);
		}
	}
}

static void
set_numbers(struct options *o, const struct given *g)
{
	if (g->number[0] && interval_parse(text_of(g->number[0]), &o->interval_ns) < 0)
		die(EXIT_USAGE, "%s is no interval: a number of seconds, or with a unit, from 1ms to 31 days: 1, 0.1, 100ms, 2s, 1m",
		    g->number[0]);
	if (g->number[1] && (text_u64(text_of(g->number[1]), &o->count) < 0 || o->count == 0))
		die(EXIT_USAGE, "%s is no count: a whole number of rows, 1 or more", g->number[1]);
	o->tick_ns = 10000000;
	if (g->seen[OPT_TICK] && interval_parse(text_of(g->arg[OPT_TICK]), &o->tick_ns) < 0)
		die(EXIT_USAGE, "--tick %s: it takes a time such as 10ms or 1s, 1ms at least", g->arg[OPT_TICK]);
}

static void
exclude(const struct given *g, enum option_id a, const char *x, enum option_id b, const char *y)
{
	if (g->seen[a] && g->seen[b])
		die(EXIT_USAGE, "%s and %s exclude each other: give one of them", x, y);
}

static void
set_target(struct target *t, const struct given *g)
{
	uint64_t pid;

	exclude(g, OPT_PID, "-p", OPT_CGROUP, "-g");
	exclude(g, OPT_PID, "-p", OPT_ALL, "-a");
	exclude(g, OPT_CGROUP, "-g", OPT_ALL, "-a");
	t->pid = g->arg[OPT_PID];
	t->cgroup = g->arg[OPT_CGROUP];
	t->all = g->seen[OPT_ALL];
	if (t->pid && (text_u64(text_of(t->pid), &pid) < 0 || pid == 0 || pid > 4194304))
		die(EXIT_USAGE, "-p %s: it takes the number of a process", t->pid);
	if (t->cgroup && !*t->cgroup)
		die(EXIT_USAGE, "-g takes the name of a cgroup, such as /web, or its directory");
}

static void
set_cpus(struct options *o, const struct given *g)
{
	struct request *ask = &o->ask;
	const char *list = g->arg[OPT_CPUS];
	uint64_t n;

	ask->per_cpu = g->seen[OPT_CPUS];
	ask->all_cpus = !list || strcmp(list, "ALL") == 0 || strcmp(list, "all") == 0;
	if (!ask->all_cpus && cpulist_parse(text_of(list), &ask->cpus) < 0)
		die(EXIT_USAGE, "-P %s: it takes a list of CPUs such as 0,2-3, or ALL", list);
	ask->allowed = g->seen[OPT_ALLOWED];
	if (!g->seen[OPT_BUSIEST])
		return;
	if (text_u64(text_of(g->arg[OPT_BUSIEST]), &n) < 0 || n == 0 || n > CPULIST_MOST)
		die(EXIT_USAGE, "--busiest %s: it takes a number of CPUs, 1 or more", g->arg[OPT_BUSIEST]);
	ask->busiest = (unsigned)n;
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
			die(EXIT_USAGE, "no column %.*s; pq %s --columns lists them", (int)key.n, key.s, o->tool->name);
		show(o, column);
	}
	if (o->nshown == 0)
		die(EXIT_USAGE, "-c takes columns by their keys; pq %s --columns lists them", o->tool->name);
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
			die(EXIT_USAGE, "no group of columns %.*s; pq %s --columns names each column's", (int)name.n, name.s, t->name);
	}
}

/* Machines get all columns, people those of the default view and of -w; -c overrules both. */
static void
set_columns(struct options *o, const struct given *g)
{
	const char *groups = g->seen[OPT_GROUPS] ? g->arg[OPT_GROUPS] : "";

	exclude(g, OPT_COLUMNS, "-c", OPT_GROUPS, "-w");
	if (g->seen[OPT_COLUMNS]) {
		show_listed(o, g->arg[OPT_COLUMNS]);
		return;
	}
	check_groups(o->tool, groups);
	for (int i = 0; o->tool->columns[i].key; i++) {
		const char *group = o->tool->columns[i].group;
		if (!group || !o->format->for_people || group_is_wanted(groups, group))
			show(o, i);
	}
}

static void
print_and_exit(const struct options *o, const struct given *g)
{
	if (g->seen[OPT_HELP])
		print_help(o->tool);
	else if (g->seen[OPT_VERSION])
		puts("pq " PQ_VERSION);
	else
		print_columns(o->tool);
	if (fflush(stdout) == EOF)
		die(EXIT_FAILED, "cannot write: %s", strerror(errno));
	exit(EXIT_DONE);
}

void
options_parse(struct options *o, const struct tool *tool, char **words)
{
	struct given g = { 0 };

	take_words(&g, tool, words);
	exclude(&g, OPT_JSON, "--json", OPT_CSV, "--csv");
	exclude(&g, OPT_MOMENTS, "-f", OPT_ROOT, "--root");
	*o = (struct options){ .tool = tool, .utc = g.seen[OPT_UTC] };
	o->format = g.seen[OPT_JSON] ? &format_json : g.seen[OPT_CSV] ? &format_csv : &format_text;
	o->moments = g.arg[OPT_MOMENTS];
	o->root = g.arg[OPT_ROOT];
	set_cpus(o, &g);
	if (o->ask.per_cpu && tool->per_cpu)
		o->tool = tool->per_cpu;
	if (g.seen[OPT_HELP] || g.seen[OPT_VERSION] || g.seen[OPT_LIST])
		print_and_exit(o, &g);
	set_numbers(o, &g);
	set_target(&o->ask.target, &g);
	set_columns(o, &g);
}
