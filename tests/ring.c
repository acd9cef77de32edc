/*
 * ring: what the rings of scheduler events hold, beside what the kernel counts.
 *
 *  ring check MODE N         two threads send each other N bytes in turn over pipes, on one CPU; then
 *                            other things happen. Says what is wrong, and ends with status 1.
 *  ring cost MODE N ROUNDS   CPU ns of such a round trip without the ring and with it, by the fastest of ROUNDS
 *  ring small MODE N         N round trips in rings of 256 events: the last ones are there
 *  ring alarm MODE           a thread waits too long for a CPU, twice: once without and once with -p
 *  ring race MODE            reads rings of 256 KiB while they are written
 *  ring hold MODE            records until it is killed
 *  ring read MODE BYTES MS   records for that time; how much there was, and how long reading takes
 *
 * MODE: bpf-btf, bpf-raw, bpf-tp or bpf.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bpf/switch_ring.h"

static int wrong;

static void __attribute__((format(printf, 2, 3))) check(bool holds, const char *fmt, ...)
{
	va_list ap;

	printf("%s ", holds ? "ok" : "WRONG");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	wrong |= !holds;
}

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "ring: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t
now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- The ring */

static void
cpus_in(const char *path, struct cpulist *out)
{
	struct buf b = { 0 };

	if (bpf_read_file(path, &b) < 0 || b.n == 0 ||
	    cpulist_parse((struct text){ b.s, b.n - 1 }, out) < 0)
		fail(path);
	buf_free(&b);
}

static enum bpf_mode
mode_of(const char *name)
{
	static const char *const names[] = { "bpf", "bpf-btf", "bpf-raw", "bpf-tp" };

	for (int m = MODE_ANY; m <= MODE_TP; m++)
		if (strcmp(name, names[m]) == 0)
			return (enum bpf_mode)m;
	errno = EINVAL;
	fail(name);
}

static struct switch_ring *
open_ring(const char *mode, uint64_t bytes, uint32_t tgid, uint64_t wait_over_ns)
{
	static struct cpulist online, possible;
	struct switch_ring_options o = {
		.mode = mode_of(mode), .bytes = bytes, .tgid = tgid, .wait_over_ns = wait_over_ns
	};
	struct switch_ring *r;
	struct bpf_why why;

	cpus_in("/sys/devices/system/cpu/online", &online);
	cpus_in("/sys/devices/system/cpu/possible", &possible);
	if (switch_ring_open(&r, &o, &online, &possible, &why) == 0)
		return r;
	fprintf(stderr, "ring: %s\n", why.text);
	exit(3);
}

static struct {
	struct sched_event *v;
	size_t n, room;
	uint64_t lost;
} all;

static void
on_event(void *ctx, const struct sched_event *e)
{
	(void)ctx;
	if (all.n == all.room) {
		all.room = all.room ? all.room * 2 : 1 << 16;
		all.v = realloc(all.v, all.room * sizeof *all.v);
		if (!all.v)
			fail("memory");
	}
	all.v[all.n++] = *e;
}

static void
on_loss(void *ctx, const struct switch_loss *l)
{
	(void)ctx;
	all.lost += l->lost;
}

static const struct switch_sink into_all = { NULL, on_event, on_loss };

static struct switch_ring_found
read_ring(struct switch_ring *r, uint64_t since_ns)
{
	struct switch_ring_found found;

	all.n = 0;
	all.lost = 0;
	switch_ring_read(r, since_ns, &into_all, &found);
	return found;
}

/* ---- The load: two threads on one CPU */

struct side {
	pthread_t thread;
	int in, out, cpu;
	bool first;
	uint64_t n;
	uint32_t tid;
	/* what the kernel had counted at end_ns */
	unsigned long voluntary, involuntary;
	uint64_t end_ns;
};

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) < 0)
		fail("sched_setaffinity");
}

