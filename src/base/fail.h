/*
 * fail: errors on stderr and the exit status. Only main, cli, session and the commands call warn
 * and die; the other files return -1 with errno. One exception: running out of memory ends the
 * program wherever it happens, by out_of_memory.
 */
#ifndef PQ_BASE_FAIL_H
#define PQ_BASE_FAIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,      /* the reason is on stderr */
	EXIT_USAGE = 2,       /* wrong arguments */
	EXIT_UNSUPPORTED = 3, /* this kernel or container does not have it */
};

/* The exit statuses of tools that judge, which are those of Nagios plug-ins. */
enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_CRITICAL, VERDICT_UNKNOWN };

/* "ok", "warning", "critical", "unknown" */
const char *verdict_name(enum verdict v);

/* Writes one line to stderr: the name, ": " and the message, as in "pq runq: no such cgroup". Bytes
 * that a terminal would obey are printed as \ooo; a longer message is cut to 1023 bytes. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* From here on warn keeps its lines, until warn_release, or die after its own line, writes them. For
 * output that must come first where somebody joins stdout and stderr. */
void warn_hold(void);
void warn_release(void);

/* From now on die first calls this, which may be called again; NULL: nothing. For a program that has
 * changed the terminal. */
void fail_before(void (*f)(void));

/* Warns, then exits with the status, or with the one that fail_always set. */
_Noreturn void die(enum exit_status status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the name that starts each line, "pq" at first. The string is not copied. */
void fail_name(const char *name);

/* From now on die exits with this status, whatever its argument. For tools whose exit status is a
 * verdict: a usage error must not look like one. */
void fail_always(enum exit_status status);

/* The status that die would exit with. For code that prints its error without die. */
enum exit_status fail_status(enum exit_status status);

/* Flushes stdout and exits with EXIT_DONE; dies with EXIT_FAILED when stdout cannot be written. A reader
 * that has gone is no error. */
_Noreturn void exit_printed(void);

/* Sets errno and returns -1. Inline, so that compilers see the -1. */
static inline int
fail_with(int error)
{
	errno = error;
	return -1;
}

/* Whether a call failed for want of space: on the disk, or in this user's part of it. */
static inline bool
is_full(int error)
{
	return error == ENOSPC || error == EDQUOT;
}

/* Dies with EXIT_FAILED. */
_Noreturn void out_of_memory(void);

/* malloc, realloc and strdup that never return NULL: they call out_of_memory instead. */
void *xmalloc(size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

/* Returns the array of n elements with room for at least one more: doubles *room if it is full.
 * `size` is that of an element; new elements are not set. */
void *xgrow(void *v, size_t n, size_t *room, size_t size);

#endif
