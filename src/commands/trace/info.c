/* info: pq trace info: what a saved trace has. */
#include "commands/trace/trace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/output.h"

enum { FACT_MOST = 256 };

/* The value of a fact; "-" if it is not there. Returns out. */
static const char *
fact(const struct trace_file *t, const char *key, char out[FACT_MOST])
{
	struct text rest = { t->facts.s, t->facts.n }, line, word;

	while (text_line(&rest, &line))
		if (text_word(&line, &word) && text_eq(word, key) && text_skip(&line, " ")) {
			snprintf(out, FACT_MOST, "%.*s",
			    (int)(line.n < FACT_MOST ? line.n : FACT_MOST - 1), line.s);
			return out;
		}
	return "-";
}

static double
bytes_per_event(const struct trace_file *t)
{
	return t->events ? (double)t->bytes / (double)t->events : NAN;
}

static double
span_s(const struct trace_file *t)
{
	return t->events ? (double)(t->to_ns - t->from_ns) * 1e-9 : NAN;
}

static double
per_second(const struct trace_file *t)
{
	return span_s(t) > 0 ? (double)t->events / span_s(t) : NAN;
}

/* ---- Text */

static void
begin_line(struct buf *b, const char *heading)
{
	buf_text(b, heading);
	buf_pad(b, 10 - strlen(heading));
}

static void
put_words(struct buf *b, const char *heading, const char *words)
{
	begin_line(b, heading);
	buf_printable(b, words);
	buf_char(b, '\n');
}

/* A line for a fact, if it is there. */
static void
put_fact(struct buf *b, const struct trace_file *t, const char *key)
{
	char out[FACT_MOST];
	const char *value = fact(t, key, out);

	if (value == out)
		put_words(b, key, value);
}

/* The time as a date; since boot if the trace has no reading of the clock. */
static void
put_time(struct buf *b, const struct trace_file *t, uint64_t at_ns, bool utc)
{
	struct report times = { .utc = utc };
	int64_t real_ns;

	if (trace_real(t, at_ns, &real_ns)) {
		buf_iso_time(b, &times, real_ns);
		return;
	}
	buf_fixed(b, (double)at_ns * 1e-9, 3);
	buf_text(b, " s after boot");
}

static void
put_time_line(
    struct buf *b, const char *heading, const struct trace_file *t, uint64_t at_ns, bool utc)
{
	begin_line(b, heading);
	if (t->events > 0)
		put_time(b, t, at_ns, utc);
	else
		buf_char(b, '-');
	buf_char(b, '\n');
}

static void
put_marks(struct buf *b, const struct trace_file *t, bool utc)
{
	for (size_t i = 0; i < t->nmarks; i++) {
		begin_line(b, "mark");
		put_time(b, t, t->marks[i].at_ns, utc);
		buf_char(b, ' ');
		buf_printable(b, t->marks[i].words);
		buf_char(b, '\n');
	}
}

static void
put_counts(struct buf *b, const struct trace_file *t)
{
	char line[256], text[HUMAN_MOST], rate[32] = "-", bytes[32] = "-";

	if (isfinite(per_second(t)))
		snprintf(rate, sizeof rate, "%.0f", per_second(t));
	if (t->events)
		snprintf(bytes, sizeof bytes, "%.2f", bytes_per_event(t));
	snprintf(line, sizeof line, "%" PRIu64 " in %s, %s per second", t->events,
	    human_duration(span_s(t), text), rate);
	put_words(b, "events", t->events ? line : "none");
	snprintf(line, sizeof line, "%" PRIu64 " events", trace_lost(t));
	put_words(b, "lost", line);
	snprintf(line, sizeof line, "%zu, in %zu cgroups", t->nthreads, t->ncgroups);
	put_words(b, "threads", line);
	snprintf(
	    line, sizeof line, "%s, %s bytes per event", human_size((double)t->bytes, text), bytes);
	put_words(b, "size", line);
}

