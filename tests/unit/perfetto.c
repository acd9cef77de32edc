/*
 * A trace as Perfetto's protobuf: a decoder walks every packet against the schema, and what a reader
 * makes of it, slices, states and wakers, is what a simulated scheduler did.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fail.h"
#include "trace/perfetto.h"

#include "unit.h"

/* ---- The schema: perfetto_trace.proto, as far as pq writes it. The other types are messages. */

static const struct schema {
	const char *message;
	unsigned field;
	const char *type;
} schema[] = {
	{ "trace", 1, "packet" },
	{ "packet", 1, "bundle" },
	{ "packet", 2, "tree" },
	{ "packet", 6, "clocks" },
	{ "packet", 8, "number" },
	{ "packet", 10, "number" },
	{ "packet", 11, "track_event" },
	{ "packet", 13, "number" },
	{ "packet", 45, "system" },
	{ "packet", 60, "track" },
	{ "packet", 87, "number" },
	{ "bundle", 1, "number" },
	{ "bundle", 2, "event" },
	{ "bundle", 3, "number" },
	{ "bundle", 4, "compact" },
	{ "compact", 1, "packed" },
	{ "compact", 2, "packed" },
	{ "compact", 3, "packed" },
	{ "compact", 4, "packed" },
	{ "compact", 5, "string" },
	{ "compact", 6, "packed" },
	{ "compact", 7, "packed" },
	{ "compact", 8, "packed" },
	{ "compact", 9, "packed" },
	{ "compact", 10, "packed" },
	{ "compact", 11, "packed" },
	{ "compact", 12, "packed" },
	{ "event", 1, "number" },
	{ "event", 2, "number" },
	{ "event", 4, "switch" },
	{ "event", 5, "number" },
	{ "event", 20, "waking" },
	{ "event", 235, "newtask" },
	{ "event", 237, "exec" },
	{ "event", 238, "exit" },
	{ "event", 240, "free" },
	{ "event", 491, "migrate" },
	{ "switch", 1, "string" },
	{ "switch", 2, "number" },
	{ "switch", 3, "number" },
	{ "switch", 4, "number" },
	{ "switch", 5, "string" },
	{ "switch", 6, "number" },
	{ "switch", 7, "number" },
	{ "waking", 1, "string" },
	{ "waking", 2, "number" },
	{ "waking", 3, "number" },
	{ "waking", 5, "number" },
	{ "newtask", 1, "number" },
	{ "newtask", 2, "string" },
	{ "newtask", 3, "number" },
	{ "exec", 2, "number" },
	{ "exit", 1, "string" },
	{ "exit", 2, "number" },
	{ "exit", 3, "number" },
	{ "free", 2, "number" },
	{ "migrate", 2, "number" },
	{ "migrate", 5, "number" },
	{ "tree", 1, "process" },
	{ "tree", 2, "thread" },
	{ "process", 1, "number" },
	{ "process", 2, "number" },
	{ "process", 3, "string" },
	{ "process", 8, "number" },
	{ "process", 9, "number" },
	{ "thread", 1, "number" },
	{ "thread", 2, "string" },
	{ "thread", 3, "number" },
	{ "clocks", 1, "clock" },
	{ "clocks", 2, "number" },
	{ "clock", 1, "number" },
	{ "clock", 2, "number" },
	{ "system", 1, "utsname" },
	{ "system", 3, "number" },
	{ "system", 6, "number" },
	{ "system", 8, "number" },
	{ "utsname", 1, "string" },
	{ "utsname", 3, "string" },
	{ "utsname", 4, "string" },
	{ "track", 1, "number" },
	{ "track", 2, "string" },
	{ "track", 3, "track_process" },
	{ "track", 5, "number" },
	{ "track", 8, "counter" },
	{ "track_process", 1, "number" },
	{ "track_process", 6, "string" },
	{ "track_process", 8, "string" },
	{ "counter", 3, "number" },
	{ "counter", 6, "string" },
	{ "counter", 7, "string" },
	{ "track_event", 4, "annotation" },
	{ "track_event", 9, "number" },
	{ "track_event", 11, "number" },
	{ "track_event", 23, "string" },
	{ "track_event", 30, "number" },
	{ "track_event", 44, "real" },
	{ "annotation", 6, "string" },
	{ "annotation", 10, "string" },
};

enum { FIELDS = sizeof schema / sizeof schema[0], PACKETS_MOST = 1 << 16 };
static bool met[FIELDS]; /* by any test */

static const char *
type_of(const char *message, unsigned field)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (schema[i].field == field && strcmp(schema[i].message, message) == 0) {
			met[i] = true;
			return schema[i].type;
		}
	return NULL;
}

/* ---- The decoder */

/* A field of a message. */
struct item {
	unsigned field, wire;
	uint64_t number;
	struct text bytes;
};

static bool
take_varint(struct text *rest, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; rest->n > 0 && shift < 64; shift += 7) {
		unsigned char c = (unsigned char)*rest->s++;
		rest->n--;
		*v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80)
			return true;
	}
	return false;
}

static bool
take_bytes(struct text *rest, size_t n, struct text *bytes)
{
	if (n > rest->n)
		return false;
	*bytes = (struct text){ rest->s, n };
	*rest = (struct text){ rest->s + n, rest->n - n };
	return true;
}

