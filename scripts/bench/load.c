/*
 * Loads for scripts/bench, and what is known of a program only by its work on one. Like bench.c it has nothing of
 * pq's sources.
 *
 *   load threads PROCESSES THREADS WORKING  so many processes of so many threads each, which sleep, but WORKING of them all run
 *                                           for 20 µs in each 50 ms; prints the PID of the first when all are there
 *   load mix BURNERS SLEEPERS               one process: threads that never sleep, and others that run 5 µs in each ms;
 *                                           prints its PID
 *   load attach COMMAND…                    runs it until a second after it opened its last BPF link or perf event, ends it
 *                                           by SIGINT; prints "US_TO_THAT_LINK PEAK_KIB US_TO_EXIT"
 *   load calls ROUNDS MS COMMAND…           a process that does nothing but small reads and writes, without COMMAND and with it
 *                                           in turn ({}: its PID), MS each; a line for each round, ns per call:
 *                                           "WALL_WITHOUT WALL_WITH CPU_WITHOUT CPU_WITH"
 *   load turns ROUNDS MS COMMAND…           the same for a process whose two threads send each other bytes through pipes
 *   load spins ROUNDS MS COMMAND…           the same for one that only computes
 *   load crew ROUNDS MS COMMAND…            the same for 1,000 threads, of which 50 compute a little and sleep, in turn
 *   load blockings THREADS EACH             threads that are blocked in read(2) EACH times for 200 ms to 1 s, and between for
 *                                           less than 120 ms; prints its PID, and at the end "TID MS" of the long ones in order
 *
 *   load trips CPU N ROUNDS                 two threads on that CPU send each other a byte over pipes, N times in turn; prints
 *                                           CPU ns per round trip, ROUNDS times
 *   load switches SECONDS                   the same on each CPU at once; prints switches per second, of all
 *   load serve WAKERS WORKERS US N          threads that wake WORKERS others each, which run US; N times in turn, all at once;
 *                                           prints µs from a waking to the run: "P50 P99"
 *   load copy MIB FILE OUT                  copies so much memory, and writes the bytes of FILE to OUT; prints ns
 *
 * And faults, for scripts/faults; each prints its PID:
 *   load convoy THREADS sleep|run           threads that all want one mutex, and hold it for 10 ms asleep or busy
 *   load together THREADS MS RUN_US         threads that all wake up at every MS and then run so long
 *   load dwell MS                           a server that runs 1 ms and sleeps MS for each request of another process, its client
 *   load requests RUN_MS SLEEP_MS           runs and sleeps in turn
 *   load beside                             the main thread sleeps for good, another reads from a pipe that nobody writes to
 *   load reads FILE THREADS                 threads that each read random blocks of 4 KiB, without the page cache
 *   load stuck                              in state D for good: its child of vfork(2) neither ends nor becomes another program
 *   load idle WORKERS MS                    no fault: workers of an empty queue, a thread that wakes up every MS to look around,
 *                                           and one that waits for connections
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STACK = 64 << 10, LONG_LEAST_MS = 200, LONG_MOST_MS = 1000, SHORT_MOST_MS = 120 };

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t = { 0, 0 };

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
sleep_us(int64_t us)
{
	struct timespec t = { (time_t)(us / 1000000), (long)(us % 1000000 * 1000) };

	while (nanosleep(&t, &t) < 0)
		;
}

static void
run_us(int64_t us)
{
	int64_t end = now_ns(CLOCK_THREAD_CPUTIME_ID) + us * 1000;

	while (now_ns(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static void
start_thread(void *(*f)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	errno = pthread_create(&thread, &attr, f, arg);
	if (errno != 0)
		die("a thread");
}

static pid_t
start(char **argv)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int null = open("/dev/null", O_RDWR);
	dup2(null, 1);
	dup2(null, 2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGINT, SIG_DFL); /* a shell in the background ignores it */
	execvp(*argv, argv);
	_exit(127);
}

/* ---- Threads */

static void *
sleeper(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *
worker(void *arg)
{
	(void)arg;
	for (;;) {
		sleep_us(50000);
		run_us(20);
	}
	return NULL;
}

/* Of all threads, counted through, every EVERY-th works. */
static void
be_process(int n, int threads, int every, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 1; i < threads; i++)
		start_thread(every && (n * threads + i) % every == 0 ? worker : sleeper, NULL);
	if (write(ready, "", 1) != 1)
		die("a pipe");
	sleeper(NULL);
}