static void
count(unsigned long *voluntary, unsigned long *involuntary)
{
	static const char *const keys[] = { "voluntary_ctxt_switches:",
		"nonvoluntary_ctxt_switches:" };
	struct buf b = { 0 };
	struct keyed v[2];

	if (bpf_read_file("/proc/thread-self/status", &b) < 0 ||
	    keyed_parse((struct text){ b.s, b.n }, keys, 2, v) < 2)
		fail("/proc/thread-self/status");
	*voluntary = v[0].v;
	*involuntary = v[1].v;
	buf_free(&b);
}

static void
play(const struct side *s)
{
	char c = 0;

	for (uint64_t i = 0; i < s->n; i++) {
		if (s->first && write(s->out, &c, 1) != 1)
			fail("write");
		if (read(s->in, &c, 1) != 1)
			fail("read");
		if (!s->first && write(s->out, &c, 1) != 1)
			fail("write");
	}
}

static void *
run_side(void *of)
{
	struct side *s = of;
	unsigned long voluntary, involuntary;

	s->tid = (uint32_t)syscall(SYS_gettid);
	pin(s->cpu);
	play(s);
	do {
		count(&s->voluntary, &s->involuntary);
		s->end_ns = now(CLOCK_BOOTTIME);
		count(&voluntary, &involuntary);
	} while (voluntary != s->voluntary || involuntary != s->involuntary);
	return NULL;
}

static int
last_cpu(void)
{
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof set, &set) < 0)
		fail("sched_getaffinity");
	while (!CPU_ISSET((size_t)cpu, &set))
		cpu--;
	return cpu;
}

static void
ping_pong(struct side side[2], int cpu, uint64_t n)
{
	int to[2], back[2];

	if (pipe(to) < 0 || pipe(back) < 0)
		fail("pipe");
	side[0] = (struct side){ .in = back[0], .out = to[1], .cpu = cpu, .n = n, .first = true };
	side[1] = (struct side){ .in = to[0], .out = back[1], .cpu = cpu, .n = n };
	for (int i = 0; i < 2; i++)
		if ((errno = pthread_create(&side[i].thread, NULL, run_side, &side[i])))
			fail("pthread_create");
	for (int i = 0; i < 2; i++)
		pthread_join(side[i].thread, NULL);
	for (int i = 0; i < 2; i++) {
		close(to[i]);
		close(back[i]);
	}
}

/* ---- check */

struct tally {
	unsigned long voluntary, involuntary, in, by_peer, by_others, by_main, by_irq, born, ended;
};

static void
tally_event(const struct sched_event *e, const struct side *s, uint32_t peer, struct tally *t)
{
	bool leaves = e->kind == SCHED_SWITCH && e->tid == s->tid;
	bool runnable = e->state == 'R' || e->state == SCHED_PREEMPTED;

	t->in += e->kind == SCHED_SWITCH && e->other == s->tid;
	t->voluntary += leaves && !runnable;
	t->involuntary += leaves && runnable;
	if (e->tid != s->tid)
		return;
	t->born += e->kind == SCHED_NEW && e->other == (uint32_t)getpid() && e->kin == SCHED_THREAD;
	if (e->kind != SCHED_WAKING)
		return;
	t->by_main += e->other == (uint32_t)getpid();
	t->by_peer += e->other == peer;
	t->by_others += e->other != peer && e->other != (uint32_t)getpid();
	t->by_irq += e->in_irq == 1;
}

static void
check_side(const struct side *s, uint32_t peer, const struct switch_ring_found *found)
{
	struct tally t = { 0 };

	for (size_t i = 0; i < all.n; i++) {
		if (all.v[i].at_ns < s->end_ns)
			tally_event(&all.v[i], s, peer, &t);
		t.ended += all.v[i].kind == SCHED_EXIT && all.v[i].tid == s->tid;
	}
	check(t.voluntary == s->voluntary, "voluntary switches of a thread: %lu, by /proc %lu",
	    t.voluntary, s->voluntary);
	check(t.involuntary == s->involuntary, "involuntary ones: %lu, by /proc %lu", t.involuntary,
	    s->involuntary);
	unsigned long out = t.voluntary + t.involuntary;
	check(
	    t.in <= out + 1 && t.in + found->unseen >= out + 1, "times it got the CPU: %lu", t.in);
	/* a thread that is about to sleep may be preempted, and is woken up nevertheless */
	unsigned long wakings = t.by_peer + t.by_others + t.by_main;
	check(wakings >= s->voluntary && wakings <= s->voluntary + s->involuntary &&
		t.by_others <= 1 && t.by_main <= 1 && t.by_irq == 0,
	    "wakings by the other one: %lu, by main: %lu, by another: %lu, by interrupts: %lu",
	    t.by_peer, t.by_main, t.by_others, t.by_irq);
	check(t.born == 1 && t.ended == 1, "it is born %lu times, and ends %lu times", t.born,
	    t.ended);
}

