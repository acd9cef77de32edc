/* Which limits of cgroups were changed. */
#include "cgroup/limit_changes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fail.h"
#include "proc/mountinfo.h"

/* More cpusets than this are not told apart. */
enum { CPUSETS_MOST = 4096 };

/* What a file tells. QUOTA and PERIOD are the two files of v1. */
enum part { PART_QUOTA, PART_PERIOD, PART_CPU_MAX, PART_BYTES, PART_CPUSET, PART_COUNTER };

static const struct limit_file {
	const char *name;
	enum part part;
	enum limit_kind kind;
	int version; /* 0: either */
} files[] = {
	{ "cpu.max", PART_CPU_MAX, LIMIT_QUOTA, 2 },
	{ "cpu.cfs_quota_us", PART_QUOTA, LIMIT_QUOTA, 1 },
	{ "cpu.cfs_period_us", PART_PERIOD, LIMIT_QUOTA, 1 },
	{ "memory.max", PART_BYTES, LIMIT_MEMORY, 2 },
	{ "memory.limit_in_bytes", PART_BYTES, LIMIT_MEMORY, 1 },
	{ "memory.high", PART_BYTES, LIMIT_HIGH, 2 },
	{ "memory.swap.max", PART_BYTES, LIMIT_SWAP, 2 },
	{ "cpuset.cpus.effective", PART_CPUSET, LIMIT_CPUSET, 2 },
	{ "cpuset.effective_cpus", PART_CPUSET, LIMIT_CPUSET, 1 },
	/* usage_usec or nr_periods comes first: it only grows, unless the cgroup is a new one */
	{ "cpu.stat", PART_COUNTER, LIMIT_KINDS, 0 },
};

enum { FILES = sizeof files / sizeof files[0], NUMBER_MOST = 24 };

static const struct {
	enum family family;
	const char *tool; /* reads it */
} kinds[LIMIT_KINDS] = {
	[LIMIT_QUOTA] = { FAMILY_CPU, "throttle" },
	[LIMIT_MEMORY] = { FAMILY_MEMORY, "mem" },
	[LIMIT_HIGH] = { FAMILY_MEMORY, "mem" },
	[LIMIT_SWAP] = { FAMILY_MEMORY, "mem" },
	[LIMIT_CPUSET] = { FAMILY_CPUSET, "throttle" },
};

/* The limits of one directory. */
struct group_limits {
	struct limit_value now[LIMIT_KINDS]; /* as read last */
	struct limit_value was[LIMIT_KINDS]; /* as known last */
	/* when `was` was read last; only if `now` is unknown, else it is that of the family */
	struct sample lost[LIMIT_KINDS];
	uint64_t turn[LIMIT_KINDS];                   /* the sample that read it last */
	char quota[NUMBER_MOST], period[NUMBER_MOST]; /* v1, "" unknown */
	uint64_t counter;
	bool counted, touched, renewed;
	int version;
};

static const struct limit_file *
file_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	for (size_t i = 0; slash && i < FILES; i++)
		if (strcmp(files[i].name, slash + 1) == 0)
			return &files[i];
	return NULL;
}

static bool
is_own_mountinfo(const char *path)
{
	return strcmp(path, "proc/self/mountinfo") == 0;
}

/* Of the directories, those of processes are no cgroups, but "proc/42/root/sys/fs/cgroup" may be. */
static enum observed
wants(const char *path)
{
	const struct limit_file *f = file_of(path);
	size_t n = strlen(path);

	if (f)
		return f->part == PART_COUNTER ? OBSERVED_FALLS : OBSERVED_TEXT;
	if (n > 0 && path[n - 1] == '/')
		return strncmp(path, "proc/", 5) != 0 || strstr(path, "/root/") ? OBSERVED_TEXT :
										  OBSERVED_NOT;
	return is_own_mountinfo(path) ? OBSERVED_TEXT : OBSERVED_NOT;
}

static struct text
dir_of(const char *path)
{
	return (struct text){ path, (size_t)(strrchr(path, '/') - path) };
}

/* Notes that the directory's limits were read in this sample. */
static struct group_limits *
touch(struct limit_changes *c, uint32_t i)
{
	struct group_limits *g = &c->v[i];

	if (g->touched)
		return g;
	g->touched = true;
	if (c->ntouched == c->touched_room) {
		c->touched_room = c->touched_room ? 2 * c->touched_room : 32;
		c->touched = xrealloc(c->touched, c->touched_room * sizeof *c->touched);
	}
	c->touched[c->ntouched++] = i;
	return g;
}

