/* sockets: the rules of pq why about queues of sockets: connections that nobody accepts, bytes that nobody
 * reads, bytes that nobody acknowledges, packets that are dropped before they reach a socket. */
#include "commands/why/why.h"

#include <math.h>
#include <string.h>

static bool
means(const struct evidence *e, size_t row, const char *meaning)
{
	return strcmp(sock_text(e->sock, row, SOCK_MEANING), meaning) == 0;
}

static bool
is_of(const struct evidence *e, size_t row, const char *type)
{
	return strcmp(sock_text(e->sock, row, SOCK_TYPE), type) == 0;
}

/* A socket of a target has a known process, or may be somebody else's. */
static bool
is_asked(const struct evidence *e, size_t row)
{
	return !evidence_has_target(e) || *sock_text(e->sock, row, SOCK_PID);
}

/* "nginx[4242]", or unknown. */
static struct figure
owner(const struct evidence *e, size_t row)
{
	return name(sock_brief(e->sock, row, SOCK_PROCESS));
}

/* The row of the sum over the network namespace; with several, the first is as good as others. */
static size_t
sum_row(const struct evidence *e)
{
	return sock_find(e->sock, SOCK_TYPE, "all");
}

/* ---- Accept queues */

/* The CPUs that the process of a socket used, and that its threads waited for; NaN: unknown. Idle
 * processes have no row. */
static double
demand_of(const struct evidence *e, const char *pid)
{
	bool target = evidence_has_target(e);
	struct tasks_rows tasks = target ? e->target : e->tasks;

	if (!*pid || !evidence_answers(e, target ? ASKS_TARGET : ASKS_PROCESSES))
		return NAN;
	size_t i = tasks_find(tasks, TASKS_PID, pid);
	if (i == tasks_count(tasks))
		return 0;
	return (tasks_num(tasks, i, TASKS_CPU) + tasks_num(tasks, i, TASKS_WAIT)) / 100;
}

/* The fullest listener whose queue is nearly full, or never empty; the number of rows: there is none. */
static size_t
worst_listener(const struct evidence *e)
{
	size_t n = sock_count(e->sock), worst = n;

	for (size_t i = 0; i < n; i++) {
		double most = sock_num(e->sock, i, SOCK_ACCEPT_MAX),
		       full = sock_num(e->sock, i, SOCK_FULL);
		bool late = full >= 90 || means(e, i, "queue-full") ||
		    (means(e, i, "application-late") && sock_num(e->sock, i, SOCK_LEAST) > 0);
		if (!(most > 0) || !late || !is_asked(e, i))
			continue;
		if (worst == n || !(full <= sock_num(e->sock, worst, SOCK_FULL)))
			worst = i;
	}
	return worst;
}

/* What the thread of the process that sleeps most does: an event loop that is idle waits for events. */
static void
tell_loop(const struct evidence *e, const char *pid, struct finding *f)
{
	size_t n = wait_count(e->wait), most = n;

	for (size_t i = 0; i < n; i++)
		if (strcmp(wait_text(e->wait, i, WAIT_PID), pid) == 0 &&
		    strcmp(wait_text(e->wait, i, WAIT_STATE), "blocked") == 0 &&
		    (most == n ||
			wait_num(e->wait, i, WAIT_SHARE) > wait_num(e->wait, most, WAIT_SHARE)))
			most = i;
	const char *call = wait_text(e->wait, most, WAIT_CALL);
	finding_fact(f,
	    "its thread {} (TID {}) was blocked {} % of its time[ in {}][, waiting on {}]",
	    name(wait_text(e->wait, most, WAIT_COMM)), name(wait_text(e->wait, most, WAIT_TID)),
	    fixed(wait_num(e->wait, most, WAIT_SHARE), 0),
	    name(strcmp(call, "none") == 0 ? NULL : call),
	    name(wait_text(e->wait, most, WAIT_WHERE)));
}

static void
tell_queue(const struct evidence *e, size_t row, struct finding *f)
{
	size_t sum = sum_row(e);
	double overflows = sock_num(e->sock, sum, SOCK_OVERFLOW),
	       drops = sock_num(e->sock, row, SOCK_DROP);

	finding_fact(f,
	    "{} connections wait to be accepted on average, {} at most, at {}[ of {}][; the queue "
	    "is "
	    "full at {} (backlog {})]",
	    fixed(sock_num(e->sock, row, SOCK_ACCEPT), 0),
	    fixed(sock_num(e->sock, row, SOCK_ACCEPT_MAX), 0),
	    name(sock_text(e->sock, row, SOCK_LOCAL)), owner(e, row),
	    fixed(sock_num(e->sock, row, SOCK_CAP) + 1, 0),
	    fixed(sock_num(e->sock, row, SOCK_CAP), 0));
	finding_fact(f,
	    "{} connections per second found an accept queue of this network namespace full "
	    "(ListenOverflows)",
	    fixed(overflows, 1));
	finding_fact(f, "{} connections per second were dropped at this listener",
	    fixed(drops > 0 ? drops : NAN, 1));
}

