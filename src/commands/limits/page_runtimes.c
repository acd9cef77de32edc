/* page_runtimes: what runtimes make of it, for people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "commands/limits/page.h"

static void
put_threads(struct buf *b, const struct page *p)
{
	const struct process *s = &p->limits->process;
	double limit = p->effective->cpus.value;
	char value[24], text[80];

	if (!s->threads.known) {
		page_row(b, "threads", "-", "", NULL);
		return;
	}
	snprintf(value, sizeof value, "%" PRIu64, s->threads.v);
	int n = snprintf(
	    text, sizeof text, "%.1f times the CPUs that it may use", (double)s->threads.v / limit);
	if (isnan(limit))
		text[0] = '\0', n = 0;
	if (s->runnable.known)
		snprintf(text + n, sizeof text - (size_t)n, "%s%" PRIu64 "%s run or wait now",
		    n ? "; " : "", s->runnable.v, s->threads.v > LOOKS_MOST ? " of 64" : "");
	page_row(b, "threads", value, text, NULL);
}

/* "GOMAXPROCS=8", or of a list of options the one that is of interest. */
static void
put_setting(struct buf *b, const struct setting *s, bool first)
{
	char text[80];

	if (s->option)
		snprintf(text, sizeof text, "%s: %s", s->name, s->option);
	else
		snprintf(text, sizeof text, "%s=", s->name);
	page_row(b, first ? "environment" : "", "", text, s->value);
}

static void
put_environment(struct buf *b, const struct page *p)
{
	const struct process *s = &p->limits->process;
	char text[80];

	if (s->environ_error) {
		snprintf(text, sizeof text, "cannot be read: %s", strerror(s->environ_error));
		page_row(b, "environment", "-", text, NULL);
		return;
	}
	for (size_t i = 0; i < s->nsettings; i++)
		put_setting(b, &s->settings[i], i == 0);
	if (s->nsettings == 0)
		page_row(b, "environment", "none", "of the variables below is set", NULL);
}

static bool
is_wrong(const struct opinion *o)
{
	return o->verdict == VERDICT_UP || o->verdict == VERDICT_MORE;
}

static void
put_opinion(struct buf *b, const struct opinion *o, const char *believed)
{
	char line[160];

	snprintf(line, sizeof line, "  %-18s %8s %s %-21s %s", o->name, believed,
	    is_wrong(o) ? "!" : " ", o->why, o->set ? o->set : "");
	size_t n = strlen(line);
	while (n > 0 && line[n - 1] == ' ')
		n--;
	buf_add(b, line, n);
	buf_char(b, '\n');
}

void
page_runtimes(struct buf *b, const struct page *p)
{
	const struct opinions *o = p->opinions;
	char value[HUMAN_MOST];

	if (p->limits->target.pid) {
		put_threads(b, p);
		put_environment(b, p);
	}
	buf_text(
	    b, "\nWhat runtimes take for their CPUs (!: more than there are), and what helps:\n");
	for (size_t i = 0; i < o->ncpus; i++)
		put_opinion(b, &o->cpus[i], page_cpus(o->cpus[i].believed, value));
	buf_text(b, "\nHow large they let their heaps grow:\n");
	for (size_t i = 0; i < o->nmemory; i++)
		put_opinion(b, &o->memory[i],
		    isinf(o->memory[i].believed) ? "none" :
						   human_size(o->memory[i].believed, value));
}
