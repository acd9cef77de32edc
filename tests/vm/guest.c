/* What busybox lacks for the tests in a virtual machine:
 *   guest ns COMMAND…            in a cgroup namespace of its own, with the cgroups mounted anew,
 *     as in a container
 *   guest jail DIR UID COMMAND…  with DIR as root, as that user
 *   guest mem MB                 takes so much memory, says "taken", and keeps it
 *   guest burn N                 is busy in so many threads
 *   guest hold FILE              locks the file, says "held", and is busy
 *   guest lock FILE              locks the file, once nobody else does
 *   guest work N MS              N threads run and sleep for so long; says "done", and sleeps
 *   guest programs               how many BPF programs the kernel has */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int
failed(const char *what)
{
	perror(what);
	return 1;
}

static int
ns(char **command)
{
	if (unshare(CLONE_NEWCGROUP | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return failed("unshare");
	if (umount2("/sys/fs/cgroup", MNT_DETACH) < 0 ||
	    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL) < 0)
		return failed("/sys/fs/cgroup");
	execvp(command[0], command);
	return failed(command[0]);
}

static int
jail(const char *dir, unsigned uid, char **command)
{
	if (chroot(dir) < 0 || chdir("/") < 0 || setgid(uid) < 0 || setuid(uid) < 0)
		return failed(dir);
	execv(command[0], command);
	return failed(command[0]);
}

static int
mem(size_t mb)
{
	volatile char *s = malloc(mb << 20);

	if (!s)
		return failed("malloc");
	for (size_t i = 0; i < mb << 20; i += 4096)
		s[i] = 1;
	puts("taken");
	fflush(stdout);
	for (;;)
		pause();
}

static void *
spin(void *arg)
{
	for (volatile unsigned n = 0;; n++)
		;
	return arg;
}

static int
burn(int n)
{
	pthread_t thread;

	while (--n > 0)
		if (pthread_create(&thread, NULL, spin, NULL) != 0)
			return failed("pthread_create");
	spin(NULL);
	return 0;
}

static int
lock(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	return fd < 0 || flock(fd, LOCK_EX) < 0 ? failed(path) : 0;
}

static int
hold(const char *path)
{
	if (lock(path) != 0)
		return 1;
	puts("held");
	fflush(stdout);
	spin(NULL);
	return 0;
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

struct worker {
	pthread_t thread;
	int64_t run_ns, until_ns;
	int in, out; /* -1: it does not sleep */
};

static int
stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof set, &set) == 0;
}

/* Runs for some ms at a time. Those in a ring then wake the next one, and sleep until the one before wakes
 * them. No timer does, nor another CPU: emulated interrupts are late, and the kernel counts a wait from them. */
static void *
run_and_sleep(void *arg)
{
	const struct worker *w = arg;
	char byte = 0;

	if (w->in >= 0 && !stay_on(0))
		return NULL;
	while (now_ns(CLOCK_MONOTONIC) < w->until_ns) {
		if (w->in >= 0 && read(w->in, &byte, 1) != 1)
			break;
		int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + w->run_ns;
		while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
			;
		if (w->out >= 0 && write(w->out, &byte, 1) != 1)
			break;
	}
	return NULL;
}

static void *
work_and_rest(void *arg)
{
	run_and_sleep(arg);
	for (;;)
		pause();
	return NULL;
}

enum { RING = 3 };

/* The first RING threads are in a ring, where two may run. */
static int
work(int n, int ms)
{
	int64_t until_ns = now_ns(CLOCK_MONOTONIC) + ms * INT64_C(1000000);
	struct worker *workers = calloc((size_t)n, sizeof *workers);
	int pipes[RING][2];

	for (int i = 0; i < RING; i++)
		if (pipe(pipes[i]) < 0 || (i > 0 && write(pipes[i][1], "", 1) != 1))
			return failed("pipe");
	for (int i = 0; i < n; i++) {
		workers[i] = (struct worker){ .run_ns = (i + 1) * INT64_C(1000000),
			.until_ns = until_ns,
			.in = i < RING ? pipes[i][0] : -1,
			.out = i < RING ? pipes[(i + 1) % RING][1] : -1 };
		if (pthread_create(&workers[i].thread, NULL, work_and_rest, &workers[i]) != 0)
			return failed("pthread_create");
	}
	usleep((unsigned)ms * 1000 + 1000000); /* they are late if they wait for a CPU */
	puts("done");
	fflush(stdout);
	for (;;)
		pause();
}

/* The attribute of BPF_PROG_GET_NEXT_ID, 11. */
static int
programs(void)
{
	struct {
		uint32_t start, next, flags, pad;
	} ids = { 0, 0, 0, 0 };
	int n = 0;

	for (; syscall(SYS_bpf, 11, &ids, sizeof ids) == 0; n++)
		ids.start = ids.next;
	printf("%d\n", n);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "ns") == 0)
		return ns(argv + 2);
	if (argc > 4 && strcmp(argv[1], "jail") == 0)
		return jail(argv[2], (unsigned)atoi(argv[3]), argv + 4);
	if (argc == 3 && strcmp(argv[1], "mem") == 0)
		return mem((size_t)atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "burn") == 0)
		return burn(atoi(argv[2]));
	if (argc == 3 && strcmp(argv[1], "hold") == 0)
		return hold(argv[2]);
	if (argc == 3 && strcmp(argv[1], "lock") == 0)
		return lock(argv[2]);
	if (argc == 4 && strcmp(argv[1], "work") == 0)
		return work(atoi(argv[2]), atoi(argv[3]));
	if (argc == 2 && strcmp(argv[1], "programs") == 0)
		return programs();
	return 2;
}
