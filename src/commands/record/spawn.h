/* spawn: starts a child process, in a process group of its own. job.h says what the child finds. */
#ifndef PQ_RECORD_SPAWN_H
#define PQ_RECORD_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

/* Starts a command by argv, with our environment and over it the NULL-ended list of "NAME=value"
 * (or NULL); with our stdin, or else with none. Its process number; -1 with errno, exec's own
 * too. */
pid_t spawn_exec(char *const argv[], char *const env[], bool our_stdin);

/* Runs f(ctx) in a fork of ours, ten steps nicer; the child ends with what it returns. Its process
 * number; -1 with errno. */
pid_t spawn_call(int (*f)(void *), void *ctx);

#endif
