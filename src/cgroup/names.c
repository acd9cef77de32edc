/* Names of cgroups: see names.h. */
#include "cgroup/names.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

/* ---- Pieces of text */

static const struct text nothing = { "", 0 };

static bool
ends_in(struct text t, const char *ending)
{
	size_t n = strlen(ending);

	return t.n >= n && memcmp(t.s + t.n - n, ending, n) == 0;
}

static bool
cut(struct text *t, const char *ending)
{
	bool has = ends_in(*t, ending);

	if (has)
		t->n -= strlen(ending);
	return has;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

enum { ID_LENGTH = 64 };

/* Takes the 64 digits at the end off; false if there are none, or a longer number. */
static bool
cut_id(struct text *t, struct text *id)
{
	if (t->n < ID_LENGTH || (t->n > ID_LENGTH && is_hex(t->s[t->n - ID_LENGTH - 1])))
		return false;
	*id = (struct text){ t->s + t->n - ID_LENGTH, ID_LENGTH };
	for (size_t i = 0; i < ID_LENGTH; i++)
		if (!is_hex(id->s[i]))
			return false;
	t->n -= ID_LENGTH;
	return true;
}

/* "1b4e28ba-2fa1-11d2-883f-0016d3cca427", or 32 digits for a pod from a file of the kubelet. */
static bool
is_uid(struct text t)
{
	size_t digits = 0;

	for (size_t i = 0; i < t.n; i++) {
		digits += is_hex(t.s[i]);
		if (!is_hex(t.s[i]) && t.s[i] != '-' && t.s[i] != '_')
			return false;
	}
	return digits == 32 && (t.n == 32 || t.n == 36);
}

/* ---- The path */

/* A path on its way down. */
struct descent {
	struct name_parts *out;
	struct text above; /* the component above; n 0: none */
	bool in_pods;      /* a component above begins the kubelet's tree */
	bool in_slurm;
};

/* What follows replaces names of levels further out: a pod in a container of kind is no part of
 * that. */
static void
begin_pod(struct name_parts *p, struct text uid)
{
	*p = (struct name_parts){ uid, nothing, nothing, nothing, nothing, nothing, nothing,
		nothing, nothing };
}

/* "kubepods-burstable-pod1b4e….slice", or "pod1b4e…" below kubepods. */
static bool
take_pod(struct descent *d, struct text name)
{
	struct text uid = name;
	const char *pod;

	if (text_find(name, "kubepods"))
		d->in_pods = true;
	if (!d->in_pods)
		return false;
	if (cut(&uid, ".slice")) {
		pod = text_find(uid, "-pod");
		if (!pod)
			return false;
		uid = (struct text){ pod + 4, (size_t)(uid.s + uid.n - pod - 4) };
	} else if (!text_skip(&uid, "pod")) {
		return false;
	}
	if (!is_uid(uid))
		return false;
	begin_pod(d->out, uid);
	return true;
}

/* "docker-4f1c….scope", "cri-containerd-4f1c….scope", "crio-4f1c…" or "4f1c…". conmon watches a
 * container and is not in it. In a pod only the outermost container is Kubernetes'. */
static bool
take_container(struct descent *d, struct text name)
{
	struct name_parts *p = d->out;
	struct text rest = name, id;

	cut(&rest, ".scope");
	if (!cut_id(&rest, &id) || text_find(rest, "conmon") || (p->uid.n && p->id.n))
		return false;
	if (rest.n == 0 && d->above.n)
		rest = (struct text){ d->above.s, (size_t)(id.s - d->above.s) };
	p->id = id;
	p->runtime = rest;
	p->machine = p->manager = p->unit = nothing;
	return true;
}

/* "lxc/NAME", "lxc.payload/NAME", "lxc.payload.NAME" or "machine-NAME.scope". */
static bool
take_machine(struct descent *d, struct text name)
{
	struct text rest = name;
	bool below = text_eq(d->above, "lxc") || text_eq(d->above, "lxc.payload");

	if (!below && !text_skip(&rest, "lxc.payload.") &&
	    !(text_skip(&rest, "machine-") && cut(&rest, ".scope")))
		return false;
	if (rest.n == 0 || d->out->uid.n)
		return false;
	d->out->machine = rest;
	d->out->id = d->out->unit = d->out->manager = nothing;
	return true;
}

/* "s5K1KKYAYG5D00": how Slurm 26.05 names jobs. */
static bool
is_sluid(struct text t)
{
	if (t.n != 14 || t.s[0] != 's')
		return false;
	for (size_t i = 1; i < t.n; i++)
		if (!is_digit(t.s[i]) && !(t.s[i] >= 'A' && t.s[i] <= 'Z'))
			return false;
	return true;
}

/* "job_123", and "step_0" below it. */
static bool
take_job(struct descent *d, struct text name)
{
	struct text rest = name;

	if (text_eq(name, "slurm") || text_skip(&rest, "slurm_") ||
	    ends_in(name, "slurmstepd.scope"))
		d->in_slurm = true;
	else if (d->in_slurm && ((text_skip(&rest, "job_") && rest.n) || is_sluid(rest)))
		d->out->job = rest;
	else if (d->out->job.n && d->out->step.n == 0 && text_skip(&rest, "step_") && rest.n)
		d->out->step = rest;
	else
		return false;
	return d->out->job.n > 0;
}

static bool
take_unit(struct descent *d, struct text name)
{
	static const char *const endings[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		if (!ends_in(name, endings[i]) || name.n == strlen(endings[i]))
			continue;
		struct text rest = d->out->unit;
		if (text_skip(&rest, "user@"))
			d->out->manager = d->out->unit;
		d->out->unit = name;
		return d->out->id.n == 0 && d->out->uid.n == 0 && d->out->machine.n == 0 &&
		    d->out->job.n == 0;
	}
	return false;
}

void
name_parts_of(struct text path, struct name_parts *out)
{
	static bool (*const take[])(struct descent *, struct text) = { take_pod, take_container,
		take_machine, take_job, take_unit };
	struct descent d = { .out = out, .above = nothing };
	struct text rest = path, name;

	begin_pod(out, nothing);
	while (text_split(&rest, '/', &name)) {
		bool taken = false;
		if (name.n == 0)
			continue;
		for (size_t i = 0; i < sizeof take / sizeof take[0] && !taken; i++)
			taken = take[i](&d, name);
		d.above = name;
		const char *end = name.s + name.n;
		if (taken)
			out->below = (struct text){ end, (size_t)(path.s + path.n - end) };
	}
}

/* ---- The kubelet's directories */

/* Takes the part before the first '_' off; false without one. */
static bool
split_name(struct text *rest, struct text *part)
{
	return rest->n && memchr(rest->s, '_', rest->n) && text_split(rest, '_', part) && part->n;
}

bool
name_of_log(struct text link, struct text *pod, struct text *namespace, struct text *container,
    struct text *id)
{
	struct text rest = link;

	if (!cut(&rest, ".log") || !cut_id(&rest, id) || !cut(&rest, "-") ||
	    !split_name(&rest, pod) || !split_name(&rest, namespace))
		return false;
	*container = rest;
	return rest.n > 0 && !memchr(rest.s, '_', rest.n);
}

bool
name_of_pod_directory(
    struct text directory, struct text *namespace, struct text *pod, struct text *uid)
{
	*uid = directory;
	return split_name(uid, namespace) && split_name(uid, pod) && is_uid(*uid);
}

/* In the arena `listed`. */
struct log_name {
	struct text pod, namespace, container;
};

/* A copy of the directory's list in the arena. Empty if it cannot be read. */
static struct text
list(struct names *n, struct host *h, const char *path)
{
	struct text text;

	if (host_list(h, path, &text) < 0) {
		n->too_large |= errno == EFBIG;
		return nothing;
	}
	return (struct text){ arena_copy(&n->listed, text), text.n };
}

/* The UID as paths without systemd have it. */
static struct text
plain_uid(char out[40], struct text uid)
{
	for (size_t i = 0; i < uid.n; i++)
		out[i] = (char)(uid.s[i] == '_' ? '-' : uid.s[i]);
	return (struct text){ out, uid.n };
}

static void
read_directories(struct names *n, struct host *h)
{
	struct log_name found;
	struct text rest, line, key;
	char uid[40];

	n->listed_at = n->row;
	map_clear(&n->ids);
	map_clear(&n->uids);
	arena_reset(&n->listed);
	rest = list(n, h, "var/log/containers");
	while (text_line(&rest, &line)) {
		if (!name_of_log(line, &found.pod, &found.namespace, &found.container, &key))
			continue;
		n->by_id = xgrow(n->by_id, n->ids.n, &n->id_room, sizeof *n->by_id);
		n->by_id[map_put(&n->ids, key)] = found;
	}
	rest = list(n, h, "var/log/pods");
	found.container = nothing;
	while (text_line(&rest, &line)) {
		if (!name_of_pod_directory(line, &found.namespace, &found.pod, &key))
			continue;
		n->by_uid = xgrow(n->by_uid, n->uids.n, &n->uid_room, sizeof *n->by_uid);
		n->by_uid[map_put(&n->uids, plain_uid(uid, key))] = found;
	}
}

/* What the directories say of the cgroup. */
static struct log_name
look_up(const struct names *n, const struct name_parts *p)
{
	char uid[40];
	int id = p->id.n ? map_find(&n->ids, p->id) : -1;
	int pod = p->uid.n ? map_find(&n->uids, plain_uid(uid, p->uid)) : -1;

	if (id >= 0)
		return n->by_id[id];
	return pod >= 0 ? n->by_uid[pod] : (struct log_name){ nothing, nothing, nothing };
}

/* ---- The names of a cgroup */

struct named_group {
	const struct group_names *names; /* in the arena, as callers keep it when the table grows */
	bool pending;                    /* the directories did not say how it is called */
};

/* What is left of long IDs. 12 digits are what the tools of containers show. */
enum { HEAD = 12, TAIL = 4, LONG = 24 };

static void
put_short(struct buf *b, struct text t)
{
	if (t.n <= HEAD + TAIL + 1) {
		buf_add(b, t.s, t.n);
		return;
	}
	buf_add(b, t.s, HEAD);
	buf_char(b, '<');
	buf_add(b, t.s + t.n - TAIL, TAIL);
}

/* Copies a path, with long words of letters and many digits shortened. True if there was one. */
static bool
put_path(struct buf *b, struct text path)
{
	bool shortened = false;

	for (size_t i = 0; i < path.n;) {
		size_t n = 0, digits = 0;
		for (; i + n < path.n && (is_digit(path.s[i + n]) || is_lower(path.s[i + n])); n++)
			digits += is_digit(path.s[i + n]);
		bool is_id = n >= LONG && digits >= 4;
		if (is_id)
			put_short(b, (struct text){ path.s + i, n });
		else
			buf_add(b, path.s + i, n ? n : 1);
		shortened |= is_id;
		i += n ? n : 1;
	}
	return shortened;
}

/* Undoes the escapes of systemd: "\x2d" is '-'. */
static void
put_unescaped(struct buf *b, struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		char hex[3] = "";
		unsigned long byte = 0;
		if (t.n - i >= 4 && t.s[i] == '\\' && t.s[i + 1] == 'x' &&
		    isxdigit((unsigned char)t.s[i + 2]) && isxdigit((unsigned char)t.s[i + 3])) {
			memcpy(hex, t.s + i + 2, 2);
			byte = strtoul(hex, NULL, 16);
		}
		buf_char(b, byte && byte != '/' ? (char)byte : t.s[i]);
		i += byte && byte != '/' ? 3 : 0;
	}
}