static int
threads(int processes, int each, int working)
{
	int ready[2], every = working ? processes * each / working : 0;
	pid_t first = 0, pid;
	char byte;

	if (pipe(ready) < 0)
		die("pipe");
	for (int n = 0; n < processes; n++) {
		pid = fork();
		if (pid < 0)
			die("fork");
		if (pid == 0)
			be_process(n, each, every > 1 ? every : working != 0, ready[1]);
		first = n ? first : pid;
	}
	close(ready[1]);
	for (int n = 0; n < processes; n++)
		if (read(ready[0], &byte, 1) != 1)
			return 1;
	printf("%d\n", (int)first);
	fflush(stdout);
	sleeper(NULL);
	return 0;
}

static void *
burner(void *arg)
{
	(void)arg;
	for (;;)
		;
	return NULL;
}

static void *
napper(void *arg)
{
	(void)arg;
	for (;;) {
		sleep_us(1000);
		run_us(5);
	}
	return NULL;
}

static int
mix(int burners, int sleepers)
{
	for (int i = 0; i < burners; i++)
		start_thread(burner, NULL);
	for (int i = 0; i < sleepers; i++)
		start_thread(napper, NULL);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	sleeper(NULL);
	return 0;
}

/* ---- How long until it is attached, and until it has gone */

/* Descriptors by which programs hang in the kernel: "anon_inode:bpf_link", "anon_inode:bpf-link", "anon_inode:[perf_event]". */
static int
links_of(pid_t pid)
{
	char path[64], target[64];
	int n = 0;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	for (struct dirent *e; dir && (e = readdir(dir));) {
		ssize_t size = readlinkat(dirfd(dir), e->d_name, target, sizeof target - 1);
		target[size < 0 ? 0 : size] = '\0';
		n += strstr(target, "bpf_link") || strstr(target, "bpf-link") ||
		    strstr(target, "raw-tracepoint") || strstr(target, "perf_event");
	}
	if (dir)
		closedir(dir);
	return n;
}

static long
peak_kib(pid_t pid)
{
	char path[64], line[256];
	long kib = 0;

	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "VmHWM: %ld", &kib) != 1)
		;
	if (f)
		fclose(f);
	return kib;
}

/* How long it takes to its end. A program that was not ready for the signal (bpftrace forgets one that comes while it starts)
 * gets another, and its time counts from there; -1: it had to be killed. */
