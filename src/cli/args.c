#include "cli/args.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "cli/values.h"
#include "version.h"

/* The place of a shared option's value. */
#define AT(member) offsetof(struct options, member)

const struct option option_source = { 'f', NULL, "FILE", OPTION_PATH, AT(source),
	.help = "read a recording ('-': from stdin) or captured directory", .not_with = "--root" };
const struct option option_from = { 0, "from", "TIME", OPTION_WHEN, AT(from),
	.help = "start at TIME: 17:12, 2026-11-22 17:12:01, @SECONDS, +5m" };
const struct option option_to = { 0, "to", "TIME", OPTION_WHEN, AT(to),
	.help = "stop at TIME; +5m is after the start, -90s before the end" };
const struct option option_root = { 0, "root", "DIR", OPTION_PATH, AT(root),
	.help = "read files below DIR instead of /, such as /host" };
const struct option option_out = { 'o', NULL, "FILE", OPTION_PATH, AT(out),
	.help = "record what is read to FILE", .writes = true };

static const struct option option_json = { 0, "json", NULL, OPTION_FLAG, AT(formatted),
	.help = "print one JSON object per row, one per line", .format = &format_json,
	.not_with = "--csv --metrics" };
static const struct option option_csv = { 0, "csv", NULL, OPTION_FLAG, AT(formatted),
	.help = "print CSV (RFC 4180) with one header", .format = &format_csv,
	.not_with = "--metrics" };
static const struct option option_metrics = { 0, "metrics", NULL, OPTION_FLAG, AT(formatted),
	.help = "print one sample in the Prometheus/OpenMetrics format",
	.format = &format_metrics };
static const struct option option_follow = { 0, "follow", NULL, OPTION_FLAG, AT(follow),
	.help = "at the end of a recording, wait for more" };
static const struct option option_columns = { 'c', NULL, "LIST", OPTION_TEXT, AT(columns),
	.help = "only these columns, by key: LIST is comma-separated", .not_with = "-w" };
static const struct option option_groups = { 'w', NULL, "GROUPS", OPTION_TEXT, AT(groups),
	.help = "add these groups of columns, or 'all'" };
static const struct option option_spark = { 0, "spark", "[=LIST]", OPTION_TEXT, AT(spark),
	.help = "draw a sparkline of the main figure, or of these columns", .implied = "",
	.not_with = "--json --csv --metrics --folded --svg --slow -H" };
static const char *const colour_choices[] = { "auto", "always", "never", NULL };
static const struct option option_color = { 0, "color", "WHEN", OPTION_CHOICE, AT(colour),
	.help = "mark figures that hurt: auto (on a terminal), always, never",
	.choices = colour_choices };
static const struct option option_utc = { 'u', NULL, NULL, OPTION_FLAG, AT(utc),
	.help = "print times in UTC" };
static const struct option option_full = { 0, "full", NULL, OPTION_FLAG, AT(full),
	.help = "print cgroups as full paths, not by name" };
const struct option option_labels = { 0, "labels", "LIST", OPTION_TEXT, AT(labels),
	.help = "add labels to metrics: of pod,namespace,container,unit,job", .want = labels_want };
static const struct option option_list = { 0, "columns", NULL, OPTION_FLAG, AT(list),
	.help = "list the columns and exit" };
static const struct option option_help = { 'h', "help", NULL, OPTION_FLAG, AT(help),
	.help = "print this help and exit" };
static const struct option option_version = { 0, "version", NULL, OPTION_FLAG, AT(version),
	.help = "print the version and exit" };

enum { KNOWN_MOST = 48 };

/* The options of one tool. */
struct known {
	struct {
		const struct option *o;
		char *into;       /* the struct for its value */
		const char *word; /* as given on the command line; NULL: not given */
	} v[KNOWN_MOST];
	int n;
	int given; /* options on the command line so far */
};

static void
know(struct known *k, const struct option *o, void *into)
{
	if (k->n == KNOWN_MOST)
		abort(); /* a tool declares more options than there is room for */
	k->v[k->n].o = o;
	k->v[k->n++].into = into;
}

