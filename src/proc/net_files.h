/* net_files: the files in /proc/net about sockets, and about how packets come in. */
#ifndef PQ_PROC_NET_FILES_H
#define PQ_PROC_NET_FILES_H

#include "base/arena.h"
#include "base/text.h"
#include "proc/sockets.h"

/* Adds the sockets of a file to the namespace: tcp and tcp6, or udp and udp6. Listeners are added, and
 * sockets with something queued; all are counted in s->count. Their figures are those that the file
 * has. Lines that are damaged are skipped. */
void net_sockets_parse(
    struct text t, enum sock_type type, bool v6, struct arena *a, struct sock_netns *s);

/* Finds n keys of pairs of lines "NAME: KEY KEY …" and "NAME: NUMBER NUMBER …", as in netstat and snmp.
 * The name has its colon. */
void net_counters_parse(
    struct text t, const char *name, const char *const *keys, size_t n, struct keyed *out);

/* The file softnet_stat: a line for each CPU that is online. */
struct softnet {
	unsigned cpu;
	struct keyed processed, dropped, squeezed; /* packets, packets, times */
	struct keyed backlog;                      /* packets in its queue now; since Linux 5.10 */
};

/* Parses it into an array in the arena. Lines are numbered where the file does not have the number of
 * the CPU (Linux before 5.10). Returns how many there are. */
size_t softnet_parse(struct text t, struct arena *a, struct softnet **out);

/* The packets that a network card dropped, of all interfaces but the loopback: the file dev. */
struct keyed net_device_drops(struct text t);

#endif
