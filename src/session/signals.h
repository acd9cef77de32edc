/* signals: the one piece of global state: which signals have come. */
#ifndef PQ_SESSION_SIGNALS_H
#define PQ_SESSION_SIGNALS_H

#include <stdbool.h>

/* Begins to take note of SIGINT, SIGTERM and SIGWINCH, each of which interrupts a sleep; SIGPIPE
 * becomes EPIPE. What was ignored when the program was started stays so (nohup). The same signal a
 * second time ends the program at once. */
void signals_catch(void);

/* The end of a child interrupts a sleep. */
void signals_catch_children(void);

/* The same, and SIGUSR1, for whoever does something when it is asked to. */
void signals_catch_asking(void);

/* Whether SIGUSR1 has come since this was asked last. */
bool signals_asked(void);

/* Whether the end was asked for; and whether a second later we still had not come to it, held up in
 * a write. */
bool signals_stop(void);
bool signals_urged(void);

/* Whether the terminal was resized since this was asked last. */
bool signals_resized(void);

#endif
