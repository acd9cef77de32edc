/*
 * panel: several tools at work over one span of time, on one reading of the machine: what pq why
 * and pq check judge by. Each member is read at the beginning and at the end, and looks as often as
 * it does by itself in between; its rows are of the whole span.
 */
#ifndef PQ_SESSION_PANEL_H
#define PQ_SESSION_PANEL_H

#include "session/sampler.h"

enum { PANEL_MOST = 16, PANEL_NOTES = 48 };

struct member {
	struct sampler sampler;
	int64_t every_ns; /* it looks this often; 0: only at both ends */
	int64_t due_ns;   /* its next look */
	bool steps;       /* it is read at each step, and its rows are of the last one */
	bool read;        /* it could be read at the beginning */
	bool has_rows;    /* at the end: in sampler.table */
};

struct panel {
	struct host *host;
	struct member *v[PANEL_MOST];
	size_t n;
	int64_t step_ns; /* how often members with `steps` are read; 0: never */
	/* of a recording: how many there are, since its last one is read; 0: it is live */
	uint64_t moments;
	void (*stepped)(void *ctx, struct panel *p); /* after each, when their rows are there */
	void *ctx;
	struct moment from, to;
	/* what the tools noted */
	struct {
		const struct tool *tool;
		char *said;
	} notes[PANEL_NOTES];
	size_t nnotes;
};

/* Zero-initialise, and set host, which stays the caller's. Adds a tool at work; the request is
 * copied. */
struct member *panel_add(struct panel *p, const struct tool *tool, const struct request *ask);

/* Reads all at the first moment. False at the end of a recording, or when the clock cannot go on;
 * errno. */
bool panel_begin(struct panel *p);

/* Goes on until span_ns later, or until over(ctx) says so when it is asked at a moment (NULL:
 * nobody is); of a recording to its end (span_ns is 0). */
void panel_watch(struct panel *p, int64_t span_ns, bool (*over)(void *ctx), void *ctx);

/* How long it was watched, in seconds. */
double panel_span_s(const struct panel *p);

void panel_end(struct panel *p);

#endif
