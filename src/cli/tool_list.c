#include "cli/tool_list.h"

#include <stdio.h>
#include <string.h>

#include "base/fail.h"
#include "cli/values.h"

/* own_ns: the interval of this tool; 0: that of the command. */
static void
add_tool(struct tool_list *l, const struct tool *t, const struct target *target, int64_t own_ns)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->tool[i]->name, t->name) == 0)
			die(EXIT_USAGE, "%s: named twice", t->name);
	if (l->n == TOOLS_MOST)
		die(EXIT_USAGE, "too many tools: at most %d", TOOLS_MOST);
	l->ask[l->n] = (struct request){ .target = *target,
		.options =
		    tool_defaults(t, &l->arena, t->recorded_ns ? RECORDED_ROWS : TOOL_ROWS) };
	t = tool_form(t, &l->ask[l->n]);
	l->ask[l->n].target = tool_target(t, target);
	l->own_ns[l->n] = own_ns;
	l->tool[l->n++] = t;
	size_t n = strlen(l->names);
	snprintf(l->names + n, sizeof l->names - n, "%s%s", n ? " " : "", t->name);
}

/* "mem" or "mem:1s". False if it is not a tool. */
static bool
take_tool(struct tool_list *l, const struct options *o, const char *word)
{
	const char *colon = strchr(word, ':');
	size_t n = colon ? (size_t)(colon - word) : strlen(word);
	const struct tool *t = tools_find((struct text){ word, n });
	int64_t own_ns = 0;

	if (!t)
		return false;
	if (colon && !tool_takes(o->tool, &option_out))
		die(EXIT_USAGE, "%s: pq %s has one interval for all tools", word, o->tool->name);
	if (colon && interval_parse(text_of(colon + 1), &own_ns) < 0)
		die(EXIT_USAGE, "%s: invalid interval '%s': want 1, 0.5, 100ms, 2s or 1m", word,
		    colon + 1);
	add_tool(l, t, &o->ask.target, own_ns);
	return true;
}

/* The tools that run if none is named. */
static void
add_usual(struct tool_list *l, const struct options *o, int64_t usual_ns)
{
	const int64_t interval_ns = l->interval_ns;
	bool records = tool_takes(o->tool, &option_out);

	for (size_t i = 0; tools[i]; i++) {
		int64_t own_ns = tools[i]->recorded_ns;
		bool rare = records && own_ns > usual_ns;
		/* rounded up to whole intervals */
		int64_t every = rare ? (own_ns + interval_ns - 1) / interval_ns : 1;
		if (records ? own_ns > 0 : !tools[i]->costly)
			add_tool(l, tools[i], &o->ask.target, every * interval_ns);
	}
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

/* "100ms 600 runq mem:1s": an interval, a count, and tools. */
static void
take_words(struct tool_list *l, const struct options *o, int64_t usual_ns)
{
	struct options numbers = { 0 };
	const char *number[2] = { NULL, NULL };
	int n = 0;

	for (int i = 0; i < o->words; i++) {
		const char *word = o->word[i];
		if (*word >= '0' && *word <= '9' && n < 2 && l->n == 0)
			number[n++] = word;
		else if (!take_tool(l, o, word))
			unknown_tool(o, word);
	}
	options_numbers(&numbers, number[0], number[1]);
	l->interval_ns = numbers.interval_ns ? numbers.interval_ns : usual_ns;
	l->count = numbers.count;
	if (l->n == 0)
		add_usual(l, o, usual_ns);
}

/* The shortest interval is that of the rows, and the others are multiples of it, so that tools
 * share samples. */
static void
set_intervals(struct tool_list *l)
{
	int64_t least = INT64_MAX;

	for (size_t i = 0; i < l->n; i++) {
		l->own_ns[i] = l->own_ns[i] ? l->own_ns[i] : l->interval_ns;
		least = l->own_ns[i] < least ? l->own_ns[i] : least;
	}
	l->interval_ns = least;
	for (size_t i = 0; i < l->n; i++) {
		l->every[i] = (uint64_t)(l->own_ns[i] / least);
		if (l->own_ns[i] % least != 0)
			die(EXIT_USAGE,
			    "%s: an interval of %g ms is no multiple of the shortest one, %g ms",
			    l->tool[i]->name, (double)l->own_ns[i] * 1e-6, (double)least * 1e-6);
	}
}

void
tool_list_plan(const struct tool_list *l, const uint64_t *every, char *out, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < l->n && at < n; i++) {
		double ms = (double)((int64_t)every[i] * l->interval_ns) * 1e-6;
		at += (size_t)snprintf(out + at, n - at, "%s%s", i ? " " : "", l->tool[i]->name);
		if (every[i] > 1 && at < n)
			at += (size_t)snprintf(out + at, n - at, ":%g%s",
			    ms < 1000 ? ms : ms * 1e-3, ms < 1000 ? "ms" : "s");
	}
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
	set_intervals(l);
	tool_list_plan(l, l->every, l->plan, sizeof l->plan);
	check_target(l, &o->ask.target);
}

void
tool_list_add(
    struct tool_list *l, const struct tool *t, const struct target *target, int64_t interval_ns)
{
	l->interval_ns = interval_ns;
	add_tool(l, t, target, interval_ns);
	set_intervals(l);
	tool_list_plan(l, l->every, l->plan, sizeof l->plan);
}

void
tool_list_free(struct tool_list *l)
{
	arena_free(&l->arena);
}