static struct group_limits *
limits_of(struct limit_changes *c, struct text dir)
{
	uint32_t known = c->dirs.n, i = map_put(&c->dirs, dir);

	if (c->dirs.n > c->room) {
		c->room = c->room ? 2 * c->room : 32;
		c->v = xrealloc(c->v, c->room * sizeof *c->v);
	}
	if (i == known)
		c->v[i] = (struct group_limits){ .version = 0 };
	return touch(c, i);
}

/* ---- Texts to values */

static struct limit_value
quota_value(const struct cpu_quota *q)
{
	return (struct limit_value){ !q->known ? LIMIT_UNKNOWN :
		    q->limited                 ? LIMIT_SET :
						 LIMIT_NONE,
		q->cpus, q->period_us };
}

static struct limit_value
parse_cpu_max(struct text t)
{
	struct cpu_quota q;

	cpu_max_parse(t, &q);
	return quota_value(&q);
}

static struct limit_value
parse_cfs(const struct group_limits *g)
{
	struct cpu_quota q;

	if (*g->quota == '-')
		return (struct limit_value){ LIMIT_NONE, 0, 0 };
	cfs_quota_parse(text_of(g->quota), text_of(g->period), &q);
	return quota_value(&q);
}

static struct limit_value
parse_bytes(struct text t)
{
	struct keyed v;

	if (limit_parse(t, &v) < 0)
		return (struct limit_value){ LIMIT_UNKNOWN, 0, 0 };
	return (struct limit_value){ v.known ? LIMIT_SET : LIMIT_NONE, (double)v.v, 0 };
}

static struct limit_value
parse_cpuset(struct limit_changes *c, struct text t)
{
	struct cpulist list;
	struct text line;

	if (!text_line(&t, &line) || cpulist_parse(line, &list) < 0 ||
	    (c->cpusets.n == CPUSETS_MOST && map_find(&c->cpusets, line) < 0))
		return (struct limit_value){ LIMIT_UNKNOWN, 0, 0 };
	return (struct limit_value){ LIMIT_SET, map_put(&c->cpusets, line), 0 };
}

static void
copy_number(char out[NUMBER_MOST], struct text t)
{
	struct text line = { "", 0 };

	text_line(&t, &line);
	snprintf(out, NUMBER_MOST, "%.*s", line.n < NUMBER_MOST ? (int)line.n : 0, line.s);
}

static void
forget_limit(struct group_limits *g, int k)
{
	g->now[k] = g->was[k] = (struct limit_value){ LIMIT_UNKNOWN, 0, 0 };
	g->lost[k] = (struct sample){ .mono_ns = 0 };
}

/* The first number of cpu.stat, of a host that tells its text. */
static void
take_counter(struct group_limits *g, struct text t)
{
	struct text key;
	uint64_t v;

	if (!text_word(&t, &key) || text_next_u64(&t, &v) < 0)
		return;
	g->renewed |= g->counted && v < g->counter;
	g->counter = v;
	g->counted = true;
}

static void
take_limit(struct limit_changes *c, struct group_limits *g, const struct limit_file *f, int error,
    struct text t)
{
	struct limit_value v = { LIMIT_UNKNOWN, 0, 0 };

	if (f->part == PART_QUOTA)
		copy_number(g->quota, t);
	else if (f->part == PART_PERIOD)
		copy_number(g->period, t);
	if (f->part == PART_QUOTA || f->part == PART_PERIOD)
		v = parse_cfs(g);
	else if (!error)
		v = f->part == PART_CPU_MAX ? parse_cpu_max(t) :
		    f->part == PART_BYTES   ? parse_bytes(t) :
					      parse_cpuset(c, t);
	g->now[f->kind] = v;
	g->version = f->version;
	g->turn[f->kind] = c->turn;
	c->read[kinds[f->kind].family] = true;
	c->any |= v.state != LIMIT_UNKNOWN;
	if ((error == ENOENT || error == ENODEV) && v.state == LIMIT_UNKNOWN)
		forget_limit(g, (int)f->kind); /* a file that comes back is another one */
}

/* ---- The cgroups that are there */

static void
forget(struct group_limits *g)
{
	for (int k = 0; k < LIMIT_KINDS; k++)
		forget_limit(g, k);
	g->counted = false;
}

static struct text
parent_of(struct text dir)
{
	while (dir.n > 0 && dir.s[dir.n - 1] != '/')
		dir.n--;
	dir.n -= dir.n > 0;
	return dir;
}

