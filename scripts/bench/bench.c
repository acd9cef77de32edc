/*
 * What scripts/bench cannot do in the shell; it has nothing of pq's sources. CPU time is what the scheduler counts in ns, of a
 * process that runs by its CPU clock, of one that has ended by getrusage(2): its user and system time add up to the same,
 * whatever the tick.
 *
 *   bench once COMMAND…                     runs it to its end; prints "CPU_US WALL_US", with what it started
 *   bench peak COMMAND…                     the same; prints "CPU_US PEAK_KIB"
 *   bench beside S SHIFT COMMAND… [-- COMMAND…]…
 *                                           runs them all, the n-th on the CPU n + SHIFT, watches them for S seconds, ends
 *                                           them; prints "CPU_US PEAK_KIB" of each, with what it started; begins to watch
 *                                           1.5 to 2.5 s after the start, and BENCH_SETTLE seconds later if that is set
 *   bench loop TICK_US ROW_TICKS [TICK_FILE…] + [ROW_FILE…] [= OUT]
 *                                           a program that only sleeps and preads: some files at each tick, some at each row;
 *                                           and writes a little to OUT at each row
 *   bench sockets N                         asks the kernel N times a second for all TCP sockets but listeners, as pq sock does, and
 *                                           throws the answer away
 *   bench burn N                            keeps N processes busy, and one that forks, until it is ended
 *   bench flips N SEED JOBS FILE COMMAND…   N times: changes one byte of a copy of FILE and runs COMMAND with the copy for its
 *                                           argument {}; prints how its lines differ from those of FILE itself
 *   bench kills N SEED RING PQ ARG…         N times: runs PQ ARG…, which records to RING, kills it, looks for what is lost
 *   bench day DIRECTORY N                   N moments, a second apart, of a machine with this one's /proc/stat, for pq tape pack
 *   bench longer FILE OUT N                 a file of sadc's made longer: its N records are those of FILE, again and again
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
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
once(char **argv, int peak)
{
	int64_t start = now_us(CLOCK_MONOTONIC), wall = 0, cpu = 0, kib = 0;
	struct rusage used;
	int status, failed = 0;
	pid_t first = spawn(argv), pid;

	while ((pid = wait4(-1, &status, 0, &used)) > 0) {
		cpu += us_of(used.ru_utime) + us_of(used.ru_stime);
		if (pid != first)
			continue; /* left behind, as sar's sadc is */
		wall = now_us(CLOCK_MONOTONIC) - start;
		kib = used.ru_maxrss;
		failed = status != 0;
	}
	printf("%lld %lld\n", (long long)cpu, (long long)(peak ? kib : wall));
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

	const char *settle = getenv("BENCH_SETTLE");
	int64_t settle_s = settle ? atoll(settle) : 0;
	sleep_us(1500000 + settle_s * 1000000); /* the first row has its own costs */
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

/* Room for the descriptors of these files, which may be those of many threads. */
static int *
files_wanted(char **files)
{
	struct rlimit most;
	size_t n = 1;

	while (*files++)
		n++;
	if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
		most.rlim_cur = most.rlim_max;
		setrlimit(RLIMIT_NOFILE, &most);
	}
	int *fds = calloc(n, sizeof *fds);
	if (!fds)
		die("memory");
	return fds;
}

static void
bare_loop(int64_t tick_us, int row_ticks, char **files)
{
	static const char record[80] = "as many bytes as a moment takes";
	int *fds = files_wanted(files), n = 0, ticked = 0, out = -1;
	struct timespec t;
	off_t at = 0;

	for (; *files; files++)
		if (strcmp(*files, "+") == 0)
			ticked = n;
		else if (strcmp(*files, "=") == 0 && files[1])
			out = open(*++files, O_RDWR | O_CREAT | O_TRUNC, 0600);
		else if ((fds[n] = open(*files, O_RDONLY)) >= 0)
			n++;
		else if (errno != ENOENT) /* a thread that has ended */
			die(*files);
	clock_gettime(CLOCK_MONOTONIC, &t);
	for (int tick = 1;; tick = tick % row_ticks + 1) {
		int64_t ns = t.tv_nsec + tick_us * 1000;
		t.tv_sec += (time_t)(ns / 1000000000);
		t.tv_nsec = (long)(ns % 1000000000);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
		for (int i = 0; i < (tick == row_ticks ? n : ticked); i++)
			read_file(fds[i]);
		if (out >= 0 && tick == row_ticks && pwrite(out, record, sizeof record, at) > 0)
			at += (off_t)sizeof record;
	}
}

