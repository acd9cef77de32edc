/* target: the process of -p: whether it has exited, is stopped, or ends while it is watched. Such a
 * process waits for nothing that the tools measure. */
#include "commands/why/why.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "proc/task.h"

/* Fields of /proc/PID/stat, by their numbers in proc(5). */
enum { PARENT = 4, EXIT_CODE = 52 };

static bool
read_stat(struct evidence *e, uint64_t pid, struct text *text, struct task_stat *stat)
{
	char path[64];

	return pid <= UINT32_MAX &&
	    host_read(e->session.host, task_path(path, (uint32_t)pid, 0, "/stat"), text) == 0 &&
	    task_stat_parse(*text, stat) == 0;
}

static const char *
name_of(struct evidence *e, struct keyed pid)
{
	struct task_stat stat;
	struct text text;

	return pid.known && read_stat(e, pid.v, &text, &stat) ? arena_copy(&e->arena, stat.comm) :
								NULL;
}

static struct keyed
tracer_of(struct evidence *e, uint64_t pid)
{
	static const char *const keys[] = { "TracerPid:" };
	struct keyed tracer = { .known = false };
	struct text text;
	char path[64];

	if (host_read(e->session.host, task_path(path, (uint32_t)pid, 0, "/status"), &text) == 0)
		keyed_parse(text, keys, 1, &tracer);
	tracer.known &= tracer.v != 0;
	return tracer;
}

/* A first thread that has exited is a zombie until the other threads have exited too. */
static bool
is_zombie(const struct task_stat *s)
{
	return s->state == 'Z' && !(s->threads.known && s->threads.v > 1);
}

/* The seconds since the process began; NaN if unknown. */
static double
age_of(struct evidence *e, struct keyed start)
{
	struct text text, word;
	double uptime;

	if (!start.known || host_read(e->session.host, "proc/uptime", &text) < 0 ||
	    !text_word(&text, &word) || text_decimal(word, &uptime) < 0)
		return NAN;
	return uptime - (double)start.v / (double)e->session.host->facts.ticks_per_s;
}

static void
begin_state(struct evidence *e, enum life state, struct text text)
{
	struct target_life *l = &e->life;
	struct keyed parent = task_stat_field(text, PARENT);

	l->code = task_stat_field(text, EXIT_CODE);
	l->state = state;
	if (state == LIFE_ZOMBIE) {
		l->other = parent;
		l->since_ns = e->session.now.mono_ns;
		l->age_s = age_of(e, l->start);
	} else {
		l->other = tracer_of(e, l->pid);
	}
	l->other_name = name_of(e, l->other);
}

void
target_look(struct evidence *e)
{
	struct target_life *l = &e->life;
	const int64_t now_ns = e->session.now.mono_ns;
	struct task_stat stat;
	struct text text;

	if (!e->about->pid || l->state == LIFE_ENDED ||
	    text_u64(text_of(e->about->pid), &l->pid) < 0)
		return;
	errno = 0;
	bool there = read_stat(e, l->pid, &text, &stat);
	if (!there && (!l->samples || (errno != ENOENT && errno != ESRCH)))
		return;
	if (!there || (l->samples && l->start.known && stat.start_ticks.v != l->start.v)) {
		l->reaped = l->state == LIFE_ZOMBIE;
		l->state = l->reaped ? l->state : LIFE_ENDED;
		l->since_ns = l->reaped ? l->since_ns : now_ns;
		return;
	}
	l->first_ns = l->samples++ ? l->first_ns : now_ns;
	l->start = stat.start_ticks;
	bool stops = stat.state == 'T' || stat.state == 't';
	l->stopped += stops;
	if (is_zombie(&stat) && l->state != LIFE_ZOMBIE)
		begin_state(e, LIFE_ZOMBIE, text);
	else if (stops && l->state == LIFE_RUNS)
		begin_state(e, LIFE_STOPPED, text);
}

static double
since_first_s(const struct target_life *l)
{
	return (double)(l->since_ns - l->first_ns) * 1e-9;
}

/* The field is as waitpid(2) has it. The kernel shows 0 to other users. */
static void
tell_exit(const struct target_life *l, struct finding *f)
{
	if (!l->code.known)
		return;
	if (l->code.v & 0x7f)
		finding_fact(f, "signal {} ended it", fixed((double)(l->code.v & 0x7f), 0));
	else if (l->code.v >> 8)
		finding_fact(f, "its exit status is {}", fixed((double)(l->code.v >> 8), 0));
}

static void
zombie(const struct evidence *e, struct findings *f)
{
	const struct target_life *l = &e->life;
	struct finding *one = finding_add(f, "zombie", VERDICT_WARNING, CONFIDENCE_HIGH, 1000,
	    "The process has exited: it is a zombie", NO_FIGURE);
	double after_s = since_first_s(l);

	if (after_s > 0)
		finding_fact(one, "it exited after {} s", fixed(after_s, 1));
	else
		finding_fact(one,
		    "it had exited before it was watched (state Z)[; it began {} before]",
		    seconds(l->age_s));
	tell_exit(l, one);
	finding_fact(one, "its parent {} (pid {}) has not waited for it", name(l->other_name),
	    fixed(l->other.known ? (double)l->other.v : NAN, 0));
	finding_advice(one,
	    "a zombie uses no CPU and no memory: look for the fault in its parent[; see: pq why -p "
	    "{}]",
	    fixed(l->other.known ? (double)l->other.v : NAN, 0));
}

/* The signal that stopped it has a place in stat since Linux 6.0. */
static void
stopped(const struct evidence *e, struct findings *f)
{
	const struct target_life *l = &e->life;
	struct finding *one = finding_add(f, "stopped", VERDICT_CRITICAL, CONFIDENCE_HIGH, 1000,
	    "The process is stopped", NO_FIGURE);

	finding_fact(one, "it was stopped in {} % of {} samples (state T)",
	    fixed(100.0 * l->stopped / l->samples, 0), fixed(l->samples, 0));
	finding_fact(one, "it is traced by {} (pid {})", name(l->other_name),
	    fixed(l->other.known ? (double)l->other.v : NAN, 0));
	if (l->code.known && l->code.v > 0 && l->code.v < 65)
		finding_fact(one, "signal {} stopped it", fixed((double)l->code.v, 0));
	if (l->other.known)
		finding_advice(
		    one, "end the debugger or tracer, or let it continue the process", NO_FIGURE);
	else
		finding_advice(one, "continue it: kill -CONT {}", name(e->about->pid));
}

static void
ended(const struct evidence *e, struct findings *f)
{
	struct finding *one = finding_add(f, "ended", VERDICT_WARNING, CONFIDENCE_HIGH, 1000,
	    "The process ended while it was watched", NO_FIGURE);

	finding_fact(one, "it ended after {} s", fixed(since_first_s(&e->life), 1));
	finding_advice(one,
	    "find out why it ended: its log, dmesg, the exit status in its supervisor; to watch it "
	    "from the start, use -g with its cgroup",
	    NO_FIGURE);
}

void
target_judge(const struct evidence *e, struct findings *f)
{
	const struct target_life *l = &e->life;

	if (l->state == LIFE_ZOMBIE)
		zombie(e, f);
	else if (l->state == LIFE_ENDED)
		ended(e, f);
	else if (l->state == LIFE_STOPPED && 2 * l->stopped > l->samples)
		stopped(e, f);
}