static void
put_text(struct buf *b, struct text t)
{
	buf_add(b, t.s, t.n);
}

/* A copy, or NULL if there is none. */
static const char *
keep(struct arena *a, struct text t)
{
	return t.n ? arena_copy(a, t) : NULL;
}

static const char *
keep_buf(struct arena *a, struct buf *b)
{
	const char *s = keep(a, (struct text){ b->s, b->n });

	buf_free(b);
	return s;
}

/* "shop/web-0/app", "pod1b4e28ba-2fa<a427", "docker-4f1c2d3e4a5b<89ef" */
static void
put_container(struct buf *b, const struct name_parts *p, const struct log_name *l)
{
	char uid[40];

	if (l->pod.n) {
		put_text(b, l->namespace);
		buf_char(b, '/');
		put_text(b, l->pod);
	} else if (p->uid.n) {
		buf_text(b, "pod");
		put_short(b, plain_uid(uid, p->uid));
	}
	if (!p->id.n)
		return;
	if (l->pod.n || p->uid.n)
		buf_char(b, '/');
	else
		put_path(b, p->runtime);
	if (l->container.n)
		put_text(b, l->container);
	else
		put_short(b, p->id);
}

/* "123", or of a step "123.0" */
static void
put_job(struct buf *b, const struct name_parts *p)
{
	put_text(b, p->job);
	if (p->step.n) {
		buf_char(b, '.');
		put_text(b, p->step);
	}
}

