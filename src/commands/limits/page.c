/* page: for people: a headline for each resource, and below it who says so. */
#include "commands/limits/page.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LABEL = 11, VALUE = 9, WIDTH = 80 };

/* Columns that a UTF-8 string takes, each character for one. */
static size_t
columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* The end of a name that fits, with '<' for what is left out. */
static void
put_name(struct buf *b, const char *name, size_t room)
{
	struct buf clean = { 0 };

	buf_printable(&clean, name);
	buf_char(&clean, '\0');
	const char *s = clean.s;
	size_t n = columns(s);
	if (n > room)
		buf_char(b, '<');
	for (size_t drop = n > room ? n - room + 1 : 0; drop > 0; drop--)
		do
			s++;
		while (((unsigned char)*s & 0xc0) == 0x80);
	buf_text(b, s);
	buf_free(&clean);
}

void
page_row(struct buf *b, const char *label, const char *value, const char *text, const char *name)
{
	char line[WIDTH];
	int n = snprintf(line, sizeof line, "%-*s %*s  ", LABEL, label, VALUE, value);
	size_t used = (size_t)n + strlen(text);

	buf_text(b, line);
	buf_text(b, text);
	if (name)
		put_name(b, name, used + 20 < WIDTH ? WIDTH - 1 - used : 20);
	while (b->n > 0 && b->s[b->n - 1] == ' ')
		b->n--;
	buf_char(b, '\n');
}

const char *
page_cpus(double cpus, char out[24])
{
	if (isnan(cpus) || isinf(cpus))
		snprintf(out, 24, "%s", isnan(cpus) ? "-" : "none");
	else if (cpus == floor(cpus))
		snprintf(out, 24, "%.0f", cpus);
	else
		snprintf(out, 24, cpus < 0.1 ? "%.3f" : "%.2f", cpus);
	return out;
}

/* Why nothing, or not all, is known of a hierarchy. */
void
page_doubt(struct buf *b, const struct chain *c, const char *what)
{
	char text[80];

	if (c->error) {
		snprintf(text, sizeof text, "its cgroup cannot be seen: there may be %s", what);
		page_row(b, "  cgroup", "-",
		    c->error == ENOENT ? "no such group in this hierarchy" : text, NULL);
		return;
	}
	if (c->hidden) {
		snprintf(text, sizeof text, "not to be seen: %s of a level above ", what);
		page_row(b, "  hidden", "-", text, c->v[0].name);
	}
	if (c->scope == SCOPE_GUESS)
		page_row(b, "  cgroup", "-", "a guess: the topmost group that can be seen", NULL);
}

/* "quota of /web", with "at most" before it where levels are hidden. */
void
page_headline(struct buf *b, const char *label, const char *value, const struct bound *bound)
{
	char text[64];
	const char *by = bound->by ? bound->by : "";

	if (bound->level && strcmp(bound->level, "hidden") == 0)
		snprintf(text, sizeof text, "%s of a level that cannot be seen", by);
	else
		snprintf(text, sizeof text, "%s%s%s",
		    bound->at_most && bound->by ? "at most: " : "", by, bound->level ? " of " : "");
	page_row(b, label, value, text,
	    bound->level && strcmp(bound->level, "hidden") != 0 ? bound->level : NULL);
}

/* The cgroup as the first hierarchy that it is known in tells it. */
static const char *
name_of(const struct limits *l)
{
	const struct chain *const chains[] = { &l->cpu, &l->memory, &l->cpuset, &l->pids };

	for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++)
		if (chains[i]->n > 0)
			return chains[i]->v[chains[i]->n - 1].name;
	return "unknown";
}

void
page_text(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;
	size_t start = b->n;

	if (!l->target.cgroup) {
		buf_text(b, l->target.pid ? "process " : "pq itself");
		buf_text(b, l->target.pid ? l->target.pid : "");
		if (l->target.pid && l->process.comm) {
			buf_text(b, " (");
			buf_printable(b, l->process.comm);
			buf_char(b, ')');
		}
		buf_text(b, ", ");
	}
	buf_text(b, "cgroup ");
	put_name(b, name_of(l), b->n - start + 20 < WIDTH ? WIDTH - 1 - (b->n - start) : 20);
	buf_text(b, "\n\n");
	page_cpu(b, p);
	page_memory(b, p);
	page_runtimes(b, p);
}
