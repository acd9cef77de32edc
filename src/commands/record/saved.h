/* saved: the directory in which windows of a tape are saved. */
#ifndef PQ_RECORD_SAVED_H
#define PQ_RECORD_SAVED_H

#include <stddef.h>
#include <stdint.h>

/* How many saved tapes there are in it, and their bytes: they are known by their names, so that
 * budgets hold when the recorder is started anew. The tape that is open as `recorded` is none of
 * them. 0, or -1 with errno. */
int saved_count(const char *directory, int recorded, uint64_t *n, uint64_t *bytes);

/* The name of a new one, of that machine and moment (CLOCK_REALTIME ns):
 * "DIR/pq-web1-20261122T171201.250Z.tape". */
void saved_name(char *out, size_t n, const char *directory, const char *host, int64_t real_ns);

#endif
