/* socket_list: namespaces, and the sockets in them. */
#include "netlink/socket_list.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "netlink/socket_owners.h"

enum { NAMESPACES_MOST = 256, TRIES = 3, TRIM_EVERY = 8192 };

/* A namespace. A process in it keeps it apart from others where its number is hidden. */
struct netns {
	uint64_t number; /* 0: hidden */
	uint64_t file;   /* the inode of a file that only it has; 0: there is none */
	uint32_t pid;    /* 0: pq itself */
	struct sock_diag *diag;
	bool tried, used;
	struct sock_netns now; /* what was listed of it */
	size_t first, end;     /* its sockets among those of all */
};

/* A socket that may be listed. */
struct candidate {
	struct sock_told told;
	char *name; /* of a unix socket */
};

struct socket_list {
	struct socket_scope scope;
	uint32_t *pids;
	size_t npids, pids_room;
	struct netns *ns;
	size_t nns, ns_room;
	struct socket_owners owners;
	/* what is being listed: */
	struct sock_netns now;
	enum sock_type type;
	/* the sockets of all namespaces so far */
	struct candidate *v;
	size_t n, room;
	size_t kept;    /* the first so many are of types that are complete */
	size_t trim_at; /* with so many, those with little queued are dropped */
	uint64_t *inodes;
	size_t ninodes, inodes_room;
	struct buf *out;
};

struct socket_list *
socket_list_open(const struct socket_scope *scope)
{
	struct socket_list *l = xmalloc(sizeof *l);

	*l = (struct socket_list){ .scope = *scope };
	return l;
}

/* ---- Namespaces */

static uint64_t
inode_of(uint32_t pid, const char *name)
{
	struct stat st;
	char path[48];

	if (pid)
		snprintf(path, sizeof path, "/proc/%u/%s", pid, name);
	else
		snprintf(path, sizeof path, "/proc/self/%s", name);
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* The inode of ns/net is the number of "net:[4026531840]". The file may be looked at where the number
 * is hidden. */
static void
identify(uint32_t pid, struct netns *ns)
{
	*ns = (struct netns){
		.pid = pid, .number = inode_of(pid, "ns/net"), .file = inode_of(pid, "net/netstat")
	};
}

static bool
is_same(const struct netns *a, const struct netns *b)
{
	return a->number && b->number ? a->number == b->number : a->file && a->file == b->file;
}

static void
use_namespace(struct socket_list *l, uint32_t pid)
{
	struct netns one;

	identify(pid, &one);
	uint32_t other = pid && !one.number && !one.file ? other_thread(pid) : 0;
	if (other)
		identify(other, &one);
	for (size_t i = 0; i < l->nns; i++) {
		if (!is_same(&l->ns[i], &one))
			continue;
		/* of the processes in it, the files of the present ones are there */
		if (!l->ns[i].used)
			l->ns[i].pid = one.pid;
		l->ns[i].used = true;
		return;
	}
	if (l->nns == NAMESPACES_MOST || (pid && !one.number && !one.file))
		return;
	one.used = true;
	l->ns = xgrow(l->ns, l->nns, &l->ns_room, sizeof *l->ns);
	l->ns[l->nns++] = one;
}

/* An open connection would keep a namespace whose processes are gone. */
static void
drop_unused(struct socket_list *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->nns; i++)
		if (l->ns[i].used)
			l->ns[kept++] = l->ns[i];
		else
			sock_diag_close(l->ns[i].diag);
	l->nns = kept;
}

static void
find_namespaces(struct socket_list *l)
{
	uint32_t *pids = NULL;
	size_t n = l->scope.all ? list_processes(&pids) : l->npids;

	for (size_t i = 0; i < l->nns; i++)
		l->ns[i].used = false;
	if (l->scope.all || l->npids == 0)
		use_namespace(l, 0);
	for (size_t i = 0; i < n; i++)
		use_namespace(l, l->scope.all ? pids[i] : l->pids[i]);
	free(pids);
	drop_unused(l);
}