static void
burn(int n)
{
	for (int i = 0; i < n; i++)
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				;
		}
	for (;;) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
}

/* xorshift64*: the same numbers on every machine. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

/* ---- Flips */

struct bytes {
	char *s;
	size_t n;
};

/* What a descriptor has, with a '\0' behind it. */
static struct bytes
all_of(int fd)
{
	struct bytes b = { NULL, 0 };
	struct stat st;

	if (fstat(fd, &st) < 0 || !(b.s = malloc((size_t)st.st_size + 1)))
		die("a file");
	while (b.n < (size_t)st.st_size) {
		ssize_t n = pread(fd, b.s + b.n, (size_t)st.st_size - b.n, (off_t)b.n);
		if (n <= 0)
			break;
		b.n += (size_t)n;
	}
	b.s[b.n] = '\0';
	return b;
}

/* One run of the command: what it printed, what it said, and how it ended. */
struct run {
	struct bytes out, said;
	int status;
};

static struct run
run_of(char **argv)
{
	int out = memfd_create("out", 0), err = memfd_create("err", 0);
	struct run r = { .status = 0 };
	pid_t pid = fork();

	if (pid == 0) {
		dup2(out, 1);
		dup2(err, 2);
		alarm(20); /* hangs */
		execvp(*argv, argv);
		_exit(127);
	}
	waitpid(pid, &r.status, 0);
	r.out = all_of(out);
	r.said = all_of(err);
	close(out);
	close(err);
	return r;
}

static void
free_run(struct run *r)
{
	free(r->out.s);
	free(r->said.s);
}

/* A line's time, or its interval: JSON of pq, or sadf -d's "host;interval;time;…". */
static struct bytes
field(char *line, size_t n, const char *key, int column)
{
	char *end = line + n, *s = line;

	if (*line == '{') {
		s = memmem(line, n, key, strlen(key));
		s = s ? s + strlen(key) : end;
	} else {
		for (; column > 0 && s < end; s++)
			column -= *s == ';';
	}
	return (struct bytes){ s, strcspn(s, "\",;\n") };
}

static struct bytes
time_of(struct bytes line)
{
	return field(line.s, line.n, "\"time\":\"", 2);
}

static struct bytes
interval_of(struct bytes line)
{
	return field(line.s, line.n, "\"interval_s\":", 1);
}