static bool
take_item(struct text *rest, struct item *item)
{
	uint64_t tag;

	if (!take_varint(rest, &tag))
		return false;
	*item = (struct item){ .field = (unsigned)(tag >> 3), .wire = tag & 7 };
	switch (item->wire) {
	case 0:
		return take_varint(rest, &item->number);
	case 1:
		return take_bytes(rest, 8, &item->bytes);
	case 2:
		return take_varint(rest, &item->number) &&
		    take_bytes(rest, item->number, &item->bytes);
	default:
		return false;
	}
}

static bool
is_utf8(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.s[i];
		int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : 3;
		if (c >= 0x80 && (c < 0xc2 || c > 0xf4))
			return false;
		for (; more > 0; more--)
			if (++i >= t.n || ((unsigned char)t.s[i] & 0xc0) != 0x80)
				return false;
	}
	return true;
}

/* Whether the message has only fields of the schema, and those are of their types. */
static bool
follows(const char *message, struct text rest)
{
	struct item item;
	uint64_t v;

	while (rest.n > 0) {
		if (!take_item(&rest, &item))
			return false;
		const char *type = type_of(message, item.field);
		if (!type)
			return false;
		bool number = strcmp(type, "number") == 0, real = strcmp(type, "real") == 0;
		if (item.wire != (number ? 0 : real ? 1 : 2))
			return false;
		if (number || real)
			continue;
		if (strcmp(type, "string") == 0) {
			if (!is_utf8(item.bytes))
				return false;
		} else if (strcmp(type, "packed") == 0) {
			while (item.bytes.n > 0)
				if (!take_varint(&item.bytes, &v))
					return false;
		} else if (!follows(type, item.bytes)) {
			return false;
		}
	}
	return true;
}

/* The n-th field of that number, or one of wire type 7. */
static struct item
nth(struct text message, unsigned field, unsigned n)
{
	struct item item;

	while (message.n > 0 && take_item(&message, &item))
		if (item.field == field && n-- == 0)
			return item;
	return (struct item){ .wire = 7 };
}

static struct text
part(struct text message, unsigned field)
{
	struct item item = nth(message, field, 0);

	return item.wire == 2 ? item.bytes : (struct text){ "", 0 };
}

static uint64_t
number(struct text message, unsigned field)
{
	struct item item = nth(message, field, 0);

	return item.wire == 0 ? item.number : UINT64_MAX;
}

/* ---- A reader of the scheduler's events, which takes them as Perfetto's does */

struct got {
	uint64_t at;
	uint32_t cpu, order;
	enum { GOT_SWITCH, GOT_WAKING, GOT_OTHER } kind;
	bool compact;
	uint32_t prev, tid, waker; /* prev: of a whole switch; tid: who runs next or wakes up */
	uint64_t state, flags;
	unsigned field;
	struct text name, message;
};

struct slice {
	uint32_t cpu, tid;
	uint64_t from, to; /* to 0: open */
	uint64_t state;
};

struct woken {
	uint64_t at;
	uint32_t tid, waker;
	bool irq;
};

static struct {
	struct text bytes;
	struct got *got;
	size_t ngot, room;
	struct slice *slices;
	size_t nslices, slices_room;
	struct woken *woken;
	size_t nwoken, woken_room;
	unsigned mismatches, skipped; /* of the reader: what it complains about */
} out;

static struct got *
add_got(uint32_t cpu)
{
	out.got = xgrow(out.got, out.ngot, &out.room, sizeof *out.got);
	out.got[out.ngot] = (struct got){ .cpu = cpu, .order = (uint32_t)out.ngot };
	return &out.got[out.ngot++];
}

static struct text
compact_name(struct text compact, struct text *indexes)
{
	uint64_t i = 0;

	take_varint(indexes, &i);
	return nth(compact, 5, (unsigned)i).bytes;
}

static void
read_compact(uint32_t cpu, struct text compact)
{
	struct text a[13];
	uint64_t at = 0, v = 0;

	for (unsigned i = 1; i < 13; i++)
		a[i] = part(compact, i);
	for (; a[1].n > 0;) {
		struct got *g = add_got(cpu);
		take_varint(&a[1], &v);
		*g = (struct got){ at += v, cpu, g->order, GOT_SWITCH, true, .prev = 0 };
		CHECK(take_varint(&a[2], &g->state) && take_varint(&a[3], &v));
		g->tid = (uint32_t)v;
		CHECK(take_varint(&a[4], &v) && v == PERFETTO_PRIO);
		g->name = compact_name(compact, &a[6]);
	}
	bool flags = a[12].n > 0;
	for (at = 0; a[7].n > 0;) {
		struct got *g = add_got(cpu);
		take_varint(&a[7], &v);
		*g = (struct got){ at += v, cpu, g->order, GOT_WAKING, true, .prev = 0 };
		CHECK(take_varint(&a[8], &v) && take_varint(&a[9], &g->state));
		g->tid = (uint32_t)v;
		CHECK(take_varint(&a[10], &v) && v == PERFETTO_PRIO);
		g->name = compact_name(compact, &a[11]);
		CHECK(!flags || take_varint(&a[12], &g->flags));
	}
	for (unsigned i = 1; i < 13; i++)
		CHECK(i == 5 || a[i].n == 0); /* the arrays are equally long */
}

