/* check: whether conditions hold, as an exit status and a line for monitoring. check.h says which
 * part is where. */
#include "commands/check/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cli/output.h"

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