/* Of a recording: the child cgroups that there are now. */
static void
take_names(struct limit_changes *c, struct text dir, struct text names)
{
	struct buf path = { 0 };
	struct text line;

	map_put(&c->listed, dir);
	while (text_line(&names, &line)) {
		path.n = 0;
		buf_add(&path, dir.s, dir.n);
		buf_char(&path, '/');
		buf_add(&path, line.s, line.n);
		map_put(&c->present, (struct text){ path.s, path.n });
	}
	buf_free(&path);
}

/* Whether a list of this sample lacks the directory, or one above it. */
static bool
is_removed(const struct limit_changes *c, struct text dir)
{
	for (struct text up = parent_of(dir); up.n > 0; dir = up, up = parent_of(dir))
		if (map_find(&c->listed, up) >= 0 && map_find(&c->present, dir) < 0)
			return true;
	return false;
}

static void
forget_removed(struct limit_changes *c)
{
	for (uint32_t i = 0; c->listed.n > 0 && i < c->dirs.n; i++)
		if (is_removed(c, map_key(&c->dirs, i)))
			forget(&c->v[i]);
	map_clear(&c->listed);
	map_clear(&c->present);
}

/* Of a host that reads all files of a family at each sample: those that were not read have gone. */
static void
forget_unread(struct limit_changes *c)
{
	for (uint32_t i = 0; i < c->dirs.n; i++)
		for (int k = 0; k < LIMIT_KINDS; k++)
			if (c->read[kinds[k].family] && c->v[i].turn[k] != c->turn)
				forget_limit(&c->v[i], k);
}

static void
take_text(void *about, const char *path, int error, struct text t)
{
	struct limit_changes *c = about;
	const struct limit_file *f = file_of(path);

	if (f && f->part == PART_COUNTER) {
		take_counter(limits_of(c, dir_of(path)), t);
	} else if (f) {
		take_limit(c, limits_of(c, dir_of(path)), f, error, t);
	} else if (!is_own_mountinfo(path)) {
		if (!error || error == ENOENT)
			take_names(c, dir_of(path), t);
	} else {
		c->mounts.n = 0;
		buf_add(&c->mounts, t.s, t.n);
	}
}

static void
take_fall(void *about, const char *path)
{
	limits_of(about, dir_of(path))->renewed = true;
}

struct observer
limit_changes_observer(struct limit_changes *c)
{
	return (struct observer){ wants, take_text, take_fall, c };
}

/* ---- The name of a cgroup by its directory */

/* By the mount that has the directory. NULL: by none. */
static const char *
name_by_mount(const struct limit_changes *c, struct arena *a, const char *dir)
{
	struct text rest = { c->mounts.s, c->mounts.n };
	struct cgroup_mount m;
	const char *name = NULL;
	size_t best = 0;

	while (rest.n > 0 && mountinfo_next(&rest, a, &m)) {
		const char *point = *m.point == '/' ? m.point + 1 : m.point;
		const char *rel = route_below(dir, point);
		if (!rel || strlen(point) < best)
			continue;
		best = strlen(point);
		name = place_name(a, &(struct place){ .root = m.root }, rel);
	}
	return name;
}

/* "proc/42/root/sys/fs/cgroup/cpu/web" is usually /web of v1. */
static const char *
name_by_directory(const char *dir, int version)
{
	static const char usual[] = "sys/fs/cgroup";
	const char *at = strstr(dir, usual);

	if (!at)
		return dir;
	at += sizeof usual - 1;
	if (version == 1 && *at == '/')
		at += 1 + strcspn(at + 1, "/");
	return *at ? at : "/";
}

static const char *
name_of(const struct limit_changes *c, struct arena *a, uint32_t i)
{
	const char *dir = map_key(&c->dirs, i).s, *name = name_by_mount(c, a, dir);

	return name ? name : name_by_directory(dir, c->v[i].version);
}

/* ---- Changes */

static bool
is_or_is_above(const char *cgroup, const char *other)
{
	return strcmp(cgroup, other) == 0 || route_below(other, cgroup) != NULL;
}

bool
limit_change_affects(const struct limit_change *c, const char *cgroup)
{
	return is_or_is_above(c->cgroup, cgroup);
}

static bool
is_wanted(const struct limit_changes *c, const char *name)
{
	bool all = true;

	for (int i = 0; i < ONLY_MOST; i++) {
		if (c->only[i] && is_or_is_above(name, c->only[i]))
			return true;
		all &= !c->only[i];
	}
	return all;
}

static size_t
place_of(uint64_t number)
{
	return number < CHANGES_END ? (size_t)number :
				      CHANGES_END + (size_t)((number - CHANGES_END) % CHANGES_END);
}

