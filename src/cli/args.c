#include "cli/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "version.h"

/* The place of a shared option's value. */
#define AT(member) offsetof(struct options, member)

const struct option option_source = { 'f', NULL, "FILE", OPTION_TEXT, AT(source),
	.help = "read a recording ('-': from stdin) or captured directory", .not_with = "--root" };
const struct option option_from = { 0, "from", "TIME", OPTION_WHEN, AT(from),
	.help = "start at TIME: 17:12, 2026-11-22 17:12:01, @SECONDS, +5m" };
const struct option option_to = { 0, "to", "TIME", OPTION_WHEN, AT(to),
	.help = "stop at TIME; +5m is after the start, -90s before the end" };
const struct option option_root = { 0, "root", "DIR", OPTION_TEXT, AT(root),
	.help = "read files below DIR instead of /, such as /host" };
const struct option option_out = { 'o', NULL, "FILE", OPTION_TEXT, AT(out),
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
	.want = "auto, always or never", .choices = colour_choices };
static const struct option option_utc = { 'u', NULL, NULL, OPTION_FLAG, AT(utc),
	.help = "print times in UTC" };
static const struct option option_full = { 0, "full", NULL, OPTION_FLAG, AT(full),
	.help = "print cgroups as full paths, not by name" };
const struct option option_labels = { 0, "labels", "LIST", OPTION_TEXT, AT(labels),
	.help = "add labels to metrics: of pod,namespace,container,unit,job",
	.want = "a list of pod, namespace, container, unit and job" };
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

/* ---- Values */

static bool
take_time(struct text arg, bool zero, int64_t *to)
{
	const int64_t least_ns = 1000000, most_ns = INT64_C(31) * 86400 * 1000000000;
	int64_t ns;

	if (duration_parse(arg, &ns) < 0 || (ns < least_ns && !(zero && ns == 0)) || ns > most_ns)
		return false;
	*to = ns;
	return true;
}

int
interval_parse(struct text t, int64_t *ns)
{
	return take_time(t, false, ns) ? 0 : -1;
}

static bool
take_number(const struct option *o, struct text arg, unsigned *to)
{
	uint64_t n;

	if (text_u64(arg, &n) < 0 || n == 0 || n > o->most)
		return false;
	*to = (unsigned)n;
	return true;
}

static bool
take_share(struct text arg, double *to)
{
	bool percent = arg.n > 0 && arg.s[arg.n - 1] == '%';
	double x;

	arg.n -= percent;
	if (text_decimal(arg, &x) < 0)
		return false;
	x = percent ? x / 100 : x;
	if (x < 0.001 || x > 1)
		return false;
	*to = x;
	return true;
}

static bool
take_size(struct text arg, uint64_t *to)
{
	uint64_t bytes;

	if (size_parse(arg, &bytes) < 0 || bytes > INT64_MAX)
		return false;
	*to = bytes;
	return true;
}

static bool
take_when(const char *arg, struct when_option *to)
{
	to->written = arg;
	return when_parse(text_of(arg), &to->when) == 0;
}

static bool
take_choice(const struct option *o, const char *arg, int *to)
{
	for (int i = 0; o->choices[i]; i++)
		if (strcmp(o->choices[i], arg) == 0) {
			*to = i + 1;
			return true;
		}
	return false;
}

static bool
take_cpus(const char *arg, struct cpu_choice *to)
{
	to->given = true;
	to->listed = strcmp(arg, "ALL") != 0 && strcmp(arg, "all") != 0;
	return !to->listed || cpulist_parse(text_of(arg), &to->list) == 0;
}

/* Sets the option's value; false if the argument is not valid. `at` counts the
 * options that were given. */
static bool
take_value(const struct option *o, char *into, const char *arg, int at)
{
	void *to = into + o->at;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return true;
	case OPTION_TEXT:
		*(const char **)to = arg;
		return !o->want || *arg;
	case OPTION_LIST: {
		struct option_list *l = to;
		l->at[l->n] = at;
		l->v[l->n++] = arg;
		return true;
	}
	case OPTION_NUMBER:
	case OPTION_ROWS:
		return take_number(o, text_of(arg), to);
	case OPTION_SHARE:
		return take_share(text_of(arg), to);
	case OPTION_TIME:
	case OPTION_DELAY:
		return take_time(text_of(arg), o->type == OPTION_DELAY, to);
	case OPTION_SIZE:
		return take_size(text_of(arg), to);
	case OPTION_WHEN:
		return take_when(arg, to);
	case OPTION_CHOICE:
		return take_choice(o, arg, to);
	case OPTION_CPUS:
		return take_cpus(arg, to);
	case OPTION_COMMAND:
	case OPTION_TABLE:
	case OPTION_END:
		break;
	}
	return true;
}

