/* sock_diag: asks the kernel for the sockets of a network namespace by netlink (sock_diag(7)): one request
 * for all sockets of a family and some states, or for the details of one. */
#ifndef PQ_NETLINK_SOCK_DIAG_H
#define PQ_NETLINK_SOCK_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proc/sockets.h"

/* A connection to the kernel. The namespace lives at least as long as it. */
struct sock_diag;

/* Opens a connection in the network namespace of a process, which may be that of the caller; 0: the
 * caller's. The caller stays in its own. NULL with errno: EPERM or EACCES without the right to enter the
 * namespace, EPROTONOSUPPORT if the kernel has no sock_diag. */
struct sock_diag *sock_diag_open(uint32_t pid);

/* A socket as the kernel tells it. Unix sockets have a name instead of addresses. */
struct sock_told {
	struct sock_row row;          /* without names, process and addresses */
	unsigned char address[2][16]; /* local, peer: 4 or 16 bytes of them, in network order */
	uint16_t port[2];
	bool v6;
	struct text name;   /* of a unix socket; valid during the call */
	uint32_t interface; /* that it is bound to, or 0 */
};

/* What to ask for. */
struct sock_query {
	enum sock_type type;
	/* of tcp and udp; of tcp, both families at once take half the time of one after the other */
	enum sock_family { SOCK_V4, SOCK_V6, SOCK_V4_AND_V6 } family;
	uint32_t states; /* as bits: 1 << SOCK_LISTEN */
	bool buffers;    /* with the memory and drops of each */
};

/* Calls `each` with every such socket. Returns 1; 0 if sockets changed so much meanwhile that some may be
 * missing or there twice (NLM_F_DUMP_INTR); -1 with errno: ENOENT if the kernel module for them is missing,
 * EINVAL if it cannot list both families at once, EPROTO an answer was cut short. */
int sock_diag_dump(struct sock_diag *d, const struct sock_query *q,
    void (*each)(void *ctx, const struct sock_told *s), void *ctx);

/* Adds the details of a TCP socket to s->row: those of tcp_info, memory, and its queues at that time.
 * Returns 0, or -1 with errno: ENOENT if it has gone. */
int sock_diag_details(struct sock_diag *d, struct sock_told *s);

void sock_diag_close(struct sock_diag *d);

#endif
