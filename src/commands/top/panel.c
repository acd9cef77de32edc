#include "commands/top/panel.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/spark.h"
#include "base/units.h"

enum { SECOND_NS = 1000000000 };

/* From where on a figure is drawn as high and as very high; `full` is that of a whole bar. `per_cpu`:
 * a whole bar is so much for each CPU, and `limits_per_cpu`: the other two are. */
static const struct {
	const char *name;
	double high, very_high, full;
	bool per_cpu, limits_per_cpu;
} meters[METERS] = {
	[METER_CPU] = { "CPU", 100 - IDLE_LOW, 100 - IDLE_VERY_LOW, 100, false, false },
	[METER_QUEUE] = { "waiting", WAITING_HIGH, WAITING_VERY_HIGH, 1, true, true },
	[METER_THROTTLED] = { "throttled", HELD_HIGH, HELD_VERY_HIGH, 1, true, false },
	[METER_MEMORY] = { "memory", HARD_PCT_HIGH, HARD_PCT_VERY_HIGH, 100, false, false },
	[METER_PRESSURE] = { "pressure", CPU_SOME_HIGH, CPU_SOME_VERY_HIGH, 100, false, false },
	[METER_SOCKETS] = { "sockets", ACCEPT_PCT_HIGH, ACCEPT_PCT_VERY_HIGH, 100, false, false },
	[METER_DISKS] = { "disks", UTIL_HIGH, UTIL_VERY_HIGH, 100, false, false },
};

/* ---- The figures of a row */

static double
not_negative(double x)
{
	return x < 0 ? 0 : x;
}

/* Words with figures; "-" if the figures are unknown. */
#define SAY(p, meter, words, ...) say(p, meter, SENTENCE(words, __VA_ARGS__))

static void
say(struct panel *p, enum meter m, const char *words, const struct figure *figures, size_t n)
{
	struct buf b = { 0 };
	char *out = p->words[m];

	if (!sentence_put(&b, words, figures, n))
		buf_char(&b, '-');
	size_t room = METER_WORDS - 1, kept = b.n < room ? b.n : room;
	memcpy(out, b.s, kept);
	while (kept > 0 && kept < b.n && ((unsigned char)b.s[kept] & 0xc0) == 0x80)
		kept--;
	out[kept] = '\0';
	buf_free(&b);
}

static double
take_cpu(struct panel *p, const struct evidence *e)
{
	size_t all = evidence_all_cpus(e);
	double busy = evidence_busy(e, all), cpus = evidence_cpus(e);

	p->cpus = cpus;
	SAY(p, METER_CPU, "{} % of {} CPU{}[, steal {} %]", fixed(busy, 1), fixed(cpus, 0),
	    EITHER(cpus == 1, "", "s"),
	    fixed(cpu_num(e->cpus, all, CPU_STEAL) >= 0.5 ? cpu_num(e->cpus, all, CPU_STEAL) : NAN,
		0));
	return busy;
}

static double
take_queue(struct panel *p, const struct evidence *e)
{
	double waiting = evidence_waiting(e);

	if (isnan(runq_num(e->runq, 0, RUNQ_WAITING))) /* an estimate */
		SAY(p, METER_QUEUE, "~{} tasks[, run queue {}]", fixed(waiting, 1),
		    fixed(runq_num(e->runq, 0, RUNQ_SZ), 1));
	else
		SAY(p, METER_QUEUE, "{} tasks[, run queue {}]", fixed(waiting, 2),
		    fixed(runq_num(e->runq, 0, RUNQ_SZ), 1));
	return waiting;
}

/* The worst cgroup: those of several levels are not added up, as a parent's may be its child's. */
static double
take_throttled(struct panel *p, const struct evidence *e)
{
	size_t worst = throttle_most(e->throttle, THROTTLE_HELD);
	double held = throttle_num(e->throttle, worst, THROTTLE_HELD);

	if (e->throttle.of->taken == 2 && throttle_count(e->throttle) == 0) {
		snprintf(p->words[METER_THROTTLED], METER_WORDS, "no CPU quota");
		return 0;
	}
	SAY(p, METER_THROTTLED, "{} CPUs held[ {}]", fixed(held, 2),
	    name(held > 0 ? throttle_brief(e->throttle, worst, THROTTLE_CGROUP) : ""));
	return held;
}

