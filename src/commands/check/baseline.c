/* baseline: pq check --baseline: whether the machine, or a recording, is significantly worse than a
 * baseline or an earlier recording, as pq diff --fail judges it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/output.h"
#include "cli/signals.h"
#include "cli/values.h"
#include "commands/check/check.h"
#include "commands/diff/fail.h"
#include "commands/diff/operand.h"

static const int64_t ROW_NS = 1000000000, SPAN_NS = 30 * INT64_C(1000000000),
		     LEAST_NS = 16 * INT64_C(1000000000);
static const char usual_rule[] = "* 10%";

struct against {
	const struct options *options;
	const struct check_options *own;
	const char *source[OPTION_LIST_MOST]; /* of the rules */
	struct fail_rule rule[OPTION_LIST_MOST];
	enum fail_result result[OPTION_LIST_MOST];
	int rules;
	struct arena arena;
	struct side before, now;
	struct comparison c;
	const char *target; /* "/web", "4242"; NULL: none */
};

/* ---- The command line */

static void
take_rules(struct against *g)
{
	const struct option_list *l = &g->own->fail;
	char why[200];

	g->rules = l->n > 0 ? l->n : 1;
	for (int i = 0; i < g->rules; i++) {
		g->source[i] = l->n > 0 ? l->v[i] : usual_rule;
		if (fail_parse(g->source[i], &g->rule[i], why) < 0)
			die(EXIT_USAGE, "invalid --fail '%s': %s", g->source[i], why);
	}
}

static void
take_subject(struct against *g, struct options *o)
{
	const struct check_options *own = g->own;

	if (own->warn.n + own->critical.n > 0 || o->words > 0)
		die(EXIT_USAGE,
		    "--baseline cannot be combined with conditions (run pq check twice)");
	if (own->pid.n + own->cgroup.n > 1)
		die(EXIT_USAGE, "--baseline takes one -p or -g");
	if (own->span_ns && own->span_ns < LEAST_NS)
		die(EXIT_USAGE,
		    "--baseline needs 16s or more (-i): the test needs so many seconds");
	if (own->span_ns && o->source)
		die(EXIT_USAGE, "-i and -f cannot be combined: a recording is judged as a whole");
	if (own->pid.n)
		o->ask.target.pid = own->pid.v[0];
	if (own->cgroup.n)
		o->ask.target.cgroup = own->cgroup.v[0];
	target_check(&o->ask.target);
	g->target = own->pid.n ? own->pid.v[0] : own->cgroup.n ? own->cgroup.v[0] : NULL;
}

/* ---- The machine now */

/* The tools of the baseline, with a row each second. */
static void
watch(struct against *g, const struct options *o)
{
	static struct recorded r; /* it is large */

	recorded_open(&r, o, NULL);
	r.session.interval_ns = ROW_NS;
	for (size_t t = 0; tools[t]; t++) {
		if (g->before.tool[t].samples == 0)
			continue;
		struct sampler *s = recorded_add(&r, tools[t], NULL);
		s->tick_ns = tools[t]->tick ? tools[t]->tick_ns(s->ask.options) : 0;
	}
	side_begin(&g->now, "now", &r.session.host->facts);
	side_read(&g->now, &r, g->own->span_ns ? g->own->span_ns : SPAN_NS);
	if (signals_stop())
		die(EXIT_FAILED, "stopped by a signal: no verdict");
	target_has_rows(&g->now, &o->ask.target);
	if (g->now.samples == 0)
		die(EXIT_FAILED, "none of the tools of the baseline has rows here");
	recorded_close(&r);
}

/* ---- The verdict */

static enum verdict
judge(struct against *g)
{
	enum verdict v = VERDICT_OK;

	g->c = (struct comparison){ .level = USUAL_LEVEL, .least = USUAL_LEAST };
	comparison_make(&g->c, &g->before, &g->now);
	for (int i = 0; i < g->rules; i++) {
		g->result[i] = fail_apply(&g->rule[i], &g->c);
		if (g->result[i] == FAIL_YES)
			v = VERDICT_CRITICAL;
		else if (g->result[i] == FAIL_UNKNOWN && v == VERDICT_OK)
			v = VERDICT_UNKNOWN;
	}
	return v;
}

/* A bar would start the performance data. */
static void
put_words(struct buf *b, const char *s)
{
	size_t start = b->n;

	buf_printable(b, s);
	for (size_t i = start; i < b->n; i++)
		b->s[i] = b->s[i] == '|' ? '_' : b->s[i];
}

/* "throttle.held_cpus 0.55, was 0 (/web)" */
static void
put_line(struct buf *b, const struct line *l)
{
	line_figure(l, b);
	buf_char(b, ' ');
	buf_trimmed(b, spread_mean(l->to), 3);
	buf_text(b, ", was ");
	buf_trimmed(b, spread_mean(l->from), 3);
	if (!*l->row)
		return;
	buf_text(b, " (");
	put_words(b, l->row);
	buf_char(b, ')');
}

