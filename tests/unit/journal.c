/* The log: whole lines, caught from stderr, and a stderr that fails. */
#include "commands/recorder/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

static const int64_t when_ns = 1795363921250000000; /* 2026-11-22T16:12:01.250Z */

/* Makes fd our stderr, and closes it; returns the stderr there was. */
static int
replace_stderr(int fd)
{
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);

	if (dup2(fd, STDERR_FILENO) < 0)
		abort();
	close(fd);
	return saved;
}

static void
restore_stderr(int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
}

static void
event(struct journal *j, const char *message)
{
	journal_begin(j, when_ns, "saved", message);
	journal_text(j, "tape", "spike.tape");
	journal_number(j, "value", 31.2, 3);
	journal_end(j);
}

/* What a journal writes to stderr for one event with these fields. */
static const char *
written(struct journal *j, const char *message, void (*write_event)(struct journal *, const char *))
{
	int ends[2];
	static char text[8192];

	if (pipe(ends) < 0)
		abort();
	int saved = replace_stderr(ends[1]);
	write_event(j, message);
	restore_stderr(saved);
	ssize_t n = read(ends[0], text, sizeof text - 1);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	journal_free(j);
	return text;
}

static void
for_people(void)
{
	struct journal j = { .tool = "record" };

	CHECK_STRING(written(&j, "throttle.throttled_pct 31.2 > 25: spike.tape (412 KB)", event),
	    "pq record: 2026-11-22T17:12:01.250+01:00 saved: throttle.throttled_pct 31.2 > 25: "
	    "spike.tape (412 KB)\n");
	j.times.utc = true;
	CHECK_STRING(written(&j, "x", event), "pq record: 2026-11-22T16:12:01.250Z saved: x\n");
}

static void
for_machines(void)
{
	struct journal j = { .json = true, .tool = "record" };

	CHECK_STRING(written(&j, "31.2 > 25", event),
	    "{\"tool\":\"record\",\"schema\":2,\"time\":\"2026-11-22T17:12:01.250+01:00\",\"unix_"
	    "s\":1795363921.250,\"event\":\"saved\",\"message\":\"31.2 > "
	    "25\",\"tape\":\"spike.tape\",\"value\":31.2}\n");
}

static void
numbers_event(struct journal *j, const char *message)
{
	journal_begin(j, when_ns, "n", message);
	journal_number(j, "unknown", NAN, 3);
	journal_number(j, "infinite", -INFINITY, 3);
	journal_number(j, "zero", 0, 3);
	journal_number(j, "bytes", 422000640, 0);
	journal_number(j, "small", -0.1256, 3);
	journal_text(j, "none", NULL);
	journal_text(j, "empty", "");
	journal_end(j);
}

static void
values(void)
{
	struct journal j = { .json = true, .tool = "record", .times.utc = true };

	CHECK_STRING(written(&j, "", numbers_event),
	    "{\"tool\":\"record\",\"schema\":2,\"time\":\"2026-11-22T16:12:01.250Z\",\"unix_s\":"
	    "1795363921.250,\"event\":\"n\",\"message\":\"\","
	    "\"unknown\":null,\"infinite\":null,\"zero\":0.0,\"bytes\":422000640,\"small\":-0.126,"
	    "\"none\":null,\"empty\":\"\"}\n");
}

static void
somebody_elses_bytes(void)
{
	struct journal text = { .tool = "record", .times.utc = true },
		       json = { .json = true, .tool = "record", .times.utc = true };
	const char *message = "a\nb\x1b[31m \"\\\xff \xc3\xa9 \xc2\x9b";

	CHECK_STRING(written(&text, message, event),
	    "pq record: 2026-11-22T16:12:01.250Z saved: a\\012b\\033[31m \"\\\\377 \xc3\xa9 "
	    "\\302\\233\n");
	CHECK_STRING(written(&json, message, event),
	    "{\"tool\":\"record\",\"schema\":2,\"time\":\"2026-11-22T16:12:01.250Z\",\"unix_s\":"
	    "1795363921.250,\"event\":\"saved\",\"message\":"
	    "\"a\\u000ab\\u001b[31m \\\"\\\\\\u00ff \xc3\xa9 "
	    "\\u009b\",\"tape\":\"spike.tape\",\"value\":31.2}\n");
}

/* In a packet pipe each read gives what one write wrote. */
static void
one_write(void)
{
	struct journal j = { .json = true, .tool = "record", .times.utc = true };
	char packet[4096];
	int ends[2];

	if (pipe2(ends, O_DIRECT) < 0)
		abort();
	int saved = replace_stderr(ends[1]);
	event(&j, "first");
	event(&j, "second");
	restore_stderr(saved);
	for (int i = 0; i < 2; i++) {
		ssize_t n = read(ends[0], packet, sizeof packet);
		CHECK(n > 0 && packet[0] == '{' && packet[n - 1] == '\n' &&
		    memchr(packet, '\n', (size_t)n) == packet + n - 1);
	}
	close(ends[0]);
	journal_free(&j);
}

static void
write_into(int fd)
{
	struct journal j = { .tool = "record" };

	if (fd < 0)
		abort();
	int saved = replace_stderr(fd);
	event(&j, "nobody reads this");
	restore_stderr(saved);
	journal_free(&j);
}

static int
full_pipe(int *reader)
{
	char page[4096] = { 0 };
	int ends[2];

	if (pipe(ends) < 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		abort();
	while (write(ends[1], page, sizeof page) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	*reader = ends[0];
	return ends[1];
}

static void
takes_none(void)
{
	int reader, closed[2];

	alarm(10); /* or it waits for ever */
	write_into(full_pipe(&reader));
	close(reader);
	write_into(open("/dev/full", O_WRONLY));
	write_into(open("/dev/null", O_RDONLY));
	if (pipe(closed) < 0)
		abort();
	close(closed[0]);
	write_into(closed[1]); /* no SIGPIPE either */
	alarm(0);
	CHECK(true);
}

static void
closed_stderr(void)
{
	struct journal j = { .tool = "record" };
	int saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);

	close(STDERR_FILENO);
	event(&j, "nobody reads this");
	CHECK(fcntl(STDERR_FILENO, F_GETFD) < 0);
	restore_stderr(saved);
	journal_free(&j);
}

int
main(void)
{
	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	unit_test("a line for people", for_people);
	unit_test("a line for machines", for_machines);
	unit_test("unknown values are null", values);
	unit_test("control characters in messages are escaped", somebody_elses_bytes);
	unit_test("a line is one write", one_write);
	unit_test("a full stderr does not block", takes_none);
	unit_test("a closed stderr", closed_stderr);
	return unit_done();
}
