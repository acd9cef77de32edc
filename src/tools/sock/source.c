/* sock: where its figures come from: netlink, or the files of /proc/net; and since when bytes are unread. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup/process.h"
#include "netlink/socket_list.h"
#include "proc/net_files.h"
#include "proc/task.h"
#include "tools/sock/sock.h"

#define LIST_FILE "pq/sockets"
#define TICKS_FILE "pq/accept-queues"

/* ---- Begin */

static int
print_list(void *ctx, struct buf *out)
{
	return socket_list_print(ctx, out);
}

static int
print_ticks(void *ctx, struct buf *out)
{
	return socket_list_print_ticks(ctx, out);
}

static void
close_list(void *ctx)
{
	socket_list_close(ctx);
}

static bool
narrows(const struct watch *w)
{
	return w->ask->target.pid || w->ask->target.cgroup;
}

/* A recording has everything, so that any rows can be made of it later. */
static bool
shows_columns(const struct watch *w)
{
	return w->nshown > 0;
}

/* Another sampler may list the sockets already. */
static void
begin(struct watch *w)
{
	struct sock_watch *state = w->state;
	const struct socket_scope scope = { .all = w->ask->target.all,
		.narrow = narrows(w),
		.listeners = sock_options(w)->listeners && shows_columns(w),
		.names = true };

	state->begun = true;
	if (w->host->replay || w->host->elsewhere)
		return;
	if (host_provide(w->host, LIST_FILE, NULL) == 0) {
		state->provided++;
		if (host_provide(w->host, TICKS_FILE, NULL) == 0)
			state->provided++;
		return;
	}
	state->list = socket_list_open(&scope);
	const struct provided list = { print_list, close_list, state->list },
			      ticks = { print_ticks, NULL, state->list };
	if (host_provide(w->host, LIST_FILE, &list) < 0) {
		socket_list_close(state->list);
		state->list = NULL;
		return;
	}
	state->provided++;
	if (host_provide(w->host, TICKS_FILE, &ticks) == 0)
		state->provided++;
}

void
sock_release(struct watch *w)
{
	struct sock_watch *state = w->state;

	if (state->provided > 1)
		host_unprovide(w->host, TICKS_FILE);
	if (state->provided > 0)
		host_unprovide(w->host, LIST_FILE);
	targets_free(&state->targets);
	arena_free(&state->labels);
	map_free(&state->tick_keys);
	map_free(&state->held_keys);
	map_free(&state->total_keys);
	buf_free(&state->total_key);
	free(state->ticks);
	free(state->held);
}

/* ---- Ticks */

static struct text
key_of(const uint64_t *number)
{
	return (struct text){ (const char *)number, sizeof *number };
}

static void
add_tick(struct sock_watch *s, uint64_t inode, double length)
{
	uint32_t known = s->tick_keys.n, i = map_put(&s->tick_keys, key_of(&inode));

	s->ticks = xgrow(s->ticks, i, &s->ticks_room, sizeof *s->ticks);
	if (i == known)
		s->ticks[i] = (struct sock_view){ .accept_least = INFINITY };
	gauge_add(&s->ticks[i].accept, length);
	s->ticks[i].accept_least = fmin(s->ticks[i].accept_least, length);
}

/* Without netlink the files would have to be read, which takes too long for a tick. */
void
sock_tick(struct watch *w)
{
	struct sock_watch *s = w->state;
	uint64_t inode, length;
	struct text text;

	if (!s->begun)
		begin(w);
	if (host_read(w->host, TICKS_FILE, &text) < 0) {
		w->no_ticks = !w->host->replay;
		return;
	}
	while (sock_tick_line(&text, &inode, &length))
		add_tick(s, inode, (double)length);
}

static void
set_accept(struct sock_watch *s, struct sock_view *v)
{
	int i = map_find(&s->tick_keys, key_of(&v->row->inode));

	if (i >= 0) {
		v->accept = s->ticks[i].accept;
		v->accept_least = s->ticks[i].accept_least;
	} else if (v->row->recvq.known) {
		gauge_add(&v->accept, (double)v->row->recvq.v);
		v->accept_least = (double)v->row->recvq.v;
	}
}

