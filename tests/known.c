/* known: a program whose threads wait in known functions, for tests of stacks. Each chain has a function
 * that moves the stack pointer in its own way: an array, memory of a size that the compiler does not
 * know, none. More threads, if these are set in the environment:
 *
 *   BURN  one that runs all the time
 *   BEAT  one that sleeps in one place, which two functions call in turn
 *   JIT   one that waits below code that was made at run time, whose address is printed
 *
 * With LEAVE, the first thread ends. */
#include <alloca.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define FUNCTION __attribute__((noinline, noclone)) static
/* The call before it is not the last thing that the function does. */
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int pipes[2];

FUNCTION void
inner_sleep(long s)
{
	struct timespec t = { s, 0 };

	nanosleep(&t, NULL);
	KEEP(&t);
}

FUNCTION void
middle_sleep(long s)
{
	char bytes[3000];

	memset(bytes, 1, sizeof bytes);
	KEEP(bytes);
	inner_sleep(s);
	KEEP(bytes);
}

FUNCTION void
outer_sleep(long s)
{
	char *bytes = alloca((size_t)s & 255);

	KEEP(bytes);
	middle_sleep(s);
	KEEP(bytes);
}

FUNCTION ssize_t
inner_read(void)
{
	char c;
	ssize_t n = read(pipes[0], &c, 1);

	KEEP(&c);
	return n;
}

FUNCTION ssize_t
outer_read(void)
{
	return inner_read() + 1;
}

FUNCTION void
inner_lock(void)
{
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
}

FUNCTION void
outer_lock(void)
{
	inner_lock();
	KEEP(&lock);
}

static void *
read_thread(void *ctx)
{
	return outer_read() ? ctx : NULL;
}

static void *
lock_thread(void *ctx)
{
	outer_lock();
	return ctx;
}

static void *
idle_thread(void *ctx)
{
	struct epoll_event event;

	while (epoll_wait(epoll_create1(0), &event, 1, -1) <= 0)
		;
	return ctx;
}

FUNCTION void
inner_beat(void)
{
	struct timespec t = { 0, 7000000 };

	nanosleep(&t, NULL);
	KEEP(&t);
}

FUNCTION void
left_beat(void)
{
	inner_beat();
	KEEP(&lock);
}

FUNCTION void
right_beat(void)
{
	inner_beat();
	KEEP(&pipes);
}

static void *
beat_thread(void *ctx)
{
	for (;;) {
		left_beat();
		right_beat();
	}
	return ctx;
}

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
static void *
jit_thread(void *ctx)
{
	static const unsigned char code[] = "\x55\x48\x89\xe5\xff\xd7\x5d\xc3";
	void *page = mmap(
	    NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*made)(ssize_t(*)(void));

	if (page == MAP_FAILED)
		exit(1);
	memcpy(page, code, sizeof code);
	memcpy(&made, &page, sizeof made);
	printf("%lx\n", (unsigned long)page);
	fflush(stdout);
	made(outer_read);
	return ctx;
}

static void *
burn_thread(void *ctx)
{
	for (volatile unsigned i = 0;; i++)
		;
	return ctx;
}

int
main(void)
{
	pthread_t t;

	if (pipe(pipes) < 0)
		return 1;
	pthread_mutex_lock(&lock);
	pthread_create(&t, NULL, read_thread, NULL);
	pthread_create(&t, NULL, lock_thread, NULL);
	pthread_create(&t, NULL, idle_thread, NULL);
	if (getenv("BEAT"))
		for (int i = 0; i < 3; i++) /* their stacks are read at once */
			pthread_create(&t, NULL, beat_thread, NULL);
	if (getenv("JIT"))
		pthread_create(&t, NULL, jit_thread, NULL);
	if (getenv("BURN"))
		pthread_create(&t, NULL, burn_thread, NULL);
	if (getenv("LEAVE"))
		pthread_exit(NULL);
	outer_sleep(1000);
	return 0;
}
