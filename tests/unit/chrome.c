/*
 * A trace as Chrome's JSON: jq reads it, and rows of CPUs and threads have what was put in.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "trace/trace_export.h"

#include "unit.h"

static char facts[] = "pq 1.0\nrelease 6.12.3\nasked -g \"shop\"\n";
static char *cgroups[] = { (char[]){ "/shop/api" } };
static struct trace_thread threads[] = {
	{ 42, 42, "api", 50, 0, false },
	{ 43, 42, "api-\xff\"1\"", 60, 0, false },
	{ 50, 50, "first", 60, TRACE_NO_CGROUP, false },
	{ 50, 42, "second", 1000500, 0, false },
};
static struct trace_mark marks[] = { { 1000600, (char[]){ "trigger runq.runq > 4" } } };

static struct trace_file file;
static struct trace_export *writer;
static struct export_sums sums;
static char path[64]; /* for jq */
static int fd = -1;

static void
begin(void)
{
	file = (struct trace_file){ .facts = { facts, sizeof facts - 1, sizeof facts },
		.cgroups = cgroups,
		.ncgroups = 1,
		.threads = threads,
		.marks = marks,
		.nmarks = 1,
		.nthreads = sizeof threads / sizeof threads[0],
		.from_ns = 1000000,
		.to_ns = 1009000 };
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	writer = chrome_new(fd, &file);
}

static void
put_switch(uint64_t at, uint32_t cpu, uint32_t prev, char state, uint32_t next)
{
	writer->ops->event(writer,
	    &(struct sched_event){ .at_ns = 1000000 + at,
		.cpu = cpu,
		.tid = prev,
		.other = next,
		.kind = SCHED_SWITCH,
		.state = state });
}

static void
put(uint64_t at, uint32_t cpu, int kind, uint32_t tid, uint32_t other, bool irq)
{
	writer->ops->event(writer,
	    &(struct sched_event){ .at_ns = 1000000 + at,
		.cpu = cpu,
		.tid = tid,
		.other = other,
		.kind = (uint8_t)kind,
		.in_irq = irq });
}

/* What jq makes of the trace, with newlines as blanks. */
static const char *
jq(const char *filter)
{
	char command[4096], got[4096];

	snprintf(command, sizeof command, "jq -rc '.traceEvents | %s' %s", filter, path);
	FILE *f = popen(command, "r");
	size_t n = f ? fread(got, 1, sizeof got - 1, f) : 0;
	if (!f || pclose(f) != 0)
		n = (size_t)snprintf(got, sizeof got, "jq failed");
	while (n > 0 && got[n - 1] == '\n')
		n--;
	got[n] = '\0';
	for (char *s = got; (s = strchr(s, '\n'));)
		*s = ' ';
	return unit_copy(got, n + 1);
}

#define SLICES(what) ".[] | select(.ph == \"X\" and " what ") | [.name, .ts, .dur, "
#define CPU(n) SLICES(".pid == 0 and .tid == " #n) ".args.tid]"
#define THREAD(n) SLICES(".pid != 0 and .tid == " #n) "(.args | [.[]] | join(\" \"))]"

