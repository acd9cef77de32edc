/* page_memory: the bounds of memory, tasks and files, for people. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/human.h"
#include "commands/limits/page.h"

static const char *
bytes_of(struct keyed v, char out[HUMAN_MOST])
{
	return human_size(known_or_nan(v), out);
}

/* One figure of all levels that have it. Returns how many. */
static int
put_sizes(struct buf *b, const char *label, const struct chain *c,
    struct keyed (*of)(const struct level *), const char *text, bool zeros)
{
	char value[HUMAN_MOST];
	int shown = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct keyed v = of(&c->v[i]);
		if (!v.known || (v.v == 0 && !zeros))
			continue;
		page_row(b, label, v.v == 0 ? "0" : bytes_of(v, value), text, c->v[i].name);
		shown++;
	}
	return shown;
}

static struct keyed
max_of(const struct level *v)
{
	return v->memory.max;
}

static struct keyed
high_of(const struct level *v)
{
	return v->memory.high;
}

static struct keyed
low_of(const struct level *v)
{
	return v->memory.low;
}

static struct keyed
min_of(const struct level *v)
{
	return v->memory.min;
}

static struct keyed
swap_of(const struct level *v)
{
	return v->memory.swap;
}

/* v1 tells the least limit of all levels, of those too that are hidden. */
static void
put_memory_doubt(struct buf *b, const struct chain *c)
{
	char value[HUMAN_MOST];

	if (c->tells_all && c->hidden && c->scope != SCOPE_GUESS)
		page_row(b, "  hidden", c->all.known ? bytes_of(c->all, value) : "none",
		    "the least of all levels (hierarchical_memory_limit)", NULL);
	else
		page_doubt(b, c, "a limit");
}

static void
put_bytes(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;
	const struct chain *c = &l->memory;
	char value[HUMAN_MOST];

	page_headline(
	    b, "memory", human_size(p->effective->memory.value, value), &p->effective->memory);
	page_row(b, "  machine", bytes_of(l->memory_total, value), "", NULL);
	int limits = put_sizes(b, "  limit", c, max_of, "", true);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].memory.unreadable)
			page_row(b, "  limit", "-", "cannot be read: ", c->v[i].name);
	if (limits == 0 && c->n > 0)
		page_row(b, "  limit", "none", c->n > 1 ? "on no level down to " : "",
		    c->v[c->n - 1].name);
	put_memory_doubt(b, c);
	put_sizes(b, "  high", c, high_of, "slowed down beyond this  ", true);
	put_sizes(b, "  low", c, low_of, "spared when others need memory  ", false);
	put_sizes(b, "  min", c, min_of, "never taken away  ", false);
	put_sizes(b, "  swap", c, swap_of, "so much of it may be swapped out  ", true);
	page_row(b, "  swap",
	    l->swap_total.known && l->swap_total.v == 0 ? "none" : bytes_of(l->swap_total, value),
	    "machine", NULL);
}

static void
put_pids(struct buf *b, const struct page *p)
{
	const struct chain *c = &p->limits->pids;
	char value[24], text[64];

	page_headline(b, "tasks",
	    !isnan(p->effective->pids.value) ? page_cpus(p->effective->pids.value, value) :
		p->effective->pids.at_most   ? "-" :
					       "none",
	    &p->effective->pids);
	for (size_t i = 0; i < c->n; i++) {
		const struct pids_bounds *v = &c->v[i].pids;
		if (!v->max.known && !v->unreadable)
			continue;
		snprintf(value, sizeof value, "%" PRIu64, v->max.v);
		snprintf(text, sizeof text, "%.0f are there  ", known_or(v->current, NAN));
		page_row(b, "  limit", v->max.known ? value : "-", v->current.known ? text : "",
		    c->v[i].name);
	}
	page_doubt(b, c, "a limit");
}

static const char *
figure(struct keyed v, char out[24])
{
	snprintf(out, 24, "%" PRIu64, v.v);
	return v.known ? out : "unlimited";
}

static void
put_files(struct buf *b, const struct page *p)
{
	const struct process *s = &p->limits->process;
	const struct rlimit_pair *files = &s->rlimits.files;
	char soft[24], hard[24], text[120], open[64] = "";

	if (s->open_files.known)
		snprintf(open, sizeof open, "; %" PRIu64 " are open", s->open_files.v);
	else if (p->limits->target.pid)
		snprintf(open, sizeof open, "; open: - (%.40s)", strerror(s->open_files_error));
	snprintf(text, sizeof text, "hard limit %s%s", figure(files->hard, hard), open);
	if (!files->known)
		snprintf(text, sizeof text, "/proc/PID/limits cannot be read: %.60s",
		    strerror(s->rlimits_error));
	page_row(b, "open files", files->known ? figure(files->soft, soft) : "-", text, NULL);
}

void
page_memory(struct buf *b, const struct page *p)
{
	put_bytes(b, p);
	put_pids(b, p);
	if (!p->limits->target.cgroup)
		put_files(b, p);
}
