/* limit_words: changes of limits as words and JSON. */
#ifndef PQ_COMMANDS_LIMIT_WORDS_H
#define PQ_COMMANDS_LIMIT_WORDS_H

#include "base/buf.h"
#include "cgroup/limit_changes.h"

/* Appends "quota of /web changed 1.00 -> 4.00 CPUs". The name is as it was read. */
void limit_change_text(
    const struct limit_changes *all, const struct limit_change *c, struct buf *b);

/* Appends " at 17:11:02", or " between 17:10:00 and 17:15:00" if the limit was not read in between;
 * `dates`: the times with their date. */
void limit_change_when(const struct limit_change *c, bool utc, bool dates, struct buf *b);

/* Appends the members "limit_changes", an array, and "limit_changes_total". */
void limit_changes_json(const struct limit_changes *all, bool utc, struct buf *b);

#endif
