/* sock -P: how packets come in, per CPU: the queue between the network cards and the sockets. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "proc/net_files.h"
#include "tools/hidden.h"
#include "tools/sock/sock.h"

static const struct column columns[] = {
	[SOFTNET_CPU] = { "cpu", "CPU", LABEL, NO_UNIT, 5, 0, .number = NUMBER_OR_ROW,
	    .help = "CPU that takes packets in; 'all' is the sum" },
	[SOFTNET_PACKETS] = { "packets_per_s", "pkt/s", RATE, PER_SECOND, 11, 0,
	    .counter = "sock_cpu_packets",
	    .help = "packets taken in (/proc/net/softnet_stat column 1)" },
	[SOFTNET_BACKLOG] = { "backlog_packets", "backlog", GAUGE, NO_UNIT, 9, 1, .full = 100,
	    .change = MORE_IS_WORSE,
	    .help = "packets that wait in the CPU's queue: mean of the ticks (column 12)" },
	[SOFTNET_BACKLOG_MAX] = { "backlog_packets_max", "bl-max", GAUGE, NO_UNIT, 8, 0,
	    .change = MORE_IS_WORSE,
	    .help = "most of them at a tick (/proc/net/softnet_stat column 12)" },
	[SOFTNET_DROPS] = { "backlog_drops_per_s", "drops/s", RATE, PER_SECOND, 9, 1,
	    .counter = "sock_cpu_drops", .high = ANY_EVENT, .very_high = ANY_EVENT,
	    .change = MORE_IS_WORSE,
	    .help = "packets dropped as that queue was full (/proc/net/softnet_stat column 2)" },
	[SOFTNET_SQUEEZED] = { "squeezes_per_s", "squeeze/s", RATE, PER_SECOND, 11, 1,
	    .counter = "sock_cpu_squeezes", .change = MORE_IS_WORSE,
	    .help = "times the budget ran out while packets waited (/proc/net/softnet_stat column "
		    "3)" },
	[SOFTNET_CARD_DROPS] = { "card_drops_per_s", "nic-drop/s", RATE, PER_SECOND, 12, 1,
	    .counter = "sock_card_drops", .change = MORE_IS_WORSE,
	    .help =
		"packets that network interfaces dropped, lo excluded; all CPUs (/proc/net/dev)" },
	[SOFTNET_LIMIT] = { "backlog_limit", "bl-cap", GAUGE, NO_UNIT, 8, 0, .group = "limits",
	    .change = A_SETTING,
	    .help = "packets that the queue of a CPU can hold "
		    "(/proc/sys/net/core/netdev_max_backlog)" },
	[SOFTNET_BUDGET] = { "budget", "budget", GAUGE, NO_UNIT, 8, 0, .group = "limits",
	    .change = A_SETTING,
	    .help = "packets taken in at once before others run "
		    "(/proc/sys/net/core/netdev_budget)" },
	{ .key = NULL },
};

struct softnet_state {
	struct gauge backlog[CPULIST_MOST];
	struct gauge all;
	struct arena scratch;
};

struct softnet_snapshot {
	struct softnet *v;
	struct gauge *backlog; /* of each */
	size_t n;
	struct gauge all;
	struct keyed card_drops, limit, budget;
};

static void
tick(struct watch *w)
{
	struct softnet_state *s = w->state;
	struct softnet *v;
	struct text text;
	double sum = 0;

	if (host_read(w->host, "proc/net/softnet_stat", &text) < 0)
		return;
	arena_reset(&s->scratch);
	size_t n = softnet_parse(text, &s->scratch, &v);
	for (size_t i = 0; i < n; i++) {
		if (!v[i].backlog.known || v[i].cpu >= CPULIST_MOST)
			return;
		gauge_add(&s->backlog[v[i].cpu], (double)v[i].backlog.v);
		sum += (double)v[i].backlog.v;
	}
	if (n > 0)
		gauge_add(&s->all, sum);
}

static struct keyed
read_number(struct watch *w, const char *path)
{
	struct text text;
	uint64_t v;

	if (host_read(w->host, path, &text) < 0 || text_next_u64(&text, &v) < 0)
		return (struct keyed){ .known = false };
	return keyed_of(v);
}

static void
take_ticks(struct softnet_state *state, struct arena *a, struct softnet_snapshot *s)
{
	s->backlog = arena_alloc(a, (s->n + 1) * sizeof *s->backlog);
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].cpu < CPULIST_MOST)
			s->backlog[i] = state->backlog[s->v[i].cpu];
	s->all = state->all;
	memset(state->backlog, 0, sizeof state->backlog);
	state->all = (struct gauge){ 0 };
}

