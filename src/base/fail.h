/* fail: the last words. Only run, option and main speak; everybody else returns -1 with errno. */
#ifndef PQ_BASE_FAIL_H
#define PQ_BASE_FAIL_H

#include <stddef.h>

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,      /* with why, on stderr */
	EXIT_USAGE = 2,       /* a wrong argument */
	EXIT_UNSUPPORTED = 3, /* this kernel or container does not have it */
};

/* The exit statuses of tools that judge, which are those of Nagios plug-ins. */
enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_CRITICAL, VERDICT_UNKNOWN };

/* "ok", "warning", "critical", "unknown" */
const char *verdict_name(enum verdict v);

/* One line on stderr: "pq runq: " (the name set last), then the message. A control character
 * becomes a question mark. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* warn, then exit with the status. */
_Noreturn void die(enum exit_status status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The name that warn puts first; kept, not copied. */
void fail_name(const char *name);

/* From now on the program ends with this status when it dies, whatever of: for tools whose status
 * is a verdict. */
void fail_always(enum exit_status status);

/* The status with which to end instead of this one, where it is not die that ends the program. */
enum exit_status fail_status(enum exit_status status);

/* Ends the program after what was printed with stdio: EXIT_DONE, or EXIT_FAILED with why when it
 * could not be written. */
_Noreturn void exit_printed(void);

_Noreturn void out_of_memory(void);

/* malloc and realloc that do not return NULL. */
void *xmalloc(size_t n);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

#endif