static void
read_whole(uint32_t cpu, struct text event)
{
	struct got *g = add_got(cpu);
	struct text rest = event;
	struct item item = { 0 };

	g->at = number(event, 1);
	g->waker = (uint32_t)number(event, 2);
	g->flags = nth(event, 5, 0).wire == 0 ? number(event, 5) : 0;
	while (take_item(&rest, &item) && item.wire != 2)
		;
	g->field = item.field;
	g->message = item.bytes;
	g->kind = g->field == 4 ? GOT_SWITCH : g->field == 20 ? GOT_WAKING : GOT_OTHER;
	g->tid = (uint32_t)number(item.bytes, g->field == 4 ? 6 : 2);
	g->prev = (uint32_t)number(item.bytes, 2);
	g->state = number(item.bytes, 4);
	g->name = part(item.bytes, g->field == 4 ? 5 : 1);
}

static int
by_time(const void *a, const void *b)
{
	const struct got *g = a, *h = b;

	if (g->at != h->at)
		return g->at < h->at ? -1 : 1;
	return (g->order > h->order) - (g->order < h->order);
}

enum { CPUS_MOST = 8 };
#define NOBODY UINT32_MAX

static void
read_events(void)
{
	struct slice *open[CPUS_MOST] = { NULL };
	uint32_t now[CPUS_MOST];

	memset(now, 0xff, sizeof now);
	out.slices_room = out.ngot + 1;
	out.slices = realloc(out.slices, out.slices_room * sizeof *out.slices);
	qsort(out.got, out.ngot, sizeof *out.got, by_time);
	for (size_t i = 0; i < out.ngot; i++) {
		struct got *g = &out.got[i];
		if (g->kind == GOT_SWITCH) {
			if (g->compact && now[g->cpu] == NOBODY)
				out.skipped++;
			if (open[g->cpu]) {
				open[g->cpu]->to = g->at;
				open[g->cpu]->state = g->state;
				out.mismatches += !g->compact && now[g->cpu] != g->prev;
			}
			if (g->compact)
				g->prev = now[g->cpu];
			out.slices[out.nslices] = (struct slice){ g->cpu, g->tid, g->at, 0, 0 };
			open[g->cpu] = &out.slices[out.nslices++];
			now[g->cpu] = g->tid;
		} else if (g->kind == GOT_WAKING) {
			if (g->compact && now[g->cpu] == NOBODY)
				out.skipped++;
			if (g->compact)
				g->waker = now[g->cpu];
			out.woken =
			    xgrow(out.woken, out.nwoken, &out.woken_room, sizeof *out.woken);
			out.woken[out.nwoken++] =
			    (struct woken){ g->at, g->tid, g->waker, g->flags & (8 | 16) };
		}
	}
}

/* Goes through the whole trace: out has what a reader sees. */
static void
read_trace(int fd)
{
	struct item packet;

	off_t size = lseek(fd, 0, SEEK_END);
	char *bytes = malloc((size_t)size);
	CHECK(pread(fd, bytes, (size_t)size, 0) == size);
	out.ngot = out.nslices = out.nwoken = out.mismatches = out.skipped = 0;
	out.bytes = TN(bytes, (size_t)size);
	free(bytes);
	CHECK(follows("trace", out.bytes));
	for (struct text rest = out.bytes; rest.n > 0 && take_item(&rest, &packet);) {
		struct text bundle = part(packet.bytes, 1), events = bundle;
		struct item item;
		if (bundle.n == 0)
			continue;
		uint32_t cpu = (uint32_t)number(bundle, 1);
		if (!CHECK(cpu < CPUS_MOST))
			return;
		read_compact(cpu, part(bundle, 4));
		while (events.n > 0 && take_item(&events, &item))
			if (item.field == 2)
				read_whole(cpu, item.bytes);
	}
	read_events();
}

/* The n-th packet that has this payload. */
static struct text
payload(unsigned field, unsigned n)
{
	struct item packet;

	for (struct text rest = out.bytes; rest.n > 0 && take_item(&rest, &packet);)
		if (nth(packet.bytes, field, 0).wire == 2 && n-- == 0)
			return part(packet.bytes, field);
	return (struct text){ "", 0 };
}

/* ---- What goes in */

static struct trace_file file;
static struct export_sums sums;
static struct trace_export *writer;
static int fd = -1;

static void
begin(void)
{
	if (fd >= 0)
		close(fd);
	fd = memfd_create("trace", MFD_CLOEXEC);
	writer = perfetto_new(fd, &file);
}

static void
end(void)
{
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	read_trace(fd);
	CHECK_INT(sums.bytes, out.bytes.n);
	CHECK_INT(out.mismatches, 0);
	CHECK_INT(out.skipped, 0);
}

static void
put(const struct sched_event *e)
{
	writer->ops->event(writer, e);
}

static void
put_switch(uint64_t at, uint32_t cpu, uint32_t prev, char state, uint32_t next)
{
	put(&(struct sched_event){ .at_ns = at,
	    .cpu = cpu,
	    .tid = prev,
	    .other = next,
	    .kind = SCHED_SWITCH,
	    .state = state });
}

static void
put_waking(uint64_t at, uint32_t cpu, uint32_t waker, uint32_t tid, bool irq)
{
	put(&(struct sched_event){ .at_ns = at,
	    .cpu = cpu,
	    .tid = tid,
	    .other = waker,
	    .to = 1,
	    .kind = SCHED_WAKING,
	    .in_irq = irq });
}

static void
put_kind(uint64_t at, uint32_t cpu, int kind, uint32_t tid, uint32_t other)
{
	put(&(struct sched_event){
	    .at_ns = at, .cpu = cpu, .tid = tid, .other = other, .to = 3, .kind = (uint8_t)kind });
}

