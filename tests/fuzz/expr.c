#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expr/expr.h"
#include "replay.h"

static const struct column a_columns[] = {
	{ "l", "l", LABEL, NO_UNIT, .width = 8 },
	{ "pct", "pct", SHARE, PERCENT, .width = 8 },
	{ "ms", "ms", GAUGE, MILLISECONDS, .width = 8 },
	{ "bytes", "bytes", GAUGE, BYTES, .width = 8 },
	{ "flag", "flag", FLAG, NO_UNIT, .width = 8 },
	{ 0 },
};

static const struct column b_columns[] = {
	{ "n", "n", GAUGE, NO_UNIT, .width = 8 },
	{ "l", "l", LABEL, NO_UNIT, .width = 8 },
	{ 0 },
};

static const struct expr_tool tools[] = { { "a", a_columns }, { "b", b_columns } };

static struct cell a_cells[] = {
	{ .label = "x" },
	{ .num = 25 },
	{ .num = 200 },
	{ .num = 1024 },
	{ .num = 1 },
	{ .label = NULL },
	{ .num = NAN },
	{ .num = -3 },
	{ .num = 1e300 },
	{ .num = 0 },
};
static struct cell b_cells[] = { { .num = 3 }, { .label = "all" }, { .num = NAN },
	{ .label = "" } };

/* NO, UNKNOWN, YES */
static int
rank(enum truth truth)
{
	return truth == TRUTH_YES ? 2 : truth == TRUTH_UNKNOWN ? 1 : 0;
}

/* What holds as written holds relaxed, and then there is a reason; the same of what is not
 * known. */
static void
evaluate(const struct expr *x, const struct expr_now *now)
{
	struct expr_hit hit = { .value = -12345 };
	int strict = rank(expr_eval(x, now, false, &hit));

	if (rank(expr_eval(x, now, true, NULL)) < strict || (strict == 2) != (hit.value != -12345))
		abort();
	struct expr_findings f = { .n = SIZE_MAX };
	if (rank(expr_judge(x, now, &f)) != strict || f.n > EXPR_FIGURES_MOST)
		abort();
	for (size_t i = 0; i < f.n; i++)
		if (!f.v[i].tool || !f.v[i].column || !f.v[i].sign ||
		    (f.v[i].holds && isnan(f.v[i].value)))
			abort();
}

static void
read_and_evaluate(const char *source, size_t ntools)
{
	struct table a = {
		.columns = a_columns, .ncolumns = 5, .cells = a_cells, .nrows = 2, .cap = 2
	};
	struct table b = {
		.columns = b_columns, .ncolumns = 2, .cells = b_cells, .nrows = 2, .cap = 2
	};
	const struct table *tables[] = { &a, &b };
	struct expr_now now = { tables, 4 };
	struct expr_error e = { .at = SIZE_MAX };
	struct expr *x = expr_parse(source, tools, ntools, &e);

	if (!x) {
		if (e.at > strlen(source) || !*e.message ||
		    !memchr(e.message, '\0', sizeof e.message))
			abort();
		return;
	}
	evaluate(x, &now);
	a.nrows = 1;
	evaluate(x, &now);
	tables[1] = NULL;
	evaluate(x, &now);
	if (expr_for_ns(x) < 0 || (expr_for_ns(x) && expr_for_samples(x)))
		abort();
	expr_free(x);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *source = malloc(n + 1);

	if (!source)
		abort();
	if (n > 0)
		memcpy(source, data, n);
	source[n] = '\0';
	read_and_evaluate(source, 1);
	read_and_evaluate(source, 2);
	free(source);
	return 0;
}
