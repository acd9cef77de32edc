#include "commands/record/plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "cli/condition.h"

enum { RING_LEAST = 256 << 10 };

static void
add_tool(struct plan *p, const struct tool *t)
{
	for (size_t i = 0; i < p->tools; i++)
		if (p->tool[i] == t)
			die(EXIT_USAGE, "%s is named twice", t->name);
	if (p->tools == TOOLS_MOST)
		die(EXIT_USAGE, "more than %d tools", TOOLS_MOST);
	struct request ask = p->options->ask;
	ask.target.pid = t->takes & TAKES_PID ? ask.target.pid : NULL;
	ask.target.cgroup = t->takes & TAKES_CGROUP ? ask.target.cgroup : NULL;
	ask.target.all = t->takes & TAKES_ALL && ask.target.all;
	p->ask[p->tools] = ask;
	p->tool[p->tools++] = t;
	size_t n = strlen(p->names);
	snprintf(p->names + n, sizeof p->names - n, "%s%s", n ? " " : "", t->name);
}

/* "100ms 600 runq cpu": an interval, a count, and tools. */
static void
take_words(struct plan *p, const struct given *g, int64_t usual_ns)
{
	struct options numbers = { 0 };
	const char *number[2] = { NULL, NULL };
	int n = 0;

	for (int i = 0; i < g->words; i++) {
		const char *word = g->word[i];
		const struct tool *t = tools_find(text_of(word));
		if (t)
			add_tool(p, t);
		else if (*word >= '0' && *word <= '9' && n < 2 && p->tools == 0)
			number[n++] = word;
		else
			die(EXIT_USAGE,
			    "no tool %s to %s; there are an interval%s, and then tools: pq --help "
			    "lists them",
			    word, p->options->tool->name,
			    p->options->tool->takes & TAKES_RECORD ? ", a count" : "");
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
	unsigned wanted = t->pid ? TAKES_PID : t->cgroup ? TAKES_CGROUP : t->all ? TAKES_ALL : 0;
	unsigned taken = 0;

	for (size_t i = 0; i < p->tools; i++)
		taken |= p->tool[i]->takes;
	if (wanted & ~taken)
		die(EXIT_USAGE, "none of %s takes %s", p->names,
		    t->pid        ? "-p" :
			t->cgroup ? "-g" :
				    "-a");
}

static int64_t
time_of(const struct given *g, enum option_id id, const char *name, int64_t otherwise_ns)
{
	int64_t ns = 0;

	if (!g->seen[id])
		return otherwise_ns;
	const char *unit = g->arg[id] + strspn(g->arg[id], "0");
	if (unit > g->arg[id] &&
	    (!*unit || (strchr("msh", *unit) && !unit[1]) || strcmp(unit, "ms") == 0))
		return 0;
	if (interval_parse(text_of(g->arg[id]), &ns) < 0)
		die(EXIT_USAGE, "%s %s: it takes a time such as 10s, 500ms or 5m", name,
		    g->arg[id]);
	return ns;
}

static uint64_t
size_of(const struct given *g, enum option_id id, const char *name, uint64_t otherwise)
{
	uint64_t bytes;

	if (!g->seen[id])
		return otherwise;
	if (size_parse(text_of(g->arg[id]), &bytes) < 0 || bytes > INT64_MAX)
		die(EXIT_USAGE, "%s %s: it takes a size such as 64M or 1G", name, g->arg[id]);
	return bytes;
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
set_tape(struct plan *p, const struct given *g)
{
	const char *save = g->arg[OPT_SAVE], *out = p->options->out;
	char path[4096];

	p->ring = size_of(g, OPT_RING, "--ring", 0);
	if (p->ring && p->ring < RING_LEAST)
		die(EXIT_USAGE,
		    "--ring %s: too small for a tape that keeps anything: 256K at least, 64M keeps "
		    "hours",
		    g->arg[OPT_RING]);
	p->ring -= p->ring % 4096;
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
		    "-o - writes to a pipe, which keeps nothing: --ring, --when, --save and --exec "
		    "need a file");
}

static void
set_whens(struct plan *p, const struct given *g)
{
	struct expr_tool known[TOOLS_MOST];

	for (size_t i = 0; i < p->tools; i++)
		known[i] = (struct expr_tool){ p->tool[i]->name, p->tool[i]->columns };
	for (int i = 0; i < g->repeats; i++) {
		if (g->repeated[i].id != OPT_WHEN)
			continue;
		p->when[p->whens] = g->repeated[i].arg;
		p->expr[p->whens] = condition_parse("--when", g->repeated[i].arg, known, p->tools);
		p->whens++;
	}
}

void
plan_tools(struct plan *p, const struct options *o, int64_t usual_ns)
{
	*p = (struct plan){ .options = o };
	take_words(p, o->given, usual_ns);
	check_target(p);
}

void
plan_make(struct plan *p, const struct options *o)
{
	const struct given *g = o->given;

	plan_tools(p, o, 100000000);
	p->command = g->command;
	p->json = g->seen[OPT_LOG_JSON];
	set_whens(p, g);
	set_tape(p, g);
	p->before_ns = time_of(g, OPT_BEFORE, "--before", INT64_C(60000000000));
	p->after_ns = time_of(g, OPT_AFTER, "--after", INT64_C(10000000000));
	p->cooldown_ns = time_of(g, OPT_COOLDOWN, "--cooldown", INT64_C(300000000000));
	p->exec_limit_ns = time_of(g, OPT_EXEC_LIMIT, "--exec-limit", INT64_C(60000000000));
	p->max_bytes = size_of(g, OPT_MAX_BYTES, "--max-bytes", UINT64_C(1) << 30);
	p->max_saves = 20;
	if (g->seen[OPT_MAX_SAVES] &&
	    (text_u64(text_of(g->arg[OPT_MAX_SAVES]), &p->max_saves) < 0 || p->max_saves == 0))
		die(EXIT_USAGE, "--max-saves %s: it takes a number, 1 or more",
		    g->arg[OPT_MAX_SAVES]);
}

void
plan_free(struct plan *p)
{
	for (size_t i = 0; i < p->whens; i++)
		expr_free(p->expr[i]);
	free(p->tape);
	free(p->directory);
}
