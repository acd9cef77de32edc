/* Conditions over columns: parsing, errors, and evaluation. */
#include "expr/expr.h"

#include "unit.h"

enum { WEB, PCT, MS, SIZE, MARK, NOTE };
enum { CPU, LOAD };
enum { A, B, TOOLS };

static const struct column a_columns[] = {
	[WEB] = { "cgroup", "cgroup", LABEL, NO_UNIT, .width = 8 },
	[PCT] = { "throttled_pct", "%thr", SHARE, PERCENT, .width = 8 },
	[MS] = { "stall_ms", "stall-ms", GAUGE, MILLISECONDS, .width = 8 },
	[SIZE] = { "used_bytes", "used", GAUGE, BYTES, .width = 8 },
	[MARK] = { "allowed", "*", FLAG, NO_UNIT, .width = 8 },
	[NOTE] = { "note", "", LABEL, NO_UNIT, .width = 8 },
	{ 0 },
};

static const struct column b_columns[] = {
	[CPU] = { "cpu", "CPU", LABEL, NO_UNIT, .width = 8 },
	[LOAD] = { "runq_sz", "runq-sz", GAUGE, NO_UNIT, .width = 8 },
	[2] = { "note", "", LABEL, NO_UNIT, .width = 8 },
	{ 0 },
};

static const struct expr_tool tools[TOOLS] = { { "throttle", a_columns }, { "runq", b_columns } };

static struct table tables[TOOLS];
static const struct table *now_tables[TOOLS] = { &tables[A], &tables[B] };
static const struct expr_now now = { now_tables, 4 };

static void
clear(void)
{
	for (int i = 0; i < TOOLS; i++) {
		table_free(&tables[i]);
		tables[i] = (struct table){ .columns = tools[i].columns,
			.ncolumns = columns_count(tools[i].columns) };
		now_tables[i] = &tables[i];
	}
}

static struct cell *
row_a(const char *cgroup, double pct, double ms)
{
	struct cell *row = table_row(&tables[A]);

	row[WEB].label = cgroup;
	row[PCT].num = pct;
	row[MS].num = ms;
	return row;
}

static struct cell *
row_b(const char *cpu, double load)
{
	struct cell *row = table_row(&tables[B]);

	row[CPU].label = cpu;
	row[LOAD].num = load;
	return row;
}

/* What an expression is now: 'y', 'n', '?', or 'e' when it is wrong. */
static char
eval(const char *source, bool relaxed, struct expr_hit *hit)
{
	struct expr_error e;
	struct expr *x = expr_parse(source, tools, TOOLS, &e);

	if (!x) {
		printf("# %s: %zu: %s\n", source, e.at, e.message);
		return 'e';
	}
	enum truth truth = expr_eval(x, &now, relaxed, hit);
	expr_free(x);
	return truth == TRUTH_YES ? 'y' : truth == TRUTH_NO ? 'n' : '?';
}

#define CHECK_EVAL(source, want) CHECK_INT(eval((source), false, NULL), (want))
#define CHECK_RELAXED(source, want) CHECK_INT(eval((source), true, NULL), (want))

/* What is wrong, as "at: message". */
static const char *
wrong_of(const char *source, size_t n)
{
	struct expr_error e = { 0 };
	struct expr *x = expr_parse(source, tools, n, &e);
	char out[200];

	snprintf(out, sizeof out, "%zu: %s", e.at, x ? "nothing" : e.message);
	expr_free(x);
	return unit_copy(out, strlen(out) + 1);
}

#define CHECK_WRONG(source, want) CHECK_STRING(wrong_of((source), TOOLS), (want))
#define CHECK_WRONG_ONE(source, want) CHECK_STRING(wrong_of((source), 1), (want))

static void
comparisons(void)
{
	clear();
	row_a("/web", 25, 200);
	CHECK_EVAL("throttled_pct > 25", 'n');
	CHECK_EVAL("throttled_pct >= 25", 'y');
	CHECK_EVAL("throttled_pct < 25", 'n');
	CHECK_EVAL("throttled_pct <= 25", 'y');
	CHECK_EVAL("throttled_pct == 25", 'y');
	CHECK_EVAL("throttled_pct != 25", 'n');
	CHECK_EVAL("throttle.throttled_pct>24.5", 'y');
	CHECK_EVAL("\t24.5 <\nthrottle.throttled_pct ", 'y');
}

