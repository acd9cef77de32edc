/* keys: the key q ends a run on a terminal, as Ctrl-C does. */
#ifndef PQ_CLI_KEYS_H
#define PQ_CLI_KEYS_H

#include <stdbool.h>

/* From here on q raises SIGINT, if stdin and stdout are the terminal. The terminal then passes on
 * keys without Enter and does not show them, while pq is in the foreground. That ends when the
 * program exits, stops, or is killed by any signal that a program can catch. */
void keys_catch(void);

/* Sets the terminal, also from the background, where SIGTTOU would stop the program. A signal handler may
 * call it. */
struct termios;
void keys_set_terminal(const struct termios *t);

/* Puts the terminal back as it was. May be called at any time, also by a signal handler. */
void keys_restore(void);

/* Whether keys_catch has changed the terminal, so that it does not show ^C. */
bool keys_caught(void);

#endif