static int
compare(struct bytes a, struct bytes b)
{
	int order = memcmp(a.s, b.s, a.n < b.n ? a.n : b.n);

	return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* The next line, without its end; false when there is none. */
static int
next_line(struct bytes *rest, struct bytes *line)
{
	if (rest->n == 0)
		return 0;
	char *end = memchr(rest->s, '\n', rest->n);
	line->s = rest->s;
	line->n = end ? (size_t)(end - rest->s) : rest->n;
	size_t taken = line->n + (end != NULL);
	rest->s += taken;
	rest->n -= taken;
	return 1;
}

struct tally {
	uint64_t same, told, silent, wrong, crashes, hangs, most_lost, lost;
	uint64_t silent_at, wrong_at, crash_at, most_at; /* an example of each: the place */
};

/* What differs: `wrong` are lines of a time that was not, or that say something else of the same span. Times that are not
 * there are counted. */
static void
differences(struct bytes was, struct bytes is, uint64_t *wrong, uint64_t *lost)
{
	struct bytes a = { NULL, 0 }, b, missed = a;
	int more = next_line(&was, &a);

	*wrong = *lost = 0;
	while (next_line(&is, &b)) {
		for (; more && compare(time_of(a), time_of(b)) < 0; more = next_line(&was, &a)) {
			*lost += !missed.s || compare(missed, time_of(a)) != 0;
			missed = time_of(a);
		}
		if (!more || compare(time_of(a), time_of(b)) != 0) {
			++*wrong;
			continue;
		}
		*wrong += compare(a, b) != 0 && compare(interval_of(a), interval_of(b)) == 0;
		more = next_line(&was, &a);
	}
	for (; more; more = next_line(&was, &a)) {
		*lost += !missed.s || compare(missed, time_of(a)) != 0;
		missed = time_of(a);
	}
}

static void
count(struct tally *t, struct run *was, struct run *is, uint64_t at)
{
	uint64_t wrong, lost;

	if (WIFSIGNALED(is->status) || WEXITSTATUS(is->status) > 100) {
		int hung = WIFSIGNALED(is->status) && WTERMSIG(is->status) == SIGALRM;
		t->hangs += (uint64_t)hung;
		t->crashes += (uint64_t)!hung;
		t->crash_at = at;
		return;
	}
	if (compare(was->out, is->out) == 0) {
		t->same++;
		return;
	}
	differences(was->out, is->out, &wrong, &lost);
	if (is->said.n <= was->said.n && is->status == was->status) {
		t->silent++;
		t->silent_at = at;
	} else if (wrong) {
		t->wrong++;
		t->wrong_at = at;
	} else {
		t->told++;
	}
	t->lost += lost;
	if (lost > t->most_lost) {
		t->most_lost = lost;
		t->most_at = at;
	}
}

static void
flip_some(struct tally *t, int job, int jobs, int n, uint64_t seed, struct bytes file, char **argv)
{
	int copy = memfd_create("copy", 0);
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), copy);
	if (write(copy, file.s, file.n) != (ssize_t)file.n)
		die("a copy");
	for (char **arg = argv; *arg; arg++)
		if (strcmp(*arg, "{}") == 0)
			*arg = path;
	struct run was = run_of(argv);
	for (int i = 0; i < n; i++) {
		uint64_t at = next_random(&seed) % file.n;
		char flipped = (char)(file.s[at] ^ (char)(1 + next_random(&seed) % 255));
		if (i % jobs != job)
			continue;
		if (pwrite(copy, &flipped, 1, (off_t)at) != 1)
			die("a copy");
		struct run is = run_of(argv);
		count(t, &was, &is, at);
		free_run(&is);
		if (pwrite(copy, file.s + at, 1, (off_t)at) != 1)
			die("a copy");
	}
}

/* Prints "FLIPS SAME TOLD SILENT WRONG CRASHES HANGS MOST_LOST", places of silent and wrong ones, of a crash and of the most that
 * was lost, and how many moments a flip loses on average. */
static int
flips(int n, uint64_t seed, int jobs, const char *path, char **argv)
{
	struct tally *t, all = { 0 };
	struct bytes file = all_of(open_file(path));

	jobs = jobs < 1 ? 1 : jobs;
	t = mmap(NULL, sizeof *t * (size_t)jobs, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	    -1, 0);
	if (t == MAP_FAILED || file.n == 0)
		die(path);
	for (int job = 0; job < jobs; job++)
		if (fork() == 0) {
			flip_some(&t[job], job, jobs, n, seed, file, argv);
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	for (int job = 0; job < jobs; job++) {
		all.same += t[job].same, all.told += t[job].told, all.silent += t[job].silent,
		    all.wrong += t[job].wrong;
		all.crashes += t[job].crashes, all.hangs += t[job].hangs, all.lost += t[job].lost;
		all.silent_at = t[job].silent ? t[job].silent_at : all.silent_at;
		all.wrong_at = t[job].wrong ? t[job].wrong_at : all.wrong_at;
		all.crash_at = t[job].crashes + t[job].hangs ? t[job].crash_at : all.crash_at;
		if (t[job].most_lost >= all.most_lost)
			all.most_lost = t[job].most_lost, all.most_at = t[job].most_at;
	}
	const uint64_t v[] = { all.same, all.told, all.silent, all.wrong, all.crashes, all.hangs,
		all.most_lost, all.silent_at, all.wrong_at, all.crash_at, all.most_at };
	printf("%d", n);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
		printf(" %llu", (unsigned long long)v[i]);
	printf(" %.2f\n", (double)all.lost / n);
	return all.same + all.told + all.silent + all.wrong + all.crashes + all.hangs !=
	    (uint64_t)n;
}

/* ---- Kills */

struct segment {
	uint64_t at, sequence, run, moments;
};

static uint64_t
little_endian(const char *s)
{
	uint64_t v = 0;

	for (int i = 7; i >= 0; i--)
		v = v << 8 | (unsigned char)s[i];
	return v;
}

/* The newest segment of a tape, as pq-tape(5) has it, and the first of the run that wrote it; false when there is none. */
static int
newest(const char *path, struct segment *last, struct segment *first)
{
	int fd = open(path, O_RDONLY), found = 0;
	char block[48];

	for (int pass = 0; pass < 2; pass++)
		for (uint64_t at = 0;
		     fd >= 0 && pread(fd, block, sizeof block, (off_t)at) == sizeof block;
		     at += 4096) {
			struct segment s = { at, little_endian(block + 16),
				little_endian(block + 24), little_endian(block + 32) };
			if (memcmp(block, "\x89pqtape\n", 8) != 0)
				continue;
			if (pass == 0 && (!found || s.sequence > last->sequence))
				*first = *last = s, found = 1;
			else if (pass == 1 && s.run == last->run && s.sequence < first->sequence)
				*first = s;
		}
	if (fd >= 0)
		close(fd);
	return found;
}

/* Calls of write(2) and its like, by a process that may have ended but has not been waited for; -1: not known. */
static int64_t
writes_of(pid_t pid)
{
	char path[64], line[128];
	long long n = -1;

	snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f) && sscanf(line, "syscw: %lld", &n) != 1)
		;
	if (f)
		fclose(f);
	return n;
}