enum { SHOWN_MOST = 5 };

static void
put_failures(const struct against *g, struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < g->c.n; i++) {
		if (!g->c.v[i].fails || n++ >= SHOWN_MOST)
			continue;
		buf_text(b, n > 1 ? ", " : "");
		put_line(b, &g->c.v[i]);
	}
	if (n <= SHOWN_MOST)
		return;
	buf_text(b, " and ");
	buf_u64(b, n - SHOWN_MOST, 1);
	buf_text(b, " more");
}

static void
print_line(const struct against *g, enum verdict v, struct buf *b)
{
	struct fail_counts n = fail_count(&g->c);

	buf_text(b,
	    v == VERDICT_OK           ? "PQ OK - " :
		v == VERDICT_CRITICAL ? "PQ CRITICAL - " :
					"PQ UNKNOWN - ");
	if (v == VERDICT_CRITICAL) {
		put_failures(g, b);
		buf_text(b, "; worse than in ");
	} else if (v == VERDICT_UNKNOWN) {
		buf_text(b, "too few figures or seconds to compare with ");
	} else {
		buf_u64(b, n.judged, 1);
		buf_text(b, n.judged == 1 ? " figure is" : " figures are");
		buf_text(b, " not worse than in ");
	}
	put_words(b, g->own->baseline);
	if (v == VERDICT_OK && n.few + n.only_one > 0) {
		buf_text(b, ", ");
		buf_u64(b, n.few + n.only_one, 1);
		buf_text(b, " not judged");
	}
	buf_text(b, " | 'worse'=");
	buf_u64(b, g->c.of[LINE_WORSE], 1);
	buf_text(b, " 'better'=");
	buf_u64(b, g->c.of[LINE_BETTER], 1);
	buf_char(b, '\n');
}

static void
json_failure(const struct against *g, const struct line *l, struct buf *b)
{
	struct buf figure = { 0 };

	line_figure(l, &figure);
	buf_char(&figure, '\0');
	buf_char(b, '{');
	buf_json_text(b, "expr", g->rules == 1 ? g->source[0] : NULL);
	buf_json_text(b, "level", "critical");
	buf_json_bool(b, "truth", true);
	buf_json_text(b, "column", figure.s);
	buf_json_number(b, "value", spread_mean(l->to), 6);
	buf_json_number(b, "threshold", spread_mean(l->from), 6);
	buf_json_text(b, "label", *l->row ? l->row : NULL);
	buf_char(b, '}');
	buf_free(&figure);
}

static void
print_json(const struct against *g, enum verdict v, struct buf *b)
{
	struct report times = { .utc = g->options->utc };
	bool first = true;

	buf_json_begin(b, "check", &times, g->now.to_ns);
	buf_json_number(b, "interval_s", (double)(g->now.to_ns - g->now.from_ns) * 1e-9, 6);
	buf_json_text(b, "target", g->target);
	buf_json_text(b, "baseline", g->own->baseline);
	buf_json_text(b, "verdict", verdict_name(v));
	buf_json_key(b, "checks");
	buf_char(b, '[');
	for (size_t i = 0; i < g->c.n; i++) {
		if (!g->c.v[i].fails)
			continue;
		buf_text(b, first ? "" : ",");
		json_failure(g, &g->c.v[i], b);
		first = false;
	}
	buf_text(b, "]}\n");
}

static void
print(const struct against *g, enum verdict v)
{
	struct buf b = { 0 };

	if (g->own->json)
		print_json(g, v, &b);
	else
		print_line(g, v, &b);
	output_write(&b); /* a reader that has gone does not change the verdict */
	buf_free(&b);
	warn_release();
}

enum verdict
check_baseline(const struct options *o)
{
	static struct against g; /* it is large */
	static struct options own;

	own = *o;
	g = (struct against){ .options = o, .own = o->ask.options };
	own.ask.options = NULL;
	take_rules(&g);
	take_subject(&g, &own);
	warn_hold();
	struct operand before = operand_of(g.own->baseline, &g.arena);
	struct options whole = own;
	whole.from.written = whole.to.written = NULL;
	operand_read(&before, &whole, &g.before);
	signals_catch();
	if (o->source) {
		struct operand now = { .written = o->source, .path = o->source };
		operand_read(&now, &own, &g.now);
	} else {
		watch(&g, &own);
	}
	enum verdict v = judge(&g);
	print(&g, v);
	comparison_free(&g.c);
	side_free(&g.before);
	side_free(&g.now);
	arena_free(&g.arena);
	return v;
}
