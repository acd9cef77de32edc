/* marks: prints from which limits on the columns of all tools are marked, for scripts/check-docs: a line
 * "KEY for each CPU|all: HIGH; VERY_HIGH" for each, where "-" is no limit. */
#include <math.h>
#include <stdio.h>

#include "tools/tool.h"

/* The first of any events is one event, or what a rate rounds to. */
static void
print_limit(const struct column *c, double limit)
{
	bool any = limit == ANY_EVENT && c->unit != CPUS;
	const char *words = c->high > c->very_high ? "up to" : "from";

	if (isinf(limit))
		printf("-");
	else
		printf("%s %g", words, any ? (c->kind == COUNT ? 1 : 0.1) : limit);
}

static void
print_marks(const struct tool *t)
{
	for (const struct column *c = t->columns; c->key; c++) {
		if (c->high == 0 && c->very_high == 0)
			continue;
		printf("%s %s: ", c->key, c->per_cpu ? "for each CPU" : "all");
		print_limit(c, c->high == c->very_high ? INFINITY : c->high);
		printf("; ");
		print_limit(c, c->very_high);
		printf("\n");
	}
	for (size_t i = 0; t->forms && t->forms[i]; i++)
		print_marks(t->forms[i]);
}

int
main(void)
{
	for (size_t i = 0; tools[i]; i++)
		print_marks(tools[i]);
	return 0;
}
