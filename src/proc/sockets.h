/*
 * sockets: the sockets of network namespaces that have something queued, and the text that keeps them:
 *
 *   netns 4026531840 4242
 *   type tcp netlink 10012 5131 90112 0
 *   type udp netlink 4 0 0 0
 *   type unix files
 *   socket tcp LISTEN 0.0.0.0:80 0.0.0.0:0 81712 5001 0 507 511 4242 1 nginx drops=9
 *   socket tcp ESTAB 10.0.0.1:80 10.0.0.9:40112 81790 5040 33 5131 0 4242 1 nginx rtt=812 …
 *
 * A namespace begins with its number and the number of a process in it. For each type a line says that
 * these lines are complete, how many sockets there are, the bytes in all of their receive and send
 * queues, and how many sockets with something queued were left out because others have more; or that
 * the files of the process in /proc/PID/net have them. A socket has type, state, local address, peer,
 * inode, cookie, user, receive and send queue, process, number of processes that have it open, and that
 * process's name; "-" is unknown. Figures follow if they are known. Names and addresses have bytes that
 * are no part of a word, and a backslash, as \ooo. The kernel has no such file: src/netlink makes it.
 */
#ifndef PQ_PROC_SOCKETS_H
#define PQ_PROC_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

enum sock_type { SOCK_OF_TCP, SOCK_OF_UDP, SOCK_OF_UNIX, SOCK_TYPES };

/* As the kernel numbers them (net/tcp_states.h). */
enum sock_state {
	SOCK_STATE_NONE,
	SOCK_ESTAB,
	SOCK_SYN_SENT,
	SOCK_SYN_RECV,
	SOCK_FIN_WAIT_1,
	SOCK_FIN_WAIT_2,
	SOCK_TIME_WAIT,
	SOCK_CLOSE,
	SOCK_CLOSE_WAIT,
	SOCK_LAST_ACK,
	SOCK_LISTEN,
	SOCK_CLOSING,
	SOCK_STATES
};

/* Bytes unless the name says otherwise. */
enum sock_figure {
	FIGURE_RMEM,    /* memory in the receive buffer, and its limit */
	FIGURE_RCVBUF,  /* … */
	FIGURE_WMEM,    /* memory in the send buffer, and its limit */
	FIGURE_SNDBUF,  /* … */
	FIGURE_DROPS,   /* packets dropped at this socket, ever */
	FIGURE_UNSENT,  /* not sent yet, of the send queue */
	FIGURE_RTT_US,  /* smoothed round-trip time */
	FIGURE_RETRANS, /* segments sent again, ever */
	FIGURE_TRIES, /* times the oldest unacknowledged segment was sent again without an answer */
	FIGURE_RECV_MS,  /* since data came last */
	FIGURE_ACK_MS,   /* since an acknowledgement came last */
	FIGURE_RECEIVED, /* bytes that ever came, in order */
	FIGURE_WINDOW,   /* what the peer can take */
	FIGURE_RWND_US,  /* time in which the peer's window held back sending, ever */
	FIGURE_SND_US,   /* time in which the send buffer held back sending, ever */
	SOCK_FIGURES
};

struct sock_row {
	enum sock_type type;
	enum sock_state state;
	const char *local, *peer;
	uint64_t inode, cookie;
	uint32_t uid;
	/* of a listener, connections to be accepted, and its backlog; else unread bytes, and bytes that
	 * are not sent or not acknowledged. Without the FIN, which the kernel counts as a byte. */
	struct keyed recvq, sendq;
	struct keyed pid, owners; /* a process that has it open, and how many have */
	const char *comm;         /* its name; NULL: unknown */
	struct keyed figure[SOCK_FIGURES];
};

/* What is known of the sockets of one type in a namespace. */
struct sock_count {
	bool known; /* by netlink; else the files have them */
	uint64_t sockets, recvq, sendq, left_out;
};

struct sock_netns {
	uint64_t number; /* inode of the namespace; 0: unknown */
	uint64_t pid;    /* a process in it; 0: pq itself */
	bool changing, hidden;
	struct sock_count count[SOCK_TYPES];
	struct sock_row *v;
	size_t n, room;
};

extern const char *const sock_type_names[];  /* tcp, udp, unix */
extern const char *const sock_state_names[]; /* as ss names them */

/* The bytes in a queue of a TCP socket without the FIN. */
uint64_t sock_without_fin(enum sock_state state, uint64_t queue, bool receive);

/* Appends the line of a socket. */
void sock_row_print(const struct sock_row *r, struct buf *out);

/* Appends the lines that begin a namespace. */
void sock_netns_print(const struct sock_netns *s, struct buf *out);

/* Parses the text into namespaces in the arena, and skips lines with other keys. 0, or -1 with EINVAL:
 * the text is damaged. */
int sock_parse(struct text t, struct arena *a, struct sock_netns **v, size_t *n);

/* Adds a row to the namespace, in the arena. */
struct sock_row *sock_row_add(struct sock_netns *s, struct arena *a);

/* Prints "10.0.0.1:80" or "[::1]:80"; `bytes` has 4 or 16 bytes in network order. Returns out. */
enum { SOCK_ADDRESS = 64 };
const char *sock_address(char out[SOCK_ADDRESS], const void *bytes, bool v6, unsigned port);

/* The lengths of accept queues, at a tick: the text has lines "INODE LENGTH". */
bool sock_tick_line(struct text *rest, uint64_t *inode, uint64_t *length);

#endif
