/* What pq check is to judge, from its command line. */
#include "commands/check/check.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "cli/condition.h"
#include "cli/open.h"
#include "cli/output.h"
#include "cli/request.h"
#include "session/signals.h"
#include "session/survey.h"

/* Only the last word may be `for`: behind it is a number. */
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
		struct expr_error e = {
			place_of_for(source),
			"no `for` here: the whole span is judged at once; -i says how long that is"
		};
		condition_wrong(option, source, &e);
	}
	for (size_t t = 0; t < c->tools; t++)
		c->used[t] |= expr_uses(new->expr, t);
}

static void
take_conditions(struct check *c, const struct given *g)
{
	struct expr_tool known[CHECK_TOOLS];

	for (; tools[c->tools] && c->tools < CHECK_TOOLS; c->tools++)
		known[c->tools] =
		    (struct expr_tool){ tools[c->tools]->name, tools[c->tools]->columns };
	for (int i = 0; i < g->repeats; i++) {
		enum option_id id = g->repeated[i].id;
		if (id == OPT_WARN || id == OPT_CRITICAL)
			add_condition(c, known, id == OPT_WARN ? "-w" : "-c", g->repeated[i].arg);
	}
	for (int i = 0; i < g->words; i++)
		add_condition(c, known, "EXPR", g->word[i]);
	if (c->conditions == 0)
		die(EXIT_USAGE,
		    "what is to be checked? A condition such as 'throttle.throttled_pct > 25', or "
		    "'mem.hard_pct > 90'");
}

/* What is unknown in other columns needs no word. */
static void
list_columns(struct check *c)
{
	for (size_t t = 0; t < c->tools; t++)
		for (int column = 0; tools[t]->columns[column].key; column++)
			for (size_t i = 0; i < c->conditions; i++)
				if (expr_names(c->condition[i].expr, t, column)) {
					c->shown[t][c->nshown[t]++] = column;
					break;
				}
}

/* What of the subject a tool takes. */
static unsigned
wanted(const struct target *t)
{
	return t->pid ? TAKES_PID : t->cgroup ? TAKES_CGROUP : t->all ? TAKES_ALL : 0;
}

bool
check_is_about(const struct check *c, size_t subject, const struct tool *tool)
{
	return tool->takes & wanted(&c->subject[subject].target);
}

static void
add_subject(struct check *c, const struct target *t, const char *option)
{
	struct subject *new = &c->subject[c->subjects++];
	unsigned taken = 0;

	request_check_target(t);
	for (size_t i = 0; i < c->tools; i++)
		taken |= c->used[i] ? tools[i]->takes : 0;
	if (wanted(t) & ~taken)
		die(EXIT_USAGE, "no tool of these conditions takes %s", option);
	new->target = *t;
	snprintf(new->name, sizeof new->name, "%s%s", t->pid ? "pid " : "",
	    t->pid        ? t->pid :
		t->cgroup ? t->cgroup :
			    "");
}

static void
take_subjects(struct check *c, const struct given *g)
{
	words_exclude(g, OPT_ALL, OPT_EACH_PID);
	words_exclude(g, OPT_ALL, OPT_EACH_CGROUP);
	for (int i = 0; i < g->repeats; i++) {
		const char *arg = g->repeated[i].arg;
		if (g->repeated[i].id == OPT_EACH_PID)
			add_subject(c, &(struct target){ .pid = arg }, "-p");
		if (g->repeated[i].id == OPT_EACH_CGROUP)
			add_subject(c, &(struct target){ .cgroup = arg }, "-g");
	}
	if (g->seen[OPT_ALL])
		add_subject(c, &(struct target){ .all = true }, "-a");
	if (c->subjects == 0)
		c->subjects = 1;
}

static void
take_span(struct check *c, const struct given *g)
{
	const char *time = g->arg[OPT_SPAN];

	words_exclude(g, OPT_DURING, OPT_SPAN);
	words_exclude(g, OPT_DURING, OPT_SOURCE);
	c->command = g->arg[OPT_DURING];
	c->span_ns = c->command || c->options->source ? 0 : 1000000000;
	if (time && c->options->source)
		die(EXIT_USAGE,
		    "-i %s: a recording is judged as a whole; --from and --to choose a part of it",
		    time);
	if (time && interval_parse(text_of(time), &c->span_ns) < 0)
		die(EXIT_USAGE, "-i %s: it takes a time such as 1s, 500ms or 1m, 1ms at least",
		    time);
}

