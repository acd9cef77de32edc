/*
 * merge: events of CPUs in turn, put into the order of their times. Events that are too new, so that
 * earlier ones may still come, stay for the next time.
 *
 *  merge_event(m, e), merge_loss(m, l) ... of each CPU in turn, as often as there is something
 *  merge_begin(m, to_ns);
 *  while ((e = merge_next(m)))
 *          while (merge_next_loss(m, e->at_ns, &loss)) ...
 *  while (merge_next_loss(m, to_ns, &loss)) ...
 *  merge_done(m);
 */
#ifndef PQ_COMMANDS_WHO_MERGE_H
#define PQ_COMMANDS_WHO_MERGE_H

#include "bpf/switch_slots.h"

/* Zero-initialise. */
struct merge {
	struct sched_event *v, *spare;
	size_t n, room, spare_room;
	size_t *runs; /* where a sorted run of events begins; the first is what was left */
	size_t nruns, runs_room;
	size_t next, end;           /* those that are given out now */
	struct switch_loss *losses; /* by from_ns, once begun */
	size_t nlosses, losses_room, next_loss;
};

void merge_event(struct merge *m, const struct sched_event *e);
void merge_loss(struct merge *m, const struct switch_loss *l);

/* Sorts what there is: up to to_ns it is given out now. */
void merge_begin(struct merge *m, uint64_t to_ns);

/* NULL: the others are too new. Valid until an event is added. */
const struct sched_event *merge_next(struct merge *m);

/* The next loss that began at that time or before; false if there is none. */
bool merge_next_loss(struct merge *m, uint64_t at_ns, struct switch_loss *out);

/* Drops what was given out. */
void merge_done(struct merge *m);

void merge_free(struct merge *m);

#endif
