#include "commands/recorder/journal.h"

#include <poll.h>
#include <unistd.h>

static void
begin_text(struct journal *j, int64_t real_ns, const char *event, const char *message)
{
	buf_text(&j->line, "pq ");
	buf_text(&j->line, j->tool);
	buf_text(&j->line, ": ");
	buf_iso_time(&j->line, &j->times, real_ns);
	buf_char(&j->line, ' ');
	buf_text(&j->line, event);
	buf_text(&j->line, ": ");
	buf_printable(&j->line, message);
}

static void
begin_json(struct journal *j, int64_t real_ns, const char *event, const char *message)
{
	buf_json_begin(&j->line, j->tool, &j->times, real_ns);
	journal_text(j, "event", event);
	journal_text(j, "message", message);
}

void
journal_begin(struct journal *j, int64_t real_ns, const char *event, const char *message)
{
	j->line.n = 0;
	(j->json ? begin_json : begin_text)(j, real_ns, event, message);
}

void
journal_text(struct journal *j, const char *key, const char *text)
{
	if (j->json)
		buf_json_text(&j->line, key, text);
}

void
journal_number(struct journal *j, const char *key, double value, int digits)
{
	if (j->json)
		buf_json_number(&j->line, key, value, digits);
}

/* False for a full pipe. Other processes share stderr, so it cannot be set to O_NONBLOCK. */
static bool
takes_more(void)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&p, 1, 0) == 1 && p.revents == POLLOUT;
}

void
journal_end(struct journal *j)
{
	buf_text(&j->line, j->json ? "}\n" : "\n");
	if (takes_more() && write(STDERR_FILENO, j->line.s, j->line.n) < 0)
		return; /* there is no other place to report it */
}

void
journal_free(struct journal *j)
{
	buf_free(&j->line);
}
