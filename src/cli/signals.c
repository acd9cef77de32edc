#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/keys.h"

/* Not the bits of one flag: setting one of them could lose another. */
static void (*at_stop)(void);
static volatile sig_atomic_t stop, urged, resized, asked, woken;

/* The alarm interrupts a sleep that began just after the signal, or a write whose reader has
 * stopped reading. */
static void
on_signal(int sig)
{
	if (sig == SIGWINCH) {
		resized = woken = 1;
		return;
	}
	if (sig == SIGUSR1) {
		asked = 1;
		return;
	}
	if (sig == SIGALRM)
		urged = 1;
	keys_restore(); /* a second signal kills */
	if (at_stop)
		at_stop();
	stop = 1;
	alarm(1);
}

static void
on_child(int sig)
{
	(void)sig;
	woken = 1;
}

void
signals_ignore_pipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

void
signals_catch(void)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	const int once[] = { SIGINT, SIGTERM };

	sigfillset(&sa.sa_mask);
	sigaction(SIGWINCH, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	sa.sa_flags = (int)SA_RESETHAND;
	for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
		if (sigaction(once[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(once[i], &sa, NULL);
	/* over a limit on file sizes, write(2) then fails and can be reported */
	signal(SIGXFSZ, SIG_IGN);
}

void
signals_at_stop(void (*f)(void))
{
	at_stop = f;
}

void
signals_catch_children(void)
{
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };

	sigfillset(&sa.sa_mask);
	sigaction(SIGCHLD, &sa, NULL);
}

void
signals_catch_asking(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigfillset(&sa.sa_mask);
	sigaction(SIGUSR1, &sa, NULL);
	signals_catch_children();
}

bool
signals_asked(void)
{
	bool was = asked;

	asked = 0;
	return was;
}

bool
signals_stop(void)
{
	return stop;
}

bool
signals_urged(void)
{
	return urged;
}

/* Signals are blocked up to the sleep, so that none arrives just before it. */
void
signals_wait(int fd, int64_t until_ns)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t ns = until_ns - clock_ns(CLOCK_MONOTONIC);
	struct timespec left = { .tv_sec = 0 };
	sigset_t all, before;

	if (ns > 0)
		left = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!stop && !asked && !woken)
		ppoll(&p, fd >= 0, until_ns == INT64_MAX ? NULL : &left, &before);
	woken = 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
}

bool
signals_resized(void)
{
	bool was = resized;

	resized = 0;
	return was;
}
