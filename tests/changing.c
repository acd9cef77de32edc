/* changing: a process whose code is another one again and again, at the same addresses. Each waits in a
 * system call of its own, below functions whose names end in _NAME.
 *
 *   cc -DNAME=a -DCALL=SYS_poll -DLIBRARY -shared -fPIC   a library with that code
 *   changing A B         loads the libraries A and B in turn
 *   changing A           loads A once
 *                        If NAPS is set in the environment, two more threads sleep for 20 ms again and again: pq
 *                        reads the stacks of two or more threads at once.
 *
 *   cc -DNAME=a -DCALL=SYS_poll                           a program with that code
 *   a A B                goes on as the program A, which goes on as B
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifdef NAME
#define FUNCTION __attribute__((noinline, noclone))
#define PASTE(a, b) a##_##b
#define NAMED(a, b) PASTE(a, b)
#define KEEP(p) __asm__ volatile("" : : "r"(p) : "memory")

/* nanosleep(2) takes the first argument, poll(2) the third one. The others are set too: if registers
 * kept other values, pq would take the calls for different ones. */
FUNCTION void
NAMED(inner, NAME)(void)
{
	struct timespec t = { 0, 20000000 };

	syscall(CALL, CALL == SYS_poll ? NULL : &t, 0, 20, 0, 0, 0);
	KEEP(&t);
}

FUNCTION void
NAMED(outer, NAME)(void)
{
	NAMED(inner, NAME)();
	KEEP(&stdin);
}
#endif

#ifdef LIBRARY
void
wait_once(void)
{
	NAMED(outer, NAME)();
	KEEP(&stdin);
}
#elif defined NAME
int
main(int argc, char **argv)
{
	char *const next[] = { argv[1], argv[2], argv[1], NULL };

	NAMED(outer, NAME)();
	return argc == 3 ? execv(argv[1], next + 0) : 1;
}
#else
static void *
nap(void *unused)
{
	const struct timespec t = { 0, 20000000 };

	while (nanosleep(&t, NULL) == 0)
		;
	return unused;
}

int
main(int argc, char **argv)
{
	pthread_t thread;

	for (int i = 0; i < 2 && getenv("NAPS"); i++)
		pthread_create(&thread, NULL, nap, NULL);
	for (int i = 0; argc > 1; i++) {
		void *library = dlopen(argv[1 + i % (argc - 1)], RTLD_NOW), *found;
		if (!library || !(found = dlsym(library, "wait_once")))
			return 1;
		void (*wait_once)(void) = (void (*)(void))found;
		for (int n = 0; n < 4 || argc == 2; n++)
			wait_once();
		dlclose(library);
	}
	return 1;
}
#endif
