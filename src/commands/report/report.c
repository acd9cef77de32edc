/* report: pq report: recordings as one HTML file. It reads each recording once to learn its times, and
 * once for the pictures; verdict.c reads it again. */
#include "commands/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hist.h"
#include "base/out_file.h"
#include "base/publish.h"
#include "cli/open.h"
#include "cli/output.h"
#include "commands/diff/operand.h"
#include "tape/format.h"

struct report_options {
	const char *out;
	bool diff;
	struct when_option at;
};

/* What is compared. It is large. */
struct sides {
	struct operand a, b;
	struct side from, to;
	struct comparison c;
};

/* ---- First reading: when it begins and ends, and how far apart its samples are */

static void
copy_facts(struct report_tape *t, const struct host *h)
{
	t->facts = h->facts;
	memcpy(t->tools, h->tools, sizeof t->tools);
	memcpy(t->asked, h->asked, sizeof t->asked);
}

struct options
tape_options(const struct report_tape *t, const struct options *o)
{
	struct options one = *o;

	one.source = t->path;
	if (t->from.written || t->to.written) {
		one.from = t->from;
		one.to = t->to;
	}
	return one;
}

/* The time that is to be judged in parts, before it is read. */
static void
set_parts(struct report_tape *t, struct host *h, const struct options *o)
{
	struct span whole;

	if (t->captured || host_tape_span(h, &whole) < 0)
		return;
	struct span w = recording_window(o, &whole);
	whole.from_ns = w.from_ns > whole.from_ns ? w.from_ns : whole.from_ns;
	whole.to_ns = w.to_ns < whole.to_ns ? w.to_ns : whole.to_ns;
	judge_parts(t, &whole);
}

/* Both clocks restart at a reboot. */
static void
watch_clock(struct clock_steps *c, bool begins, const struct sample *m)
{
	int64_t apart_ns = sample_ahead_ns(m), step_ns = apart_ns - c->last_ns;

	if (begins)
		c->first_ns = apart_ns;
	else if (llabs(step_ns) > CLOCK_STEP_NS) {
		c->n++;
		if (llabs(step_ns) > llabs(c->most_ns)) {
			c->most_ns = step_ns;
			c->at_ns = m->real_ns;
		}
	}
	c->last_ns = apart_ns;
	if (llabs(apart_ns - c->first_ns) > llabs(c->parted_ns))
		c->parted_ns = apart_ns - c->first_ns;
}

static void
scan(struct report_tape *t, const struct options *o)
{
	struct options one = tape_options(t, o);
	struct host *h = open_host(&one);
	struct hist steps = { .n = 0 };
	int64_t row_ns = 0;
	struct sample m;

	set_parts(t, h, &one);
	while (host_next(h, 0, SAMPLE_ROW, &m) > 0) {
		judge_count(t, h, &m);
		watch_clock(&t->clock, t->samples == 0 || m.restarted, &m);
		if (t->samples++ == 0) {
			t->from_ns = m.real_ns;
			copy_facts(t, h);
		}
		t->from_ns = m.real_ns < t->from_ns ? m.real_ns : t->from_ns;
		t->to_ns = m.real_ns > t->to_ns ? m.real_ns : t->to_ns;
		t->boots += t->boots == 0 || m.restarted;
		if (m.kind != SAMPLE_ROW)
			continue;
		if (t->rows++ > 0 && !m.restarted)
			hist_add(&steps, (double)(m.mono_ns - row_ns) * 1e-9);
		row_ns = m.mono_ns;
	}
	t->step_ns = steps.n ? (int64_t)(hist_quantile(&steps, 0.5) * 1e9) : 0;
	if (!host_losses(h, t->losses, sizeof t->losses))
		*t->losses = '\0';
	hist_free(&steps);
	host_close(h);
}

