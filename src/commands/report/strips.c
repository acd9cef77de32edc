/* strips: which tool makes which picture, and how to read it. */
#include "commands/report/report.h"

#include <math.h>
#include <stdio.h>

#include "tools/sock/sock.h"

/* ---- Figures that are not a column */

/* What is left of a whole; unknown if a part is. */
static double
rest(double whole, double part)
{
	return part > whole ? 0 : whole - part;
}

/* Waiting for a disk counts as idle. */
static double
busy(const struct cell *row)
{
	return rest(100, row[CPU_IDLE].num + row[CPU_IOWAIT].num);
}

/* What a cgroup would have used without its quota. */
static double
demand(const struct cell *row)
{
	return row[THROTTLE_USED].num + row[THROTTLE_HELD].num;
}

static double
reclaimable(const struct cell *row)
{
	return rest(row[MEM_USED].num, row[MEM_HARD].num);
}

/* fmax takes the known one of two. */
static double
pressure(const struct cell *row)
{
	return fmax(row[PSI_CPU_SOME].num, fmax(row[PSI_IO_SOME].num, row[PSI_MEMORY_SOME].num));
}

static double
await(const struct cell *row)
{
	return fmax(row[DISK_R_AWAIT].num, row[DISK_W_AWAIT].num);
}

/* ---- Bins: lengths of the run queue one by one up to 16, then in steps; times in powers of two */

static const unsigned lengths[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20,
	24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 192, 256, 384, 512, 1024, 2048, 4096 };

enum { LENGTHS = sizeof lengths / sizeof *lengths };

static unsigned
length_bin(double value)
{
	unsigned i = 0;

	while (i + 1 < LENGTHS && value >= lengths[i + 1])
		i++;
	return i;
}

static void
length_name(unsigned bin, char *out, size_t n)
{
	if (bin + 1 < LENGTHS && lengths[bin + 1] > lengths[bin] + 1)
		snprintf(out, n, "%u to %u", lengths[bin], lengths[bin + 1] - 1);
	else
		snprintf(out, n, "%u%s", lengths[bin], bin + 1 < LENGTHS ? "" : " and more");
}

/* `value` is the end of a range, in whole microseconds: 1, 3, 7, … */
static unsigned
octave_bin(double value)
{
	return value < 1 ? 0 : (unsigned)fmin(ilogb(value + 1) - 1, BINS_MOST - 1);
}

static void
time_text(double us, char *out, size_t n)
{
	snprintf(out, n,
	    us < 1e3     ? "%.0f µs" :
		us < 1e6 ? "%.3g ms" :
			   "%.3g s",
	    us < 1e3     ? us :
		us < 1e6 ? us * 1e-3 :
			   us * 1e-6);
}

static void
octave_name(unsigned bin, char *out, size_t n)
{
	char to[32];

	time_text(ldexp(1, (int)bin + 1), to, sizeof to);
	snprintf(out, n, "below %s", to);
}

/* ---- The table */

#define NAMED(...) \
	{ \
		__VA_ARGS__, -1 \
	}