static void
check_slice(size_t i, uint32_t cpu, uint32_t tid, uint64_t from, uint64_t to, uint64_t state)
{
	if (!CHECK(i < out.nslices))
		return;
	CHECK_INT(out.slices[i].cpu, cpu);
	CHECK_INT(out.slices[i].tid, tid);
	CHECK_INT(out.slices[i].from, from);
	CHECK_INT(out.slices[i].to, to);
	CHECK_INT(out.slices[i].state, state);
}

static void
check_woken(size_t i, uint64_t at, uint32_t waker, uint32_t tid, bool irq)
{
	if (!CHECK(i < out.nwoken))
		return;
	CHECK_INT(out.woken[i].at, at);
	CHECK_INT(out.woken[i].tid, tid);
	CHECK_INT(out.woken[i].waker, waker);
	CHECK_INT(out.woken[i].irq, irq);
}

/* ---- The tests */

static char facts[] = "pq 1.0\nhost db1\nrelease 6.12.3-cloud\nmachine x86_64\nticks 100\n"
		      "page 4096\ncpus 4\nasked -p 42\n";
static char *cgroups[] = { (char[]){ "/shop/api" }, (char[]){ "/batch" } };

/* By tid, then start. */
static struct trace_thread threads[] = {
	{ 2, 2, "kthreadd", 1, TRACE_NO_CGROUP, true },
	{ 17, 17, "kworker/0:1", 1, TRACE_NO_CGROUP, true },
	{ 42, 42, "api", 50, 0, false },
	{ 43, 42, "api-\xff\x1b[1m", 60, 0, false },
	{ 44, 0, "nobody's", 0, TRACE_NO_CGROUP, false },
	{ 45, 45, "quiet", 0, 1, false },
	{ 50, 50, "first", 60, 1, false },
	{ 50, 42, "second", 1500, 0, false },
};

static struct trace_clocks clocks[] = {
	{ 900, 1790000000000000900, 800 },
	{ 950, 1780000000000000000, 850 }, /* set back */
	{ 5000, 1790000000000005000, 4900 },
};
static struct trace_loss losses[] = { { 1, 1000, 1010, 7 } };
static struct trace_mark marks[] = { { 1600, (char[]){ "trigger runq.runq > 4" } } };

static void
use_file(void)
{
	file = (struct trace_file){ .facts = { facts, sizeof facts - 1, sizeof facts },
		.clocks = clocks,
		.nclocks = 3,
		.cgroups = cgroups,
		.ncgroups = 2,
		.threads = threads,
		.nthreads = sizeof threads / sizeof threads[0],
		.cpus = 4,
		.from_ns = 1000,
		.to_ns = 9000 };
}

static void
small(void)
{
	use_file();
	begin();
	put_switch(1000, 0, 0, 'R', 42);
	put_waking(1100, 0, 42, 43, false);
	put_switch(1200, 1, 0, 'R', 43);
	put_waking(1250, 0, 42, 17, true);
	put_switch(1300, 0, 42, 'P', 17);
	put_switch(1400, 1, 43, 'D', 0);
	put_switch(1500, 0, 17, 'I', 42);
	end();
	CHECK_INT(out.nslices, 5);
	check_slice(0, 0, 42, 1000, 1300, 0x100);
	check_slice(1, 1, 43, 1200, 1400, 2);
	check_slice(2, 0, 17, 1300, 1500, 0x80);
	check_slice(3, 1, 0, 1400, 0, 0);
	check_slice(4, 0, 42, 1500, 0, 0);
	CHECK_INT(out.nwoken, 2);
	check_woken(0, 1100, 42, 43, false);
	check_woken(1, 1250, 42, 17, true);
	CHECK_INT(sums.events, 7);
	CHECK_INT(sums.left_out + sums.gaps, 0);
}

/* The system comes first: the states depend on its release. */
static void
of_system(void)
{
	use_file();
	begin();
	end();
	CHECK_INT(number(payload(6, 0), 2), 6);
	CHECK_INT(number(part(payload(6, 0), 1), 1), 6);
	CHECK_U64(number(nth(payload(6, 0), 1, 1).bytes, 2), 1790000000000000900);
	CHECK_U64(number(nth(payload(6, 1), 1, 1).bytes, 2), 1790000000000005000);
	CHECK_INT(payload(6, 2).n, 0); /* the clock that was set back */
	struct text system = payload(45, 0);
	CHECK_TEXT(part(part(system, 1), 1), "Linux");
	CHECK_TEXT(part(part(system, 1), 3), "6.12.3-cloud");
	CHECK_TEXT(part(part(system, 1), 4), "x86_64");
	CHECK_INT(number(system, 3), 100);
	CHECK_INT(number(system, 6), 4096);
	CHECK_INT(number(system, 8), 4);
	CHECK_TEXT(part(payload(11, 0), 23), "start of the trace");
	CHECK_TEXT(part(nth(payload(11, 0), 4, 7).bytes, 10), "asked");
	CHECK_TEXT(part(nth(payload(11, 0), 4, 7).bytes, 6), "-p 42");
}

/* A reader takes a trace without a release for one of Linux 4.4, whose states were others. */
static void
without_facts(void)
{
	file = (struct trace_file){ .from_ns = 1 };
	begin();
	put_switch(5, 0, 7, 'P', 8);
	end();
	CHECK_TEXT(part(part(payload(45, 0), 1), 3), "5.0.unknown");
	CHECK_INT(number(payload(45, 0), 8), UINT64_MAX);
	check_slice(0, 0, 8, 5, 0, 0);
	CHECK_INT(payload(2, 0).n, 0);
}

