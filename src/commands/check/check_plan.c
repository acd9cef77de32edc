/* What pq check is to judge, from its command line. */
#include "commands/check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cli/condition.h"
#include "cli/request.h"

/* Only the last word may be `for`: behind it is a number. */
static size_t
place_of_for(const char *source)
{
	size_t at = 0;

	for (const char *found = strstr(source, "for"); found; found = strstr(found + 1, "for"))
		at = (size_t)(found - source);
	return at;
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

void
check_plan(struct check *c, const struct options *o)
{
	c->options = o;
	take_conditions(c, o->given);
	list_columns(c);
	take_subjects(c, o->given);
	take_span(c, o->given);
	c->finding = xmalloc(c->subjects * c->conditions * sizeof *c->finding);
}

void
check_plan_free(struct check *c)
{
	for (size_t i = 0; i < c->conditions; i++)
		expr_free(c->condition[i].expr);
	free(c->finding);
}
