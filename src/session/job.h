/* job: runs one child process at a time, in a process group of its own. No call but job_stop waits
 * for it. Times are nanoseconds of one monotonic clock. */
#ifndef PQ_SESSION_JOB_H
#define PQ_SESSION_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero-initialise to start. */
struct job {
	int64_t grace_ns; /* from SIGTERM to SIGKILL, for later jobs too; 0: two seconds */
	bool our_stdin;   /* jobs read our stdin; else /dev/null */
	pid_t pid;        /* the process and its group; 0: none runs */
	int64_t started_ns, limit_ns;
	int64_t kill_ns; /* once timed_out: when SIGKILL is due */
	bool timed_out;  /* SIGTERM was sent */
};

struct job_end {
	bool timed_out;   /* it was sent SIGTERM at the limit, whatever ended it then */
	int status;       /* exit status; -1: unknown, because SIGCHLD is ignored */
	int signal;       /* the signal that killed it, or 0 */
	int64_t took_ns;  /* until the poll that saw the end */
	int64_t limit_ns; /* as given */
};

/* Starts a command without a shell; PATH is searched. Its environment is ours, with the variables
 * of `env` (a NULL-ended list of "NAME=value", or NULL) set. Its stdout is our stderr; all its
 * signals have the default action and are unblocked. limit_ns 0: no limit. Returns 0, or -1 with
 * errno: EBUSY if a job runs, or an error of exec such as ENOENT or EACCES. */
int job_exec(
    struct job *j, char *const argv[], char *const env[], int64_t now_ns, int64_t limit_ns);

/* Runs f(ctx) in a forked child with a niceness of 10 more. The value of f, 0 to 125, is the exit
 * status. f must not call exit, which would write what stdio held at the fork. The program must
 * have one thread only. Returns 0, or -1 with errno. */
int job_call(struct job *j, int (*f)(void *), void *ctx, int64_t now_ns, int64_t limit_ns);

bool job_runs(const struct job *j);

/* Returns true once after the job has ended, and fills *end. At the limit it sends SIGTERM to the
 * group, and after the grace period SIGKILL, even if the first process has ended; only then does it
 * report the end. Of a job that ends in time, other processes are left running, as they may be
 * daemons. */
bool job_poll(struct job *j, int64_t now_ns, struct job_end *end);

/* Ends the job: sends SIGTERM to its group, and SIGKILL if it has not ended after the grace period.
 * Waits at most two grace periods. */
void job_stop(struct job *j);

/* Prints "exit status 3", "killed by signal 9 (Killed)" or "timed out after 60 s and was killed" to
 * out, of n bytes. */
void job_end_text(const struct job_end *e, char *out, size_t n);

#endif
