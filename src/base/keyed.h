/* keyed: texts of lines "key value", of which a reader wants some: cpu.stat, memory.stat, meminfo,
 * vmstat, … */
#ifndef PQ_BASE_KEYED_H
#define PQ_BASE_KEYED_H

#include <stdint.h>

#include "base/text.h"

/* A number that may not be there. Negative ones are unknown (memory.stat has had them, from per-CPU
 * batches), and so are those above 2^63, which are negative ones that a kernel wrote without a
 * sign. */
struct keyed {
	bool known;
	uint64_t v;
};

/* Looks for n keys in t, each at the start of a line and followed by a blank; out[i] belongs to
 * keys[i]. Lines of other keys and a last line without its newline are skipped. Returns how many
 * are known. */
size_t keyed_parse(struct text t, const char *const *keys, size_t n, struct keyed *out);

/* How much a counter grew: NaN when either reading is unknown, or when it ran backwards (it was
 * restarted). */
double keyed_delta(struct keyed from, struct keyed to);

/* Whether a counter ran backwards between two readings. */
bool keyed_restarted(struct keyed from, struct keyed to);

/* A known number. */
struct keyed keyed_of(uint64_t v);

#endif
