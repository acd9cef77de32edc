/* sock: what the rows of pq sock and the reading of its snapshots share. */
#ifndef PQ_TOOLS_SOCK_SOCK_H
#define PQ_TOOLS_SOCK_SOCK_H

#include "base/buf.h"
#include "base/map.h"
#include "proc/sockets.h"
#include "tools/targets.h"
#include "tools/tool.h"

enum { SOCK_COLUMNS = SOCK_NETNS + 1 };

struct sock_options {
	bool listeners; /* -l */
	bool totals;    /* --totals */
	struct cpu_choice cpus;
	unsigned rows;   /* at most; 0: all */
	int64_t tick_ns; /* between samples of accept queues; 0: sock_tick_ns decides */
};

static inline const struct sock_options *
sock_options(const struct watch *w)
{
	return w->ask->options;
}

extern const struct option sock_option_table[];
extern const struct sock_options sock_usual_options;
int64_t sock_tick_ns(const void *options);

/* The counters of a namespace, in the order of the names in source.c. */
enum sock_counter {
	SOCK_OVERFLOWS,
	SOCK_LISTEN_DROPS,
	SOCK_COOKIES,
	SOCK_RETRANS_SEGS,
	SOCK_COUNTERS
};

/* A socket in a snapshot. NaN: unknown. */
struct sock_view {
	struct sock_row *row;
	struct gauge accept; /* of a listener: the length of its queue at the ticks */
	double accept_least;
	double unread_ms;   /* what is unread has been so for at least this time */
	const char *cgroup; /* of the process; NULL: unknown */
};

struct sock_space {
	struct sock_netns ns;
	struct sock_view *v; /* by inode; ns.n of them */
	struct keyed counter[SOCK_COUNTERS];
};

struct sock_snapshot {
	struct sock_space *v;
	size_t n;
};

struct socket_list;

/* Since when what is unread in a socket has been so. */
enum { SINCE_MOST = 8 };
struct sock_held {
	uint64_t cookie;
	bool seen; /* in the present sample */
	uint64_t recvq;
	/* samples, the oldest first: how many bytes had come by then */
	struct {
		int64_t at_ns;
		uint64_t received;
	} since[SINCE_MOST];
	unsigned n;
};

struct sock_watch {
	struct targets targets;
	bool begun;
	struct arena labels;      /* of the last rows */
	struct socket_list *list; /* NULL: there is none, or of another sampler */
	unsigned provided;        /* how many texts */
	struct map tick_keys;     /* of the gauges: inodes */
	struct sock_view *ticks;  /* by their numbers: only the gauges */
	size_t ticks_room;
	struct map held_keys; /* of held: cookies */
	struct sock_held *held;
	size_t held_room;
	struct map total_keys; /* of rows that are put together */
	struct buf total_key;
};

/* ---- source.c: the tool's tick, read and release */

void sock_tick(struct watch *w);
void *sock_read(struct watch *w, struct arena *a);
void sock_release(struct watch *w);

/* The view of the socket with that inode in a space; NULL: it is not there. */
const struct sock_view *sock_view_find(const struct sock_space *s, const struct sock_row *r);

/* ---- totals.c */

/* Puts together the rows after the pinned ones, which come worst first: see --totals. */
void sock_put_together(struct sock_watch *s, struct table *t);

/* ---- softnet.c: pq sock -P */

extern const struct tool sock_cpus;

#endif
