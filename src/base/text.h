/* text: bounded pieces of somebody else's bytes, and a cursor over them. */
#ifndef PQ_BASE_TEXT_H
#define PQ_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n bytes at s: no terminating NUL is promised, and NULs may be inside. */
struct text {
	const char *s;
	size_t n;
};

/* A string constant or C string as a text. */
struct text text_of(const char *s);

/* Takes the next line (without its newline) off *rest; false at the end. A last line needs no
 * newline. */
bool text_line(struct text *rest, struct text *line);

/* The same, but for a last line without its newline: a torn one, whose last number may have lost
 * digits. */
bool text_whole_line(struct text *rest, struct text *line);

/* Takes the next word off *rest, blanks and tabs before it skipped; false when none is left. */
bool text_word(struct text *rest, struct text *word);

/* Takes what stands before the first `sep` off *rest, and the separator; all that is left when
 * there is none. False only when *rest is exhausted: "a::b" gives "a", "", "b", and so does "a::"
 * but for the last. */
bool text_split(struct text *rest, char sep, struct text *part);

bool text_eq(struct text t, const char *s);
bool text_same(struct text a, struct text b);

/* Where the string is in t, the first time; NULL when it is not. */
const char *text_find(struct text t, const char *what);

/* If t begins with the string, takes it off and returns true. */
bool text_skip(struct text *t, const char *prefix);

/* The whole of t as a decimal number: 0, or -1 with EINVAL (no number), ERANGE (too large). *v is
 * set on success only. */
int text_u64(struct text t, uint64_t *v);

/* The same with an optional leading '-'. */
int text_s64(struct text t, int64_t *v);

/* The next word of *rest as a number: 0, or -1 as above; EINVAL at the end of the line. */
int text_next_u64(struct text *rest, uint64_t *v);

/* The whole of t as digits[.digits], such as 0.51; -1 with EINVAL otherwise. Locale does not
 * matter. */
int text_decimal(struct text t, double *v);

/* keyed: texts of lines "key value", of which a reader wants some: cpu.stat, memory.stat, meminfo,
 * vmstat, … */

/* A number that may not be there. Negative ones are unknown (memory.stat has had them, from per-CPU
 * batches), and so are those above 2^63, which are negative ones that a kernel wrote without a
 * sign. */
struct keyed {
	bool known;
	uint64_t v;
};

enum { KEYED_MOST = 64 };

/* Looks for n keys (at most KEYED_MOST) in t, each at the start of a line and followed by a blank;
 * out[i] belongs to keys[i]. An empty key is not looked for. Lines of other keys and a last line
 * without its newline are skipped. Returns how many are known. */
size_t keyed_parse(struct text t, const char *const *keys, size_t n, struct keyed *out);

/* How much a counter grew: NaN when either reading is unknown, or when it ran backwards (it was
 * restarted). */
double keyed_delta(struct keyed from, struct keyed to);

/* Whether a counter ran backwards between two readings. */
bool keyed_restarted(struct keyed from, struct keyed to);

/* A known number. */
struct keyed keyed_of(uint64_t v);

/* What somebody who mistyped a name may have meant: try all names, then look at `name`. */
struct nearest {
	struct text written;
	size_t distance;  /* a name has to be nearer than this */
	const char *name; /* the nearest so far; NULL: none is near */
};

/* A third of the name, but at most three characters, may differ. */
struct nearest nearest_to(struct text written);
void nearest_try(struct nearest *n, const char *name);

#endif
