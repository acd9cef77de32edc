/* The command of --during. */
#include "commands/check/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"

static const char blanks[] = " \t";

/* Whether it means the same with a shell as without one. */
static bool
is_plain(const char *line)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./- \t";
	const char *first = line + strspn(line, blanks);

	/* NAME=value CMD */
	return line[strspn(line, plain)] == '\0' && !memchr(first, '=', strcspn(first, blanks));
}

/* Cuts the line into its words, and NULL behind them; to be freed. */
static char **
split(char *line)
{
	char **words = xmalloc((strlen(line) / 2 + 2) * sizeof *words);
	size_t n = 0;

	for (char *at = line + strspn(line, blanks); *at; at += strspn(at, blanks)) {
		words[n++] = at;
		at += strcspn(at, blanks);
		if (*at)
			*at++ = '\0';
	}
	words[n] = NULL;
	return words;
}

static int
start(struct job *j, char *line)
{
	bool plain = is_plain(line);
	char *by_shell[] = { "/bin/sh", "-c", line, NULL };

	if (!plain && access(by_shell[0], X_OK) < 0)
		die(EXIT_USAGE,
		    "--during '%s': this needs a shell, and there is no /bin/sh; plain words do "
		    "not",
		    line);
	char **words = plain ? split(line) : NULL;
	int started = job_exec(j, plain ? words : by_shell, NULL, clock_ns(CLOCK_MONOTONIC), 0);
	int error = errno;
	free(words);
	errno = error;
	return started;
}

/* It may read our stdin, but from a terminal it could not, out of the foreground. */
void
check_command(struct job *j, const char *line)
{
	char *copy = xstrdup(line);

	if (line[strspn(line, blanks)] == '\0')
		die(EXIT_USAGE, "--during takes a command, such as 'make test'");
	j->our_stdin = !isatty(STDIN_FILENO);
	if (start(j, copy) < 0)
		die(EXIT_USAGE, "--during: cannot start %s: %s", line, strerror(errno));
	free(copy);
}

const char *
check_command_failed(const struct job_end *e, char *out, size_t n)
{
	if (e->signal)
		snprintf(out, n, "the command was killed by signal %d (%s)", e->signal,
		    strsignal(e->signal));
	else if (e->status < 0)
		snprintf(out, n, "how the command ended is unknown");
	else
		snprintf(out, n, "the command ended with %d", e->status);
	return e->signal || e->status != 0 ? out : NULL;
}
