/* Where a thread waits: its system call, the function of the kernel in which it sleeps, and what
 * its descriptor leads to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proc/task.h"
#include "tools/wait/wait.h"

/* One that is too long keeps its end. */
static void
set(char *to, size_t room, struct text t)
{
	if (t.n < room)
		snprintf(to, room, "%.*s", (int)t.n, t.s);
	else
		snprintf(to, room, "...%.*s", (int)room - 4, t.s + t.n - (room - 4));
}

static enum wait_state
state_of(char letter)
{
	switch (letter) {
	case 'R':
		return WAIT_RUNNABLE;
	case 'T':
	case 't':
		return WAIT_STOPPED;
	case 'Z':
	case 'X':
	case 'x':
		return WAIT_ENDED;
	default:
		return WAIT_BLOCKED;
	}
}

/* glibc's mutexes wait with FUTEX_WAIT for a 2, and the kernel's own locks with LOCK_PI: somebody
 * holds them. All other waits on a futex may be those of a pool for work. linux/futex.h: the
 * operation is in the lower bits, 128 and 256 are flags. */
static bool
is_lock(const struct task_call *c)
{
	enum { FUTEX_WAIT = 0, FUTEX_LOCK_PI = 6, FUTEX_LOCK_PI2 = 13, FLAGS = 128 | 256 };
	uint64_t operation = c->arg[1] & ~(uint64_t)FLAGS;

	return operation == FUTEX_LOCK_PI || operation == FUTEX_LOCK_PI2 ||
	    (operation == FUTEX_WAIT && (uint32_t)c->arg[2] == 2);
}

/* What those calls sleep in, for where the call may not be seen. */
static bool
is_idle_function(const char *wchan)
{
	static const char *const names[] = {
		"futex_do_wait",
		"futex_wait_queue",
		"futex_wait_queue_me",
		"ep_poll",
		"do_epoll_wait",
		"poll_schedule_timeout",
		"do_poll",
		"do_select",
		"inet_csk_accept",
		"hrtimer_nanosleep",
		"do_nanosleep",
		"do_sigtimedwait",
		"sigsuspend",
		"do_wait",
		"__do_sys_pause",
		"sys_pause",
		"io_cqring_wait",
		"read_events",
		"wq_sleep",
		"do_msgrcv",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(wchan, names[i], strlen(names[i])) == 0 &&
		    (wchan[strlen(names[i])] == '\0' || wchan[strlen(names[i])] == '.'))
			return true;
	return false;
}

static void
say_why(struct watch *w, struct wait_thread *t, const char *file, int error)
{
	struct text text;

	if (error == EACCES || error == EPERM)
		watch_note(w,
		    "no permission to read /proc/PID/%s of some threads: their call, or where they "
		    "wait, is unknown (it takes the same user and ptrace access: CAP_SYS_PTRACE, "
		    "see kernel.yama.ptrace_scope)",
		    file);
	else if ((error == ENOENT || error == ENODATA || error == ENOSYS) &&
	    wait_thread_read(w, t, "/stat", &text) == 0)
		watch_note(w, "some threads have no /proc/PID/%s (%s): what it tells is unknown",
		    file, strerror(error));
}

/* A task of 32 bits has numbers of another table. */
static const char *
machine_of(const struct watch *w, const struct task_call *c)
{
	return c->sp >> 32 == 0 && c->pc >> 32 == 0 ? "" : w->host->facts.machine;
}

/* What the descriptor leads to that the call waits for. */
static void
read_target(struct watch *w, struct wait_thread *t, uint64_t fd)
{
	char name[24], path[64];
	struct text target;

	if (fd > INT32_MAX)
		return;
	snprintf(name, sizeof name, "/fd/%llu", (unsigned long long)fd);
	if (host_link(w->host, task_path(path, t->pid, t->tid, name), &target) == 0)
		set(t->place.where, sizeof t->place.where, target);
	else if (errno == EACCES || errno == EPERM) /* otherwise it was closed meanwhile */
		say_why(w, t, "fd", errno);
}

static void
read_call(struct watch *w, struct wait_thread *t)
{
	const uint64_t x32 = 0x40000000; /* __X32_SYSCALL_BIT */
	struct wait_place *p = &t->place;
	struct task_call c;
	struct text text;

	if (wait_thread_read(w, t, "/syscall", &text) < 0) {
		say_why(w, t, "syscall", errno);
		return;
	}
	if (task_call_parse(text, &c) < 0 || c.kind == CALL_RUNNING)
		return;
	if (c.kind == CALL_NONE) { /* a page fault, mostly */
		snprintf(p->call, sizeof p->call, "none");
		return;
	}
	syscall_name(machine_of(w, &c), c.number & ~x32, p->call);
	p->idle = syscall_is_idle(p->call) && !(strcmp(p->call, "futex") == 0 && is_lock(&c));
	if (syscall_takes_fd(p->call))
		read_target(w, t, c.arg[0]);
}

static void
read_wchan(struct watch *w, struct wait_thread *t)
{
	struct wait_place *p = &t->place;
	struct text text, name;

	if (wait_thread_read(w, t, "/wchan", &text) < 0)
		say_why(w, t, "wchan", errno);
	else if (task_wchan_parse(text, &name) == 0)
		set(p->wchan, sizeof p->wchan, name);
	if (!*p->call)
		p->idle |= is_idle_function(p->wchan);
	if (!*p->where) /* "do_wait.constprop.0": what the compiler adds to a function's name tells nothing */
		snprintf(p->where, sizeof p->where, "%.*s", (int)strcspn(p->wchan, "."), p->wchan);
}

bool
wait_place_read(struct watch *w, struct wait_thread *t)
{
	struct wait_place *p = &t->place;
	struct task_stat stat;
	struct text text;

	*p = (struct wait_place){ .state = WAIT_ENDED };
	if (wait_thread_read(w, t, "/stat", &text) < 0 || task_stat_parse(text, &stat) < 0)
		return false;
	t->cpu = stat.cpu.known ? stat.cpu.v : UINT64_MAX;
	p->state = state_of(stat.state);
	p->uninterruptible = stat.state == 'D';
	p->kernel = stat.kernel;
	set(t->comm, sizeof t->comm, stat.comm);
	t->ended = p->state == WAIT_ENDED;
	if (p->state == WAIT_RUNNABLE)
		snprintf(p->where, sizeof p->where, "cpu");
	if (p->state != WAIT_BLOCKED)
		return !t->ended;
	if (!stat.kernel)
		read_call(w, t);
	read_wchan(w, t);
	p->idle = (p->idle || stat.kernel) && !p->uninterruptible;
	return true;
}