/* Runs the recorder, for so long (0: until it ends); returns its writes, or -1 when it was not there to be killed. */
static int64_t
run_and_kill(char **argv, int64_t us)
{
	pid_t pid = spawn(argv);
	siginfo_t how;

	if (us) {
		sleep_us(us);
		kill(pid, SIGKILL);
	}
	waitid(P_PID, (id_t)pid, &how, WEXITED | WNOWAIT);
	int64_t writes = writes_of(pid);
	waitpid(pid, NULL, 0);
	return us && how.si_code != CLD_KILLED ? -1 : writes;
}

/* Old lines that are gone though they are not the oldest ones: `is` must go on with what `was` ends with. */
static uint64_t
holes(struct bytes was, struct bytes is)
{
	struct bytes a = { NULL, 0 }, b = a;
	uint64_t n = 0, begun = 0;

	if (!next_line(&is, &b))
		return was.n > 0;
	while (next_line(&was, &a))
		if (compare(a, b) == 0) {
			begun = 1;
			if (!next_line(&is, &b))
				b.n = 0;
		} else {
			n += begun;
		}
	return n;
}

/* What is known of the tape after the run before. */
struct killed {
	struct segment first, last; /* of that run */
	int64_t written;            /* moments, by its writes; -1: not known */
	int64_t start;              /* writes of a start */
	struct bytes rows;          /* that could be read */
	int known;
};

struct losses {
	uint64_t moments, most, lost, broken, holes, damaged, absent, wraps;
};

/* How many moments were written is known by the recorder's writes less those of its start; how many of them are on the tape the
 * next start says in its first header. */
static void
compare_segments(struct losses *l, const struct killed *k, const struct segment *first)
{
	uint64_t had = first->moments - k->first.moments, gone = 0;

	l->wraps += first->at < k->first.at;
	l->broken += first->sequence != k->last.sequence + 1 || first->moments < k->first.moments ||
	    first->run == k->first.run;
	if (k->written < 0)
		return;
	if ((uint64_t)k->written > had)
		gone = (uint64_t)k->written - had;
	l->moments += had;
	l->lost += gone;
	l->most = gone > l->most ? gone : l->most;
}

static void
kill_once(struct losses *l, struct killed *k, char *ring, char **argv, int64_t us)
{
	char *verify[] = { argv[0], "tape", "verify", ring, NULL },
	     *rows[] = { argv[0], "cpu", "--json", "-f", ring, NULL };
	struct segment first = { 0 }, last = { 0 };
	int64_t writes = run_and_kill(argv, us);
	long long readable;

	if (writes < 0 || !newest(ring, &last, &first)) {
		l->absent++;
		k->written = -1;
		return;
	}
	if (k->known)
		compare_segments(l, k, &first);
	struct run r = run_of(verify);
	l->damaged += r.status != 0;
	if (!k->known && sscanf(r.out.s, "%*[^:]: %lld", &readable) == 1)
		k->start = writes - readable;
	free_run(&r);
	r = run_of(rows);
	l->holes += holes(k->rows, r.out);
	free(k->rows.s);
	free(r.said.s);
	/* At the end of the ring it writes more, to clear what is left there. */
	int64_t written = !k->known || first.at < k->first.at ? -1 : writes - k->start;
	*k = (struct killed){ first, last, written, k->start, r.out, 1 };
}

