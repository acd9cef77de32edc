/* sock: the queues of sockets: connections to be accepted, bytes to be read, bytes to be sent. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sock/sock.h"

static const struct column columns[] = {
	[SOCK_TYPE] = { "type", "type", LABEL, NO_UNIT, 5, 0,
	    .help = "tcp, udp or unix; 'all' is the sum over a network namespace" },
	[SOCK_ACCEPT] = { "acceptq", "acceptq", GAUGE, NO_UNIT, 8, 1, .spare = true,
	    .change = MORE_IS_WORSE,
	    .help = "of a listener: connections to be accepted, mean of the ticks (sock_diag)" },
	[SOCK_ACCEPT_MAX] = { "acceptq_max", "aq-max", GAUGE, NO_UNIT, 7, 0,
	    .change = MORE_IS_WORSE, .help = "most of them at a tick (sock_diag)" },
	[SOCK_CAP] = { "backlog", "cap", GAUGE, NO_UNIT, 6, 0, .change = A_SETTING,
	    .help = "of a listener: its backlog, the smaller of listen(2)'s and somaxconn" },
	[SOCK_FULL] = { "full_pct", "%full", SHARE, PERCENT, 7, 1, HURTS_FROM(ACCEPT_PCT),
	    .change = MORE_IS_WORSE,
	    .help = "how full the accept queue was at most: of backlog + 1, at which the kernel "
		    "drops" },
	[SOCK_OVERFLOW] = { "overflows_per_s", "ovf/s", RATE, PER_SECOND, 7, 1, .high = ANY_EVENT,
	    .very_high = ANY_EVENT, .counter = "sock_listen_overflows", .change = MORE_IS_WORSE,
	    .help = "of 'all': connections that found an accept queue full (netstat "
		    "ListenOverflows)" },
	[SOCK_RECV] = { "recvq_bytes", "recv-q", GAUGE, BYTES, 8, 0, .full = 65536,
	    .change = MORE_IS_WORSE,
	    .help = "bytes that the process has not read yet (sock_diag rqueue)" },
	[SOCK_UNREAD_MS] = { "unread_ms", "unread-ms", GAUGE, MILLISECONDS, 10, 0,
	    .change = MORE_IS_WORSE,
	    .help = "the oldest of them are unread for at least this time; see HOW LONG" },
	[SOCK_SEND] = { "sendq_bytes", "send-q", GAUGE, BYTES, 8, 0, .change = MORE_IS_WORSE,
	    .help = "bytes written that the peer has not acknowledged yet (sock_diag wqueue)" },
	[SOCK_UNSENT] = { "unsent_bytes", "unsent", GAUGE, BYTES, 8, 0, .group = "tcp",
	    .change = MORE_IS_WORSE,
	    .help = "the part of them that was never sent (tcp_info notsent_bytes)" },
	[SOCK_UNACKED] = { "unacked_bytes", "unacked", GAUGE, BYTES, 8, 0, .spare = true,
	    .change = MORE_IS_WORSE,
	    .help = "the part of them that was sent (wqueue - notsent_bytes)" },
	[SOCK_RTT] = { "rtt_ms", "rtt-ms", GAUGE, MILLISECONDS, 8, 2, .spare = true,
	    .change = MORE_IS_WORSE, .help = "round-trip time, smoothed (tcp_info rtt)" },
	[SOCK_RETRANS] = { "retrans_per_s", "retr/s", RATE, PER_SECOND, 8, 1, .spare = true,
	    .counter = "sock_retrans", .change = MORE_IS_WORSE,
	    .help = "segments sent again (tcp_info total_retrans; of 'all' snmp RetransSegs)" },
	[SOCK_DROP] = { "drops_per_s", "drops/s", RATE, PER_SECOND, 8, 1, .spare = true,
	    .counter = "sock_drops", .change = MORE_IS_WORSE,
	    .help =
		"connections or packets dropped here (sk_drops; of 'all' netstat ListenDrops)" },
	[SOCK_COOKIE] = { "cookies_per_s", "cookies/s", RATE, PER_SECOND, 10, 1, .group = "tcp",
	    .counter = "sock_syn_cookies", .change = MORE_IS_WORSE,
	    .help =
		"of 'all': SYN cookies sent, as a SYN queue was full (netstat SyncookiesSent)" },
	[SOCK_ZERO_WINDOW] = { "zero_window", "0w", FLAG, NO_UNIT, 3, 0, .group = "tcp",
	    .help = "the peer takes nothing: its receive window is 0 (tcp_info snd_wnd)" },
	[SOCK_WINDOW_PCT] = { "window_limited_pct", "%rwnd", SHARE, PERCENT, 7, 1, .group = "tcp",
	    .bound = BY_TIME, .counter = "sock_window_limited_seconds", .change = MORE_IS_WORSE,
	    .help = "time in which the peer's window held back sending (tcp_info rwnd_limited)" },
	[SOCK_SNDBUF_PCT] = { "sndbuf_limited_pct", "%sndbuf", SHARE, PERCENT, 8, 1, .group = "tcp",
	    .bound = BY_TIME, .counter = "sock_sndbuf_limited_seconds", .change = MORE_IS_WORSE,
	    .help = "time in which the send buffer was too small (tcp_info sndbuf_limited)" },
	[SOCK_RECV_AGO] = { "recv_ago_ms", "recv-ms", GAUGE, MILLISECONDS, 9, 0, .group = "tcp",
	    .change = NOT_COMPARED, .help = "since data came last (tcp_info last_data_recv)" },
	[SOCK_ACK_AGO] = { "ack_ago_ms", "ack-ms", GAUGE, MILLISECONDS, 9, 0, .group = "tcp",
	    .change = NOT_COMPARED,
	    .help = "since an acknowledgement came last (tcp_info last_ack_recv)" },
	[SOCK_RMEM] = { "rmem_bytes", "rmem", GAUGE, BYTES, 8, 0, .group = "buffers",
	    .help = "memory that the receive queue takes (SKMEMINFO rmem_alloc)" },
	[SOCK_RCVBUF] = { "rcvbuf_bytes", "rcvbuf", GAUGE, BYTES, 8, 0, .group = "buffers",
	    .change = A_SETTING, .help = "what it may take (SKMEMINFO rcvbuf)" },
	[SOCK_WMEM] = { "wmem_bytes", "wmem", GAUGE, BYTES, 8, 0, .group = "buffers",
	    .help = "memory that the send queue takes (SKMEMINFO wmem_queued, wmem_alloc)" },
	[SOCK_SNDBUF] = { "sndbuf_bytes", "sndbuf", GAUGE, BYTES, 8, 0, .group = "buffers",
	    .change = A_SETTING, .help = "what it may take (SKMEMINFO sndbuf)" },
	[SOCK_COUNT] = { "sockets", "sockets", GAUGE, NO_UNIT, 8, 0, .group = "sum",
	    .help = "of 'all': all sockets without TIME-WAIT; of --totals: those put together" },
	[SOCK_LEAST] = { "acceptq_min", "aq-min", GAUGE, NO_UNIT, 7, 0, .group = "accept",
	    .change = MORE_IS_WORSE, .help = "fewest connections to be accepted at a tick" },
	[SOCK_PID] = { "pid", "PID", LABEL, NO_UNIT, 8, 0, .number = NUMBER, .group = "process",
	    .passing = true,
	    .help = "process that has the socket open: the lowest of them (/proc/PID/fd)" },
	[SOCK_OWNERS] = { "processes", "procs", GAUGE, NO_UNIT, 6, 0, .group = "process",
	    .help = "how many processes have it open" },
	[SOCK_STATE] = { "state", "state", LABEL, NO_UNIT, 11, 0, .group = "state", .remark = true,
	    .help = "state of the connection, as ss names it" },
	[SOCK_PROCESS] = { "process", "process", LABEL, NO_UNIT, 0, 0, .room = 6,
	    .help = "name of that process; text adds [PID] and +N for N others" },
	[SOCK_LOCAL] = { "local", "local", LABEL, NO_UNIT, 0, 0, .room = 10,
	    .help = "own address and port, or the name of a unix socket" },
	[SOCK_PEER] = { "peer", "peer", LABEL, NO_UNIT, 0, 0, .room = 8, .passing = true,
	    .help = "address and port of the other end" },
	[SOCK_MEANING] = { "meaning", "meaning", LABEL, NO_UNIT, 0, 0, .remark = true, .room = 8,
	    .help = "queue-full, application-late, send-buffer-full or peer-or-network-late; see "
		    "MEANING" },
	[SOCK_CGROUP] = { "cgroup", "cgroup", LABEL, NO_UNIT, 0, 0, .group = "cgroup",
	    .passing = true, .help = "cgroup of the process (/proc/PID/cgroup)" },
	[SOCK_NETNS] = { "netns", "netns", LABEL, NO_UNIT, 0, 0, .group = "netns", .passing = true,
	    .help = "network namespace (/proc/PID/ns/net)" },
	{ .key = NULL },
};

const struct sock_options sock_usual_options = { .rows = OPTION_ROWS_UNSET };

const struct option sock_option_table[] = {
	{ 'l', NULL, NULL, OPTION_FLAG, offsetof(struct sock_options, listeners),
	    .help = "listeners: queues of connections to be accepted" },
	{ 'P', NULL, "LIST", OPTION_CPUS, offsetof(struct sock_options, cpus),
	    .help = "how packets come in, per CPU: 0,2-3, or ALL",
	    .not_with = "-l -p -g -a -n --totals" },
	{ 0, "totals", NULL, OPTION_FLAG, offsetof(struct sock_options, totals),
	    .help = "add up the connections of each listener and program", .not_with = "-l" },
	{ 'n', NULL, "N", OPTION_ROWS, offsetof(struct sock_options, rows),
	    .help = "at most N rows, worst first (text: 20, or one screen)",
	    .want = "a number of rows", .most = 1000000 },
	{ 0, "tick", "TIME", OPTION_TIME, offsetof(struct sock_options, tick_ns),
	    .help = "time between samples (default 100ms; with -l, -P: 10ms)" },
	{ .type = OPTION_END },
};

/* Rows of streams are about what lasts: rarer ticks cost them less. */
int64_t
sock_tick_ns(const void *options)
{
	const struct sock_options *o = options;

	if (o->tick_ns)
		return o->tick_ns;
	return o->listeners || o->cpus.given ? 10000000 : 100000000;
}

