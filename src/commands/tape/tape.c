/* tape: pq tape: inspects, verifies and cuts recordings, and asks a recorder to save. pack.c has pack
 * and unpack. */
#include "commands/tape/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/out_file.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/open.h"
#include "commands/limit_words.h"
#include "commands/recorder/ask.h"
#include "host/host.h"
#include "host/read_file.h"
#include "tape/file.h"

struct tape_options {
	const char *out;
	bool json;
};

void
input_open(struct tape_reader *r, const char *path)
{
	bool pipe;
	int fd = open_recording(path, &pipe);

	if (tape_reader_begin(r, fd, pipe) < 0)
		die(errno == EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s: %s", path,
		    recording_error(errno));
}

struct span
input_window(struct tape_reader *r, const struct options *o)
{
	struct span whole;

	if (!o->from.written && !o->to.written)
		return SPAN_ALL;
	if (tape_reader_span(r, &whole) < 0)
		die(EXIT_USAGE, "--from and --to need a file: %s",
		    errno == ESPIPE ? "the end of a pipe is unknown" : strerror(errno));
	return recording_window(o, &whole);
}

void
input_empty(const struct options *o, const char *path)
{
	die(EXIT_FAILED, "%s: no samples%s", path,
	    o->from.written || o->to.written ? " in the selected time" : "");
}

enum exit_status
input_close(struct tape_reader *r, const char *path)
{
	char line[256];
	bool lost = tape_losses_text(&r->lost, line, sizeof line);

	if (lost)
		warn("%s: %s", path, line);
	close(r->source.fd);
	tape_reader_free(r);
	return lost ? EXIT_FAILED : EXIT_DONE;
}

/* ---- pq tape info */

/* What the recorder wrote about itself in its last run: when it did so first and last, and its
 * counters then. */
struct cost {
	uint64_t run;
	struct span times; /* CLOCK_MONOTONIC */
	struct keyed from_cpu_us, v[4];
};

enum { COST_CPU, COST_MISSED, COST_LOST, COST_WORST };

struct summing {
	struct sample first, last;
	uint64_t rows, ticks, boots, tracks;
	uint64_t span_ns; /* of samples within a boot */
	uint64_t bytes;   /* of the file */
	uint64_t run;     /* of the recorder, at the last sample */
	struct cost cost;
	struct host_facts facts;
	char tools[200], version[32];
	char intervals[400]; /* of the tools at the last sample: "runq 100ms, mem 1s" */
	char budget[32];     /* "1": in % of a CPU; "": none */
	struct host sampled; /* only which tools read the sample */
	struct limit_changes changes;
	struct observer observer; /* of the changes */
};

static void
take_cost(struct cost *c, struct tape_reader *r, const struct sample *m)
{
	static const char *const keys[] = { "cpu_us", "missed", "lost", "late_max_us" };
	int i = map_find(&r->tracks.paths, text_of(TAPE_COST));
	uint64_t before = c->v[COST_CPU].v;
	struct text text;

	if (i < 0 || !playback_is_fresh(&r->tracks, (uint32_t)i) ||
	    playback_track(&r->tracks, (uint32_t)i, &text) < 0)
		return;
	keyed_parse(text, keys, sizeof keys / sizeof keys[0], c->v);
	bool first = !c->from_cpu_us.known || c->run != r->segment.run;
	if (first) {
		c->run = r->segment.run;
		c->times.from_ns = m->mono_ns;
		c->from_cpu_us = c->v[COST_CPU];
	}
	if (first || c->v[COST_CPU].v != before) /* else it was not written since */
		c->times.to_ns = m->mono_ns;
}

static void
copy_value(struct text about, const char *key, char *out, size_t n)
{
	struct text value = { "", 0 };

	if (facts_find(about, key, &value))
		snprintf(out, n, "%.*s", (int)(value.n < n ? value.n : n - 1), value.s);
}

/* Adds the tools of a run to those of earlier runs. */
static void
add_tools(struct text about, char *all, size_t n)
{
	struct text value, word;

	if (!facts_find(about, "tools", &value))
		return;
	while (text_word(&value, &word)) {
		struct text known = text_of(all), one;
		bool listed = false;
		size_t used = strlen(all);
		while (!listed && text_word(&known, &one))
			listed = text_same(one, word);
		if (!listed && used + word.n + 1 < n)
			snprintf(
			    all + used, n - used, "%s%.*s", used ? " " : "", (int)word.n, word.s);
	}
}