static void
check_source(struct report_tape *t)
{
	struct stat st;
	bool there = stat(t->path, &st) == 0;

	if (strcmp(t->path, "-") == 0 || (there && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		die(EXIT_USAGE,
		    "%s: not a regular file: a recording is read several times (write it to a file "
		    "first)",
		    t->path);
	t->captured = there && S_ISDIR(st.st_mode);
}

/* ---- Second reading: the pictures */

static void
keep_note(void *about, const struct tool *tool, const char *message)
{
	struct report_tape *t = about;
	char line[1000];

	snprintf(line, sizeof line, "%s: %s", tool->name, message);
	for (size_t i = 0; i < t->nnotes; i++)
		if (strcmp(t->notes[i], line) == 0)
			return;
	if (t->nnotes < NOTES_KEPT)
		t->notes[t->nnotes++] = xstrdup(line);
}

static void
begin_strips(struct report_tape *t, struct recorded *r)
{
	for (size_t i = 0; strip_plans[i].id; i++)
		strip_begin(t->strips, t->nstrips++, &strip_plans[i], r);
}

/* Marks the last trigger of the recorder, once. */
static void
take_trigger(struct report_tape *t, struct host *h)
{
	struct text text, line;
	uint64_t at;

	if (host_read(h, TAPE_TRIGGER, &text) < 0 || !text_line(&text, &line) ||
	    text_next_u64(&line, &at) < 0 || at > INT64_MAX || at == t->triggered ||
	    t->nmarks == MARKS_MOST)
		return;
	t->triggered = at;
	text_skip(&line, " ");
	struct buf b = { 0 };
	buf_text(&b, "trigger: ");
	buf_add(&b, line.s, line.n);
	buf_char(&b, '\0');
	t->marks[t->nmarks++] = (struct mark){ (int64_t)at, b.s };
}

/* Where no sample is for longer than five intervals, nothing is known. */
static bool
is_gap(const struct report_tape *t, const struct sample *before, const struct sample *now)
{
	int64_t most_ns =
	    5 * t->step_ns > INT64_C(1000000000) ? 5 * t->step_ns : INT64_C(1000000000);

	return now->restarted || now->mono_ns - before->mono_ns > most_ns;
}

static void
add_gap(struct report_tape *t, int64_t from_ns, int64_t to_ns)
{
	if (t->ngaps < GAPS_MOST)
		t->gaps[t->ngaps] = (struct span){ from_ns, to_ns };
	t->ngaps++;
	t->gaps_s += to_ns > from_ns ? (double)(to_ns - from_ns) * 1e-9 : 0;
}

static void
draw(struct report_tape *t, const struct options *o)
{
	const struct options own = tape_options(t, o);
	struct recorded r = { .path = NULL };
	enum session_event event = SESSION_ROW;

	if (t->rows == 0)
		return;
	recorded_open(&r, &own, t->path);
	r.session.say = keep_note;
	r.session.about = t;
	begin_strips(t, &r);
	struct sample before = r.session.now;
	int64_t since_ns = before.real_ns;
	if (!recorded_begin(&r))
		event = SESSION_END;
	while (event != SESSION_END && (event = session_next(&r.session)) != SESSION_END) {
		const struct sample *now = &r.session.now;
		if (is_gap(t, &before, now)) {
			add_gap(t, before.real_ns, now->real_ns);
			since_ns = now->real_ns;
		}
		take_trigger(t, r.session.host);
		for (size_t i = 0; i < t->nstrips; i++)
			strip_take(&t->strips[i], &t->axis, event == SESSION_ROW, now, since_ns);
		before = *now;
	}
	host_losses(r.session.host, t->losses, sizeof t->losses);
	session_end(&r.session);
	arena_free(&r.arena);
}

/* ---- The axis */

static long
offset_of(int64_t real_ns, bool utc)
{
	time_t t = (time_t)(real_ns / 1000000000);
	struct tm tm;

	return utc || !localtime_r(&t, &tm) ? 0 : tm.tm_gmtoff;
}

_Noreturn static void
die_without_sample(const struct report_page *p)
{
	const struct report_tape *t = &p->tapes[0];

	die(EXIT_FAILED, "%s: no samples%s%s%s", t->path, p->timed ? " in the selected time" : "",
	    *t->losses ? " can be read: " : "", t->losses);
}

/* Whether both compared recordings start at the left edge, because one ends before the other begins. */
static bool
is_apart(const struct report_page *p)
{
	const struct report_tape *a = p->side[0], *b = p->side[1];

	return a && b && a->samples > 0 && b->samples > 0 &&
	    (a->to_ns <= b->from_ns || b->to_ns <= a->from_ns);
}

/* The time of all recordings; if they are apart, as long as the longer one from the start of the first. */
static void
set_times(struct report_page *p, bool apart)
{
	bool any = false;

	for (size_t i = 0; i < p->ntapes; i++) {
		const struct report_tape *t = &p->tapes[i];
		int64_t shift_ns = apart ? t->from_ns - p->tapes[0].from_ns : 0,
			from_ns = t->from_ns - shift_ns, to_ns = t->to_ns - shift_ns;
		if (t->samples == 0)
			continue;
		p->axis.from_ns = !any || from_ns < p->axis.from_ns ? from_ns : p->axis.from_ns;
		p->axis.to_ns = !any || to_ns > p->axis.to_ns ? to_ns : p->axis.to_ns;
		any = true;
	}
	if (!any)
		die_without_sample(p);
	if (p->axis.to_ns <= p->axis.from_ns)
		p->axis.to_ns = p->axis.from_ns + 1;
}

/* The shortest interval of all; INT64_MAX: unknown. */
static int64_t
least_step(const struct report_page *p)
{
	int64_t step_ns = INT64_MAX;

	for (size_t i = 0; i < p->ntapes; i++)
		if (p->tapes[i].step_ns > 0 && p->tapes[i].step_ns < step_ns)
			step_ns = p->tapes[i].step_ns;
	return step_ns;
}

/* A bucket is at least as long as an interval. */
static void
set_axis(struct report_page *p)
{
	bool apart = is_apart(p);

	set_times(p, apart);
	int64_t n = (p->axis.to_ns - p->axis.from_ns) / least_step(p);
	p->axis.n = n < 1 ? 1 : n > BUCKETS_MOST ? BUCKETS_MOST : (unsigned)n;
	p->offset_s = offset_of(p->axis.from_ns, p->utc);
	for (size_t i = 0; i < p->ntapes; i++) {
		struct report_tape *t = &p->tapes[i];
		int64_t shift_ns = apart ? t->from_ns - p->axis.from_ns : 0;
		t->axis = p->axis;
		t->axis.from_ns += shift_ns;
		t->axis.to_ns += shift_ns;
		t->offset_s = offset_of(t->axis.from_ns, p->utc);
	}
}

/* ---- The file: it gets its name once it is complete */

static _Noreturn void
not_written(const char *path, const char *part)
{
	int error = errno;

	unlink(part);
	if (error == EEXIST)
		die(EXIT_USAGE, "%s: file exists (choose a new name)", path);
	die(EXIT_FAILED, "cannot write %s: %s", path, strerror(error));
}

/* Who may not read a recording may not read its page: recordings are private at first. */
static unsigned
mode_of(const struct report_page *p)
{
	unsigned mode = 0666;

	for (size_t i = 0; i < p->ntapes; i++)
		mode &= publish_mode(p->tapes[i].path);
	return p->baseline ? mode & publish_mode(p->baseline) : mode;
}

static void
write_file(const char *path, unsigned mode, const struct buf *b)
{
	char part[PUBLISH_PATH];

	if (out_is_stdout(path)) {
		output_write(b);
		return;
	}
	int fd = publish_begin(path, mode, part);
	if (fd < 0)
		die(EXIT_FAILED, "cannot write %s: %s", path, strerror(errno));
	bool written = write_whole(fd, b->s, b->n) == 0;
	if (close(fd) < 0 || !written || publish(part, path) < 0)
		not_written(path, part);
}

static void
check_output(const char *path)
{
	struct stat st;

	if (!path)
		die(EXIT_USAGE, "missing option: want -o FILE ('-o -' writes to stdout)");
	if (!out_is_stdout(path) && lstat(path, &st) == 0)
		die(EXIT_USAGE, "%s: file exists (choose a new name)", path);
}

/* ---- The command */

static void
free_tape(struct report_tape *t)
{
	for (size_t i = 0; i < t->nstrips; i++)
		strip_free(&t->strips[i]);
	for (size_t i = 0; i < t->nmarks; i++)
		free(t->marks[i].text);
	for (size_t i = 0; i < t->nnotes; i++)
		free(t->notes[i]);
	judged_free(&t->whole);
	for (size_t i = 0; i < t->nparts; i++)
		judged_free(&t->parts[i]);
}

static int
by_time(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return (x->real_ns > y->real_ns) - (x->real_ns < y->real_ns);
}

/* In the order of time, without those outside: a recording may name an earlier trigger. */
static void
sort_marks(struct report_tape *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->nmarks; i++)
		if (t->marks[i].real_ns >= t->from_ns && t->marks[i].real_ns <= t->to_ns)
			t->marks[n++] = t->marks[i];
		else
			free(t->marks[i].text);
	t->nmarks = n;
	if (n > 1)
		qsort(t->marks, n, sizeof *t->marks, by_time);
}

static void
take_changes(struct report_tape *t)
{
	for (size_t i = 0; i < t->nchanges; i++)
		if (t->nmarks < MARKS_MOST)
			t->marks[t->nmarks++] = t->changes[i];
		else
			free(t->changes[i].text);
	t->nchanges = 0;
}

struct judging {
	struct report_tape *tape;
	const struct options *options;
};

static void *
judge_beside(void *about)
{
	const struct judging *j = about;

	judge_tape(j->tape, j->options);
	return NULL;
}

/* The rules and the pictures read a recording independently: each on a CPU of its own. */
static void
draw_and_judge(struct report_tape *t, const struct options *o)
{
	struct judging j = { t, o };
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 4 << 20); /* musl gives 128 KB */
	bool beside = pthread_create(&thread, &attr, judge_beside, &j) == 0;
	pthread_attr_destroy(&attr);
	draw(t, o);
	if (beside)
		pthread_join(thread, NULL);
	else
		judge_tape(t, o);
}