static double
take_memory(struct panel *p, const struct evidence *e)
{
	size_t worst = mem_most(e->mem, MEM_HARD_PCT);
	double hard_pct = mem_num(e->mem, worst, MEM_HARD_PCT);

	SAY(p, METER_MEMORY, "{} % of {}[ {}]", fixed(hard_pct, 0),
	    bytes(mem_num(e->mem, worst, MEM_LIMIT)), name(mem_brief(e->mem, worst, MEM_CGROUP)));
	return hard_pct;
}

static double
take_pressure(struct panel *p, const struct evidence *e)
{
	double cpu = psi_num(e->psi, 0, PSI_CPU_SOME), memory = psi_num(e->psi, 0, PSI_MEMORY_SOME),
	       io = psi_num(e->psi, 0, PSI_IO_SOME);

	SAY(p, METER_PRESSURE, "cpu {} mem {} I/O {} %", fixed(cpu, 0), fixed(memory, 0),
	    fixed(io, 0));
	return fmax(fmax(cpu, memory), io);
}

/* The accept queue that is nearest to its limit. */
static double
fullest_queue(const struct evidence *e)
{
	double most = sock_count(e->sock) > 0 ? 0 : NAN;

	for (size_t i = 0; i < sock_count(e->sock); i++) {
		double share =
		    100 * sock_num(e->sock, i, SOCK_ACCEPT) / sock_num(e->sock, i, SOCK_CAP);
		most = isnan(share) ? most : fmax(most, share);
	}
	return most;
}

static double
take_sockets(struct panel *p, const struct evidence *e)
{
	double full = fullest_queue(e), unread = sock_num(e->sock, 0, SOCK_RECV),
	       lost = sock_num(e->sock, 0, SOCK_OVERFLOW),
	       retrans = sock_num(e->sock, 0, SOCK_RETRANS);

	SAY(p, METER_SOCKETS, "accept {} %[, {} unread][, lost {}/s][, retr {}/s]", fixed(full, 0),
	    bytes(unread > 0 ? unread : NAN), fixed(lost > 0 ? lost : NAN, 1), fixed(retrans, 1));
	return full;
}

static double
take_disks(struct panel *p, const struct evidence *e)
{
	size_t worst = disk_most(e->disks, DISK_UTIL);
	double util = disk_num(e->disks, worst, DISK_UTIL);

	if (e->disks.of->taken == 2 && disk_count(e->disks) == 0) {
		snprintf(p->words[METER_DISKS], METER_WORDS, "idle");
		return 0;
	}
	SAY(p, METER_DISKS, "{} % {}[, queue {}][, r {} ms][, w {} ms]", fixed(util, 1),
	    name(disk_text(e->disks, worst, DISK_NAME)),
	    fixed(disk_num(e->disks, worst, DISK_AQU_SZ), 1),
	    fixed(disk_num(e->disks, worst, DISK_R_AWAIT), 1),
	    fixed(disk_num(e->disks, worst, DISK_W_AWAIT), 1));
	return util;
}

/* ---- The verdict */

/* One finding has room for its evidence, several have it only in the details. */
static void
keep_verdict(struct panel *p, const struct findings *f)
{
	struct buf b = { 0 };

	p->severity = f->v[0].severity;
	p->verdict_ns = p->mono_ns;
	for (size_t i = 0; i < f->n; i++) {
		buf_text(&b, i > 0 ? "; also: " : "");
		buf_text(&b, f->v[i].what);
	}
	if (f->n == 1 && f->v[0].nfacts > 0) {
		buf_text(&b, ": ");
		buf_text(&b, f->v[0].facts[0]);
	}
	buf_char(&b, '\0');
	snprintf(p->verdict, sizeof p->verdict, "%s", b.s);
	buf_free(&b);
}

static void
say_nothing_found(struct panel *p, const struct evidence *e)
{
	struct buf b = { 0 };
	int n = 0;

	p->severity = p->now;
	p->verdict_ns = p->mono_ns;
	if (p->now == VERDICT_OK) {
		snprintf(p->verdict, sizeof p->verdict, "no long queue, no throttling");
		return;
	}
	for (enum question q = 0; q < QUESTIONS; q++)
		if (q != ASKS_TARGET && !evidence_answers(e, q) && evidence_needs(e, q)) {
			buf_text(&b, n++ ? ", " : "");
			buf_text(&b, question_name(q));
		}
	buf_char(&b, '\0');
	snprintf(p->verdict, sizeof p->verdict, "no figures of: %s", b.s);
	buf_free(&b);
}

