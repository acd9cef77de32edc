/* clock: what a clock shows, and spans of time, in ns. */
#ifndef PQ_BASE_CLOCK_H
#define PQ_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Both ends belong to it. */
struct span {
	int64_t from_ns, to_ns;
};

#define SPAN_ALL ((struct span){ INT64_MIN, INT64_MAX })

static inline int64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
