#include "session/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"

static size_t
count(char *const v[])
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/* Whether the list sets the same name. */
static bool
is_set_in(char *const env[], const char *variable)
{
	size_t n = strcspn(variable, "=");

	for (size_t i = 0; env && env[i]; i++)
		if (strncmp(env[i], variable, n) == 0 && env[i][n] == '=')
			return true;
	return false;
}

/* env, then the variables of ours that it does not set: of a name that is there twice, programs
 * differ in which one they read. The caller frees it; NULL: out of memory. */
static char **
environment(char *const env[])
{
	char **all = malloc((count(env) + count(environ) + 1) * sizeof *all);
	size_t n = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; env && env[i]; i++)
		all[n++] = env[i];
	for (size_t i = 0; environ && environ[i]; i++)
		if (!is_set_in(env, environ[i]))
			all[n++] = environ[i];
	all[n] = NULL;
	return all;
}

static int
set_files(posix_spawn_file_actions_t *files, bool our_stdin)
{
	bool has_stderr = fcntl(STDERR_FILENO, F_GETFD) >= 0;
	int error = 0;

	if (!our_stdin)
		error =
		    posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!error && !has_stderr)
		error = posix_spawn_file_actions_addopen(
		    files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
	return error;
}

static void
set_signals_and_group(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(
	    attr, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP));
}

/* Returns 0 or an error number, of exec too. posix_spawn of glibc and musl shares our memory with
 * the child until exec, so no page tables are copied. */
static int
spawn(pid_t *pid, char *const argv[], char *const env[], bool our_stdin)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int error = posix_spawn_file_actions_init(&files);

	if (error)
		return error;
	error = posix_spawnattr_init(&attr);
	if (!error) {
		set_signals_and_group(&attr);
		error = set_files(&files, our_stdin);
		if (!error)
			error = posix_spawnp(pid, argv[0], &files, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return error;
}

/* The process number, or -1 with errno. */
static pid_t
spawn_exec(char *const argv[], char *const env[], bool our_stdin)
{
	char **all = environment(env);
	pid_t pid = -1;
	int error = !all ? ENOMEM : argv[0] ? spawn(&pid, argv, all, our_stdin) : EINVAL;

	free(all);
	errno = error;
	return error ? -1 : pid;
}

/* Our handlers would only set a flag in the child. Ignored signals stay ignored, so that a write to
 * a closed pipe fails and does not kill. SIGTERM always ends the child. */
static void
signals_to_default(void)
{
	struct sigaction sa, by_default = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig == SIGTERM ||
		    (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_IGN &&
			sa.sa_handler != SIG_DFL))
			sigaction(sig, &by_default, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void
child(int (*f)(void *), void *ctx)
{
	enum { MOST = 125 };

	setpgid(0, 0);
	signals_to_default();
	if (nice(10) < 0)
		errno = 0; /* not an error: the niceness may be -1, or at its maximum */
	int status = f(ctx);
	_exit(status >= 0 && status <= MOST ? status : MOST);
}

/* Blocks signals during the fork, as our handler could catch one in the child. */
static pid_t
spawn_call(int (*f)(void *), void *ctx)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		child(f, ctx);
	int error = errno;
	if (pid > 0)
		setpgid(pid, pid); /* here too, as the child may not have run yet */
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return pid;
}

static int
started(struct job *j, pid_t pid, int64_t now_ns, int64_t limit_ns)
{
	if (pid < 0)
		return -1;
	*j = (struct job){ .grace_ns = j->grace_ns,
		.our_stdin = j->our_stdin,
		.pid = pid,
		.started_ns = now_ns,
		.limit_ns = limit_ns };
	return 0;
}

int
job_exec(struct job *j, char *const argv[], char *const env[], int64_t now_ns, int64_t limit_ns)
{
	return job_runs(j) ? fail_with(EBUSY) :
			     started(j, spawn_exec(argv, env, j->our_stdin), now_ns, limit_ns);
}

int
job_call(struct job *j, int (*f)(void *), void *ctx, int64_t now_ns, int64_t limit_ns)
{
	return job_runs(j) ? fail_with(EBUSY) : started(j, spawn_call(f, ctx), now_ns, limit_ns);
}

bool
job_runs(const struct job *j)
{
	return j->pid > 0;
}

/* Does not reap: as long as the process is a zombie, no other group gets its number. */
static bool
has_ended(const struct job *j)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == ECHILD;
	return info.si_pid != 0;
}

/* Signals the group, or the process alone if it has left the group. */
static void
tell(const struct job *j, int sig)
{
	if (kill(-j->pid, sig) < 0)
		kill(j->pid, sig);
}

/* A stopped process acts on SIGTERM only when it continues. */
static void
terminate(const struct job *j)
{
	tell(j, SIGTERM);
	tell(j, SIGCONT);
}

static int64_t
grace_ns(const struct job *j)
{
	return j->grace_ns > 0 ? j->grace_ns : 2000000000;
}

static void
reap(struct job *j, int64_t now_ns, struct job_end *end)
{
	int status = 0;
	bool known = waitpid(j->pid, &status, WNOHANG) == j->pid;

	*end = (struct job_end){ .timed_out = j->timed_out,
		.took_ns = now_ns - j->started_ns,
		.limit_ns = j->limit_ns };
	end->status = !known ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	end->signal = known && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	j->pid = 0;
}

bool
job_poll(struct job *j, int64_t now_ns, struct job_end *end)
{
	if (!job_runs(j))
		return false;
	bool ended = has_ended(j);
	if (!ended && !j->timed_out && j->limit_ns > 0 && now_ns - j->started_ns >= j->limit_ns) {
		terminate(j);
		j->timed_out = true;
		j->kill_ns = now_ns + grace_ns(j);
	}
	if (j->timed_out) {
		if (now_ns < j->kill_ns)
			return false;
		tell(j, SIGKILL);
	}
	if (ended)
		reap(j, now_ns, end);
	return ended;
}

/* False if the grace period ends first. */
static bool
await_end(const struct job *j)
{
	const struct timespec nap = { .tv_nsec = 2000000 };
	int64_t until_ns = clock_ns(CLOCK_MONOTONIC) + grace_ns(j);

	while (!has_ended(j)) {
		if (clock_ns(CLOCK_MONOTONIC) >= until_ns)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

/* A process that is stuck in the kernel survives SIGKILL; init inherits it. */
void
job_stop(struct job *j)
{
	struct job_end end;

	if (!job_runs(j))
		return;
	if (!j->timed_out)
		terminate(j);
	if (!await_end(j) || j->timed_out) {
		tell(j, SIGKILL);
		await_end(j);
	}
	reap(j, 0, &end);
}

void
job_end_text(const struct job_end *e, char *out, size_t n)
{
	long long limit_ms = e->limit_ns / 1000000;
	bool whole = limit_ms % 1000 == 0;

	if (e->timed_out)
		snprintf(out, n, "timed out after %lld %s and was killed",
		    whole ? limit_ms / 1000 : limit_ms, whole ? "s" : "ms");
	else if (e->signal)
		snprintf(out, n, "killed by signal %d (%s)", e->signal, strsignal(e->signal));
	else if (e->status < 0)
		snprintf(out, n, "ended with an unknown exit status");
	else
		snprintf(out, n, "exit status %d", e->status);
}