static void
accept_queue(const struct evidence *e, struct findings *f)
{
	size_t row = worst_listener(e);
	const char *pid = sock_text(e->sock, row, SOCK_PID);
	double demand = demand_of(e, pid), full = sock_num(e->sock, row, SOCK_FULL);
	bool over = full >= 90 || means(e, row, "queue-full"), idle = demand < 0.5,
	     busy = demand >= 0.5;

	if (row == sock_count(e->sock) || (!over && !evidence_has_target(e)))
		return;
	struct finding *one = finding_add(f,
	    idle     ? "accept-idle" :
		busy ? "accept-busy" :
		       "accept-queue",
	    over ? VERDICT_CRITICAL : VERDICT_WARNING,
	    over && !isnan(demand) ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM,
	    isnan(full) ? 0.5 : full / 100, "{}{}",
	    EITHER(over, "Accept queue full", "Connections wait to be accepted"),
	    figure_words(idle ? " while the process is idle" :
		    busy      ? ": the process is too busy to accept" :
				""));
	tell_queue(e, row, one);
	finding_fact(one, "the process uses or wants {} CPUs", fixed(demand, 2));
	tell_loop(e, pid, one);
	if (idle)
		finding_advice(one,
		    "find out why the thread that calls accept does not come back to it: it waits "
		    "for "
		    "something else, or accepts one connection at a time; a larger backlog "
		    "(listen, "
		    "net.core.somaxconn) only helps against bursts; see: pq sock -l{} 1, pq wait "
		    "-t{} 1",
		    figure_words(e->option), command_option(e, " -p PID"));
	else
		finding_advice(one,
		    "let more threads or processes accept (SO_REUSEPORT), or do less per "
		    "connection in "
		    "the thread that accepts; see: pq sock -l{} 1, pq tasks -t{} 1",
		    figure_words(e->option), command_option(e, " -p PID"));
}

/* ---- Streams */

/* The row of that meaning that is worst: rows come in this order. */
static size_t
first_stream(const struct evidence *e, const char *meaning)
{
	size_t n = sock_count(e->sock), i = 0;

	while (i < n &&
	    !(is_asked(e, i) && means(e, i, meaning) &&
		isnan(sock_num(e->sock, i, SOCK_ACCEPT_MAX)) &&
		(is_of(e, i, "tcp") || evidence_has_target(e))))
		i++;
	return i;
}

/* Without a target, many programs leave bytes that do not matter to them. */
static void
read_late(const struct evidence *e, struct findings *f)
{
	const struct unread *u = &e->unread;
	bool target = evidence_has_target(e);

	if (!(u->ms >= (target ? 300 : 1000)))
		return;
	struct finding *one = finding_add(f, "read-late",
	    target && u->ms >= 1000 ? VERDICT_CRITICAL : VERDICT_WARNING,
	    target ? CONFIDENCE_HIGH : CONFIDENCE_LOW, u->ms / 1000,
	    "Data has come, and the process reads it late", NO_FIGURE);
	finding_fact(one, "{} were unread for at least {}, at {}[ from {}][, by {}]",
	    bytes(u->bytes), seconds(u->ms / 1000), name(u->local), name(u->peer),
	    name(u->process));
	finding_fact(one, "the process uses or wants {} CPUs", fixed(demand_of(e, u->pid), 2));
	tell_loop(e, u->pid, one);
	finding_advice(one,
	    "find what the thread that reads this socket does instead; the network is not late; "
	    "see: "
	    "pq sock{} 1, pq wait -t{} 1",
	    figure_words(e->option), command_option(e, " -p PID"));
}

static void
packets_unread(const struct evidence *e, struct findings *f)
{
	size_t n = sock_count(e->sock), row = n;

	for (size_t i = 0; i < n; i++)
		if (is_asked(e, i) && is_of(e, i, "udp") && sock_num(e->sock, i, SOCK_DROP) > 0 &&
		    (row == n ||
			sock_num(e->sock, i, SOCK_DROP) > sock_num(e->sock, row, SOCK_DROP)))
			row = i;
	double drops = sock_num(e->sock, row, SOCK_DROP);
	if (!(drops > 1))
		return;
	struct finding *one = finding_add(f, "udp-drops", VERDICT_WARNING, CONFIDENCE_HIGH,
	    drops / 1000, "A UDP socket drops packets: its process reads them late", NO_FIGURE);
	finding_fact(one,
	    "{} packets per second were dropped at {}[ of {}][, of whose buffer {} are used]",
	    fixed(drops, 1), name(sock_text(e->sock, row, SOCK_LOCAL)), owner(e, row),
	    bytes(sock_num(e->sock, row, SOCK_RMEM)));
	finding_fact(one, "the process uses or wants {} CPUs",
	    fixed(demand_of(e, sock_text(e->sock, row, SOCK_PID)), 2));
	finding_advice(one,
	    "read it more often or in a thread of its own; a larger buffer (SO_RCVBUF, "
	    "net.core.rmem_max) only helps against bursts; see: pq sock -w buffers{} 1",
	    figure_words(e->option));
}

