/* signals: which signals have arrived. Handlers set flags, which the loops read between samples.
 * Besides the name, the status and the held lines in base/fail.c, these flags are the only global state. */
#ifndef PQ_CLI_SIGNALS_H
#define PQ_CLI_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

/* Catches SIGINT, SIGTERM and SIGWINCH; each interrupts a sleep. A second SIGINT, or a second
 * SIGTERM, kills the program. SIGINT and SIGTERM stay ignored if they were ignored at the start (as
 * SIGINT is in a shell script's background job). SIGXFSZ is ignored: write(2) then fails with EFBIG. */
void signals_catch(void);

/* For main: from now on write(2) fails with EPIPE. The rule of all commands is that a reader of stdout that has gone
 * ends the output, silently, and does not change the exit status. */
void signals_ignore_pipe(void);

/* From now on the first SIGINT or SIGTERM, and each alarm after it, calls this function, which must be safe in a
 * signal handler. */
void signals_at_stop(void (*f)(void));

/* Lets the end of a child interrupt a sleep. */
void signals_catch_children(void);

/* Catches SIGUSR1, which interrupts a sleep, and does what signals_catch_children does. */
void signals_catch_asking(void);

/* Whether SIGUSR1 has arrived since the last call. */
bool signals_asked(void);

/* Whether SIGINT or SIGTERM has arrived: the program should stop. */
bool signals_stop(void);

/* Whether the program is still running a second after that. An alarm each second interrupts a write
 * that blocks; once this is true, the writer should give up. */
bool signals_urged(void);

/* Sleeps until this time (CLOCK_MONOTONIC, in ns; INT64_MAX: for ever), until the descriptor (-1: none)
 * can be read, or until a signal arrives that is caught. Returns at once if one has arrived that was not
 * asked about yet, or if a child has ended or the terminal was resized since the last call. */
void signals_wait(int fd, int64_t until_ns);

/* Whether the terminal has been resized since the last call. */
bool signals_resized(void);

#endif
