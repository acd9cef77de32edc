/* finding: what a rule found: what it is, how one knows, and what to do. */
#ifndef PQ_WHY_FINDING_H
#define PQ_WHY_FINDING_H

#include "base/buf.h"
#include "base/fail.h"
#include "commands/why/evidence.h"

/* LOW: it may be that, or something else. */
enum confidence { CONFIDENCE_LOW, CONFIDENCE_MEDIUM, CONFIDENCE_HIGH };

enum { FACTS_MOST = 6, FINDINGS_MOST = 24 };

struct finding {
	const char *rule;      /* a word, for machines */
	enum verdict severity; /* WARNING or CRITICAL */
	enum confidence confidence;
	/* among those of the same severity and confidence: CPUs, or a share, that it costs */
	double weight;
	char what[80];
	char facts[FACTS_MOST][200];
	int nfacts;
	char advice[200];
};

/* Zero-initialise to start. */
struct findings {
	struct finding v[FINDINGS_MOST];
	size_t n;
};

/* A new one; what: printf(3) format. When there are too many it is one that is not kept. */
struct finding *finding_add(struct findings *f, const char *rule, enum verdict severity,
    enum confidence c, double weight, const char *what, ...) __attribute__((format(printf, 6, 7)));

/* Says one thing that speaks for it, with figures; what to do. */
void finding_fact(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_advice(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* causes.c: adds what its rules find in the evidence, the most likely first. */
void causes_find(const struct evidence *e, struct findings *f);

/* The most likely first. */
void findings_sort(struct findings *f);

/* Whether a rule of that name found something. */
bool findings_has(const struct findings *f, const char *rule);

/* The worst of them; OK when there is none. */
enum verdict findings_verdict(const struct findings *f);

/* For people; for machines one object, with a newline. */
void findings_text(const struct findings *f, const struct evidence *e, struct buf *b);
void findings_json(const struct findings *f, const struct evidence *e, struct buf *b);

#endif