static int64_t
end_us(pid_t pid)
{
	for (int i = 0; i < 5; i++) {
		int64_t begin = now_ns(CLOCK_MONOTONIC), now = begin;
		kill(pid, SIGINT);
		for (; now - begin < 2000000000; now = now_ns(CLOCK_MONOTONIC)) {
			if (waitpid(pid, NULL, WNOHANG) != 0)
				return (now_ns(CLOCK_MONOTONIC) - begin) / 1000;
			sleep_us(100);
		}
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -1;
}

static int
attach(char **argv)
{
	int64_t begin = now_ns(CLOCK_MONOTONIC), at = begin, now = begin;
	pid_t pid = start(argv);
	int most = 0;

	for (; now - at < 1000000000 || (most == 0 && now - begin < 5000000000);
	     now = now_ns(CLOCK_MONOTONIC)) {
		int n = links_of(pid);
		if (n > most) {
			most = n;
			at = now_ns(CLOCK_MONOTONIC);
		}
		sleep_us(50);
	}
	long peak = peak_kib(pid);
	int64_t exit_us = end_us(pid);
	if (most == 0 || exit_us < 0)
		return 1;
	printf("%lld %ld %lld\n", (long long)(at - begin) / 1000, peak, (long long)exit_us);
	return 0;
}

/* ---- What a process loses that is watched */

struct pace {
	double wall_ns, cpu_ns; /* per unit of work */
};

/* Does some work; returns how many units. */
typedef int64_t chore(void);

static int zero_fd, null_fd, ping[2], pong[2];

static int64_t
call(void)
{
	int64_t n = 0;
	char byte;

	for (int i = 0; i < 50; i++)
		n += read(zero_fd, &byte, 1) + write(null_fd, &byte, 1);
	return n;
}

static void *
echo(void *arg)
{
	char byte;

	while (read(ping[0], &byte, 1) == 1 && write(pong[1], &byte, 1) == 1)
		;
	return arg;
}

static int64_t
take_turns(void)
{
	int64_t n = 0;
	char byte = 0;

	for (int i = 0; i < 50; i++)
		n += write(ping[1], &byte, 1) == 1 && read(pong[0], &byte, 1) == 1;
	return n;
}

static int64_t
spin(void)
{
	static volatile uint64_t kept = 1;
	uint64_t x = kept;

	for (int i = 0; i < 100000; i++)
		x = (x ^ x >> 29) * 0x9e3779b97f4a7c15u;
	kept = x | 1;
	return 100000;
}

/* ---- 1,000 threads */

static int64_t crew_done;

static void *
crew_member(void *arg)
{
	(void)arg;
	for (;;) {
		uint64_t x = 1;
		for (int i = 0; i < 20000; i++)
			x = (x ^ x >> 29) * 0x9e3779b97f4a7c15u;
		__atomic_fetch_add(&crew_done, x != 0, __ATOMIC_RELAXED);
		sleep_us(10000);
	}
	return NULL;
}

/* How often they computed in 50 ms. What they did before does not count. */
static int64_t
crew(void)
{
	int64_t from = __atomic_load_n(&crew_done, __ATOMIC_RELAXED);

	sleep_us(50000);
	return __atomic_load_n(&crew_done, __ATOMIC_RELAXED) - from;
}

static void
be_worker(chore *f, int64_t ms, int go, int result)
{
	char byte;

	zero_fd = open("/dev/zero", O_RDONLY);
	null_fd = open("/dev/null", O_WRONLY);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pipe(ping) < 0 || pipe(pong) < 0)
		die("pipe");
	if (f == take_turns)
		start_thread(echo, NULL);
	for (int i = 0; f == crew && i < 1000; i++)
		start_thread(i < 50 ? crew_member : sleeper, NULL);
	while (read(go, &byte, 1) == 1) {
		int64_t wall = now_ns(CLOCK_MONOTONIC), cpu = now_ns(CLOCK_PROCESS_CPUTIME_ID),
			n = 0;
		do
			n += f();
		while (now_ns(CLOCK_MONOTONIC) - wall < ms * 1000000);
		struct pace p = { (double)(now_ns(CLOCK_MONOTONIC) - wall) / (double)n,
			(double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / (double)n };
		if (write(result, &p, sizeof p) != sizeof p)
			break;
	}
	_exit(0);
}

static struct pace
pace_of(int go, int result)
{
	struct pace p = { 0, 0 };

	if (write(go, "", 1) != 1 || read(result, &p, sizeof p) != sizeof p)
		die("the process that works");
	return p;
}

/* A second to attach itself; whether it lived that long. */
static int
pace_with(char **argv, int go, int result, struct pace *p)
{
	pid_t watcher = start(argv);

	sleep_us(1000000);
	int there = waitpid(watcher, NULL, WNOHANG) == 0;
	if (there) {
		*p = pace_of(go, result);
		end_us(watcher);
	}
	return there;
}

/* Each round is compared with what is before and after it. */
static int
watch(chore *f, int rounds, int64_t ms, char **argv)
{
	int go[2], result[2];
	char pid_text[16];
	struct pace with;

	if (pipe(go) < 0 || pipe(result) < 0)
		die("pipe");
	pid_t pid = fork();
	if (pid == 0)
		be_worker(f, ms, go[0], result[1]);
	snprintf(pid_text, sizeof pid_text, "%d", (int)pid);
	for (char **arg = argv; *arg; arg++)
		if (strcmp(*arg, "{}") == 0)
			*arg = pid_text;
	pace_of(go[1], result[0]); /* warms up */
	struct pace before = pace_of(go[1], result[0]);
	for (int i = 0; i < rounds; i++) {
		if (!pace_with(argv, go[1], result[0], &with))
			return 1;
		struct pace after = pace_of(go[1], result[0]);
		printf("%.2f %.2f %.2f %.2f\n", (before.wall_ns + after.wall_ns) / 2, with.wall_ns,
		    (before.cpu_ns + after.cpu_ns) / 2, with.cpu_ns);
		before = after;
	}
	return 0;
}

/* ---- Threads that are blocked now and then */

struct pair {
	int ask[2], wake[2], each;
	unsigned seed;
	pid_t tid;
	double *ms;
	pthread_t thread;
};

static void *
waker(void *arg)
{
	struct pair *p = arg;
	int64_t us;

	while (read(p->ask[0], &us, sizeof us) == sizeof us) {
		sleep_us(us);
		if (write(p->wake[1], "", 1) != 1)
			break;
	}
	return NULL;
}

static double
blocked_ms(struct pair *p, int least, int most)
{
	int64_t us = 1000 * least + rand_r(&p->seed) % (1000 * (most - least)),
		begin = now_ns(CLOCK_MONOTONIC);
	char byte;

	if (write(p->ask[1], &us, sizeof us) != sizeof us || read(p->wake[0], &byte, 1) != 1)
		die("a pipe");
	return (double)(now_ns(CLOCK_MONOTONIC) - begin) * 1e-6;
}

/* Short ones for two seconds first, in which the watcher is to find all threads, and at the end, so that none is cut off. */
static void *
blocked(void *arg)
{
	struct pair *p = arg;

	p->tid = gettid();
	for (int i = 0; i < 40; i++)
		blocked_ms(p, 10, SHORT_MOST_MS);
	for (int i = 0; i < p->each; i++) {
		p->ms[i] = blocked_ms(p, LONG_LEAST_MS, LONG_MOST_MS);
		for (int n = 1 + rand_r(&p->seed) % 4; n > 0; n--) {
			run_us(200);
			blocked_ms(p, 10, SHORT_MOST_MS);
		}
	}
	for (int i = 0; i < 40; i++)
		blocked_ms(p, 10, SHORT_MOST_MS);
	return NULL;
}

static int
blockings(int n, int each)
{
	struct pair *pairs = calloc((size_t)n, sizeof *pairs);

	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (int i = 0; i < n; i++) {
		struct pair *p = &pairs[i];
		*p = (struct pair){ .each = each,
			.seed = (unsigned)i + 1,
			.ms = calloc((size_t)each, sizeof *p->ms) };
		if (pipe(p->ask) < 0 || pipe(p->wake) < 0)
			die("pipe");
		start_thread(waker, p);
		errno = pthread_create(&p->thread, NULL, blocked, p);
		if (errno != 0)
			die("a thread");
	}
	for (int i = 0; i < n; i++)
		pthread_join(pairs[i].thread, NULL);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < each; k++)
			printf("%d %.1f\n", (int)pairs[i].tid, pairs[i].ms[k]);
	return 0;
}

