/*
 * trace_sample FILE: writes a small trace, the same in every run. Two CPUs for 1.2 s: api (process
 * 100, thread 101, cgroup /shop/api) waits for CPU 0 behind etl (200, /batch/etl) for 300 ms; CPU 1
 * lost 40 events; thread 999 is nobody that is known. Only "lists" as a second argument: no clocks.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "trace/trace_file.h"

static const uint64_t begin = 5000000000, ms = 1000000;

static struct trace_writer *w;

/* us after the begin. */
static void
stops(uint64_t us, uint32_t cpu, uint32_t tid, char state, uint32_t next)
{
	trace_put_event(w,
	    &(struct sched_event){ .at_ns = begin + us * 1000,
		.cpu = cpu,
		.tid = tid,
		.other = next,
		.kind = SCHED_SWITCH,
		.state = state });
}

static void
wakes(uint64_t us, uint32_t cpu, uint32_t waker, uint32_t tid)
{
	trace_put_event(w,
	    &(struct sched_event){ .at_ns = begin + us * 1000,
		.cpu = cpu,
		.tid = tid,
		.other = waker,
		.kind = SCHED_WAKING });
}

static void
event(uint64_t us, uint32_t cpu, enum sched_kind kind, uint32_t tid, uint32_t other)
{
	trace_put_event(w,
	    &(struct sched_event){ .at_ns = begin + us * 1000,
		.cpu = cpu,
		.tid = tid,
		.other = other,
		.kind = (uint8_t)kind });
}

static void
thread(uint32_t tid, uint32_t pid, const char *comm, uint32_t cgroup, uint64_t start_ns)
{
	struct trace_thread t = { .tid = tid, .pid = pid, .cgroup = cgroup, .start_ns = start_ns };

	strncpy(t.comm, comm, sizeof t.comm - 1);
	t.kernel = cgroup == TRACE_NO_CGROUP;
	trace_put_thread(w, &t);
}

static void
put_lists(void)
{
	trace_put_facts(w,
	    text_of("pq 0.2.0\nhost web1\nrelease 6.12.0\nmachine x86_64\ncpus 2\n"
		    "asked -g /shop\ntrigger wait > 100ms\n"));
	trace_put_cgroup(w, "/shop/api");
	trace_put_cgroup(w, "/batch/etl");
	thread(100, 100, "api", 0, 1000 * ms);
	thread(101, 100, "api-worker", 0, 1000 * ms);
	thread(200, 200, "etl", 1, 1000 * ms);
	thread(12, 12, "kworker/0:1", TRACE_NO_CGROUP, 10 * ms);
	thread(300, 300, "sh\033[1m", 1, begin + 600 * ms);
	trace_put_loss(w, &(struct trace_loss){ 1, begin + 700 * ms, begin + 800 * ms, 40 });
	trace_put_mark(w, begin + 501 * ms, "trigger wait > 100ms");
}

static void
put_cpu_0(void)
{
	stops(100000, 0, 0, 'R', 101); /* 101 was woken on CPU 1, see there */
	wakes(100250, 0, 101, 12);
	stops(100500, 0, 101, 'P', 12); /* has to stop for the kernel thread */
	stops(100600, 0, 12, 'I', 101);
	stops(101100, 0, 101, 'S', 200); /* blocks; nobody has seen 200 begin to wait */
	wakes(200000, 0, 200, 101);      /* and here it begins to wait behind 200 */
	stops(500000, 0, 200, 'P', 101);
	stops(501500, 0, 101, 'D', 200);
	event(600000, 0, SCHED_NEW, 300, 200);
	stops(600200, 0, 200, 'R', 300); /* yields */
	event(600300, 0, SCHED_EXEC, 300, 0);
	event(601000, 0, SCHED_EXIT, 300, 0);
	stops(601500, 0, 300, 'X', 200);
	stops(1200000, 0, 200, 'S', 0);
}

static void
put_cpu_1(void)
{
	wakes(99000, 1, 0, 101);
	stops(300000, 1, 0, 'R', 999);
	stops(310000, 1, 999, 'S', 0);
	stops(690000, 1, 0, 'R', 100);
	/* 40 events are lost here */
	stops(810000, 1, 100, 'S', 0);
	wakes(900000, 1, 0, 100);
	stops(900050, 1, 0, 'R', 100);
	stops(901000, 1, 100, 'S', 0);
	stops(1000000, 1, 0, 'R', 101); /* its waking is not there */
	stops(1000400, 1, 101, 'S', 0);
}

int
main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;

	if (fd < 0)
		return 2;
	w = trace_writer_new(fd);
	put_lists();
	if (argc < 3) /* 2026-09-21 14:13:20 UTC at the begin */
		trace_put_clocks(
		    w, &(struct trace_clocks){ begin, UINT64_C(1790000000000000000), begin });
	put_cpu_0();
	put_cpu_1();
	return trace_writer_end(w) == 0 && close(fd) == 0 ? 0 : 1;
}
