/* units: lengths of time and sizes, as people write and read them. */
#ifndef PQ_BASE_UNITS_H
#define PQ_BASE_UNITS_H

#include <stdint.h>

#include "base/text.h"

/* "90s", "1.5h", "100ms", "30" (seconds), with the units ms, s, m, h and d and at most nine digits
 * after the point, into nanoseconds. 0, or -1 with EINVAL; up to 230 years. */
int duration_parse(struct text t, int64_t *ns);

/* The unit alone: nanoseconds of "us", "ms", "s", "m", "h" or "d"; 0 for any other. */
int64_t duration_unit(struct text unit);

/* "4096", "512K", "64M", "64MiB", "1G", "1T" into bytes, by powers of 1024. 0, or -1 with EINVAL
 * (no size, or 0) or ERANGE (more than 64 bits); *bytes is set on success only. */
int size_parse(struct text t, uint64_t *bytes);

enum { HUMAN_MOST = 32 };

/* "17 hours", "1.5 s"; "-" when it is not finite. Returns out. */
const char *human_duration(double s, char out[HUMAN_MOST]);

/* "64 MiB", "512 bytes"; "-" when it is not finite. Returns out. */
const char *human_size(double bytes, char out[HUMAN_MOST]);

#endif