/* On each CPU: times rise, and who runs is who ran last. */
static void
check_order(const struct switch_ring_found *found)
{
	unsigned long back = 0, breaks = 0;
	const struct sched_event *last = NULL, *ran = NULL;

	for (size_t i = 0; i < all.n; i++) {
		const struct sched_event *e = &all.v[i];
		if (last && last->cpu == e->cpu)
			back += e->at_ns < last->at_ns;
		if (last && last->cpu != e->cpu)
			ran = NULL;
		last = e;
		if (e->kind == SCHED_EXEC && e->other != e->tid)
			ran = NULL; /* it has another number from now on */
		if (e->kind != SCHED_SWITCH)
			continue;
		breaks += ran && ran->other != e->tid;
		ran = e;
	}
	check(back == 0 && breaks == found->unseen,
	    "times that go back: %lu; switches that no program saw: %" PRIu64, back, found->unseen);
}

/* A thread that sleeps is woken up by a timer, unless it was too late for the sleep to begin. */
static void
check_timer(struct switch_ring *r)
{
	enum { TIMES = 20 };
	uint64_t since = now(CLOCK_BOOTTIME);
	unsigned long wakings = 0, irq = 0, unknown = 0, seen = 0;

	for (int i = 0; i < TIMES; i++)
		usleep(1000);
	read_ring(r, since);
	for (size_t i = 0; i < all.n; i++) {
		const struct sched_event *e = &all.v[i];
		if (e->kind != SCHED_WAKING || e->tid != (uint32_t)getpid())
			continue;
		wakings++;
		irq += e->in_irq == 1;
		unknown += e->in_irq == SCHED_IRQ_UNKNOWN;
		seen += e->to != SCHED_CPU_UNKNOWN;
	}
	check(wakings > TIMES / 2 && (switch_ring_knows_irq(r) ? irq : unknown) == wakings,
	    "wakings after a sleep: %lu, by interrupts %lu, unknown %lu", wakings, irq, unknown);
	check(seen == wakings, "CPUs known: %lu", seen);
}

struct life {
	unsigned long born, execs, ended, stopped;
};

static struct life
life_of(uint32_t tid)
{
	struct life l = { 0 };

	for (size_t i = 0; i < all.n; i++) {
		const struct sched_event *e = &all.v[i];
		if (e->tid != tid)
			continue;
		l.born += e->kind == SCHED_NEW && e->other == (uint32_t)getpid() &&
		    e->kin == SCHED_PROCESS;
		l.execs += e->kind == SCHED_EXEC && e->other == tid;
		l.ended += e->kind == SCHED_EXIT;
		l.stopped += e->kind == SCHED_SWITCH && e->state == 'X';
	}
	return l;
}

/* The last switch of the child may come after its parent has seen it end. */
static void
check_exec(struct switch_ring *r)
{
	uint64_t since = now(CLOCK_BOOTTIME);
	pid_t child = fork();
	struct life l = { 0 };

	if (child == 0) {
		execl("/proc/self/exe", "ring", "nothing", (char *)NULL);
		_exit(127);
	}
	waitpid(child, NULL, 0);
	for (int i = 0; i < 100 && l.stopped == 0; i++) {
		read_ring(r, since);
		l = life_of((uint32_t)child);
		usleep(10000);
	}
	check(l.born == 1 && l.execs == 1 && l.ended == 1 && l.stopped == 1,
	    "a process is born %lu times, runs another program %lu times, ends %lu times, stops "
	    "for "
	    "good %lu times",
	    l.born, l.execs, l.ended, l.stopped);
}