static void
rows(void)
{
	begin();
	put_switch(0, 0, 0, 'R', 42);
	put(1100, 0, SCHED_WAKING, 43, 42, false);
	put_switch(1200, 1, 0, 'R', 43);
	put_switch(1300, 0, 42, 'P', 77);
	put_switch(2000, 1, 43, 'D', 0);
	put_switch(2500, 0, 77, 'S', 42);
	put(3001, 0, SCHED_WAKING, 43, 42, true);
	put_switch(4000, 1, 0, 'R', 43);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(
	    jq(CPU(0)), "[\"api\",1000,1.3,42] [\"?\",1001.3,1.2,77] [\"api\",1002.5,6.5,42]");
	CHECK_STRING(jq(CPU(1)),
	    "[\"api-\xc3\xbf\\\"1\\\"\",1001.2,0.8,43] [\"api-\xc3\xbf\\\"1\\\"\",1004,5,43]");
	CHECK_STRING(jq(THREAD(42)),
	    "[\"running\",1000,1.3,\"0 preempted\"] [\"runnable\",1001.3,1.2,\"preempted\"] "
	    "[\"running\",1002.5,6.5,\"0 unknown\"]");
	CHECK_STRING(jq(THREAD(43)),
	    "[\"runnable\",1001.1,0.1,\"42 api\"] [\"running\",1001.2,0.8,\"1 uninterruptible\"] "
	    "[\"uninterruptible\",1002,1.001,\"\"] [\"runnable\",1003.001,0.999,\"42 api\"] "
	    "[\"running\",1004,5,\"1 unknown\"]");
	CHECK_STRING(jq("[.[] | select(.args.interrupted)] | length"), "1");
	CHECK_STRING(jq(".[] | select(.cat == \"sched\") | [.ph, .id, .pid, .tid, .ts]"),
	    "[\"s\",1,42,42,1001.1] [\"f\",1,42,43,1001.2] [\"s\",2,42,42,1003.001] "
	    "[\"f\",2,42,43,1004]");
	CHECK_STRING(jq(".[] | select(.ph == \"M\") | [.name, .pid, .tid, .args[]]"),
	    "[\"process_name\",0,0,\"CPUs\"] [\"thread_name\",42,42,\"api\"] "
	    "[\"process_name\",42,42,\"api\"] [\"process_labels\",42,42,\"/shop/api\"] "
	    "[\"thread_name\",42,43,\"api-\xc3\xbf\\\"1\\\"\"] [\"thread_name\",0,0,\"CPU 0\"] "
	    "[\"thread_name\",0,1,\"CPU 1\"]");
}

/* A thread whose first event is that it stops has run for nobody knows how long. */
static void
unknown_start(void)
{
	begin();
	put_switch(1000, 0, 42, 'P', 0);
	put_switch(2000, 0, 0, 'R', 42);
	put_switch(3000, 0, 42, 'S', 0);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(jq(CPU(0)), "[\"api\",1002,1,42]");
	CHECK_STRING(jq(THREAD(42)),
	    "[\"runnable\",1001,1,\"preempted\"] [\"running\",1002,1,\"0 sleeping\"]");
}

static void
lost(void)
{
	static struct trace_loss losses[] = { { 0, 1002000, 1004000, 9 },
		{ 3, 1009000, 1009500, 0 } };

	begin();
	file.losses = losses;
	file.nlosses = 2;
	put_switch(0, 0, 0, 'R', 42);
	put_switch(1000, 0, 42, 'S', 43);
	put_switch(5000, 0, 77, 'S', 42);
	put_switch(6000, 0, 78, 'S', 42); /* does not fit */
	put_switch(7000, 0, 42, 'S', 0);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(jq(SLICES(".pid == 0 and .tid == 0") ".args.events // .args.tid]"),
	    "[\"api\",1000,1,42] [\"api-\xc3\xbf\\\"1\\\"\",1001,1,43] [\"events lost\",1002,2,9] "
	    "[\"?\",1004,1,77] [\"api\",1005,0,42] [\"api\",1006,1,42]");
	CHECK_STRING(jq(SLICES(".pid == 0 and .tid == 3") ".args.events]"),
	    "[\"events lost\",1009,0.5,null]");
}

static void
one_process(void)
{
	static char only[] = "only 42\n";
	static const struct buf facts_only = { only, sizeof only - 1, sizeof only };

	begin();
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		abort();
	file.facts = facts_only;
	writer = chrome_new(fd, &file);
	put_switch(0, 0, 0, 'R', 42);
	put_switch(1000, 0, 42, 'P', 77);
	put_switch(3000, 0, 78, 'S', 42);
	put_switch(4000, 0, 42, 'S', 0);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(jq(CPU(0)), "[\"api\",1000,1,42] [\"api\",1003,1,42]");
	CHECK_STRING(jq(".[] | select(.tid == 77 or .tid == 78)"), "");
}

