/* Jobs: real children, with limits of tenths of a second. What a child writes to stderr is caught
 * in a pipe, whose end also tells that nobody holds it any more: that all processes of a job have
 * ended. */
#include "session/job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tree.h"
#include "unit.h"

static const int64_t ms = 1000000;
static const int64_t minute_ms = 60000;

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
nap(int64_t ns)
{
	nanosleep(
	    &(struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 }, NULL);
}

struct caught {
	int saved, read;
};

/* From here on stderr is a pipe, which children inherit. */
static struct caught
catch_stderr(void)
{
	struct caught c = { .saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10) };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		abort();
	close(ends[1]);
	c.read = ends[0];
	return c;
}

static void
restore_stderr(const struct caught *c)
{
	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
}

/* All that was written, until the last writer has gone; "(held open)" at the end when one still
 * lives after that long. */
static const char *
caught_text(const struct caught *c, int wait_ms)
{
	static char text[4096];
	struct pollfd p = { .fd = c->read, .events = POLLIN };
	size_t n = 0;
	ssize_t got = 0;

	while (n < sizeof text - 16 && poll(&p, 1, wait_ms) == 1 &&
	    (got = read(c->read, text + n, sizeof text - 16 - n)) > 0)
		n += (size_t)got;
	snprintf(text + n, 16, "%s", poll(&p, 1, 0) == 1 ? "" : "(held open)");
	close(c->read);
	return text;
}

static struct job_end
await(struct job *j)
{
	struct job_end e = { .status = -99 };
	int64_t give_up_ns = now_ns() + 10 * 1000 * ms;

	while (!job_poll(j, now_ns(), &e) && now_ns() < give_up_ns)
		nap(2 * ms);
	CHECK(!job_runs(j));
	return e;
}

static int
begin(struct job *j, const char *script, int64_t limit_ms)
{
	char *const argv[] = { "sh", "-c", unit_copy(script, strlen(script) + 1), NULL };

	return job_exec(j, argv, NULL, now_ns(), limit_ms * ms);
}

static struct job_end
run(const char *script, int64_t limit_ms)
{
	struct job j = { .grace_ns = 100 * ms };

	CHECK_INT(begin(&j, script, limit_ms), 0);
	return await(&j);
}

/* What a command writes to stderr. */
static const char *
said(char *const argv[], char *const env[])
{
	struct job j = { 0 };
	struct caught c = catch_stderr();
	int started = job_exec(&j, argv, env, now_ns(), 0);

	restore_stderr(&c);
	CHECK_INT(started, 0);
	CHECK_INT(await(&j).status, 0);
	return caught_text(&c, 2000);
}

static void
check_end(struct job_end e, bool timed_out, int status, int sig)
{
	CHECK_INT(e.timed_out, timed_out);
	CHECK_INT(e.status, status);
	CHECK_INT(e.signal, sig);
}

static void
succeeds(void)
{
	struct job_end e = run("exit 0", minute_ms);

	check_end(e, false, 0, 0);
	CHECK(e.took_ns > 0 && e.took_ns < 9000 * ms);
	check_end(run("sleep 0.05", 0), false, 0, 0);
}

static void
fails(void)
{
	check_end(run("exit 3", minute_ms), false, 3, 0);
	check_end(run("exit 255", minute_ms), false, 255, 0);
	check_end(run("kill -9 $$", minute_ms), false, 0, SIGKILL);
}

static int
exec_error(const char *path)
{
	struct job j = { 0 };
	struct job_end e;
	char *const argv[] = { unit_copy(path, strlen(path) + 1), NULL };
	int error = job_exec(&j, argv, NULL, now_ns(), 0) < 0 ? errno : 0;

	CHECK(!job_runs(&j) && !job_poll(&j, now_ns(), &e));
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	return error;
}

static void
cannot_start(void)
{
	struct job j = { 0 };
	char path[600];

	CHECK_INT(exec_error("pq-there-is-no-such-command"), ENOENT);
	CHECK_INT(exec_error("/nowhere/command"), ENOENT);
	CHECK_INT(exec_error(""), ENOENT);
	put("script", "#!/bin/sh\n");
	snprintf(path, sizeof path, "%s/script", tree);
	CHECK_INT(exec_error(path), EACCES);
	CHECK_INT(exec_error(tree), EACCES);
	CHECK(job_exec(&j, (char *const[]){ NULL }, NULL, 0, 0) < 0 && errno == EINVAL);
}

