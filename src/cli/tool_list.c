#include "cli/tool_list.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"

static void
add_tool(struct tool_list *l, const struct tool *t, const struct target *target)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->tool[i] == t)
			die(EXIT_USAGE, "%s: named twice", t->name);
	if (l->n == TOOLS_MOST)
		die(EXIT_USAGE, "too many tools: at most %d", TOOLS_MOST);
	l->ask[l->n] = (struct request){ .target = tool_target(t, target),
		.options = tool_defaults(t, &l->arena, TOOL_ROWS) };
	l->tool[l->n++] = t;
	size_t n = strlen(l->names);
	snprintf(l->names + n, sizeof l->names - n, "%s%s", n ? " " : "", t->name);
}

_Noreturn static void
unknown_tool(const struct options *o, const char *word)
{
	struct nearest near = nearest_to(text_of(word));

	for (size_t i = 0; tools[i]; i++)
		nearest_try(&near, tools[i]->name);
	if (near.name)
		die(EXIT_USAGE, "unknown tool '%s'; did you mean '%s'?", word, near.name);
	die(EXIT_USAGE,
	    "unknown tool '%s': usage is pq %s [interval%s] [TOOL...] ('pq help' lists all tools)",
	    word, o->tool->name, tool_takes(o->tool, &option_out) ? " [count]" : "");
}

/* "100ms 600 runq cpu": an interval, a count, and tools. */
static void
take_words(struct tool_list *l, const struct options *o, int64_t usual_ns)
{
	struct options numbers = { 0 };
	const char *number[2] = { NULL, NULL };
	int n = 0;

	for (int i = 0; i < o->words; i++) {
		const char *word = o->word[i];
		const struct tool *t = tools_find(text_of(word));
		if (t)
			add_tool(l, t, &o->ask.target);
		else if (*word >= '0' && *word <= '9' && n < 2 && l->n == 0)
			number[n++] = word;
		else
			unknown_tool(o, word);
	}
	bool all = l->n == 0;
	for (size_t i = 0; all && tools[i]; i++)
		if (!tools[i]->costly)
			add_tool(l, tools[i], &o->ask.target);
	options_numbers(&numbers, number[0], number[1]);
	l->interval_ns = numbers.interval_ns ? numbers.interval_ns : usual_ns;
	l->count = numbers.count;
}

/* A target that no tool takes would have no effect. */
static void
check_target(const struct tool_list *l, const struct target *t)
{
	bool taken = false;

	for (size_t i = 0; i < l->n; i++)
		taken |= tool_takes_target(l->tool[i], t);
	if ((t->pid || t->cgroup || t->all) && !taken)
		die(EXIT_USAGE, "%s: none of these tools supports %s", l->names,
		    t->pid        ? "-p" :
			t->cgroup ? "-g" :
				    "-a");
}

void
tool_list_parse(struct tool_list *l, const struct options *o, int64_t usual_ns)
{
	*l = (struct tool_list){ .n = 0 };
	take_words(l, o, usual_ns);
	check_target(l, &o->ask.target);
}

void
tool_list_free(struct tool_list *l)
{
	arena_free(&l->arena);
}
