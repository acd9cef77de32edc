#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/terminal.h"
#include "cli/keys.h"
#include "cli/signals.h"

bool
output_write(const struct buf *b)
{
	size_t done = 0;

	while (done < b->n) {
		ssize_t n = write(STDOUT_FILENO, b->s + done, b->n - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EPIPE || ((errno == EINTR || errno == EAGAIN) && signals_urged()))
			return false;
		else if (errno == EAGAIN)
			/* another program made the file non-blocking */
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, 1000);
		else if (errno != EINTR)
			die(EXIT_FAILED, "cannot write: %s", strerror(errno));
	}
	return true;
}

static void
flush(struct output *p)
{
	if (!output_write(&p->out))
		exit(EXIT_DONE);
	p->out.n = 0;
}

static void
learn_terminal(struct report *report)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };

	if (!report->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	report->width = size.ws_col > 20 ? size.ws_col : 20;
	report->rows = size.ws_row > 4 ? size.ws_row : 4;
}

/* An option is stronger than the environment. */
static bool
wants_colour(const struct options *o)
{
	if (o->format != &format_text || o->colour == COLOUR_NEVER)
		return false;
	return o->colour == COLOUR_ALWAYS ||
	    (isatty(STDOUT_FILENO) && terminal_obeys() && terminal_colours());
}

static void
begin_sparks(struct output *p, const struct options *o)
{
	p->sparks.n = o->chosen.nsparks;
	p->sparks.utf8 = terminal_utf8();
	memcpy(p->sparks.column, o->chosen.sparks, sizeof o->chosen.sparks);
	p->report.sparks = o->chosen.nsparks > 0 ? &p->sparks : NULL;
}

void
output_begin(struct output *p, const struct options *o)
{
	struct report *report = &p->report;

	*p = (struct output){ .format = o->format,
		.summed = o->format->for_people && !o->tool->fleeting };
	*report = (struct report){ .tool = o->tool->name,
		.columns = o->tool->columns,
		.utc = o->utc,
		.nshown = o->chosen.nshown };
	memcpy(report->shown, o->chosen.shown, sizeof o->chosen.shown);
	report->fit = o->fit;
	report->full = o->full;
	report->labels = columns_labels(o->tool->columns, o->labels);
	report->choice = (struct choice){ .by = -1, .most = o->ask.most };
	if (o->ask.sort)
		report->choice.by = columns_find(o->tool->columns, text_of(o->ask.sort));
	else if (o->ask.target.all || (o->ask.most && !tool_takes(o->tool, &option_all)))
		report->choice.worst = o->tool->worst;
	report->on_terminal = isatty(STDOUT_FILENO);
	report->terminal = o->format->for_people && report->on_terminal;
	report->colour = wants_colour(o);
	begin_sparks(p, o);
	report->fractions = o->interval_ns % 1000000000 != 0;
	learn_terminal(report);
	if (o->format->begin)
		o->format->begin(&p->out, report);
}

void
output_rows(struct output *p, const struct rows *rows)
{
	if (signals_resized())
		learn_terminal(&p->report);
	if (p->summed)
		summary_add(&p->summary, &p->report, rows->table);
	if (p->report.sparks)
		sparks_take(&p->sparks, &p->report, rows);
	if (p->report.choice.by >= 0 || p->report.choice.most > 0)
		table_choose(rows->table, &p->report.choice);
	p->format->rows(&p->out, &p->report, rows);
	flush(p);
}

void
output_end(struct output *p)
{
	flush(p);
	if (p->format->for_people) {
		if (p->report.terminal && signals_stop() && !keys_caught())
			buf_char(&p->out, '\n'); /* after the ^C that the terminal shows */
		if (p->summed)
			summary_print(&p->summary, &p->out, &p->report);
		flush(p);
	}
	if (p->summary.left_out > 0)
		warn("%llu rows are not in the averages: too many different row labels",
		    (unsigned long long)p->summary.left_out);
	if (p->sparks.left_out > 0)
		warn("%llu rows have no sparkline: too many different rows",
		    (unsigned long long)p->sparks.left_out);
}

void
output_free(struct output *p)
{
	summary_free(&p->summary, &p->report);
	sparks_free(&p->sparks);
	buf_free(&p->out);
}