/* ---- What the figures of a socket mean */

/* LATE_MS: bytes unread for longer are late; an event loop comes round more often. SILENT_MS: a peer
 * delays an acknowledgement by 200 ms at most. */
static const double LATE_MS = 100, SILENT_MS = 250;

/* What a row means, for programs and in text. */
struct meaning {
	const char *name, *brief;
};

static const struct meaning queue_full = { "queue-full", NULL },
			    application_late = { "application-late", "app-late" },
			    send_buffer_full = { "send-buffer-full", "sndbuf-full" },
			    peer_late = { "peer-or-network-late", "net-late" };

/* A row to be: the worst come first. */
struct judged {
	const struct sock_view *view, *before; /* before: NULL if it was not there */
	const struct sock_space *space;
	const struct meaning *meaning; /* NULL: none */
	double badness;
};

static bool
is_listener(const struct sock_row *r)
{
	return r->state == SOCK_LISTEN && r->type != SOCK_OF_UDP;
}

static double
figure(const struct sock_row *r, enum sock_figure i)
{
	return r->figure[i].known ? (double)r->figure[i].v : NAN;
}

static bool
grew(const struct judged *j, enum sock_figure i)
{
	return j->before && keyed_delta(j->before->row->figure[i], j->view->row->figure[i]) > 0;
}