/* ---- Words */

/* "-p", "--json" */
static const char *
written(const struct option *o, char out[32])
{
	if (o->letter)
		snprintf(out, 32, "-%c", o->letter);
	else
		snprintf(out, 32, "--%s", o->name);
	return out;
}

_Noreturn static void
wrong_argument(const struct option *o, const char *arg)
{
	static const char *const usual[] = {
		[OPTION_TIME] = "a time from 1ms to 31d, such as 100ms, 10s or 5m",
		[OPTION_DELAY] = "0, or a time from 1ms to 31d, such as 500ms, 10s or 5m",
		[OPTION_SIZE] = "a size such as 64M or 1G",
		[OPTION_WHEN] = "a time such as 17:12, 2026-11-22 17:12:01, +5m (after the start), "
				"-90s (before the end) or @1790000000",
		[OPTION_CPUS] = "a list of CPUs such as 0,2-3, or ALL",
	};
	const char *want = o->want ? o->want : usual[o->type];
	char name[32];

	if (o->most)
		die(EXIT_USAGE, "invalid %s '%s': want %s, from 1 to %llu", written(o, name), arg,
		    want, (unsigned long long)o->most);
	die(EXIT_USAGE, "invalid %s '%s': want %s", written(o, name), arg, want);
}

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
	if (!take_value(o, k->v[i].into, arg, k->given++))
		wrong_argument(o, arg);
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

/* Takes "--tick=1s", "--tick 1s" or "--json". Returns the number of words. */
static int
take_name(struct known *k, const struct tool *t, char **words, char ***command)
{
	struct text rest = text_of(words[0] + 2), name;
	const char *equals = strchr(words[0], '=');
	int i = 0;

	if (!text_split(&rest, '=', &name))
		name = rest;
	while (i < k->n && !(k->v[i].o->name && text_eq(name, k->v[i].o->name)))
		i++;
	if (i == k->n)
		unknown_option(t, k, words[0]);
	const struct option *o = k->v[i].o;
	if (!o->arg && equals)
		die(EXIT_USAGE, "--%s: takes no argument", o->name);
	if (o->type == OPTION_COMMAND && equals)
		die(EXIT_USAGE, "--%s=: write --%s %s, with a space", o->name, o->name, o->arg);
	if (o->arg && !equals && !o->implied && !words[1])
		die(EXIT_USAGE, "--%s: missing argument: want %s", o->name, o->arg);
	give(k, i, words[0], equals ? equals + 1 : o->implied ? o->implied : words[1]);
	if (o->type == OPTION_COMMAND)
		*command = *(char ***)(void *)(k->v[i].into + o->at) = words + 1;
	return 1 + (o->arg && !equals && !o->implied);
}