/* The thread's entry in a process tree. */
static struct text
thread_of(uint32_t tid, unsigned n)
{
	for (unsigned i = 0; payload(2, i).n > 0; i++)
		if (number(part(payload(2, i), 2), 1) == tid && n-- == 0)
			return part(payload(2, i), 2);
	return (struct text){ "", 0 };
}

/* The track that describes the process. */
static struct text
process_of(uint32_t pid, unsigned n)
{
	for (unsigned i = 0; payload(60, i).n > 0; i++)
		if (number(part(payload(60, i), 3), 1) == pid && n-- == 0)
			return part(payload(60, i), 3);
	return (struct text){ "", 0 };
}

static void
names(void)
{
	use_file();
	begin();
	put_switch(1000, 0, 0, 'R', 43);
	put_switch(1010, 0, 43, 'R', 44);
	put_switch(1020, 0, 44, 'R', 17);
	put_switch(1030, 0, 17, 'R', 99);
	end();
	CHECK_TEXT(out.got[0].name, "api-\\377\\033[1m");
	CHECK_TEXT(out.got[1].name, "nobody's");
	CHECK_TEXT(out.got[3].name, "");
	CHECK_TEXT(part(thread_of(43, 0), 2), "api-\\377\\033[1m");
	CHECK_INT(number(thread_of(43, 0), 3), 42);
	CHECK_INT(number(thread_of(42, 0), 3), 42); /* it did nothing, but its thread did */
	CHECK_INT(thread_of(44, 0).n, 0);
	CHECK_INT(thread_of(45, 0).n, 0);
	CHECK_TEXT(part(process_of(42, 0), 6), "api");
	CHECK_TEXT(part(process_of(42, 0), 8), "/shop/api");
	CHECK_INT(process_of(17, 0).n, 0);
	for (unsigned i = 0; payload(2, i).n > 0; i++) {
		struct text process = part(payload(2, i), 1);
		if (process.n > 0)
			CHECK_TEXT(part(process, 3), "kworker/0:1");
		if (process.n > 0)
			CHECK_INT(number(process, 2), 2);
	}
}

static const struct got *
whole(unsigned field, unsigned n)
{
	for (size_t i = 0; i < out.ngot; i++)
		if (out.got[i].field == field && n-- == 0)
			return &out.got[i];
	return NULL;
}

/* A number that is used again is another thread, of another process. */
static void
new_and_gone(void)
{
	use_file();
	begin();
	put_switch(1000, 0, 0, 'R', 50);
	put_kind(1100, 0, SCHED_EXEC, 50, 0);
	put_kind(1200, 0, SCHED_EXIT, 50, 0);
	put_switch(1300, 0, 50, 'X', 42);
	put_kind(1500, 0, SCHED_NEW, 50, 42);
	put_kind(1510, 0, SCHED_NEW, 99, 42); /* nobody knows it */
	put_kind(1520, 0, SCHED_MIGRATE, 50, 42);
	put_switch(1600, 0, 42, 'S', 50);
	end();
	const struct got *got = whole(235, 0);
	CHECK(got && got->at == 1500 && got->waker == 42);
	CHECK(got && number(got->message, 1) == 50 && number(got->message, 3) == 0x10000);
	CHECK(got && text_eq(part(got->message, 2), "second"));
	CHECK(!whole(235, 1));
	got = whole(237, 0);
	CHECK(got && got->at == 1100 && got->waker == 50 && got->tid == 50);
	got = whole(238, 0);
	CHECK(got && got->at == 1200 && got->tid == 50 && number(got->message, 3) == 50);
	got = whole(240, 0); /* after the switch */
	CHECK(got && got->at == 1300 && got->tid == 50 && got->waker == 42);
	CHECK(got && got[-1].kind == GOT_SWITCH && got[-1].at == 1300);
	got = whole(491, 0);
	CHECK(got && got->at == 1520 && got->tid == 50 && number(got->message, 5) == 3);
	CHECK_TEXT(part(thread_of(50, 0), 2), "second"); /* put first: with the event */
	CHECK_TEXT(part(thread_of(50, 1), 2), "first");
	CHECK_INT(thread_of(50, 2).n, 0);
	CHECK_TEXT(part(process_of(50, 0), 6), "first");
	CHECK_INT(process_of(50, 1).n, 0);
}

/* The reader sorts what is compact before what is not. */
static void
at_the_same_time(void)
{
	use_file();
	begin();
	put_switch(1000, 0, 0, 'R', 42);
	put_waking(1100, 0, 42, 43, false);
	put_switch(1100, 0, 42, 'S', 43);
	put_waking(1100, 0, 43, 44, false);
	put_switch(1100, 0, 43, 'S', 44);
	put_switch(1200, 0, 44, 'S', 0);
	put_waking(1200, 0, 0, 42, true);
	put_switch(1200, 0, 0, 'R', 42);
	end();
	check_woken(0, 1100, 42, 43, false);
	check_woken(1, 1100, 43, 44, false);
	check_woken(2, 1200, 0, 42, true);
	check_slice(0, 0, 42, 1000, 1100, 1);
	check_slice(1, 0, 43, 1100, 1100, 1);
	check_slice(2, 0, 44, 1100, 1200, 1);
	check_slice(3, 0, 0, 1200, 1200, 0);
	check_slice(4, 0, 42, 1200, 0, 0);
}

