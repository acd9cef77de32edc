/* page: what was found, for people in 80 columns, and as one JSON object. */
#ifndef PQ_LIMITS_PAGE_H
#define PQ_LIMITS_PAGE_H

#include "base/buf.h"
#include "commands/limits/runtimes.h"

struct page {
	const struct limits *limits;
	const struct effective *effective;
	const struct opinions *opinions;
	bool utc;
};

void page_text(struct buf *b, const struct page *p);
void page_json(struct buf *b, const struct page *p);

/* Parts of page_text: the CPUs; memory, tasks and files. */
void page_cpu(struct buf *b, const struct page *p);
void page_memory(struct buf *b, const struct page *p);

/* "quota of /web" behind the value, with "at most" where levels are hidden. */
void page_headline(struct buf *b, const char *label, const char *value, const struct bound *bound);

/* Why nothing, or not all, is known of a hierarchy; what: that there may be, "a quota". */
void page_doubt(struct buf *b, const struct chain *c, const char *what);

/* The part of page_text below the bounds: the process's threads and environment, and the tables of
 * runtimes. */
void page_runtimes(struct buf *b, const struct page *p);

/* A row "  label      value  text name": the name, somebody else's bytes or NULL, loses its
 * beginning where it does not fit. */
void page_row(
    struct buf *b, const char *label, const char *value, const char *text, const char *name);

/* "0.40", "16"; "-" when it is not known, "none" when there is no limit. */
const char *page_cpus(double cpus, char out[24]);

#endif