/* check_plan.c: what the command line asks for; a wrong argument ends the program. */
static void
check_plan(struct check *c, const struct options *o)
{
	c->options = o;
	take_conditions(c, o->given);
	list_columns(c);
	take_subjects(c, o->given);
	take_span(c, o->given);
	c->finding = xmalloc(c->subjects * c->conditions * sizeof *c->finding);
}

static void
check_plan_free(struct check *c)
{
	for (size_t i = 0; i < c->conditions; i++)
		expr_free(c->condition[i].expr);
	free(c->finding);
}

/* The command of --during. */

static const char blanks[] = " \t";

/* Whether it means the same with a shell as without one. */
static bool
is_plain(const char *line)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./- \t";
	const char *first = line + strspn(line, blanks);

	/* NAME=value CMD */
	return line[strspn(line, plain)] == '\0' && !memchr(first, '=', strcspn(first, blanks));
}

/* Cuts the line into its words, and NULL behind them; to be freed. */
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
		    "--during '%s': this needs a shell, and there is no /bin/sh; plain words do "
		    "not",
		    line);
	char **words = plain ? split(line) : NULL;
	int started = job_exec(j, plain ? words : by_shell, NULL, clock_ns(CLOCK_MONOTONIC), 0);
	int error = errno;
	free(words);
	errno = error;
	return started;
}

/* It may read our stdin, but from a terminal it could not, out of the foreground. */
static void
check_command(struct job *j, const char *line)
{
	char *copy = xstrdup(line);

	if (line[strspn(line, blanks)] == '\0')
		die(EXIT_USAGE, "--during takes a command, such as 'make test'");
	j->our_stdin = !isatty(STDIN_FILENO);
	if (start(j, copy) < 0)
		die(EXIT_USAGE, "--during: cannot start %s: %s", line, strerror(errno));
	free(copy);
}

const char *
check_command_failed(const struct job_end *e, char *out, size_t n)
{
	if (e->signal)
		snprintf(out, n, "the command was killed by signal %d (%s)", e->signal,
		    strsignal(e->signal));
	else if (e->status < 0)
		snprintf(out, n, "how the command ended is unknown");
	else
		snprintf(out, n, "the command ended with %d", e->status);
	return e->signal || e->status != 0 ? out : NULL;
}

/* The time that is judged: all tools that the conditions name, at work over it. */

static const int64_t TICK_NS = 10000000, STEP_NS = 100000000;

/* Whether the tool's reading is the subject's own, or of the machine; of a recording, or of its own
 * cgroup. */
static struct request
request_of(const struct check *c, size_t subject, size_t tool)
{
	struct request ask = c->options->ask;

	ask.target = (struct target){ 0 };
	ask.most = 0;
	if (check_is_about(c, subject, tools[tool]))
		ask.target = c->subject[subject].target;
	else if (c->panel.host->replay)
		tapes_target(&c->past, tools[tool], &ask.target);
	return ask;
}

/* One that does not care for the subject is there already, if another subject does not matter to it
 * either. */
static struct member *
find_plain(const struct check *c, size_t before, size_t tool)
{
	for (size_t s = 0; s < before; s++)
		if (!check_is_about(c, s, tools[tool]))
			return c->member[s][tool];
	return NULL;
}

static void
add_member(struct check *c, size_t subject, size_t tool)
{
	struct member *m =
	    check_is_about(c, subject, tools[tool]) ? NULL : find_plain(c, subject, tool);

	if (!m && c->panel.n == PANEL_MOST)
		die(EXIT_USAGE,
		    "too much at once: there can be %d readings, one of each tool for each -p and "
		    "-g",
		    PANEL_MOST);
	if (!m) {
		struct request ask = request_of(c, subject, tool);
		m = panel_add(&c->panel, tools[tool], &ask);
		m->every_ns = tools[tool]->tick ? TICK_NS : 0;
		m->sampler.watch.shown = c->shown[tool];
		m->sampler.watch.nshown = c->nshown[tool];
	}
	c->member[subject][tool] = m;
}

static void
add_members(struct check *c)
{
	for (size_t t = 0; t < c->tools; t++) {
		if (!c->used[t])
			continue;
		if (!tapes_recorded(&c->past, tools[t]))
			warn("%s was recorded for %s: what %s reads beside that is not on it",
			    c->options->source, c->past.tools, tools[t]->name);
		for (size_t s = 0; s < c->subjects; s++)
			add_member(c, s, t);
	}
}