static void
take_changes(struct summing *s, struct tape_reader *r, const struct sample *m)
{
	int i = map_find(&r->tracks.paths, text_of(TAPE_TOOLS));
	struct text t;

	if (i < 0 || playback_track(&r->tracks, (uint32_t)i, &t) < 0)
		t = (struct text){ "", 0 };
	host_set_left_out(&s->sampled, t);
	playback_observe(&r->tracks, &s->observer);
	limit_changes_sample(&s->changes, m, &s->sampled);
}

static void
take_intervals(struct summing *s, struct tape_reader *r)
{
	int i = map_find(&r->tracks.paths, text_of(TAPE_TOOLS));
	struct text t, line, name;
	uint64_t read, every, planned;
	size_t n = 0;

	if (i >= 0 && !playback_is_fresh(&r->tracks, (uint32_t)i) && *s->intervals)
		return;
	*s->intervals = '\0';
	if (i < 0 || playback_track(&r->tracks, (uint32_t)i, &t) < 0)
		return;
	while (text_line(&t, &line) && n < sizeof s->intervals) {
		if (!text_word(&line, &name) || text_next_u64(&line, &read) < 0 ||
		    text_next_u64(&line, &every) < 0 || text_next_u64(&line, &planned) < 0)
			continue;
		n += (size_t)snprintf(s->intervals + n, sizeof s->intervals - n,
		    "%s%.*s %" PRIu64 " ms", n ? ", " : "", (int)name.n, name.s, every);
		if (every > planned && n < sizeof s->intervals)
			n += (size_t)snprintf(s->intervals + n, sizeof s->intervals - n,
			    " (%.*s was to be read every %" PRIu64
			    " ms, beyond the budget of %s %%)",
			    (int)name.n, name.s, planned, *s->budget ? s->budget : "-");
	}
}

static void
take_sample(struct summing *s, struct tape_reader *r, const struct sample *m)
{
	struct text about;
	bool first = s->rows + s->ticks == 0;

	if ((first || s->run != r->segment.run) &&
	    playback_text(&r->tracks, TAPE_FACTS, &about) == 0) {
		facts_begin(&s->facts);
		facts_parse(about, &s->facts);
		add_tools(about, s->tools, sizeof s->tools);
		copy_value(about, "pq", s->version, sizeof s->version);
		copy_value(about, "budget_pct", s->budget, sizeof s->budget);
	}
	s->run = r->segment.run;
	s->boots += first || m->restarted;
	if (first)
		s->first = *m;
	else if (!m->restarted && m->mono_ns > s->last.mono_ns)
		s->span_ns += (uint64_t)(m->mono_ns - s->last.mono_ns);
	s->last = *m;
	s->rows += m->kind == SAMPLE_ROW;
	s->ticks += m->kind == SAMPLE_TICK;
	s->tracks = r->tracks.paths.n > s->tracks ? r->tracks.paths.n : s->tracks;
	take_intervals(s, r);
	take_cost(&s->cost, r, m);
	take_changes(s, r, m);
}

/* NaN in a run that is shorter than a second: the recorder wrote its cost once, before it had one. */
static double
cost_span_us(const struct cost *c)
{
	return c->times.to_ns > c->times.from_ns ?
	    (double)(c->times.to_ns - c->times.from_ns) * 1e-3 :
	    NAN;
}

/* The recorder's CPU time, in % of one CPU. */
static double
cost_pct(const struct cost *c)
{
	return keyed_delta(c->from_cpu_us, c->v[COST_CPU]) / cost_span_us(c) * 100;
}

static double
cost_count(const struct cost *c, int which)
{
	return c->v[which].known && !isnan(cost_span_us(c)) ? (double)c->v[which].v : NAN;
}

/* The bytes of a segment; of the newest one, those written so far. */
static uint64_t
size_of(const struct tape_reader *r, const struct tape_place *p)
{
	return p->segment.sequence == r->segment.sequence ? r->at - r->start : p->limit - p->at;
}

static double
per_sample(const struct summing *s, const struct tape_reader *r)
{
	uint64_t ring = r->index.n ? r->index.v[0].segment.ring : 0, samples = s->rows + s->ticks;
	uint64_t used = s->bytes;

	if (ring) { /* without the part of the file that is still free */
		used = 0;
		for (size_t i = 0; i < r->index.n; i++)
			used += size_of(r, &r->index.v[i]);
	}
	return samples ? (double)used / (double)samples : NAN;
}

