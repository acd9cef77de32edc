/* values: what the arguments of options mean. Functions that find a wrong argument end the program with
 * one line and EXIT_USAGE, except those that return false or -1. */
#ifndef PQ_CLI_VALUES_H
#define PQ_CLI_VALUES_H

#include "base/option.h"
#include "expr/expr.h"
#include "tools/tool.h"

/* Puts the value of the argument into the struct at `into`, at the option's place. `at` is the
 * option's position on the command line. Returns false if the argument is not valid. */
bool value_take(const struct option *o, char *into, const char *arg, int at);

/* Ends the program: the argument is not valid, and this is what would be. */
_Noreturn void value_wrong(const struct option *o, const char *arg);

/* Writes the option's name as on the command line, "-p" or "--json", into `out`, and returns it. */
const char *option_written(const struct option *o, char out[32]);

/* Parses "1", "0.1", "100ms", "2s", "1m", "1h" or "1d" into nanoseconds, from 1 ms to 31 days.
 * Returns 0, or -1. */
int interval_parse(struct text t, int64_t *ns);

/* Checks that -p is a process number and -g a name. */
void target_check(const struct target *t);

/* Parses the expression of an option, or of an argument ("EXPR"). The error for a wrong one also
 * shows the expression, with a mark below the wrong character. */
struct expr *condition_parse(
    const char *option, const char *source, const struct expr_tool *tools, size_t n);

/* Ends the program with that error. */
_Noreturn void condition_wrong(const char *option, const char *source, const struct expr_error *e);

#endif
