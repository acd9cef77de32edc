/* socket_list: the sockets of the network namespaces of a target that have something queued, as text:
 * see proc/sockets.h. Of many the ones that have most queued are listed. */
#ifndef PQ_NETLINK_SOCKET_LIST_H
#define PQ_NETLINK_SOCKET_LIST_H

#include "base/buf.h"
#include "netlink/sock_diag.h"

/* How many of the sockets of each type with something queued are listed; all listeners are. */
enum { SOCKET_LIST_MOST = 256 };

struct socket_scope {
	bool all;       /* all network namespaces that processes in /proc are in */
	bool narrow;    /* only sockets that the processes have open */
	bool listeners; /* only listeners */
	bool names;     /* with the processes that have them open */
};

struct socket_list;

struct socket_list *socket_list_open(const struct socket_scope *scope);

/* From now on it is about these processes: none is the caller's own namespace, and all its sockets. */
void socket_list_watch(struct socket_list *l, const uint32_t *pids, size_t n);

/* Appends the text. Always 0: what could not be read is marked in the text. */
int socket_list_print(struct socket_list *l, struct buf *out);

/* Appends the lengths of accept queues now. 0, or -1 with errno if netlink has none of them. */
int socket_list_print_ticks(struct socket_list *l, struct buf *out);

void socket_list_close(struct socket_list *l);

#endif
