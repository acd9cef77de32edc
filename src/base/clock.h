/* clock: readings of a clock, and spans of time, in nanoseconds. */
#ifndef PQ_BASE_CLOCK_H
#define PQ_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* From one point in time to another, both included. */
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
