#include "session/crew.h"

static const int64_t AGAIN_NS = 2000000000;

static void
say_note(void *about, const struct tool *tool, const char *message)
{
	const struct crew *c = about;

	if (!c->quiet)
		c->say(c->about, tool, message);
}

static void
begin_tool(struct crew *c, size_t i)
{
	c->samplers[i].tool = c->plan->tool[i];
	c->samplers[i].ask = c->plan->ask[i];
	c->samplers[i].say = say_note;
	c->samplers[i].about = c;
	sampler_begin(&c->samplers[i], c->host);
}

void
crew_begin(struct crew *c)
{
	for (size_t i = 0; i < c->plan->tools; i++)
		begin_tool(c, i);
}

static void
read_tool(struct crew *c, size_t i, const struct moment *m)
{
	sampler_read(&c->samplers[i], m);
	c->again_ns[i] = m->mono_ns + AGAIN_NS;
}

/* A cgroup that has gone may come again (a service is restarted): now and then that is tried. A
 * process does not. */
static void
try_again(struct crew *c, size_t i, const struct moment *m)
{
	if (c->plan->ask[i].target.pid || m->mono_ns < c->again_ns[i])
		return;
	c->quiet = true;
	sampler_end(&c->samplers[i]);
	begin_tool(c, i);
	read_tool(c, i, m);
	c->quiet = false;
	if (!c->samplers[i].over)
		say_note(c, c->plan->tool[i], "there is something to read again");
}

void
crew_tick(struct crew *c, const struct moment *m)
{
	for (size_t i = 0; i < c->plan->tools; i++)
		if (!c->samplers[i].over && !c->plan->tool[i]->costly_tick)
			sampler_tick(&c->samplers[i], m);
}

bool
crew_read(struct crew *c, const struct moment *m, bool first)
{
	size_t left = 0;

	for (size_t i = 0; i < c->plan->tools; i++) {
		struct sampler *s = &c->samplers[i];
		if (s->over)
			try_again(c, i, m);
		else
			read_tool(c, i, m);
		if (first && s->watch.fail == EXIT_USAGE) {
			c->refused = EXIT_USAGE;
			return false;
		}
		left += !s->over || (!first && !c->plan->ask[i].target.pid);
	}
	return left > 0;
}

enum exit_status
crew_status(const struct crew *c, bool nothing)
{
	for (size_t i = 0; i < c->plan->tools && nothing && !c->refused; i++)
		if (c->samplers[i].watch.fail)
			return c->samplers[i].watch.fail;
	return c->refused;
}

void
crew_end(struct crew *c)
{
	for (size_t i = 0; i < c->plan->tools; i++)
		sampler_end(&c->samplers[i]);
}