static const char *
brief_of(struct arena *a, const struct name_parts *p, const struct log_name *l, struct text path)
{
	struct buf b = { 0 };

	if (p->uid.n || p->id.n) {
		put_container(&b, p, l);
	} else if (p->machine.n) {
		put_unescaped(&b, p->machine);
	} else if (p->job.n) {
		buf_text(&b, "slurm/");
		put_job(&b, p);
	} else if (p->unit.n) {
		put_text(&b, p->manager);
		buf_text(&b, p->manager.n ? "/" : "");
		put_text(&b, p->unit);
	} else {
		if (!put_path(&b, path))
			b.n = 0;
		return keep_buf(a, &b);
	}
	put_path(&b, p->below);
	return keep_buf(a, &b);
}

/* Whether the directories should say more: of a pod its name, of its containers theirs. */
static bool
lacks(const struct name_parts *p, const struct log_name *l)
{
	return (p->uid.n && !l->pod.n) || (p->id.n && !l->container.n);
}

static struct named_group
name(struct names *n, struct text path)
{
	struct name_parts p;
	struct buf machine = { 0 }, job = { 0 };

	name_parts_of(path, &p);
	struct log_name l = look_up(n, &p);
	put_unescaped(&machine, p.machine);
	put_job(&job, &p);
	struct group_names *g = arena_alloc(&n->arena, sizeof *g);
	*g = (struct group_names){ .pod = keep(&n->arena, l.pod),
		.namespace = keep(&n->arena, l.namespace),
		.container = keep(&n->arena, l.container),
		.unit = keep(&n->arena, p.unit),
		.job = keep_buf(&n->arena, &job),
		.brief = brief_of(&n->arena, &p, &l, path) };
	const char *name_of_machine = keep_buf(&n->arena, &machine);
	if (!g->container)
		g->container = name_of_machine;
	return (struct named_group){ g, lacks(&p, &l) };
}

