/* sock_diag: requests and answers of NETLINK_SOCK_DIAG. */
#include "netlink/sock_diag.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fail.h"

/* ---- What the kernel's headers have (include/uapi/linux: netlink.h, sock_diag.h, inet_diag.h and
 * unix_diag.h), which libc does not bring along */

enum {
	NETLINK_SOCK_DIAG = 4,
	NLMSG_ERROR = 2,
	NLMSG_DONE = 3,
	NLM_F_REQUEST = 0x1,
	NLM_F_DUMP_INTR = 0x10,
	NLM_F_DUMP = 0x300,
	NLA_TYPE = 0x3fff,
	TCPDIAG_GETSOCK = 18,
	SOCK_DIAG_BY_FAMILY = 20
};

enum { INET_DIAG_INFO = 2, INET_DIAG_SKMEMINFO = 7, UNIX_DIAG_NAME = 0, UNIX_DIAG_RQLEN = 4 };

enum { UDIAG_SHOW_NAME = 0x1, UDIAG_SHOW_RQLEN = 0x10 };

/* Of the numbers in SKMEMINFO. */
enum {
	MEMINFO_RMEM_ALLOC,
	MEMINFO_RCVBUF,
	MEMINFO_WMEM_ALLOC,
	MEMINFO_SNDBUF,
	MEMINFO_WMEM_QUEUED = 5,
	MEMINFO_DROPS = 8
};

struct message_head {
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, port;
};

struct attribute_head {
	uint16_t length, type;
};

struct netlink_address {
	uint16_t family, pad;
	uint32_t port, groups;
};

struct inet_id {
	uint16_t port[2]; /* own, peer, in network order */
	uint32_t address[2][4];
	uint32_t interface, cookie[2];
};

struct inet_request {
	uint8_t family, protocol, extensions, pad;
	uint32_t states;
	struct inet_id id;
};

/* The request of Linux before 3.3: without a family it is about both. */
struct old_request {
	uint8_t family, source_bits, target_bits, extensions;
	struct inet_id id;
	uint32_t states, end;
};

struct inet_message {
	uint8_t family, state, timer, retrans;
	struct inet_id id;
	uint32_t expires, rqueue, wqueue, uid, inode;
};

struct unix_request {
	uint8_t family, protocol;
	uint16_t pad;
	uint32_t states, inode, show, cookie[2];
};

struct unix_message {
	uint8_t family, type, state, pad;
	uint32_t inode, cookie[2];
};

/* The kernel fills at most 32 KB of an answer. */
enum { ANSWER = 32768 };

struct sock_diag {
	int fd;
	uint32_t sequence;
	union {
		struct message_head align;
		char bytes[ANSWER];
	} answer;
};

/* ---- The namespace */

/* The file that names the namespace of a process. */
static const char *
netns_path(char out[40], uint32_t pid)
{
	snprintf(out, 40, "/proc/%u/ns/net", pid);
	return out;
}