static void
print_time(const char *heading, int64_t real_ns, bool utc)
{
	struct report times = { .utc = utc };
	struct buf b = { 0 };

	buf_iso_time(&b, &times, real_ns);
	printf("%-9s %.*s\n", heading, (int)b.n, b.s);
	buf_free(&b);
}

/* The words may come from another machine: they are escaped. */
static void
print_words(const char *heading, const char *words)
{
	struct buf b = { 0 };

	buf_printable(&b, words);
	printf("%-9s %.*s\n", heading, (int)b.n, b.s ? b.s : "");
	buf_free(&b);
}

static void
print_cost(const struct cost *c)
{
	if (isnan(cost_span_us(c)))
		printf("%-9s - (known after a second of recording)\n", "cost");
	else
		printf("%-9s %.3f %% of one CPU, at most %.3f ms late, %.0f samples missed, "
		       "%.0f lost\n",
		    "cost", cost_pct(c), cost_count(c, COST_WORST) * 1e-3,
		    cost_count(c, COST_MISSED), cost_count(c, COST_LOST));
}

/* A line for each change of a limit that is kept. */
static void
print_changes(const struct limit_changes *c, bool utc)
{
	size_t n = limit_changes_kept(c);

	if (n == 0)
		printf("%-9s %s\n", "limits", c->any ? "none changed" : "- (not recorded)");
	for (size_t i = 0; i < n; i++) {
		struct buf b = { 0 };
		if (i == CHANGES_END && c->total > n)
			printf("%-9s ... %" PRIu64 " more changes ...\n", "limits", c->total - n);
		limit_change_text(limit_changes_get(c, i), &b);
		limit_change_when(limit_changes_get(c, i), utc, true, &b);
		buf_char(&b, '\0');
		print_words("limits", b.s);
		buf_free(&b);
	}
}

static void
print_text(
    const struct summing *s, const struct tape_reader *r, const struct options *o, const char *path)
{
	uint64_t ring = r->index.n ? r->index.v[0].segment.ring : 0, samples = s->rows + s->ticks;
	double bytes = per_sample(s, r), span_s = (double)s->span_ns * 1e-9;
	char line[512], text[HUMAN_MOST];

	print_words("tape", path);
	snprintf(line, sizeof line,
	    "%s, Linux %s, %s, %" PRIu64 " CPUs, %" PRIu64 " clock ticks per second", s->facts.name,
	    s->facts.release, s->facts.machine, s->facts.cpus, s->facts.ticks_per_s);
	print_words("host", line);
	snprintf(line, sizeof line, "%s, by pq %s", *s->tools ? s->tools : "captured files",
	    *s->version ? s->version : "-");
	print_words("tools", line);
	if (*s->intervals)
		print_words("intervals", s->intervals);
	print_time("from", s->first.real_ns, o->utc);
	print_time("to", s->last.real_ns, o->utc);
	printf("%-9s %" PRIu64 " rows, %" PRIu64 " ticks, in %s, %" PRIu64 " boot%s\n", "samples",
	    s->rows, s->ticks, human_duration(span_s, text), s->boots, s->boots == 1 ? "" : "s");
	printf("%-9s %" PRIu64 " files and directories\n", "tracks", s->tracks);
	printf("%-9s %s, %.1f bytes per sample", "size", human_size((double)s->bytes, text), bytes);
	if (ring && samples > 1)
		printf("; a ring that holds the last %s at this rate",
		    human_duration((double)ring / bytes * span_s / (double)samples, text));
	printf("\n");
	if (s->cost.from_cpu_us.known)
		print_cost(&s->cost);
	print_changes(&s->changes, o->utc);
	if (!tape_losses_text(&r->lost, line, sizeof line))
		snprintf(line, sizeof line, "none");
	printf("%-9s %s\n", "damage", line);
}

static void
put_time(struct buf *b, const char *key, int64_t real_ns, bool utc)
{
	struct report times = { .utc = utc };

	buf_json_key(b, key);
	buf_char(b, '"');
	buf_iso_time(b, &times, real_ns);
	buf_char(b, '"');
}