static void
put_text(struct buf *b, const struct trace_file *t, const struct options *o, const char *path)
{
	char line[5 * FACT_MOST], v[5][FACT_MOST];

	put_words(b, "trace", path);
	snprintf(line, sizeof line, "%s, Linux %s, %s, %s CPUs", fact(t, "host", v[0]),
	    fact(t, "release", v[1]), fact(t, "machine", v[2]), fact(t, "cpus", v[3]));
	put_words(b, "host", line);
	snprintf(line, sizeof line, "pq %s", fact(t, "pq", v[4]));
	put_words(b, "by", line);
	put_fact(b, t, "source");
	put_fact(b, t, "asked");
	put_fact(b, t, "trigger");
	put_time_line(b, "from", t, t->from_ns, o->utc);
	put_time_line(b, "to", t, t->to_ns, o->utc);
	put_counts(b, t);
	put_marks(b, t, o->utc);
	put_words(b, "damage", trace_damage_text(t, line, sizeof line) ? line : "none");
}

/* ---- JSON */

static void
put_json_time(struct buf *b, const char *key, const struct trace_file *t, uint64_t at_ns, bool utc)
{
	struct report times = { .utc = utc };
	int64_t real_ns;

	buf_json_key(b, key);
	if (t->events == 0 || !trace_real(t, at_ns, &real_ns)) {
		buf_text(b, "null");
		return;
	}
	buf_char(b, '"');
	buf_iso_time(b, &times, real_ns);
	buf_char(b, '"');
}

static void
put_json_fact(struct buf *b, const char *key, const struct trace_file *t)
{
	char out[FACT_MOST];
	const char *value = fact(t, key, out);

	buf_json_text(b, key, value == out ? value : NULL);
}

static void
put_json_marks(struct buf *b, const struct trace_file *t, bool utc)
{
	buf_json_key(b, "marks");
	buf_char(b, '[');
	for (size_t i = 0; i < t->nmarks; i++) {
		buf_text(b, i > 0 ? ",{" : "{");
		put_json_time(b, "time", t, t->marks[i].at_ns, utc);
		buf_json_text(b, "words", t->marks[i].words);
		buf_char(b, '}');
	}
	buf_char(b, ']');
}

static void
put_json(struct buf *b, const struct trace_file *t, const struct options *o, const char *path)
{
	uint64_t cpus;
	char text[FACT_MOST];

	uint64_t read_ns = t->nclocks > 0 ? t->clocks[0].boot_ns : 0;
	trace_json_begin(
	    b, t, t->events > 0 ? t->to_ns : read_ns, &(struct report){ .utc = o->utc });
	buf_json_text(b, "trace", path);
	put_json_fact(b, "host", t);
	put_json_fact(b, "release", t);
	put_json_fact(b, "machine", t);
	bool known = text_u64(text_of(fact(t, "cpus", text)), &cpus) == 0;
	buf_json_number(b, "cpus", known ? (double)cpus : NAN, 0);
	put_json_fact(b, "pq", t);
	put_json_fact(b, "source", t);
	put_json_fact(b, "asked", t);
	put_json_fact(b, "trigger", t);
	put_json_time(b, "from", t, t->from_ns, o->utc);
	put_json_time(b, "to", t, t->to_ns, o->utc);
	buf_json_number(b, "span_s", span_s(t), 9);
	buf_json_number(b, "events", (double)t->events, 0);
	buf_json_number(b, "events_per_s", per_second(t), 1);
	buf_json_number(b, "lost_events", (double)trace_lost(t), 0);
	buf_json_number(b, "threads", (double)t->nthreads, 0);
	buf_json_number(b, "cgroups", (double)t->ncgroups, 0);
	buf_json_number(b, "bytes", (double)t->bytes, 0);
	buf_json_number(b, "bytes_per_event", bytes_per_event(t), 2);
	put_json_marks(b, t, o->utc);
	buf_json_number(b, "damaged_blocks", (double)t->damaged, 0);
	buf_json_bool(b, "cut", t->cut);
	buf_text(b, "}\n");
}

enum exit_status
trace_info(const struct options *o, const char *path, const struct trace_file *t)
{
	const struct trace_options *own = o->ask.options;
	struct buf b = { 0 };

	if (own->json)
		put_json(&b, t, o, path);
	else
		put_text(&b, t, o, path);
	bool written = output_write(&b);
	buf_free(&b);
	if (!written)
		exit(EXIT_DONE);
	return EXIT_DONE;
}