/* Part of backlog + 1: the queue is full when it has more connections than the backlog. */
static double
full_share(const struct sock_view *v)
{
	double cap = v->row->sendq.known ? (double)v->row->sendq.v + 1 : NAN,
	       most = gauge_max(&v->accept);

	/* the backlog may have been lowered by another listen(2) */
	return most > cap ? 1 : most / cap;
}

static void
judge_listener(struct judged *j)
{
	double full = full_share(j->view);

	if (full >= 1 || grew(j, FIGURE_DROPS))
		j->meaning = &queue_full;
	else if (j->view->accept.n > 1 && j->view->accept_least > 0)
		j->meaning = &application_late;
	j->badness = (j->meaning ? 4e12 : 0) + (isnan(full) ? 0 : full * 1e9);
}

static bool
peer_is_late(const struct judged *j)
{
	const struct sock_row *r = j->view->row;

	return r->figure[FIGURE_TRIES].v > 0 || grew(j, FIGURE_RETRANS) ||
	    figure(r, FIGURE_WINDOW) == 0 ||
	    figure(r, FIGURE_ACK_MS) > fmax(SILENT_MS, figure(r, FIGURE_RTT_US) * 2e-3);
}

/* Whether poll(2) would say that the process can write: once the buffer was full, a third of it must be
 * free again (sk_stream_is_writeable in the kernel). Unknown counts as yes. */