static void
print_json(
    const struct summing *s, const struct tape_reader *r, const struct options *o, const char *path)
{
	const struct cost *c = &s->cost;
	struct buf b = { 0 };

	buf_json_begin(&b, "tape", &(struct report){ .utc = o->utc }, s->last.real_ns);
	buf_json_text(&b, "tape", path);
	buf_json_text(&b, "host", s->facts.name);
	buf_json_text(&b, "release", s->facts.release);
	buf_json_text(&b, "machine", s->facts.machine);
	buf_json_number(&b, "cpus", s->facts.cpus ? (double)s->facts.cpus : NAN, 0);
	buf_json_text(&b, "tools", s->tools);
	buf_json_text(&b, "intervals", s->intervals);
	put_time(&b, "from", s->first.real_ns, o->utc);
	put_time(&b, "to", s->last.real_ns, o->utc);
	buf_json_number(&b, "rows", (double)s->rows, 0);
	buf_json_number(&b, "ticks", (double)s->ticks, 0);
	buf_json_number(&b, "span_s", (double)s->span_ns * 1e-9, 6);
	buf_json_number(&b, "boots", (double)s->boots, 0);
	buf_json_number(&b, "tracks", (double)s->tracks, 0);
	buf_json_number(&b, "bytes", (double)s->bytes, 0);
	buf_json_number(&b, "ring_bytes", r->index.n ? (double)r->index.v[0].segment.ring : NAN, 0);
	buf_json_number(&b, "bytes_per_sample", per_sample(s, r), 1);
	buf_json_number(&b, "cost_pct", cost_pct(c), 4);
	buf_json_number(&b, "late_max_ms", cost_count(c, COST_WORST) * 1e-3, 3);
	buf_json_number(&b, "missed", cost_count(c, COST_MISSED), 0);
	buf_json_number(&b, "lost", cost_count(c, COST_LOST), 0);
	buf_json_number(&b, "missing_bytes", (double)r->lost.bytes, 0);
	buf_json_number(&b, "damaged_places", (double)r->lost.places, 0);
	buf_json_number(&b, "damaged_samples", (double)r->lost.samples, 0);
	limit_changes_json(&s->changes, o->utc, &b);
	buf_text(&b, "}\n");
	fwrite(b.s, 1, b.n, stdout);
	buf_free(&b);
}

static enum exit_status
info(const struct options *o, const char *path, const char *to)
{
	struct tape_reader r;
	struct summing s = { 0 };
	struct sample m;
	int got;

	(void)to;
	s.observer = limit_changes_observer(&s.changes);
	input_open(&r, path);
	while ((got = tape_reader_next(&r, &m)) > 0)
		take_sample(&s, &r, &m);
	if (got < 0)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	if (s.rows + s.ticks == 0)
		die(EXIT_FAILED, "%s: no readable samples", path);
	s.bytes = source_size(&r.source);
	if (((const struct tape_options *)o->ask.options)->json)
		print_json(&s, &r, o, path);
	else
		print_text(&s, &r, o, path);
	limit_changes_free(&s.changes);
	input_close(&r, path);
	return EXIT_DONE;
}

/* ---- pq tape verify, cut and save */

static enum exit_status
verify(const struct options *o, const char *path, const char *to)
{
	struct tape_reader r;
	struct sample m;
	uint64_t samples = 0;
	int got;

	(void)o;
	(void)to;
	input_open(&r, path);
	while ((got = tape_reader_next(&r, &m)) > 0)
		samples++;
	if (got < 0)
		die(EXIT_FAILED, "%s: %s", path, strerror(errno));
	enum exit_status status = input_close(&r, path);
	printf("%s: %llu samples readable%s\n", path, (unsigned long long)samples,
	    status == EXIT_DONE ? ", no damage" : "");
	return status;
}

static enum exit_status
cut(const struct options *o, const char *path, const char *to)
{
	struct tape_reader r;
	struct tape_file out;
	int64_t copied;

	input_open(&r, path);
	struct span w = input_window(&r, o);
	if (out_is_stdout(to)) {
		open_output(&out, to, 0);
		copied = cut_copy(&r, w, NULL, &out);
		if (copied < 0 || tape_file_close(&out) < 0)
			output_incomplete(to, errno);
	} else {
		copied = cut_save(&r, w, NULL, to);
	}
	if (copied < 0 && errno == EEXIST)
		die(EXIT_USAGE, "%s: file exists (choose a new name)", to);
	if (copied < 0)
		die(EXIT_FAILED, "cannot write %s: %s", to, strerror(errno));
	if (copied == 0)
		input_empty(o, path);
	input_close(&r, path);
	return EXIT_DONE;
}