static int
open_socket(void)
{
	/* a kernel that does not answer must not stop pq */
	const struct timeval patience = { 2, 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	return fd;
}

struct entry {
	int netns, fd, error;
};

/* Only this thread enters the namespace. A socket stays in the one that it was made in. */
static void *
enter(void *arg)
{
	struct entry *e = arg;

	e->fd = setns(e->netns, CLONE_NEWNET) < 0 ? -1 : open_socket();
	e->error = errno;
	return NULL;
}

static int
open_elsewhere(int netns)
{
	struct entry e = { .netns = netns, .fd = -1 };
	pthread_t thread;
	int error = pthread_create(&thread, NULL, enter, &e);

	if (error)
		return fail_with(error);
	pthread_join(thread, NULL);
	return e.fd < 0 ? fail_with(e.error) : e.fd;
}

/* The file of a namespace has the same number wherever it is looked at; so have files of /proc/PID/net,
 * which may be looked at without the right to enter it. */
static bool
is_own_netns(uint32_t pid)
{
	struct stat own, other;
	char path[40];

	if (stat("/proc/self/ns/net", &own) == 0 && stat(netns_path(path, pid), &other) == 0)
		return own.st_ino == other.st_ino && own.st_dev == other.st_dev;
	snprintf(path, sizeof path, "/proc/%u/net/netstat", pid);
	return stat("/proc/self/net/netstat", &own) == 0 && stat(path, &other) == 0 &&
	    own.st_ino == other.st_ino && own.st_dev == other.st_dev;
}

static int
open_of_process(uint32_t pid)
{
	char path[40];

	if (pid == 0 || is_own_netns(pid))
		return open_socket();
	int netns = open(netns_path(path, pid), O_RDONLY | O_CLOEXEC);
	if (netns < 0)
		return -1;
	int fd = open_elsewhere(netns), error = errno;
	close(netns);
	errno = error;
	return fd;
}

struct sock_diag *
sock_diag_open(uint32_t pid)
{
	int fd = open_of_process(pid);

	if (fd < 0)
		return NULL;
	struct sock_diag *d = xmalloc(sizeof *d);
	d->fd = fd;
	d->sequence = 0;
	return d;
}

void
sock_diag_close(struct sock_diag *d)
{
	if (d)
		close(d->fd);
	free(d);
}

/* ---- Attributes */

static size_t
aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The next attribute of a message; false at the end, or if it is cut short. */
static bool
next_attribute(struct text *rest, unsigned *type, struct text *value)
{
	struct attribute_head head;

	if (rest->n < sizeof head)
		return false;
	memcpy(&head, rest->s, sizeof head);
	if (head.length < sizeof head || head.length > rest->n)
		return false;
	size_t whole = aligned(head.length);
	*type = head.type & NLA_TYPE;
	*value = (struct text){ rest->s + sizeof head, head.length - sizeof head };
	*rest = whole < rest->n ? (struct text){ rest->s + whole, rest->n - whole } :
				  (struct text){ rest->s + rest->n, 0 };
	return true;
}

/* A number at that place of an attribute; unknown if an older kernel's is shorter. */
static struct keyed
u32_at(struct text t, size_t at)
{
	uint32_t v;

	if (at + sizeof v > t.n)
		return (struct keyed){ .known = false };
	memcpy(&v, t.s + at, sizeof v);
	return keyed_of(v);
}

static struct keyed
u64_at(struct text t, size_t at)
{
	uint64_t v;

	if (at + sizeof v > t.n)
		return (struct keyed){ .known = false };
	memcpy(&v, t.s + at, sizeof v);
	return keyed_of(v);
}

/* MEMINFO_* of linux/sock_diag.h. The memory that data to be sent takes is WMEM_QUEUED of TCP. */
static void
take_memory(struct text t, struct sock_row *r)
{
	const size_t word = sizeof(uint32_t);

	r->figure[FIGURE_RMEM] = u32_at(t, MEMINFO_RMEM_ALLOC * word);
	r->figure[FIGURE_RCVBUF] = u32_at(t, MEMINFO_RCVBUF * word);
	r->figure[FIGURE_WMEM] =
	    u32_at(t, (r->type == SOCK_OF_TCP ? MEMINFO_WMEM_QUEUED : MEMINFO_WMEM_ALLOC) * word);
	r->figure[FIGURE_SNDBUF] = u32_at(t, MEMINFO_SNDBUF * word);
	r->figure[FIGURE_DROPS] = u32_at(t, MEMINFO_DROPS * word);
}

/* The fields of struct tcp_info (linux/tcp.h), which the headers of libc have only in part. */
static void
take_tcp_info(struct text t, struct sock_row *r)
{
	enum {
		RETRANSMITS = 2,
		LAST_DATA_RECV = 52,
		LAST_ACK_RECV = 56,
		RTT = 68,
		TOTAL_RETRANS = 100,
		BYTES_RECEIVED = 128,
		NOTSENT_BYTES = 144,
		RWND_LIMITED = 176,
		SNDBUF_LIMITED = 184,
		SND_WND = 228
	};

	if (t.n > RETRANSMITS)
		r->figure[FIGURE_TRIES] = keyed_of((unsigned char)t.s[RETRANSMITS]);
	r->figure[FIGURE_RECV_MS] = u32_at(t, LAST_DATA_RECV);
	r->figure[FIGURE_ACK_MS] = u32_at(t, LAST_ACK_RECV);
	r->figure[FIGURE_RTT_US] = u32_at(t, RTT);
	r->figure[FIGURE_RETRANS] = u32_at(t, TOTAL_RETRANS);
	r->figure[FIGURE_RECEIVED] = u64_at(t, BYTES_RECEIVED);
	r->figure[FIGURE_UNSENT] = u32_at(t, NOTSENT_BYTES);
	r->figure[FIGURE_RWND_US] = u64_at(t, RWND_LIMITED);
	r->figure[FIGURE_SND_US] = u64_at(t, SNDBUF_LIMITED);
	r->figure[FIGURE_WINDOW] = u32_at(t, SND_WND);
	if (r->figure[FIGURE_RTT_US].v == 0)
		r->figure[FIGURE_RTT_US].known = false; /* not measured yet */
}

/* ---- Messages */

static uint64_t
cookie_of(const uint32_t cookie[2])
{
	return (uint64_t)cookie[1] << 32 | cookie[0];
}

/* The numbers of attributes mean something else for unix sockets. */
static void
take_attribute(struct sock_told *s, unsigned type, struct text value)
{
	struct sock_row *r = &s->row;

	if (r->type == SOCK_OF_UNIX && type == UNIX_DIAG_NAME) {
		s->name = value;
	} else if (r->type == SOCK_OF_UNIX && type == UNIX_DIAG_RQLEN) {
		r->recvq = u32_at(value, 0);
		r->sendq = u32_at(value, sizeof(uint32_t));
	} else if (r->type != SOCK_OF_UNIX && type == INET_DIAG_SKMEMINFO) {
		take_memory(value, r);
	} else if (r->type == SOCK_OF_TCP && type == INET_DIAG_INFO && r->state != SOCK_LISTEN) {
		take_tcp_info(value, r);
	}
}

static void
take_inet(const struct inet_message *m, struct sock_told *s)
{
	struct sock_row *r = &s->row;
	bool tcp = r->type == SOCK_OF_TCP;

	s->v6 = m->family == AF_INET6;
	for (int i = 0; i < 2; i++)
		memcpy(
		    s->address[i], i ? m->id.address[1] : m->id.address[0], sizeof s->address[i]);
	s->port[0] = ntohs(m->id.port[0]);
	s->port[1] = ntohs(m->id.port[1]);
	s->interface = m->id.interface;
	r->state = m->state < SOCK_STATES ? (enum sock_state)m->state : SOCK_STATE_NONE;
	r->recvq = keyed_of(tcp ? sock_without_fin(r->state, m->rqueue, true) : m->rqueue);
	r->sendq = keyed_of(tcp ? sock_without_fin(r->state, m->wqueue, false) : m->wqueue);
	r->inode = m->inode;
	r->uid = m->uid;
	r->cookie = cookie_of(m->id.cookie);
	if (tcp && m->timer == 1)
		r->figure[FIGURE_TRIES] = keyed_of(m->retrans);
}

static void
take_unix(const struct unix_message *m, struct sock_row *r)
{
	r->state = m->state < SOCK_STATES ? (enum sock_state)m->state : SOCK_STATE_NONE;
	r->inode = m->inode;
	r->cookie = cookie_of(m->cookie);
}

/* Fills all but s->row.type, which says what the message is about. False if it is cut short. */
static bool
take_message(struct text body, struct sock_told *s)
{
	union {
		struct inet_message inet;
		struct unix_message local;
	} m;
	bool local = s->row.type == SOCK_OF_UNIX;
	size_t n = local ? sizeof m.local : sizeof m.inet;
	struct text rest, value;
	unsigned type;

	if (body.n < n)
		return false;
	memcpy(&m, body.s, n);
	if (local)
		take_unix(&m.local, &s->row);
	else
		take_inet(&m.inet, s);
	for (rest = (struct text){ body.s + n, body.n - n }; next_attribute(&rest, &type, &value);)
		take_attribute(s, type, value);
	return true;
}

static int
send_request(struct sock_diag *d, uint16_t type, void *body, size_t n, int flags)
{
	struct message_head head = { .length = (uint32_t)(sizeof head + n),
		.type = type,
		.flags = (uint16_t)(NLM_F_REQUEST | flags),
		.sequence = ++d->sequence };
	struct netlink_address kernel = { .family = AF_NETLINK };
	struct iovec parts[] = { { &head, sizeof head }, { body, n } };
	const struct msghdr m = {
		.msg_name = &kernel, .msg_namelen = sizeof kernel, .msg_iov = parts, .msg_iovlen = 2
	};
	ssize_t sent;

	do
		sent = sendmsg(d->fd, &m, 0);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

/* Receives messages into d->answer. A message of 0 bytes, or one that did not fit, is cut short. */
static int
receive(struct sock_diag *d, struct text *out)
{
	ssize_t n;

	do
		n = recv(d->fd, d->answer.bytes, sizeof d->answer.bytes, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (n == 0 || (size_t)n > sizeof d->answer.bytes)
		return fail_with(EPROTO);
	*out = (struct text){ d->answer.bytes, (size_t)n };
	return 0;
}

/* The next message of an answer: 1; 0 at the end, -1 if it is cut short. */
static int
next_message(struct text *rest, struct message_head *head, struct text *body)
{
	if (rest->n == 0)
		return 0;
	if (rest->n < sizeof *head)
		return fail_with(EPROTO);
	memcpy(head, rest->s, sizeof *head);
	if (head->length < sizeof *head || head->length > rest->n)
		return fail_with(EPROTO);
	size_t whole = aligned(head->length);
	*body = (struct text){ rest->s + sizeof *head, head->length - sizeof *head };
	*rest = whole < rest->n ? (struct text){ rest->s + whole, rest->n - whole } :
				  (struct text){ rest->s + rest->n, 0 };
	return 1;
}

/* The error of NLMSG_ERROR or NLMSG_DONE, which have it first. */
static int
error_of(struct text body)
{
	struct keyed v = u32_at(body, 0);
	int error = v.known ? -(int)(uint32_t)v.v : EPROTO;

	return error ? fail_with(error > 0 ? error : EPROTO) : 0;
}

/* Reads the answer to the last request up to its end. A dump ends with NLMSG_DONE; the answer about one
 * socket has one message. Returns as sock_diag_dump. */
static int
read_answer(struct sock_diag *d, bool dump, enum sock_type type,
    void (*each)(void *ctx, const struct sock_told *s), void *ctx)
{
	int whole = 1, got;

	for (;;) {
		struct text rest, body;
		struct message_head head;
		if (receive(d, &rest) < 0)
			return -1;
		while ((got = next_message(&rest, &head, &body)) > 0) {
			if (head.sequence != d->sequence)
				continue; /* of a request that was given up */
			if (head.flags & NLM_F_DUMP_INTR)
				whole = 0;
			if (head.type == NLMSG_ERROR)
				return error_of(body);
			if (head.type == NLMSG_DONE)
				return error_of(body) < 0 ? -1 : whole;
			struct sock_told s = { .row = { .type = type } };
			if (!take_message(body, &s))
				return fail_with(EPROTO);
			each(ctx, &s);
			if (!dump)
				return 1;
		}
		if (got < 0)
			return -1;
	}
}

static uint8_t
protocol_of(enum sock_type type)
{
	return type == SOCK_OF_TCP ? IPPROTO_TCP : IPPROTO_UDP;
}

static uint8_t
extensions_of(const struct sock_query *q)
{
	return q->buffers ? 1 << (INET_DIAG_SKMEMINFO - 1) : 0;
}

static int
ask(struct sock_diag *d, const struct sock_query *q)
{
	struct inet_request inet = { .family = q->family == SOCK_V6 ? AF_INET6 : AF_INET,
		.protocol = protocol_of(q->type),
		.extensions = extensions_of(q),
		.states = q->states };
	struct old_request both = { .extensions = extensions_of(q), .states = q->states };
	struct unix_request local = {
		.family = AF_UNIX, .states = q->states, .show = UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN
	};

	if (q->type == SOCK_OF_UNIX)
		return send_request(d, SOCK_DIAG_BY_FAMILY, &local, sizeof local, NLM_F_DUMP);
	if (q->family == SOCK_V4_AND_V6 && q->type != SOCK_OF_TCP)
		return fail_with(EINVAL);
	if (q->family == SOCK_V4_AND_V6)
		return send_request(d, TCPDIAG_GETSOCK, &both, sizeof both, NLM_F_DUMP);
	return send_request(d, SOCK_DIAG_BY_FAMILY, &inet, sizeof inet, NLM_F_DUMP);
}

int
sock_diag_dump(struct sock_diag *d, const struct sock_query *q,
    void (*each)(void *ctx, const struct sock_told *s), void *ctx)
{
	return ask(d, q) < 0 ? -1 : read_answer(d, true, q->type, each, ctx);
}

static void
take_details(void *ctx, const struct sock_told *s)
{
	struct sock_row *r = ctx;

	r->state = s->row.state;
	r->recvq = s->row.recvq;
	r->sendq = s->row.sendq;
	memcpy(r->figure, s->row.figure, sizeof r->figure);
}

int
sock_diag_details(struct sock_diag *d, struct sock_told *s)
{
	struct inet_request q = { .family = s->v6 ? AF_INET6 : AF_INET,
		.protocol = protocol_of(s->row.type),
		.extensions = 1 << (INET_DIAG_SKMEMINFO - 1) | 1 << (INET_DIAG_INFO - 1),
		.states = UINT32_MAX,
		.id = { .port = { htons(s->port[0]), htons(s->port[1]) },
		    .interface = s->interface,
		    .cookie = { (uint32_t)s->row.cookie, (uint32_t)(s->row.cookie >> 32) } } };

	memcpy(q.id.address[0], s->address[0], sizeof q.id.address[0]);
	memcpy(q.id.address[1], s->address[1], sizeof q.id.address[1]);
	if (send_request(d, SOCK_DIAG_BY_FAMILY, &q, sizeof q, 0) < 0)
		return -1;
	return read_answer(d, false, s->row.type, take_details, &s->row) < 0 ? -1 : 0;
}
