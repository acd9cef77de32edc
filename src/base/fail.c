#include "base/fail.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/printable.h"

static const char *program = "pq";
static enum exit_status always = EXIT_DONE; /* EXIT_DONE: die's argument holds */
static void (*before_death)(void);
static bool holding;
static char *held; /* the lines of warn since warn_hold */
static size_t held_n, held_room;

const char *
verdict_name(enum verdict v)
{
	static const char *const names[] = { "ok", "warning", "critical", "unknown" };

	return names[v];
}

void
fail_name(const char *name)
{
	program = name;
}

void
fail_always(enum exit_status status)
{
	always = status;
}

enum exit_status
fail_status(enum exit_status status)
{
	return always == EXIT_DONE ? status : always;
}

/* By one write(2), so that the programs of a pipeline do not mix their lines. */
static void
put(const char *lines, size_t n)
{
	if (n > 0 && write(STDERR_FILENO, lines, n) < 0)
		return; /* the error cannot be reported either */
}

static void
hold(const char *line, size_t n)
{
	while (held_n + n > held_room)
		held = xgrow(held, held_room, &held_room, 1);
	memcpy(held + held_n, line, n);
	held_n += n;
}

__attribute__((format(printf, 1, 0))) static void
say(const char *fmt, va_list ap)
{
	char message[1024], line[4 * sizeof message + 64], octal[5];
	size_t n = (size_t)snprintf(line, 64, "%s: ", program);

	vsnprintf(message, sizeof message, fmt, ap);
	for (const char *s = message; *s;) {
		size_t safe = printable_length(s);
		memcpy(line + n, s, safe);
		n += safe;
		s += safe;
		if (*s) {
			memcpy(line + n, printable_octal(octal, *s++), 4);
			n += 4;
		}
	}
	line[n++] = '\n';
	(holding ? hold : put)(line, n);
}

void
warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
}

void
warn_hold(void)
{
	holding = true;
}

void
warn_release(void)
{
	holding = false;
	put(held, held_n);
	free(held);
	held = NULL;
	held_n = held_room = 0;
}

void
fail_before(void (*f)(void))
{
	before_death = f;
}

void
die(enum exit_status status, const char *fmt, ...)
{
	va_list ap;

	if (before_death)
		before_death();
	holding = false;
	va_start(ap, fmt);
	say(fmt, ap);
	va_end(ap);
	warn_release();
	exit((int)fail_status(status));
}

/* The errno of an earlier write is lost, but poll tells that a pipe has no reader. */
static bool
reader_has_gone(void)
{
	struct pollfd out = { STDOUT_FILENO, POLLOUT, 0 };

	return errno == EPIPE || (poll(&out, 1, 0) > 0 && (out.revents & POLLERR));
}

void
exit_printed(void)
{
	/* musl reports an error of puts only by ferror */
	if ((fflush(stdout) == EOF || ferror(stdout)) && !reader_has_gone())
		die(EXIT_FAILED, "cannot write: %s", strerror(errno));
	exit(EXIT_DONE);
}

void
out_of_memory(void)
{
	die(EXIT_FAILED, "out of memory");
}

void *
xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *
xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		out_of_memory();
	return p;
}

char *
xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xmalloc(n), s, n);
}

void *
xgrow(void *v, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return v;
	*room = *room ? *room * 2 : 16;
	return xrealloc(v, *room * size);
}
