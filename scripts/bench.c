/*
 * What scripts/bench cannot do in the shell. CPU time is what the scheduler counts in ns, of a process that runs by its CPU
 * clock, of one that has ended by getrusage(2): its user and system time add up to the same, whatever the tick.
 *
 *   bench once COMMAND…                     runs it to its end; prints "CPU_US WALL_US", with what it started
 *   bench beside S SHIFT COMMAND… [-- COMMAND…]…
 *                                           runs them all, the n-th on the CPU n + SHIFT, watches them for S seconds, ends
 *                                           them; prints "CPU_US PEAK_KIB" of each, with what it started
 *   bench loop TICK_US ROW_TICKS [TICK_FILE…] + [ROW_FILE…]
 *                                           a program that only sleeps and preads: some files at each tick, some at each row
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { COMMANDS_MOST = 8, HALF_PAGE = 2048 };

extern char **environ;

static void
die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_us(clockid_t clock)
{
	struct timespec t = { 0, 0 };

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Its output is thrown away. posix_spawn does not copy this process first, as fork would: that is no cost of the command. */
static pid_t
spawn(char **argv)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t own_group;
	pid_t pid;

	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&own_group);
	posix_spawnattr_setflags(&own_group, POSIX_SPAWN_SETPGROUP);
	errno = posix_spawnp(&pid, *argv, &files, &own_group, argv, environ);
	if (errno != 0)
		die(*argv);
	return pid;
}

static int64_t
us_of(struct timeval t)
{
	return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

static int
once(char **argv)
{
	int64_t start = now_us(CLOCK_MONOTONIC), wall = 0, cpu = 0;
	struct rusage used;
	int status, failed = 0;
	pid_t first = spawn(argv), pid;

	while ((pid = wait4(-1, &status, 0, &used)) > 0) {
		cpu += us_of(used.ru_utime) + us_of(used.ru_stime);
		if (pid != first)
			continue; /* left behind, as sar's sadc is */
		wall = now_us(CLOCK_MONOTONIC) - start;
		failed = status != 0;
	}
	printf("%lld %lld\n", (long long)cpu, (long long)wall);
	return failed;
}

/* From now on this process, and what it starts, runs on the n-th of these CPUs, counted round and round. */
static void
take_cpu(const cpu_set_t *cpus, int n)
{
	cpu_set_t one;
	size_t cpu = SIZE_MAX;

	for (n %= CPU_COUNT(cpus); n >= 0; n--)
		do
			cpu++;
		while (!CPU_ISSET(cpu, cpus));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof one, &one);
}

static void
sleep_us(int64_t us)
{
	struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000 * 1000) };

	while (nanosleep(&t, &t) < 0)
		;
}

/* Until the wall clock stands so far behind a whole second. */
static void
sleep_to_phase(int64_t us)
{
	sleep_us((us + 1000000 - now_us(CLOCK_REALTIME) % 1000000) % 1000000);
}

struct cost {
	int64_t cpu_us;
	long peak_kib;
};

/* "VmHWM:      1044 kB" */
static long
peak_kib(int pid)
{
	char path[64], line[256];
	long kib = 0;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %ld", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib;
}

static struct cost
cost_of(int pid)
{
	struct cost c = { 0, peak_kib(pid) };
	clockid_t clock;
	char path[64];
	int child;

	if (clock_getcpuclockid(pid, &clock) == 0)
		c.cpu_us = now_us(clock);
	snprintf(path, sizeof path, "/proc/%d/task/%d/children", pid, pid);
	FILE *f = fopen(path, "r");
	while (f && fscanf(f, "%d", &child) == 1) {
		struct cost its = cost_of(child);
		c.cpu_us += its.cpu_us;
		c.peak_kib += its.peak_kib;
	}
	if (f)
		fclose(f);
	return c;
}

/* pq wakes up at the whole second; the others go by their start, each 0.1337 s behind the one before it. So none finds a CPU
 * awake and its caches warm because of another, nor with ticks of 10 ms. */
static int
start_all(char **argv, int shift, pid_t pids[COMMANDS_MOST])
{
	cpu_set_t cpus;
	int n = 0;

	sched_getaffinity(0, sizeof cpus, &cpus);
	for (char **end = argv; *argv && n < COMMANDS_MOST; argv = end) {
		while (*end && strcmp(*end, "--") != 0)
			end++;
		if (*end)
			*end++ = NULL;
		sleep_to_phase(200000 + 133700 * n);
		take_cpu(&cpus, n + shift);
		pids[n++] = spawn(argv);
	}
	sched_setaffinity(0, sizeof cpus, &cpus);
	return n;
}

static int
beside(int seconds, int shift, char **argv)
{
	pid_t pids[COMMANDS_MOST];
	struct cost before[COMMANDS_MOST];
	int n = start_all(argv, shift, pids), failed = 0;

	sleep_us(1500000); /* the first row has its own costs */
	sleep_to_phase(900000);
	for (int i = 0; i < n; i++)
		before[i] = cost_of(pids[i]);
	sleep_us((int64_t)seconds * 1000000);
	for (int i = 0; i < n; i++) {
		struct cost c = cost_of(pids[i]);
		failed |= waitpid(pids[i], NULL, WNOHANG) != 0; /* it ended by itself */
		printf("%lld %ld\n", (long long)(c.cpu_us - before[i].cpu_us), c.peak_kib);
	}
	for (int i = 0; i < n; i++)
		kill(-pids[i], SIGTERM);
	while (wait(NULL) > 0)
		;
	return failed;
}

static int
open_file(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		die(path);
	return fd;
}

/* As a file of /proc has to be read: a full page may not be all of it. */
static void
read_file(int fd)
{
	static char text[1 << 20];
	ssize_t n, all = 0;

	do {
		n = pread(fd, text + all, sizeof text - (size_t)all, all);
		all += n;
	} while (n > 0 && all >= HALF_PAGE);
}

static void
bare_loop(int64_t tick_us, int row_ticks, char **files)
{
	int fds[64], n = 0, ticked = 0;
	struct timespec t;

	for (; *files && n < 64; files++)
		if (strcmp(*files, "+") == 0)
			ticked = n;
		else
			fds[n++] = open_file(*files);
	clock_gettime(CLOCK_MONOTONIC, &t);
	for (int tick = 1;; tick = tick % row_ticks + 1) {
		int64_t ns = t.tv_nsec + tick_us * 1000;
		t.tv_sec += (time_t)(ns / 1000000000);
		t.tv_nsec = (long)(ns % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		for (int i = 0; i < (tick == row_ticks ? n : ticked); i++)
			read_file(fds[i]);
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (strcmp(what, "once") == 0)
		return once(argv + 2);
	if (strcmp(what, "beside") == 0 && argc > 4)
		return beside(atoi(argv[2]), atoi(argv[3]), argv + 4);
	if (strcmp(what, "loop") == 0 && argc > 4)
		bare_loop(atoll(argv[2]), atoi(argv[3]), argv + 4);
	fputs("usage: see the head of bench.c\n", stderr);
	return 2;
}
