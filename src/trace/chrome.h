/*
 * chrome: writes a trace as JSON in Chrome's trace event format, which speedscope, Perfetto and other
 * viewers read. Each CPU has a row with the threads that ran, each thread a row with what it did:
 * "running", "runnable" (with its waker, and an arrow from it) and "uninterruptible". Times are in us.
 */
#ifndef PQ_TRACE_CHROME_H
#define PQ_TRACE_CHROME_H

#include <stdint.h>

#include "trace/trace_file.h"

struct chrome;

/* Begins a trace with what the file says beside its events. The descriptor stays the caller's; t must
 * live until chrome_end. */
struct chrome *chrome_new(int fd, const struct trace_file *t);

/* The next event, in the order of the times of all CPUs. */
void chrome_event(struct chrome *c, const struct sched_event *e);

/* As the functions of perfetto.h. */
uint64_t chrome_group(struct chrome *c, uint64_t parent, const char *name);
uint64_t chrome_counter(
    struct chrome *c, uint64_t group, const char *name, const char *unit, const char *scale);
void chrome_value(struct chrome *c, uint64_t counter, uint64_t at_ns, double value);
void chrome_mark(struct chrome *c, uint64_t at_ns, const char *words);

/* Writes what is left, and frees c. 0, or -1 with the errno of the first failed write. */
int chrome_end(struct chrome *c);

#endif