static void
arithmetic(void)
{
	clear();
	row_a("/web", 25, 200);
	CHECK_EVAL("1 + 2 * 3 == 7", 'y');
	CHECK_EVAL("(1 + 2) * 3 == 9", 'y');
	CHECK_EVAL("10 - 3 - 2 == 5", 'y');
	CHECK_EVAL("12 / 3 / 2 == 2", 'y');
	CHECK_EVAL("-3 - -2 == -1", 'y');
	CHECK_EVAL("2*cpus == 8", 'y');
	CHECK_EVAL("throttled_pct * 2 - stall_ms / 4 == 0", 'y');
	CHECK_EVAL("1 / 0 > 0", '?');
	CHECK_EVAL("1 / (throttled_pct - 25) > 0 or 1 > 2", '?');
	CHECK_EVAL("1 / 0 > 0 or 2 > 1", 'y');
}

static void
conditions(void)
{
	clear();
	row_a("/web", 25, 200)[MARK].num = 1;
	CHECK_EVAL("1 > 2 and 1 > 2 or 2 > 1", 'y');
	CHECK_EVAL("1 > 2 and (1 > 2 or 2 > 1)", 'n');
	CHECK_EVAL("2 > 1 || 1 > 2 && 1 > 2", 'y');
	CHECK_EVAL("not 1 > 2 and 2 > 1", 'y');
	CHECK_EVAL("!1 > 2", 'y');
	CHECK_EVAL("!(2 > 1)", 'n');
	CHECK_EVAL("not not 2 > 1", 'y');
	CHECK_EVAL("allowed", 'y');
	CHECK_EVAL("(allowed) and not allowed", 'n');
	CHECK_EVAL("allowed == 1 and throttled_pct > 20", 'y');
	tables[A].cells[MARK].num = 0;
	CHECK_EVAL("allowed", 'n');
	tables[A].cells[MARK].num = NAN;
	CHECK_EVAL("allowed", '?');
}

static void
labels(void)
{
	clear();
	row_a("/web", 25, 200);
	CHECK_EVAL("cgroup == '/web'", 'y');
	CHECK_EVAL("cgroup == \"/we\"", 'n');
	CHECK_EVAL("'/web' != throttle.cgroup", 'n');
	CHECK_EVAL("cgroup != ''", 'y');
	CHECK_EVAL("throttle.note == 'x'", '?');
	CHECK_EVAL("throttle.note != 'x'", '?');
	CHECK_EVAL("(cgroup) == ('/web')", 'y');
}

static void
units(void)
{
	clear();
	row_a("/web", 80, 3000)[SIZE].num = 536870912;
	CHECK_EVAL("stall_ms == 3000", 'y');
	CHECK_EVAL("stall_ms == 3s", 'y');
	CHECK_EVAL("stall_ms == 3000ms and stall_ms == 3000000us", 'y');
	CHECK_EVAL("0.05m == stall_ms and stall_ms < 1h", 'y');
	CHECK_EVAL("stall_ms == 1s + 2*1s", 'y');
	CHECK_EVAL("stall_ms - 1s == 2s", 'y');
	CHECK_EVAL("stall_ms / 1s == 3", 'y');
	CHECK_EVAL("-stall_ms < -2s", 'y');
	CHECK_EVAL("stall_ms == 3s * runq.runq_sz", '?');
	CHECK_EVAL("used_bytes == 512M and used_bytes == 512MiB and used_bytes == 512MB", 'y');
	CHECK_EVAL("used_bytes == 524288K and used_bytes == 0.5G and used_bytes < 1T", 'y');
	CHECK_EVAL("throttled_pct == 80% and throttled_pct == 80", 'y');
	CHECK_EVAL("throttled_pct / 80% == 1", 'y');
}

