/* check: tests conditions on the rows of tools. The result is an exit status and the line that
 * print.c writes. */
#include "commands/check/check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "cli/args.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "cli/values.h"

/* ---- The command line: conditions and subjects */

/* Where the error mark goes: at the last `for`, which only a number or a time can follow. Others are
 * part of a string. */
static size_t
place_of_for(const char *source)
{
	const char *last = source;

	for (const char *s = source; (s = text_find(text_of(s), "for")); s++)
		last = s;
	return (size_t)(last - source);
}

static void
add_condition(
    struct check *c, const struct expr_tool *known, const char *option, const char *source)
{
	struct condition *new = &c->condition[c->conditions++];

	*new = (struct condition){ .source = source, .critical = strcmp(option, "-w") != 0 };
	new->expr = condition_parse(option, source, known, c->tools);
	if (expr_for_samples(new->expr) || expr_for_ns(new->expr)) {
		struct expr_error e = { place_of_for(source),
			"'for' is not allowed here: pq check judges the whole interval at once "
			"(set its length with -i)" };
		condition_wrong(option, source, &e);
	}
	for (size_t t = 0; t < c->tools; t++)
		c->used[t] |= expr_uses(new->expr, t);
}

static void
know_tool(struct check *c, const struct tool *t)
{
	if (c->tools == CHECK_TOOLS)
		abort(); /* there are more tools than there is room for */
	c->tool[c->tools++] = t;
}

/* A name stands for the tool and its forms: the first that has the column is meant. With a subject, the
 * forms come first, which are about it. */
static void
list_tools(struct check *c)
{
	bool about = c->own->pid.n || c->own->cgroup.n || c->options->ask.target.all;

	for (size_t i = 0; tools[i]; i++) {
		if (!about)
			know_tool(c, tools[i]);
		for (size_t k = 0; tools[i]->forms && tools[i]->forms[k]; k++)
			know_tool(c, tools[i]->forms[k]);
		if (about)
			know_tool(c, tools[i]);
	}
}

static void
take_conditions(struct check *c)
{
	const struct option_list *warn = &c->own->warn, *critical = &c->own->critical;
	struct expr_tool known[CHECK_TOOLS];

	list_tools(c);
	for (size_t i = 0; i < c->tools; i++)
		known[i] = (struct expr_tool){ c->tool[i]->name, c->tool[i]->columns };
	for (int w = 0, k = 0; w < warn->n || k < critical->n;)
		if (k == critical->n || (w < warn->n && warn->at[w] < critical->at[k]))
			add_condition(c, known, "-w", warn->v[w++]);
		else
			add_condition(c, known, "-c", critical->v[k++]);
	for (int i = 0; i < c->options->words; i++)
		add_condition(c, known, "EXPR", c->options->word[i]);
	if (c->conditions == 0)
		die(EXIT_USAGE,
		    "no condition given: want one such as 'throttle.throttled_pct > 25', "
		    "'mem.hard_pct > 90' or 'disk.limit_pct > 90'");
}

/* Tools report unknown values only of the columns that the conditions name. */
static void
list_columns(struct check *c)
{
	for (size_t t = 0; t < c->tools; t++)
		for (int column = 0; c->tool[t]->columns[column].key; column++)
			for (size_t i = 0; i < c->conditions; i++)
				if (expr_names(c->condition[i].expr, t, column)) {
					c->shown[t][c->nshown[t]++] = column;
					break;
				}
}

bool
check_is_about(const struct check *c, size_t subject, const struct tool *tool)
{
	return tool_takes_target(tool, &c->subject[subject].target);
}

static void
add_subject(struct check *c, const struct target *t, const char *option)
{
	struct subject *new = &c->subject[c->subjects++];
	bool taken = false;

	target_check(t);
	for (size_t i = 0; i < c->tools; i++)
		taken |= c->used[i] && tool_takes_target(c->tool[i], t);
	if (!taken)
		die(EXIT_USAGE, "no tool in these conditions supports %s", option);
	new->target = *t;
	snprintf(new->name, sizeof new->name, "%s%s", t->pid ? "pid " : "",
	    t->pid        ? t->pid :
		t->cgroup ? t->cgroup :
			    "");
}

static void
take_subjects(struct check *c)
{
	const struct option_list *pid = &c->own->pid, *cgroup = &c->own->cgroup;

	for (int p = 0, g = 0; p < pid->n || g < cgroup->n;)
		if (g == cgroup->n || (p < pid->n && pid->at[p] < cgroup->at[g]))
			add_subject(c, &(struct target){ .pid = pid->v[p++] }, "-p");
		else
			add_subject(c, &(struct target){ .cgroup = cgroup->v[g++] }, "-g");
	if (c->options->ask.target.all)
		add_subject(c, &(struct target){ .all = true }, "-a");
	if (c->subjects == 0)
		c->subjects = 1;
}

