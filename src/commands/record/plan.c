#include "commands/record/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"

enum { RING_LEAST = 256 << 10 };

static void
add_tool(struct plan *p, const struct tool *t)
{
	for (size_t i = 0; i < p->tools; i++)
		if (p->tool[i] == t)
			die(EXIT_USAGE, "%s: named twice", t->name);
	if (p->tools == TOOLS_MOST)
		die(EXIT_USAGE, "too many tools: at most %d", TOOLS_MOST);
	p->ask[p->tools] = (struct request){ tool_target(t, &p->options->ask.target),
		tool_defaults(t, &p->arena, PLAN_ROWS) };
	p->tool[p->tools++] = t;
	size_t n = strlen(p->names);
	snprintf(p->names + n, sizeof p->names - n, "%s%s", n ? " " : "", t->name);
}

/* "100ms 600 runq cpu": an interval, a count, and tools. */
static void
take_words(struct plan *p, const struct options *o, int64_t usual_ns)
{
	struct options numbers = { 0 };
	const char *number[2] = { NULL, NULL };
	int n = 0;

	for (int i = 0; i < o->words; i++) {
		const char *word = o->word[i];
		const struct tool *t = tools_find(text_of(word));
		if (t)
			add_tool(p, t);
		else if (*word >= '0' && *word <= '9' && n < 2 && p->tools == 0)
			number[n++] = word;
		else
			die(EXIT_USAGE,
			    "unknown tool '%s': usage is pq %s [interval%s] [TOOL...] ('pq help' "
			    "lists all tools)",
			    word, p->options->tool->name,
			    tool_takes(o->tool, &option_out) ? " [count]" : "");
	}
	bool all = p->tools == 0;
	for (size_t i = 0; all && tools[i]; i++)
		if (!tools[i]->costly)
			add_tool(p, tools[i]);
	options_numbers(&numbers, number[0], number[1]);
	p->interval_ns = numbers.interval_ns ? numbers.interval_ns : usual_ns;
	p->count = numbers.count;
}

/* -p, -g or -a that no tool takes would be without effect. */
static void
check_target(const struct plan *p)
{
	const struct target *t = &p->options->ask.target;
	bool taken = false;

	for (size_t i = 0; i < p->tools; i++)
		taken |= tool_takes_target(p->tool[i], t);
	if ((t->pid || t->cgroup || t->all) && !taken)
		die(EXIT_USAGE, "%s: none of these tools supports %s", p->names,
		    t->pid        ? "-p" :
			t->cgroup ? "-g" :
				    "-a");
}

static void
check_directory(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	else if (access(path, W_OK | X_OK) == 0)
		return;
	die(EXIT_USAGE, "cannot save to %s: %s", path, strerror(errno));
}

static void
set_tape(struct plan *p, const struct record_options *own)
{
	const char *save = own->save, *out = p->options->out;
	char path[4096];

	if (own->ring && own->ring < RING_LEAST)
		die(EXIT_USAGE,
		    "invalid --ring: too small for a recording: want 256K or more; 64M holds "
		    "hours");
	p->ring = own->ring - own->ring % 4096;
	snprintf(path, sizeof path, "%s%spq.tape", save ? save : "", save ? "/" : "");
	p->tape = xstrdup(out ? out : path);
	const char *slash = strrchr(p->tape, '/');
	p->directory = xstrdup(save ? save : slash ? p->tape : ".");
	if (!save && slash)
		p->directory[slash == p->tape ? 1 : slash - p->tape] = '\0';
	if (save || p->whens)
		check_directory(p->directory);
	if (strcmp(p->tape, "-") == 0 && (p->ring || p->whens || save || p->command))
		die(EXIT_USAGE,
		    "-o -: not allowed with --ring, --when, --save or --exec, which need a file");
}

static void
set_whens(struct plan *p, const struct option_list *when)
{
	struct expr_tool known[TOOLS_MOST];

	for (size_t i = 0; i < p->tools; i++)
		known[i] = (struct expr_tool){ p->tool[i]->name, p->tool[i]->columns };
	for (int i = 0; i < when->n; i++) {
		p->when[p->whens] = when->v[i];
		p->expr[p->whens++] = condition_parse("--when", when->v[i], known, p->tools);
	}
}

void
plan_tools(struct plan *p, const struct options *o, int64_t usual_ns)
{
	*p = (struct plan){ .options = o };
	take_words(p, o, usual_ns);
	check_target(p);
}

void
plan_make(struct plan *p, const struct options *o)
{
	const struct record_options *own = o->ask.options;

	plan_tools(p, o, 100000000);
	p->command = own->command;
	p->json = own->json;
	set_whens(p, &own->when);
	set_tape(p, own);
	p->before_ns = own->before_ns;
	p->after_ns = own->after_ns;
	p->cooldown_ns = own->cooldown_ns;
	p->exec_limit_ns = own->exec_limit_ns;
	p->max_bytes = own->max_bytes;
	p->max_saves = own->max_saves;
}

void
plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->whens; i++)
		expr_free(p->expr[i]);
	arena_free(&p->arena);
	free(p->tape);
	free(p->directory);
}