/* A finding of the last few seconds stays until there is another one: nobody reads in a second. */
static void
judge(struct panel *p, const struct evidence *e)
{
	enum { LASTS_S = 5 };
	struct findings f = { .n = 0 };

	causes_find(e, &f);
	p->now = findings_verdict(&f, e);
	int64_t age_ns = p->mono_ns - p->verdict_ns; /* negative after a reboot */
	bool recent = (p->severity == VERDICT_WARNING || p->severity == VERDICT_CRITICAL) &&
	    age_ns >= 0 && age_ns < LASTS_S * (int64_t)SECOND_NS;
	if (f.n > 0)
		keep_verdict(p, &f);
	else if (!recent)
		say_nothing_found(p, e);
	findings_free(&f);
}

/* Later rows are compared with the wall clock as it runs now. */
static void
take_step(struct panel *p, const struct sample *from, const struct sample *now)
{
	int64_t step_ns = sample_ahead_ns(now) - sample_ahead_ns(from);

	if (llabs(step_ns) <= CLOCK_STEP_NS)
		return;
	p->step_ns = step_ns;
	p->stepped_ns = now->mono_ns;
}

void
panel_take(struct panel *p, const struct evidence *e, const struct sample *from)
{
	static double (*const take[METERS])(struct panel *, const struct evidence *) = {
		[METER_CPU] = take_cpu,
		[METER_QUEUE] = take_queue,
		[METER_THROTTLED] = take_throttled,
		[METER_MEMORY] = take_memory,
		[METER_PRESSURE] = take_pressure,
		[METER_SOCKETS] = take_sockets,
		[METER_DISKS] = take_disks,
	};
	struct panel_row *row = &p->rows[p->taken++ % HISTORY_MOST];

	const struct sample *now = &e->session.now;
	*row = (struct panel_row){ now->real_ns - (now->mono_ns - from->mono_ns), now->real_ns,
		{ 0 } };
	p->real_ns = now->real_ns;
	p->mono_ns = now->mono_ns;
	take_step(p, from, now);
	for (int m = 0; m < METERS; m++)
		row->value[m] = not_negative(take[m](p, e));
	judge(p, e);
}

/* ---- Drawing */

static double
times_cpus(const struct panel *p, bool per_cpu)
{
	return per_cpu && p->cpus >= 1 ? p->cpus : 1;
}

static unsigned
colour_of(const struct panel *p, enum meter m, double value)
{
	double scale = times_cpus(p, meters[m].limits_per_cpu);

	return value >= meters[m].very_high * scale ? STYLE_RED :
	    value >= meters[m].high * scale         ? STYLE_YELLOW :
	    value > 0                               ? STYLE_GREEN :
						      STYLE_PLAIN;
}

static const struct panel_row *
row_at(const struct panel *p, uint64_t back)
{
	return &p->rows[(p->taken - 1 - back) % HISTORY_MOST];
}

/* The part of a whole bar: 1 and more is full. */
static double
part_of(const struct panel *p, enum meter m, double value)
{
	return value / (meters[m].full * times_cpus(p, meters[m].per_cpu));
}

static void
draw_bar(const struct panel *p, struct frame *f, enum meter m, int width)
{
	double value = row_at(p, 0)->value[m], part = part_of(p, m, value);
	int full = isnan(part) ? 0 : (int)fmin(ceil(part * width), width);

	frame_text(f, "[");
	f->style = colour_of(p, m, value);
	for (int i = 0; i < width; i++)
		frame_text(f, i < full ? "|" : " ");
	f->style = STYLE_PLAIN;
	frame_text(f, "]");
}

/* The largest value of the rows that overlap this time; NaN: there is none. */
static double
most_between(const struct panel *p, enum meter m, int64_t from_ns, int64_t to_ns)
{
	uint64_t n = p->taken < HISTORY_MOST ? p->taken : HISTORY_MOST;
	double most = NAN;

	for (uint64_t back = 0; back < n; back++) {
		const struct panel_row *row = row_at(p, back);
		if (row->to_ns <= from_ns)
			break;
		if (row->from_ns < to_ns && (isnan(most) || row->value[m] > most))
			most = row->value[m];
	}
	return most;
}

/* The columns stand for equal parts of a minute. They begin at multiples of these, so that they only move
 * when a new one begins. A part without a row stays empty. */
static void
draw_spark(const struct panel *p, struct frame *f, enum meter m, int columns)
{
	int64_t each_ns = 60 * (int64_t)SECOND_NS / columns,
		end_ns = (row_at(p, 0)->to_ns + each_ns - 1) / each_ns * each_ns;

	for (int i = 0; i < columns; i++) {
		int64_t from_ns = end_ns - (columns - i) * each_ns;
		double value = most_between(p, m, from_ns, from_ns + each_ns);
		f->style = isnan(value) ? STYLE_PLAIN : colour_of(p, m, value);
		frame_text(f, spark_cell(part_of(p, m, value), f->utf8));
	}
	f->style = STYLE_PLAIN;
}