static bool
is_writable(const struct sock_row *r)
{
	double used = figure(r, FIGURE_WMEM);

	return !(figure(r, FIGURE_SNDBUF) - used < used / 2);
}

static void
judge_stream(struct judged *j)
{
	const struct sock_row *r = j->view->row;
	double queued = (double)r->recvq.v + (double)r->sendq.v;
	bool dropping = r->type == SOCK_OF_UDP && grew(j, FIGURE_DROPS);

	j->badness = fmin(queued, 1e9);
	if (dropping || (r->recvq.v > 0 && j->view->unread_ms >= LATE_MS)) {
		j->meaning = &application_late;
		j->badness += 3e12 + (j->view->unread_ms > 0 ? j->view->unread_ms : 0) * 1e3;
	} else if (r->type == SOCK_OF_TCP && r->sendq.v > 0 && !is_writable(r)) {
		j->meaning = &send_buffer_full;
		j->badness += 2e12;
	} else if (r->type == SOCK_OF_TCP && (r->sendq.v > 0 || r->state == SOCK_SYN_SENT) &&
	    peer_is_late(j)) {
		j->meaning = &peer_late;
		j->badness += 1e12;
	}
}

static int
by_badness(const void *a, const void *b)
{
	const struct judged *x = a, *y = b;

	return x->badness != y->badness ? (x->badness < y->badness) - (x->badness > y->badness) :
					  strcmp(x->view->row->local ? x->view->row->local : "",
					      y->view->row->local ? y->view->row->local : "");
}

/* ---- Cells */

static void
fill_process(struct watch *w, struct cell *row, const struct sock_row *r)
{
	struct arena *a = &((struct sock_watch *)w->state)->labels;

	if (!r->pid.known)
		return;
	const char *name = r->comm ? r->comm : "?", *pid = arena_u64(a, r->pid.v);
	unsigned others = r->owners.known && r->owners.v > 1 ? (unsigned)r->owners.v - 1 : 0;
	cell_label(&row[SOCK_PID], pid);
	cell_brief(&row[SOCK_PROCESS], name,
	    others ? arena_printf(a, "%s[%s]+%u", name, pid, others) :
		     arena_printf(a, "%s[%s]", name, pid));
}

