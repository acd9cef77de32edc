/* hour FILE [SAMPLES]: writes a recording of an hour at 100 ms, of 20 cgroups and 200 tasks of a made-up machine: what the part
 * `report` of scripts/bench reads. As pq record does, it reads runq, throttle and disk each time and cpu, mem and psi once a second;
 * tasks too, which is ten times as often as pq record does. Between a third and a half of it the quota of /g3 is used up. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fail.h"
#include "proc/task_rows.h"
#include "tape/file.h"

enum { CPUS = 8, CGROUPS = 20, TASKS = 200 };

static struct tape_file tape;
static uint64_t state = 88172645463325252;

/* A number below n, the same in each run. */
static uint64_t
below(uint64_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % n;
}

__attribute__((format(printf, 2, 3))) static void
keep(const char *path, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	tape_writer_keep(&tape.writer, text_of(path), 0, (struct text){ text, (size_t)n });
}

static void
keep_buf(const char *path, struct buf *b)
{
	tape_writer_keep(&tape.writer, text_of(path), 0, (struct text){ b->s, b->n });
	buf_free(b);
}

__attribute__((format(printf, 2, 3))) static void
add(struct buf *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	buf_add(b, text, (size_t)n);
}

static void
keep_pressure(const char *path, uint64_t *us, bool spike)
{
	*us += below(spike ? 60000 : 2000);
	keep(path,
	    "some avg10=0.00 avg60=0.00 avg300=0.00 total=%" PRIu64
	    "\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=%" PRIu64 "\n",
	    *us, *us / 2);
}

static void
keep_machine(bool spike, bool second)
{
	static uint64_t user[CPUS], idle[CPUS], delay[CPUS], run[CPUS], runs[CPUS], pressure[3],
	    io[4];
	struct buf stat = { 0 }, sched = { 0 };
	uint64_t all[2] = { 0 };

	for (int i = 0; i < CPUS; i++) {
		uint64_t busy = below(spike ? 11 : 5);
		user[i] += busy;
		idle[i] += 10 - (busy < 10 ? busy : 10);
		all[0] += user[i];
		all[1] += idle[i];
		delay[i] += below(spike ? 80000000 : 3000000);
		run[i] += busy * 10000000;
		runs[i] += 40 + below(60);
	}
	add(&stat, "cpu  %" PRIu64 " 0 0 %" PRIu64 " 0 0 0 0 0 0\n", all[0], all[1]);
	add(&sched, "version 15\ntimestamp 4300000000\n");
	for (int i = 0; i < CPUS; i++) {
		add(&stat, "cpu%d %" PRIu64 " 0 0 %" PRIu64 " 0 0 0 0 0 0\n", i, user[i], idle[i]);
		add(&sched, "cpu%d 0 0 0 0 0 0 %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", i, run[i],
		    delay[i], runs[i]);
	}
	add(&stat, "ctxt 1\nprocesses 1\nprocs_running %" PRIu64 "\nprocs_blocked %" PRIu64 "\n",
	    1 + below(4), below(2));
	keep_buf("proc/stat", &stat);
	keep_buf("proc/schedstat", &sched);
	io[0] += below(20);
	io[1] += below(40);
	io[2] += below(30);
	io[3] += below(60);
	keep("proc/diskstats",
	    "   8       0 sda %" PRIu64 " 0 %" PRIu64 " %" PRIu64 " %" PRIu64 " 0 %" PRIu64
	    " 0 0 %" PRIu64 " %" PRIu64 "\n",
	    io[0], io[0] * 8, io[1], io[0] / 2, io[0] * 4, io[2], io[3]);
	keep_pressure("proc/pressure/cpu", &pressure[0], spike);
	keep("proc/loadavg", "1.10 1.20 1.30 %" PRIu64 "/%d 4321\n", 1 + below(spike ? 40 : 5),
	    TASKS + 90);
	if (!second)
		return;
	keep("proc/meminfo",
	    "MemTotal: 16000000 kB\nMemFree: %" PRIu64
	    " kB\nMemAvailable: 9000000 kB\nBuffers: 1000 kB\nCached: 4000000 kB\nSwapCached: 0 "
	    "kB\n"
	    "Active(file): 2000000 kB\nInactive(file): 2000000 kB\nAnonPages: 3000000 kB\nShmem: "
	    "1000 kB\n"
	    "SReclaimable: 100000 kB\nSUnreclaim: 50000 kB\nKernelStack: 9000 kB\nPageTables: 9000 "
	    "kB\n"
	    "SwapTotal: 0 kB\nSwapFree: 0 kB\n",
	    5000000 + below(100000));
	keep("proc/vmstat", "pgmajfault %d\noom_kill 0\n", 100);
	keep_pressure("proc/pressure/io", &pressure[1], false);
	keep_pressure("proc/pressure/memory", &pressure[2], false);
}