static void
know_table(struct known *k, const struct option *table, char *into)
{
	for (const struct option *o = table; o && o->type != OPTION_END; o++)
		if (o->type == OPTION_TABLE)
			know_table(k, o->table, into + o->at);
		else
			know(k, o, into);
}

static bool
is_of_request(const struct option *o)
{
	return o == &option_pid || o == &option_cgroup || o == &option_all || o == &option_most ||
	    o == &option_sort;
}

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

/* Whether its rows have names of cgroups. */
static bool
has_names(const struct tool *t)
{
	for (int i = 0; t->columns && t->columns[i].key; i++)
		if (t->columns[i].extra)
			return true;
	for (int i = 0; t->forms && t->forms[i]; i++)
		if (has_names(t->forms[i]))
			return true;
	return false;
}

/* Lists the options in the order of --help. A command with rows has only the first two of a tool's: it
 * declares what else it reads from. */
static void
know_all(struct known *k, const struct tool *t, struct options *o)
{
	static const struct option *const rows[] = { &option_json, &option_csv, &option_metrics,
		&option_source, &option_from, &option_to, &option_follow, &option_root,
		&option_out };

	for (size_t i = 0; t->rows && i < (t->command ? 2 : sizeof rows / sizeof rows[0]); i++)
		know(k, rows[i], o);
	for (int i = 0; t->shared && t->shared[i]; i++)
		know(k, t->shared[i], is_of_request(t->shared[i]) ? (void *)&o->ask : o);
	for (int i = 0; t->forms_shared && t->forms_shared[i]; i++)
		know(k, t->forms_shared[i], &o->ask);
	know_table(k, t->options, o->own);
	if (t->rows)
		know(k, &option_columns, o);
	if (has_groups(t))
		know(k, &option_groups, o);
	if (has_names(t)) {
		know(k, &option_full, o);
		know(k, &option_labels, o);
	}
	if (t->rows && !t->command) {
		know(k, &option_spark, o);
		know(k, &option_color, o);
	}
	know(k, &option_utc, o);
	if (t->rows)
		know(k, &option_list, o);
	know(k, &option_help, o);
	know(k, &option_version, o);
}

/* What the option does in this tool. */
static const char *
help_of(const struct tool *t, const struct option *o)
{
	const char *own = o == &option_pid ? t->shared_help.pid :
	    o == &option_cgroup            ? t->shared_help.cgroup :
	    o == &option_all               ? t->shared_help.all :
	    o == &option_most              ? t->shared_help.most :
	    o == &option_source            ? t->shared_help.source :
					     NULL;

	return own ? own : o->help;
}

static void
print_help(const struct tool *t, const struct known *k)
{
	printf("Usage: pq %s %s\n%s: %s.\n\n", t->name,
	    t->usage ? t->usage : "[options] [interval [count]]", t->name, t->brief);
	printf("Examples:\n%s\nOptions:\n", t->examples);
	for (int i = 0; i < k->n; i++) {
		const struct option *o = k->v[i].o;
		char letter[8] = "", left[48];
		if (o->letter)
			snprintf(letter, sizeof letter, "-%c%s", o->letter, o->name ? ", " : "");
		snprintf(left, sizeof left, "%s%s%s%s%s", letter, o->name ? "--" : "",
		    o->name ? o->name : "", o->arg && !o->implied ? " " : "", o->arg ? o->arg : "");
		printf("  %-17s %s\n", left, help_of(t, o));
	}
	if (t->rows)
		printf("\nInterval: seconds, or a number with a unit: 1, 0.1, 100ms, 2s, 1m.\n"
		       "Without an interval, %s.",
		    t->command ? "rows cover the whole trace, or one second" :
				 "pq prints one row for one second");
	printf("%sMore: man pq-%s\n", t->rows ? " " : "\n", t->name);
}

/* ---- Words */

static void
give(struct known *k, int i, const char *word, const char *arg)
{
	const struct option *o = k->v[i].o;

	if (k->v[i].word && o->type != OPTION_LIST)
		die(EXIT_USAGE, "%s: given twice", word);
	if (o->type == OPTION_LIST &&
	    ((const struct option_list *)(const void *)(k->v[i].into + o->at))->n ==
		OPTION_LIST_MOST)
		die(EXIT_USAGE, "%s: given too often: at most %d times", word, OPTION_LIST_MOST);
	k->v[i].word = word;
	if (!value_take(o, k->v[i].into, arg, k->given++))
		value_wrong(o, arg);
}

