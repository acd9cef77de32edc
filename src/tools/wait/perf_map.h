/*
 * perf_map: how a JIT compiler calls its code: the file /tmp/perf-PID.map of the process, in its mount
 * namespace, where PID is its number in its own pid namespace.
 */
#ifndef PQ_WAIT_PERF_MAP_H
#define PQ_WAIT_PERF_MAP_H

#include "proc/maps.h"
#include "tools/tool.h"

/* Zero-initialise to start. */
struct perf_map {
	uint32_t pid;             /* of the process, or of a thread that has not ended */
	uint32_t user, inner_pid; /* of the process, by the file status */
	char own[32];             /* its path for the process; "": not looked for yet */
	struct host_file file;
	int64_t read_ns; /* when names were last read; 0: never */
};

/* Sets own, the path that the map has for the process. */
void perf_map_find(struct perf_map *m, struct watch *w, uint32_t pid);

/* Whether there is a map that can be trusted: a regular file of the process's user, to which no link
 * leads. *changed: it is not as it was the last time. */
bool perf_map_check(struct perf_map *m, struct watch *w, bool *changed);

/* Whether the names may be read now: those of a large map, once a second. */
bool perf_map_may_read(struct perf_map *m, struct watch *w);

/* Names the addresses in the map, or in its last 64 MB. Other addresses keep their names. */
void perf_map_read(struct perf_map *m, struct watch *w, struct symbol *v, size_t n);

#endif