static void
take_span(struct check *c)
{
	bool replay = c->options->source;

	c->command = c->own->during;
	if (c->own->span_ns && replay)
		die(EXIT_USAGE,
		    "-i and -f cannot be combined: a recording is judged as a whole (select a part "
		    "with --from and --to)");
	c->span_ns = c->command || replay ? 0 : c->own->span_ns ? c->own->span_ns : 1000000000;
}

/* Takes conditions, subjects and time span from the command line; dies on a wrong argument. */
static void
check_plan(struct check *c, const struct options *o)
{
	c->options = o;
	c->own = o->ask.options;
	take_conditions(c);
	list_columns(c);
	take_subjects(c);
	take_span(c);
	c->outcome = xmalloc(c->subjects * c->conditions * sizeof *c->outcome);
}

static void
check_plan_free(struct check *c)
{
	for (size_t i = 0; i < c->conditions; i++)
		expr_free(c->condition[i].expr);
	arena_free(&c->arena);
	free(c->outcome);
}

/* ---- The command of --during */

static const char blanks[] = " \t";

/* Whether the command needs no shell. */
static bool
is_plain(const char *line)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./- \t";
	const char *first = line + strspn(line, blanks);

	/* "NAME=value CMD" sets a variable, which needs a shell */
	return line[strspn(line, plain)] == '\0' && !memchr(first, '=', strcspn(first, blanks));
}

/* Cuts the line into words, with NULL at the end; the caller frees the array. */
static char **
split(char *line)
{
	char **words = xmalloc((strlen(line) / 2 + 2) * sizeof *words);
	size_t n = 0;

	for (char *at = line + strspn(line, blanks); *at; at += strspn(at, blanks)) {
		words[n++] = at;
		at += strcspn(at, blanks);
		if (*at)
			*at++ = '\0';
	}
	words[n] = NULL;
	return words;
}

static int
start(struct job *j, char *line)
{
	bool plain = is_plain(line);
	char *by_shell[] = { "/bin/sh", "-c", line, NULL };

	if (!plain && access(by_shell[0], X_OK) < 0)
		die(EXIT_USAGE,
		    "--during '%s': this needs a shell, and /bin/sh is missing (plain words, "
		    "without quotes, variables or redirections, need none)",
		    line);
	char **words = plain ? split(line) : NULL;
	int started = job_exec(j, plain ? words : by_shell, NULL, clock_ns(CLOCK_MONOTONIC), 0);
	int error = errno;
	free(words);
	errno = error;
	return started;
}

/* The command reads our stdin unless that is a terminal: a background process group cannot read
 * one. */
static void
check_command(struct job *j, const char *line)
{
	char *copy = xstrdup(line);

	if (line[strspn(line, blanks)] == '\0')
		die(EXIT_USAGE, "--during: empty command: want a command such as 'make test'");
	j->our_stdin = !isatty(STDIN_FILENO);
	if (start(j, copy) < 0)
		die(EXIT_USAGE, "--during: cannot start '%s': %s", line, strerror(errno));
	free(copy);
}

const char *
check_command_failed(const struct job_end *e, char *out, size_t n)
{
	if (e->signal)
		snprintf(out, n, "the command was killed by signal %d (%s)", e->signal,
		    strsignal(e->signal));
	else if (e->status < 0)
		snprintf(out, n, "the command's exit status is unknown");
	else
		snprintf(out, n, "the command exited with status %d", e->status);
	return e->signal || e->status != 0 ? out : NULL;
}

/* ---- The watch: the tools that the conditions name, over one span of time */

static const int64_t TICK_NS = 10000000, POLL_NS = 100000000, STEP_NS = 1000000000;

/* A tool that cannot select the subject measures the machine, or what a recording was made for. */
static struct request
request_of(struct check *c, size_t subject, const struct tool *tool)
{
	struct request ask = { .options = tool_defaults(tool, &c->arena, 0) };

	if (check_is_about(c, subject, tool))
		ask.target = c->subject[subject].target;
	else if (c->session.host->replay)
		recording_target(c->session.host, tool, &ask.target);
	return ask;
}

/* The sampler of the tool that measures the machine, if an earlier subject has one; NULL otherwise. */
static struct sampler *
find_plain(const struct check *c, size_t before, size_t tool)
{
	for (size_t s = 0; s < before; s++)
		if (!check_is_about(c, s, c->tool[tool]))
			return c->sampler[s][tool];
	return NULL;
}

