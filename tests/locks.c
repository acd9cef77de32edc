/*
 * locks: a process whose threads wait for a lock in one way, for pq wait. It prints the thread IDs "owner
 * waiter" when they wait, and stays.
 *
 *  locks KIND [DOING]   KIND: see kinds below; DOING: what the owner does: sleep, read, run
 *
 * With LEAVE in the environment, the first thread ends, if it is neither owner nor waiter.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *doing = "sleep";
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t ready;
static volatile pid_t owner_tid, waiter_tid;
static void (*take)(void), (*want)(void);

static pid_t
my_tid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static _Noreturn void
stay(void)
{
	int ends[2];
	char c;

	if (strcmp(doing, "read") == 0 && pipe(ends) == 0)
		(void)!read(ends[0], &c, 1);
	for (volatile unsigned n = 0; strcmp(doing, "run") == 0; n++)
		;
	for (;;)
		sleep(1000);
}

static void *
own(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "own er");
	owner_tid = my_tid();
	take();
	pthread_barrier_wait(&ready);
	if (strcmp(doing, "end") == 0)
		return NULL;
	stay();
}

static void *
wait_for(void *arg)
{
	(void)arg;
	prctl(PR_SET_NAME, "waiter");
	waiter_tid = my_tid();
	pthread_barrier_wait(&ready);
	want();
	stay();
}

static void
lock(void)
{
	if (pthread_mutex_lock(&mutex) != 0)
		abort();
}

static void
lock_twice(void)
{
	lock();
	lock();
}

static void
lock_timed(void)
{
	struct timespec t = { .tv_sec = 4000000000 };

	pthread_mutex_timedlock(&mutex, &t);
}

static void
write_lock(void)
{
	pthread_rwlock_wrlock(&rwlock);
}

static void
read_lock(void)
{
	pthread_rwlock_rdlock(&rwlock);
}

static void
nothing(void)
{
}

static void
wait_cond(void)
{
	lock();
	pthread_cond_wait(&cond, &mutex);
}

static void
lock_stream(void)
{
	flockfile(stdout);
}

static pthread_t owner_thread;

static void
join(void)
{
	pthread_join(owner_thread, NULL);
}

/* ---- Futexes of nobody's library */

static uint32_t *raw;

static void
wait_raw(void)
{
	/* FUTEX_WAIT | FUTEX_PRIVATE_FLAG */
	syscall(SYS_futex, raw, 128, *raw, NULL, NULL, 0);
}

/* The value 2, and where a mutex has its owner a number that is one by chance. */
static void
make_raw(void)
{
	raw[0] = 2;
	raw[2] = (uint32_t)my_tid();
}

/* All of a mutex but that it counts, which only a recursive one does. */
static void
make_counting(void)
{
	make_raw();
	raw[1] = 1;
	raw[3] = 1;
}

/* A thread ID and the waiters' bit, but no lock of a C library around it. */
static void
make_tid(void)
{
	raw[0] = (uint32_t)my_tid() | 0x80000000;
	raw[3] = 1;
}

static void
unmap_raw(void)
{
	sleep(1);
	munmap((void *)((uintptr_t)raw & ~(uintptr_t)4095), 8192);
	prctl(PR_SET_NAME, "unmapped");
}

/* ---- Kinds */

static void
set_type(int type, int robust, int protocol)
{
	pthread_mutexattr_t a;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, type);
	if (robust)
		pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	if (protocol)
		pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&mutex, &a);
}

struct kind {
	const char *name;
	void (*take)(void), (*want)(void);
	int type, robust, protocol;
};

