#include "cli/words.h"

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
	[OPT_JSON] = { 0, "json", NULL, TAKES_ROWS, "one JSON object per row and line" },
	[OPT_CSV] = { 0, "csv", NULL, TAKES_ROWS, "CSV (RFC 4180), the header once" },
	[OPT_METRICS] = { 0, "metrics", NULL, TAKES_ROWS,
	    "one moment as Prometheus reads it (OpenMetrics)" },
	[OPT_SOURCE] = { 'f', NULL, "FILE", TAKES_ROWS | TAKES_VERDICT | TAKES_LIMITS,
	    "replay a tape (- from a pipe), or a directory of moments" },
	[OPT_FROM] = { 0, "from", "TIME", TAKES_WINDOW | TAKES_LIMITS,
	    "of a tape from then: 17:12, 2026-11-22 17:12:01, @SECONDS" },
	[OPT_TO] = { 0, "to", "TIME", TAKES_WINDOW,
	    "and up to then; +5m is after its start, -90s before its end" },
	[OPT_FOLLOW] = { 0, "follow", NULL, TAKES_ROWS,
	    "of a tape that is being written: wait for more" },
	[OPT_ROOT] = { 0, "root", "DIR",
	    TAKES_ROWS | TAKES_RECORD | TAKES_VERDICT | TAKES_EXPORT | TAKES_LIMITS,
	    "take the file tree under DIR for the machine's" },
	[OPT_OUT] = { 'o', NULL, "FILE", TAKES_ROWS | TAKES_RECORD,
	    "keep what is read on this tape" },
	[OPT_TO_FILE] = { 'o', NULL, "NAME", TAKES_WORK,
	    "what to write: a tape, or the directory of unpack" },
	[OPT_RING] = { 0, "ring", "SIZE", TAKES_RECORD,
	    "the tape keeps this size, and the latest: 64M, 1G" },
	[OPT_PID] = { 'p', NULL, "PID", TAKES_PID,
	    "of this process: its cgroup, its CPUs, its threads" },
	[OPT_CGROUP] = { 'g', NULL, "CGROUP", TAKES_CGROUP,
	    "this cgroup: a name such as /web, or its directory" },
	[OPT_ALL] = { 'a', NULL, NULL, TAKES_ALL,
	    "all cgroups, or those with a limit; the worst first" },
	[OPT_CPUS] = { 'P', NULL, "LIST", TAKES_CPUS, "these CPUs: 0,2-3, or ALL" },
	[OPT_ALLOWED] = { 0, "allowed", NULL, TAKES_ALLOWED,
	    "only CPUs that the process, or -p, may run on" },
	[OPT_BUSIEST] = { 0, "busiest", "N", TAKES_BUSIEST,
	    "only the N busiest CPUs, the busiest first" },
	[OPT_TICK] = { 0, "tick", "TIME", TAKES_TICK, "look at the run queue this often (10ms)" },
	[OPT_THREADS] = { 't', NULL, NULL, TAKES_THREADS, "a row for each thread" },
	[OPT_MOST] = { 'n', NULL, "N", TAKES_MOST,
	    "so many rows, the worst (text: 20, or a screen; else all)" },
	[OPT_COMM] = { 'C', NULL, "NAME", TAKES_COMM, "only commands with this in their names" },
	[OPT_BY_CGROUP] = { 'G', NULL, NULL, TAKES_BY_CGROUP,
	    "a row for each cgroup: who disturbs whom" },
	[OPT_BUDGET] = { 0, "budget", "TIME", TAKES_BUDGET,
	    "CPU time that a row may cost (50ms); else some are left out" },
	[OPT_PROVENANCE] = { 0, "source", "NAME", TAKES_LATENCY,
	    "bpf, bpf-btf, bpf-raw, bpf-tp, schedstat or probe" },
	[OPT_PERIOD] = { 0, "period", "TIME", TAKES_LATENCY, "the probe looks this often (10ms)" },
	[OPT_HISTOGRAM] = { 'H', NULL, NULL, TAKES_LATENCY, "the histogram: powers of two" },
	[OPT_MILLIS] = { 'm', NULL, NULL, TAKES_LATENCY, "in milliseconds" },
	[OPT_VERBOSE] = { 'v', NULL, NULL, TAKES_LATENCY,
	    "what the measurement itself costs, too" },
	[OPT_HZ] = { 0, "hz", "N", TAKES_WAIT, "look at the threads so many times a second (20)" },
	[OPT_SLOW] = { 0, "slow", "TIME", TAKES_WAIT,
	    "a row for each wait that took so long, such as 200ms" },
	[OPT_IDLE] = { 0, "idle", NULL, TAKES_WAIT, "with --slow: waits for something to do, too" },
	[OPT_FOLDED] = { 0, "folded", NULL, TAKES_WAIT,
	    "for flame graphs: process;thread;state;where count" },
	[OPT_WHEN] = { 0, "when", "EXPR", TAKES_RECORD,
	    "save a window when this holds; can be given again" },
	[OPT_SAVE] = { 0, "save", "DIR", TAKES_RECORD, "where windows are saved" },
	[OPT_BEFORE] = { 0, "before", "TIME", TAKES_RECORD, "a window has so much before (60s)" },
	[OPT_AFTER] = { 0, "after", "TIME", TAKES_RECORD, "and so much after (10s)" },
	[OPT_COOLDOWN] = { 0, "cooldown", "TIME", TAKES_RECORD,
	    "between two saves for the same --when (5m)" },
	[OPT_MAX_SAVES] = { 0, "max-saves", "N", TAKES_RECORD,
	    "save as long as DIR has fewer saved tapes (20)" },
	[OPT_MAX_BYTES] = { 0, "max-bytes", "SIZE", TAKES_RECORD,
	    "and as long as they have fewer bytes (1G)" },
	[OPT_EXEC_LIMIT] = { 0, "exec-limit", "TIME", TAKES_RECORD,
	    "the command is killed after so long (60s)" },
	[OPT_LOG_JSON] = { 0, "json", NULL, TAKES_RECORD,
	    "log events as JSON, one object per line" },
	[OPT_EXEC] = { 0, "exec", "CMD ARG...", TAKES_RECORD,
	    "run this for each save; all words behind it belong to it" },
	[OPT_TEXTFILE] = { 0, "textfile", "DIR", TAKES_EXPORT,
	    "the directory that node_exporter reads" },
	[OPT_INFO_JSON] = { 0, "json", NULL, TAKES_WORK | TAKES_VERDICT,
	    "info, or a verdict, as one JSON object" },
	[OPT_WARN] = { 'w', NULL, "EXPR", TAKES_CHECK,
	    "WARNING when this holds; can be given again" },
	[OPT_CRITICAL] = { 'c', NULL, "EXPR", TAKES_CHECK,
	    "CRITICAL when this holds; so does a word alone" },
	[OPT_SPAN] = { 'i', NULL, "TIME", TAKES_CHECK, "over so long from now on (1s)" },
	[OPT_DURING] = { 0, "during", "CMD", TAKES_CHECK,
	    "or while this runs, such as 'make test'" },
	[OPT_EACH_PID] = { 'p', NULL, "PID", TAKES_CHECK, "for this process; can be given again" },
	[OPT_EACH_CGROUP] = { 'g', NULL, "CGROUP", TAKES_CHECK,
	    "for this cgroup; can be given again" },
	[OPT_SHARE] = { 0, "share", "PART", TAKES_LIMITS,
	    "of the memory limit for GOMEMLIMIT (0.9) and heaps (0.75)" },
	[OPT_PAGE_JSON] = { 0, "json", NULL, TAKES_LIMITS, "as one JSON object" },
	[OPT_COLUMNS] = { 'c', NULL, "LIST", TAKES_ROWS, "these columns, by their keys" },
	[OPT_GROUPS] = { 'w', NULL, "GROUPS", TAKES_ROWS,
	    "wider: these groups of columns too, or all" },
	[OPT_UTC] = { 'u', NULL, NULL, 0, "times in UTC" },
	[OPT_LIST] = { 0, "columns", NULL, TAKES_ROWS, "list the columns, and exit" },
	[OPT_HELP] = { 'h', "help", NULL, 0, "print this, and exit" },
	[OPT_VERSION] = { 0, "version", NULL, 0, "print the version, and exit" },
};