static void
number_used_again(void)
{
	begin();
	put_switch(0, 0, 0, 'R', 50);
	put_switch(300, 0, 50, 'X', 42);
	put(500, 0, SCHED_NEW, 50, 42, false);
	put_switch(600, 0, 42, 'S', 50);
	put_switch(700, 0, 50, 'S', 0);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(jq(".[] | select(.tid == 50 and .ph == \"X\") | [.pid, .name, .ts, .dur]"),
	    "[50,\"running\",1000,0.3] [42,\"runnable\",1000.5,0.1] [42,\"running\",1000.6,0.1]");
	CHECK_STRING(jq(CPU(0)),
	    "[\"first\",1000,0.3,50] [\"api\",1000.3,0.3,42] [\"second\",1000.6,0.1,50]");
}

static void
counters(void)
{
	begin();
	uint64_t shop = writer->ops->group(writer, 0, "/shop");
	uint64_t mem = writer->ops->group(writer, shop, "mem");
	uint64_t used = writer->ops->counter(writer, mem, "used", "bytes", "memory");
	uint64_t held = writer->ops->counter(writer, shop, "throttled", NULL, NULL);
	writer->ops->value(writer, used, 1002000, 4096);
	writer->ops->value(writer, used, 1003000, NAN);
	writer->ops->value(writer, held, 1003000, -0.25);
	writer->ops->mark(writer, 1003500, "OOM kill of 42");
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(jq(".[] | select(.ph == \"C\") | [.name, .ts, .args]"),
	    "[\"used\",1002,{\"bytes\":4096}] [\"throttled\",1003,{\"value\":-0.25}]");
	CHECK_STRING(jq("[map(select(.ph == \"C\").pid), map(select(.args.name | strings | "
			"startswith(\"/shop\")).pid)] | map(sort) | .[0] == .[1]"),
	    "true");
	CHECK_STRING(jq(".[] | select(.ph == \"i\") | [.name, .ts, .s]"),
	    "[\"trigger runq.runq > 4\",1000.6,\"g\"] [\"OOM kill of 42\",1003.5,\"g\"]");
}

static void
whole_file(void)
{
	begin();
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	CHECK_STRING(jq("length"), "2");
	char command[256], got[256] = "";
	snprintf(command, sizeof command, "jq -c .otherData %s", path);
	FILE *f = popen(command, "r");
	CHECK(f && fgets(got, sizeof got, f));
	CHECK(f && pclose(f) == 0);
	CHECK_STRING(
	    got, "{\"pq\":\"1.0\",\"release\":\"6.12.3\",\"asked\":\"-g \\\"shop\\\"\"}\n");
}

static void
full(void)
{
	begin();
	int other = open("/dev/full", O_WRONLY | O_CLOEXEC);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	writer = chrome_new(other, &file);
	for (uint32_t i = 0; i < 50000; i++)
		put_switch(i, 0, i, 'S', i + 1);
	errno = 0;
	CHECK_INT(writer->ops->end(writer, &sums), -1);
	CHECK_INT(errno, ENOSPC);
	close(other);
}

/* Each thread of a file that somebody made says that the next one is its process. */
static void
chain_of_processes(void)
{
	enum { CHAIN = 400000 };
	struct trace_thread *chain = calloc(CHAIN, sizeof *chain);

	if (!chain)
		abort();
	for (uint32_t i = 0; i < CHAIN; i++)
		chain[i] = (struct trace_thread){ i + 1, i + 2, "t", 0, TRACE_NO_CGROUP, false };
	begin();
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	file.threads = chain;
	file.nthreads = CHAIN;
	writer = chrome_new(fd, &file);
	put_switch(5, 0, 1, 'S', 0);
	CHECK_INT(writer->ops->end(writer, &sums), 0);
	free(chain);
}

int
main(void)
{
	fd = memfd_create("trace", MFD_CLOEXEC);
	if (fd < 0)
		return 1;
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
	unit_test("the rows of CPUs and threads, with wakers", rows);
	unit_test("the start of what ran before is unknown", unknown_start);
	unit_test("lost events", lost);
	unit_test("a trace of one process", one_process);
	unit_test("a number that is used again", number_used_again);
	unit_test("counters and marks", counters);
	unit_test("facts beside the events", whole_file);
	unit_test("an error of writing", full);
	unit_test("a chain of processes", chain_of_processes);
	return unit_done();
}
