/* facts: what is the same in every moment of a recording, as lines "key value": beside captured
 * moments, and on a tape. */
#ifndef PQ_HOST_FACTS_H
#define PQ_HOST_FACTS_H

#include "base/buf.h"
#include "host/host.h"

/* What holds for most machines. */
void facts_begin(struct host_facts *f);

/* Sets what the text tells; other keys are skipped, and so is a value that cannot be. */
void facts_parse(struct text t, struct host_facts *f);

void facts_print(const struct host_facts *f, struct buf *b);

/* The rest of the line that begins with the key; false when there is none. */
bool facts_find(struct text t, const char *key, struct text *value);

#endif
