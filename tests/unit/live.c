/* The live host, on a file tree made by the test, and on /proc. */
#include "base/fail.h"
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host_reads.h"
#include "tree.h"
#include "unit.h"

static void
reads(void)
{
	struct host *h = host_live(tree);

	put("proc/loadavg", "0.51 0.62 0.71 2/112 4242\n");
	put("sys/fs/cgroup/sp ace:colon/cpu.max", "max 100000");
	put("proc/empty", "");
	check_read(h, "proc/loadavg", "0.51 0.62 0.71 2/112 4242\n");
	check_read(h, "sys/fs/cgroup/sp ace:colon/cpu.max", "max 100000");
	check_read(h, "proc/empty", "");
	check_read(h, "proc/loadavg", "0.51 0.62 0.71 2/112 4242\n");
	host_close(h);
}

static void
reads_again(void)
{
	struct host *h = host_live(tree);

	put("proc/changes", "a long first text\n");
	check_read(h, "proc/changes", "a long first text\n");
	put("proc/changes", "short\n");
	check_read(h, "proc/changes", "short\n");
	put("proc/changes", "");
	check_read(h, "proc/changes", "");
	put("proc/changes", "and longer than ever before\n");
	check_read(h, "proc/changes", "and longer than ever before\n");
	host_close(h);
}

/* Around the sizes at which a read goes on, or the buffer grows. */
static void
reads_all_sizes(void)
{
	static const size_t sizes[] = { 1, 2047, 2048, 2049, 4095, 4096, 4097, 16383, 16384, 16385,
		32768, 100000, 1 << 20 };
	struct host *h = host_live(tree);
	char *s = malloc(1 << 20);
	struct text t;

	for (size_t i = 0; i < 1 << 20; i++)
		s[i] = (char)(i * 7 + i / 251);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		put_bytes("proc/size", s, sizes[i]);
		CHECK_INT(host_read(h, "proc/size", &t), 0);
		CHECK_INT(t.n, sizes[i]);
		CHECK(t.n == sizes[i] && memcmp(t.s, s, t.n) == 0);
	}
	free(s);
	host_close(h);
}

static void
not_there(void)
{
	struct host *h = host_live(tree);
	struct text t;

	CHECK_INT(error_of(host_read(h, "proc/none", &t)), ENOENT);
	CHECK_INT(error_of(host_read(h, "none/none", &t)), ENOENT);
	CHECK_INT(error_of(host_list(h, "none", &t)), ENOENT);
	put("proc/file", "x");
	CHECK_INT(error_of(host_read(h, "proc/file/x", &t)), ENOTDIR);
	CHECK_INT(error_of(host_list(h, "proc/file", &t)), ENOTDIR);
	CHECK_INT(error_of(host_read(h, "proc", &t)), EISDIR);
	check_read(h, "proc/file", "x");
	put("proc/none", "now it is");
	check_read(h, "proc/none", "now it is");
	host_close(h);
}

static void
no_root(void)
{
	char path[600];

	snprintf(path, sizeof path, "%s/nowhere", tree);
	CHECK(!host_live(path) && errno == ENOENT);
	put("a-file", "x");
	snprintf(path, sizeof path, "%s/a-file", tree);
	CHECK(!host_live(path) && errno == ENOTDIR);
}

/* Neither waits for somebody to write into a FIFO, nor takes 100 MB for a kernel text. */
static void
no_texts(void)
{
	struct host *h = host_live(tree);
	struct text t;
	char path[600];

	make_dirs("proc/x");
	snprintf(path, sizeof path, "%s/proc/fifo", tree);
	CHECK(mkfifo(path, 0600) == 0);
	CHECK(host_read(h, "proc/fifo", &t) < 0);
	put("proc/huge", "");
	snprintf(path, sizeof path, "%s/proc/huge", tree);
	CHECK(truncate(path, 100 << 20) == 0);
	CHECK_INT(error_of(host_read(h, "proc/huge", &t)), EFBIG);
	put("proc/huge", "");
	check_read(h, "proc/huge", "");
	host_close(h);
}

static bool
has_line(struct text names, const char *want)
{
	struct text line;
	int n = 0;

	while (text_line(&names, &line))
		n += text_eq(line, want);
	return n == 1;
}

