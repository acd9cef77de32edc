/* page: the text page: a headline for each resource, and below it where the limit comes from. */
#include "commands/limits/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/sentence.h"
#include "base/units.h"

enum { LABEL = 11, VALUE = 9, WIDTH = 80 };

const char *
program_error(int error)
{
	return error == EREMOTE ? "on a network or FUSE file system" : strerror(error);
}

const char *
page_error(const struct page *p, int error)
{
	bool missing = error == ENODATA || error == EOPNOTSUPP;

	return p->replay && missing ? "it is not in the recording" : strerror(error);
}

/* The width of a UTF-8 string, at one column per character. */
static size_t
columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* The name, or as much of its end as fits, after '<'. */
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

static void
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

static const char *
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

/* Why a limit of this hierarchy may be missing; `what` is that limit. */
static void
page_doubt(struct buf *b, const struct chain *c, const char *what)
{
	char text[80];

	if (c->error) {
		snprintf(text, sizeof text, "its cgroup is not visible: there may be %s", what);
		page_row(b, "  cgroup", "-",
		    c->error == ENOENT ? "no such cgroup in this hierarchy" : text, NULL);
		return;
	}
	if (c->hidden) {
		snprintf(text, sizeof text, "not visible: %s of a parent of ", what);
		page_row(b, "  hidden", "-", text, c->v[0].name);
	}
	if (c->scope == SCOPE_UNLISTED)
		page_row(b, "  cgroup", "-", "uncertain: it does not list the process", NULL);
	if (c->scope == SCOPE_GUESS)
		page_row(b, "  cgroup", "-", "a guess: the topmost visible cgroup", NULL);
}

/* "quota of /web", with "at most" before it where levels are hidden. */
static void
page_headline(struct buf *b, const char *label, const char *value, const struct bound *bound)
{
	char text[64];
	const char *by = bound->by ? bound->by : "";

	if (bound->level && strcmp(bound->level, "hidden") == 0)
		snprintf(text, sizeof text, "%s of a hidden parent cgroup", by);
	else
		snprintf(text, sizeof text, "%s%s%s",
		    bound->at_most && bound->by ? "at most: " : "", by, bound->level ? " of " : "");
	page_row(b, label, value, text,
	    bound->level && strcmp(bound->level, "hidden") != 0 ? bound->level : NULL);
}

static void
put_none(struct buf *b, const char *label, const struct chain *c)
{
	if (c->disabled) {
		page_row(b, label, "none", "cannot be set: the kernel has the controller disabled",
		    NULL);
		return;
	}
	page_row(b, label, "none",
	    c->n == 1     ? "" :
		c->hidden ? "at any visible level down to " :
			    "at any level from the root to ",
	    c->v[c->n - 1].name);
}

/* ---- CPUs */

/* The list, or as much of its start as fits, before "...". */
static const char *
short_list(const char *list, size_t room, char out[64])
{
	snprintf(out, 64, strlen(list) > room ? "%.*s..." : "%.*s",
	    (int)(strlen(list) > room ? room - 3 : room), list);
	return out;
}

static void
put_count(struct buf *b, const char *label, const struct cpu_count *c)
{
	char n[24], list[64];

	snprintf(n, sizeof n, "%u", c->n);
	page_row(b, label, c->n ? n : "-", c->n ? short_list(c->list, 56, list) : "", NULL);
}

/* Which file was believed, if it is not the usual one, and who changes what it shows. */
static void
put_online(struct buf *b, const struct limits *l)
{
	bool usual = !l->online_from || strncmp(l->online_from, "/sys/", 5) == 0;
	char n[24], list[64], text[120];

	if (!l->online.n || (usual && !l->online_by)) {
		put_count(b, "  online", &l->online);
		return;
	}
	snprintf(n, sizeof n, "%u", l->online.n);
	snprintf(text, sizeof text, "%s  (%s%s%s%s)", short_list(l->online.list, 16, list),
	    usual ? "" : l->online_from, usual || !l->online_by ? "" : ", ",
	    l->online_by ? "virtual, shown by " : "", l->online_by ? l->online_by : "");
	page_row(b, "  online", n, text, NULL);
}