/* ---- Threads that wake each other */

struct side {
	pthread_t thread;
	int in, out, cpu;
	bool first;
	int64_t n, until_ns; /* round trips, and when it ends; 0: that does not end it */
	int64_t done;
};

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		die("sched_setaffinity");
}

/* Whoever is first ends it, by closing its pipe. */
static void *
play(void *arg)
{
	struct side *s = arg;
	char byte = 0;

	pin(s->cpu);
	for (; !s->first || s->done < s->n; s->done++) {
		if (s->until_ns && s->done % 64 == 0 && now_ns(CLOCK_MONOTONIC) > s->until_ns)
			break;
		if (s->first && write(s->out, &byte, 1) != 1)
			break;
		if (read(s->in, &byte, 1) != 1)
			break;
		if (!s->first && write(s->out, &byte, 1) != 1)
			break;
	}
	close(s->out);
	return NULL;
}

static void
begin_game(struct side side[2], int cpu, int64_t n, int64_t until_ns)
{
	int to[2], back[2];

	if (pipe(to) < 0 || pipe(back) < 0)
		die("pipe");
	side[0] = (struct side){
		.in = back[0], .out = to[1], .cpu = cpu, .n = n, .until_ns = until_ns, .first = true
	};
	side[1] = (struct side){ .in = to[0], .out = back[1], .cpu = cpu };
	for (int i = 0; i < 2; i++) {
		errno = pthread_create(&side[i].thread, NULL, play, &side[i]);
		if (errno != 0)
			die("a thread");
	}
}