static void *
read_softnet(struct watch *w, struct arena *a)
{
	struct softnet_snapshot *s = arena_alloc(a, sizeof *s);
	struct cpulist online = { { 0 } };
	struct text text;

	if (host_read(w->host, "proc/net/softnet_stat", &text) < 0)
		return watch_fail(w, EXIT_UNSUPPORTED, "cannot read /proc/net/softnet_stat: %s",
		    hidden_error(w, errno, "is /proc mounted?"));
	s->n = softnet_parse(text, a, &s->v);
	if (s->n == 0)
		return watch_fail(
		    w, EXIT_UNSUPPORTED, "/proc/net/softnet_stat lists no CPUs (a sandbox?)");
	take_ticks(w->state, a, s);
	if (host_read(w->host, "proc/net/dev", &text) == 0)
		s->card_drops = net_device_drops(text);
	s->limit = read_number(w, "proc/sys/net/core/netdev_max_backlog");
	s->budget = read_number(w, "proc/sys/net/core/netdev_budget");
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].cpu < CPULIST_MOST)
			cpulist_add(&online, s->v[i].cpu);
	return watch_check_cpus(w, &sock_options(w)->cpus, &online) ? s : NULL;
}

static const struct softnet *
find(const struct softnet_snapshot *s, unsigned cpu)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].cpu == cpu)
			return &s->v[i];
	return NULL;
}

static void
fill(struct cell *row, struct interval *t, const struct softnet *a, const struct softnet *b,
    const struct gauge *backlog)
{
	cell_rate(row, SOFTNET_PACKETS, t, a->processed, b->processed, 1);
	cell_rate(row, SOFTNET_DROPS, t, a->dropped, b->dropped, 1);
	cell_rate(row, SOFTNET_SQUEEZED, t, a->squeezed, b->squeezed, 1);
	cell_gauge(&row[SOFTNET_BACKLOG], gauge_mean(backlog), t->span_s);
	cell_gauge(&row[SOFTNET_BACKLOG_MAX], gauge_max(backlog), t->span_s);
}

static void
fill_limits(struct cell *row, const struct softnet_snapshot *s, double span_s)
{
	cell_gauge(&row[SOFTNET_LIMIT], s->limit.known ? (double)s->limit.v : NAN, span_s);
	cell_gauge(&row[SOFTNET_BUDGET], s->budget.known ? (double)s->budget.v : NAN, span_s);
}

static void
add(struct keyed *sum, struct keyed k)
{
	*sum = sum->known && k.known ? keyed_of(sum->v + k.v) : (struct keyed){ .known = false };
}

/* The CPUs that are in both: one that goes offline takes its counters along. */
static void
sum_up(const struct softnet_snapshot *s, const struct softnet_snapshot *other, struct softnet *all)
{
	*all = (struct softnet){
		.processed = keyed_of(0), .dropped = keyed_of(0), .squeezed = keyed_of(0)
	};
	for (size_t i = 0; i < s->n; i++) {
		if (!find(other, s->v[i].cpu))
			continue;
		add(&all->processed, s->v[i].processed);
		add(&all->dropped, s->v[i].dropped);
		add(&all->squeezed, s->v[i].squeezed);
	}
}

/* The counters have 32 bits: one that wraps around decreases. */
static void
rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out)
{
	const struct softnet_snapshot *a = from, *b = to;
	struct interval t = { .columns = columns, .span_s = span_s };
	struct softnet sum[2];
	struct cell *row = table_row(out);

	sum_up(a, b, &sum[0]);
	sum_up(b, a, &sum[1]);
	cell_label(&row[SOFTNET_CPU], "all");
	fill(row, &t, &sum[0], &sum[1], &b->all);
	cell_rate(row, SOFTNET_CARD_DROPS, &t, a->card_drops, b->card_drops, 1);
	fill_limits(row, b, span_s);
	out->pinned = 1;
	for (size_t i = 0; i < b->n; i++) {
		const struct softnet *before = find(a, b->v[i].cpu);
		if (!before || !cpu_chosen(&sock_options(w)->cpus, b->v[i].cpu))
			continue;
		row = table_row(out);
		cell_label(&row[SOFTNET_CPU], watch_cpu_name(w, b->v[i].cpu));
		fill(row, &t, before, &b->v[i], &b->backlog[i]);
		fill_limits(row, b, span_s);
	}
	watch_tell_counters(w, &t, false);
}

static void
release(struct watch *w)
{
	arena_free(&((struct softnet_state *)w->state)->scratch);
}

static bool
suits(const struct request *ask)
{
	return ((const struct sock_options *)ask->options)->cpus.given;
}

const struct tool sock_cpus = {
	.name = "sock",
	.brief = "how packets come in, per CPU",
	.examples = "  pq sock -P ALL 1    the queue of packets of each CPU, once per second\n",
	.columns = columns,
	.spark = "backlog_packets",
	.options = sock_option_table,
	.options_size = sizeof(struct sock_options),
	.defaults = &sock_usual_options,
	.suits = suits,
	.state_size = sizeof(struct softnet_state),
	.costly_tick = 1,
	.tick = tick,
	.tick_ns = sock_tick_ns,
	.read = read_softnet,
	.rows = rows,
	.release = release,
};