static void
fill_names(struct watch *w, struct cell *row, const struct judged *j, double span_s)
{
	const struct sock_row *r = j->view->row;
	struct arena *a = &((struct sock_watch *)w->state)->labels;

	cell_label(&row[SOCK_TYPE], sock_type_names[r->type]);
	cell_label(&row[SOCK_STATE], r->state ? sock_state_names[r->state] : NULL);
	cell_label(&row[SOCK_LOCAL], r->local);
	cell_label(&row[SOCK_PEER], is_listener(r) ? NULL : r->peer);
	if (j->meaning)
		cell_brief(&row[SOCK_MEANING], j->meaning->name, j->meaning->brief);
	fill_process(w, row, r);
	cell_gauge(&row[SOCK_OWNERS], r->owners.known ? (double)r->owners.v : NAN, span_s);
	if (j->space->ns.number)
		cell_label(&row[SOCK_NETNS],
		    arena_printf(a, "%llu", (unsigned long long)j->space->ns.number));
	cell_label(&row[SOCK_CGROUP], j->view->cgroup);
}

static void
fill_listener(struct cell *row, const struct sock_view *v, double span_s)
{
	cell_gauge(&row[SOCK_ACCEPT], gauge_mean(&v->accept), span_s);
	cell_gauge(&row[SOCK_ACCEPT_MAX], gauge_max(&v->accept), span_s);
	cell_gauge(&row[SOCK_LEAST], v->accept_least, span_s);
	cell_gauge(&row[SOCK_CAP], v->row->sendq.known ? (double)v->row->sendq.v : NAN, span_s);
	cell_share(&row[SOCK_FULL], full_share(v), 1);
}

static void
fill_queues(struct cell *row, const struct sock_view *v, double span_s)
{
	const struct sock_row *r = v->row;
	double sendq = r->sendq.known ? (double)r->sendq.v : NAN;

	cell_gauge(&row[SOCK_RECV], r->recvq.known ? (double)r->recvq.v : NAN, span_s);
	cell_gauge(&row[SOCK_UNREAD_MS], v->unread_ms, span_s);
	cell_gauge(&row[SOCK_SEND], sendq, span_s);
	if (r->type != SOCK_OF_TCP)
		return;
	/* a FIN that waits behind data counts as unsent, too */
	double unsent = fmin(figure(r, FIGURE_UNSENT), sendq);
	unsent = isnan(figure(r, FIGURE_UNSENT)) ? NAN : unsent;
	cell_gauge(&row[SOCK_UNSENT], unsent, span_s);
	cell_gauge(&row[SOCK_UNACKED], sendq - unsent, span_s);
	cell_gauge(&row[SOCK_RTT], figure(r, FIGURE_RTT_US) * 1e-3, span_s);
	cell_gauge(&row[SOCK_RECV_AGO], figure(r, FIGURE_RECV_MS), span_s);
	cell_gauge(&row[SOCK_ACK_AGO], figure(r, FIGURE_ACK_MS), span_s);
	if (r->figure[FIGURE_WINDOW].known)
		cell_flag(&row[SOCK_ZERO_WINDOW], r->figure[FIGURE_WINDOW].v == 0);
}

static void
fill_counters(struct cell *row, const struct judged *j, struct interval *t)
{
	static const struct keyed unknown;
	const struct keyed *b = j->view->row->figure,
			   *a = j->before ? j->before->row->figure : NULL;

	cell_rate(row, SOCK_DROP, t, a ? a[FIGURE_DROPS] : unknown, b[FIGURE_DROPS], 1);
	if (is_listener(j->view->row))
		return;
	cell_rate(row, SOCK_RETRANS, t, a ? a[FIGURE_RETRANS] : unknown, b[FIGURE_RETRANS], 1);
	cell_stalled(row, SOCK_WINDOW_PCT, t, a ? a[FIGURE_RWND_US] : unknown, b[FIGURE_RWND_US]);
	cell_stalled(row, SOCK_SNDBUF_PCT, t, a ? a[FIGURE_SND_US] : unknown, b[FIGURE_SND_US]);
	cell_gauge(&row[SOCK_RMEM], figure(j->view->row, FIGURE_RMEM), t->span_s);
	cell_gauge(&row[SOCK_RCVBUF], figure(j->view->row, FIGURE_RCVBUF), t->span_s);
	cell_gauge(&row[SOCK_WMEM], figure(j->view->row, FIGURE_WMEM), t->span_s);
	cell_gauge(&row[SOCK_SNDBUF], figure(j->view->row, FIGURE_SNDBUF), t->span_s);
}