static int64_t
end_game(struct side side[2])
{
	for (int i = 0; i < 2; i++)
		pthread_join(side[i].thread, NULL);
	for (int i = 0; i < 2; i++)
		close(side[i].in);
	return side[0].done;
}

static int
trips(int cpu, int64_t n, int rounds)
{
	struct side side[2];

	for (int i = 0; i < rounds; i++) {
		int64_t from = now_ns(CLOCK_PROCESS_CPUTIME_ID);
		begin_game(side, cpu, n, 0);
		end_game(side);
		printf("%.1f\n", (double)(now_ns(CLOCK_PROCESS_CPUTIME_ID) - from) / (double)n);
	}
	return 0;
}

static int
switches(int seconds)
{
	int64_t until_ns = now_ns(CLOCK_MONOTONIC) + seconds * INT64_C(1000000000), done = 0;
	int n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct side(*sides)[2] = calloc((size_t)n, sizeof *sides);

	if (!sides)
		die("memory");
	for (int cpu = 0; cpu < n; cpu++)
		begin_game(sides[cpu], cpu, INT64_MAX, until_ns);
	for (int cpu = 0; cpu < n; cpu++)
		done += end_game(sides[cpu]);
	printf("%lld\n", (long long)(2 * done / seconds));
	return 0;
}

/* ---- Requests that wait for a worker */

struct served {
	pthread_t thread;
	int *left; /* workers of this waker that are not ready yet */
	int go;
	int64_t woken_ns, run_ns;
	int n, done;
	int64_t *late_ns;
};

struct serving {
	pthread_t thread;
	struct served *workers;
	int nworkers, n, left;
};