_Noreturn static void
unknown_option(const struct tool *t, const struct known *k, const char *word)
{
	struct nearest near = nearest_to(text_of(word));
	char names[KNOWN_MOST][32];

	if (word[1] >= '0' && word[1] <= '9')
		die(EXIT_USAGE,
		    "invalid number '%s': an interval is 1, 0.5, 100ms, 2s or 1m; a count 1 or "
		    "more",
		    word);
	for (int i = 0; i < k->n && word[1] == '-'; i++)
		if (k->v[i].o->name) {
			snprintf(names[i], sizeof names[i], "--%s", k->v[i].o->name);
			nearest_try(&near, names[i]);
		}
	if (near.name)
		die(EXIT_USAGE, "unknown option '%s'; did you mean '%s'?", word, near.name);
	die(EXIT_USAGE, "unknown option '%s' ('pq help %s' lists all options)", word, t->name);
}

/* The index of an option; k->n: there is none. */
static int
find_letter(const struct known *k, char letter)
{
	int i = 0;

	while (i < k->n && k->v[i].o->letter != letter)
		i++;
	return i;
}

static int
find_name(const struct known *k, const char *word)
{
	struct text rest = text_of(word + 2), name;
	int i = 0;

	if (!text_split(&rest, '=', &name))
		name = rest;
	while (i < k->n && !(k->v[i].o->name && text_eq(name, k->v[i].o->name)))
		i++;
	return i;
}

static bool
is_option(const struct known *k, const char *word)
{
	if (word[0] != '-' || !word[1])
		return false;
	return (word[1] == '-' ? find_name(k, word) : find_letter(k, word[1])) < k->n;
}

/* The argument of an option that is a word of its own. */
static const char *
next_word(const struct known *k, const struct option *o, const char *written, const char *word)
{
	if (!word)
		die(EXIT_USAGE, "%s: missing argument: want %s", written, o->arg);
	if (o->type == OPTION_PATH && is_option(k, word))
		die(EXIT_USAGE,
		    "%s: missing argument: want %s (write ./%s if a file of this name is meant)",
		    written, o->arg, word);
	return word;
}

/* Takes "--tick=1s", "--tick 1s" or "--json". Returns the number of words. */
static int
take_name(struct known *k, const struct tool *t, char **words, char ***command)
{
	const char *equals = strchr(words[0], '=');
	int i = find_name(k, words[0]);

	if (i == k->n)
		unknown_option(t, k, words[0]);
	const struct option *o = k->v[i].o;
	if (!o->arg && equals)
		die(EXIT_USAGE, "--%s: takes no argument", o->name);
	if (o->type == OPTION_COMMAND && equals)
		die(EXIT_USAGE, "--%s=: write --%s %s, with a space", o->name, o->name, o->arg);
	give(k, i, words[0],
	    equals         ? equals + 1 :
		o->implied ? o->implied :
		o->arg     ? next_word(k, o, words[0], words[1]) :
			     NULL);
	if (o->type == OPTION_COMMAND)
		*command = *(char ***)(void *)(k->v[i].into + o->at) = words + 1;
	return 1 + (o->arg && !equals && !o->implied);
}

/* Takes "-u", "-ua", "-p1" or "-p 1". Returns the number of words. */
static int
take_letters(struct known *k, const struct tool *t, char **words)
{
	for (const char *c = words[0] + 1; *c; c++) {
		int i = find_letter(k, *c);
		const char written[] = { '-', *c, '\0' };
		if (i == k->n)
			unknown_option(t, k, words[0]);
		const struct option *o = k->v[i].o;
		if (!o->arg) {
			give(k, i, words[0], NULL);
			continue;
		}
		give(k, i, words[0], c[1] ? c + 1 : next_word(k, o, written, words[1]));
		return c[1] ? 1 : 2;
	}
	return 1;
}

