#include "words.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

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

void
words_help(const struct tool *t)
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

void
words_take(struct given *g, const struct tool *t, char **words)
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