static void
lists(void)
{
	struct host *h = host_live(tree);
	struct text t;
	char to[600];

	put("cg/cpu.stat", "");
	put("cg/web/cpu.stat", "");
	put("cg/new\nline/cpu.stat", "");
	put("cg/.hidden", "");
	snprintf(to, sizeof to, "%s/cg/link", tree);
	CHECK(symlink("web", to) == 0);
	snprintf(to, sizeof to, "%s/cg/dangling", tree);
	CHECK(symlink("nowhere", to) == 0);
	if (CHECK_INT(host_list(h, "cg", &t), 0)) {
		CHECK(has_line(t, "web"));
		CHECK(has_line(t, "link"));
		CHECK_INT(t.n,
		    strlen("web\nlink\n")); /* no file, no dangling link, no name with a newline */
	}
	put("cg/late/cpu.stat", "");
	CHECK(host_list(h, "cg", &t) == 0 && has_line(t, "late"));
	host_close(h);
}

static void
lists_many(void)
{
	enum { N = 500 };
	struct host *h = host_live(tree);
	struct text t, line;
	char path[100];
	int seen = 0;

	for (int i = 0; i < N; i++) {
		snprintf(path, sizeof path, "many/cri-containerd-%060d.scope", i);
		make_dirs(path);
	}
	for (int again = 0; again < 2; again++) {
		seen = 0;
		CHECK_INT(host_list(h, "many", &t), 0);
		while (text_line(&t, &line))
			seen += line.n == strlen("cri-containerd-.scope") + 60;
		CHECK_INT(seen, N);
	}
	make_dirs("nothing");
	CHECK_INT(host_list(h, "nothing", &t), 0);
	CHECK_INT(t.n, 0);
	host_close(h);
}

/* A directory that is removed and made again is another one. */
static void
directory_again(void)
{
	struct host *h = host_live(tree);
	struct text t;
	char path[600];

	make_dirs("gone/a/x");
	CHECK(host_list(h, "gone/a", &t) == 0 && has_line(t, "x"));
	snprintf(path, sizeof path, "%s/gone/a", tree);
	remove_tree(path);
	CHECK_INT(error_of(host_list(h, "gone/a", &t)), ENOENT);
	make_dirs("gone/a/y");
	CHECK(host_list(h, "gone/a", &t) == 0 && has_line(t, "y") && !has_line(t, "x"));
	remove_tree(path);
	make_dirs("gone/a/z");
	CHECK_INT(error_of(host_list(h, "gone/a", &t)),
	    ENOENT); /* the one that was kept is told to be gone, */
	CHECK(host_list(h, "gone/a", &t) == 0 &&
	    has_line(t, "z")); /* and then there is the new one */
	host_close(h);
}

/* A child that sleeps until it is killed. */
static pid_t
sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	return pid;
}

static uint64_t
run_ns_of(struct host *h, pid_t pid)
{
	struct text t;
	char path[64];
	uint64_t ns = 0;

	snprintf(path, sizeof path, "proc/%d/schedstat", (int)pid);
	CHECK(host_read(h, path, &t) == 0 && text_next_u64(&t, &ns) == 0);
	return ns;
}

/* It is what schedstat says, once the process sleeps. */
static void
clock_of_process(void)
{
	struct host *h = host_live("/"), *other = host_live(tree);
	pid_t pid = sleeper();
	uint64_t ns = 0, run_ns = 1;

	for (int i = 0; i < 2000 && (ns == 0 || ns != run_ns); i++) {
		usleep(1000);
		CHECK_INT(error_of(host_clock(h, (uint32_t)pid, &ns)), 0);
		run_ns = run_ns_of(h, pid);
	}
	CHECK_U64(ns, run_ns);
	CHECK_INT(error_of(host_clock(other, (uint32_t)pid, &ns)), EOPNOTSUPP);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	CHECK_INT(error_of(host_clock(h, (uint32_t)pid, &ns)), EINVAL);
	host_close(h);
	host_close(other);
}

static void *
sleep_for_good(void *ctx)
{
	for (;;)
		pause();
	return ctx;
}

static void
links_of_threads(void)
{
	struct host *h = host_live("/");
	uint64_t one = 0, two = 0;
	pthread_t thread;

	CHECK_INT(error_of(host_links(h, "proc/self/task", &one)), 0);
	CHECK_INT(pthread_create(&thread, NULL, sleep_for_good, NULL), 0);
	CHECK_INT(error_of(host_links(h, "proc/self/task", &two)), 0);
	CHECK_U64(two, one + 1);
	pthread_cancel(thread);
	pthread_join(thread, NULL);
	CHECK_INT(error_of(host_links(h, "proc/self/none", &two)), ENOENT);
	host_close(h);
}