const struct strip_plan strip_plans[] = {
	{ .id = "throttle",
	    .title = "CPU quota",
	    .says = "CPUs used, and above them the CPUs that the quota held back. The dashed line "
		    "is the quota; bars at the top are throttled periods.",
	    .kind = STRIP_PANELS,
	    .tool = &tool_throttle,
	    .name = NAMED(THROTTLE_CGROUP),
	    .figures = { { THROTTLE_HELD, "held back", ROLE_STACK, NULL },
		{ THROTTLE_USED, "used", ROLE_STACK, NULL },
		{ THROTTLE_LIMIT, "quota", ROLE_LIMIT, NULL },
		{ THROTTLE_USED, "used and held back, largest", ROLE_PEAK, demand },
		{ THROTTLE_THROTTLED_PCT, "throttled periods", ROLE_MARK, NULL } },
	    .kept = 64,
	    .shown = 4,
	    .rules = { "throttled", "throttled-above" } },
	{ .id = "runq",
	    .title = "Run queue",
	    .says = "How many tasks ran or waited for a CPU. The stronger the colour, the more of "
		    "the samples at that time found this length.",
	    .kind = STRIP_HEAT,
	    .tool = &tool_runq,
	    .figures = { { RUNQ_SZ, "runnable tasks", ROLE_LINE, NULL } },
	    .bin = length_bin,
	    .bin_name = length_name,
	    .rules = { "cpu-saturated", "cpu-saturated-by-itself", "cpu-saturated-by-others" } },
	{ .id = "waiting",
	    .title = "Tasks that wait",
	    .says = "Tasks that wait for a CPU, and tasks that are blocked, mostly by a disk.",
	    .kind = STRIP_LINES,
	    .tool = &tool_runq,
	    .figures = { { RUNQ_WAITING, "waiting for a CPU", ROLE_LINE, NULL },
		{ RUNQ_BLOCKED, "blocked", ROLE_LINE, NULL } },
	    .name = NAMED(-1, -1),
	    .kept = 1,
	    .shown = 1,
	    .unit = "tasks" },
	{ .id = "cpuwait",
	    .title = "Waiting for each CPU",
	    .says = "The stronger the colour, the more tasks wait for this CPU.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_runq,
	    .flag = 'P',
	    .key = "waiting",
	    .figures = { { 0, "tasks waiting", ROLE_LINE, NULL } },
	    .name = NAMED(0),
	    .prefix = "CPU ",
	    .ordered = true,
	    .kept = 256,
	    .shown = 16,
	    .unit = "tasks",
	    .rules = { "wait-beside-idle", "one-hot-cpu" } },
	{ .id = "cpu",
	    .title = "Busy CPUs",
	    .says =
		"The stronger the colour, the busier the CPU. Waiting for a disk counts as idle.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_cpu,
	    .figures = { { CPU_IDLE, "busy", ROLE_LINE, busy } },
	    .name = NAMED(CPU_NAME),
	    .without = "own",
	    .prefix = "CPU ",
	    .ordered = true,
	    .full = 100,
	    .kept = 256,
	    .shown = 16,
	    .rules = { "interrupts", "steal", "forks" } },
	{ .id = "held",
	    .title = "CPUs held back, by cgroup",
	    .says = "The stronger the colour, the more CPUs a quota held back.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_throttle,
	    .figures = { { THROTTLE_HELD, "held back", ROLE_LINE, NULL } },
	    .name = NAMED(THROTTLE_CGROUP),
	    .kept = 64,
	    .shown = 12,
	    .several = true },
	{ .id = "mem",
	    .title = "Memory",
	    .says = "Memory that cannot be reclaimed, and above it the cache, which can. The "
		    "dashed line is the limit.",
	    .kind = STRIP_PANELS,
	    .tool = &tool_mem,
	    .name = NAMED(MEM_CGROUP),
	    .figures = { { MEM_USED, "cache", ROLE_STACK, reclaimable },
		{ MEM_HARD, "unreclaimable", ROLE_STACK, NULL },
		{ MEM_LIMIT, "limit", ROLE_LIMIT, NULL },
		{ MEM_USED, "used, largest", ROLE_PEAK, NULL } },
	    .worst = MEM_HARD_PCT,
	    .kept = 64,
	    .shown = 4,
	    .rules = { "memory-limit", "oom-kill", "memory-growth", "page-cache", "memory-high",
		"swap" } },
	{ .id = "tasks",
	    .title = "Tasks that waited for a CPU",
	    .says = "The processes that waited most. 100 % is one thread that waits all the time.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_tasks,
	    .figures = { { TASKS_WAIT, "waiting for a CPU", ROLE_LINE, NULL } },
	    .name = NAMED(TASKS_COMM, TASKS_PID),
	    .kept = 256,
	    .shown = 12,
	    .zero = true,
	    .rules = { "threads" } },
	{ .id = "psi",
	    .title = "Pressure of the machine",
	    .says = "The share of time in which some task waited for a CPU, for I/O or for memory.",
	    .kind = STRIP_LINES,
	    .tool = &tool_psi,
	    .only = "machine",
	    .figures = { { PSI_CPU_SOME, "CPU", ROLE_LINE, NULL },
		{ PSI_IO_SOME, "I/O", ROLE_LINE, NULL },
		{ PSI_MEMORY_SOME, "memory", ROLE_LINE, NULL } },
	    .name = NAMED(PSI_CGROUP),
	    .kept = 1,
	    .shown = 1,
	    .rules = { "memory-pressure", "io-pressure" } },
	{ .id = "psi-cgroups",
	    .title = "Pressure of cgroups",
	    .says = "The worst of CPU, I/O and memory pressure.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_psi,
	    .without = "machine",
	    .figures = { { PSI_CPU_SOME, "pressure", ROLE_LINE, pressure } },
	    .name = NAMED(PSI_CGROUP),
	    .kept = 64,
	    .shown = 10 },
	{ .id = "runqlat",
	    .title = "How long tasks waited for a CPU",
	    .says = "How the waits were distributed, on a logarithmic scale. The stronger the "
		    "colour, the more of the waits at that time were this long.",
	    .kind = STRIP_HEAT,
	    .tool = &tool_runqlat,
	    .flag = 'H',
	    .key = "to_us",
	    .weight_key = "waits",
	    .figures = { { 0, "waits", ROLE_LINE, NULL } },
	    .bin = octave_bin,
	    .bin_name = octave_name,
	    .unit = "waits" },
	{ .id = "states",
	    .title = "What threads do",
	    .says = "How many threads run, wait for a CPU or are blocked.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_wait,
	    .figures = { { WAIT_THREADS, "threads", ROLE_LINE, NULL } },
	    .name = NAMED(WAIT_STATE),
	    .kept = 16,
	    .shown = 8,
	    .zero = true,
	    .unit = "threads" },
	{ .id = "places",
	    .title = "What blocked threads wait for",
	    .says = "How many threads of a process are blocked at a place.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_wait,
	    .figures = { { WAIT_THREADS, "threads", ROLE_LINE, NULL } },
	    .name = { WAIT_PROCESS, WAIT_STATE, WAIT_WHERE },
	    .kept = 128,
	    .shown = 12,
	    .zero = true,
	    .unit = "threads",
	    .rules = { "blocked", "lock-contention", "deadlock", "uninterruptible", "sleeping",
		"stopped" } },
	{ .id = "disk",
	    .title = "Busy disks",
	    .says = "The share of time in which a disk had a request.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_disk,
	    .figures = { { DISK_UTIL, "busy", ROLE_LINE, NULL } },
	    .name = NAMED(DISK_NAME),
	    .full = 100,
	    .kept = 64,
	    .shown = 8,
	    .rules = { "disk-queue", "io-max", "dirty-pages" } },
	{ .id = "disk-wait",
	    .title = "How long disks take",
	    .says = "The mean time of a read or write, whichever is longer, queue included.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_disk,
	    .figures = { { DISK_R_AWAIT, "time of a request", ROLE_LINE, await } },
	    .name = NAMED(DISK_NAME),
	    .kept = 64,
	    .shown = 8 },
	{ .id = "sock",
	    .title = "Sockets: losses",
	    .says = "Connections that found an accept queue full, and packets that were dropped or "
		    "sent again, per second.",
	    .kind = STRIP_LINES,
	    .tool = &tool_sock,
	    .only = "all",
	    .figures = { { SOCK_OVERFLOW, "accept queue full", ROLE_LINE, NULL },
		{ SOCK_DROP, "dropped", ROLE_LINE, NULL },
		{ SOCK_RETRANS, "sent again", ROLE_LINE, NULL } },
	    .name = NAMED(SOCK_TYPE),
	    .kept = 1,
	    .shown = 1,
	    .rules = { "udp-drops", "network-late", "softnet-drops" } },
	{ .id = "accept",
	    .title = "Sockets: full accept queues",
	    .says = "How full the queue of a listening socket was.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_sock,
	    .without = "all",
	    .figures = { { SOCK_FULL, "full", ROLE_LINE, NULL } },
	    .name = NAMED(SOCK_PROCESS, SOCK_LOCAL),
	    .full = 100,
	    .kept = 64,
	    .shown = 8,
	    .rules = { "accept-busy", "accept-idle" } },
	{ .id = "unread",
	    .title = "Sockets: bytes that nobody reads",
	    .says = "Bytes that have come and that the process has not read.",
	    .kind = STRIP_ROWS,
	    .tool = &tool_sock,
	    .without = "all",
	    .figures = { { SOCK_RECV, "unread", ROLE_LINE, NULL } },
	    .name = { SOCK_PROCESS, SOCK_LOCAL, SOCK_PEER },
	    .kept = 64,
	    .shown = 8,
	    .zero = true,
	    .rules = { "read-late", "peer-late" } },
	{ .id = NULL },
};