static struct sampler *
add_sampler(struct check *c, size_t subject, size_t tool)
{
	const struct tool *t = c->tool[tool];
	struct request ask = request_of(c, subject, t);

	if (c->session.n == SAMPLERS_MOST)
		die(EXIT_USAGE, "too many readings: at most %d, one per tool for each -p and -g",
		    SAMPLERS_MOST);
	struct sampler *new = session_add(&c->session, t, &ask);
	new->tick_ns = t->tick ? TICK_NS : 0;
	new->watch.shown = c->shown[tool];
	new->watch.nshown = c->nshown[tool];
	return new;
}

static void
add_tool(struct check *c, size_t tool)
{
	const struct host *h = c->session.host;

	if (!recording_has(h, c->tool[tool]))
		warn("%s: recorded for %s; other files that %s reads are not in it",
		    c->options->source, h->tools, c->tool[tool]->name);
	for (size_t s = 0; s < c->subjects; s++) {
		bool about = check_is_about(c, s, c->tool[tool]);
		struct sampler *plain = about ? NULL : find_plain(c, s, tool);
		c->sampler[s][tool] = plain ? plain : add_sampler(c, s, tool);
	}
}

static bool
is_over(void *ctx)
{
	struct check *c = ctx;

	c->ended = job_poll(&c->job, clock_ns(CLOCK_MONOTONIC), &c->end);
	return c->ended;
}

/* The end of the command wakes the session; if it comes just before a sleep, the next step finds
 * it. */
static void
start_command(struct check *c)
{
	if (!c->command)
		return;
	signals_catch_children();
	check_command(&c->job, c->command);
}

static void
check_watch(struct check *c)
{
	struct session *s = &c->session;

	session_open_whole(s, c->options);
	s->interval_ns = c->span_ns;
	s->over = c->command ? is_over : NULL;
	s->about = c;
	s->step_ns = c->command ? POLL_NS : STEP_NS;
	signals_catch();
	if (session_start(s)) {
		for (size_t t = 0; t < c->tools; t++)
			if (c->used[t])
				add_tool(c, t);
		session_begin(s);
		start_command(c);
		while (session_next(s) != SESSION_ROW)
			;
		job_stop(&c->job);
	}
	if (signals_stop())
		die(EXIT_FAILED, "stopped by a signal: no verdict");
}

/* ---- The outcomes, and the verdict */

struct outcome *
check_outcome(const struct check *c, size_t subject, size_t condition)
{
	return &c->outcome[subject * c->conditions + condition];
}

bool
check_is_repeated(const struct check *c, size_t subject, size_t condition)
{
	for (size_t s = 0; s < subject; s++) {
		bool same = true;
		for (size_t t = 0; t < c->tools; t++)
			same &= !expr_uses(c->condition[condition].expr, t) ||
			    c->sampler[s][t] == c->sampler[subject][t];
		if (same)
			return true;
	}
	return false;
}

/* Why a value is unknown: the last note of a tool that gave up, or the first of another. */
static const char *
reason_of(const struct sampler *s)
{
	const struct notes *notes = &s->notes;

	return notes->n == 0 ? NULL : notes->said[sampler_table(s) ? 0 : notes->n - 1];
}

static void
judge(struct check *c, size_t subject, size_t condition)
{
	const struct expr *x = c->condition[condition].expr;
	struct outcome *f = check_outcome(c, subject, condition);
	const struct table *tables[CHECK_TOOLS] = { NULL };
	const uint64_t cpus = c->session.host->facts.cpus;
	const struct expr_now now = { tables, cpus ? (double)cpus : NAN };

	f->why = NULL;
	for (size_t t = 0; t < c->tools; t++) {
		const struct sampler *s = expr_uses(x, t) ? c->sampler[subject][t] : NULL;
		tables[t] = s ? sampler_table(s) : NULL;
		f->why = s && (!f->why || !sampler_table(s)) ? reason_of(s) : f->why;
	}
	f->truth = expr_judge(x, &now, &f->found);
	for (size_t t = 0; t < c->tools && f->truth == TRUTH_NO; t++)
		if (tables[t] && c->sampler[subject][t]->watch.hidden) {
			f->truth = TRUTH_UNKNOWN;
			f->why = c->sampler[subject][t]->watch.hidden;
		}
	if (f->found.divided)
		f->why = "it divides by 0";
}

/* Critical over warning over unknown over OK. */
static enum verdict
worse_of(enum verdict a, enum verdict b)
{
	static const int rank[] = { [VERDICT_OK] = 0,
		[VERDICT_UNKNOWN] = 1,
		[VERDICT_WARNING] = 2,
		[VERDICT_CRITICAL] = 3 };

	return rank[a] >= rank[b] ? a : b;
}

