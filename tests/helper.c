/*
 * helper: what the bats files need and a shell cannot do.
 *
 *  helper refuse CALL ERROR COMMAND…  runs it so that bpf(2), perf_event_open(2), fallocate(2) or
 *  link(2) is refused by seccomp, with that errno
 *  helper loaded ID…                  how many of these BPF programs are in the kernel
 *  helper burn N                      N threads that do nothing but run
 *  helper wake HZ                     wakes up so often, and does nothing else
 *  helper turn                        waits in clock_nanosleep(2) and in poll(2) by turns, each for 60 ms
 *  helper rest N                      N threads that sleep for good
 *  helper later N                     the same, and after six seconds one that ends after one, and one that runs
 *                                     for good
 *  helper come HZ                     starts so many threads per second, each of which ends within 0.2 s
 *  helper flash HZ                    the same with threads that end at once
 *
 * Numbers and layouts are those of the kernel's include/uapi: libc has no headers for them.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "helper: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* struct sock_filter and struct sock_fprog of linux/filter.h */
struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t k;
};

struct filter {
	unsigned short n;
	struct instruction *code;
};

static uint32_t
number_of_call(const char *name)
{
	static const struct {
		const char *name;
		uint32_t number;
	} calls[] = {
		{ "bpf", SYS_bpf },
		{ "perf_event_open", SYS_perf_event_open },
		{ "fallocate", SYS_fallocate },
#ifdef SYS_link
		{ "link", SYS_link },
#else
		{ "link", SYS_linkat },
#endif
	};

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
		if (strcmp(name, calls[i].name) == 0)
			return calls[i].number;
	errno = EINVAL;
	fail(name);
}

static _Noreturn int
refuse(char **argv)
{
	enum { LOAD_WORD = 0x20, JUMP_EQUAL = 0x15, RETURN = 0x06, MODE_FILTER = 2 };
	const uint32_t allow = 0x7fff0000, error = 0x00050000;
	uint32_t call = number_of_call(argv[0]);
	struct instruction code[] = {
		/* the call's number is the first of struct seccomp_data */
		{ LOAD_WORD, 0, 0, 0 },
		{ JUMP_EQUAL, 0, 1, call },
		{ RETURN, 0, 0, error | (uint32_t)atoi(argv[1]) },
		{ RETURN, 0, 0, allow },
	};
	struct filter f = { sizeof code / sizeof code[0], code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, MODE_FILTER, &f, 0, 0) < 0)
		fail("seccomp");
	execvp(argv[2], argv + 2);
	fail(argv[2]);
}

/* Of a program that has gone there is no descriptor. */
static int
loaded(char **argv)
{
	enum { PROG_GET_FD_BY_ID = 13 };
	int n = 0;

	for (; *argv; argv++) {
		struct {
			uint32_t id, next_id, flags;
		} ask = { (uint32_t)strtoul(*argv, NULL, 10), 0, 0 };
		int fd = (int)syscall(SYS_bpf, PROG_GET_FD_BY_ID, &ask, sizeof ask);
		if (fd < 0 && errno != ENOENT)
			fail("bpf(2), BPF_PROG_GET_FD_BY_ID");
		if (fd >= 0)
			close(fd);
		n += fd >= 0;
	}
	printf("%d\n", n);
	return 0;
}

static void *
run(void *ctx)
{
	volatile bool go_on = true;

	(void)ctx;
	while (go_on)
		;
	return NULL;
}

static int
burn(char **argv)
{
	pthread_t thread;

	for (int i = 1; i < atoi(argv[0]); i++)
		if ((errno = pthread_create(&thread, NULL, run, NULL)))
			fail("a thread");
	run(NULL);
	return 0;
}

static _Noreturn int
wake(char **argv)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	for (;;) {
		t.tv_nsec += 1000000000 / atoi(argv[0]);
		t.tv_sec += t.tv_nsec / 1000000000;
		t.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
	}
}

static _Noreturn int
turn(char **argv)
{
	const struct timespec sixty_ms = { 0, 60000000 };

	(void)argv;
	for (;;) {
		clock_nanosleep(
		    CLOCK_MONOTONIC, 0, &sixty_ms, NULL); /* usleep(3) of musl calls nanosleep(2) */
		poll(NULL, 0, 60);
	}
}

static void *
sleep_for_good(void *ctx)
{
	for (;;)
		pause();
	return ctx;
}

static int
rest(char **argv)
{
	pthread_t thread;

	for (int i = 1; i < atoi(argv[0]); i++)
		if ((errno = pthread_create(&thread, NULL, sleep_for_good, NULL)))
			fail("a thread");
	sleep_for_good(NULL);
	return 0;
}

static void *
end_soon(void *ctx)
{
	sleep(1);
	return ctx;
}

static int
later(char **argv)
{
	pthread_t thread;

	for (int i = 1; i < atoi(argv[0]); i++)
		if ((errno = pthread_create(&thread, NULL, sleep_for_good, NULL)))
			fail("a thread");
	sleep(6);
	if ((errno = pthread_create(&thread, NULL, end_soon, NULL)) ||
	    (errno = pthread_create(&thread, NULL, run, NULL)))
		fail("a thread");
	sleep_for_good(NULL);
	return 0;
}

static void *
leave(void *us)
{
	usleep((unsigned)(size_t)us);
	return NULL;
}

static _Noreturn void
start_threads(const char *hz, unsigned lives_us)
{
	unsigned us = 1;
	pthread_t thread;

	for (;; usleep(1000000 / (unsigned)atoi(hz))) {
		us = us * 1103515245 + 12345;
		if ((errno = pthread_create(
			 &thread, NULL, leave, (void *)(size_t)(us % lives_us))) ||
		    (errno = pthread_detach(thread)))
			fail("a thread");
	}
}

static _Noreturn int
come(char **argv)
{
	start_threads(argv[0], 200000);
}

static _Noreturn int
flash(char **argv)
{
	start_threads(argv[0], 1);
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments, (*work)(char **);
	} works[] = { { "refuse", 3, refuse }, { "loaded", 1, loaded }, { "burn", 1, burn },
		{ "wake", 1, wake }, { "turn", 0, turn }, { "rest", 1, rest }, { "come", 1, come },
		{ "flash", 1, flash }, { "later", 1, later } };

	for (size_t i = 0; i < sizeof works / sizeof works[0]; i++)
		if (argc > 1 && strcmp(argv[1], works[i].name) == 0 &&
		    argc - 2 >= works[i].arguments)
			return works[i].work(argv + 2);
	fprintf(stderr,
	    "helper: refuse CALL ERROR COMMAND…, loaded ID…, burn N, wake HZ, turn, rest N, "
	    "later N, come HZ or flash HZ\n");
	return 2;
}