static void
wrong_units(void)
{
	CHECK_WRONG("throttled_pct > 512M", "16: wrong unit '512M': the other side is in %");
	CHECK_WRONG("200ms < used_bytes", "0: wrong unit '200ms': the other side is in bytes");
	CHECK_WRONG("runq_sz > 3s", "10: wrong unit '3s': the other side has no unit");
	CHECK_WRONG("cpus > 3%", "7: wrong unit '3%': the other side has no unit");
	CHECK_WRONG(
	    "used_bytes > 80% * used_bytes", "13: wrong unit '80%': the other side has no unit");
	CHECK_WRONG("stall_ms > 1 / 3s", "15: wrong unit '3s': the other side has no unit");
	CHECK_WRONG("stall_ms + 3K > 1", "11: wrong unit '3K': the other side is in ms");
	CHECK_WRONG("stall_ms / 1s > 3s", "16: wrong unit '3s': the other side has no unit");
	CHECK_WRONG(
	    "stall_ms > 3x", "12: unknown unit 'x': want us ms s m h, K M G T (bytes) or %");
	CHECK_WRONG(
	    "stall_ms > 3sB", "12: unknown unit 'sB': want us ms s m h, K M G T (bytes) or %");
	CHECK_WRONG(
	    "stall_ms > 1e3", "12: unknown unit 'e3': want us ms s m h, K M G T (bytes) or %");
}

static void
wrong_names(void)
{
	CHECK_WRONG("throttle.throttld_pct > 25",
	    "9: unknown column 'throttld_pct' in throttle; did you mean 'throttled_pct'?");
	CHECK_WRONG("1 > 2 or throttle.other > 25",
	    "18: unknown column 'other' in throttle ('pq throttle --columns' lists all)");
	CHECK_WRONG(
	    "thrott.throttled_pct > 25", "0: unknown tool 'thrott': want one of throttle, runq");
	CHECK_WRONG("runq_szz > 25", "0: unknown column 'runq_szz'; did you mean 'runq.runq_sz'?");
	CHECK_WRONG(
	    "completely > 25", "0: unknown column 'completely' ('pq TOOL --columns' lists all)");
	CHECK_WRONG(
	    "note == 'x'", "0: 'note' is a column of both throttle and runq: write throttle.note");
	CHECK_WRONG(
	    "runq > 3", "0: 'runq' is a tool: write TOOL.KEY ('pq runq --columns' lists the keys)");
	CHECK_WRONG("runq. > 3", "5: expected a column key");
	CHECK_WRONG_ONE("throttld_pct > 25",
	    "0: unknown column 'throttld_pct' in throttle; did you mean 'throttled_pct'?");
	CHECK_WRONG_ONE("runq.runq_sz > 25", "0: unknown tool 'runq': want one of throttle");
	CHECK_WRONG_ONE("note == 'x'", "0: nothing");
}

static void
wrong_grammar(void)
{
	CHECK_WRONG("", "0: expected a column or a number");
	CHECK_WRONG("throttled_pct", "13: expected a comparison");
	CHECK_WRONG("25 ", "3: expected a comparison");
	CHECK_WRONG("throttled_pct or 1 > 2", "14: expected a comparison");
	CHECK_WRONG("1 > 2 and cgroup", "16: expected a comparison");
	CHECK_WRONG("throttled_pct 25", "14: expected a comparison");
	CHECK_WRONG("throttled_pct for 3", "14: expected a comparison");
	CHECK_WRONG("not throttled_pct", "17: expected a comparison");
	CHECK_WRONG("throttled_pct >", "15: expected a column or a number");
	CHECK_WRONG("throttled_pct = 3", "14: '=' is not an operator: write ==");
	CHECK_WRONG("1 > 2 & 3 > 4", "6: '&' is not an operator: write and");
	CHECK_WRONG("1 > 2 | 3 > 4", "6: '|' is not an operator: write or");
	CHECK_WRONG("1 < 2 < 3", "6: comparisons cannot be chained: write a < b and b < c");
	CHECK_WRONG("1 < (2 < 3)", "4: expected a number or a numeric column, not a condition");
	CHECK_WRONG("1 + (2 < 3)", "4: expected a number or a numeric column, not a condition");
	CHECK_WRONG("(1 > 2", "6: expected ')'");
	CHECK_WRONG("1 > 2)", "5: unmatched ')'");
	CHECK_WRONG(
	    "1 > 2 AND 2 > 1", "6: expected 'and', 'or', 'for' or the end of the expression");
	CHECK_WRONG("1 > 2; 3", "5: unexpected ';'");
	CHECK_WRONG("1 > \xc3\xa4", "4: unexpected byte 0xc3");
	CHECK_WRONG("1.2.3 > 2", "0: invalid number '1.2.3': want 25 or 1.5");
}