/* ---- From row to row */

enum { WAIT_MOST = 256, FORGET_ABOVE = 1024 };

/* Cgroups come and go under new paths. */
static void
forget(struct names *n)
{
	map_clear(&n->paths);
	arena_free(&n->older);
	n->older = n->arena;
	n->arena = (struct arena){ 0 };
	n->pending = 0;
}

static void
try_again(struct names *n, struct host *h)
{
	read_directories(n, h);
	n->pending = 0;
	for (uint32_t i = 0; i < n->paths.n; i++) {
		if (n->v[i].pending)
			n->v[i] = name(n, map_key(&n->paths, i));
		n->pending += n->v[i].pending;
	}
	n->again = n->row + n->wait;
	n->wait *= 2;
	if (n->wait > WAIT_MOST)
		n->pending = 0;
}

void
names_row(struct names *n, struct host *h)
{
	n->row++;
	if (n->paths.n > FORGET_ABOVE && n->paths.n > 2 * n->asked)
		forget(n);
	n->asked = 0;
	if (n->pending && n->row >= n->again)
		try_again(n, h);
}

const struct group_names *
names_of(struct names *n, struct host *h, const char *path)
{
	struct text key = text_of(path);
	int i = map_find(&n->paths, key);

	n->asked++;
	if (i >= 0)
		return n->v[i].names;
	struct named_group g = name(n, key);
	if (g.pending && n->listed_at != n->row) {
		read_directories(n, h);
		g = name(n, key);
	}
	if (g.pending) {
		n->pending++;
		n->again = n->row + 1;
		n->wait = 2;
	}
	n->v = xgrow(n->v, n->paths.n, &n->room, sizeof *n->v);
	i = (int)map_put(&n->paths, key);
	n->v[i] = g;
	return n->v[i].names;
}

