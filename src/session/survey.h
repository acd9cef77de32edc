/* survey: a look at a recording that is to be judged as a whole: where it ends, and for what it was
 * made. */
#ifndef PQ_SESSION_SURVEY_H
#define PQ_SESSION_SURVEY_H

#include "host/host.h"
#include "cli/args.h"

/* How many moments the recording of -f has, between --from and --to, up to the last of which all
 * was read; *past is its host as it was at the first one. What cannot be judged (a pipe, fewer than
 * two moments, a boot between two) ends the program. */
uint64_t survey(const struct options *o, struct host *past);

#endif