static void
wrong_text(void)
{
	CHECK_WRONG("cgroup == 'web", "10: unterminated string: expected '");
	CHECK_WRONG("cgroup > 'web'", "7: text can only be compared with == and !=");
	CHECK_WRONG("cgroup == 0", "10: expected text such as \"all\", as on the left");
	CHECK_WRONG("stall_ms == 'x'", "12: expected a number, as on the left");
	CHECK_WRONG("'x' == 'x'", "0: one side must be a text column");
	CHECK_WRONG("cgroup + 1 > 2", "0: text can only be compared with text");
	CHECK_WRONG("1 > 2 or -'x' > 2", "10: text can only be compared with text");
}

static void
for_so_long(void)
{
	static const struct {
		const char *source;
		uint64_t samples;
		int64_t ns;
	} good[] = {
		{ "1 > 2", 0, 0 },
		{ "1 > 2 for 1", 1, 0 },
		{ "1 > 2 or 2 > 1 for 30", 30, 0 },
		{ "1 > 2 for 3s", 0, 3000000000 },
		{ "1 > 2 for 250us", 0, 250000 },
		{ "1 > 2 for 1.5m", 0, 90000000000 },
	};
	struct expr_error e;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct expr *x = expr_parse(good[i].source, tools, TOOLS, &e);
		if (CHECK(x != NULL)) {
			CHECK_U64(expr_for_samples(x), good[i].samples);
			CHECK_INT(expr_for_ns(x), good[i].ns);
		}
		expr_free(x);
	}
}

static void
wrong_for(void)
{
	static const char *const bad[] = { "1 > 2 for", "1 > 2 for 0", "1 > 2 for 0s",
		"1 > 2 for 1.5", "1 > 2 for 5M", "1 > 2 for -1", "1 > 2 for cpus", "1 > 2 for '3'",
		"1 > 2 for 18446744073709551615h", "1 > 2 for 0.0001us" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const char *at = strlen(bad[i]) > 9 ? "10" : "9";
		char want[100];
		snprintf(want, sizeof want,
		    "%s: expected a number of samples such as 3, or a time such as 3s", at);
		CHECK_WRONG(bad[i], want);
	}
	CHECK_WRONG("1 > 2 for 0.1us 3", "16: expected the end of the expression");
	CHECK_WRONG("1 > 2 for 3 for 3", "12: expected the end of the expression");
	CHECK_WRONG("(1 > 2 for 3)", "7: expected ')'");
}

/* `before` n times, then a comparison, then `after` n times. */
static const char *
nested(const char *before, const char *after, int n)
{
	static char s[8192];

	s[0] = '\0';
	for (int i = 0; i < n; i++)
		strcat(s, before);
	strcat(s, "2 > 1");
	for (int i = 0; i < n; i++)
		strcat(s, after);
	return s;
}

static void
limits(void)
{
	CHECK_EVAL(nested("(", ")", 64), 'y');
	CHECK_WRONG(nested("(", ")", 65), "64: nested too deeply: at most 64 levels");
	CHECK_EVAL(nested("!", "", 64), 'y');
	CHECK_WRONG(nested("!", "", 65), "64: nested too deeply: at most 64 levels");
	CHECK_EVAL(nested("-", "", 64), 'y');
	CHECK_WRONG(nested("-", "", 4000), "64: nested too deeply: at most 64 levels");
	CHECK_EVAL(nested("1>2 or 1<2 and (", ")", 64), 'y');
	CHECK_EVAL(nested("", "+1", 2000), 'n');
	CHECK_EVAL(nested("", " ", 4091), 'y');
	CHECK_WRONG(
	    nested("", " ", 4092), "4096: the expression is too long: at most 4096 characters");
}

