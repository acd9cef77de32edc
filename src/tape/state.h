/* state: the texts of all tracks at one sample, while a recording is read. */
#ifndef PQ_TAPE_STATE_H
#define PQ_TAPE_STATE_H

#include "base/map.h"
#include "tape/format.h"
#include "tape/template.h"

/* The text of a track, or the error of reading it. */
struct words {
	int error;
	struct figures figures;
};

/* Where the value of a parser's key is: one of the varying numbers, or part of the constant text. */
struct bound_key {
	struct keyed fixed;
	size_t place;
	bool moves;
};

/* What is known of a text's words: which of its numbers are those of a parser. */
struct binding {
	const struct parser *by; /* NULL: nothing */
	struct bound_key *keys;
	size_t n, room;
	/* numbers that are part of names: where they change, so may the keys */
	size_t *names, nnames, names_room;
};

struct played {
	struct words key, own; /* from the key frame, and from a later record */
	bool is_own;           /* which of them is valid */
	uint64_t *values;      /* its present numbers */
	size_t room;
	struct printed printed; /* as it was last needed */
	bool stale;             /* its numbers have changed since then */
	bool list;              /* of a directory */
	/* what host_parse made of it last; NULL: nothing, or it has changed since then */
	const struct parser *parser;
	void *value;
	size_t value_room;
	int value_error; /* the errno of parsing it, or 0 */
	struct binding binding;
	bool asked; /* whether an observer has told what it wants of this path */
	enum observed wants;
};

/* Zero-initialise to start. */
struct playback {
	struct map paths;
	/* by the number of the path; those beyond the paths keep memory for reuse */
	struct played *v;
	uint32_t room;
	/* how many numbers each path has. A separate array, since each sample goes through all */
	uint32_t *counts;
	uint64_t *fresh;         /* a bit of each path: it may have changed in this sample */
	uint64_t *whole;         /* the record of this sample has its full text */
	bool unasked;            /* an observer has not told yet what it wants of all paths */
	uint32_t keyed;          /* how many paths the key frame has */
	uint64_t lists;          /* how often a directory may have changed */
	uint64_t numbering;      /* how often paths have lost their numbers */
	struct keyed_list found; /* the numbers of the parser that is at work */
};

/* Reads a key frame. Returns 0, or -1 if it is not valid; then no track is known. */
int playback_key(struct playback *p, struct text record);

/* Reads the changes of a sample's record, since the key frame or since the previous sample. Returns
 * 0, or -1 if it is not valid; then no track is known until a record with changes since the key
 * frame. */
int playback_sample(struct playback *p, struct text record, bool from_key);

/* Gets the text of a track, by its name. Returns 0, and the text is valid until the next record; or
 * -1 with the recorded errno, or with ENODATA if there is no such track. */
int playback_text(struct playback *p, const char *path, struct text *text);

/* The same for the track of that number, below p->paths.n. */
int playback_track(struct playback *p, uint32_t i, struct text *text);

/* Sets *out by the text of that track, as host_parse does. */
int playback_parse(struct playback *p, uint32_t i, const struct parser *by, void *out);

/* Whether the track of that number may have changed in this sample. */
bool playback_is_fresh(const struct playback *p, uint32_t i);

/* Shows the observer the files of this sample that may have changed. The first call, and the first one
 * after each key frame, which numbers the tracks again, show all. */
void playback_observe(struct playback *p, const struct observer *o);

void playback_free(struct playback *p);

#endif