static void
take_word(struct options *o, const struct tool *t, const char *word)
{
	if (t->rows && o->words == 2)
		die(EXIT_USAGE, "unexpected argument '%s': usage is pq %s [interval [count]]", word,
		    t->name);
	if (o->words == WORDS_MOST)
		die(EXIT_USAGE, "too many arguments (at most %d): %s", WORDS_MOST, word);
	o->word[o->words++] = word;
}

static void
take_words(struct options *o, struct known *k, const struct tool *t, char **words)
{
	bool options = true;
	char **command = NULL;

	while (*words && !command) {
		const char *word = *words;
		if (!options || word[0] != '-' || !word[1]) {
			take_word(o, t, word);
			words++;
		} else if (strcmp(word, "--") == 0) {
			options = false;
			words++;
		} else {
			words += word[1] == '-' ? take_name(k, t, words, &command) :
						  take_letters(k, t, words);
		}
	}
}

static void
check_excluded(const struct known *k)
{
	char one[32], other[32];

	for (int i = 0; i < k->n; i++) {
		struct text rest = text_of(k->v[i].o->not_with ? k->v[i].o->not_with : ""), name;
		while (k->v[i].word && text_word(&rest, &name))
			for (int j = 0; j < k->n; j++)
				if (k->v[j].word && text_eq(name, option_written(k->v[j].o, other)))
					die(EXIT_USAGE, "%s and %s cannot be combined",
					    option_written(k->v[i].o, one), other);
	}
}

/* ---- What the options mean together */

void
options_numbers(struct options *o, const char *interval, const char *count)
{
	if (interval && interval_parse(text_of(interval), &o->interval_ns) < 0)
		die(EXIT_USAGE, "invalid interval '%s': want 1, 0.5, 100ms, 2s or 1m (1ms to 31d)",
		    interval);
	if (count && (text_u64(text_of(count), &o->count) < 0 || o->count == 0))
		die(EXIT_USAGE, "invalid count '%s': want a number of rows, 1 or more", count);
}

/* "-" is the standard stream. */
static bool
is_regular(const char *path, int stream, struct stat *st)
{
	int got = strcmp(path, "-") == 0 ? fstat(stream, st) : stat(path, st);

	return got == 0 && S_ISREG(st->st_mode);
}

static bool
is_one_file(const char *written, const char *source)
{
	struct stat x, y;

	return is_regular(written, STDOUT_FILENO, &x) && is_regular(source, STDIN_FILENO, &y) &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The recording that is read is not written. */
static void
check_written(const struct known *k, const char *source)
{
	char name[32];

	for (int i = 0; i < k->n && source; i++) {
		const char *path =
		    k->v[i].o->writes ? *(const char **)(k->v[i].into + k->v[i].o->at) : NULL;
		if (path && is_one_file(path, source))
			die(EXIT_USAGE, "%s %s would overwrite the recording",
			    option_written(k->v[i].o, name), path);
	}
}

static void
check_recordings(const struct options *o)
{
	if (!o->source && (o->from.written || o->to.written || o->follow))
		die(EXIT_USAGE, "%s need a recording (-f FILE)",
		    o->follow ? "--from, --to and --follow" : "--from and --to");
	if (o->source && o->out)
		die(EXIT_USAGE,
		    "-f and -o cannot be combined (copy a part of a recording with pq tape cut)");
	if (o->out && strcmp(o->out, "-") == 0)
		die(EXIT_USAGE,
		    "-o -: the recording would mix with the rows on stdout (pq record -o - writes "
		    "to a pipe)");
}

/* What fits on the terminal; 0 if stdout is none. */
static unsigned
rows_that_fit(void)
{
	struct winsize size = { 0 };

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
	    size.ws_row <= 5)
		return 0;
	return size.ws_row - 4u;
}

/* Default number of rows: for programs all (0), for people what fits on the terminal. -a of the
 * tools with a row per cgroup prints all into a pipe. */
static void
set_rows(struct options *o, const struct known *k)
{
	unsigned fit = o->format->for_people ? rows_that_fit() : 0,
		 usual = o->format->for_people && fit == 0 ? 20 : fit;

	o->fit = fit && o->ask.most == 0 && o->ask.target.all && tool_takes(o->tool, &option_most);
	if (o->fit)
		o->ask.most = fit;
	for (int i = 0; i < k->n; i++) {
		unsigned *rows = (void *)(k->v[i].into + k->v[i].o->at);
		if (k->v[i].o->type == OPTION_ROWS && *rows == OPTION_ROWS_UNSET)
			*rows = usual;
	}
}

