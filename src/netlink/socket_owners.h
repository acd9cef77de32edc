/* socket_owners: which processes have a socket open: the links /proc/PID/fd/N, "socket:[INODE]". */
#ifndef PQ_NETLINK_SOCKET_OWNERS_H
#define PQ_NETLINK_SOCKET_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct socket_owner {
	uint64_t inode;
	uint32_t pid; /* the process with the lowest number; 0: none was found */
	uint32_t thread,
	    fd;          /* where it was found: its first thread, or another if that has ended */
	uint32_t owners; /* how many processes have it open */
	unsigned lost;   /* walks in a row that did not find one */
	char comm[64];
};

/* Zero-initialise to start. */
struct socket_owners {
	struct socket_owner *v; /* by inode */
	size_t n, room;
	int64_t walked_ns, cost_ns; /* when the processes were last walked over, and its CPU time */
};

/* Adds the sockets that these processes have open; *hidden is set if the files of one cannot be read. */
void socket_owners_of(struct socket_owners *o, const uint32_t *pids, size_t n, bool *hidden);

/* Finds the visible owners of these sockets. Walks over all processes only if an owner is unknown, or has
 * closed its socket. The walks take at most 2 % of a CPU. If no visible process has a socket, it is looked
 * for again after ten seconds, and then after twice as long each time, up to about ten minutes. Sorts the
 * inodes. */
void socket_owners_find(struct socket_owners *o, uint64_t *inodes, size_t n);

bool socket_owners_has(const struct socket_owners *o, uint64_t inode);

/* With its name. NULL: not known. */
const struct socket_owner *socket_owners_get(struct socket_owners *o, uint64_t inode);

void socket_owners_free(struct socket_owners *o);

/* Lists the processes in /proc; the caller frees *pids. Returns how many. */
size_t list_processes(uint32_t **pids);

/* A thread of the process other than its first; 0 if there is none. If the first has ended, it has no files,
 * sockets or namespaces any more, and the others have those of the process. */
uint32_t other_thread(uint32_t pid);

#endif