static bool
is_over(void *ctx)
{
	struct check *c = ctx;

	c->ended = job_poll(&c->job, clock_ns(CLOCK_MONOTONIC), &c->end);
	return c->ended;
}

/* The end of a child ends a sleep; should it come just before one, the next step finds it. */
static void
watch(struct check *c)
{
	if (!c->command) {
		panel_watch(&c->panel, c->span_ns, NULL, NULL);
		return;
	}
	c->panel.step_ns = STEP_NS;
	signals_catch_children();
	check_command(&c->job, c->command);
	panel_watch(&c->panel, 0, is_over, c);
	job_stop(&c->job);
}

/* check_watch.c: watches all tools over the span. */
static void
check_watch(struct check *c)
{
	const char *source = c->options->source;

	if (source)
		c->panel.moments = survey(c->options, &c->past);
	c->panel.host = tapes_open(c->options);
	add_members(c);
	signals_catch();
	if (panel_begin(&c->panel))
		watch(c);
	else if (!signals_stop())
		die(EXIT_FAILED, "cannot read the first moment: %s", strerror(errno));
	if (signals_stop())
		die(EXIT_FAILED, "stopped by a signal: nothing is judged");
}

static void
check_watch_end(struct check *c)
{
	panel_end(&c->panel);
	host_close(c->panel.host);
}

/* check: whether conditions hold, as an exit status and a line for monitoring. check.h says which
 * part is where. */

struct finding *
check_finding(const struct check *c, size_t subject, size_t condition)
{
	return &c->finding[subject * c->conditions + condition];
}

bool
check_is_repeated(const struct check *c, size_t subject, size_t condition)
{
	for (size_t s = 0; s < subject; s++) {
		bool same = true;
		for (size_t t = 0; t < c->tools; t++)
			same &= !expr_uses(c->condition[condition].expr, t) ||
			    c->member[s][t] == c->member[subject][t];
		if (same)
			return true;
	}
	return false;
}

/* What a tool said last when it gave up, else first. */
static const char *
reason_of(const struct member *m)
{
	const struct notes *notes = &m->sampler.notes;

	return notes->n == 0 ? NULL : notes->said[m->has_rows ? 0 : notes->n - 1];
}

static void
judge(struct check *c, size_t subject, size_t condition)
{
	const struct expr *x = c->condition[condition].expr;
	struct finding *f = check_finding(c, subject, condition);
	const struct table *tables[CHECK_TOOLS] = { NULL };
	const struct expr_now now = { tables,
		c->panel.host->facts.cpus ? (double)c->panel.host->facts.cpus : NAN };

	f->why = NULL;
	for (size_t t = 0; t < c->tools; t++) {
		const struct member *m = expr_uses(x, t) ? c->member[subject][t] : NULL;
		tables[t] = m && m->has_rows ? &m->sampler.table : NULL;
		f->why = m && (!f->why || !m->has_rows) ? reason_of(m) : f->why;
	}
	f->truth = expr_judge(x, &now, &f->found);
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
	enum truth truth = check_finding(c, subject, condition)->truth;

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

/* What the tools had to say. */
static void
tell_notes(const struct panel *p)
{
	for (size_t i = 0; i < p->nnotes; i++)
		warn("%s: %s", p->notes[i].tool->name, p->notes[i].said);
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
	tell_notes(&c->panel);
	if (c->options->given->seen[OPT_INFO_JSON])
		check_json(c, &out);
	else
		check_line(c, found, &out);
	output_write(&out); /* a reader that has gone does not change the verdict */
	buf_free(&out);
	return check_with_command(c, found);
}

static enum exit_status
check(const struct options *o)
{
	struct check *c = xmalloc(sizeof *c);

	memset(c, 0, sizeof *c);
	check_plan(c, o);
	check_watch(c);
	enum verdict verdict = conclude(c);
	check_watch_end(c);
	check_plan_free(c);
	free(c);
	return (enum exit_status)verdict;
}

const struct tool tool_check = {
	.name = "check",
	.brief = "whether conditions hold, for monitoring and CI",
	.usage = "[options] [-w EXPR]... [-c EXPR]... [EXPR...]",
	.examples = "  pq check -w 'throttle.throttled_pct > 10' -c 'throttle.throttled_pct > 25'\n"
		    "  pq check -g /web -g /db -i 5s 'mem.hard_pct > 90'   for each of them\n"
		    "  pq check --during 'make test' 'throttle.throttled_pct > 5'\n",
	.takes = TAKES_ALL | TAKES_VERDICT | TAKES_CHECK,
	.command = check,
	.judges = true,
};