/* All operators wait for their right side at each level. */
static void
fullest_stack(void)
{
	char s[4096] = "";

	for (int i = 0; i < 64; i++)
		strcat(s, i < 63 ? "1>2 or 1<2 and (" : "1>2 or 1<2 and 3<2+2*(");
	strcat(s, "5");
	for (int i = 0; i < 64; i++)
		strcat(s, ")");
	CHECK_EVAL(s, 'y');
}

static void
unknown(void)
{
	clear();
	row_a("/web", NAN, 200);
	CHECK_EVAL("throttled_pct > 25", '?');
	CHECK_EVAL("throttled_pct != 25", '?');
	CHECK_EVAL("not throttled_pct > 25", '?');
	CHECK_EVAL("throttled_pct > 25 and 2 > 1", '?');
	CHECK_EVAL("throttled_pct > 25 and 1 > 2", 'n');
	CHECK_EVAL("throttled_pct > 25 or 1 > 2", '?');
	CHECK_EVAL("throttled_pct > 25 or 2 > 1", 'y');
	CHECK_EVAL("throttled_pct * 0 == 0", '?');
}

static void
rows(void)
{
	clear();
	CHECK_EVAL("throttled_pct >= 0", '?');
	now_tables[A] = NULL;
	CHECK_EVAL("throttled_pct >= 0 or 2 > 1", '?');
	CHECK_EVAL("2 > 1", 'y');
	clear();
	row_a("/a", 30, 1);
	row_a("/b", 10, 9);
	CHECK_EVAL("throttled_pct > 20 and stall_ms < 5", 'y');
	CHECK_EVAL("throttled_pct > 20 and stall_ms > 5", 'n');
	row_a("/c", 40, NAN);
	CHECK_EVAL("throttled_pct > 20 and stall_ms > 5", '?');
	CHECK_EVAL("throttled_pct > 20 and stall_ms < 5", 'y');
}

static void
rows_of_two(void)
{
	clear();
	row_a("/a", 30, 1);
	row_a("/b", 10, 9);
	row_b("all", 3);
	row_b("0", 7);
	CHECK_EVAL("throttled_pct > 20 and runq_sz > 5", 'y');
	CHECK_EVAL("throttled_pct > 20 and runq_sz > 5 and cpu == 'all'", 'n');
	CHECK_EVAL("runq_sz * 2 > stall_ms and stall_ms > 5", 'y');
	CHECK_EVAL("runq_sz == 7 and throttle.cgroup == '/b'", 'y');
}

static void
too_many_rows(void)
{
	clear();
	for (int i = 0; i < 256; i++) {
		row_a("/a", i, 0);
		row_b("0", i);
	}
	CHECK_EVAL("throttled_pct == 255 and runq_sz == 255", 'y');
	CHECK_EVAL("throttled_pct == 256 and runq_sz == 255", 'n');
	row_b("0", 256);
	CHECK_EVAL("throttled_pct == 256 and runq_sz == 255", '?');
	CHECK_EVAL("throttled_pct == 3 and runq_sz == 3", 'y');
	clear();
	row_b("0", 0);
	for (int i = 0; i < 70000; i++)
		row_a("/a", i, 0);
	CHECK_EVAL("throttled_pct == 69999 and runq_sz == 0", 'y');
	CHECK_EVAL("throttled_pct == 70000 and runq_sz == 0", 'n');
}

static void
relaxed(void)
{
	clear();
	row_a("/web", 23, -23)[MARK].num = 0;
	CHECK_EVAL("throttled_pct > 25", 'n');
	CHECK_RELAXED("throttled_pct > 25", 'y');
	CHECK_RELAXED("throttled_pct > 26", 'n');
	CHECK_RELAXED("throttled_pct >= 25.5", 'y');
	CHECK_RELAXED("throttled_pct < 21", 'y');
	CHECK_RELAXED("throttled_pct < 20", 'n');
	CHECK_RELAXED("throttled_pct <= 21", 'y');
	CHECK_RELAXED("stall_ms > -21", 'y');
	CHECK_RELAXED("stall_ms < -25", 'y');
	CHECK_RELAXED("throttled_pct == 22", 'n');
	CHECK_RELAXED("allowed", 'n');
	CHECK_EVAL("not throttled_pct > 22", 'n');
	CHECK_RELAXED("not throttled_pct > 22", 'y');
	CHECK_RELAXED("not throttled_pct > 20", 'n');
	CHECK_RELAXED("not (1 > 2 or not throttled_pct > 25)", 'y');
}