/* A waker that does not run as far as the reader knows is told. */
static void
other_wakers(void)
{
	use_file();
	begin();
	put_waking(1000, 0, 42, 43, false); /* nobody runs yet */
	put_switch(1100, 0, 42, 'S', 43);
	put_waking(1200, 0, 45, 42, false);
	put_waking(1210, 0, 45, 44, true);
	put_switch(1300, 0, 43, 'S', 0);
	end();
	check_woken(0, 1000, 42, 43, false);
	check_woken(1, 1200, 45, 42, false);
	check_woken(2, 1210, 45, 44, true);
	check_slice(0, 0, 42, 1000, 1100, 1);
	check_slice(1, 0, 43, 1100, 1300, 1);
	CHECK_INT(sums.gaps, 0);
}

static struct text
lost_track(unsigned n)
{
	for (unsigned i = 0; payload(11, i).n > 0; i++)
		if (number(payload(11, i), 9) == 1 && n-- == 0)
			return part(payload(11, i), 23);
	return (struct text){ "", 0 };
}

static unsigned
lost_bundles(void)
{
	unsigned n = 0;

	for (unsigned i = 0; payload(1, i).n > 0; i++)
		n += number(payload(1, i), 3) == 1;
	return n;
}

/* Nobody seems to run while events are lost. */
static void
lost(void)
{
	static struct trace_loss of_cpus[] = { { 1, 1200, 1500, 9 }, { 2, 0, 1110, 0 },
		{ 5000, 1, 2, 3 }, { 1, 1700, 1900, 2 } };

	use_file();
	file.losses = of_cpus;
	file.nlosses = 4;
	begin();
	put_switch(1000, 1, 0, 'R', 42);
	put_switch(1100, 1, 42, 'S', 43);
	put_switch(1210, 2, 44, 'S', 45); /* 44 ran since 1110 */
	put_switch(1600, 1, 17, 'S', 42); /* 17 ran since 1500 */
	end();
	check_slice(0, 1, 42, 1000, 1100, 1);
	check_slice(2, 2, 44, 1110, 1210, 1);
	check_slice(1, 1, 43, 1100, 1200, 7);
	check_slice(4, 2, 45, 1210, 0, 0);
	check_slice(3, 1, PERFETTO_LOST + 1, 1200, 1500, 1);
	check_slice(5, 1, 17, 1500, 1600, 1);
	check_slice(6, 1, 42, 1600, 1700, 7);
	check_slice(7, 1, PERFETTO_LOST + 1, 1700, 0, 0);
	CHECK_TEXT(lost_track(0), "9 events lost");
	CHECK_TEXT(lost_track(1), "2 events lost");
	CHECK_TEXT(lost_track(2), "events lost");
	CHECK_INT(lost_track(3).n, 0);
	CHECK_INT(lost_bundles(), 2);
	CHECK_INT(sums.gaps, 0);
}

/* A switch that does not fit is a loss, also if the file says nothing of it. */
static void
untold_loss(void)
{
	use_file();
	begin();
	put_switch(1000, 1, 0, 'R', 42);
	put_switch(1100, 1, 42, 'S', 43);
	put_switch(1600, 1, 44, 'S', 42);
	end();
	check_slice(0, 1, 42, 1000, 1100, 1);
	check_slice(1, 1, 43, 1100, 1100, 7);
	check_slice(2, 1, PERFETTO_LOST + 1, 1100, 1600, 1);
	check_slice(3, 1, 44, 1600, 1600, 1);
	check_slice(4, 1, 42, 1600, 0, 0);
	CHECK_TEXT(lost_track(0), "events lost");
	CHECK_INT(sums.gaps, 1);
}

/* The others stand for one thread of a CPU: it is not recorded when they stop. */
static void
one_process(void)
{
	static char only[] = "release 6.1.0\nonly 42\n";

	use_file();
	file.facts = (struct buf){ only, sizeof only - 1, sizeof only };
	begin();
	put_waking(1000, 0, 45, 42, false);
	put_switch(1100, 0, 17, 'R', 42);
	put_switch(1200, 0, 42, 'P', 44);
	put_waking(1300, 0, 45, 43, true);
	put_switch(1400, 0, 0, 'R', 43);
	put_switch(1500, 0, 43, 'S', 42);
	end();
	check_slice(0, 0, PERFETTO_OUTSIDE, 1000, 1100, 1);
	check_slice(1, 0, 42, 1100, 1200, 0x100);
	check_slice(2, 0, PERFETTO_OUTSIDE, 1200, 1400, 1);
	check_slice(3, 0, 43, 1400, 1500, 1);
	check_slice(4, 0, 42, 1500, 0, 0);
	check_woken(0, 1000, 45, 42, false);
	check_woken(1, 1300, 45, 43, true);
	CHECK_INT(sums.gaps, 0);
	CHECK_INT(lost_bundles(), 0);
}

static void
left_out(void)
{
	use_file();
	begin();
	put_switch(1000, 0, 0, 'R', 42);
	put_switch(900, 0, 42, 'S', 43);
	put_switch(1100, PERFETTO_CPUS, 42, 'S', 43);
	put_switch(1200, 0, 42, 'S', 0);
	end();
	CHECK_INT(out.nslices, 2);
	CHECK_INT(sums.events, 2);
	CHECK_INT(sums.left_out, 2);
}