static const struct kind kinds[] = {
	{ "mutex", lock, lock, PTHREAD_MUTEX_NORMAL, 0, 0 },
	{ "recursive", lock_twice, lock, PTHREAD_MUTEX_RECURSIVE, 0, 0 },
	{ "errorcheck", lock, lock, PTHREAD_MUTEX_ERRORCHECK, 0, 0 },
#ifdef PTHREAD_ADAPTIVE_MUTEX_INITIALIZER_NP
	{ "adaptive", lock, lock, PTHREAD_MUTEX_ADAPTIVE_NP, 0, 0 },
#endif
	{ "timed", lock, lock_timed, PTHREAD_MUTEX_NORMAL, 0, 0 },
	{ "robust", lock, lock, PTHREAD_MUTEX_NORMAL, 1, 0 },
	{ "pi", lock, lock, PTHREAD_MUTEX_NORMAL, 0, 1 },
	{ "pi-robust", lock, lock, PTHREAD_MUTEX_NORMAL, 1, 1 },
	{ "write-read", write_lock, read_lock, 0, 0, 0 },
	{ "write-write", write_lock, write_lock, 0, 0, 0 },
	{ "read-write", read_lock, write_lock, 0, 0, 0 },
	{ "cond", nothing, wait_cond, PTHREAD_MUTEX_NORMAL, 0, 0 },
	{ "stream", lock_stream, lock_stream, 0, 0, 0 },
	{ "join", nothing, join, 0, 0, 0 },
	{ "raw", make_raw, wait_raw, 0, 0, 0 },
	{ "raw-counting", make_counting, wait_raw, 0, 0, 0 },
	{ "raw-tid", make_tid, wait_raw, 0, 0, 0 },
	{ "self", nothing, lock_twice, PTHREAD_MUTEX_NORMAL, 0, 0 },
};

static void *
want_other(void *arg)
{
	(void)arg;
	lock();
	pthread_barrier_wait(&ready);
	pthread_mutex_lock(&other);
	stay();
}

static void *
want_mutex(void *arg)
{
	(void)arg;
	lock();
	stay();
}

/* The main thread holds `other`, for which a thread waits that holds `mutex`, for which one more thread
 * waits. Closed: that is the main thread. */
static void
cycle(bool closed)
{
	pthread_t t;

	pthread_barrier_init(&ready, NULL, 2);
	pthread_mutex_lock(&other);
	pthread_create(&t, NULL, want_other, NULL);
	pthread_barrier_wait(&ready);
	dprintf(1, "%d\n", my_tid());
	if (closed)
		lock();
	else
		pthread_create(&t, NULL, want_mutex, NULL);
}

/* A mutex in memory that two processes share, at different addresses. */
static void
shared(void)
{
	pthread_mutexattr_t a;
	int fd = memfd_create("locks", 0);
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid_t child;

	(void)!ftruncate(fd, 8192);
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init((void *)(page + 4096), &a);
	pthread_mutex_lock((void *)(page + 4096));
	if ((child = fork()) == 0) {
		char *here = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
		munmap(page, 8192);
		prctl(PR_SET_PDEATHSIG, 9);
		pthread_mutex_lock((void *)here);
		_exit(0);
	}
	dprintf(1, "%d %d\n", getpid(), child);
	stay();
}

static void
two_threads(const struct kind *k)
{
	pthread_t waiter;

	take = k->take;
	want = k->want;
	raw = (uint32_t *)((char *)mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) +
	    4096 - 8); /* over the end of a page */
	set_type(k->type, k->robust, k->protocol);
	pthread_barrier_init(&ready, NULL, 2);
	pthread_create(&owner_thread, NULL, own, NULL);
	pthread_create(&waiter, NULL, wait_for, NULL);
	while (!owner_tid || !waiter_tid)
		usleep(1000);
	dprintf(1, "%d %d\n", owner_tid, waiter_tid);
}

int
main(int argc, char **argv)
{
	doing = argc > 2 ? argv[2] : doing;
	prctl(PR_SET_PDEATHSIG, 9);
	for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof kinds[0]; i++)
		if (strcmp(kinds[i].name, argv[1]) == 0) {
			two_threads(&kinds[i]);
			if (strcmp(doing, "unmap") == 0)
				unmap_raw();
			if (getenv("LEAVE"))
				pthread_exit(NULL);
			for (;;)
				pause();
		}
	if (argc > 1 && strcmp(argv[1], "shared") == 0)
		shared();
	if (argc > 1 && (strcmp(argv[1], "cycle") == 0 || strcmp(argv[1], "chain") == 0)) {
		cycle(strcmp(argv[1], "cycle") == 0);
		for (;;)
			pause();
	}
	fputs("usage: see the head of locks.c\n", stderr);
	return 2;
}