static void
hits(void)
{
	struct expr_hit hit = { 0 };

	clear();
	row_a("/a", 10, 1);
	row_a("/b", 30, 1)[MARK].num = 1;
	row_b(NULL, 7);
	CHECK_INT(eval("throttle.stall_ms > 5s or throttle.throttled_pct > 2*10 and runq_sz > cpus",
		      false, &hit),
	    'y');
	CHECK_STRING(hit.tool, "throttle");
	CHECK_STRING(hit.key, "throttled_pct");
	CHECK_NEAR(hit.value, 30, 0);
	CHECK_NEAR(hit.threshold, 20, 0);
	CHECK_STRING(hit.label, "/b");
	CHECK_INT(eval("throttle.cgroup == '/b' and throttled_pct > 29", false, &hit),
	    'y'); /* the figure tells why, not the name */
	CHECK_STRING(hit.key, "throttled_pct");
	CHECK_NEAR(hit.value, 30, 0);
	CHECK_INT(
	    eval("29 < throttled_pct", false, &hit), 'y'); /* the column's side is the value */
	CHECK_NEAR(hit.value, 30, 0);
	CHECK_NEAR(hit.threshold, 29, 0);
	CHECK_INT(eval("33 < throttled_pct", false, &hit), 'n');
	CHECK_INT(eval("33 < throttled_pct", true, &hit), 'y'); /* eased is the threshold: 29.7 */
	CHECK_INT(eval("runq_sz > cpus and throttled_pct > 29", true, &hit), 'y');
	CHECK_STRING(hit.key, "runq_sz");
	CHECK_NEAR(hit.threshold, 4, 0);
	CHECK(hit.label == NULL);
	CHECK_INT(eval("allowed", false, &hit), 'y');
	CHECK_STRING(hit.key, "allowed");
	CHECK_NEAR(hit.value, 1, 0);
	CHECK_NEAR(hit.threshold, NAN, 0);
}

static void
hits_without_figures(void)
{
	struct expr_hit hit = { 0 };

	clear();
	row_a("/a", 10, 1);
	CHECK_INT(eval("cgroup == '/a'", false, &hit), 'y');
	CHECK_STRING(hit.key, "cgroup");
	CHECK_NEAR(hit.value, NAN, 0);
	CHECK_INT(eval("cpus > 3", false, &hit), 'y');
	CHECK(!hit.tool && !hit.key && !hit.label);
	CHECK_NEAR(hit.value, 4, 0);
	CHECK_INT(eval("not throttled_pct > 25", false, &hit), 'y');
	CHECK_STRING(hit.key, "throttled_pct");
	CHECK_NEAR(hit.value, 10, 0);
	CHECK_INT(eval("not throttled_pct > 25 and stall_ms > 0", false, &hit), 'y');
	CHECK_STRING(hit.key, "stall_ms");
	CHECK_INT(eval("not throttled_pct > 5 or stall_ms > 0", false, &hit), 'y');
	CHECK_STRING(hit.key, "stall_ms");
}

static void
uses(void)
{
	struct expr_error e;
	struct expr *x = expr_parse("1 > 2 or runq_sz > 3", tools, TOOLS, &e);

	if (!CHECK(x != NULL))
		return;
	CHECK(!expr_uses(x, A));
	CHECK(expr_uses(x, B));
	CHECK(!expr_uses(x, TOOLS));
	expr_free(x);
}

static struct expr_findings found;

/* The truth as eval tells it; what was found is in `found`. */
static char
judge(const char *source)
{
	struct expr_error e;
	struct expr *x = expr_parse(source, tools, TOOLS, &e);

	CHECK(x != NULL);
	enum truth truth = expr_judge(x, &now, &found);
	CHECK_INT(truth, expr_eval(x, &now, false, NULL));
	expr_free(x);
	return truth == TRUTH_YES ? 'y' : truth == TRUTH_NO ? 'n' : '?';
}