static double
real(struct text message, unsigned field)
{
	struct item item = nth(message, field, 0);
	uint64_t bits = 0;
	double v;

	for (unsigned i = 0; item.wire == 1 && i < 8; i++)
		bits |= (uint64_t)(unsigned char)item.bytes.s[i] << 8 * i;
	memcpy(&v, &bits, sizeof v);
	return v;
}

static void
counters(void)
{
	use_file();
	file.marks = marks;
	file.nmarks = 1;
	file.losses = losses;
	file.nlosses = 1;
	begin();
	uint64_t group = writer->ops->group(writer, 0, "/shop");
	uint64_t used = writer->ops->counter(writer, group, "used", "bytes", "memory");
	uint64_t cpus = writer->ops->counter(writer, group, "throttled", "CPUs", NULL);
	writer->ops->value(writer, used, 2000, 4096);
	writer->ops->value(writer, cpus, 2000, 0.25);
	writer->ops->value(writer, cpus, 3000, NAN);
	writer->ops->value(writer, cpus, 4000, -3);
	writer->ops->mark(writer, 5000, "OOM kill of 42");
	end();
	struct text track = payload(60, 2 + 1); /* after marks and lost events */
	CHECK_INT(number(track, 1), used);
	CHECK_INT(number(track, 5), group);
	CHECK_INT(number(part(track, 8), 3), 3);
	CHECK_TEXT(part(part(track, 8), 7), "memory");
	CHECK_TEXT(part(part(payload(60, 4), 8), 6), "CPUs");
	CHECK_TEXT(part(payload(11, 1), 23), "trigger runq.runq > 4");
	CHECK_INT(number(payload(11, 4), 11), used);
	CHECK_INT(number(payload(11, 4), 30), 4096);
	CHECK_NEAR(real(payload(11, 5), 44), 0.25, 0);
	CHECK_INT((int64_t)number(payload(11, 6), 30), -3);
	CHECK_TEXT(part(payload(11, 7), 23), "OOM kill of 42");
}

static void
full(void)
{
	use_file();
	writer = perfetto_new(open("/dev/full", O_WRONLY | O_CLOEXEC), &file);
	for (unsigned i = 0; i < 100000; i++)
		put_switch(2000 + i, 0, i, 'S', i + 1);
	errno = 0;
	CHECK_INT(writer->ops->end(writer, &sums), -1);
	CHECK_INT(errno, ENOSPC);
}

/* ---- A simulated scheduler of 4 CPUs and 60 threads */

enum { CPUS = 4, THREADS = 60, FIRST_TID = 31000, EVENTS = 200000 };
enum sim_state { SLEEPS, WAITS, RUNS };

static struct {
	uint32_t on[CPUS];
	struct {
		enum sim_state state;
		uint64_t since, ran, waited, slept;
	} threads[THREADS];
	uint64_t now, seed;
	struct slice *slices;
	size_t nslices, room;
	struct woken *woken;
	size_t nwoken, woken_room;
	size_t open[CPUS]; /* the slice, plus 1 */
} sim;

static uint32_t
random_to(uint32_t n)
{
	sim.seed = sim.seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)(sim.seed >> 33) % n;
}

static void
account(uint32_t i, enum sim_state state)
{
	uint64_t ns = sim.now - sim.threads[i].since;

	if (sim.threads[i].since > 0) /* the first state is not seen by a reader */
		*(sim.threads[i].state == RUNS        ? &sim.threads[i].ran :
			sim.threads[i].state == WAITS ? &sim.threads[i].waited :
							&sim.threads[i].slept) += ns;
	sim.threads[i].state = state;
	sim.threads[i].since = sim.now;
}

static void
sim_switch(uint32_t cpu)
{
	static const char states[] = "SSSDPRIT";
	uint32_t prev = sim.on[cpu], next = 0;
	char state = prev ? states[random_to(8)] : 'R';

	for (uint32_t i = 0, at = random_to(THREADS); i < THREADS && !next; i++)
		if (sim.threads[(at + i) % THREADS].state == WAITS)
			next = FIRST_TID + (at + i) % THREADS;
	if (next == prev)
		return;
	if (prev)
		account(prev - FIRST_TID, state == 'P' || state == 'R' ? WAITS : SLEEPS);
	if (next)
		account(next - FIRST_TID, RUNS);
	put_switch(sim.now, cpu, prev, state, next);
	uint64_t bits = state == 'P' ? 0x100 :
	    state == 'S'             ? 1 :
	    state == 'D'             ? 2 :
	    state == 'I'             ? 0x80 :
	    state == 'T'             ? 4 :
				       0;
	if (sim.open[cpu]) {
		sim.slices[sim.open[cpu] - 1].to = sim.now;
		sim.slices[sim.open[cpu] - 1].state = bits;
	}
	sim.slices = xgrow(sim.slices, sim.nslices, &sim.room, sizeof *sim.slices);
	sim.slices[sim.nslices++] = (struct slice){ cpu, next, sim.now, 0, 0 };
	sim.open[cpu] = sim.nslices;
	sim.on[cpu] = next;
}

static void
sim_waking(uint32_t cpu)
{
	uint32_t i = random_to(THREADS);
	bool irq = random_to(4) == 0;

	if (sim.threads[i].state != SLEEPS)
		return;
	account(i, WAITS);
	put_waking(sim.now, cpu, sim.on[cpu], FIRST_TID + i, irq);
	sim.woken = xgrow(sim.woken, sim.nwoken, &sim.woken_room, sizeof *sim.woken);
	sim.woken[sim.nwoken++] = (struct woken){ sim.now, FIRST_TID + i, sim.on[cpu], irq };
}