/* The recorder holds a lock on the file; the lock tells its process. */
static enum exit_status
save(const struct options *o, const char *path, const char *to)
{
	int owner = tape_file_owner(path);

	(void)o;
	(void)to;
	if (owner < 0)
		die(errno == ENOENT ? EXIT_USAGE : EXIT_FAILED, "cannot open %s: %s", path,
		    strerror(errno));
	if (owner == 0)
		die(EXIT_FAILED,
		    "%s: no recorder is writing it (copy a part of it with pq tape cut)", path);
	if (!ask_is_caught(owner))
		die(EXIT_FAILED,
		    "%s: process %d is writing it, but is not pq record (copy a part of it with pq "
		    "tape cut)",
		    path, owner);
	if (kill(owner, SIGUSR1) < 0)
		die(EXIT_FAILED, "%s: cannot signal process %d, which records to it: %s", path,
		    owner, strerror(errno));
	return EXIT_DONE;
}

/* ---- The command line */

static const struct work {
	const char *name;
	enum exit_status (*f)(const struct options *, const char *from, const char *to);
	const char *needs; /* the output that it needs; NULL: none */
	bool window;
} works[] = {
	{ "info", info, NULL, false },
	{ "verify", verify, NULL, false },
	{ "cut", cut, "output file", true },
	{ "unpack", tape_unpack, "output directory", true },
	{ "pack", tape_pack, "output file", false },
	{ "save", save, NULL, false },
};

static const struct work *
find_work(const char *name)
{
	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		if (strcmp(works[i].name, name) == 0)
			return &works[i];
	die(EXIT_USAGE, "unknown command '%s': want info, verify, cut, unpack, pack or save", name);
}

/* Ends the program if these words and options do not fit the work. */
static void
check_words(const struct work *w, const struct options *o)
{
	const struct tape_options *own = o->ask.options;
	int most = w->needs && !own->out ? 3 : 2;

	if (o->words < 2)
		die(EXIT_USAGE, "%s: missing argument: want %s", w->name,
		    w->f == tape_pack ? "a captured directory" : "a recording");
	if (w->needs && !own->out && o->words < 3)
		die(EXIT_USAGE, "%s: missing %s: usage is pq tape %s %s -o NAME", w->name, w->needs,
		    w->name, o->word[1]);
	if (o->words > most)
		die(EXIT_USAGE, "unexpected argument '%s'", o->word[most]);
	if (!w->needs && own->out)
		die(EXIT_USAGE, "%s: -o is not allowed: it writes no file", w->name);
	if (!w->window && (o->from.written || o->to.written))
		die(EXIT_USAGE,
		    "%s: --from and --to are not allowed (only cut and unpack take them)", w->name);
	if (own->json && w->f != info)
		die(EXIT_USAGE, "%s: --json is not allowed (only info takes it)", w->name);
}

static enum exit_status
tape(const struct options *o)
{
	const struct tape_options *own = o->ask.options;

	if (o->words == 0)
		die(EXIT_USAGE,
		    "missing command: want info, verify, cut, unpack, pack or save, and a file");
	const struct work *w = find_work(o->word[0]);
	check_words(w, o);
	enum exit_status status = w->f(o, o->word[1], own->out ? own->out : o->word[2]);
	if (status == EXIT_DONE)
		exit_printed();
	fflush(stdout);
	return status;
}

static const struct option options[] = {
	{ 'o', NULL, "NAME", OPTION_PATH, offsetof(struct tape_options, out),
	    .help = "output file; for unpack, the directory to create" },
	{ 0, "json", NULL, OPTION_FLAG, offsetof(struct tape_options, json),
	    .help = "info: print one JSON object" },
	{ .type = OPTION_END },
};

const struct tool tool_tape = {
	.name = "tape",
	.brief = "inspect, verify, cut, pack and unpack recordings",
	.usage = "info|verify|cut|unpack|pack|save FILE [-o OUT] [options]",
	.examples =
	    "  pq tape info ring.tape               time span, tools, host, size, damage\n"
	    "  pq tape cut ring.tape --from 17:11 --to 17:13 -o spike.tape\n"
	    "  pq tape unpack spike.tape -o spike   write the files to spike/t0, t1, ...\n"
	    "  pq tape save ring.tape               ask its recorder to save the last minute\n",
	.shared = (const struct option *const[]){ &option_from, &option_to, NULL },
	.options = options,
	.options_size = sizeof(struct tape_options),
	.command = tape,
};