static void
keep_cgroup(int i, unsigned n, bool spike, bool second)
{
	static uint64_t usage[CGROUPS], throttled[CGROUPS], held[CGROUPS], pressure[CGROUPS][3];
	static const char *const names[] = { "cpu", "io", "memory" };
	char path[128];
	bool hit = i == 3 && spike;

#define FILE_OF(name) (snprintf(path, sizeof path, "sys/fs/cgroup/g%d/" name, i), path)
	usage[i] += hit ? 50000 : below(30000);
	throttled[i] += hit;
	held[i] += hit ? 200000 + below(100000) : 0;
	tape_writer_keep(&tape.writer, text_of(FILE_OF("")), 0, (struct text){ "", 0 });
	keep(FILE_OF("cgroup.procs"), "%d\n", 1000 + i * 10);
	keep(FILE_OF("cgroup.type"), "domain\n");
	keep(FILE_OF("cpu.max"), "%d 100000\n", 50000 + i % 4 * 100000);
	keep(FILE_OF("cpu.stat"),
	    "usage_usec %" PRIu64
	    "\nuser_usec 1\nsystem_usec 1\nnr_periods %u\nnr_throttled %" PRIu64
	    "\nthrottled_usec %" PRIu64 "\nnr_bursts 0\nburst_usec 0\n",
	    usage[i], n, throttled[i], held[i]);
	if (!second)
		return;
	keep(FILE_OF("memory.max"), "%d\n", 1 << 30);
	keep(FILE_OF("memory.high"), "max\n");
	keep(FILE_OF("memory.current"), "%" PRIu64 "\n", 500000000 + i * 20000000 + below(4000000));
	keep(FILE_OF("memory.swap.max"), "0\n");
	keep(FILE_OF("memory.swap.current"), "0\n");
	keep(FILE_OF("memory.stat"),
	    "anon %" PRIu64
	    "\nfile 100000000\nkernel 1000000\nsock 0\nshmem 0\nslab_reclaimable 500000\n"
	    "active_file 50000000\ninactive_file %" PRIu64
	    "\nactive_anon 1\ninactive_anon 1\npgmajfault 5\n"
	    "workingset_refault_anon 0\nworkingset_refault_file 0\n",
	    300000000 + below(2000000), 40000000 + below(1000000));
	keep(FILE_OF("memory.events"), "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n");
	for (int k = 0; k < 3; k++) {
		snprintf(path, sizeof path, "sys/fs/cgroup/g%d/%s.pressure", i, names[k]);
		keep_pressure(path, &pressure[i][k], hit && k == 0);
	}
}

static void
keep_tasks(unsigned n, bool spike)
{
	static struct task_row rows[TASKS];
	struct buf b = { 0 };

	add(&b, "source bpf-iter\ntasks %d\nhidden 0\n", TASKS);
	for (unsigned i = 0; i < TASKS; i++) {
		struct task_row *r = &rows[i];
		bool hit = spike && i % 20 == 3;
		if (n == 0) {
			*r = (struct task_row){ .pid = 1000 + i,
				.tid = 1000 + i,
				.state = 'S',
				.start_ns = 1000000000 + i,
				.cgroup = { 100 + i % CGROUPS, 100 + i % CGROUPS } };
			snprintf(r->comm, sizeof r->comm, "worker-%u", i % 37);
		}
		if (hit || below(4) == 0) { /* the others sleep */
			r->run_ns += below(hit ? 6000000 : 3000000);
			r->wait_ns += below(hit ? 90000000 : 300000);
			r->slices += 1 + below(5);
			r->switches[0]++;
		}
		task_row_print(r, &b);
	}
	keep_buf("pq/tasks", &b);
}

static void
keep_constants(void)
{
	static const char *const absent[] = { "sys/fs/cgroup/cpu.max", "sys/fs/cgroup/memory.max",
		"sys/fs/cgroup/memory.current", "sys/fs/cgroup/cpu.pressure",
		"sys/fs/cgroup/io.pressure", "sys/fs/cgroup/memory.pressure", "proc/pressure/irq",
		"sys/fs/cgroup/memory.high", "sys/fs/cgroup/memory.events" };
	struct buf groups = { 0 };

	keep("proc/self/status", "Cpus_allowed_list:\t0-%d\n", CPUS - 1);
	keep("pq/facts",
	    "ticks_per_s 100\npage_size 4096\ncpus %d\nname made-up\nrelease 6.1.0\nmachine "
	    "x86_64\n"
	    "pq 0.2.0\ntools runq cpu throttle mem psi tasks disk\nasked -a\ninterval_ms 100\n",
	    CPUS);
	keep("proc/self/cgroup", "0::/\n");
	keep("proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	for (int i = 0; i < CGROUPS; i++)
		add(&groups, "g%d\n", i);
	keep_buf("sys/fs/cgroup/", &groups);
	keep("sys/fs/cgroup/cgroup.procs", "%s", "");
	for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
		tape_writer_keep(&tape.writer, text_of(absent[i]), ENOENT, (struct text){ "", 0 });
}

/* Which tools read this sample. */
static void
keep_tools(bool second)
{
	keep("pq/tools",
	    "runq 1 100 100\ncpu %d 1000 1000\nthrottle 1 100 100\nmem %d 1000 1000\npsi %d 1000 "
	    "1000\n"
	    "tasks %d 1000 1000\ndisk 1 100 100\n",
	    second, second, second, second);
}

int
main(int argc, char **argv)
{
	unsigned samples = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 36000;

	if (argc < 2 || tape_file_create(&tape, argv[1]) < 0)
		die(EXIT_FAILED, "usage: hour FILE [SAMPLES]");
	for (unsigned n = 0; n < samples; n++) {
		bool spike = n > samples / 3 && n < samples / 2, second = n % 10 == 0;
		int64_t at_ns = INT64_C(1000000000000) + n * INT64_C(100000000);
		struct sample m = { .mono_ns = at_ns,
			.boot_ns = at_ns,
			.real_ns = INT64_C(1790000000000000000) + at_ns,
			.kind = SAMPLE_ROW };
		keep_constants();
		keep_tools(second);
		keep_machine(spike, second);
		for (int i = 0; i < CGROUPS; i++)
			keep_cgroup(i, n, spike, second);
		if (second)
			keep_tasks(n, spike);
		if (tape_file_sample(&tape, &m) < 0)
			die(EXIT_FAILED, "cannot write %s", argv[1]);
	}
	return tape_file_close(&tape) < 0;
}
