#include "commands/recorded.h"

#include "cli/open.h"

static void
say_note(void *about, const struct tool *tool, const char *message)
{
	const struct recorded *r = about;

	warn("%s: %s: %s", r->path, tool->name, message);
}

void
recorded_open(struct recorded *r, const struct options *o, const char *path)
{
	r->path = path ? path : "this machine";
	r->options = *o;
	r->options.source = path;
	r->session = (struct session){ .host = open_host(&r->options),
		.options = &r->options,
		.lasting = true,
		.say = say_note,
		.about = r };
	if (!session_start(&r->session))
		die(EXIT_FAILED, "%s: stopped by a signal", path);
}

bool
recorded_has(const struct recorded *r, const struct tool *tool)
{
	return recording_has(r->session.host, tool);
}

struct sampler *
recorded_add(struct recorded *r, const struct tool *tool, const void *options)
{
	const struct host *h = r->session.host;
	struct request ask = { .target = tool_target(tool, &r->options.ask.target),
		.options = options ? options : tool_defaults(tool, &r->arena, 0) };

	recording_target(h, tool, &ask.target);
	if (!*h->tools && !ask.target.pid && !ask.target.cgroup)
		ask.target.all = tool_takes(tool, &option_all); /* it is complete */
	return session_add(&r->session, tool, &ask);
}

void
recorded_add_all(struct recorded *r)
{
	for (size_t i = 0; tools[i]; i++)
		if (recorded_has(r, tools[i]))
			recorded_add(r, tools[i], NULL);
}

bool
recorded_begin(struct recorded *r)
{
	r->begun = session_begin(&r->session);
	return r->begun;
}

bool
recorded_next(struct recorded *r)
{
	enum session_event event = SESSION_END;

	while (r->begun && (event = session_next(&r->session)) != SESSION_END)
		if (event == SESSION_ROW)
			return true;
	return false;
}

bool
recorded_rows(struct recorded *r, size_t i, struct rows *rows)
{
	struct sampler *s = r->session.v[i];

	*rows = s->sampled ? sampler_rows(s) : (struct rows){ NULL, 0, 0, 0 };
	return rows->table;
}

void
recorded_close(struct recorded *r)
{
	session_tell_losses(&r->session);
	session_end(&r->session);
	arena_free(&r->arena);
}
