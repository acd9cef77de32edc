/* environ: /proc/PID/environ, what a process was started with: "NAME=value", each ended by a NUL
 * byte. There may be secrets in it, so it is asked for one name at a time, and nothing else of it
 * is handed out. */
#ifndef PQ_PROC_ENVIRON_H
#define PQ_PROC_ENVIRON_H

#include "base/text.h"

/* The value of that name, the first if there are several, as getenv(3) has it; false when it is not
 * set. *value points into t. */
bool environ_find(struct text t, const char *name, struct text *value);

/* Of a value that is a list of options, "-Xmx1g -XX:ActiveProcessorCount=2": what stands behind
 * that prefix in the last word that begins with it; false when there is none. */
bool environ_option(struct text value, const char *prefix, struct text *out);

#endif
