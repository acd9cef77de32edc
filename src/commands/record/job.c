#include "commands/record/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "commands/record/spawn.h"

static bool
may_start(const struct job *j)
{
	if (job_runs(j))
		errno = EBUSY;
	return !job_runs(j);
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
	return may_start(j) ? started(j, spawn_exec(argv, env, j->our_stdin), now_ns, limit_ns) :
			      -1;
}

int
job_call(struct job *j, int (*f)(void *), void *ctx, int64_t now_ns, int64_t limit_ns)
{
	return may_start(j) ? started(j, spawn_call(f, ctx), now_ns, limit_ns) : -1;
}

bool
job_runs(const struct job *j)
{
	return j->pid > 0;
}

/* Does not reap: as long as it is a zombie, its number means its group and no other. */
static bool
has_ended(const struct job *j)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)j->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0)
		return errno == ECHILD;
	return info.si_pid != 0;
}

/* Should it have left its group, it is told at least itself. */
static void
tell(const struct job *j, int sig)
{
	if (kill(-j->pid, sig) < 0)
		kill(j->pid, sig);
}

/* A stopped process obeys when it goes on. */
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

/* False when the grace period is over. */
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

/* A process that hangs in the kernel does not even end when killed: init has it then. */
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
		snprintf(out, n, "no end within %lld %s: killed",
		    whole ? limit_ms / 1000 : limit_ms, whole ? "s" : "ms");
	else if (e->signal)
		snprintf(out, n, "killed by signal %d (%s)", e->signal, strsignal(e->signal));
	else if (e->status < 0)
		snprintf(out, n, "ended, exit status unknown");
	else
		snprintf(out, n, "exit status %d", e->status);
}
