#include <stdio.h>
#include <string.h>

#include "expr/code.h"

enum { NAME_MOST = 63 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many characters are to be changed, put in or left out; names of at most NAME_MOST. */
static size_t
distance(struct text a, struct text b)
{
	size_t row[NAME_MOST + 1];

	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = corner + (a.s[i - 1] != b.s[j - 1]);
			corner = row[j];
			row[j] = least(change, least(row[j], row[j - 1]) + 1);
		}
	}
	return row[b.n];
}

/* The nearest key, if it is nearer than *best, which is set then; or NULL. */
static const char *
nearest(const struct column *columns, struct text key, size_t *best)
{
	const char *found = NULL;

	for (; columns->key && key.n <= NAME_MOST; columns++) {
		struct text other = text_of(columns->key);
		size_t d = other.n <= NAME_MOST ? distance(key, other) : *best;
		if (d < *best) {
			*best = d;
			found = columns->key;
		}
	}
	return found;
}

/* What is not near any more: a third of the name, or four characters, must be others. */
static size_t
too_far(struct text key)
{
	return least(key.n / 3, 3) + 1;
}

static const struct expr_tool *
find_tool(const struct parser *p, struct text name)
{
	for (size_t i = 0; i < p->ntools; i++)
		if (text_eq(name, p->tools[i].name))
			return &p->tools[i];
	return NULL;
}

static bool
no_tool(struct parser *p, const struct token *t)
{
	char list[100] = "";
	size_t n = 0;

	for (size_t i = 0; i < p->ntools; i++) {
		const char *name = p->tools[i].name;
		if (n + strlen(name) + sizeof ", ..." > sizeof list) {
			n += (size_t)snprintf(list + n, sizeof list - n, ", ...");
			break;
		}
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", name);
	}
	return expr_fail(
	    p, t->at, "no tool %.*s; there are %s", expr_shown(t->text), t->text.s, list);
}

static bool
no_column(struct parser *p, const struct expr_tool *tool, struct text key)
{
	size_t at = (size_t)(key.s - p->source.s), best = too_far(key);
	const char *near = nearest(tool->columns, key, &best);
	int n = expr_shown(key);

	if (near)
		return expr_fail(
		    p, at, "no column %.*s in %s; did you mean %s?", n, key.s, tool->name, near);
	return expr_fail(p, at, "no column %.*s in %s; pq %s --columns lists them", n, key.s,
	    tool->name, tool->name);
}

/* A key alone that no tool has. */
static bool
no_key(struct parser *p, const struct token *t)
{
	const struct expr_tool *of = NULL;
	const char *near = NULL;
	size_t best = too_far(t->text);
	int n = expr_shown(t->text);

	if (find_tool(p, t->text))
		return expr_fail(p, t->at,
		    "%.*s is a tool: write TOOL.KEY; pq %.*s --columns lists them", n, t->text.s, n,
		    t->text.s);
	for (size_t i = 0; i < p->ntools; i++) {
		const char *key = nearest(p->tools[i].columns, t->text, &best);
		if (key) {
			near = key;
			of = &p->tools[i];
		}
	}
	if (near)
		return expr_fail(
		    p, t->at, "no column %.*s; did you mean %s.%s?", n, t->text.s, of->name, near);
	return expr_fail(p, t->at, "no column %.*s; pq TOOL --columns lists them", n, t->text.s);
}

/* The tool that has the key, when it is one only. */
static const struct expr_tool *
tool_of_key(struct parser *p, const struct token *t)
{
	const struct expr_tool *found = NULL;
	int n = expr_shown(t->text);

	for (size_t i = 0; i < p->ntools; i++) {
		const struct expr_tool *tool = &p->tools[i];
		if (columns_find(tool->columns, t->text) < 0)
			continue;
		if (found) {
			expr_fail(p, t->at, "%.*s is a column of %s and %s: write %s.%.*s", n,
			    t->text.s, found->name, tool->name, found->name, n, t->text.s);
			return NULL;
		}
		found = tool;
	}
	if (!found)
		no_key(p, t);
	return found;
}

static int
first_label(const struct column *columns)
{
	for (int i = 0; columns[i].key; i++)
		if (columns[i].kind == LABEL)
			return i;
	return -1;
}

/* The tool's place among those named, or -1 with the error. */
static int
named(struct parser *p, const struct expr_tool *tool, size_t at)
{
	struct expr *x = p->x;
	size_t index = (size_t)(tool - p->tools);

	for (int i = 0; i < x->nnamed; i++)
		if (x->named[i].tool == index)
			return i;
	if (x->nnamed == NAMED_MOST) {
		expr_fail(p, at, "one tool too many: an expression names at most %d", NAMED_MOST);
		return -1;
	}
	x->named[x->nnamed] =
	    (struct named){ index, tool->name, tool->columns, first_label(tool->columns) };
	return x->nnamed++;
}

bool
expr_find(struct parser *p, const struct token *t, int *tool, int *column)
{
	const struct expr_tool *of;
	struct text key = t->key.s ? t->key : t->text;

	if (t->key.s)
		of = find_tool(p, t->text);
	else
		of = p->ntools == 1 ? p->tools : tool_of_key(p, t);
	if (!of)
		return t->key.s ? no_tool(p, t) : false;
	*column = columns_find(of->columns, key);
	if (*column < 0)
		return no_column(p, of, key);
	*tool = named(p, of, t->at);
	return *tool >= 0;
}