void
socket_list_watch(struct socket_list *l, const uint32_t *pids, size_t n)
{
	l->npids = 0;
	for (size_t i = 0; i < n; i++) {
		l->pids = xgrow(l->pids, l->npids, &l->pids_room, sizeof *l->pids);
		l->pids[l->npids++] = pids[i];
	}
	find_namespaces(l);
}

/* NULL: its files must do. */
static struct sock_diag *
diag_of(struct netns *ns)
{
	if (!ns->tried)
		ns->diag = sock_diag_open(ns->pid);
	ns->tried = true;
	return ns->diag;
}

/* ---- Sockets of one type */

static void
drop_candidates(struct socket_list *l, size_t kept)
{
	for (size_t i = kept; i < l->n; i++)
		free(l->v[i].name);
	l->n = kept;
}

static bool
is_listener(const struct sock_row *r)
{
	return r->type != SOCK_OF_UDP && r->state == SOCK_LISTEN;
}

/* Listeners first, then those that wait for an answer again and again, then those with most queued. */
static uint64_t
rank(const struct sock_row *r)
{
	uint64_t queued = r->recvq.v + r->sendq.v;

	return is_listener(r) ? UINT64_MAX :
				queued + (r->figure[FIGURE_TRIES].v > 0 ? (uint64_t)1 << 40 : 0) +
		(r->figure[FIGURE_DROPS].v > 0);
}

static int
by_rank(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	uint64_t i = rank(&x->told.row), k = rank(&y->told.row);

	return i != k ?
	    (i < k) - (i > k) :
	    (x->told.row.inode > y->told.row.inode) - (x->told.row.inode < y->told.row.inode);
}

/* Keeps the listeners and the first SOCKET_LIST_MOST others of the type. */
static void
keep_worst(struct socket_list *l)
{
	size_t first = l->kept;

	if (l->n > first + 1)
		qsort(l->v + first, l->n - first, sizeof *l->v, by_rank);
	while (first < l->n && is_listener(&l->v[first].told.row))
		first++;
	if (l->n <= first + SOCKET_LIST_MOST)
		return;
	l->now.count[l->type].left_out += l->n - first - SOCKET_LIST_MOST;
	drop_candidates(l, first + SOCKET_LIST_MOST);
}

/* The name in an abstract name's place begins with a NUL: '@' stands for it, as in ss. */
static char *
copy_name(struct text t)
{
	char *s = xmalloc(t.n + 1);

	for (size_t i = 0; i < t.n; i++)
		s[i] = t.s[i] ? t.s[i] : '@';
	while (t.n > 1 && !t.s[t.n - 1])
		t.n--;
	s[t.n] = '\0';
	return s;
}

static bool
has_queue(const struct sock_row *r)
{
	return r->recvq.v > 0 || r->sendq.v > 0 || r->figure[FIGURE_TRIES].v > 0 ||
	    (r->type == SOCK_OF_UDP && r->figure[FIGURE_DROPS].v > 0);
}

static void
take(void *ctx, const struct sock_told *told)
{
	struct socket_list *l = ctx;
	const struct sock_row *r = &told->row;
	struct sock_count *c = &l->now.count[l->type];

	if (l->scope.narrow && !l->now.hidden && !socket_owners_has(&l->owners, r->inode))
		return;
	c->sockets++;
	if (!is_listener(r)) {
		c->recvq += r->recvq.v;
		c->sendq += r->sendq.v;
		if (!has_queue(r))
			return;
	}
	l->v = xgrow(l->v, l->n, &l->room, sizeof *l->v);
	struct candidate *one = &l->v[l->n++];
	*one = (struct candidate){ .told = *told };
	if (told->name.n > 0)
		one->name = copy_name(told->name);
	if (l->n >= l->trim_at) {
		keep_worst(l);
		l->trim_at = l->n + TRIM_EVERY;
	}
}

