#include "commands/top/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/terminal.h"
#include "cli/keys.h"
#include "cli/signals.h"

static struct termios before;
static volatile sig_atomic_t entered, stopping, continued;
static pid_t parent;

/* The alternate screen without a cursor, and back to the usual one. */
static const char enter_text[] = "\x1b[?1049h\x1b[?25l\x1b[0m\x1b[H\x1b[2J",
		  leave_text[] = "\x1b[0m\x1b[?25h\x1b[?1049l";

bool
screen_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && terminal_obeys();
}

bool
screen_taken(void)
{
	return tcgetpgrp(STDIN_FILENO) != getpgrp();
}

bool
screen_orphaned(void)
{
	return getppid() != parent && screen_taken();
}

/* ---- Taking it, and giving it back, also in signal handlers */

static void
take(void)
{
	struct termios t = before;

	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	entered = 1;
	keys_set_terminal(&t);
	write_whole(STDOUT_FILENO, enter_text, sizeof enter_text - 1);
}

/* Another program that has the terminal by now has set it as it wants it. */
static void
give_back(void)
{
	int error = errno;

	if (entered) {
		entered = 0;
		write_whole(STDOUT_FILENO, leave_text, sizeof leave_text - 1);
		if (!screen_taken())
			keys_set_terminal(&before);
	}
	errno = error;
}

static void
on_death(int sig)
{
	give_back();
	raise(sig); /* its action is the default one again */
}

static void
on_stop(int sig)
{
	(void)sig;
	stopping = entered;
	give_back();
	raise(SIGSTOP);
}

static void
on_continue(int sig)
{
	int error = errno;

	(void)sig;
	if (stopping && !screen_taken()) {
		stopping = 0;
		take();
	}
	continued = 1;
	raise(SIGWINCH); /* wakes the program, which draws */
	errno = error;
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

bool
screen_enter(void)
{
	static const int deaths[] = { SIGHUP, SIGQUIT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT,
		SIGTRAP, SIGSYS, SIGXCPU, SIGVTALRM, SIGUSR1, SIGUSR2 };

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return false;
	/* in the background, this stops the program until it is in the foreground */
	if (tcsetattr(STDIN_FILENO, TCSANOW, &before) < 0)
		return false;
	parent = getppid();
	warn_hold();
	fail_before(screen_leave);
	atexit(screen_leave);
	signals_at_stop(give_back);
	for (size_t i = 0; i < sizeof deaths / sizeof deaths[0]; i++)
		handle(deaths[i], on_death, (int)SA_RESETHAND);
	handle(SIGTSTP, on_stop, 0);
	handle(SIGCONT, on_continue, 0);
	take();
	return true;
}

void
screen_leave(void)
{
	give_back();
	warn_release();
}

void
screen_size(int *width, int *height)
{
	struct winsize size = { .ws_col = 80, .ws_row = 24 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row == 0)
		size = (struct winsize){ .ws_col = 80, .ws_row = 24 };
	*width = size.ws_col;
	*height = size.ws_row;
}

bool
screen_continued(void)
{
	bool was = continued;

	continued = 0;
	return was;
}

bool
screen_write(const struct buf *b)
{
	size_t done = 0;

	while (done < b->n) {
		if (signals_stop() || !entered)
			return !signals_stop();
		ssize_t n = write(STDOUT_FILENO, b->s + done, b->n - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, 1000);
		else if (errno != EINTR)
			return false;
	}
	return true;
}
