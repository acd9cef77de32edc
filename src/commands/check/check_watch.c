/* The time that is judged: all tools that the conditions name, at work over it. */
#include "commands/check/check.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/fail.h"
#include "session/signals.h"
#include "cli/open.h"
#include "session/survey.h"

static const int64_t TICK_NS = 10000000, STEP_NS = 100000000;

/* Whether the tool's reading is the subject's own, or of the machine; of a recording, or of its own
 * cgroup. */
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

/* One that does not care for the subject is there already, if another subject does not matter to it
 * either. */
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
	struct member *m =
	    check_is_about(c, subject, tools[tool]) ? NULL : find_plain(c, subject, tool);

	if (!m && c->panel.n == PANEL_MOST)
		die(EXIT_USAGE,
		    "too much at once: there can be %d readings, one of each tool for each -p and "
		    "-g",
		    PANEL_MOST);
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
			warn("%s was recorded for %s: what %s reads beside that is not on it",
			    c->options->source, c->past.tools, tools[t]->name);
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

	if (source)
		c->panel.moments = survey(c->options, &c->past);
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