static void
read_tapes(struct report_page *p, const struct options *o)
{
	for (size_t i = 0; i < p->ntapes; i++)
		scan(&p->tapes[i], o);
	set_axis(p);
	for (size_t i = 0; i < p->ntapes; i++) {
		draw_and_judge(&p->tapes[i], o);
		take_changes(&p->tapes[i]);
		sort_marks(&p->tapes[i]);
	}
}

/* ---- What is on the page */

static void
add_tape(struct report_page *p, const struct operand *word, const struct options *o)
{
	struct report_tape *t = &p->tapes[p->ntapes++];

	t->path = word->path;
	t->written = word->written;
	t->from = word->from;
	t->to = word->to;
	p->timed |= o->from.written || o->to.written || t->from.written || t->to.written;
	check_source(t);
}

/* A baseline can be compared, but has no pictures. */
static void
add_side(struct report_page *p, int side, const struct operand *word, const struct options *o)
{
	if (is_baseline(word->path)) {
		p->baseline = word->path;
		return;
	}
	add_tape(p, word, o);
	p->side[side] = &p->tapes[p->ntapes - 1];
}

static void
compare(struct report_page *p, const struct options *o, struct sides *s)
{
	const struct report_options *own = o->ask.options;

	operands_take(o, &own->at, &p->arena, &s->a, &s->b);
	add_side(p, 0, &s->a, o);
	add_side(p, 1, &s->b, o);
	if (p->ntapes == 0)
		die(EXIT_USAGE, "two baselines have no pictures (pq diff compares them)");
	operands_read(&s->a, &s->b, o, &s->from, &s->to);
	s->c.level = USUAL_LEVEL;
	s->c.least = USUAL_LEAST;
	comparison_make(&s->c, &s->from, &s->to);
	p->changes = &s->c;
}

