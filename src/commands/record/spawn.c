#include "commands/record/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t
count(char *const v[])
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

/* Whether one of the list sets the same name. */
static bool
is_set_in(char *const env[], const char *variable)
{
	size_t n = strcspn(variable, "=");

	for (size_t i = 0; env && env[i]; i++)
		if (strncmp(env[i], variable, n) == 0 && env[i][n] == '=')
			return true;
	return false;
}

/* The additions, then what they do not replace; to be freed. Of a name that is there twice, readers
 * differ in which they see. */
static char **
environment(char *const env[])
{
	char **all = malloc((count(env) + count(environ) + 1) * sizeof *all);
	size_t n = 0;

	if (!all)
		return NULL;
	for (size_t i = 0; env && env[i]; i++)
		all[n++] = env[i];
	for (size_t i = 0; environ && environ[i]; i++)
		if (!is_set_in(env, environ[i]))
			all[n++] = environ[i];
	all[n] = NULL;
	return all;
}

static int
set_files(posix_spawn_file_actions_t *files, bool our_stdin)
{
	bool has_stderr = fcntl(STDERR_FILENO, F_GETFD) >= 0;
	int error = 0;

	if (!our_stdin)
		error =
		    posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!error && !has_stderr)
		error = posix_spawn_file_actions_addopen(
		    files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(files, STDERR_FILENO, STDOUT_FILENO);
	return error;
}

static void
set_signals_and_group(posix_spawnattr_t *attr)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawnattr_setsigdefault(attr, &all);
	posix_spawnattr_setsigmask(attr, &none);
	posix_spawnattr_setpgroup(attr, 0);
	posix_spawnattr_setflags(
	    attr, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP));
}

/* An error number, or 0. glibc and musl share our memory with the child until exec: no page tables
 * are copied, no page faults follow, and exec's error comes back. */
static int
spawn(pid_t *pid, char *const argv[], char *const env[], bool our_stdin)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int error = posix_spawn_file_actions_init(&files);

	if (error)
		return error;
	error = posix_spawnattr_init(&attr);
	if (!error) {
		set_signals_and_group(&attr);
		error = set_files(&files, our_stdin);
		if (!error)
			error = posix_spawnp(pid, argv[0], &files, &attr, argv, env);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return error;
}

pid_t
spawn_exec(char *const argv[], char *const env[], bool our_stdin)
{
	char **all = environment(env);
	pid_t pid = -1;
	int error = !all ? ENOMEM : argv[0] ? spawn(&pid, argv, all, our_stdin) : EINVAL;

	free(all);
	errno = error;
	return error ? -1 : pid;
}

/* Our handlers would only note a signal that is to end the child. What we ignore stays ignored: a
 * write into a closed pipe shall fail, not kill. */
static void
signals_to_default(void)
{
	struct sigaction sa, by_default = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig == SIGTERM ||
		    (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_IGN &&
			sa.sa_handler != SIG_DFL))
			sigaction(sig, &by_default, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void
child(int (*f)(void *), void *ctx)
{
	enum { MOST = 125 };

	setpgid(0, 0);
	signals_to_default();
	if (nice(10) < 0)
		errno = 0; /* nicer than possible, or a result of -1: nothing is lost */
	int status = f(ctx);
	_exit(status >= 0 && status <= MOST ? status : MOST);
}

/* Signals are held back over the fork, or our handler might take one in the child. */
pid_t
spawn_call(int (*f)(void *), void *ctx)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		child(f, ctx);
	int error = errno;
	if (pid > 0)
		setpgid(pid, pid); /* both do: neither waits for the other */
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return pid;
}
