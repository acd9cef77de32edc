/* The list of sockets, before a kernel that this test makes up: it takes the place of libc's calls. */
#undef _FORTIFY_SOURCE /* with it, recv is a function of the headers */
#include "netlink/socket_list.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "unit.h"

enum { TYPE_ERROR = 2, TYPE_DONE = 3, TYPE_BOTH = 18, TYPE_FAMILY = 20, INTERRUPTED = 0x10 };

struct head {
	uint32_t length;
	uint16_t type, flags;
	uint32_t sequence, port;
};

struct told {
	struct head head;
	uint8_t family, state, timer, retrans;
	uint16_t port[2];
	uint32_t address[2][4], interface, cookie[2];
	uint32_t expires, rqueue, wqueue, uid, inode;
};

/* What the kernel does. */
static struct {
	bool no_v6;           /* it has no IPv6, and cannot list both families at once */
	int interrupted;      /* so many answers are */
	bool interrupted_end; /* their last message tells, and no other */
	size_t cut;           /* that many bytes are missing from each answer */
	int error;            /* of each answer; 0: none */
	bool stale;           /* a message of an older request comes first */
	/* what it was asked for: */
	int asked;
	struct head request;
	uint8_t family;
} kernel;

int
socket(int domain, int type, int protocol)
{
	(void)domain, (void)type, (void)protocol;
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	(void)fd, (void)flags;
	memcpy(&kernel.request, m->msg_iov[0].iov_base, sizeof kernel.request);
	kernel.family = *(const uint8_t *)m->msg_iov[1].iov_base;
	kernel.asked += kernel.request.type == TYPE_BOTH || kernel.family != AF_UNIX;
	return (ssize_t)kernel.request.length;
}

static int
error_now(void)
{
	if (kernel.no_v6 && kernel.request.type == TYPE_BOTH)
		return EINVAL;
	return kernel.no_v6 && kernel.family == AF_INET6 ? ENOENT : kernel.error;
}

/* One datagram has the whole answer: a socket with 7 unread bytes, and the end. */
ssize_t
recv(int fd, void *out, size_t n, int flags)
{
	struct {
		struct told told;
		struct head end;
		int32_t error;
	} answer = {
		.told = { .head = { sizeof answer.told, TYPE_FAMILY, 0, kernel.request.sequence,
			      0 },
		    .family = AF_INET,
		    .state = SOCK_ESTAB,
		    .inode = 9,
		    .rqueue = 7 },
		.end = { sizeof answer.end + sizeof answer.error,
		    error_now() ? TYPE_ERROR : TYPE_DONE, 0, kernel.request.sequence, 0 },
		.error = -error_now(),
	};
	bool unix_socket = kernel.request.type == TYPE_FAMILY && kernel.family == AF_UNIX;
	(void)fd, (void)flags;

	if (unix_socket || error_now()) /* there are none */
		answer.told.head.sequence--;
	if (kernel.stale)
		answer.told.head.sequence--;
	if (kernel.interrupted > 0) {
		kernel.interrupted--;
		*(kernel.interrupted_end ? &answer.end.flags : &answer.told.head.flags) =
		    INTERRUPTED;
	}
	size_t whole = sizeof answer - kernel.cut;
	memcpy(out, &answer, whole < n ? whole : n);
	return (ssize_t)whole;
}

static void
count(void *ctx, const struct sock_told *s)
{
	*(int *)ctx += s->row.recvq.v == 7;
}

/* What sock_diag_dump returns, or the negative errno; *sockets: how many it told. */
static int
dump(int *sockets)
{
	const struct sock_query q = { .family = SOCK_V4_AND_V6, .states = UINT32_MAX };
	struct sock_diag *d = sock_diag_open(0);

	*sockets = 0;
	int got = sock_diag_dump(d, &q, count, sockets), error = errno;
	sock_diag_close(d);
	return got < 0 ? -error : got;
}

static void
reads_answers(void)
{
	int sockets;

	CHECK_INT(dump(&sockets), 1);
	CHECK_INT(sockets, 1);
	kernel.interrupted = 1;
	CHECK_INT(dump(&sockets), 0);
	CHECK_INT(sockets, 1);
	kernel.interrupted = 1;
	kernel.interrupted_end = true;
	CHECK_INT(dump(&sockets), 0);
	kernel.interrupted_end = false;
	kernel.stale = true;
	CHECK_INT(dump(&sockets), 1);
	CHECK_INT(sockets, 0);
	kernel.stale = false;
	kernel.error = EPERM;
	CHECK_INT(dump(&sockets), -EPERM);
	kernel.error = 0;
}

/* The answer ends in its last message, in the head of that, in the first message, or is empty. */
static void
refuses_what_was_cut_short(void)
{
	const size_t cuts[] = { 1, 4, 5, 19, 21, 60, 91, 92, 111, 112 };
	int sockets;

	for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
		kernel.cut =
		    cuts[i] < sizeof(struct told) + 20 ? cuts[i] : sizeof(struct told) + 20;
		if (kernel.cut != 20)
			CHECK_INT(dump(&sockets), -EPROTO);
	}
	kernel.cut = 0;
}

static void
print_list(struct buf *out)
{
	const struct socket_scope scope = { .names = false };
	struct socket_list *l = socket_list_open(&scope);

	out->n = 0;
	kernel.asked = 0;
	CHECK_INT(socket_list_print(l, out), 0);
	buf_char(out, '\0');
	socket_list_close(l);
}

/* Details are asked for socket by socket, in the same way as lists. */
static void
repeats_what_was_interrupted(void)
{
	struct buf out = { 0 };

	print_list(&out);
	int usual = kernel.asked;
	CHECK(!strstr(out.s, "mark changing"));
	CHECK(strstr(out.s, "type tcp netlink 2 14 0 0\n") != NULL);
	kernel.interrupted = 1;
	print_list(&out);
	CHECK(!strstr(out.s, "mark changing"));
	CHECK(strstr(out.s, "type tcp netlink 2 14 0 0\n") != NULL);
	CHECK_INT(kernel.asked, usual + 2);
	kernel.interrupted = 1000;
	print_list(&out);
	CHECK(strstr(out.s, "mark changing\n") != NULL);
	CHECK(strstr(out.s, "type tcp netlink 2 14 0 0\n") != NULL);
	kernel.interrupted = 0;
	buf_free(&out);
}

static void
needs_no_v6(void)
{
	struct buf out = { 0 };

	kernel.no_v6 = true;
	print_list(&out);
	CHECK(strstr(out.s, "type tcp netlink 2 14 0 0\n") != NULL);
	CHECK(strstr(out.s, "type udp netlink 1 7 0 0\n") != NULL);
	kernel.no_v6 = false;
	kernel.error = ENOENT;
	print_list(&out);
	CHECK(strstr(out.s, "type tcp files\ntype udp files\ntype unix files\n") != NULL);
	kernel.error = 0;
	buf_free(&out);
}

int
main(void)
{
	unit_test("answers of the kernel: whole, interrupted, late, refused", reads_answers);
	unit_test("an answer that was cut short is refused", refuses_what_was_cut_short);
	unit_test(
	    "an interrupted list is asked for again, three times", repeats_what_was_interrupted);
	unit_test("a kernel without IPv6, and one without sock_diag", needs_no_v6);
	return unit_done();
}