/* ---- How long bytes have been unread */

static struct sock_held *
held_of(struct sock_watch *s, const struct sock_row *r)
{
	const uint64_t key = r->cookie ? r->cookie : r->inode;
	uint32_t known = s->held_keys.n, i = map_put(&s->held_keys, key_of(&key));

	s->held = xgrow(s->held, i, &s->held_room, sizeof *s->held);
	if (i == known)
		s->held[i] = (struct sock_held){ .n = 0 };
	s->held[i].seen = true;
	return &s->held[i];
}

/* Forgets samples by which nothing had come that is unread now. `read` is how many bytes have ever been
 * read. Where the kernel does not count what came, a queue that became shorter was read. */
static void
forget_read(struct sock_held *h, const struct sock_row *r)
{
	bool counted = r->figure[FIGURE_RECEIVED].known;
	uint64_t received = r->figure[FIGURE_RECEIVED].v,
		 read = received > r->recvq.v ? received - r->recvq.v : 0;
	unsigned gone = 0;

	if (!counted && r->recvq.v < h->recvq)
		h->n = 0;
	while (counted && gone < h->n && h->since[gone].received <= read)
		gone++;
	h->n -= gone;
	memmove(h->since, h->since + gone, h->n * sizeof *h->since);
}

/* The oldest samples matter most: the newest one is dropped if there is no room. */
static void
note_sample(struct sock_held *h, const struct sock_row *r, int64_t now_ns)
{
	if (h->n == SINCE_MOST)
		h->n--;
	h->since[h->n].at_ns = now_ns;
	h->since[h->n++].received = r->figure[FIGURE_RECEIVED].v;
	h->recvq = r->recvq.v;
}

/* All that is unread came before the last data did, and some of it before the first sample that is not
 * forgotten. NaN: unknown. */
static double
unread_ms(struct sock_watch *s, const struct sock_row *r, int64_t now_ns)
{
	double ms = NAN;

	if (!r->recvq.known || r->recvq.v == 0 || r->state == SOCK_LISTEN)
		return NAN;
	struct sock_held *h = held_of(s, r);
	forget_read(h, r);
	if (h->n > 0)
		ms = (double)(now_ns - h->since[0].at_ns) * 1e-6;
	note_sample(h, r, now_ns);
	return fmax(
	    ms, r->figure[FIGURE_RECV_MS].known ? (double)r->figure[FIGURE_RECV_MS].v : NAN);
}

/* Sockets that were not seen have nothing unread, or are gone. */
static void
forget_unseen(struct sock_watch *s)
{
	for (uint32_t i = s->held_keys.n; i-- > 0;) {
		if (s->held[i].seen) {
			s->held[i].seen = false;
			continue;
		}
		map_remove(&s->held_keys, i);
		s->held[i] = s->held[s->held_keys.n];
	}
}

/* ---- Files */

static const char *const counter_keys[] = { "ListenOverflows", "ListenDrops", "SyncookiesSent" };
static const char *const segment_keys[] = { "RetransSegs" };

/* proc/net/NAME of the namespace. */
static const char *
net_path(char out[64], const struct sock_netns *ns, const char *name)
{
	if (ns->pid)
		snprintf(out, 64, "proc/%u/net/%s", (unsigned)ns->pid, name);
	else
		snprintf(out, 64, "proc/net/%s", name);
	return out;
}

static void
read_counters(struct watch *w, struct sock_space *s)
{
	struct text text;
	char path[64];

	if (host_read(w->host, net_path(path, &s->ns, "netstat"), &text) == 0)
		net_counters_parse(text, "TcpExt:", counter_keys, 3, s->counter);
	if (host_read(w->host, net_path(path, &s->ns, "snmp"), &text) == 0)
		net_counters_parse(text, "Tcp:", segment_keys, 1, &s->counter[SOCK_RETRANS_SEGS]);
}

