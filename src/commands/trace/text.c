/*
 * text: pq trace text: a line for each time that a thread was on a CPU, when it ends: how long it was
 * blocked before, how long it waited for the CPU, how long it ran.
 *
 * A time is known only if the events on both sides of it are there, and none was lost between them.
 */
#include "commands/trace/trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "cli/open.h"
#include "cli/output.h"
#include "commands/saved_trace.h"

#define UNKNOWN UINT64_MAX

enum { TASK_WIDTH = 30, FIGURE_WIDTH = 9, WRITE_BYTES = 64 << 10 };

enum { LINE_MOST = 200 }; /* without the task */

/* A thread, by its number. */
struct task {
	uint32_t tid;
	bool used; /* the slot is */
	bool running, blocked, born;
	uint64_t off_ns;                   /* it stopped running then */
	uint64_t ready_ns;                 /* runnable since then */
	uint64_t woken_ns;                 /* it was woken while it ran */
	uint64_t wait, delay;              /* before the present run */
	const struct trace_thread *thread; /* whose number it is, until then */
	uint64_t until_ns;
	size_t label, label_n;               /* its text; 0: none yet */
	const struct trace_thread *labelled; /* that the text is of */
};

/* What runs on a CPU. */
struct cpu {
	uint32_t tid;
	uint64_t since_ns;
};

struct printing {
	const struct trace_file *t;
	const struct options *o;
	const struct trace_options *own;
	uint64_t pid; /* of -p; 0: not given */
	bool *chosen; /* by cgroup, those of -g; NULL: not given */
	bool within;  /* only what is in the window */
	struct span window;
	struct report times;
	int64_t clock_s; /* the second that the text is of */
	char clock[16];
	struct buf labels;
	struct task *tasks; /* open addressing; a power of two of slots */
	size_t ntasks, slots;
	struct cpu *cpus;
	struct trace_loss *losses; /* by from_ns */
	size_t begun;              /* so many of them began before the present event */
	uint64_t blind_ns;         /* the latest end of those */
	size_t marked;             /* so many marks are printed, or left out */
	struct buf out;
	uint64_t lines;
};

/* A line. */
struct stay {
	const struct sched_event *e;
	struct task *task;                 /* NULL: idle */
	const struct trace_thread *thread; /* NULL: unknown, or idle */
	uint64_t wait, delay, run;
};

/* ---- Threads */

