/*
 * total: the rows of several intervals as rows of the whole time. So a row that exists in only some of
 * them, such as that of a cgroup that comes or goes, still counts.
 */
#ifndef PQ_TABLE_TOTAL_H
#define PQ_TABLE_TOTAL_H

#include "base/arena.h"
#include "base/map.h"
#include "table/table.h"

/* Zero-initialise to start. */
struct total {
	struct map labels; /* the first labels of the rows, by the number of the row */
	struct table table;
	struct arena arena; /* of its labels */
};

/* Adds the rows of the next interval; they belong to the earlier ones with the same first label.
 * Events add up. Other figures become means, weighted as in the averages at the end of a run. A
 * figure that is unknown in an interval is that of the others. Flags and further labels are the
 * last ones. */
void total_add(struct total *s, const struct table *rows);

void total_free(struct total *s);

#endif
