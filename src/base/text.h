/* text: pieces of kernel files and other untrusted bytes, and functions that take words and numbers
 * off their start. */
#ifndef PQ_BASE_TEXT_H
#define PQ_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n bytes at s. There may be no NUL at the end, and there may be some inside. */
struct text {
	const char *s;
	size_t n;
};

/* A C string as a text. */
struct text text_of(const char *s);

/* Takes the next line off *rest, without its newline; false at the end. The last line may lack a
 * newline. */
bool text_line(struct text *rest, struct text *line);

/* The same, except that a last line without a newline is left out: it may be cut off within a
 * number. */
bool text_whole_line(struct text *rest, struct text *line);

/* Takes the next word off *rest, and skips blanks and tabs before it; false if none is left. */
bool text_word(struct text *rest, struct text *word);

/* Takes the part before the next `sep` off *rest, and the separator; without one, the whole rest.
 * False once *rest is empty: "a::b" has the parts "a", "", "b", and "a::" has "a", "". */
bool text_split(struct text *rest, char sep, struct text *part);

bool text_eq(struct text t, const char *s);
bool text_same(struct text a, struct text b);

/* The first place of the string in t, or NULL. */
const char *text_find(struct text t, const char *what);

/* If t begins with the prefix, takes it off and returns true. */
bool text_skip(struct text *t, const char *prefix);

/* Parses all of t as a decimal number. Returns 0, or -1 with EINVAL (not a number) or ERANGE (too
 * large). Sets *v only on success. */
int text_u64(struct text t, uint64_t *v);

/* The same with an optional '-' in front. */
int text_s64(struct text t, int64_t *v);

/* Takes the next word off *rest as a number. Returns 0, or -1 as above; EINVAL if no word is
 * left. */
int text_next_u64(struct text *rest, uint64_t *v);

/* Parses all of t as digits[.digits], such as 0.51, in any locale. Returns 0, or -1 with EINVAL. */
int text_decimal(struct text t, double *v);

/* ---- Lines "key value", as in cpu.stat, memory.stat, meminfo and vmstat */

/* A number, or unknown. A negative number is unknown: memory.stat has had some, because it adds up
 * per-CPU counters at different times. So is one above 2^63: a negative number printed as
 * unsigned. */
struct keyed {
	bool known;
	uint64_t v;
};

enum { KEYED_MOST = 64 };

/* Finds n keys (at most KEYED_MOST) in t, each at the start of a line and followed by a blank.
 * out[i] is the number of keys[i]; an empty key is unknown. A last line without a newline is
 * ignored. Returns how many keys are known. */
size_t keyed_parse(struct text t, const char *const *keys, size_t n, struct keyed *out);

/* How much a counter grew. NaN if either reading is unknown, or if it decreased: the counter was
 * reset. */
double keyed_delta(struct keyed from, struct keyed to);

/* Whether a counter decreased between two readings. */
static inline bool
keyed_restarted(struct keyed from, struct keyed to)
{
	return from.known && to.known && to.v < from.v;
}

/* A known number. */
struct keyed keyed_of(uint64_t v);

/* A list of numbers. Zero-initialise to start; n = 0 empties it and keeps the memory. */
struct keyed_list {
	struct keyed *v;
	size_t n, room;
};

/* Appends n unknown numbers, and returns where they are until the next call. */
struct keyed *keyed_list_add(struct keyed_list *l, size_t n);
void keyed_list_free(struct keyed_list *l);

/* Takes the next word off *rest as a number; the word `unknown` leaves *out unknown. False if there is
 * no word, or it is neither. */
bool keyed_next(struct text *rest, const char *unknown, struct keyed *out);

/* What is left of a whole without a part of it. The two are not read at the same time, so a part that
 * exceeds the whole by up to 1/32 leaves 0; one that exceeds it by more leaves NaN: a figure is
 * wrong. */
double keyed_rest(double whole, double part);

/* ---- Suggestions for mistyped names */

/* Start with nearest_to, call nearest_try for each valid name, then read `name`. */
struct nearest {
	struct text written;
	size_t distance;  /* a name must be nearer than this */
	const char *name; /* the nearest so far; NULL: none is near */
};

/* A third of the characters may differ, but at most three; more may be missing at the end. The case
 * of letters does not matter. */
struct nearest nearest_to(struct text written);
void nearest_try(struct nearest *n, const char *name);

#endif