static void
check_migration(struct switch_ring *r)
{
	uint64_t since = now(CLOCK_BOOTTIME);
	int cpu = last_cpu();
	unsigned long there = 0;

	if (cpu == 0)
		return;
	pin(0);
	pin(cpu);
	read_ring(r, since);
	for (size_t i = 0; i < all.n; i++)
		there += all.v[i].kind == SCHED_MIGRATE && all.v[i].tid == (uint32_t)getpid() &&
		    all.v[i].to == (uint32_t)cpu;
	check(there == 1, "moves to CPU %d: %lu", cpu, there);
}

/* With -p there is only what concerns the process. */
static void
check_filter(const char *mode)
{
	struct switch_ring *r = open_ring(mode, 1 << 20, (uint32_t)getpid(), 0);
	unsigned long mine = 0, others = 0;

	for (int i = 0; i < 100; i++)
		usleep(1000);
	read_ring(r, 0);
	for (size_t i = 0; i < all.n; i++) {
		const struct sched_event *e = &all.v[i];
		bool me = e->tid == (uint32_t)getpid() ||
		    (e->kind == SCHED_SWITCH && e->other == (uint32_t)getpid());
		mine += me;
		others += !me;
	}
	check(mine >= 200 && (others == 0 || strcmp(switch_ring_mode(r), "bpf-tp") == 0),
	    "of one process: %lu events, of others %lu", mine, others);
	switch_ring_close(r);
}

/* The event of its end may come after a thread was joined. */
static struct switch_ring_found
read_ends(struct switch_ring *r, const struct side side[2])
{
	struct switch_ring_found found;
	int ends = 0;

	for (int tries = 0; ends < 2 && tries < 100; tries++) {
		usleep(10000);
		found = read_ring(r, 0);
		ends = 0;
		for (size_t i = 0; i < all.n; i++)
			ends += all.v[i].kind == SCHED_EXIT &&
			    (all.v[i].tid == side[0].tid || all.v[i].tid == side[1].tid);
	}
	return found;
}

/* An interrupt may take the slot of another event: one in 100,000 or so is lost. */
static bool
hardly_any_lost(const struct switch_ring_found *found)
{
	return found->lost == all.lost && found->lost <= 1 + found->events / 10000;
}

static int
check_all(const char *mode, uint64_t n)
{
	struct switch_ring *r = open_ring(mode, 64 << 20, 0, 0);
	struct side side[2];

	ping_pong(side, last_cpu(), n);
	struct switch_ring_found found = read_ends(r, side);
	printf("# %s, %zu events, interrupts %s\n", switch_ring_mode(r), all.n,
	    switch_ring_knows_irq(r) ? "known" : "unknown");
	check(found.events == all.n && hardly_any_lost(&found) &&
		(!found.missed.known || found.missed.v == 0),
	    "lost %" PRIu64 ", missed %" PRIu64 "%s", found.lost, found.missed.v,
	    found.missed.known ? "" : " (unknown)");
	check_order(&found);
	for (int i = 0; i < 2; i++)
		check_side(&side[i], side[1 - i].tid, &found);
	check_timer(r);
	check_exec(r);
	check_migration(r);
	switch_ring_close(r);
	check_filter(mode);
	return wrong;
}

static int
check_small(const char *mode, uint64_t n)
{
	struct switch_ring *r = open_ring(mode, 1, 0, 0);
	struct side side[2];
	uint64_t from_ns = UINT64_MAX, mine = 0;

	ping_pong(side, last_cpu(), n);
	struct switch_ring_found found = read_ring(r, 0);
	for (size_t i = 0; i < all.n; i++) {
		if (all.v[i].cpu != (uint32_t)side[0].cpu)
			continue;
		from_ns = all.v[i].at_ns < from_ns ? all.v[i].at_ns : from_ns;
		mine++;
	}
	check(found.lost == 0 && mine > 200 && mine < 256,
	    "the last %" PRIu64 " events are there, %" PRIu64 " lost", mine, found.lost);
	check(found.from_ns == from_ns, "from_ns is that of the first");
	check_order(&found);
	switch_ring_close(r);
	return wrong;
}

