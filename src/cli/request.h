/* request: what the words of the command line ask of a tool; what they ask of the driver is
 * option.c's. */
#ifndef PQ_CLI_REQUEST_H
#define PQ_CLI_REQUEST_H

#include "tools/tool.h"

struct given;

/* Fills in what was given; usual_rows is what -n is without it, 0: all. A wrong argument ends the
 * program with one line and EXIT_USAGE. */
void request_parse(struct request *ask, const struct given *g, unsigned usual_rows);

/* Ends the program likewise when it is no process and no cgroup at all. */
void request_check_target(const struct target *t);

#endif
