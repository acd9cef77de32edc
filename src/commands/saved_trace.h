/* saved_trace: opens a saved trace for pq trace and pq who, and finds what their options name in it. */
#ifndef PQ_COMMANDS_SAVED_TRACE_H
#define PQ_COMMANDS_SAVED_TRACE_H

#include "trace/trace_file.h"

/* Opens a file, a pipe, or "-": stdin. What is no trace ends the program with one line. */
void saved_trace_open(struct trace_file *t, const char *path);

/* Which cgroups, by index, -g names: the one of that path ("/web") or directory, or any with a
 * directory of that name in its path ("web"); and all below. To be freed. Ends the program if there is
 * none. */
bool *saved_trace_cgroups(const struct trace_file *t, const char *path, const char *wanted);

#endif