static size_t
slot_of(const struct printing *p, uint32_t tid)
{
	size_t i = (size_t)(tid * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (p->slots - 1);

	while (p->tasks[i].used && p->tasks[i].tid != tid)
		i = (i + 1) & (p->slots - 1);
	return i;
}

static void
more_slots(struct printing *p)
{
	struct task *old = p->tasks;
	size_t slots = p->slots;

	p->slots = slots ? 2 * slots : 1024;
	p->tasks = xmalloc(p->slots * sizeof *p->tasks);
	memset(p->tasks, 0, p->slots * sizeof *p->tasks);
	for (size_t i = 0; i < slots; i++)
		if (old[i].used)
			p->tasks[slot_of(p, old[i].tid)] = old[i];
	free(old);
}

static void
forget(struct task *k)
{
	k->off_ns = k->ready_ns = k->woken_ns = k->wait = k->delay = UNKNOWN;
	k->running = k->blocked = k->born = false;
}

static struct task *
task_of(struct printing *p, uint32_t tid)
{
	if (2 * p->ntasks >= p->slots)
		more_slots(p);
	struct task *k = &p->tasks[slot_of(p, tid)];
	if (!k->used) {
		*k = (struct task){ .tid = tid, .used = true };
		forget(k);
		p->ntasks++;
	}
	return k;
}

/* The thread that has the number at that time. */
static const struct trace_thread *
thread_of(const struct printing *p, struct task *k, uint64_t at_ns)
{
	if (k->thread && at_ns < k->until_ns)
		return k->thread;
	k->thread = trace_find(p->t, k->tid, at_ns);
	const struct trace_thread *next = k->thread ? k->thread + 1 : NULL;
	bool again = next && next < p->t->threads + p->t->nthreads && next->tid == k->tid;
	k->until_ns = again ? next->start_ns : UNKNOWN;
	return k->thread;
}

/* ---- What the options select */

/* Whether --from and --to select that time. */
static bool
in_window(const struct printing *p, uint64_t at_ns)
{
	int64_t real_ns;

	if (!p->within)
		return true;
	return trace_real(p->t, at_ns, &real_ns) && real_ns >= p->window.from_ns &&
	    real_ns <= p->window.to_ns;
}

static bool
selected(const struct printing *p, const struct stay *s)
{
	uint32_t tid = s->e->tid, cgroup = s->thread ? s->thread->cgroup : TRACE_NO_CGROUP;

	if (p->pid && tid != p->pid && (!s->thread || s->thread->pid != p->pid))
		return false;
	if (p->chosen && (cgroup == TRACE_NO_CGROUP || !p->chosen[cgroup]))
		return false;
	if (p->own->slow_ns && (s->delay == UNKNOWN || s->delay < (uint64_t)p->own->slow_ns))
		return false;
	return in_window(p, s->e->at_ns);
}

/* ---- A line */

static int
digits_of(uint64_t v)
{
	int n = 1;

	for (; v >= 10; v /= 10)
		n++;
	return n;
}

/* The blanks before n characters that end a field of that width. */
static char *
put_blanks(char *to, int width, int n)
{
	for (; n < width; n++)
		*to++ = ' ';
	return to;
}

/* The time of day with microseconds; seconds after boot if the clock is unknown. */
static char *
put_time(struct printing *p, char *to, uint64_t at_ns)
{
	int64_t real_ns;

	if (!trace_real(p->t, at_ns, &real_ns)) {
		to = put_blanks(to, 8, digits_of(at_ns / 1000000000));
		to = put_digits(to, at_ns / 1000000000, 1);
		*to++ = '.';
		return put_digits(to, at_ns / 1000 % 1000000, 6);
	}
	if (real_ns / 1000000000 != p->clock_s) {
		p->clock_s = real_ns / 1000000000;
		clock_text(p->clock, &p->times, p->clock_s * 1000000000);
	}
	memcpy(to, p->clock, 8);
	to[8] = '.';
	return put_digits(to + 9, (uint64_t)(real_ns / 1000 % 1000000), 6);
}

/* "api-worker[101/100]", "api[100]", "<idle>"; "-" for what is unknown. */
static void
put_task(struct buf *b, uint32_t tid, const struct trace_thread *thread)
{
	size_t from = b->n;

	buf_printable(b, thread && *thread->comm ? thread->comm : "-");
	buf_char(b, '[');
	buf_u64(b, tid, 1);
	if (!thread || thread->pid == 0)
		buf_text(b, "/-");
	else if (thread->pid != tid) {
		buf_char(b, '/');
		buf_u64(b, thread->pid, 1);
	}
	buf_char(b, ']');
	buf_pad(b, b->n - from < TASK_WIDTH ? TASK_WIDTH - (b->n - from) : 0);
}

/* The same, padded; the text of a thread is kept. */
static struct text
label_of(struct printing *p, const struct stay *s)
{
	static const char idle[TASK_WIDTH + 1] = "<idle>                        ";
	struct task *k = s->task;

	if (!k)
		return (struct text){ idle, TASK_WIDTH };
	if (k->label_n == 0 || k->labelled != s->thread) {
		k->label = p->labels.n;
		put_task(&p->labels, k->tid, s->thread);
		k->label_n = p->labels.n - k->label;
		k->labelled = s->thread;
	}
	return (struct text){ p->labels.s + k->label, k->label_n };
}

/* Milliseconds with three digits. */
static char *
put_ms(char *to, uint64_t ns)
{
	uint64_t us = ns / 1000 + (ns % 1000 >= 500);

	*to++ = ' ';
	if (ns == UNKNOWN) {
		to = put_blanks(to, FIGURE_WIDTH, 1);
		*to++ = '-';
		return to;
	}
	to = put_blanks(to, FIGURE_WIDTH, digits_of(us / 1000) + 4);
	to = put_digits(to, us / 1000, 1);
	*to++ = '.';
	return put_digits(to, us % 1000, 3);
}

static void
put_text(struct printing *p, const struct stay *s)
{
	struct text label = label_of(p, s);
	char *from = buf_room(&p->out, label.n + LINE_MOST), *to = put_time(p, from, s->e->at_ns);

	*to++ = ' ';
	to = put_blanks(to, 3, digits_of(s->e->cpu));
	to = put_digits(to, s->e->cpu, 1);
	*to++ = ' ';
	memcpy(to, label.s, label.n);
	to = put_ms(to + label.n, s->wait);
	to = put_ms(to, s->delay);
	to = put_ms(to, s->run);
	*to++ = '\n';
	p->out.n += (size_t)(to - from);
}

static void
put_header(struct buf *b)
{
	buf_text(b,
	    "time            cpu task                           wait time sch delay  run time\n"
	    "                    [tid/pid]                           (ms)      (ms)      (ms)\n");
}

static void
put_key(struct buf *b, const char *key)
{
	buf_text(b, ",\"");
	buf_text(b, key);
	buf_text(b, "\":");
}

/* v / 10^digits with all its digits; null if it is unknown. */
static void
put_json_fixed(struct buf *b, const char *key, uint64_t v, uint64_t unit, int digits)
{
	put_key(b, key);
	if (v == UNKNOWN) {
		buf_text(b, "null");
		return;
	}
	buf_u64(b, v / unit, 1);
	buf_char(b, '.');
	buf_u64(b, v % unit, digits);
}

static void
put_json_number(struct buf *b, const char *key, uint64_t v)
{
	put_key(b, key);
	if (v == UNKNOWN)
		buf_text(b, "null");
	else
		buf_u64(b, v, 1);
}

static void
put_json(struct printing *p, const struct stay *s)
{
	struct buf *b = &p->out;
	uint32_t cgroup = s->thread ? s->thread->cgroup : TRACE_NO_CGROUP;
	const char *task = s->e->tid == 0 ? "<idle>" :
	    s->thread && *s->thread->comm ? s->thread->comm :
					    NULL;

	trace_json_begin(b, p->t, s->e->at_ns, &p->times);
	put_json_fixed(b, "boot_s", s->e->at_ns, 1000000000, 9);
	put_json_number(b, "cpu", s->e->cpu);
	buf_json_text(b, "task", task);
	put_json_number(b, "tid", s->e->tid);
	put_json_number(b, "pid", s->thread && s->thread->pid ? s->thread->pid : UNKNOWN);
	buf_json_text(b, "cgroup", cgroup == TRACE_NO_CGROUP ? NULL : p->t->cgroups[cgroup]);
	put_json_fixed(b, "wait_ms", s->wait, 1000000, 6);
	put_json_fixed(b, "delay_ms", s->delay, 1000000, 6);
	put_json_fixed(b, "run_ms", s->run, 1000000, 6);
	bool known = s->e->tid != 0 && s->e->state != SCHED_STATE_UNKNOWN;
	buf_json_text(b, "state", known ? (const char[]){ s->e->state, '\0' } : NULL);
	buf_text(b, "}\n");
}

static void
flush(struct printing *p)
{
	if (!output_write(&p->out))
		exit(EXIT_DONE);
	p->out.n = 0;
}

static void
put_line(struct printing *p, const struct stay *s)
{
	p->lines++;
	if (p->own->json)
		put_json(p, s);
	else
		put_text(p, s);
	if (p->out.n >= WRITE_BYTES)
		flush(p);
}

/* ---- Events */

/* What this CPU did while events were lost is unknown. */
static void
lose_cpu(struct printing *p, const struct trace_loss *l)
{
	if (l->cpu >= p->t->cpus || p->cpus[l->cpu].since_ns == UNKNOWN)
		return;
	uint32_t tid = p->cpus[l->cpu].tid;
	if (tid != 0 && tid != SCHED_TID_UNKNOWN)
		forget(task_of(p, tid));
	p->cpus[l->cpu].since_ns = UNKNOWN;
}

/* Takes notice of losses that began before the event. Until they end nothing is sure: any CPU may have
 * woken or run any thread. */
static void
take_losses(struct printing *p, uint64_t at_ns)
{
	for (; p->begun < p->t->nlosses && p->losses[p->begun].from_ns < at_ns; p->begun++) {
		const struct trace_loss *l = &p->losses[p->begun];
		p->blind_ns = l->to_ns > p->blind_ns ? l->to_ns : p->blind_ns;
		lose_cpu(p, l);
	}
}

/* A time that is not followed by a loss before at_ns; else UNKNOWN. */
static uint64_t
sure(const struct printing *p, uint64_t ns, uint64_t at_ns)
{
	uint64_t blind = p->blind_ns < at_ns ? p->blind_ns : at_ns;

	return ns != UNKNOWN && ns >= blind ? ns : UNKNOWN;
}

static void
begin_run(struct printing *p, struct task *k, uint64_t at_ns)
{
	uint64_t off = sure(p, k->off_ns, at_ns), ready = sure(p, k->ready_ns, at_ns);

	k->delay = ready == UNKNOWN ? UNKNOWN : at_ns - ready;
	k->wait = ready == UNKNOWN ? UNKNOWN : k->born ? 0 : off == UNKNOWN ? UNKNOWN : ready - off;
	k->ready_ns = k->woken_ns = UNKNOWN;
	k->running = true;
	k->blocked = k->born = false;
}

/* If it was woken just before it stopped, it blocked for no time. If that waking had only kept it from
 * blocking earlier, another will follow. */
static void
end_run(struct task *k, const struct sched_event *e)
{
	bool ended = e->state == 'X' || e->state == 'Z';

	k->blocked = e->state != SCHED_PREEMPTED && e->state != 'R';
	k->off_ns = ended ? UNKNOWN : e->at_ns;
	k->ready_ns = !k->blocked || k->woken_ns != UNKNOWN ? k->off_ns : UNKNOWN;
	k->wait = k->delay = k->woken_ns = UNKNOWN;
	k->running = false;
}

/* The thread of e->tid stops. */
static void
take_stop(struct printing *p, const struct sched_event *e)
{
	const struct cpu *c = &p->cpus[e->cpu];
	struct stay s = { .e = e, .wait = UNKNOWN, .delay = UNKNOWN, .run = UNKNOWN };
	bool known = c->since_ns != UNKNOWN && c->tid == e->tid;

	if (known)
		s.run = e->at_ns - c->since_ns;
	if (e->tid != 0) {
		struct task *k = task_of(p, e->tid);
		s.task = k;
		s.thread = thread_of(p, k, e->at_ns);
		s.wait = known ? k->wait : UNKNOWN;
		s.delay = known ? k->delay : UNKNOWN;
		end_run(k, e);
	}
	if (selected(p, &s))
		put_line(p, &s);
}

static void
take_switch(struct printing *p, const struct sched_event *e)
{
	if (e->tid != SCHED_TID_UNKNOWN)
		take_stop(p, e);
	if (e->other != 0 && e->other != SCHED_TID_UNKNOWN)
		begin_run(p, task_of(p, e->other), e->at_ns);
	p->cpus[e->cpu] = (struct cpu){ e->other, e->at_ns };
}

/* The last waking counts: a thread that is runnable already is not woken again. */
static void
take_waking(struct printing *p, const struct sched_event *e)
{
	struct task *k = task_of(p, e->tid);

	if (k->running)
		k->woken_ns = e->at_ns;
	else if (k->blocked || k->off_ns == UNKNOWN)
		k->ready_ns = e->at_ns;
}

static void
take_new(struct printing *p, const struct sched_event *e)
{
	struct task *k = task_of(p, e->tid);

	forget(k);
	k->born = true;
	k->ready_ns = e->at_ns;
}

static void
take_event(struct printing *p, const struct sched_event *e)
{
	take_losses(p, e->at_ns);
	if (e->kind == SCHED_SWITCH)
		take_switch(p, e);
	else if (e->kind == SCHED_WAKING)
		take_waking(p, e);
	else if (e->kind == SCHED_NEW)
		take_new(p, e);
}

/* Prints the marks up to that time, among the lines. JSON has them in pq trace info. */
static void
put_marks(struct printing *p, uint64_t at_ns)
{
	const struct trace_file *t = p->t;

	for (; p->marked < t->nmarks && t->marks[p->marked].at_ns <= at_ns; p->marked++) {
		const struct trace_mark *m = &t->marks[p->marked];
		if (p->own->json || !in_window(p, m->at_ns))
			continue;
		char *from = buf_room(&p->out, LINE_MOST);
		p->out.n += (size_t)(put_time(p, from, m->at_ns) - from);
		buf_text(&p->out, "     ");
		buf_printable(&p->out, m->words);
		buf_char(&p->out, '\n');
	}
}

/* ---- A whole trace */

static int
compare_losses(const void *a, const void *b)
{
	const struct trace_loss *x = a, *y = b;

	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static void
begin(struct printing *p)
{
	const struct trace_file *t = p->t;

	p->losses = xmalloc((t->nlosses + 1) * sizeof *p->losses);
	if (t->nlosses > 0)
		memcpy(p->losses, t->losses, t->nlosses * sizeof *p->losses);
	qsort(p->losses, t->nlosses, sizeof *p->losses, compare_losses);
	p->cpus = xmalloc((t->cpus + 1) * sizeof *p->cpus);
	for (uint32_t i = 0; i < t->cpus; i++)
		p->cpus[i] = (struct cpu){ 0, UNKNOWN };
	if (!p->own->json)
		put_header(&p->out);
}

static void
end(struct printing *p, const char *path)
{
	flush(p);
	if (p->lines == 0)
		warn("%s: no thread left a CPU%s", path,
		    p->pid || p->chosen || p->own->slow_ns || p->o->from.written ||
			    p->o->to.written ?
			", of what the options select" :
			"");
	buf_free(&p->out);
	buf_free(&p->labels);
	free(p->tasks);
	free(p->cpus);
	free(p->losses);
	free(p->chosen);
}

enum exit_status
trace_text(const struct options *o, const char *path, const struct trace_file *t)
{
	struct printing p = {
		.t = t, .o = o, .own = o->ask.options, .times = { .utc = o->utc, .fractions = true }
	};
	const struct sched_event *e;

	if (o->ask.target.pid)
		text_u64(text_of(o->ask.target.pid), &p.pid);
	if (o->ask.target.cgroup)
		p.chosen = saved_trace_cgroups(t, path, o->ask.target.cgroup);
	p.within = trace_window(o, path, t, &p.window);
	begin(&p);
	struct trace_cursor *c = trace_begin(t, 0, UINT64_MAX);
	while ((e = trace_next(c))) {
		if (p.marked < t->nmarks)
			put_marks(&p, e->at_ns);
		take_event(&p, e);
	}
	trace_end(c);
	put_marks(&p, UINT64_MAX);
	end(&p, path);
	return EXIT_DONE;
}