/* Reads the sockets that netlink did not list. Unix sockets have no queues in their file. */
static void
read_files(struct watch *w, struct arena *a, struct sock_space *s)
{
	static const char *const names[][2] = { { "tcp", "tcp6" }, { "udp", "udp6" } };
	struct text text;
	char path[64];

	for (int type = 0; type <= SOCK_OF_UDP; type++) {
		if (s->ns.count[type].known)
			continue;
		for (int v6 = 0; v6 < 2; v6++)
			if (host_read(w->host, net_path(path, &s->ns, names[type][v6]), &text) ==
			    0) {
				net_sockets_parse(text, (enum sock_type)type, v6, a, &s->ns);
				s->ns.count[type].known = true;
			}
	}
}

/* ---- Notes */

static void
tell_files(struct watch *w, const struct sock_netns *ns)
{
	bool tcp = !ns->count[SOCK_OF_TCP].known, udp = !ns->count[SOCK_OF_UDP].known,
	     local = !ns->count[SOCK_OF_UNIX].known;

	if (w->host->replay && !tcp && !udp)
		return;
	if (tcp)
		watch_note(w,
		    "no TCP sockets by netlink (tcp_diag; another network namespace needs root): "
		    "/proc/net/tcp has no backlog, RTT, retransmits and process");
	if (udp && !tcp)
		watch_note(w,
		    "no UDP sockets by netlink (udp_diag): /proc/net/udp has no limit of the "
		    "buffer");
	if (local)
		watch_note(w,
		    "no unix sockets: netlink has none here (unix_diag), and /proc/net/unix has no "
		    "queues");
}

static void
tell(struct watch *w, const struct sock_netns *ns)
{
	uint64_t left_out = 0;

	if (ns->hidden)
		watch_note(w,
		    "the open files of the process cannot be read (root can): all sockets of its "
		    "network namespace are shown");
	if (!shows_columns(w))
		return;
	for (int i = 0; i < SOCK_TYPES; i++)
		left_out += ns->count[i].left_out;
	if (ns->changing)
		watch_note(w,
		    "sockets came and went while the kernel listed them, three times: some may be "
		    "missing, or counted twice");
	if (left_out > 0)
		watch_note(w,
		    "only the %d sockets of each type that have most queued have rows; the sums "
		    "have all",
		    SOCKET_LIST_MOST);
	tell_files(w, ns);
}

/* ---- Snapshots */

static bool
is_below(const char *cgroup, const char *above)
{
	size_t n = strlen(above);

	n -= n > 0 && above[n - 1] == '/';
	return cgroup && strncmp(cgroup, above, n) == 0 && (!cgroup[n] || cgroup[n] == '/');
}

/* A recording may hold sockets of other processes than those of -p and -g. The sums are of those, too.
 * If the open files of the recorded processes were hidden, all sockets stay, as they did then. */
static void
keep_target(const struct target *t, struct sock_space *s)
{
	uint64_t pid = 0;
	size_t kept = 0;

	if (t->pid)
		text_u64(text_of(t->pid), &pid);
	if (s->ns.hidden && (!t->pid || s->ns.pid == pid))
		return;
	for (size_t i = 0; i < s->ns.n; i++) {
		const struct sock_row *r = s->v[i].row;
		if (t->pid ? r->pid.known && r->pid.v == pid : is_below(s->v[i].cgroup, t->cgroup))
			s->v[kept++] = s->v[i];
	}
	for (int i = 0; i < SOCK_TYPES && kept < s->ns.n; i++)
		s->ns.count[i].known = false;
	s->ns.n = kept;
}