/* Takes "-u", "-ua", "-p1" or "-p 1". Returns the number of words. */
static int
take_letters(struct known *k, const struct tool *t, char **words)
{
	for (const char *c = words[0] + 1; *c; c++) {
		int i = 0;
		while (i < k->n && k->v[i].o->letter != *c)
			i++;
		if (i == k->n)
			unknown_option(t, k, words[0]);
		if (!k->v[i].o->arg) {
			give(k, i, words[0], NULL);
			continue;
		}
		if (!c[1] && !words[1])
			die(EXIT_USAGE, "-%c: missing argument: want %s", *c, k->v[i].o->arg);
		give(k, i, words[0], c[1] ? c + 1 : words[1]);
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
				if (k->v[j].word && text_eq(name, written(k->v[j].o, other)))
					die(EXIT_USAGE, "%s and %s cannot be combined",
					    written(k->v[i].o, one), other);
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

void
target_check(const struct target *t)
{
	uint64_t pid;

	if (t->pid && (text_u64(text_of(t->pid), &pid) < 0 || pid == 0))
		die(EXIT_USAGE, "invalid -p '%s': want the number of a process", t->pid);
	if (t->cgroup && !*t->cgroup)
		die(EXIT_USAGE, "invalid -g '': want a cgroup such as /web, or its directory");
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
			    written(k->v[i].o, name), path);
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

static void
show(struct options *o, int column)
{
	for (int i = 0; i < o->nshown; i++)
		if (o->shown[i] == column)
			die(EXIT_USAGE, "-c: column '%s' is named twice",
			    o->tool->columns[column].key);
	o->shown[o->nshown++] = column;
}

_Noreturn static void
unknown_column(const struct tool *t, struct text key)
{
	struct nearest near = nearest_to(key);

	columns_nearest(&near, t->columns);
	if (near.name)
		die(EXIT_USAGE, "unknown column '%.*s'; did you mean '%s'?", (int)key.n, key.s,
		    near.name);
	die(EXIT_USAGE, "unknown column '%.*s' ('pq %s --columns' lists all%s%s)", (int)key.n,
	    key.s, t->name, t->forms ? ", and more with " : "", t->forms ? t->forms_by : "");
}

static void
show_listed(struct options *o, const char *list)
{
	struct text rest = text_of(list), key;

	while (text_split(&rest, ',', &key)) {
		int column = columns_find(o->tool->columns, key);
		if (column < 0)
			unknown_column(o->tool, key);
		show(o, column);
	}
	if (o->nshown == 0)
		die(EXIT_USAGE, "-c: empty list: want column keys ('pq %s --columns' lists all)",
		    o->tool->name);
}

/* The tools that show cgroups have the same names. */
uint64_t
options_labels(const struct options *o, const struct column *columns)
{
	struct text unknown, none;

	if (!o->labels)
		return 0;
	columns_extra(tool_throttle.columns, o->labels, &unknown);
	if (unknown.n > 0 || !*o->labels)
		die(EXIT_USAGE, "--labels: unknown label '%.*s': want %s", (int)unknown.n,
		    unknown.s, option_labels.want);
	return columns_extra(columns, o->labels, &none);
}

static bool
group_is_listed(const char *list, const char *group)
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
			    "unknown column group '%.*s' ('pq %s --columns' shows the group of "
			    "each column)",
			    (int)name.n, name.s, t->name);
	}
}

/* Whether a given option shows this group. */
static bool
group_is_asked_for(const struct known *k, const char *group)
{
	for (int i = 0; i < k->n; i++)
		if (k->v[i].word && k->v[i].o->group && strcmp(k->v[i].o->group, group) == 0)
			return true;
	return false;
}

/* A line for flame graphs consists of frames and one count. */
static void
check_folded(const struct options *o)
{
	int figures = 0;

	for (int i = 0; i < o->nshown; i++)
		figures += o->tool->columns[o->shown[i]].kind != LABEL;
	if (figures != 1)
		die(EXIT_USAGE,
		    "-c: with --folded, want labels and one figure, such as process,where,samples");
}

/* Shows the tool's own default columns, or those without a group, and then those of -w. */
static void
show_usual(struct options *o, const struct known *k, const char *view, const char *groups)
{
	if (view)
		show_listed(o, view);
	for (int i = 0, listed = o->nshown; o->tool->columns[i].key; i++) {
		const char *group = o->tool->columns[i].group;
		bool wanted = group ? !o->format->for_people || group_is_listed(groups, group) ||
			group_is_asked_for(k, group) :
				      !view;
		for (int j = 0; j < listed; j++)
			wanted &= o->shown[j] != i;
		if (wanted)
			show(o, i);
	}
}

/* Programs get all columns, people the default ones and those of -w. -c replaces both. */
static void
set_columns(struct options *o, const struct known *k)
{
	const char *groups = o->groups ? o->groups : "";
	bool folded = o->format == &format_folded, viewed = o->format->for_people || folded;

	check_groups(o->tool, groups);
	if (o->columns)
		show_listed(o, o->columns);
	else
		show_usual(o, k,
		    o->tool->default_columns && viewed ? o->tool->default_columns(&o->ask) : NULL,
		    groups);
	if (folded)
		check_folded(o);
}

/* ---- Sparklines */

static bool
is_figure(const struct column *c)
{
	return c->kind != LABEL && c->kind != FLAG;
}

static bool
is_shown(const struct options *o, int column)
{
	for (int i = 0; i < o->nshown; i++)
		if (o->shown[i] == column)
			return true;
	return false;
}