static bool
has_groups(const struct tool *t)
{
	for (int i = 0; t->columns && t->columns[i].key; i++)
		if (t->columns[i].group)
			return true;
	for (int i = 0; t->forms && t->forms[i]; i++)
		if (has_groups(t->forms[i]))
			return true;
	return false;
}

static bool
takes(const struct tool *t, enum option_id id)
{
	if (id == OPT_GROUPS)
		return has_groups(t);
	return table[id].takes == 0 || ((t->takes | (t->rows ? TAKES_ROWS : 0)) & table[id].takes);
}

void
words_help(const struct tool *t)
{
	printf("Usage: pq %s %s\n%s: %s.\n\n", t->name,
	    t->usage ? t->usage : "[options] [interval [count]]", t->name, t->brief);
	printf("Examples:\n%s\nOptions:\n", t->examples);
	for (int i = 0; i < OPTIONS; i++) {
		const struct option *o = &table[i];
		char left[40];
		if (!takes(t, (enum option_id)i))
			continue;
		int n = o->letter ?
		    snprintf(left, sizeof left, "-%c%s", o->letter, o->name ? ", " : "") :
		    0;
		n += o->name ? snprintf(left + n, sizeof left - (size_t)n, "--%s", o->name) : 0;
		if (o->arg)
			snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
		printf("  %-17s %s\n", left, o->help);
	}
	if (t->rows)
		printf(
		    "\nAn interval is a number of seconds, or has a unit: 1, 0.1, 100ms, 2s, 1m;\n"
		    "without one there is one row over one second.");
	printf("%sMore: man pq-%s\n", t->rows ? " " : "\n", t->name);
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
		die(EXIT_USAGE,
		    "%s is no interval: it must be a positive number of seconds, such as 1, 0.1 or "
		    "100ms",
		    word);
	die(EXIT_USAGE, "no option %s here; pq %s --help lists them", word, t->name);
}