static int
by_inode(const void *a, const void *b)
{
	const struct sock_row *x = ((const struct sock_view *)a)->row,
			      *y = ((const struct sock_view *)b)->row;

	return x->inode != y->inode ? (x->inode > y->inode) - (x->inode < y->inode) :
				      (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

const struct sock_view *
sock_view_find(const struct sock_space *s, const struct sock_row *r)
{
	struct sock_row key = *r;
	const struct sock_view view = { .row = &key };

	return s->ns.n ? bsearch(&view, s->v, s->ns.n, sizeof *s->v, by_inode) : NULL;
}

/* Sockets of a process mostly follow each other. */
static void
read_cgroup(struct watch *w, struct arena *a, struct sock_view *v)
{
	struct text cgroup;
	bool wanted = !shows_columns(w) || watch_shows(w, SOCK_CGROUP) ||
	    (w->host->replay && w->ask->target.cgroup);

	if (!v->row->pid.known || !wanted)
		return;
	if (process_cpu_cgroup(w->host, (uint32_t)v->row->pid.v, &cgroup))
		v->cgroup = arena_copy(a, cgroup);
}

static void
make_views(struct watch *w, struct arena *a, struct sock_space *s)
{
	s->v = arena_alloc(a, (s->ns.n + 1) * sizeof *s->v);
	for (size_t i = 0; i < s->ns.n; i++) {
		struct sock_view *v = &s->v[i];
		*v = (struct sock_view){ .row = &s->ns.v[i], .accept_least = NAN };
		v->unread_ms = unread_ms(w->state, v->row, w->now_ns);
		if (i > 0 && v->row->pid.known && v->row->pid.v == v[-1].row->pid.v)
			v->cgroup = v[-1].cgroup;
		else
			read_cgroup(w, a, v);
		if (v->row->state == SOCK_LISTEN)
			set_accept(w->state, v);
	}
	if (s->ns.n > 1)
		qsort(s->v, s->ns.n, sizeof *s->v, by_inode);
}

/* The processes of -p and -g; a recording has their sockets. False if there are no rows: w->fail or w->ended says why, or the cgroup has
 * gone for now (*gone). */
static bool
find_target(struct watch *w, struct arena *a, uint32_t **pids, size_t *n, bool *gone)
{
	struct sock_watch *state = w->state;

	*pids = NULL;
	*n = 0;
	*gone = false;
	if (!narrows(w) || w->host->replay)
		return true;
	if (targets_pids(&state->targets, w, a, pids, n) < 0) {
		*gone = targets_explain(&state->targets, w, errno);
		return false;
	}
	if (state->list)
		socket_list_watch(state->list, *pids, *n);
	*gone = *n == 0;
	return *n > 0;
}

/* Without a text of netlink: the files of this namespace, or of the target's. */
static void
begin_files(struct arena *a, struct sock_snapshot *s, const uint32_t *pids, size_t n)
{
	s->n = 1;
	s->v = arena_alloc(a, sizeof *s->v);
	s->v->ns.pid = n > 0 ? pids[0] : 0;
	s->v->ns.hidden = n > 0;
}

static bool
parse_list(struct watch *w, struct arena *a, struct text text, struct sock_snapshot *s)
{
	struct sock_netns *ns;

	if (sock_parse(text, a, &ns, &s->n) < 0) {
		watch_fail(w, EXIT_FAILED, "cannot read the recorded sockets: they are damaged");
		return false;
	}
	s->v = arena_alloc(a, (s->n + 1) * sizeof *s->v);
	for (size_t i = 0; i < s->n; i++)
		s->v[i].ns = ns[i];
	return true;
}

static bool
read_space(struct watch *w, struct arena *a, struct sock_space *s)
{
	tell(w, &s->ns);
	read_files(w, a, s);
	read_counters(w, s);
	make_views(w, a, s);
	return s->ns.count[SOCK_OF_TCP].known || s->ns.count[SOCK_OF_UDP].known || s->ns.n > 0;
}

void *
sock_read(struct watch *w, struct arena *a)
{
	struct sock_snapshot *s = arena_alloc(a, sizeof *s);
	struct sock_watch *state = w->state;
	struct text text;
	uint32_t *pids;
	bool gone, any = false;
	size_t n;

	if (!find_target(w, a, &pids, &n, &gone))
		return gone ? s : NULL;
	if (host_read(w->host, LIST_FILE, &text) < 0)
		begin_files(a, s, pids, n);
	else if (!parse_list(w, a, text, s))
		return NULL;
	for (size_t i = 0; i < s->n; i++) {
		any |= read_space(w, a, &s->v[i]);
		if (w->host->replay && narrows(w))
			keep_target(&w->ask->target, &s->v[i]);
	}
	forget_unseen(state);
	map_clear(&state->tick_keys);
	if (!any && s->n > 0 && w->host->replay)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "the recording has no sockets (pq record takes them if sock is named)");
	if (!any && s->n > 0)
		return watch_fail(w, EXIT_UNSUPPORTED,
		    "sockets cannot be listed: neither netlink nor /proc/net/tcp is available");
	return s;
}
