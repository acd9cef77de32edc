/* hidden: what /proc hides from this process, and why: it is mounted with hidepid= or subset=pid. */
#ifndef PQ_TOOLS_HIDDEN_H
#define PQ_TOOLS_HIDDEN_H

#include "tools/tool.h"

/* Why some processes of others are not visible, as "/proc is mounted with hidepid=2". NULL if all
 * are, or if nothing is known about it. Lives as long as the run. */
const char *hidden_processes(struct watch *w);

/* The same for a process that is known to be hidden: without a known reason, "is it mounted, without
 * hidepid?". */
const char *hidden_why(struct watch *w);

/* What strerror says of a file of /proc, and the cause in parentheses: subset=pid if that hides the
 * file, else `usual`; or that the recording does not have it. Lives as long as the run. */
const char *hidden_error(struct watch *w, int error, const char *usual);

/* Notes that the rows lack processes of others, and that a verdict on them is not certain; nothing
 * if all are visible. */
void hidden_tell(struct watch *w);

#endif