size_t
limit_changes_kept(const struct limit_changes *c)
{
	return c->total < CHANGES_KEPT ? (size_t)c->total : CHANGES_KEPT;
}

const struct limit_change *
limit_changes_get(const struct limit_changes *c, size_t i)
{
	uint64_t left_out = c->total - limit_changes_kept(c);

	return &c->kept[place_of(i < CHANGES_END ? i : i + left_out)];
}

static void
add_change(struct limit_changes *c, uint32_t i, enum limit_kind k, const struct sample *m)
{
	struct group_limits *g = &c->v[i];
	struct arena a = { 0 };
	const char *name = name_of(c, &a, i);

	if (is_wanted(c, name)) {
		struct limit_change *one = &c->kept[place_of(c->total++)];
		free(one->cgroup);
		*one = (struct limit_change){ xstrdup(name), k, g->was[k], g->now[k],
			g->lost[k].mono_ns ? g->lost[k] : c->seen[kinds[k].family], *m };
	}
	arena_free(&a);
}

static bool
differ(const struct limit_value *a, const struct limit_value *b)
{
	return a->state != b->state || a->number != b->number || a->period_us != b->period_us;
}

static void
compare(struct limit_changes *c, uint32_t i, enum limit_kind k, const struct sample *m)
{
	struct group_limits *g = &c->v[i];

	if (g->now[k].state == LIMIT_UNKNOWN) {
		if (g->was[k].state != LIMIT_UNKNOWN && !g->lost[k].mono_ns)
			g->lost[k] = c->seen[kinds[k].family];
		return;
	}
	if (!g->renewed && g->was[k].state != LIMIT_UNKNOWN && differ(&g->was[k], &g->now[k]))
		add_change(c, i, k, m);
	g->was[k] = g->now[k];
	g->lost[k] = (struct sample){ .mono_ns = 0 };
}

static void
compare_all(struct limit_changes *c, uint32_t i, const struct sample *m)
{
	struct group_limits *g = &c->v[i];

	for (int k = 0; k < LIMIT_KINDS; k++) {
		if (g->renewed)
			g->was[k] = (struct limit_value){ LIMIT_UNKNOWN, 0, 0 };
		compare(c, i, (enum limit_kind)k, m);
	}
	g->touched = g->renewed = false;
}

/* The numbers of later directories change. */
static void
drop_forgotten(struct limit_changes *c)
{
	if (c->dirs.n <= GROUPS_MOST)
		return;
	for (uint32_t i = c->dirs.n; i-- > 0;) {
		bool known = false;
		for (int k = 0; k < LIMIT_KINDS; k++)
			known |= c->v[i].was[k].state != LIMIT_UNKNOWN;
		if (known)
			continue;
		map_remove(&c->dirs, i);
		c->v[i] = c->v[c->dirs.n];
	}
}

/* Of a recording only changed files are seen; the others were read too, unless the tool was left
 * out. */
static bool
was_read(
    const struct limit_changes *c, enum limit_kind k, const struct sample *m, const struct host *h)
{
	if (h->observer)
		return c->read[kinds[k].family];
	return m->kind == SAMPLE_ROW && !host_left_out(h, kinds[k].tool);
}

void
limit_changes_sample(struct limit_changes *c, const struct sample *m, const struct host *h)
{
	for (uint32_t i = 0; m->restarted && i < c->dirs.n; i++)
		touch(c, i)->renewed = true;
	if (h->observer)
		forget_unread(c);
	forget_removed(c);
	for (uint32_t i = 0; i < c->ntouched; i++)
		compare_all(c, c->touched[i], m);
	c->ntouched = 0;
	for (int k = 0; k < LIMIT_KINDS; k++)
		if (was_read(c, (enum limit_kind)k, m, h))
			c->seen[kinds[k].family] = *m;
	memset(c->read, 0, sizeof c->read);
	c->turn++;
	drop_forgotten(c);
}

void
limit_changes_free(struct limit_changes *c)
{
	for (int i = 0; i < CHANGES_KEPT; i++)
		free(c->kept[i].cgroup);
	free(c->v);
	free(c->touched);
	map_free(&c->dirs);
	map_free(&c->cpusets);
	map_free(&c->listed);
	map_free(&c->present);
	buf_free(&c->mounts);
	*c = (struct limit_changes){ .total = 0 };
}

const char *
limit_changes_cpuset(const struct limit_changes *c, const struct limit_value *v)
{
	return map_key(&c->cpusets, (uint32_t)v->number).s;
}