static bool
found_full_queue(const struct findings *f)
{
	return findings_has(f, "accept-idle") || findings_has(f, "accept-busy") ||
	    findings_has(f, "accept-queue");
}

/* Segments that are sent again are ordinary now and then; and clients of a full accept queue send theirs
 * again and again. */
static void
network_late(const struct evidence *e, struct findings *f)
{
	size_t row = first_stream(e, "peer-or-network-late");
	double all = sock_num(e->sock, sum_row(e), SOCK_RETRANS),
	       own = sock_num(e->sock, row, SOCK_RETRANS);

	if (!(all > 2) || found_full_queue(f) ||
	    (evidence_has_target(e) && row == sock_count(e->sock)))
		return;
	struct finding *one = finding_add(f, "network-late", VERDICT_WARNING,
	    own > 1 ? CONFIDENCE_HIGH : CONFIDENCE_MEDIUM, all / 100,
	    "Segments are sent again: packets are lost on the way", NO_FIGURE);
	finding_fact(one,
	    "{} segments per second are sent again in this network namespace (RetransSegs)",
	    fixed(all, 1));
	finding_fact(one,
	    "{} to {}[ of {}]: {} are not acknowledged[, {} segments per second are sent again][, "
	    "round-trip time {} ms]",
	    name(sock_text(e->sock, row, SOCK_LOCAL)), name(sock_text(e->sock, row, SOCK_PEER)),
	    owner(e, row), bytes(sock_num(e->sock, row, SOCK_SEND)), fixed(own, 1),
	    fixed(sock_num(e->sock, row, SOCK_RTT), 1));
	finding_advice(one,
	    "look at the path to these peers (drops at interfaces: ip -s link; at queues: tc -s "
	    "qdisc); see: pq sock -w tcp{} 1, pq sock -P ALL 1",
	    figure_words(e->option));
}

/* The other end takes nothing: its window is 0, or the send buffer is full. */
static void
peer_late(const struct evidence *e, struct findings *f)
{
	size_t row = first_stream(e, "send-buffer-full");

	if (row == sock_count(e->sock) || !evidence_has_target(e) ||
	    findings_has(f, "network-late"))
		return;
	struct finding *one = finding_add(f, "peer-late", VERDICT_WARNING, CONFIDENCE_HIGH,
	    sock_num(e->sock, row, SOCK_SEND) / 1e6, "The other end takes data too slowly",
	    NO_FIGURE);
	finding_fact(one,
	    "the send buffer of {} to {}[ of {}] is full: {} wait to be sent or acknowledged{}",
	    name(sock_text(e->sock, row, SOCK_LOCAL)), name(sock_text(e->sock, row, SOCK_PEER)),
	    owner(e, row), bytes(sock_num(e->sock, row, SOCK_SEND)),
	    EITHER(sock_num(e->sock, row, SOCK_ZERO_WINDOW) == 1, "; the peer's window is 0", ""));
	finding_advice(one,
	    "look at the process at the other end: it does not read; see: pq sock -w tcp{} 1",
	    figure_words(e->option));
}

/* ---- The way in */

static void
packets_dropped(const struct evidence *e, struct findings *f)
{
	size_t all = softnet_find(e->softnet, SOFTNET_CPU, "all"), worst;
	double drops = softnet_num(e->softnet, all, SOFTNET_DROPS);

	if (!(drops > 0))
		return;
	worst = all == 0 ? 1 : 0;
	for (size_t i = worst + 1; i < softnet_count(e->softnet); i++)
		if (softnet_num(e->softnet, i, SOFTNET_DROPS) >
		    softnet_num(e->softnet, worst, SOFTNET_DROPS))
			worst = i;
	struct finding *one = finding_add(f, "softnet-drops",
	    drops > 100 ? VERDICT_CRITICAL : VERDICT_WARNING, CONFIDENCE_HIGH, drops / 1000,
	    "Packets are dropped before they reach a socket", NO_FIGURE);
	finding_of_machine(e, one);
	finding_fact(one,
	    "{} packets per second were dropped, as the queue of a CPU was full (softnet_stat): {} "
	    "of them on CPU {}[; the queue holds {}]",
	    fixed(drops, 1), fixed(softnet_num(e->softnet, worst, SOFTNET_DROPS), 1),
	    name(softnet_text(e->softnet, worst, SOFTNET_CPU)),
	    fixed(softnet_num(e->softnet, all, SOFTNET_LIMIT), 0));
	finding_advice(one,
	    "raise net.core.netdev_max_backlog, or spread packets over CPUs (RSS, RPS); see: pq "
	    "sock "
	    "-P ALL 1, pq cpu -P ALL 1",
	    NO_FIGURE);
}

void
sockets_judge(const struct evidence *e, struct findings *f)
{
	accept_queue(e, f);
	read_late(e, f);
	packets_unread(e, f);
	network_late(e, f);
	peer_late(e, f);
	packets_dropped(e, f);
}
