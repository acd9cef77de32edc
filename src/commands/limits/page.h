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

#endif
