/* plan: the options about saving, and what they mean together. */
#include "commands/recorder/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/units.h"
#include "cli/values.h"

/* ---- Options */

#define AT(member) offsetof(struct saving_options, member)

const struct option saving_options[] = {
	{ 0, "when", "EXPR", OPTION_LIST, AT(when),
	    .help = "save a window when EXPR becomes true; repeatable" },
	{ 0, "save", "DIR", OPTION_PATH, AT(save), .help = "directory for saved windows" },
	{ 0, "before", "TIME", OPTION_DELAY, AT(before_ns),
	    .help = "keep this much before the trigger (default 60s)" },
	{ 0, "after", "TIME", OPTION_DELAY, AT(after_ns),
	    .help = "keep this much after the trigger (default 10s)" },
	{ 0, "cooldown", "TIME", OPTION_DELAY, AT(cooldown_ns),
	    .help = "least time between two saves of one --when (default 5m)" },
	{ 0, "max-saves", "N", OPTION_NUMBER, AT(max_saves),
	    .help = "stop saving when DIR holds N saved windows (default 20)",
	    .want = "a number of recordings", .most = 1000000 },
	{ 0, "max-bytes", "SIZE", OPTION_SIZE, AT(max_bytes),
	    .help = "stop saving when they take SIZE bytes (default 1G)" },
	{ 0, "exec-limit", "TIME", OPTION_DELAY, AT(exec_limit_ns),
	    .help = "kill the --exec command after this long (default 60s)" },
	{ 0, "budget", "SHARE", OPTION_SHARE, AT(budget),
	    .help = "use at most this share of a CPU, else read less often (1%)",
	    .want = "a share of a CPU such as 1% or 0.02, at least 0.1%" },
	{ 0, "exec", "CMD ARG...", OPTION_COMMAND, AT(command),
	    .help = "run CMD after each save; must be the last option" },
	{ .type = OPTION_END },
};

/* ---- Conditions */

/* What follows "wait" in "wait > 100ms", which is about a single wait, or NULL. "wait.waits > 3" is
 * about a column. */
static const char *
after_wait(const char *when)
{
	static const char blanks[] = " \t";
	const char *s = when + strspn(when, blanks);

	if (strncmp(s, "wait", 4) != 0)
		return NULL;
	s += 4;
	s += strspn(s, blanks);
	return *s && strchr("<>=!", *s) ? s : NULL;
}

static int64_t
wait_parse(const char *when, const char *sign)
{
	struct text rest = text_of(sign + 1), time;
	int64_t ns;

	text_skip(&rest, "=");
	if (*sign == '>' && text_word(&rest, &time) && rest.n == 0 &&
	    strchr("smhd", time.s[time.n - 1]) && duration_parse(time, &ns) == 0 && ns > 0)
		return ns;
	die(EXIT_USAGE,
	    "invalid --when '%s': a single wait stands alone, with a time and its unit: 'wait > "
	    "100ms'",
	    when);
}

void
plan_conditions(struct plan *p, bool waits)
{
	const struct option_list *when = &p->own->when;
	struct expr_tool known[TOOLS_MOST];

	for (size_t i = 0; i < p->list.n; i++)
		known[i] = (struct expr_tool){ p->list.tool[i]->name, p->list.tool[i]->columns };
	for (int i = 0; i < when->n; i++) {
		const char *sign = after_wait(when->v[i]);
		if (sign && !waits)
			die(EXIT_USAGE,
			    "--when '%s': a single wait is known only with --trace (or name a "
			    "column: wait.KEY)",
			    when->v[i]);
		if (sign)
			p->over_ns[i] = wait_parse(when->v[i], sign);
		else
			p->expr[i] = condition_parse("--when", when->v[i], known, p->list.n);
	}
}

static bool
any_uses(struct expr *const *x, int n, size_t tool)
{
	for (int i = 0; i < n; i++)
		if (x[i] && expr_uses(x[i], tool))
			return true;
	return false;
}

void
plan_tools(struct plan *p, const struct target *t, int64_t interval_ns)
{
	const struct option_list *when = &p->own->when;
	struct expr *x[OPTION_LIST_MOST] = { NULL };
	struct expr_tool known[TOOLS_MOST];
	struct arena scratch = { 0 };
	size_t n = 0;

	for (; tools[n]; n++) {
		struct request ask = { .target = *t,
			.options = tool_defaults(tools[n], &scratch, 0) };
		const struct tool *form = tool_form(tools[n], &ask);
		known[n] = (struct expr_tool){ form->name, form->columns };
	}
	arena_free(&scratch);
	for (int i = 0; i < when->n; i++)
		if (!after_wait(when->v[i]))
			x[i] = condition_parse("--when", when->v[i], known, n);
	for (size_t i = 0; i < n; i++)
		if (any_uses(x, when->n, i))
			tool_list_add(&p->list, tools[i], t, interval_ns);
	for (int i = 0; i < when->n; i++) {
		bool decides = !x[i];
		for (size_t k = 0; k < n; k++)
			decides |= x[i] && expr_uses(x[i], k);
		if (!decides)
			die(EXIT_USAGE,
			    "--when '%s': there is nothing to decide on: name a column such as "
			    "runq.runq_sz, or 'wait > 100ms'",
			    when->v[i]);
		expr_free(x[i]);
	}
}

int64_t
plan_least_wait_ns(const struct plan *p)
{
	int64_t least_ns = 0;

	for (int i = 0; i < p->own->when.n; i++)
		if (p->over_ns[i] > 0 && (least_ns == 0 || p->over_ns[i] < least_ns))
			least_ns = p->over_ns[i];
	return least_ns;
}

void
plan_directory(struct plan *p, const char *path)
{
	struct stat st;

	p->directory = xstrdup(path);
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
		errno = ENOTDIR;
	else if (access(path, W_OK | X_OK) == 0)
		return;
	die(EXIT_USAGE, "cannot save to %s: %s", path, strerror(errno));
}

void
plan_free(struct plan *p)
{
	for (int i = 0; i < p->own->when.n; i++)
		expr_free(p->expr[i]);
	tool_list_free(&p->list);
	free(p->directory);
}