static void
check_figure(
    size_t i, const char *key, const char *sign, double value, double threshold, const char *label)
{
	const struct expr_figure *f = &found.v[i];

	CHECK(i < found.n);
	CHECK_STRING(f->column ? f->column->key : "-", key);
	CHECK_STRING(f->sign ? f->sign : "-", sign);
	CHECK_NEAR(f->value, value, 0);
	CHECK_NEAR(f->threshold, threshold, 0);
	CHECK_STRING(f->label ? f->label : "-", label);
}

/* Of all rows, the one that is farthest beyond the threshold; else the one nearest to it. */
static void
worst_rows(void)
{
	clear();
	row_a("a", 30, 5);
	row_a("b", 50, 1);
	row_a("c", 40, 9);
	CHECK_INT(judge("throttled_pct > 25"), 'y');
	check_figure(0, "throttled_pct", ">", 50, 25, "b");
	CHECK(found.n == 1 && found.v[0].plain && found.v[0].holds);
	CHECK_INT(judge("45 > throttled_pct"), 'y');
	check_figure(0, "throttled_pct", "<", 30, 45, "a");
	CHECK_INT(judge("throttled_pct > 60 or stall_ms > 8ms"), 'y');
	check_figure(0, "throttled_pct", ">", 40, 60, "c");
	check_figure(1, "stall_ms", ">", 9, 8, "c");
	CHECK(!found.v[0].holds && found.v[1].holds);
	CHECK_INT(judge("throttled_pct > 60"), 'n');
	check_figure(0, "throttled_pct", ">", 50, 60, "b");
	CHECK_INT(judge("throttled_pct < 20"), 'n');
	check_figure(0, "throttled_pct", "<", 30, 20, "a");
	CHECK_INT(judge("not throttled_pct <= 20*cpus"), 'n');
	check_figure(0, "throttled_pct", ">", 50, 80, "b");
	CHECK_INT(judge("stall_ms == 4"), 'n');
	check_figure(0, "stall_ms", "==", 5, 4, "a");
}

/* A row that is not meant does not stand for those that are. */
static void
rows_that_matter(void)
{
	clear();
	row_a("a", 30, 5);
	row_a("b", 50, 1);
	CHECK_INT(judge("cgroup == 'a' and throttled_pct > 40"), 'n');
	check_figure(0, "throttled_pct", ">", 30, 40, "a");
	CHECK_INT(judge("cgroup == 'x' and throttled_pct > 40"), 'n');
	check_figure(0, "throttled_pct", ">", NAN, 40, "-");
	CHECK_INT(judge("cgroup == 'b'"), 'y');
	CHECK(found.n == 0);
	CHECK_STRING(found.label, "b");
	CHECK_INT(judge("throttled_pct / stall_ms > 10"), 'y');
	CHECK(!found.v[0].plain && found.v[0].value == 50);
	CHECK_INT(judge("throttled_pct > stall_ms"), 'y');
	CHECK(!found.v[0].plain);
}

/* A share of nothing cannot exceed anything; what could not be read or calculated might. */
static void
shares_of_nothing(void)
{
	struct expr_error e;
	struct expr *x = expr_parse("throttled_pct > 25 or stall_ms > 3", tools, TOOLS, &e);

	clear();
	struct cell *row = row_a("a", 0, 1);
	cell_share(&row[PCT], 0, 0);
	CHECK_INT(expr_judge(x, &now, &found), TRUTH_NO);
	check_figure(0, "throttled_pct", ">", NAN, 25, "a");
	row[MS].num = NAN;
	CHECK_INT(expr_judge(x, &now, &found), TRUTH_UNKNOWN);
	row[MS].num = 4;
	CHECK_INT(expr_judge(x, &now, &found), TRUTH_YES);
	row[MS].num = 1;
	cell_share(&row[PCT], NAN, 0);
	CHECK_INT(expr_judge(x, &now, &found), TRUTH_UNKNOWN);
	expr_free(x);
	x = expr_parse("used_bytes / stall_ms > 1", tools, TOOLS, &e);
	row[SIZE].num = row[MS].num = 0;
	CHECK_INT(expr_judge(x, &now, &found), TRUTH_UNKNOWN);
	row[SIZE].num = 1;
	CHECK_INT(expr_judge(x, &now, &found), TRUTH_UNKNOWN);
	CHECK(expr_names(x, A, MS) && !expr_names(x, A, PCT) && !expr_names(x, B, LOAD));
	expr_free(x);
}

