/* terminal: what a terminal can show, and whether colours are wanted, by the environment. */
#ifndef PQ_BASE_TERMINAL_H
#define PQ_BASE_TERMINAL_H

#include <stdbool.h>

/* Whether it shows UTF-8, by LC_ALL, LC_CTYPE or LANG. */
bool terminal_utf8(void);

/* Whether it obeys escape sequences: TERM is set, and not "dumb". */
bool terminal_obeys(void);

/* Whether colours are wanted: NO_COLOR is not set, or empty. */
bool terminal_colours(void);

#endif