static const uint32_t LISTENERS = 1 << SOCK_LISTEN,
		      STREAMS = 1 << SOCK_ESTAB | 1 << SOCK_SYN_SENT | 1 << SOCK_FIN_WAIT_1 |
    1 << SOCK_FIN_WAIT_2 | 1 << SOCK_CLOSE_WAIT | 1 << SOCK_LAST_ACK | 1 << SOCK_CLOSING;

/* Lists sockets of both families. A kernel without IPv6 has none of it. Returns as sock_diag_dump. */
static int
dump(struct sock_diag *d, struct sock_query q, void (*each)(void *, const struct sock_told *),
    void *ctx)
{
	q.family = q.type == SOCK_OF_TCP ? SOCK_V4_AND_V6 : SOCK_V4;
	int whole = sock_diag_dump(d, &q, each, ctx);

	if (q.type == SOCK_OF_UNIX || (q.type == SOCK_OF_TCP && whole >= 0))
		return whole;
	if (q.type == SOCK_OF_TCP && errno != EINVAL && errno != ENOENT && errno != EOPNOTSUPP)
		return -1;
	if (q.type == SOCK_OF_TCP) { /* this kernel lists one family at a time */
		q.family = SOCK_V4;
		whole = sock_diag_dump(d, &q, each, ctx);
	}
	if (whole < 0)
		return -1;
	q.family = SOCK_V6;
	int more = sock_diag_dump(d, &q, each, ctx);
	return more < 0 && errno != ENOENT ? -1 : whole && more;
}

static int
list(struct socket_list *l, struct sock_diag *d, uint32_t states, bool buffers)
{
	return dump(d, (struct sock_query){ .type = l->type, .states = states, .buffers = buffers },
	    take, l);
}

static int
list_once(struct socket_list *l, struct sock_diag *d)
{
	bool all = !l->scope.listeners;

	if (l->type == SOCK_OF_UDP)
		return all ? list(l, d, UINT32_MAX, true) : 1;
	if (l->type == SOCK_OF_UNIX)
		return list(l, d, all ? LISTENERS | 1 << SOCK_ESTAB : LISTENERS, false);
	int listeners = list(l, d, LISTENERS, true), streams = 1;
	if (listeners >= 0 && all)
		streams = list(l, d, STREAMS, false);
	return listeners < 0 || streams < 0 ? -1 : listeners && streams;
}

static int
dump_type(struct socket_list *l, struct sock_diag *d)
{
	int got = 0;

	for (int tries = 0; tries < TRIES && got == 0; tries++) {
		drop_candidates(l, l->kept);
		l->trim_at = l->n + TRIM_EVERY;
		l->now.count[l->type] = (struct sock_count){ .known = false };
		got = list_once(l, d);
	}
	l->now.changing |= got == 0;
	return got < 0 ? -1 : 0;
}

/* A socket may close before its details are read: then it stays as it was. */
static void
add_details(struct socket_list *l, struct sock_diag *d)
{
	for (size_t i = l->kept; i < l->n && l->type == SOCK_OF_TCP; i++)
		if (!is_listener(&l->v[i].told.row))
			sock_diag_details(d, &l->v[i].told);
}

static void
list_type(struct socket_list *l, struct sock_diag *d)
{
	if (d && dump_type(l, d) == 0) {
		keep_worst(l);
		add_details(l, d);
		l->now.count[l->type].known = true;
	} else {
		drop_candidates(l, l->kept);
		l->now.count[l->type] = (struct sock_count){ .known = false };
	}
	l->kept = l->n;
}

/* ---- The text */