void
names_free(struct names *n)
{
	map_free(&n->paths);
	map_free(&n->ids);
	map_free(&n->uids);
	free(n->v);
	free(n->by_id);
	free(n->by_uid);
	arena_free(&n->arena);
	arena_free(&n->older);
	arena_free(&n->listed);
	*n = (struct names){ .row = 0 };
}

/* ---- Finding a cgroup by its name */

enum { PREFIX_LEAST = 6, SEARCH_MOST = 100000 };

static bool
is_name(const char *name, struct text wanted)
{
	return name && text_eq(wanted, name);
}

/* "namespace/pod" or "namespace/pod/container" */
static bool
is_in_namespace(const struct group_names *g, struct text wanted)
{
	struct text rest = wanted;

	if (!g->namespace || !g->pod || !text_skip(&rest, g->namespace) || !text_skip(&rest, "/") ||
	    !text_skip(&rest, g->pod))
		return false;
	if (rest.n == 0)
		return true;
	return text_skip(&rest, "/") && is_name(g->container, rest);
}

static bool
begins(struct text t, struct text start)
{
	return start.n >= PREFIX_LEAST && t.n >= start.n && memcmp(t.s, start.s, start.n) == 0;
}

static bool
matches(const struct group_names *g, const char *path, struct text wanted)
{
	struct name_parts p;
	char uid[40];

	if (is_name(g->pod, wanted) || is_in_namespace(g, wanted) ||
	    is_name(g->container, wanted) || is_name(g->unit, wanted) || is_name(g->job, wanted) ||
	    is_name(g->brief, wanted))
		return true;
	name_parts_of(text_of(path), &p);
	return begins(p.id, wanted) || begins(plain_uid(uid, p.uid), wanted);
}

struct search {
	struct host *host;
	struct arena *arena;
	struct names names;
	struct place top;
	const char *wanted;
	struct names_found *found;
	int left; /* directories that may still be read */
};

static void
add_found(struct search *s, const char *path, const struct group_names *g)
{
	struct names_found *f = s->found;

	if (f->n < FOUND_MOST) {
		f->path[f->n] = path;
		f->name[f->n] = arena_copy(s->arena, text_of(g->brief ? g->brief : path));
	}
	f->n++;
}

/* Not below a cgroup that matches: of a pod, its containers are in it too. */
static void
search_below(struct search *s, const char *rel)
{
	struct text names, line;
	const char *path = place_name(s->arena, &s->top, rel);
	const struct group_names *g = names_of(&s->names, s->host, path);

	if (matches(g, path, text_of(s->wanted))) {
		add_found(s, path, g);
		return;
	}
	if (s->left-- <= 0 ||
	    host_list(s->host, arena_printf(s->arena, "%s%s", s->top.top, rel), &names) < 0)
		return;
	struct text kept = { arena_copy(s->arena, names), names.n };
	while (text_line(&kept, &line))
		search_below(s, arena_printf(s->arena, "%s/%.*s", rel, (int)line.n, line.s));
}

void
names_find(struct atlas *at, const char *wanted, struct names_found *out)
{
	struct search s = { .host = at->host,
		.arena = at->arena,
		.wanted = wanted,
		.found = out,
		.left = SEARCH_MOST };

	*out = (struct names_found){ .n = 0 };
	names_row(&s.names, s.host);
	for (int f = 0; f < FAMILIES && out->n == 0; f++)
		if (locate_top(at, (enum family)f, &s.top) == 0)
			search_below(&s, "");
	names_free(&s.names);
}
