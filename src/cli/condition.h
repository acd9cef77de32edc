/* condition: conditions over columns, as they stand on the command line; a wrong one is pointed
 * at. */
#ifndef PQ_CLI_CONDITION_H
#define PQ_CLI_CONDITION_H

#include "expr/expr.h"

/* As expr_parse. A wrong one ends the program with EXIT_USAGE, a line that begins with the option,
 * and the expression with a mark below the character that is meant. */
struct expr *condition_parse(
    const char *option, const char *source, const struct expr_tool *tools, size_t n);

/* Ends the program so. */
_Noreturn void condition_wrong(const char *option, const char *source, const struct expr_error *e);

#endif