/* Prints "KILLS MOMENTS MOST_LOST LOST NOT_CARRIED_ON HOLES DAMAGED NOT_STARTED WRAPS". The first run shows what a start takes in
 * writes, the last one what was lost by the one before. */
static int
kills(int n, uint64_t seed, char *ring, char **argv)
{
	struct killed k = { .written = -1, .rows = { calloc(1, 1), 0 } };
	struct losses l = { 0 };

	for (int i = 0; i < n + 2; i++)
		kill_once(&l, &k, ring, argv, 30000 + (int64_t)(next_random(&seed) % 120000));
	free(k.rows.s);
	printf("%d %llu %llu %llu %llu %llu %llu %llu %llu\n", n, (unsigned long long)l.moments,
	    (unsigned long long)l.most, (unsigned long long)l.lost, (unsigned long long)l.broken,
	    (unsigned long long)l.holes, (unsigned long long)l.damaged,
	    (unsigned long long)l.absent, (unsigned long long)l.wraps);
	return 0;
}

/* ---- Recordings that nobody has the time for */

static void
put_file(const char *directory, int moment, const char *name, const char *text, size_t n)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/t%07d/%s", directory, moment, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		die(path);
	close(fd);
}

/* /proc/stat a second later: counters go on at random, but those that stand at 0. */
static size_t
stat_later(char *text, uint64_t *v, uint64_t *seed, char *out)
{
	const char *start = out;
	int word = 0, k = 0;

	for (char *s = text, *line = text; *s;) {
		if (*s >= '0' && *s <= '9' && word) {
			uint64_t old = strtoull(s, &s, 10), walk = next_random(seed) % 60;
			if (v[k] == 0)
				v[k] = old;
			else if (strncmp(line, "procs_", 6) == 0)
				v[k] = 1 + walk % 3;
			else if (strncmp(line, "btime", 5) != 0)
				v[k] += walk;
			out += sprintf(out, "%llu", (unsigned long long)v[k++]);
			continue;
		}
		word = *s == ' ' || (word && *s != '\n');
		*out++ = *s++;
		if (s[-1] == '\n')
			line = s;
	}
	return (size_t)(out - start);
}

static struct bytes
bytes_of(const char *path)
{
	struct bytes b = { calloc(1, 1 << 18), 0 };
	int fd = open_file(path);
	ssize_t n = b.s ? read(fd, b.s, (1 << 18) - 1) : -1;

	if (n <= 0)
		die(path);
	close(fd);
	b.n = (size_t)n;
	return b;
}

static int
day(const char *directory, int n)
{
	static const char *const made[] = { "", "proc", "proc/self" };
	static char out[1 << 20];
	static uint64_t v[1 << 14];
	struct bytes stat = bytes_of("/proc/stat"), status = bytes_of("/proc/self/status");
	uint64_t seed = 1;
	char path[4096], clock[64];

	for (int i = 0; i < n; i++) {
		for (int k = 0; k < 3; k++) {
			snprintf(path, sizeof path, "%s/t%07d/%s", directory, i, made[k]);
			mkdir(path, 0700);
		}
		put_file(directory, i, "proc/stat", out, stat_later(stat.s, v, &seed, out));
		put_file(directory, i, "proc/self/status", status.s, status.n);
		int wide = snprintf(
		    clock, sizeof clock, "%d000000000 %d000000000\n", 1000 + i, 1790000000 + i);
		put_file(directory, i, "clock", clock, (size_t)wide);
	}
	free(stat.s);
	free(status.s);
	return 0;
}

/* sadc's head of a record: uptime_cs, ust_time (64 bits each), 32 bits, then type (1: figures), hour, minute, second. */
static int
is_sadc_record(const char *s, int64_t from, int64_t to)
{
	int64_t t = (int64_t)little_endian(s + 8);

	return t >= from && t <= to && s[20] == 1 && (unsigned char)s[21] < 24 &&
	    (unsigned char)s[22] < 60 && (unsigned char)s[23] < 60;
}

static void
put_u64(char *s, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		s[i] = (char)(v >> 8 * i);
}