/* Of known figures; whatever else is a share of nothing. */
static void
results_that_do_not_exist(void)
{
	static const char *const sources[] = { "stall_ms > 0/0", "0/0 > stall_ms",
		"stall_ms < 1/0 - 1/0", "not stall_ms > 0/0",
		"throttled_pct > 25 or stall_ms > 0/0" };
	struct expr_error e;

	clear();
	struct cell *row = row_a("a", 0, 1);
	cell_share(&row[PCT], 0, 0);
	for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		struct expr *x = expr_parse(sources[i], tools, TOOLS, &e);
		CHECK_STRING(x ? "" : e.message, "");
		if (!x)
			continue;
		CHECK_INT(expr_eval(x, &now, false, NULL), TRUTH_UNKNOWN);
		CHECK_INT(expr_judge(x, &now, &found), TRUTH_UNKNOWN);
		expr_free(x);
	}
}

/* What is named in messages may be of any length. */
static void
long_names(void)
{
	enum { MANY = 40 };
	static char names[MANY][8], key[3000];
	struct expr_tool many[MANY];
	struct expr_error e;

	for (int i = 0; i < MANY; i++) {
		snprintf(names[i], sizeof names[i], "tool%d", i);
		many[i] = (struct expr_tool){ names[i], b_columns };
	}
	CHECK(!expr_parse("x.y > 1", many, MANY, &e));
	CHECK_STRING(e.message,
	    "unknown tool 'x': want one of tool0, tool1, tool2, tool3, tool4, tool5, tool6, tool7, "
	    "tool8, tool9, tool10, tool11, tool12, ...");
	memset(key, 'k', sizeof key - 1);
	CHECK(strlen(wrong_of(key, TOOLS)) < 170);
	CHECK(strlen(wrong_of(key, 1)) < 170);
	memset(key, '9', sizeof key - 1);
	CHECK(strlen(wrong_of(key, 1)) < 170);
	char sum[4096] = "0";
	for (int i = 0; i < 17; i++)
		snprintf(sum + strlen(sum), sizeof sum - strlen(sum), " + tool%d.runq_sz", i);
	CHECK(!expr_parse(sum, many, MANY, &e));
	CHECK_STRING(e.message, "too many tools: an expression names at most 16");
}

int
main(void)
{
	unit_test("comparisons", comparisons);
	unit_test("a result that does not exist is unknown", results_that_do_not_exist);
	unit_test("arithmetic has the usual precedence; x/0 is unknown", arithmetic);
	unit_test("or, and, not, parentheses and flags", conditions);
	unit_test("text is compared with columns of text", labels);
	unit_test("numbers are converted to the unit of the column", units);
	unit_test("a unit that does not fit", wrong_units);
	unit_test("unknown and ambiguous names are errors", wrong_names);
	unit_test("an error has its position", wrong_grammar);
	unit_test("text in the wrong place is an error", wrong_text);
	unit_test("for N and for TIME", for_so_long);
	unit_test("errors after 'for' have their position", wrong_for);
	unit_test("limits of length and depth", limits);
	unit_test("the deepest nesting allowed is evaluated", fullest_stack);
	unit_test("an unknown value is neither true nor false", unknown);
	unit_test("one row must fulfil the whole condition", rows);
	unit_test("rows of two tools are combined", rows_of_two);
	unit_test("the number of combinations is bounded", too_many_rows);
	unit_test("thresholds are relaxed by a tenth, under 'not' tightened", relaxed);
	unit_test("the column and value that fulfilled a condition", hits);
	unit_test("the column and value that fulfilled a condition: text, no column, not",
	    hits_without_figures);
	unit_test("the tools used by a condition", uses);
	unit_test("the worst row, and the nearest to the threshold", worst_rows);
	unit_test("only rows that the condition selects count", rows_that_matter);
	unit_test("a percentage of nothing is false, not unknown", shares_of_nothing);
	unit_test("messages have a bounded length", long_names);
	clear();
	return unit_done();
}
