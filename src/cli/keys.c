#include "cli/keys.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static struct termios before;
static volatile sig_atomic_t changed, caught, stopping;

/* Only the foreground may touch the terminal: SIGTTOU or SIGTTIN would stop a background job. */
static bool
in_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void
keys_set_terminal(const struct termios *t)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN }, old;

	/* the foreground may change between the question and the call */
	sigaction(SIGTTOU, &ignore, &old);
	tcsetattr(STDIN_FILENO, TCSANOW, t);
	sigaction(SIGTTOU, &old, NULL);
}

static void
change(void)
{
	struct termios t;

	if (changed || stopping || !in_foreground() || tcgetattr(STDIN_FILENO, &t) < 0)
		return;
	before = t;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	changed = caught = 1;
	keys_set_terminal(&t);
}

void
keys_restore(void)
{
	int error = errno;

	if (changed && in_foreground())
		keys_set_terminal(&before);
	changed = 0;
	errno = error;
}

bool
keys_caught(void)
{
	return caught;
}

static void
on_death(int sig)
{
	keys_restore();
	raise(sig); /* its action is the default one again */
}

static void
on_stop(int sig)
{
	(void)sig;
	stopping = 1;
	keys_restore();
	raise(SIGSTOP);
}

static void
on_continue(int sig)
{
	int error = errno;

	(void)sig;
	stopping = 0;
	change();
	errno = error;
}

/* A shell sends no signal when it brings a running job to the foreground: this looks each second. */
static void *
read_keys(void *unused)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	const struct timespec pause = { 0, 500000000 };
	char key = 0;

	(void)unused;
	while (key != 'q' && key != 'Q') {
		key = 0;
		if (!changed || !in_foreground()) { /* keys are somebody else's */
			nanosleep(&pause, NULL);
			change();
		} else if (poll(&in, 1, 1000) > 0 && changed && in_foreground() &&
		    read(STDIN_FILENO, &key, 1) <= 0) {
			return NULL;
		}
	}
	kill(getpid(), SIGINT);
	return NULL;
}

/* Leaves an ignored signal ignored, as SIGHUP is under nohup. */
static void
handle(int sig, void (*handler)(int), int flags)
{
	struct sigaction new = { .sa_handler = handler, .sa_flags = flags }, old;

	sigfillset(&new.sa_mask);
	if (sigaction(sig, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
		sigaction(sig, &new, NULL);
}

void
keys_catch(void)
{
	static const int deaths[] = { SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	struct sigaction interrupt;
	sigset_t all, old;
	pthread_t thread;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) ||
	    sigaction(SIGINT, NULL, &interrupt) < 0 || interrupt.sa_handler == SIG_IGN)
		return;
	sigfillset(&all); /* signals are for the thread that sleeps until the next row */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int error = pthread_create(&thread, NULL, read_keys, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		return;
	pthread_detach(thread);
	atexit(keys_restore);
	for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++)
		handle(deaths[i], on_death, (int)SA_RESETHAND);
	handle(SIGTSTP, on_stop, SA_RESTART);
	handle(SIGCONT, on_continue, SA_RESTART);
	change();
}