static void
add_row(struct watch *w, const struct judged *j, struct interval *t, struct table *out)
{
	struct cell *row = table_row(out);

	fill_names(w, row, j, t->span_s);
	fill_counters(row, j, t);
	if (is_listener(j->view->row))
		fill_listener(row, j->view, t->span_s);
	else
		fill_queues(row, j->view, t->span_s);
}

/* ---- The row of a namespace */

/* The sum of a figure over the types of which it is known. */
static double
sum_counts(const struct sock_space *s, size_t member)
{
	double sum = NAN;

	for (int i = 0; i < SOCK_TYPES; i++) {
		const struct sock_count *c = &s->ns.count[i];
		uint64_t v;
		if (!c->known)
			continue;
		memcpy(&v, (const char *)c + member, sizeof v);
		sum = isnan(sum) ? (double)v : sum + (double)v;
	}
	return sum;
}

static void
add_sum(struct watch *w, const struct sock_space *a, const struct sock_space *b, struct interval *t,
    struct table *out)
{
	static const struct {
		int column;
		enum sock_counter counter;
	} rates[] = { { SOCK_OVERFLOW, SOCK_OVERFLOWS }, { SOCK_DROP, SOCK_LISTEN_DROPS },
		{ SOCK_COOKIE, SOCK_COOKIES }, { SOCK_RETRANS, SOCK_RETRANS_SEGS } };
	static const struct keyed unknown;
	struct cell *row = table_row(out);
	bool streams = !sock_options(w)->listeners;

	cell_label(&row[SOCK_TYPE], "all");
	if (b->ns.number)
		cell_label(&row[SOCK_NETNS],
		    arena_printf(&((struct sock_watch *)w->state)->labels, "%llu",
			(unsigned long long)b->ns.number));
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		cell_rate(row, rates[i].column, t, a ? a->counter[rates[i].counter] : unknown,
		    b->counter[rates[i].counter], 1);
	if (!streams)
		return;
	cell_gauge(
	    &row[SOCK_COUNT], sum_counts(b, offsetof(struct sock_count, sockets)), t->span_s);
	cell_gauge(&row[SOCK_RECV], sum_counts(b, offsetof(struct sock_count, recvq)), t->span_s);
	cell_gauge(&row[SOCK_SEND], sum_counts(b, offsetof(struct sock_count, sendq)), t->span_s);
}

/* ---- Rows */

/* Listeners have a row with -l, or if connections waited in their queues. Unix listeners of a machine
 * can be many, and their names random: with --totals only those of TCP have a row when they are empty. */
static bool
has_row(const struct watch *w, const struct judged *j)
{
	const struct sock_row *r = j->view->row;

	if (is_listener(r))
		return sock_options(w)->listeners ||
		    (sock_options(w)->totals && r->type == SOCK_OF_TCP) ||
		    gauge_max(&j->view->accept) > 0 || j->meaning;
	return !sock_options(w)->listeners &&
	    (r->recvq.v > 0 || r->sendq.v > 0 || j->meaning || grew(j, FIGURE_DROPS));
}

static const struct sock_space *
space_before(const struct sock_snapshot *a, const struct sock_space *b, size_t i)
{
	for (size_t k = 0; k < a->n && b->ns.number; k++)
		if (a->v[k].ns.number == b->ns.number)
			return &a->v[k];
	return !b->ns.number && i < a->n && a->v[i].ns.pid == b->ns.pid ? &a->v[i] : NULL;
}

/* Appends the sockets of a namespace that have rows. */
static size_t
judge(
    const struct watch *w, const struct sock_space *a, const struct sock_space *b, struct judged *v)
{
	size_t n = 0;

	for (size_t i = 0; i < b->ns.n; i++) {
		struct judged *j = &v[n];
		*j = (struct judged){ .view = &b->v[i], .space = b };
		j->before = a ? sock_view_find(a, b->v[i].row) : NULL;
		if (is_listener(b->v[i].row))
			judge_listener(j);
		else
			judge_stream(j);
		n += has_row(w, j);
	}
	return n;
}