static void
find_owners(struct socket_list *l)
{
	l->ninodes = 0;
	for (size_t i = 0; i < l->n; i++) {
		if (!l->v[i].told.row.inode)
			continue; /* no process has it: it was closed, or is not accepted yet */
		l->inodes = xgrow(l->inodes, l->ninodes, &l->inodes_room, sizeof *l->inodes);
		l->inodes[l->ninodes++] = l->v[i].told.row.inode;
	}
	socket_owners_find(&l->owners, l->inodes, l->ninodes);
}

static void
print_row(struct socket_list *l, struct candidate *c, struct buf *out)
{
	struct sock_row *r = &c->told.row;
	char address[2][SOCK_ADDRESS];
	const struct socket_owner *owner =
	    l->scope.names && r->inode ? socket_owners_get(&l->owners, r->inode) : NULL;

	if (r->type == SOCK_OF_UNIX) {
		r->local = c->name;
	} else {
		r->local =
		    sock_address(address[0], c->told.address[0], c->told.v6, c->told.port[0]);
		r->peer = sock_address(address[1], c->told.address[1], c->told.v6, c->told.port[1]);
	}
	if (owner) {
		r->pid = keyed_of(owner->pid);
		r->owners = keyed_of(owner->owners);
		r->comm = owner->comm;
	}
	sock_row_print(r, out);
}

static void
list_namespace(struct socket_list *l, struct netns *ns, bool hidden)
{
	struct sock_diag *d = diag_of(ns);

	l->now = (struct sock_netns){ .number = ns->number, .pid = ns->pid, .hidden = hidden };
	ns->first = l->n;
	for (int type = 0; type < SOCK_TYPES; type++) {
		l->type = (enum sock_type)type;
		list_type(l, d);
	}
	ns->end = l->n;
	ns->now = l->now;
}

/* The owners of all are looked for at once, as that takes a walk over all processes. */
int
socket_list_print(struct socket_list *l, struct buf *out)
{
	bool hidden = false;

	if (l->nns == 0 || l->scope.all)
		find_namespaces(l);
	if (l->scope.narrow)
		socket_owners_of(&l->owners, l->pids, l->npids, &hidden);
	drop_candidates(l, 0);
	l->kept = 0;
	for (size_t i = 0; i < l->nns; i++)
		list_namespace(l, &l->ns[i], hidden);
	if (l->scope.names && !l->scope.narrow)
		find_owners(l);
	for (size_t i = 0; i < l->nns; i++) {
		sock_netns_print(&l->ns[i].now, out);
		for (size_t k = l->ns[i].first; k < l->ns[i].end; k++)
			print_row(l, &l->v[k], out);
	}
	return 0;
}

/* ---- Ticks */

static void
print_tick(void *ctx, const struct sock_told *told)
{
	struct socket_list *l = ctx;

	if (!is_listener(&told->row) || !told->row.recvq.known)
		return;
	buf_u64(l->out, told->row.inode, 1);
	buf_char(l->out, ' ');
	buf_u64(l->out, told->row.recvq.v, 1);
	buf_char(l->out, '\n');
}

int
socket_list_print_ticks(struct socket_list *l, struct buf *out)
{
	static const struct sock_query queries[] = {
		{ .type = SOCK_OF_TCP, .states = 1 << SOCK_LISTEN },
		{ .type = SOCK_OF_UNIX, .states = 1 << SOCK_LISTEN },
	};
	int got = -1;

	if (l->nns == 0)
		find_namespaces(l);
	l->out = out;
	errno = ENOENT;
	for (size_t i = 0; i < l->nns; i++)
		for (size_t k = 0; k < sizeof queries / sizeof *queries && diag_of(&l->ns[i]); k++)
			if (dump(l->ns[i].diag, queries[k], print_tick, l) >= 0)
				got = 0;
	return got;
}

void
socket_list_close(struct socket_list *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->nns; i++)
		sock_diag_close(l->ns[i].diag);
	drop_candidates(l, 0);
	socket_owners_free(&l->owners);
	free(l->pids);
	free(l->ns);
	free(l->v);
	free(l->inodes);
	free(l);
}
