/*
 * sampled: who waits behind whom without BPF, from /proc/PID/task/TID/schedstat of all threads. How long a
 * thread waited is exact. Behind whom is an estimate: of those that ran since the previous sample on the
 * CPU where it is now, each has its share.
 */
#ifndef PQ_COMMANDS_WHO_SAMPLED_H
#define PQ_COMMANDS_WHO_SAMPLED_H

#include "commands/who/parties.h"
#include "commands/who/threads.h"

struct sampled;

/* The arguments stay the caller's. -1 with errno: there are no figures of threads; ENOSYS: the kernel does
 * not count waits. */
int sampled_open(struct sampled **out, struct host *h, struct who_threads *threads,
    struct parties *parties, struct blame *blame);

/* Takes a sample, unless that would take more than a twentieth of a CPU; always if it is needed. */
void sampled_tick(struct sampled *s, bool needed);

/* The sums were cleared: a row begins. */
void sampled_clear(struct sampled *s);

void sampled_close(struct sampled *s);

#endif