static void
put_cpuset(struct buf *b, const struct chain *c)
{
	char n[24], list[64], text[48];

	for (size_t i = 0; i < c->n; i++) {
		const struct limits_level *v = &c->v[i];
		if (!v->ncpus ||
		    (i > 0 && v->ncpus == c->v[i - 1].ncpus &&
			strcmp(v->cpus, c->v[i - 1].cpus) == 0))
			continue;
		snprintf(n, sizeof n, "%u", v->ncpus);
		snprintf(text, sizeof text, "%.32s  ", short_list(v->cpus, 32, list));
		page_row(b, "  cpuset", n, text, v->name);
	}
}

/* The levels with a quota, or "none". */
static void
put_quotas(struct buf *b, const struct chain *c)
{
	char value[24], ms[24], period[24], text[64];
	size_t shown = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct cpu_quota *q = &c->v[i].cpu.quota;
		if (q->known && !q->limited)
			continue;
		shown++;
		if (!q->known) {
			page_row(b, "  quota", "-", "cannot be read: ", c->v[i].name);
			continue;
		}
		snprintf(text, sizeof text, "%s ms of CPU time per %s ms  ",
		    page_cpus(q->cpus * (double)q->period_us / 1000, ms),
		    page_cpus((double)q->period_us / 1000, period));
		page_row(b, "  quota", page_cpus(q->cpus, value), text, c->v[i].name);
	}
	if (shown == 0 && c->n > 0)
		put_none(b, "  quota", c);
}

static void
put_burst_and_weight(struct buf *b, const struct chain *c)
{
	char value[32], ms[24];

	for (size_t i = 0; i < c->n; i++) {
		const struct keyed *burst = &c->v[i].cpu.burst_us;
		if (!burst->known || burst->v == 0)
			continue;
		snprintf(value, sizeof value, "%s ms", page_cpus((double)burst->v / 1000, ms));
		page_row(b, "  burst", value, "carried over from unused quota  ", c->v[i].name);
	}
	const struct limits_level *leaf = c->n > 0 ? &c->v[c->n - 1] : NULL;
	if (!leaf || (!leaf->cpu.weight.known && !leaf->cpu.idle))
		return;
	snprintf(value, sizeof value, "%" PRIu64, leaf->cpu.weight.v);
	page_row(b, "  weight", leaf->cpu.idle ? "idle" : value,
	    leaf->cpu.idle      ? "runs only when nothing else wants to (cpu.idle)" :
		c->version == 1 ? "cpu.shares, default 1024: a share, not a limit" :
				  "cpu.weight, default 100: a share, not a limit",
	    NULL);
}

static void
page_cpu(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;
	char value[24];

	page_headline(b, "CPUs", page_cpus(p->effective->cpus.value, value), &p->effective->cpus);
	put_online(b, l);
	put_cpuset(b, &l->cpuset);
	if (!l->target.cgroup)
		put_count(b, "  affinity", &l->affinity);
	put_quotas(b, &l->cpu);
	page_doubt(b, &l->cpu, "a quota");
	put_burst_and_weight(b, &l->cpu);
}

/* ---- Memory, tasks and files */

static const char *
bytes_of(struct keyed v, char out[HUMAN_MOST])
{
	return human_size(known_or_nan(v), out);
}

/* One row for each level that has the limit. Returns how many. */
static int
put_sizes(struct buf *b, const char *label, const struct chain *c, size_t at, const char *text,
    bool zeros)
{
	char value[HUMAN_MOST];
	int shown = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct keyed v = *level_limit(&c->v[i], at);
		if (!v.known || (v.v == 0 && !zeros))
			continue;
		page_row(b, label, v.v == 0 ? "0" : bytes_of(v, value), text, c->v[i].name);
		shown++;
	}
	return shown;
}

