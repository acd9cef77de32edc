/* human: durations and sizes as people read them. */
#ifndef PQ_BASE_HUMAN_H
#define PQ_BASE_HUMAN_H

enum { HUMAN_MOST = 24 };

/* "3.5 hours", "12 minutes", "40 s", "2.1 ms"; "-" when it is not known (NaN). */
const char *human_duration(double s, char out[HUMAN_MOST]);

/* "31 KiB", "64 MiB", "900 bytes" */
const char *human_size(double bytes, char out[HUMAN_MOST]);

#endif
