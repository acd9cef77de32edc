/*
 * unit: a small harness. A test is a function of CHECKs; it goes on after one that fails, so that
 * one run tells all.
 *
 *  int
 *  main(void)
 *  {
 *   unit_test("what holds", a_function);
 *   return unit_done();
 *  }
 *
 * prints TAP: "ok 1 what holds", or "not ok 1 what holds" and below it "# file:line: what" for each
 * check that failed.
 */
#ifndef UNIT_H
#define UNIT_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Blocks that live as long as the test: copies of exactly the bytes given, so that a read beyond
 * them is seen by ASan. */
struct unit_block {
	struct unit_block *next;
	char *bytes;
};

static struct {
	int tests, failed;
	const char *name; /* of the test that runs */
	bool bad;         /* a check of it has failed */
	struct unit_block *blocks;
} unit;

/* A text of exactly these bytes: a string constant, or n bytes at s. */
#define T(constant) TN("" constant, sizeof constant - 1)
#define TN(s, n) ((struct text){ unit_copy((s), (n)), (n) })

#define CHECK(what) unit_check((what), __FILE__, __LINE__, #what)
#define CHECK_TEXT(variable, want) \
	unit_check_bytes((variable).s, (variable).n, (want), __FILE__, __LINE__, #variable)
#define CHECK_STRING(got, want) unit_check_string((got), (want), __FILE__, __LINE__, #got)
#define CHECK_INT(got, want) \
	unit_check_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got)
#define CHECK_U64(got, want) unit_check_u64((got), (want), __FILE__, __LINE__, #got)
#define CHECK_NEAR(got, want, error) \
	unit_check_near((got), (want), (error), __FILE__, __LINE__, #got)

/* Puts somebody's bytes into one line. */
static inline void
unit_quote(const char *s, size_t n)
{
	for (size_t i = 0; i < n && i < 400; i++)
		printf(s[i] >= ' ' && s[i] <= '~' ? "%c" : "\\%03o", (unsigned char)s[i]);
}

/* Begins to tell what is wrong: the test's own line comes first. */
static inline void
unit_wrong(const char *file, int line, const char *what)
{
	if (!unit.bad)
		printf("not ok %d %s\n", unit.tests, unit.name);
	unit.bad = true;
	printf("# %s:%d: %s", file, line, what);
}

static inline bool
unit_check(bool holds, const char *file, int line, const char *what)
{
	if (!holds) {
		unit_wrong(file, line, what);
		printf("\n");
	}
	return holds;
}

static inline bool
unit_check_bytes(
    const char *got, size_t n, const char *want, const char *file, int line, const char *what)
{
	if (n == strlen(want) && (n == 0 || memcmp(got, want, n) == 0))
		return true;
	unit_wrong(file, line, what);
	printf(" is \"");
	unit_quote(got, n);
	printf("\", not \"");
	unit_quote(want, strlen(want));
	printf("\"\n");
	return false;
}

static inline bool
unit_check_string(const char *got, const char *want, const char *file, int line, const char *what)
{
	return unit_check_bytes(got, strlen(got), want, file, line, what);
}

static inline bool
unit_check_int(long long got, long long want, const char *file, int line, const char *what)
{
	if (got == want)
		return true;
	unit_wrong(file, line, what);
	printf(" is %lld, not %lld\n", got, want);
	return false;
}

static inline bool
unit_check_u64(uint64_t got, uint64_t want, const char *file, int line, const char *what)
{
	if (got == want)
		return true;
	unit_wrong(file, line, what);
	printf(" is %llu, not %llu\n", (unsigned long long)got, (unsigned long long)want);
	return false;
}

/* NaN is near NaN only. */
static inline bool
unit_check_near(double got, double want, double error, const char *file, int line, const char *what)
{
	if (isnan(want) ? isnan(got) : fabs(got - want) <= error)
		return true;
	unit_wrong(file, line, what);
	printf(" is %.17g, not %.17g\n", got, want);
	return false;
}

static inline char *
unit_copy(const char *s, size_t n)
{
	struct unit_block *b = malloc(sizeof *b);
	char *bytes = malloc(n);

	if (!b || (n > 0 && !bytes))
		abort();
	if (n > 0)
		memcpy(bytes, s, n);
	*b = (struct unit_block){ unit.blocks, bytes };
	unit.blocks = b;
	return bytes;
}

static inline void
unit_test(const char *name, void (*test)(void))
{
	unit.bad = false;
	unit.name = name;
	unit.tests++;
	test();
	for (struct unit_block *b = unit.blocks, *next; b; b = next) {
		next = b->next;
		free(b->bytes);
		free(b);
	}
	unit.blocks = NULL;
	unit.failed += unit.bad;
	if (!unit.bad)
		printf("ok %d %s\n", unit.tests, name);
	fflush(stdout); /* what is known stays known if the next one crashes */
}

/* The plan, and the exit status. */
static inline int
unit_done(void)
{
	printf("1..%d\n", unit.tests);
	return unit.failed > 0 || unit.tests == 0;
}

#endif