static void
give(struct given *g, enum option_id id, const char *word, const char *arg)
{
	bool again = id == OPT_WHEN || id == OPT_WARN || id == OPT_CRITICAL || id == OPT_EACH_PID ||
	    id == OPT_EACH_CGROUP;

	if (g->seen[id] && !again)
		die(EXIT_USAGE, "%s is given twice", word);
	if (again && g->repeats == REPEATS_MOST)
		die(EXIT_USAGE, "%s is one too many: there can be %d of such options", word,
		    REPEATS_MOST);
	if (again)
		g->repeated[g->repeats++] = (struct repeated){ id, arg };
	g->seen[id] = true;
	g->arg[id] = arg;
}

/* As it is written: "-p", "--json". */
static const char *
written(enum option_id id, char out[32])
{
	if (table[id].letter)
		snprintf(out, 32, "-%c", table[id].letter);
	else
		snprintf(out, 32, "--%s", table[id].name);
	return out;
}

void
words_exclude(const struct given *g, enum option_id a, enum option_id b)
{
	char x[32], y[32];

	if (g->seen[a] && g->seen[b])
		die(EXIT_USAGE, "%s and %s exclude each other: give one of them", written(a, x),
		    written(b, y));
}

/* "--exec CMD ARG…": all words from the command on. */
static char **
command_of(char **words, bool apart)
{
	if (!apart)
		die(EXIT_USAGE, "--exec is followed by a blank and the command: --exec CMD ARG...");
	return words + 1;
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
	if (id == OPT_EXEC)
		g->command = command_of(words, apart);
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
			die(EXIT_USAGE, "-%c needs an argument: %s", table[id].letter,
			    table[id].arg);
		give(g, id, words[0], c[1] ? c + 1 : words[1]);
		return c[1] ? 1 : 2;
	}
	return 1;
}

static void
take_word(struct given *g, const struct tool *t, const char *word)
{
	if (t->rows && g->words == 2)
		die(EXIT_USAGE, "one argument too many: %s; there are an interval and a count",
		    word);
	if (g->words == WORDS_MOST)
		die(EXIT_USAGE, "more than %d arguments: %s", WORDS_MOST, word);
	g->word[g->words++] = word;
}

void
words_take(struct given *g, const struct tool *t, char **words)
{
	bool options = true;

	while (*words && !g->command) {
		const char *word = *words;
		if (!options || word[0] != '-' || !word[1]) {
			take_word(g, t, word);
			words++;
		} else if (strcmp(word, "--") == 0) {
			options = false;
			words++;
		} else {
			words +=
			    word[1] == '-' ? take_name(g, t, words) : take_letters(g, t, words);
		}
	}
}