static void
process_vanishes(void)
{
	struct host *h = host_live("/");
	struct text t;
	char stat[64], task[64];
	pid_t pid = sleeper();

	snprintf(stat, sizeof stat, "proc/%d/stat", (int)pid);
	snprintf(task, sizeof task, "proc/%d/task", (int)pid);
	CHECK_INT(error_of(host_read(h, stat, &t)), 0);
	CHECK(t.n > 0);
	CHECK_INT(error_of(host_list(h, task, &t)), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (int again = 0; again < 2; again++) {
		CHECK_INT(error_of(host_read(h, stat, &t)), again ? ENOENT : ESRCH);
		CHECK(error_of(host_list(h, task, &t)) == ENOENT || t.n == 0);
	}
	CHECK(host_read(h, "proc/self/stat", &t) == 0 && t.n > 0);
	host_close(h);
}

static void
make_many(int n)
{
	char path[64], content[64];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "fds/g%d/cpu.stat", i);
		snprintf(content, sizeof content, "nr_periods %d\n", i);
		put(path, content);
	}
}

static void
check_many(struct host *h, int n)
{
	char path[64], content[64];
	struct text t;

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof path, "fds/g%d/cpu.stat", i);
		snprintf(content, sizeof content, "nr_periods %d\n", i);
		check_read(h, path, content);
		snprintf(path, sizeof path, "fds/g%d", i);
		CHECK(host_list(h, path, &t) == 0 && t.n == 0);
	}
}

static void
row(struct host *h)
{
	struct sample m;

	CHECK_INT(host_next(h, 0, SAMPLE_ROW, &m), 1);
}

static void
many_files(void)
{
	struct host *h = host_live(tree);

	make_many(300);
	for (int i = 0; i < 3; i++) {
		row(h);
		check_many(h, 300);
	}
	host_close(h);
}

/* Comes last: the limit cannot be raised again by everybody. */
static void
more_files_than_allowed(void)
{
	struct rlimit limit = { 24, 24 };

	make_many(200);
	CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	struct host *h = host_live(tree);
	for (int i = 0; i < 3; i++) {
		row(h);
		check_many(h, 200);
		check_many(h, 5);
	}
	host_close(h);
}

static int
open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 2000; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
closes_idle_ones(void)
{
	struct host *h = host_live(tree);
	int before = open_files();

	make_many(200);
	row(h);
	check_many(h, 200);
	/* they stay open: that is what makes the next row cheap */
	CHECK(open_files() >= before + 200);
	for (int i = 0; i < 100; i++) {
		row(h);
		check_read(h, "fds/g7/cpu.stat", "nr_periods 7\n");
	}
	CHECK(open_files() <= before + 10);
	check_many(h, 200);
	host_close(h);
	CHECK(open_files() < before);
}

static int64_t
monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
samples_in_time(void)
{
	struct host *h = host_live("/");
	int64_t start = monotonic(), deadline = start + 30000000;
	struct sample m;

	CHECK(!h->replay);
	CHECK_INT(host_next(h, deadline, SAMPLE_TICK, &m), 1);
	CHECK(m.kind == SAMPLE_TICK);
	CHECK(m.mono_ns >= deadline && m.mono_ns <= monotonic());
	CHECK(llabs(m.real_ns / 1000000000 - (int64_t)time(NULL)) <= 1);
	start = monotonic();
	CHECK_INT(host_next(h, 1, SAMPLE_ROW, &m), 1); /* a deadline that has passed is now */
	CHECK(m.kind == SAMPLE_ROW);
	CHECK(m.mono_ns >= start && m.mono_ns - start < 1000000000);
	host_close(h);
}

static void
on_alarm(int signal)
{
	(void)signal;
}

static void
interrupted(void)
{
	struct sigaction action = { .sa_handler = on_alarm };
	struct itimerval in_20_ms = { .it_value = { 0, 20000 } };
	struct host *h = host_live("/");
	int64_t start = monotonic();
	struct sample m;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &in_20_ms, NULL);
	CHECK(host_next(h, start + 10000000000, SAMPLE_ROW, &m) < 0 && errno == EINTR);
	CHECK(monotonic() - start < 5000000000);
	host_close(h);
}

