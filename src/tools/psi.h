/* psi: what the reading of pq psi and its rows share. */
#ifndef PQ_TOOLS_PSI_H
#define PQ_TOOLS_PSI_H

#include "cgroup/pressure.h"
#include "tools/tool.h"

/* A row has the same figures four times: over the interval, and averaged by the kernel over three
 * times. */
enum { FIGURES = 7, WINDOWS = 4, CGROUP = 0, FIRST = 1, NOTE = FIRST + WINDOWS * FIGURES };

struct psi_figure {
	enum resource of;
	bool full;
};

extern const struct psi_figure psi_figures[FIGURES]; /* in the columns' order */
extern const struct column psi_columns[];

struct psi_snapshot {
	bool machine_read; /* it is to be shown, too */
	struct pressure machine;
	struct groups groups;
	struct pressure *v; /* groups.n of them */
};

/* struct tool's rows. */
void psi_rows(struct watch *w, const void *from, const void *to, double span_s, struct table *out);

#endif