/* A shell in between would change each of these. */
static void
passes_arguments(void)
{
	char *const argv[] = { "printf", "<%s>", "a b", "$HOME `id` $(id)", "*;&|>x", "", "'\"\\",
		"new\nline", NULL };

	CHECK_STRING(said(argv, NULL), "<a b><$HOME `id` $(id)><*;&|>x><><'\"\\><new\nline>");
}

static void
passes_environment(void)
{
	char *const print[] = { "sh", "-c",
		"echo \"$PQ_OLD,$PQ_OLDER,$PQ_NEW\"; env | grep -c ^PQ_OLD=", NULL };

	setenv("PQ_OLD", "old", 1);
	setenv("PQ_OLDER", "older", 1);
	CHECK_STRING(
	    said(print, (char *const[]){ "PQ_OLD=a b", "PQ_NEW=x=y", NULL }), "a b,older,x=y\n1\n");
	CHECK_STRING(said(print, NULL), "old,older,\n1\n");
	CHECK_STRING(getenv("PQ_OLD"), "old");
	CHECK(!getenv("PQ_NEW"));
}

static void
has_files(void)
{
	char *const argv[] = { "sh", "-c", "echo out; echo err >&2; read x || echo eof", NULL };

	CHECK_STRING(said(argv, NULL), "out\nerr\neof\n");
}

static void
works_without_stderr(void)
{
	struct job j = { 0 };
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);

	close(STDERR_FILENO);
	int started = begin(&j, "echo x && echo x >&2", minute_ms);
	dup2(saved, STDERR_FILENO);
	close(saved);
	CHECK_INT(started, 0);
	CHECK_INT(await(&j).status, 0);
}

/* A line of /proc/PID/status, without 32 and above: libc keeps some of them to itself. */
static uint64_t
signal_set(const char *status, const char *key)
{
	const char *line = strstr(status, key);

	return line ? strtoull(line + strlen(key), NULL, 16) & 0x7fffffff : UINT64_MAX;
}