static void
futex_wait(int *word, int value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void
futex_wake(int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *
serve_requests(void *arg)
{
	struct served *s = arg;

	for (; s->done < s->n; s->done++) {
		while (!__atomic_load_n(&s->go, __ATOMIC_ACQUIRE))
			futex_wait(&s->go, 0);
		s->late_ns[s->done] = now_ns(CLOCK_MONOTONIC) - s->woken_ns;
		run_us(s->run_ns / 1000);
		__atomic_store_n(&s->go, 0, __ATOMIC_RELEASE);
		if (__atomic_sub_fetch(s->left, 1, __ATOMIC_ACQ_REL) == 0)
			futex_wake(s->left);
	}
	return NULL;
}

static void *
wake_workers(void *arg)
{
	struct serving *s = arg;

	for (int i = 0; i < s->n; i++) {
		__atomic_store_n(&s->left, s->nworkers, __ATOMIC_RELEASE);
		for (int k = 0; k < s->nworkers; k++) {
			s->workers[k].woken_ns = now_ns(CLOCK_MONOTONIC);
			__atomic_store_n(&s->workers[k].go, 1, __ATOMIC_RELEASE);
			futex_wake(&s->workers[k].go);
		}
		for (int left; (left = __atomic_load_n(&s->left, __ATOMIC_ACQUIRE)) > 0;)
			futex_wait(&s->left, left);
	}
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
begin_serving(struct serving *s, int workers, int64_t us, int n, int64_t *late_ns)
{
	*s = (struct serving){
		.workers = calloc((size_t)workers, sizeof *s->workers), .nworkers = workers, .n = n
	};
	for (int i = 0; i < workers; i++) {
		s->workers[i] = (struct served){
			.left = &s->left, .run_ns = us * 1000, .n = n, .late_ns = late_ns + i * n
		};
		errno = pthread_create(&s->workers[i].thread, NULL, serve_requests, &s->workers[i]);
		if (errno != 0)
			die("a thread");
	}
	errno = pthread_create(&s->thread, NULL, wake_workers, s);
	if (errno != 0)
		die("a thread");
}

static int
serve(int wakers, int workers, int64_t us, int n)
{
	struct serving *all = calloc((size_t)wakers, sizeof *all);
	size_t each = (size_t)workers * (size_t)n, total = each * (size_t)wakers;
	int64_t *late_ns = calloc(total, sizeof *late_ns);

	if (!all || !late_ns)
		die("memory");
	for (int i = 0; i < wakers; i++)
		begin_serving(&all[i], workers, us, n, late_ns + (size_t)i * each);
	for (int i = 0; i < wakers; i++) {
		pthread_join(all[i].thread, NULL);
		for (int k = 0; k < workers; k++)
			pthread_join(all[i].workers[k].thread, NULL);
	}
	qsort(late_ns, total, sizeof *late_ns, by_value);
	printf("%.1f %.1f\n", (double)late_ns[total / 2] * 1e-3,
	    (double)late_ns[total * 99 / 100] * 1e-3);
	return 0;
}

/* ---- What a save costs at least */

static int
copy(size_t mib, const char *path, const char *out)
{
	size_t n = mib << 20;
	char *from = malloc(n), *to = malloc(n);
	int in = open(path, O_RDONLY);

	if (!from || !to || in < 0)
		die(path);
	memset(from, 1, n);
	memset(to, 2, n);
	ssize_t bytes = read(in, to, n);
	int64_t begin = now_ns(CLOCK_MONOTONIC);
	int file = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	memcpy(from, to, n);
	if (bytes < 0 || file < 0 || write(file, from, (size_t)bytes) != bytes)
		die(out);
	printf("%lld\n", (long long)(now_ns(CLOCK_MONOTONIC) - begin));
	return 0;
}

/* ---- Faults */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;

/* Does not return. */
static int
say_pid(void)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
	sleeper(NULL);
	return 0;
}

/* A mutex is not fair: without the pause, the thread that has it gets it again. */
static void *
contender(void *asleep)
{
	for (;;) {
		pthread_mutex_lock(&lock);
		if (asleep)
			sleep_us(10000);
		else
			run_us(10000);
		pthread_mutex_unlock(&lock);
		sleep_us(100);
	}
	return NULL;
}

static int
convoy(int n, const char *how)
{
	static char yes;

	for (int i = 0; i < n; i++)
		start_thread(contender, strcmp(how, "sleep") == 0 ? &yes : NULL);
	return say_pid();
}

static int64_t every_ns, every_run_us;

static void *
waker_up(void *arg)
{
	(void)arg;
	for (;;) {
		int64_t next = (now_ns(CLOCK_MONOTONIC) / every_ns + 1) * every_ns;
		struct timespec t = { (time_t)(next / 1000000000), (long)(next % 1000000000) };
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		run_us(every_run_us);
	}
	return NULL;
}

static int
together(int n, int64_t ms, int64_t run)
{
	every_ns = ms * 1000000;
	every_run_us = run;
	for (int i = 0; i < n; i++)
		start_thread(waker_up, NULL);
	return say_pid();
}

static void
be_client(int to, int from)
{
	char byte = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (write(to, &byte, 1) == 1 && read(from, &byte, 1) == 1)
		run_us(100);
	_exit(0);
}

static int
dwell(int64_t ms)
{
	int ask[2], answer[2];
	char byte;

	if (pipe(ask) < 0 || pipe(answer) < 0)
		die("pipe");
	if (fork() == 0)
		be_client(ask[1], answer[0]);
	printf("%d\n", (int)getpid());
	fflush(stdout);
	while (read(ask[0], &byte, 1) == 1) {
		run_us(1000);
		sleep_us(ms * 1000);
		if (write(answer[1], &byte, 1) != 1)
			break;
	}
	return 0;
}

static int
requests(int64_t run, int64_t sleep)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
	for (;;) {
		run_us(run * 1000);
		sleep_us(sleep * 1000);
	}
	return 0;
}

static void *
reader(void *arg)
{
	int ends[2];
	char byte;

	(void)arg;
	if (pipe(ends) < 0 || read(ends[0], &byte, 1) != 1)
		die("pipe");
	return NULL;
}

static int
beside(void)
{
	start_thread(reader, NULL);
	return say_pid();
}

static int
stuck(void)
{
	printf("%d\n", (int)getpid());
	fflush(stdout);
	pid_t pid = vfork();
	if (pid == 0)
		for (;;)
			pause();
	return pid < 0;
}

static void *
idle_worker(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	for (;;)
		pthread_cond_wait(&work, &lock);
	return NULL;
}

static void *
looker(void *ms)
{
	for (;;) {
		sleep_us(*(int64_t *)ms * 1000);
		access("/etc/hosts", R_OK);
	}
	return NULL;
}

static void *
listener(void *arg)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	(void)arg;
	if (bind(s, (struct sockaddr *)&any, sizeof any.sun_family) < 0 || listen(s, 5) < 0)
		die("socket");
	accept(s, NULL, NULL);
	return NULL;
}

