/*
 * leaving: processes whose first thread ends, for tests of stacks.
 *
 *  leaving pass   After two seconds, the thread that main creates first ends, and a fork of the process gets its
 *                 number. Then four threads leave before_it, and stay in after_it. Exits with 3 if the kernel does
 *                 not permit it.
 *  leaving many   After three seconds, the first thread ends. Then 300 others leave before_pipe, and stay in
 *                 after_pipe.
 *  leaving turn   After two seconds, a thread executes "leaving stay", which takes over the number of the process.
 *  leaving stay   The first thread stays in after_it.
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FUNCTION __attribute__((noinline, noclone)) static
/* The call before it is not the last thing that the function does. */
#define KEEP() __asm__ volatile("" : : : "memory")

static volatile bool over, passed;
static volatile pid_t first;
static int pipes[2][2];

FUNCTION void
nap(void)
{
	usleep(20000);
	KEEP();
}

FUNCTION void
before_it(void)
{
	while (!passed)
		nap();
	KEEP();
}

FUNCTION void
after_it(void)
{
	for (;;)
		nap();
	KEEP();
}

static void *
go_over(void *ctx)
{
	before_it();
	after_it();
	return ctx;
}

static void *
end_first(void *ctx)
{
	first = (pid_t)syscall(SYS_gettid);
	while (!over)
		nap();
	return ctx;
}

/* The kernel frees the number a little after the thread has ended. */
static void *
pass_number(void *ctx)
{
	pid_t number[1], child;

	sleep(2);
	number[0] = first;
	over = true;
	do {
		struct clone_args a = { .set_tid = (uintptr_t)number, .set_tid_size = 1 };
		child = (pid_t)syscall(SYS_clone3, &a, sizeof a);
	} while (child < 0 && errno == EEXIST);
	if (child < 0)
		_exit(3);
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, 9);
		for (;;)
			pause();
	}
	puts("passed");
	fflush(stdout);
	passed = true;
	return ctx;
}

FUNCTION void
wait_for(int end)
{
	char c;

	while (read(end, &c, 1) < 0)
		;
	KEEP();
}

FUNCTION void
before_pipe(void)
{
	wait_for(pipes[0][0]);
	KEEP();
}

FUNCTION void
after_pipe(void)
{
	wait_for(pipes[1][0]);
	KEEP();
}

static void *
go_over_pipes(void *ctx)
{
	before_pipe();
	after_pipe();
	return ctx;
}

static void *
open_pipe(void *ctx)
{
	static const char bytes[300];

	usleep(3050000);
	return write(pipes[0][1], bytes, sizeof bytes) > 0 ? ctx : NULL;
}

static void *
turn(void *ctx)
{
	sleep(2);
	execl("/proc/thread-self/exe", "leaving", "stay", (char *)NULL);
	return ctx;
}

static void
start(void *(*f)(void *))
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	if (pthread_create(&t, &small, f, NULL) != 0)
		_exit(1);
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (strcmp(mode, "stay") == 0) {
		start(go_over);
		after_it();
	}
	if (strcmp(mode, "pass") == 0) {
		start(end_first);
		while (!first)
			usleep(1000);
		for (int i = 0; i < 4; i++)
			start(go_over);
		start(pass_number);
	} else if (strcmp(mode, "many") == 0) {
		if (pipe(pipes[0]) < 0 || pipe(pipes[1]) < 0)
			return 1;
		start(open_pipe);
		for (int i = 0; i < 300; i++)
			start(go_over_pipes);
		sleep(3);
	} else if (strcmp(mode, "turn") == 0) {
		start(turn);
	} else {
		fputs("usage: see the head of leaving.c\n", stderr);
		return 2;
	}
	pthread_exit(NULL);
}
