/* A ring of perf events of any bytes: events are valid and in order, and of the wanted time. */
#include <stdlib.h>
#include <string.h>

#include "bpf/perf_records.h"
#include "replay.h"

static const struct perf_records_of of = { 1, 500, 1000, UINT64_C(1) << 40 };
static uint64_t last_ns, events, lost;

static void
on_event(void *ctx, const struct sched_event *e)
{
	(void)ctx;
	if (e->cpu != of.cpu || e->at_ns < last_ns || e->at_ns < of.since_ns ||
	    e->at_ns > of.until_ns || e->kind == 0 || e->kind >= SCHED_KINDS)
		abort();
	last_ns = e->at_ns;
	events++;
}

static void
on_loss(void *ctx, const struct switch_loss *l)
{
	(void)ctx;
	if (l->cpu != of.cpu || l->from_ns > l->to_ns)
		abort();
	lost += l->lost;
}

static void
look(struct text records)
{
	const struct switch_sink sink = { NULL, on_event, on_loss };
	struct switch_span span = { 0 };
	uint64_t at_ns;

	last_ns = events = lost = 0;
	perf_records_read(records, &of, &sink, &span);
	if (span.events != events || span.lost != lost)
		abort();
	size_t half = perf_records_skip(records, records.n / 2);
	if (half > records.n)
		abort();
	perf_records_time(records, &at_ns);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	struct buf turned = { 0 }, again = { 0 };

	look(t);
	size_t whole = perf_records_turn(&turned, t);
	if (whole > n || turned.n != whole)
		abort();
	look((struct text){ turned.s, turned.n });
	if (perf_records_turn(&again, (struct text){ turned.s, turned.n }) != whole ||
	    (whole && memcmp(again.s, data, whole) != 0))
		abort();
	buf_free(&turned);
	buf_free(&again);
	return 0;
}