static void
draw_meter(const struct panel *p, struct frame *f, enum meter m, int line)
{
	enum { NAME = 10, BAR = 8, WORDS_LEAST = 26 };
	int columns = f->width >= 112 ? 60 : f->width >= 80 ? 30 : 0;
	int words = f->width - NAME - (f->width >= 48 ? BAR + 3 : 0) - (columns ? columns + 1 : 0);

	frame_at(f, line, 0, STYLE_CYAN);
	frame_text(f, meters[m].name);
	frame_at(f, line, NAME, STYLE_PLAIN);
	if (f->width >= 48) {
		draw_bar(p, f, m, BAR);
		frame_text(f, " ");
	}
	frame_cut(f, p->words[m], words);
	if (!columns)
		return;
	f->column = f->width - columns;
	draw_spark(p, f, m, columns);
}

/* Draws the text from here on, folded into the lines up to `last`. What does not fit there is cut. A word that does
 * not fit beside the words before the text goes to the next line. */
static void
draw_folded(struct frame *f, const char *text, int last)
{
	enum { INDENT = 2 };

	while (f->line < last && frame_columns(f, text) > f->width - f->column) {
		size_t n = frame_fit(f, text, f->width - f->column);
		if (f->column > INDENT && text[n] != ' ' && text[n - 1] != ',')
			n = 0;
		struct buf part = { 0 };
		buf_add(&part, text, n);
		buf_char(&part, '\0');
		frame_text(f, part.s);
		buf_free(&part);
		text += n + strspn(text + n, " ");
		frame_at(f, f->line + 1, INDENT, f->style);
	}
	frame_cut(f, text, f->width);
}

/* A verdict has up to about 120 columns, its main words first. A narrow screen has two or three lines for it, whether
 * this one needs them or not, so that the lines below keep their places. */
int
panel_verdict_lines(int width, int height)
{
	enum { COLUMNS = 120, NARROW = 80, HEIGHT_LEAST = 12, HEIGHT_USUAL = 16 };
	int n = (COLUMNS + width - 1) / width, most = height < HEIGHT_USUAL ? 2 : 3;

	return width >= NARROW || height < HEIGHT_LEAST ? 1 : n < most ? n : most;
}

static void
draw_verdict(const struct panel *p, struct frame *f, int line, int lines)
{
	static const char *const names[] = { "OK", "WARNING", "CRITICAL", "UNKNOWN" };
	static const unsigned styles[] = { STYLE_GREEN, STYLE_YELLOW, STYLE_RED, STYLE_YELLOW };
	int64_t age_s = p->taken ? (p->mono_ns - p->verdict_ns) / SECOND_NS : 0;
	char ago[32] = "";

	frame_at(f, line, 0, STYLE_BOLD | styles[p->severity]);
	if (age_s > 0)
		snprintf(ago, sizeof ago, " (%d s ago)", (int)age_s);
	frame_text(f, names[p->severity]);
	frame_text(f, ago);
	f->style = STYLE_PLAIN;
	frame_text(f, " ");
	draw_folded(f, p->verdict, line + lines - 1);
}

bool
panel_clock(const struct panel *p, char *out, size_t n)
{
	int64_t age_ns = p->mono_ns - p->stepped_ns; /* negative after a reboot */
	char text[HUMAN_MOST];

	if (p->step_ns == 0 || age_ns < 0 || age_ns >= 60 * (int64_t)SECOND_NS)
		return false;
	snprintf(out, n, "clock set %s by %s", p->step_ns < 0 ? "back" : "forward",
	    human_duration(fabs((double)p->step_ns) * 1e-9, text));
	return true;
}

int
panel_draw(const struct panel *p, struct frame *f, int line, bool whole)
{
	int n = panel_verdict_lines(f->width, f->height),
	    most = whole ? METERS : f->height - 10 - n;

	if (p->taken == 0) {
		frame_at(f, line, 0, STYLE_PLAIN);
		frame_text(f, "waiting for the first row");
		return 1;
	}
	draw_verdict(p, f, line, n);
	for (int m = 0; m < METERS && m < most; m++, n++)
		draw_meter(p, f, (enum meter)m, line + n);
	return n;
}