/* ---- alarm */

static volatile bool stop;

/* Has the CPU before all others, for 0.2 s at a time. */
static void *
hog(void *cpu)
{
	struct sched_param fifo = { .sched_priority = 1 };

	pin(*(int *)cpu);
	/* musl has no such function */
	if (syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &fifo) < 0)
		fail("sched_setscheduler");
	while (!stop) {
		uint64_t end = now(CLOCK_MONOTONIC) + 200000000;
		while (now(CLOCK_MONOTONIC) < end)
			;
		usleep(100000);
	}
	return NULL;
}

/* Sleeps and wakes up on the same CPU, whose number becomes its own. */
static void *
victim(void *cpu)
{
	pin(*(int *)cpu);
	__atomic_store_n((int *)cpu, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (!stop)
		usleep(1000);
	return NULL;
}

static struct switch_alarm
wait_for_alarm(struct switch_ring *r, uint32_t tid)
{
	struct pollfd p = { .fd = switch_ring_alarm_fd(r), .events = POLLIN };
	const uint64_t until = now(CLOCK_MONOTONIC) + 60000000000;
	struct switch_alarm a;

	while (now(CLOCK_MONOTONIC) < until && poll(&p, 1, 1000) >= 0)
		while (switch_ring_take_alarm(r, &a))
			if (a.tid == tid)
				return a;
	return (struct switch_alarm){ 0, 0, 0, 0 };
}

static void
alarm_once(const char *mode, uint32_t tgid)
{
	int cpu = last_cpu(), of_victim = cpu;
	pthread_t threads[2];
	struct switch_ring *r = open_ring(mode, 1 << 20, tgid, 60000000);
	struct pollfd p = { .fd = switch_ring_alarm_fd(r), .events = POLLIN };

	stop = false;
	uint64_t from =
	    now(CLOCK_BOOTTIME); /* on a slow machine it may wait before the hog is there */
	pthread_create(&threads[0], NULL, victim, &of_victim);
	while (
	    __atomic_load_n(&of_victim, __ATOMIC_ACQUIRE) == cpu) /* it has not said its number */
		usleep(1000);
	while (tgid && poll(&p, 1, 0) == 1) { /* of a machine that is busy */
		struct switch_alarm none;
		while (switch_ring_take_alarm(r, &none))
			;
	}
	pthread_create(&threads[1], NULL, hog, &cpu);
	struct switch_alarm a = wait_for_alarm(r, (uint32_t)of_victim);
	uint64_t at = now(CLOCK_BOOTTIME);
	stop = true;
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	check(a.wait_ns > 60000000 && a.wait_ns < at - from + 1000000000,
	    "a thread waits for 0.2 s: %.3f s are told", (double)a.wait_ns / 1e9);
	check(
	    a.at_ns > from && a.at_ns < at, "%.3f s after it ended", (double)(at - a.at_ns) / 1e9);
	switch_ring_close(r);
}

static int
check_alarm(const char *mode)
{
	alarm_once(mode, 0);
	alarm_once(mode, (uint32_t)getpid());
	return wrong;
}

/* ---- race */

static void *
talk(void *none)
{
	(void)none;
	while (!stop) {
		struct side side[2];
		ping_pong(side, last_cpu(), 20000);
	}
	return NULL;
}

/* Each event is there once, or counted as lost. */
static int
check_race(const char *mode)
{
	struct switch_ring *r = open_ring(mode, 1 << 18, 0, 0);
	uint64_t events = 0, lost = 0, back = 0;
	struct switch_ring_found found;
	pthread_t thread;

	stop = false;
	pthread_create(&thread, NULL, talk, NULL);
	for (int i = 0; i < 300; i++) {
		found = read_ring(r, 0);
		events += all.n;
		lost += all.lost;
		back += found.events != all.n || found.lost != all.lost;
		for (size_t k = 1; k < all.n; k++)
			back +=
			    all.v[k].cpu == all.v[k - 1].cpu && all.v[k].at_ns < all.v[k - 1].at_ns;
	}
	stop = true;
	pthread_join(thread, NULL);
	check(events > 0 && back == 0,
	    "%" PRIu64 " events read, %" PRIu64 " lost, %" PRIu64 " wrong", events, lost, back);
	switch_ring_close(r);
	return wrong;
}

/* ---- cost */

static double
trip_ns(int cpu, uint64_t n)
{
	struct side side[2];
	uint64_t from = now(CLOCK_PROCESS_CPUTIME_ID);

	ping_pong(side, cpu, n);
	return (double)(now(CLOCK_PROCESS_CPUTIME_ID) - from) / (double)n;
}

static int
by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static int
cost(const char *mode, uint64_t n, size_t rounds)
{
	double *without = calloc(rounds, sizeof *without), *with = calloc(rounds, sizeof *with);
	int cpu = last_cpu();

	for (size_t i = 0; i < rounds; i++) {
		without[i] = trip_ns(cpu, n);
		struct switch_ring *r = open_ring(mode, 64 << 20, 0, 0);
		with[i] = trip_ns(cpu, n);
		switch_ring_close(r);
	}
	qsort(without, rounds, sizeof *without, by_value);
	qsort(with, rounds, sizeof *with, by_value);
	printf(
	    "%s: CPU ns per round trip: least %.0f without, %.0f with, %+.0f; median %.0f, %.0f, "
	    "%+.0f\n",
	    mode, without[0], with[0], with[0] - without[0], without[rounds / 2], with[rounds / 2],
	    with[rounds / 2] - without[rounds / 2]);
	free(without);
	free(with);
	return 0;
}

static void
on_event_count(void *ctx, const struct sched_event *e)
{
	*(uint64_t *)ctx += e->at_ns;
}

static int
read_once(const char *mode, uint64_t bytes, unsigned ms)
{
	struct switch_ring *r = open_ring(mode, bytes, 0, 0);
	struct switch_ring_rate rate;
	struct switch_ring_found found;
	uint64_t sum = 0;
	struct switch_sink sink = { &sum, on_event_count, on_loss };

	usleep(ms * 1000);
	switch_ring_rate(r, &rate);
	uint64_t from = now(CLOCK_MONOTONIC);
	switch_ring_read(r, 0, &sink, &found);
	double took = (double)(now(CLOCK_MONOTONIC) - from) / 1e6;
	printf("%s: %.0f events/s, %" PRIu64 " bytes last %.1f s; read %" PRIu64
	       " events of %.2f s in %.1f ms, lost %" PRIu64 ", missed %" PRIu64 "\n",
	    switch_ring_mode(r), rate.per_s, rate.bytes, rate.lasts_s, found.events,
	    (double)(found.to_ns - found.from_ns) / 1e9, took, found.lost, found.missed.v);
	switch_ring_close(r);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "nothing") == 0)
		return 0;
	if (strcmp(what, "check") == 0 && argc == 4)
		return check_all(argv[2], strtoull(argv[3], NULL, 10));
	if (strcmp(what, "small") == 0 && argc == 4)
		return check_small(argv[2], strtoull(argv[3], NULL, 10));
	if (strcmp(what, "cost") == 0 && argc == 5)
		return cost(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
	if (strcmp(what, "read") == 0 && argc == 5)
		return read_once(argv[2], strtoull(argv[3], NULL, 10), (unsigned)atoi(argv[4]));
	if (strcmp(what, "alarm") == 0 && argc == 3)
		return check_alarm(argv[2]);
	if (strcmp(what, "race") == 0 && argc == 3)
		return check_race(argv[2]);
	if (strcmp(what, "hold") == 0 && argc == 3) {
		open_ring(argv[2], 1 << 20, 0, 0);
		printf("attached\n");
		fflush(stdout);
		pause();
	}
	fprintf(stderr, "usage: at the start of tests/ring.c\n");
	return 2;
}