static void
set_format(struct options *o, const struct known *k)
{
	o->format = &format_text;
	for (int i = 0; i < k->n; i++)
		if (k->v[i].word && k->v[i].o->format)
			o->format = k->v[i].o->format;
}

/* Programs get all columns, people the default ones and those of -w. -c replaces both. */
static void
set_columns(struct options *o, const struct known *k)
{
	const char *also[KNOWN_MOST + 1] = { NULL };
	bool folded = o->format == &format_folded, viewed = o->format->for_people || folded;
	struct column_wish wish = { .list = o->columns,
		.groups = o->groups ? o->groups : "",
		.also = also,
		.all_groups = !o->format->for_people,
		.folded = folded };

	for (int i = 0, n = 0; i < k->n; i++)
		if (k->v[i].word && k->v[i].o->group)
			also[n++] = k->v[i].o->group;
	if (viewed && !o->columns && o->tool->default_columns)
		wish.usual = o->tool->default_columns(&o->ask);
	columns_choose(&o->chosen, o->tool, &wish);
}

/* Metrics describe one sample. */
static void
set_count(struct options *o)
{
	options_numbers(o, o->words > 0 ? o->word[0] : NULL, o->words > 1 ? o->word[1] : NULL);
	if (o->format != &format_metrics)
		return;
	if (o->count > 1)
		die(EXIT_USAGE,
		    "--metrics prints one sample: want count 1 or none (pq export writes metrics "
		    "to a file at every interval)");
	o->count = 1;
}

static void
print_and_exit(const struct options *o, const struct tool *tool, const struct known *k)
{
	if (o->help)
		print_help(tool, k);
	else if (o->version)
		puts("pq " PQ_VERSION);
	else
		columns_print(o->tool);
	exit_printed();
}

static void
begin(struct options *o, const struct tool *tool)
{
	*o = (struct options){ .tool = tool };
	if (tool->options_size > sizeof o->own)
		abort();
	if (tool->defaults)
		memcpy(o->own, tool->defaults, tool->options_size);
	o->ask.options = o->own;
}

/* "pq wait 24311", where -p was forgotten, would be silent for hours. */
static void
note_process(const struct options *o)
{
	const uint64_t unusual_s = 600;
	uint64_t n;

	if (o->words == 0 || o->source || o->root || o->ask.target.pid || o->ask.target.cgroup ||
	    o->ask.target.all || !tool_takes(o->tool, &option_pid))
		return;
	if (text_u64(text_of(o->word[0]), &n) == 0 && n >= unusual_s && n <= INT32_MAX &&
	    (kill((pid_t)n, 0) == 0 || errno == EPERM))
		warn("%s is taken for seconds; the process of this number is -p %s", o->word[0],
		    o->word[0]);
}

void
options_parse(struct options *o, const struct tool *tool, char **words)
{
	struct known k = { .n = 0 };
	char why[200];

	begin(o, tool);
	know_all(&k, tool, o);
	take_words(o, &k, tool, words);
	check_excluded(&k);
	target_check(&o->ask.target);
	set_format(o, &k);
	if (tool->settle && !tool->settle(o->own, why))
		die(EXIT_USAGE, "%s", why);
	set_rows(o, &k);
	o->tool = tool_form(tool, &o->ask);
	if (o->help || o->version || o->list)
		print_and_exit(o, tool, &k);
	if ((tool->rows && !tool->command) || tool_takes(tool, &option_source))
		check_recordings(o);
	check_written(&k, o->source);
	note_process(o);
	if (!tool->rows)
		return;
	set_count(o);
	set_columns(o, &k);
	if (o->spark)
		columns_spark(&o->chosen, o->spark);
	if (o->labels && o->format != &format_metrics)
		die(EXIT_USAGE, "--labels needs --metrics (rows have the names in columns)");
	if (o->ask.sort && columns_find(o->tool->columns, text_of(o->ask.sort)) < 0)
		columns_unknown(o->tool, text_of(o->ask.sort));
}
