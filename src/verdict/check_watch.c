/* The time that is judged: all tools that the conditions name, at work over it. */
#include "check.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "../base/clock.h"
#include "../base/fail.h"
#include "../signals.h"
#include "../tapes.h"

static const int64_t TICK_NS = 10000000, STEP_NS = 100000000;

static void
check_source(const char *source)
{
	struct stat st;

	if (strcmp(source, "-") == 0 || (stat(source, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		die(EXIT_USAGE, "-f %s: a recording is read twice, which a pipe cannot be: write it to a file", source);
}

/* How many moments a recording has, up to the last of which all was read, and for what it was made. */
static void
survey(struct check *c)
{
	const struct options *o = c->options;
	struct host *h = tapes_open(o);
	struct moment m;
	uint64_t moments = 0, rows = 0;
	char lost[256];

	while (host_next(h, 0, MOMENT_ROW, &m) > 0) {
		if (moments++ == 0)
			c->past = *h;
		else if (m.restarted && rows > 0)
			die(EXIT_FAILED, "%s: the machine was booted anew in it: choose the time before or after with --from and --to", o->source);
		if (m.kind == MOMENT_TICK)
			continue;
		c->panel.moments = moments;
		rows++;
	}
	if (host_losses(h, lost, sizeof lost))
		warn("%s: %s", o->source, lost);
	host_close(h);
	if (rows < 2)
		die(EXIT_FAILED, "%s: %s it%s; there have to be two", o->source, rows ? "only one moment in" : "no moment in",
		    o->from || o->to ? " between these times" : "");
}

/* Whether the tool's reading is the subject's own, or of the machine; of a recording, or of its own cgroup. */
static struct request
request_of(const struct check *c, size_t subject, size_t tool)
{
	struct request ask = c->options->ask;

	ask.target = (struct target){ 0 };
	ask.most = 0;
	if (check_is_about(c, subject, tools[tool]))
		ask.target = c->subject[subject].target;
	else if (c->panel.host->replay)
		tapes_target(&c->past, tools[tool], &ask.target);
	return ask;
}

/* One that does not care for the subject is there already, if another subject does not matter to it either. */
static struct member *
find_plain(const struct check *c, size_t before, size_t tool)
{
	for (size_t s = 0; s < before; s++)
		if (!check_is_about(c, s, tools[tool]))
			return c->member[s][tool];
	return NULL;
}

static void
add_member(struct check *c, size_t subject, size_t tool)
{
	struct member *m = check_is_about(c, subject, tools[tool]) ? NULL : find_plain(c, subject, tool);

	if (!m && c->panel.n == PANEL_MOST)
		die(EXIT_USAGE, "too much at once: there can be %d readings, one of each tool for each -p and -g", PANEL_MOST);
	if (!m) {
		struct request ask = request_of(c, subject, tool);
		m = panel_add(&c->panel, tools[tool], &ask);
		m->every_ns = tools[tool]->tick ? TICK_NS : 0;
		m->sampler.watch.shown = c->shown[tool];
		m->sampler.watch.nshown = c->nshown[tool];
	}
	c->member[subject][tool] = m;
}

static void
add_members(struct check *c)
{
	for (size_t t = 0; t < c->tools; t++) {
		if (!c->used[t])
			continue;
		if (!tapes_recorded(&c->past, tools[t]))
			warn("%s was recorded for %s: what %s reads beside that is not on it", c->options->source, c->past.tools,
			     tools[t]->name);
		for (size_t s = 0; s < c->subjects; s++)
			add_member(c, s, t);
	}
}

static bool
is_over(void *ctx)
{
	struct check *c = ctx;

	c->ended = job_poll(&c->job, clock_ns(CLOCK_MONOTONIC), &c->end);
	return c->ended;
}

/* The end of a child ends a sleep; should it come just before one, the next step finds it. */
static void
watch(struct check *c)
{
	if (!c->command) {
		panel_watch(&c->panel, c->span_ns, NULL, NULL);
		return;
	}
	c->panel.step_ns = STEP_NS;
	signals_catch_children();
	check_command(&c->job, c->command);
	panel_watch(&c->panel, 0, is_over, c);
	job_stop(&c->job);
}

void
check_watch(struct check *c)
{
	const char *source = c->options->source;

	if (source) {
		check_source(source);
		survey(c);
	}
	c->panel.host = tapes_open(c->options);
	add_members(c);
	signals_catch();
	if (panel_begin(&c->panel))
		watch(c);
	else if (!signals_stop())
		die(EXIT_FAILED, "cannot read the first moment: %s", strerror(errno));
	if (signals_stop())
		die(EXIT_FAILED, "stopped by a signal: nothing is judged");
}

void
check_watch_end(struct check *c)
{
	panel_end(&c->panel);
	host_close(c->panel.host);
}