/* A process of 60 threads. */
static void
simulate(void)
{
	static struct trace_thread own[THREADS];

	for (uint32_t i = 0; i < THREADS; i++) {
		own[i] = (struct trace_thread){ FIRST_TID + i, FIRST_TID, "", 0, 0, false };
		snprintf(own[i].comm, sizeof own[i].comm, "worker-%u", i % 20);
	}
	use_file();
	file.threads = own;
	file.nthreads = THREADS;
	sim.now = file.from_ns = 72000000000000;
	sim.seed = 1;
	begin();
	for (uint32_t i = 0; i < CPUS; i++)
		sim_switch(i); /* nobody waits: nothing happens */
	while (sim.nslices + sim.nwoken < EVENTS) {
		sim.now += 200 + random_to(20000);
		if (random_to(2))
			sim_waking(random_to(CPUS));
		else
			sim_switch(random_to(CPUS));
	}
	end();
}

/* Of a CPU they do not overlap and leave no time out. */
static void
same_slices(void)
{
	uint64_t at[CPUS] = { 0 };
	unsigned wrong = 0;

	simulate();
	size_t extra = out.nslices - sim.nslices; /* what runs on a CPU before its first switch */
	CHECK(extra <= CPUS);
	for (size_t i = 0; i < out.nslices; i++) {
		const struct slice *s = &out.slices[i];
		wrong += at[s->cpu] > 0 && s->from != at[s->cpu];
		at[s->cpu] = s->to;
	}
	CHECK_INT(wrong, 0);
	for (size_t i = 0, j = 0; i < sim.nslices && j < out.nslices; i++, j++) {
		while (out.slices[j].from < sim.slices[i].from && j < CPUS)
			j++;
		wrong += memcmp(&sim.slices[i], &out.slices[j], sizeof sim.slices[0]) != 0;
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(sums.gaps + sums.left_out, 0);
}

static void
same_wakers(void)
{
	unsigned wrong = 0;

	CHECK_INT(out.nwoken, sim.nwoken);
	for (size_t i = 0; i < sim.nwoken && i < out.nwoken; i++)
		wrong += sim.woken[i].at != out.woken[i].at ||
		    sim.woken[i].tid != out.woken[i].tid || sim.woken[i].irq != out.woken[i].irq ||
		    sim.woken[i].waker != out.woken[i].waker;
	CHECK_INT(wrong, 0);
}

/* As a reader adds them up: what a thread ran, waited and slept. */
static void
same_sums(void)
{
	struct {
		int state;
		uint64_t since, sums[3];
	} got[THREADS] = { 0 };

	for (size_t i = 0; i < out.ngot; i++) {
		const struct got *g = &out.got[i];
		uint32_t who[] = { g->kind == GOT_SWITCH ? g->prev : 0, g->tid };
		for (int k = 0; k < 2; k++) {
			if (who[k] < FIRST_TID || who[k] == NOBODY)
				continue;
			uint32_t t = who[k] - FIRST_TID;
			if (got[t].since > 0)
				got[t].sums[got[t].state] += g->at - got[t].since;
			got[t].since = g->at;
			got[t].state = g->kind == GOT_WAKING    ? WAITS :
			    k == 1                              ? RUNS :
			    g->state == 0 || (g->state & 0x100) ? WAITS :
								  SLEEPS;
		}
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		CHECK_U64(got[i].sums[RUNS], sim.threads[i].ran);
		CHECK_U64(got[i].sums[WAITS], sim.threads[i].waited);
		CHECK_U64(got[i].sums[SLEEPS], sim.threads[i].slept);
	}
}

static void
bytes_an_event(void)
{
	double bytes = (double)sums.bytes / (double)sums.events;

	printf("# %.2f bytes an event\n", bytes);
	CHECK(sums.events > EVENTS / 2 && bytes < 12);
}

static void
all_fields(void)
{
	for (size_t i = 0; i < FIELDS; i++)
		if (!CHECK(met[i]))
			printf("# field %u of %s\n", schema[i].field, schema[i].message);
}

int
main(void)
{
	unit_test("switches, states and wakers", small);
	unit_test("the system and its clocks", of_system);
	unit_test("a trace without facts", without_facts);
	unit_test("processes and threads by name", names);
	unit_test("threads that begin and end, and a number that is used again", new_and_gone);
	unit_test("events at the same time keep their order", at_the_same_time);
	unit_test("wakers that do not run", other_wakers);
	unit_test("nobody seems to run while events are lost", lost);
	unit_test("a loss that the file does not tell", untold_loss);
	unit_test("a trace of one process", one_process);
	unit_test("events that a reader rejects are counted", left_out);
	unit_test("counters and marks", counters);
	unit_test("an error of writing", full);
	unit_test("200,000 events: the slices of each CPU", same_slices);
	unit_test("200,000 events: the wakers", same_wakers);
	unit_test("200,000 events: what each thread ran, waited and slept", same_sums);
	unit_test("200,000 events: 12 bytes an event", bytes_an_event);
	unit_test("the tests meet each field of the schema", all_fields);
	free(out.got);
	free(out.slices);
	free(out.woken);
	free(sim.slices);
	free(sim.woken);
	return unit_done();
}