static void
facts(void)
{
	struct host *h = host_live("/");

	CHECK_U64(h->facts.ticks_per_s, (uint64_t)sysconf(_SC_CLK_TCK));
	CHECK_U64(h->facts.page_size, (uint64_t)sysconf(_SC_PAGESIZE));
	CHECK(h->facts.release[0] && h->facts.machine[0]);
	host_close(h);
}

/* A directory that is missing is missing for all files below it until the next sample. Files beside it,
 * and directories with a name that begins like its own, are read. */
static void
missing_directories(void)
{
	struct host *h = host_live(tree);
	struct sample m;
	struct text t;
	char path[40];

	put("sys/none-such/c/f", "beside");
	for (int i = 0; i < 40; i++) {
		snprintf(path, sizeof path, "sys/none/%d/f", i);
		CHECK_INT(error_of(host_read(h, path, &t)), ENOENT);
	}
	check_read(h, "sys/none-such/c/f", "beside");
	CHECK_INT(error_of(host_read(h, "sys/none-such/c/g", &t)), ENOENT);
	put("sys/none/3/f", "new");
	CHECK_INT(host_next(h, 0, SAMPLE_TICK, &m), 1);
	check_read(h, "sys/none/3/f", "new");
	host_close(h);
}

static int
print_name(void *ctx, struct buf *out)
{
	buf_text(out, ctx);
	return 0;
}

static int closed;

static void
count_closed(void *ctx)
{
	(void)ctx;
	closed++;
}

/* Two samplers of one path share what measures it. Neither takes it away from the other. */
static void
measures_once(void)
{
	struct host *h = host_live(tree);
	const struct provided first = { print_name, count_closed, "first" },
			      second = { print_name, NULL, "second" };
	struct text t;

	CHECK_INT(error_of(host_provide(h, "pq/x", NULL)), ENOENT);
	CHECK(!host_measures(h, "pq/x"));
	CHECK_INT(error_of(host_provide(h, "pq/x", &first)), 0);
	CHECK(host_measures(h, "pq/x") && host_measures(h, "pq/x")->ctx == first.ctx);
	CHECK(!host_measures(h, "pq/y"));
	CHECK_INT(error_of(host_provide(h, "pq/x", &second)), EEXIST);
	CHECK_INT(error_of(host_provide(h, "pq/x", NULL)), 0);
	host_unprovide(h, "pq/x");
	check_read(h, "pq/x", "first");
	CHECK_INT(closed, 0);
	host_unprovide(h, "pq/x");
	CHECK_INT(closed, 1);
	CHECK(!host_measures(h, "pq/x"));
	CHECK_INT(error_of(host_read(h, "pq/x", &t)), ENOENT);
	host_unprovide(h, "pq/x");
	CHECK_INT(closed, 1);
	CHECK_INT(error_of(host_provide(h, "pq/x", &second)), 0);
	check_read(h, "pq/x", "second");
	host_close(h);
}

/* Memory of this process: a text on its stack, and the end of what is mapped. */
static void
reads_memory(void)
{
	struct host *h = host_live("/"), *elsewhere = host_live(tree);
	const char words[] = "on the stack";
	struct memory_read m;

	CHECK_INT(error_of(host_memory(h, (uint32_t)getpid(), (uintptr_t)words, 12, &m)), 0);
	CHECK_TEXT(m.bytes, "on the stack");
	CHECK_INT(error_of(host_memory(h, (uint32_t)getpid(), 16, 8, &m)), EFAULT);
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pages[4095] = 1;
	munmap(pages + 4096, 4096);
	CHECK_INT(
	    error_of(host_memory(h, (uint32_t)getpid(), (uintptr_t)pages + 4000, 200, &m)), 0);
	CHECK_U64(m.bytes.n, 96);
	CHECK_INT(
	    error_of(host_memory(elsewhere, (uint32_t)getpid(), (uintptr_t)words, 4, &m)), ENOENT);
	host_close(h);
	host_close(elsewhere);
}

/* Pieces of this process: on its stack, across two pages, on a page that was never used, and beyond what is
 * mapped. What cannot be read does not cut off what follows. */