/* Without a word, the row of the sum would seem to have figures that are unknown. */
static void
tell_no_listener(struct watch *w)
{
	const struct target *t = &w->ask->target;

	watch_note(w, "no socket of %s listens for connections",
	    t->pid || t->cgroup ? "the target" :
		t->all          ? "any network namespace" :
				  "this network namespace");
}

static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct sock_snapshot *a = from, *b = to;
	struct sock_watch *state = w->state;
	struct interval t = { .columns = columns, .span_s = span_s };
	size_t n = 0, sockets = 1;

	arena_reset(&state->labels);
	for (size_t i = 0; i < b->n; i++)
		sockets += b->v[i].ns.n;
	struct judged *v = arena_alloc(&state->labels, sockets * sizeof *v);
	for (size_t i = 0; i < b->n; i++) {
		const struct sock_space *before = space_before(a, &b->v[i], i);
		add_sum(w, before, &b->v[i], &t, out);
		n += judge(w, before, &b->v[i], v + n);
	}
	if (n == 0 && sock_options(w)->listeners)
		tell_no_listener(w);
	out->pinned = out->nrows;
	if (n > 1)
		qsort(v, n, sizeof *v, by_badness);
	const unsigned most = sock_options(w)->rows;
	const bool totals = sock_options(w)->totals, all = w->ask->sort || totals || !most;
	for (size_t i = 0; i < n && (all || i < most); i++)
		add_row(w, &v[i], &t, out);
	if (totals)
		sock_put_together(state, out);
	if (w->ask->sort)
		tool_sort(w, out, NULL);
	if (most && out->nrows > out->pinned + most)
		table_keep(out, out->pinned + most);
	watch_tell_counters(w, &t, false);
}

static const char *
default_columns(const struct request *ask)
{
	const struct sock_options *o = ask->options;

	if (o->totals)
		return "type,sockets,acceptq,backlog,full_pct,recvq_bytes,unread_ms,sendq_bytes,"
		       "retrans_per_s,process,local,meaning";
	return o->listeners ? "type,acceptq,acceptq_max,backlog,full_pct,overflows_per_s,"
			      "drops_per_s,process,local,meaning" :
			      "type,acceptq,recvq_bytes,unread_ms,sendq_bytes,unacked_bytes,rtt_ms,"
			      "retrans_per_s,process,local,peer,meaning";
}

/* Prometheus keeps each series for long: there is none per connection, and a limit to the others. */
static const struct sock_options exported_options = { .totals = true, .rows = 50 };

const struct tool tool_sock = {
	.name = "sock",
	.brief = "queues of sockets: connections to accept, bytes to read, bytes to send",
	.examples = "  pq sock 1            sockets that have something queued, worst first\n"
		    "  pq sock -l 1         listeners: connections that wait to be accepted\n"
		    "  pq sock -p 4242 1    those of a process, in its network namespace\n"
		    "  pq sock -P ALL 1     how packets come in, per CPU\n",
	.columns = columns,
	.spark = "full_pct,recvq_bytes",
	.shared = (const struct option *const[]){ &option_pid, &option_cgroup, &option_all,
	    &option_sort, NULL },
	.shared_help = { .pid = "the sockets of this process, in its network namespace",
	    .cgroup = "the sockets of the processes of this cgroup",
	    .all = "all network namespaces" },
	.options = sock_option_table,
	.options_size = sizeof(struct sock_options),
	.defaults = &sock_usual_options,
	.forms = (const struct tool *const[]){ &sock_cpus, NULL },
	.forms_by = "-P",
	.default_columns = default_columns,
	.state_size = sizeof(struct sock_watch),
	.recorded_ns = 10000000000,
	.exported = &exported_options,
	.fleeting = true,
	.costly_tick = 1,
	.tick = sock_tick,
	.tick_ns = sock_tick_ns,
	.read = sock_read,
	.rows = rows,
	.release = sock_release,
};