/* On v1 the lowest limit of all levels is known, including hidden ones. */
static void
put_memory_doubt(struct buf *b, const struct chain *c)
{
	char value[HUMAN_MOST];

	if (c->tells_all && c->hidden && c->scope < SCOPE_UNLISTED)
		page_row(b, "  hidden", c->all.known ? bytes_of(c->all, value) : "none",
		    "lowest limit of all levels (hierarchical_memory_limit)", NULL);
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
	char by[64] = "";
	if (l->memory_by)
		snprintf(by, sizeof by, "(virtual, shown by %s)", l->memory_by);
	page_row(b, "  machine", bytes_of(l->memory_total, value), by, NULL);
	int limits = put_sizes(b, "  limit", c, LEVEL_AT(memory.max), "", true);
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i].memory.unreadable)
			page_row(b, "  limit", "-", "cannot be read: ", c->v[i].name);
	if (limits == 0 && c->n > 0)
		put_none(b, "  limit", c);
	put_memory_doubt(b, c);
	put_sizes(b, "  high", c, LEVEL_AT(memory.high), "slowed down above this  ", true);
	put_sizes(b, "  low", c, LEVEL_AT(memory.low), "protected when memory is short  ", false);
	put_sizes(b, "  min", c, LEVEL_AT(memory.min), "never reclaimed  ", false);
	put_sizes(b, "  swap", c, LEVEL_AT(memory.swap), "most that may be swapped out  ", true);
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
		snprintf(text, sizeof text, "%.0f exist now  ", known_or(v->current, NAN));
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
	const struct limits_process *s = &p->limits->process;
	const struct rlimit_pair *files = &s->rlimits.files;
	char soft[24], hard[24], text[120], open[64] = "";

	if (s->open_files.known)
		snprintf(open, sizeof open, "; %" PRIu64 " open", s->open_files.v);
	else if (p->limits->target.pid)
		snprintf(open, sizeof open, "; number open unknown: %.40s",
		    page_error(p, s->open_files_error));
	snprintf(text, sizeof text, "hard limit %s%s", figure(files->hard, hard), open);
	if (!files->known)
		snprintf(text, sizeof text, "cannot read /proc/PID/limits: %.60s",
		    page_error(p, s->rlimits_error));
	page_row(b, "open files", files->known ? figure(files->soft, soft) : "-", text, NULL);
}

static void
page_memory(struct buf *b, const struct page *p)
{
	put_bytes(b, p);
	put_pids(b, p);
	if (!p->limits->target.cgroup)
		put_files(b, p);
}

/* ---- Runtimes */

static void
put_threads(struct buf *b, const struct page *p)
{
	const struct limits_process *s = &p->limits->process;
	double limit = p->effective->cpus.value;
	char value[24], text[80];

	if (!s->threads.known) {
		page_row(b, "threads", "-", "", NULL);
		return;
	}
	snprintf(value, sizeof value, "%" PRIu64, s->threads.v);
	int n =
	    snprintf(text, sizeof text, "%.1f times its CPU limit", (double)s->threads.v / limit);
	if (!(limit > 0))
		text[0] = '\0', n = 0;
	if (s->runnable.known)
		snprintf(text + n, sizeof text - (size_t)n,
		    "%s%" PRIu64 "%s running or waiting now", n ? "; " : "", s->runnable.v,
		    s->threads.v > LOOKS_MOST ? " of 64" : "");
	page_row(b, "threads", value, text, NULL);
}

/* "GOMAXPROCS=8", or "NODE_OPTIONS: --max-old-space-size=75". */
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
	const struct limits_process *s = &p->limits->process;
	char text[80];

	if (s->environ_error) {
		snprintf(text, sizeof text, "cannot be read: %s", page_error(p, s->environ_error));
		page_row(b, "environment", "-", text, NULL);
		return;
	}
	for (size_t i = 0; i < s->nsettings; i++)
		put_setting(b, &s->settings[i], i == 0);
	if (s->nsettings == 0)
		page_row(b, "environment", "none", "of the variables below is set", NULL);
}

/* What the process runs. A recording does not have its program: then nothing is said. */
static void
put_runtime(struct buf *b, const struct page *p)
{
	const struct limits_program *r = &p->limits->program;
	char text[160];

	if (r->name && r->version)
		snprintf(text, sizeof text, "%s %s%s%s", r->name, r->version, r->detail ? ", " : "",
		    r->detail ? r->detail : "");
	else if (r->name)
		snprintf(text, sizeof text, "%s, version unknown%s%.60s", r->name,
		    r->error ? ": " : "", r->error ? program_error(r->error) : "");
	else if (r->error)
		snprintf(
		    text, sizeof text, "cannot read its program: %.60s", program_error(r->error));
	else
		snprintf(text, sizeof text, "%s", "none recognised in ");
	page_row(b, "runtime", r->name ? "" : "-", text, r->name || r->error ? NULL : r->path);
}