static void
reads_pieces(void)
{
	struct host *h = host_live("/"), *elsewhere = host_live(tree);
	const char words[] = "on the stack";
	char *pages =
	    mmap(NULL, 5 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct memory_read m;
	uint32_t pid = (uint32_t)getpid(), space = 0;

	memcpy(pages + 4090, "across pages", 12);
	munmap(pages + 4 * 4096, 4096);
	struct memory_piece v[300] = {
		{ .at = (uintptr_t)words, .n = 12 },
		{ .at = (uintptr_t)pages + 3 * 4096, .n = 8 },
		{ .at = (uintptr_t)pages + 4090, .n = 12 },
		{ .at = (uintptr_t)pages + 4 * 4096, .n = 8 },
		{ .at = (uintptr_t)pages + 2 * 4096 - 4, .n = 8 },
		{ .at = UINT64_MAX - 4, .n = 8 },
		{ .at = 16, .n = 8 },
		{ .at = (uintptr_t)pages, .n = 1 << 20 },
	};
	for (int i = 8; i < 300; i++)
		v[i] = (struct memory_piece){ .at = (uintptr_t)words + (unsigned)i % 5, .n = 3 };
	if (host_memory_pieces(h, pid, v, 300, &space) < 0) {
		CHECK(errno == ENOSYS || errno == EPERM);
		munmap(pages, 4 * 4096);
		host_close(h);
		host_close(elsewhere);
		return;
	}
	CHECK_TEXT(v[0].bytes, "on the stack");
	CHECK_TEXT(v[2].bytes, "across pages");
	for (int i = 1; i < 8; i++)
		CHECK_U64(v[i].bytes.n, i == 2 ? 12 : 0);
	for (size_t i = 8; i < 300; i++)
		CHECK(v[i].bytes.n == 3 && memcmp(v[i].bytes.s, words + i % 5, 3) == 0);
	CHECK_INT(error_of(host_memory(h, pid, (uintptr_t)words, 12, &m)), 0);
	CHECK_U64(space, m.space);
	CHECK_INT(error_of(host_memory_pieces(h, pid, v + 1, 1, &space)), EFAULT);
	CHECK_INT(error_of(host_memory_pieces(elsewhere, pid, v, 1, &space)), EOPNOTSUPP);
	munmap(pages, 4 * 4096);
	host_close(h);
	host_close(elsewhere);
}

/* What is known of the program of this process; a path that leads elsewhere. */
static void
describes_files(void)
{
	struct host *h = host_live("/");
	struct host_file file;
	struct stat st;

	CHECK_INT(stat("/proc/self/exe", &st), 0);
	CHECK_INT(error_of(host_about(h, "proc/self/exe", &file)), 0);
	CHECK_U64(file.size, (uint64_t)st.st_size);
	CHECK_U64(file.owner, st.st_uid);
	CHECK_INT(error_of(host_about(h, "proc/self/fd/0", &file)), EXDEV);
	CHECK_INT(error_of(host_about(h, "proc/self/map_files/../mem", &file)), EXDEV);
	host_close(h);
}

int
main(void)
{
	tree_make();
	unit_test("files are read below the root", reads);
	unit_test("a file is read again, shorter and longer", reads_again);
	unit_test("memory of a process, up to the end of a mapping", reads_memory);
	unit_test("pieces of the memory of a process, those that are there", reads_pieces);
	unit_test("a program file is described", describes_files);
	unit_test("texts of all sizes are read whole", reads_all_sizes);
	unit_test("a missing file gives its errno, and may appear later", not_there);
	unit_test("a missing root is an error", no_root);
	unit_test("a FIFO or a huge file is an error, not a hang", no_texts);
	unit_test("the directories in a directory, without names with newlines", lists);
	unit_test("a directory of 500, and an empty one", lists_many);
	unit_test("a directory removed and made again", directory_again);
	unit_test("a process that vanishes while watched", process_vanishes);
	unit_test("the CPU clock of a process is the sum of its schedstat", clock_of_process);
	unit_test("the links of a directory task tell of a new thread", links_of_threads);
	unit_test("three hundred cgroups", many_files);
	unit_test("files no longer read are closed, and all files at the end", closes_idle_ones);
	unit_test("samples come at their deadline", samples_in_time);
	unit_test("a signal ends the wait", interrupted);
	unit_test("the facts of this machine", facts);
	unit_test("more files than may be open", more_files_than_allowed);
	unit_test("a missing directory is asked for once per sample", missing_directories);
	unit_test("what is measured has one source, which ends with its last user", measures_once);
	tree_remove();
	return unit_done();
}
