#include "expr/expr.h"

#include <stdlib.h>

#include "base/fail.h"
#include "expr/code.h"

/* What stands behind `for`. */
static bool
parse_for(struct parser *p)
{
	const struct token *t = &p->token;
	struct expr *x = p->x;

	if (!expr_next(p))
		return false;
	double ns = t->suffix && t->suffix->quantity == TIME ? t->number * t->suffix->scale : 0;
	if (ns >= 1 && ns < 0x1p63)
		x->for_ns = (int64_t)ns;
	else if (t->kind != TOKEN_NUMBER || t->suffix || text_u64(t->text, &x->for_samples) < 0 ||
	    x->for_samples == 0)
		return expr_fail(
		    p, t->at, "expected a number of samples, such as 3, or a time, such as 3s");
	return expr_next(p);
}

static bool
parse_all(struct parser *p)
{
	if (p->source.n > SOURCE_MOST)
		return expr_fail(
		    p, SOURCE_MOST, "an expression has at most %d characters", SOURCE_MOST);
	if (!expr_next(p) || !expr_condition(p))
		return false;
	bool ends = p->token.kind == TOKEN_FOR;
	if (ends && !parse_for(p))
		return false;
	if (p->token.kind == TOKEN_CLOSE)
		return expr_fail(p, p->token.at, "there is no '(' for this ')'");
	if (p->token.kind != TOKEN_END)
		return expr_fail(p, p->token.at,
		    ends ? "expected the end here" : "expected and, or, for, or the end here");
	return true;
}

struct expr *
expr_parse(const char *source, const struct expr_tool *tools, size_t n, struct expr_error *e)
{
	struct expr *x = xmalloc(sizeof *x);

	*x = (struct expr){ .source = xstrdup(source) };
	struct parser p = {
		.x = x, .tools = tools, .ntools = n, .error = e, .source = text_of(x->source)
	};
	if (parse_all(&p))
		return x;
	expr_free(x);
	return NULL;
}

bool
expr_uses(const struct expr *x, size_t tool)
{
	for (int i = 0; i < x->nnamed; i++)
		if (x->named[i].tool == tool)
			return true;
	return false;
}

bool
expr_names(const struct expr *x, size_t tool, int column)
{
	for (const struct step *s = x->steps; s < x->steps + x->nsteps; s++)
		if ((s->op == PUSH_COLUMN || s->op == PUSH_LABEL) &&
		    x->named[s->tool].tool == tool && s->column == column)
			return true;
	return false;
}

uint64_t
expr_for_samples(const struct expr *x)
{
	return x->for_samples;
}

int64_t
expr_for_ns(const struct expr *x)
{
	return x->for_ns;
}

void
expr_free(struct expr *x)
{
	if (!x)
		return;
	free(x->source);
	free(x->steps);
	free(x);
}