static void
add_spark(struct options *o, int column)
{
	const char *key = o->tool->columns[column].key;

	if (!is_figure(&o->tool->columns[column]))
		die(EXIT_USAGE, "--spark: column '%s' is not a figure", key);
	if (!is_shown(o, column))
		die(EXIT_USAGE, "--spark: column '%s' is not shown (-c or -w shows it)", key);
	for (int i = 0; i < o->nsparks; i++)
		if (o->sparks[i] == column)
			die(EXIT_USAGE, "--spark: column '%s' is named twice", key);
	if (o->nsparks == SPARKS_MOST)
		die(EXIT_USAGE, "--spark: too many columns (at most %d)", SPARKS_MOST);
	o->sparks[o->nsparks++] = column;
}

/* The tool's main figures or, if -c shows none of them, the first figure. */
static void
add_usual_sparks(struct options *o)
{
	struct text rest = text_of(o->tool->spark ? o->tool->spark : ""), key;

	while (text_split(&rest, ',', &key)) {
		int column = columns_find(o->tool->columns, key);
		if (is_shown(o, column))
			add_spark(o, column);
	}
	for (int i = 0; o->nsparks == 0 && i < o->nshown; i++)
		if (is_figure(&o->tool->columns[o->shown[i]]))
			add_spark(o, o->shown[i]);
	if (o->nsparks == 0)
		die(EXIT_USAGE, "--spark: -c shows no figure");
}

static void
set_sparks(struct options *o)
{
	struct text rest = text_of(o->spark ? o->spark : ""), key;

	if (o->spark && rest.n == 0)
		add_usual_sparks(o);
	while (text_split(&rest, ',', &key)) {
		int column = columns_find(o->tool->columns, key);
		if (column < 0)
			unknown_column(o->tool, key);
		add_spark(o, column);
	}
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

static int
longer(int width, const char *s)
{
	int n = (int)strlen(s);

	return n > width ? n : width;
}

static void
print_columns(const struct tool *t)
{
	static const char usual[] = "default";
	static const char *const kinds[] = { "label", "gauge", "count", "rate", "share", "flag" };
	static const char *const units[] = { "-", "CPUs", "%", "bytes", "ms", "1/s", "us" };

	int key = 0, heading = 0, group = (int)strlen(usual);

	for (const struct column *c = t->columns; c->key; c++) {
		key = longer(key, c->key);
		heading = longer(heading, c->heading);
		group = longer(group, c->group ? c->group : usual);
	}
	for (const struct column *c = t->columns; c->key; c++)
		printf("%-*s %-*s %-5s %-5s %-*s %s\n", key, c->key, heading,
		    *c->heading ? c->heading : "-", kinds[c->kind], units[c->unit], group,
		    c->group ? c->group : usual, c->help);
}

static void
print_and_exit(const struct options *o, const struct tool *tool, const struct known *k)
{
	if (o->help)
		print_help(tool, k);
	else if (o->version)
		puts("pq " PQ_VERSION);
	else
		print_columns(o->tool);
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
	if (!tool->rows)
		return;
	set_count(o);
	set_columns(o, &k);
	set_sparks(o);
	if (o->labels && o->format != &format_metrics)
		die(EXIT_USAGE, "--labels needs --metrics (rows have the names in columns)");
	if (o->ask.sort && columns_find(o->tool->columns, text_of(o->ask.sort)) < 0)
		unknown_column(o->tool, text_of(o->ask.sort));
}

/* The line of the expression, and one with a mark under its byte `at`. */
static void
print_marked(const char *source, size_t at)
{
	struct buf b = { 0 };
	size_t width = 0;
	char *before = xstrdup(source);

	before[at < strlen(source) ? at : strlen(source)] = '\0';
	buf_printable(&b, before);
	for (size_t i = 0; i < b.n; i++)
		/* characters, not bytes */
		width += ((unsigned char)b.s[i] & 0xc0) != 0x80;
	b.n = 0;
	buf_text(&b, "  ");
	buf_printable(&b, source);
	buf_text(&b, "\n  ");
	buf_pad(&b, width);
	buf_text(&b, "^\n");
	fwrite(b.s, 1, b.n, stderr);
	buf_free(&b);
	free(before);
}

void
condition_wrong(const char *option, const char *source, const struct expr_error *e)
{
	warn("%s: %s", option, e->message);
	print_marked(source, e->at);
	exit((int)fail_status(EXIT_USAGE));
}

struct expr *
condition_parse(const char *option, const char *source, const struct expr_tool *known, size_t n)
{
	struct expr_error e;
	struct expr *x = expr_parse(source, known, n, &e);

	if (!x)
		condition_wrong(option, source, &e);
	return x;
}