static int
idle(int workers, int64_t ms)
{
	for (int i = 0; i < workers; i++)
		start_thread(idle_worker, NULL);
	start_thread(looker, &ms);
	start_thread(listener, NULL);
	return say_pid();
}

static struct {
	int fd;
	uint64_t blocks;
} read_from;

static void *
block_reader(void *arg)
{
	const size_t block = 4096;
	unsigned seed = (unsigned)syscall(SYS_gettid);
	void *room;

	(void)arg;
	if (posix_memalign(&room, block, block) != 0)
		die("posix_memalign");
	for (;;)
		if (pread(read_from.fd, room, block,
			(off_t)((uint64_t)rand_r(&seed) % read_from.blocks * block)) < 0)
			die("pread");
	return NULL;
}

static int
reads(const char *file, int threads)
{
	read_from.fd = open(file, O_RDONLY | O_DIRECT | O_CLOEXEC);
	off_t size = read_from.fd < 0 ? -1 : lseek(read_from.fd, 0, SEEK_END);

	if (size < 4096)
		die(file);
	read_from.blocks = (uint64_t)size / 4096;
	for (int i = 0; i < threads; i++)
		start_thread(block_reader, NULL);
	return say_pid();
}

static int
fault(int argc, char **argv)
{
	if (strcmp(argv[1], "reads") == 0 && argc == 4)
		return reads(argv[2], atoi(argv[3]));
	if (strcmp(argv[1], "convoy") == 0 && argc == 4)
		return convoy(atoi(argv[2]), argv[3]);
	if (strcmp(argv[1], "together") == 0 && argc == 5)
		return together(atoi(argv[2]), atoll(argv[3]), atoll(argv[4]));
	if (strcmp(argv[1], "dwell") == 0 && argc == 3)
		return dwell(atoll(argv[2]));
	if (strcmp(argv[1], "requests") == 0 && argc == 4)
		return requests(atoll(argv[2]), atoll(argv[3]));
	if (strcmp(argv[1], "beside") == 0)
		return beside();
	if (strcmp(argv[1], "stuck") == 0)
		return stuck();
	if (strcmp(argv[1], "idle") == 0 && argc == 4)
		return idle(atoi(argv[2]), atoll(argv[3]));
	fputs("usage: see the head of load.c\n", stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (strcmp(what, "threads") == 0 && argc == 5)
		return threads(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
	if (strcmp(what, "mix") == 0 && argc == 4)
		return mix(atoi(argv[2]), atoi(argv[3]));
	if (strcmp(what, "attach") == 0 && argc > 2)
		return attach(argv + 2);
	if (strcmp(what, "calls") == 0 && argc > 4)
		return watch(call, atoi(argv[2]), atoll(argv[3]), argv + 4);
	if (strcmp(what, "turns") == 0 && argc > 4)
		return watch(take_turns, atoi(argv[2]), atoll(argv[3]), argv + 4);
	if (strcmp(what, "spins") == 0 && argc > 4)
		return watch(spin, atoi(argv[2]), atoll(argv[3]), argv + 4);
	if (strcmp(what, "crew") == 0 && argc > 4)
		return watch(crew, atoi(argv[2]), atoll(argv[3]), argv + 4);
	if (strcmp(what, "blockings") == 0 && argc == 4)
		return blockings(atoi(argv[2]), atoi(argv[3]));
	if (strcmp(what, "trips") == 0 && argc == 5)
		return trips(atoi(argv[2]), atoll(argv[3]), atoi(argv[4]));
	if (strcmp(what, "switches") == 0 && argc == 3)
		return switches(atoi(argv[2]));
	if (strcmp(what, "serve") == 0 && argc == 6)
		return serve(atoi(argv[2]), atoi(argv[3]), atoll(argv[4]), atoi(argv[5]));
	if (strcmp(what, "copy") == 0 && argc == 5)
		return copy((size_t)atoi(argv[2]), argv[3], argv[4]);
	return argc > 1 ? fault(argc, argv) : 2;
}