static int
longer(const char *from, const char *to, int n)
{
	struct bytes b = all_of(open_file(from));
	int64_t now = now_us(CLOCK_REALTIME) / 1000000;
	size_t at[4096], found = 0;
	FILE *f = fopen(to, "w");

	for (size_t i = 0; i + 24 <= b.n && found < 4096; i++)
		if (is_sadc_record(b.s + i, now - 86400, now))
			at[found++] = i;
	if (!f || found < 3)
		die("no records of sadc's");
	size_t stride = at[1] - at[0];
	for (size_t i = 1; i < found; i++)
		if (at[i] - at[i - 1] != stride || at[found - 1] + stride != b.n) {
			fputs("bench: records of sadc's are not of one size\n", stderr);
			return 1;
		}
	uint64_t time = little_endian(b.s + at[0] + 8) - 86400,
		 uptime_cs = little_endian(b.s + at[0]);
	fwrite(b.s, 1, at[0], f);
	for (int i = 0; i < n; i++) {
		char *s = b.s + at[(size_t)i % found];
		put_u64(s, uptime_cs + 100 * (uint64_t)i);
		put_u64(s + 8, time + (uint64_t)i);
		s[21] = (char)((time + (uint64_t)i) / 3600 % 24),
		s[22] = (char)((time + (uint64_t)i) / 60 % 60);
		s[23] = (char)((time + (uint64_t)i) % 60);
		fwrite(s, 1, stride, f);
	}
	return fclose(f) != 0;
}

/* ---- Sockets */

/* Whether the end of a list is among these messages. */
static int
ends_list(const char *s, ssize_t n)
{
	struct nlmsghdr head;

	for (; n >= (ssize_t)sizeof head;
	     s += NLMSG_ALIGN(head.nlmsg_len), n -= NLMSG_ALIGN(head.nlmsg_len)) {
		memcpy(&head, s, sizeof head);
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR)
			return 1;
	}
	return 0;
}

/* One request lists both families, without any extension: what a list of sockets costs at least. */
static _Noreturn void
list_sockets(int times)
{
	enum { LISTEN = 10, WITHOUT_SOCKET = 1 << 3 | 1 << 6 | 1 << 7 | 1 << LISTEN };
	struct {
		struct nlmsghdr head;
		struct inet_diag_req ask;
	} request = { .head = { .nlmsg_len = sizeof request,
			  .nlmsg_type = TCPDIAG_GETSOCK,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.ask = { .idiag_states = 0xffe & ~(unsigned)WITHOUT_SOCKET } };
	static char answer[32768];
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);

	for (;;) {
		ssize_t n;
		if (send(fd, &request, sizeof request, 0) < 0)
			die("sock_diag");
		do
			if ((n = recv(fd, answer, sizeof answer, 0)) <= 0)
				die("sock_diag");
		while (!ends_list(answer, n));
		usleep((useconds_t)(1000000 / times));
	}
}

int
main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (strcmp(what, "once") == 0)
		return once(argv + 2, 0);
	if (strcmp(what, "peak") == 0)
		return once(argv + 2, 1);
	if (strcmp(what, "beside") == 0 && argc > 4)
		return beside(atoi(argv[2]), atoi(argv[3]), argv + 4);
	if (strcmp(what, "loop") == 0 && argc > 4)
		bare_loop(atoll(argv[2]), atoi(argv[3]), argv + 4);
	if (strcmp(what, "sockets") == 0)
		list_sockets(atoi(argv[2]));
	if (strcmp(what, "burn") == 0)
		burn(atoi(argv[2]));
	if (strcmp(what, "flips") == 0 && argc > 6)
		return flips(
		    atoi(argv[2]), strtoull(argv[3], NULL, 10), atoi(argv[4]), argv[5], argv + 6);
	if (strcmp(what, "kills") == 0 && argc > 6)
		return kills(atoi(argv[2]), strtoull(argv[3], NULL, 10), argv[4], argv + 5);
	if (strcmp(what, "day") == 0 && argc == 4)
		return day(argv[2], atoi(argv[3]));
	if (strcmp(what, "longer") == 0 && argc == 5)
		return longer(argv[2], argv[3], atoi(argv[4]));
	fputs("usage: see the head of bench.c\n", stderr);
	return 2;
}