static void
take_recordings(struct report_page *p, const struct options *o)
{
	for (int i = 0; i < o->words; i++) {
		struct operand word = operand_of(o->word[i], &p->arena);
		if (!*word.path)
			die(EXIT_USAGE, "'%s' names no recording", word.written);
		if (is_baseline(word.path))
			die(EXIT_USAGE,
			    "%s: a baseline has no pictures (--diff compares a recording with it)",
			    word.path);
		add_tape(p, &word, o);
	}
}

static void
free_sides(struct sides *s)
{
	comparison_free(&s->c);
	side_free(&s->from);
	side_free(&s->to);
}

static enum exit_status
report(const struct options *o)
{
	static struct sides sides;
	const struct report_options *own = o->ask.options;
	struct report_page p = { .utc = o->utc };
	size_t size =
	    ((size_t)o->words + 1) * sizeof *p.tapes; /* one may be compared with itself */
	struct buf b = { 0 };

	if (o->words == 0)
		die(EXIT_USAGE, "missing argument: want a recording, or several");
	check_output(own->out);
	p.tapes = memset(xmalloc(size), 0, size);
	if (own->diff || own->at.written)
		compare(&p, o, &sides);
	else
		take_recordings(&p, o);
	read_tapes(&p, o);
	page_print(&p, &b);
	write_file(own->out, mode_of(&p), &b);
	buf_free(&b);
	for (size_t i = 0; i < p.ntapes; i++)
		free_tape(&p.tapes[i]);
	free(p.tapes);
	free_sides(&sides);
	arena_free(&p.arena);
	return EXIT_DONE;
}

#define AT(member) offsetof(struct report_options, member)

static const struct option options[] = {
	{ 'o', NULL, "FILE", OPTION_PATH, AT(out), .want = "a file name",
	    .help = "write the page to FILE ('-': to stdout)", .writes = true },
	{ 0, "diff", NULL, OPTION_FLAG, AT(diff), .help = "begin with what changed from A to B" },
	{ 0, "at", "TIME", OPTION_WHEN, AT(at),
	    .help = "compare one recording before TIME with itself after it" },
	{ .type = OPTION_END },
};

const struct tool tool_report = {
	.name = "report",
	.brief = "a recording as one HTML file: verdict, pictures, figures",
	.usage = "FILE... -o FILE [options]",
	.examples = "  pq report spike.tape -o spike.html\n"
		    "  pq report ring.tape --from 17:10 --to 17:15 -g /web -o web.html\n"
		    "  pq report web1.tape web2.tape -o both.html   one below the other\n"
		    "  pq report --diff before.tape after.tape -o diff.html\n"
		    "  pq report --at 17:12 x.tape -o diff.html     before and after a change\n",
	.shared = (const struct option *const[]){ &option_from, &option_to, &option_pid,
	    &option_cgroup, NULL },
	.shared_help = { .pid = "only this process, its cgroup and the parents",
	    .cgroup = "only this cgroup and its parents: /web, or its directory" },
	.options = options,
	.options_size = sizeof(struct report_options),
	.command = report,
};