enum verdict
check_level_of(const struct check *c, size_t subject, size_t condition)
{
	enum truth truth = check_outcome(c, subject, condition)->truth;

	if (truth != TRUTH_YES)
		return truth == TRUTH_NO ? VERDICT_OK : VERDICT_UNKNOWN;
	return c->condition[condition].critical ? VERDICT_CRITICAL : VERDICT_WARNING;
}

enum verdict
check_level(const struct check *c, size_t subject)
{
	enum verdict v = VERDICT_OK;

	for (size_t i = 0; i < c->conditions; i++)
		v = worse_of(v, check_level_of(c, subject, i));
	return v;
}

enum verdict
check_with_command(const struct check *c, enum verdict v)
{
	bool failed = c->ended && (c->end.signal || c->end.status != 0);

	return failed && v != VERDICT_CRITICAL ? VERDICT_UNKNOWN : v;
}

static void
tell_notes(const struct session *s)
{
	for (size_t i = 0; i < s->nnotes; i++)
		warn("%s: %s", s->notes[i].tool->name, s->notes[i].said);
}

static enum verdict
conclude(struct check *c)
{
	enum verdict found = VERDICT_OK;
	struct buf out = { 0 };

	for (size_t s = 0; s < c->subjects; s++) {
		for (size_t i = 0; i < c->conditions; i++)
			judge(c, s, i);
		found = worse_of(found, check_level(c, s));
	}
	if (c->own->json)
		check_json(c, &out);
	else
		check_line(c, found, &out);
	output_write(&out); /* a reader that has gone does not change the verdict */
	buf_free(&out);
	warn_release();
	tell_notes(&c->session);
	return check_with_command(c, found);
}

static enum exit_status
check(const struct options *o)
{
	const struct check_options *own = o->ask.options;
	struct check *c;

	if (own->baseline)
		return (enum exit_status)check_baseline(o);
	if (own->fail.n > 0)
		die(EXIT_USAGE, "--fail needs --baseline");
	c = xmalloc(sizeof *c);
	memset(c, 0, sizeof *c);
	check_plan(c, o);
	/* A monitor may join stdout and stderr, and show the first line. */
	warn_hold();
	check_watch(c);
	enum verdict verdict = conclude(c);
	session_end(&c->session);
	check_plan_free(c);
	free(c);
	return (enum exit_status)verdict;
}

#define AT(member) offsetof(struct check_options, member)

static const struct option options[] = {
	{ 0, "json", NULL, OPTION_FLAG, AT(json), .help = "print one JSON object per -p and -g" },
	{ 'w', NULL, "EXPR", OPTION_LIST, AT(warn), .help = "WARNING if EXPR is true; repeatable" },
	{ 'c', NULL, "EXPR", OPTION_LIST, AT(critical),
	    .help = "CRITICAL if EXPR is true; repeatable; -c may be omitted" },
	{ 'i', NULL, "TIME", OPTION_TIME, AT(span_ns), .help = "how long to watch (default 1s)",
	    .not_with = "--during" },
	{ 0, "during", "CMD", OPTION_TEXT, AT(during),
	    .help = "watch while CMD runs, such as 'make test'", .not_with = "-f" },
	{ 0, "baseline", "FILE", OPTION_PATH, AT(baseline), .want = "a file",
	    .help = "CRITICAL if a figure is worse than in FILE (diff --save)",
	    .not_with = "--during" },
	{ 0, "fail", "RULE", OPTION_LIST, AT(fail),
	    .help = "with --baseline: by how much (default '* 10%'); repeatable" },
	{ 'p', NULL, "PID", OPTION_LIST, AT(pid), .help = "check this process; repeatable",
	    .not_with = "-a" },
	{ 'g', NULL, "CGROUP", OPTION_LIST, AT(cgroup), .help = "check this cgroup; repeatable",
	    .not_with = "-a" },
	{ .type = OPTION_END },
};

const struct tool tool_check = {
	.name = "check",
	.brief = "test conditions, for monitoring and CI",
	.usage = "[options] [-w EXPR]... [-c EXPR]... [EXPR...]",
	.examples = "  pq check -w 'throttle.throttled_pct > 10' -c 'throttle.throttled_pct > 25'\n"
		    "  pq check -g /web -g /db -i 5s 'mem.hard_pct > 90'   check both cgroups\n"
		    "  pq check --during 'make test' 'throttle.throttled_pct > 5'\n"
		    "  pq check --baseline good.baseline -i 1m\n",
	.shared = (const struct option *const[]){ &option_source, &option_from, &option_to,
	    &option_root, &option_all, NULL },
	.shared_help = { .all = "check all cgroups with a limit (psi, disk: all)",
	    .source = "check a recording (a file; not a pipe) or captured directory" },
	.options = options,
	.options_size = sizeof(struct check_options),
	.command = check,
	.judges = true,
};