static bool
is_wrong(const struct opinion *o)
{
	return o->fit == FIT_UP || o->fit == FIT_MORE;
}

static void
put_note(struct buf *b, const char *words, const struct figure *figures, size_t n)
{
	const size_t start = b->n;

	buf_pad(b, 32);
	if (sentence_put(b, words, figures, n))
		buf_char(b, '\n');
	else
		b->n = start;
}

/* A rule that was only read has a star. */
static void
put_opinion(struct buf *b, const struct page *p, const struct opinion *o, const char *believed)
{
	char line[160], label[32];

	snprintf(label, sizeof label, "%s%s", o->rule->name, o->rule->known_by == READ ? "*" : "");
	snprintf(line, sizeof line, "  %-18s %8s %s %-21s %s", label, believed,
	    is_wrong(o) ? "!" : " ", o->why, o->set ? o->set : "");
	size_t n = strlen(line);
	while (n > 0 && line[n - 1] == ' ')
		n--;
	buf_add(b, line, n);
	buf_char(b, '\n');
	if (p->all || o->detected)
		put_note(b, SENTENCE("{}", name(o->note)));
	if (o->restart == RESTART_NOT && !o->running.known)
		put_note(b, SENTENCE("follows a changed quota: no restart needed", NO_FIGURE));
	if (o->restart == RESTART_NEEDED)
		put_note(b,
		    SENTENCE("runs {} threads for it since its start: restart it",
			fixed(known_or_nan(o->running), 0)));
}

/* Whether the page has this line: with --all each; else those of the process, or the usual ones. */
static bool
is_shown(const struct page *p, const struct opinion *o)
{
	return p->all || (p->limits->program.n > 0 ? o->detected != NULL : o->rule->usual);
}

/* Returns how many rules were only read. */
static unsigned
put_opinions(struct buf *b, const struct page *p, const struct opinion *v, size_t n,
    const char *title, const char *(*words)(double, char *))
{
	char value[HUMAN_MOST];
	unsigned read = 0;
	bool begun = false;

	for (size_t i = 0; i < n; i++) {
		if (!is_shown(p, &v[i]))
			continue;
		if (!begun)
			buf_text(b, title);
		begun = true;
		read += v[i].rule->known_by == READ;
		put_opinion(b, p, &v[i], words(v[i].believed, value));
	}
	return read;
}

static const char *
heap_figure(double bytes, char *out)
{
	return isinf(bytes) ? "none" : human_size(bytes, out);
}

static const char *
cpus_figure(double cpus, char *out)
{
	return page_cpus(cpus, out);
}

static void
page_runtimes(struct buf *b, const struct page *p)
{
	const struct opinions *o = p->opinions;
	unsigned read;

	if (p->limits->target.pid) {
		put_threads(b, p);
		put_environment(b, p);
		if (p->limits->program.path || p->limits->program.name || !p->replay)
			put_runtime(b, p);
	}
	read = put_opinions(b, p, o->cpus, o->ncpus,
	    "\nCPUs that runtimes assume (!: more than the limit), and what to set:\n",
	    cpus_figure);
	read += put_opinions(b, p, o->memory, o->nmemory,
	    "\nLargest heap that runtimes allow themselves:\n", heap_figure);
	if (read > 0)
		buf_text(b, "\n*: read in its source or documentation, not measured\n");
	if (!p->all)
		buf_text(b,
		    read > 0 ? "Other runtimes: pq limits --all\n" :
			       "\nOther runtimes: pq limits --all\n");
}

/* What people call the cgroup, or its path. */
static const char *
name_of(const struct limits *l)
{
	const char *path = limits_cgroup(l);

	if (l->known_as->brief)
		return l->known_as->brief;
	return path ? path : "unknown";
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
