/* job: one child process at a time, that never holds up whoever polls it. Times are nanoseconds of
 * one monotonic clock. */
#ifndef PQ_RECORD_JOB_H
#define PQ_RECORD_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Zero-initialised: none runs. */
struct job {
	int64_t grace_ns; /* from SIGTERM to SIGKILL, for all jobs to come; 0: two seconds */
	bool our_stdin;   /* they have our stdin */
	pid_t pid;        /* also of its process group; 0: none runs */
	int64_t started_ns, limit_ns;
	int64_t kill_ns; /* once timed_out: when SIGKILL is due */
	bool timed_out;  /* SIGTERM was sent */
};

struct job_end {
	bool timed_out;   /* the limit had passed and it was told to end, however it then did */
	int status;       /* it exited with; -1: lost, since somebody ignores SIGCHLD */
	int signal;       /* that killed it, or 0 */
	int64_t took_ns;  /* until the poll that saw the end */
	int64_t limit_ns; /* as it was given */
};

/* Starts a command by argv: no shell, found by PATH; with our environment and over it the
 * NULL-ended list of "NAME=value" (or NULL). Its stdin is /dev/null unless our_stdin, its stdout
 * our stderr; signals are at default and unblocked; its process group is its own. limit_ns 0: none.
 * 0, or -1 with errno: EBUSY when a job runs; exec's own, such as ENOENT or EACCES. */
int job_exec(
    struct job *j, char *const argv[], char *const env[], int64_t now_ns, int64_t limit_ns);

/* Runs f(ctx) in a forked child, ten steps nicer; its return value, 0 to 125, is the exit status. f
 * must not call exit: that would write out what stdio held at the fork. 0, or -1 with errno. The
 * program must have one thread only. */
int job_call(struct job *j, int (*f)(void *), void *ctx, int64_t now_ns, int64_t limit_ns);

bool job_runs(const struct job *j);

/* Does not wait: true once, when it has ended, with *end filled. At the limit its group gets
 * SIGTERM, and after the grace period SIGKILL, even if the process that we started has ended: only
 * then is the end told. What a job that ends in time leaves running is left alone, as it may be a
 * daemon. */
bool job_poll(struct job *j, int64_t now_ns, struct job_end *end);

/* Ends it: SIGTERM to its group, SIGKILL when it has not ended after the grace period. Waits for
 * the end, at most two such periods. */
void job_stop(struct job *j);

/* "exit status 3", "killed by signal 9 (Killed)", "no end within 60 s: killed", cut to n bytes with
 * the NUL. */
void job_end_text(const struct job_end *e, char *out, size_t n);

/* spawn: starts a child process, in a process group of its own. job.h says what the child finds. */

#endif