static void
has_default_signals(void)
{
	char *const argv[] = { "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL };
	sigset_t usr1;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	sigprocmask(SIG_BLOCK, &usr1, NULL);
	const char *sets = said(argv, NULL);
	CHECK_U64(signal_set(sets, "SigBlk:"), 0);
	CHECK_U64(signal_set(sets, "SigIgn:"), 0);
	sigprocmask(SIG_UNBLOCK, &usr1, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

static void
one_at_a_time(void)
{
	struct job j = { 0 };
	struct job_end e;

	CHECK_INT(begin(&j, "sleep 0.1; exit 4", minute_ms), 0);
	CHECK(job_runs(&j));
	CHECK_INT(getpgid(j.pid), j.pid);
	CHECK(!job_poll(&j, now_ns(), &e));
	CHECK(begin(&j, "exit 5", minute_ms) < 0 && errno == EBUSY);
	check_end(await(&j), false, 4, 0);
	CHECK(!job_poll(&j, now_ns(), &e));
	CHECK_INT(begin(&j, "exit 6", minute_ms), 0);
	check_end(await(&j), false, 6, 0);
}

static void
leaves_other_children(void)
{
	int status = 0;
	pid_t other = fork();

	if (other == 0)
		_exit(9);
	check_end(run("sleep 0.05; exit 2", minute_ms), false, 2, 0);
	CHECK_INT(waitpid(other, &status, 0), other);
	CHECK_INT(WEXITSTATUS(status), 9);
}

/* As somebody who started us may have set it: the kernel reaps. */
static void
lost_status(void)
{
	signal(SIGCHLD, SIG_IGN);
	check_end(run("exit 3", minute_ms), false, -1, 0);
	signal(SIGCHLD, SIG_DFL);
}

/* Whether the next that is written is this line. */
static bool
says(const struct caught *c, const char *line)
{
	struct pollfd p = { .fd = c->read, .events = POLLIN };
	char text[64];
	ssize_t n = poll(&p, 1, 10000) == 1 ? read(c->read, text, sizeof text) : 0;

	return n == (ssize_t)strlen(line) && memcmp(text, line, (size_t)n) == 0;
}

/* Starts a command that writes "ready", and takes the clock, which the test makes, to its limit of 200 ms:
 * it is told to end. */
static void
start_overdue(struct job *j, struct caught *c, const char *script)
{
	char *const argv[] = { "sh", "-c", unit_copy(script, strlen(script) + 1), NULL };
	struct job_end e = { .status = -99 };

	*j = (struct job){ .grace_ns = 100 * ms };
	*c = catch_stderr();
	int started = job_exec(j, argv, NULL, 1000 * ms, 200 * ms);
	restore_stderr(c);
	CHECK_INT(started, 0);
	CHECK(says(c, "ready\n"));
	CHECK(!job_poll(j, 1199 * ms, &e) && !job_poll(j, 1200 * ms, &e));
}

/* Goes on to the end of the grace period, after which the job is killed. */
static struct job_end
end_overdue(struct job *j)
{
	struct job_end e = { .status = -99 };

	CHECK(!job_poll(j, 1299 * ms, &e));
	for (int i = 0; i < 5000 && !job_poll(j, 1300 * ms, &e); i++)
		nap(2 * ms);
	return e;
}

/* How such a command ends, at its limit or by being killed. */
static struct job_end
overdue(const char *script, bool ends)
{
	struct caught c;
	struct job j;

	start_overdue(&j, &c, script);
	if (ends)
		CHECK_STRING(caught_text(&c, 10000), "");
	struct job_end e = end_overdue(&j);
	if (!ends)
		close(c.read);
	return e;
}

static void
hangs(void)
{
	struct job_end e = run("exec sleep 100", 150);

	check_end(e, true, 0, SIGTERM);
	CHECK(e.took_ns >= 150 * ms && e.took_ns < 5000 * ms);
	CHECK_INT(e.limit_ns, 150 * ms);
	check_end(overdue("exec 2>/dev/null; trap 'exit 7' TERM; echo ready; while :; do sleep "
			  "0.01; done",
		      true),
	    true, 7, 0);
	check_end(run("kill -STOP $$; exit 1", 150), true, 0, SIGTERM);
}

static void
ignores_term(void)
{
	struct job_end e =
	    overdue("exec 2>/dev/null; trap '' TERM; echo ready; while :; do sleep 1; done", false);

	check_end(e, true, 0, SIGKILL);
	CHECK_INT(e.took_ns, 300 * ms);
}

/* The leader ends at SIGTERM, what it has started does not: it gets its grace period, and no
 * more. The test makes the clock. */
static void
child_hangs(void)
{
	struct caught c;
	struct job j;

	start_overdue(&j, &c,
	    "exec 2>/dev/null; (trap 'echo cleaned' TERM; echo ready; while :; do sleep "
	    "0.01; done) & wait");
	CHECK(says(&c, "cleaned\n"));
	struct job_end e = end_overdue(&j);
	check_end(e, true, 0, SIGTERM);
	CHECK_INT(e.took_ns, 300 * ms);
	CHECK_STRING(caught_text(&c, 10000), "");
}

static void
leaves_daemon(void)
{
	struct caught c = catch_stderr();
	struct job_end e = run("(sleep 0.3; echo later) & exit 0", 100);

	restore_stderr(&c);
	check_end(e, false, 0, 0);
	CHECK_STRING(caught_text(&c, 2000), "later\n");
}

static void
stops(void)
{
	struct job j = { .grace_ns = 5000 * ms };
	int64_t start_ns = now_ns();

	job_stop(&j);
	CHECK_INT(begin(&j, "exec sleep 100", 0), 0);
	job_stop(&j);
	CHECK(!job_runs(&j));
	CHECK(now_ns() - start_ns < 4000 * ms);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static void
stops_the_stubborn(void)
{
	struct job j = { .grace_ns = 100 * ms };
	struct caught c = catch_stderr();
	int started = begin(&j, "trap '' TERM; while :; do sleep 1; done", 0);

	restore_stderr(&c);
	CHECK_INT(started, 0);
	nap(200 * ms);
	job_stop(&j);
	CHECK(!job_runs(&j));
	CHECK_STRING(caught_text(&c, 2000), "");
}

static int
times_two(void *ctx)
{
	return *(int *)ctx * 2;
}

static int
niceness(void *ctx)
{
	(void)ctx;
	return getpriority(PRIO_PROCESS, 0);
}

static int
sleeps(void *ctx)
{
	(void)ctx;
	while (pause() < 0)
		;
	return 0;
}

static struct job_end
call(int (*f)(void *), int value, int64_t limit_ms)
{
	struct job j = { .grace_ns = 100 * ms };

	CHECK_INT(job_call(&j, f, &value, now_ns(), limit_ms * ms), 0);
	CHECK(job_runs(&j));
	CHECK_INT(getpgid(j.pid), j.pid);
	CHECK(job_call(&j, f, &value, now_ns(), limit_ms * ms) < 0 && errno == EBUSY);
	return await(&j);
}

static void
calls(void)
{
	int nice_here = getpriority(PRIO_PROCESS, 0);

	check_end(call(times_two, 0, minute_ms), false, 0, 0);
	check_end(call(times_two, 21, minute_ms), false, 42, 0);
	check_end(call(times_two, -1, minute_ms), false, 125, 0);
	check_end(call(times_two, 128, minute_ms), false, 125, 0);
	if (nice_here >= 0)
		check_end(
		    call(niceness, 0, minute_ms), false, nice_here < 9 ? nice_here + 10 : 19, 0);
	CHECK_INT(getpriority(PRIO_PROCESS, 0), nice_here);
}

static void
on_term(int sig)
{
	(void)sig;
}

/* A handler of ours would let the child live on. */
static void
call_hangs(void)
{
	sigset_t mask;

	signal(SIGTERM, on_term);
	check_end(call(sleeps, 0, 150), true, 0, SIGTERM);
	CHECK(signal(SIGTERM, SIG_DFL) == on_term);
	sigprocmask(SIG_SETMASK, NULL, &mask);
	CHECK_INT(sigismember(&mask, SIGTERM), 0);
}

static const pid_t *owner;

static void
at_exit(void)
{
	if (owner && getpid() != *owner && write(STDERR_FILENO, "at exit", 7) < 0)
		abort();
}

static void
call_ends_quietly(void)
{
	pid_t self = getpid();
	struct caught c = catch_stderr();
	FILE *f = fdopen(dup(STDERR_FILENO), "w");

	owner = &self;
	if (!f || fputs("once\n", f) == EOF)
		abort();
	struct job_end e = call(times_two, 1, minute_ms);
	fclose(f);
	restore_stderr(&c);
	owner = NULL;
	check_end(e, false, 2, 0);
	CHECK_STRING(caught_text(&c, 2000), "once\n");
}

static const char *
text_of_end(struct job_end e)
{
	static char text[64];

	job_end_text(&e, text, sizeof text);
	return text;
}

static void
tells(void)
{
	char small[8];

	CHECK_STRING(text_of_end((struct job_end){ .status = 3 }), "exit status 3");
	CHECK_STRING(
	    text_of_end((struct job_end){ .status = -1 }), "ended with an unknown exit status");
	CHECK_STRING(
	    text_of_end((struct job_end){ .signal = SIGKILL }), "killed by signal 9 (Killed)");
	CHECK_STRING(text_of_end((struct job_end){
			 .timed_out = true, .signal = SIGKILL, .limit_ns = 60000 * ms }),
	    "timed out after 60 s and was killed");
	CHECK_STRING(text_of_end((struct job_end){ .timed_out = true, .limit_ns = 1500 * ms }),
	    "timed out after 1500 ms and was killed");
	job_end_text(&(struct job_end){ .status = 3 }, small, sizeof small);
	CHECK_STRING(small, "exit st");
}

int
main(void)
{
	tree_make();
	atexit(at_exit);
	unit_test("a command that succeeds", succeeds);
	unit_test("a command that fails, or is killed", fails);
	unit_test("a command that cannot be started", cannot_start);
	unit_test("arguments are passed as they are", passes_arguments);
	unit_test("the environment is passed, and additions replace variables", passes_environment);
	unit_test("stdin is empty, stdout goes to stderr", has_files);
	unit_test("a closed stderr", works_without_stderr);
	unit_test("signals have their default action and are unblocked", has_default_signals);
	unit_test("one job at a time", one_at_a_time);
	unit_test("other children are left alone", leaves_other_children);
	unit_test("with SIGCHLD ignored the exit status is unknown", lost_status);
	unit_test("a command that hangs is ended", hangs);
	unit_test("a command that ignores SIGTERM is killed", ignores_term);
	unit_test("a command's child that hangs is killed", child_hangs);
	unit_test("a daemon is left alone", leaves_daemon);
	unit_test("a job is stopped at once", stops);
	unit_test("a job that ignores SIGTERM is killed when stopped", stops_the_stubborn);
	unit_test("a function in a child", calls);
	unit_test("a function that hangs is ended", call_hangs);
	unit_test("a function's child neither flushes nor runs exit handlers", call_ends_quietly);
	unit_test("the end of a job is described in words", tells);
	tree_remove();
	return unit_done();
}
