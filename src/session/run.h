/* run: one tool's rows on stdout: a session of one sampler, the summary, and the exit status. */
#ifndef PQ_SESSION_RUN_H
#define PQ_SESSION_RUN_H

#include "cli/args.h"

/* Runs the tool as the options say; returns the program's exit status. */
enum exit_status run(const struct options *o);

#endif
