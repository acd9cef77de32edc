/*
 * bare: the kernel interfaces of pq wait --stacks and nothing else, as its floor. Reads the tasks of a process by
 * BPF, and 1 KiB of the stack of each thread that has run, many times a second, and throws them away.
 *
 *   bare PID HZ
 *
 * Which threads run is found out once, in the first two seconds; then only these are read, at once.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fail.h"
#include "bpf/task_list.h"
#include "host/pieces.h"

enum { STACK = 1024, THREADS_MOST = 4096 };

/* The stack pointer of a blocked thread; 0: it runs. "257 0x3 … 0x7ffd1c3a 0x7f12": the last but one. */
static uint64_t
stack_of(uint32_t pid, uint32_t tid)
{
	char path[64], line[256] = "";

	snprintf(path, sizeof path, "/proc/%" PRIu32 "/task/%" PRIu32 "/syscall", pid, tid);
	FILE *f = fopen(path, "r");
	if (!f)
		return 0;
	if (!fgets(line, sizeof line, f))
		*line = '\0';
	fclose(f);
	char *sp = strrchr(line, ' ');
	if (!sp)
		return 0;
	*sp = '\0';
	sp = strrchr(line, ' ');
	return sp ? strtoull(sp + 1, NULL, 16) : 0;
}

static void
read_all(struct task_list *l, struct task_rows *rows)
{
	if (task_list_read(l, rows) < 0)
		die(EXIT_FAILED, "cannot read the tasks");
}

int
main(int argc, char **argv)
{
	static uint64_t slices[THREADS_MOST];
	static uint32_t ran[THREADS_MOST];
	static struct memory_piece stacks[THREADS_MOST];
	struct task_rows rows = { 0 };
	struct task_list *list;
	struct bpf_why why;
	struct buf bytes = { 0 };
	size_t n = 0, wanted = 0;
	bool all;

	fail_name("bare");
	if (argc != 3)
		die(EXIT_USAGE, "want PID HZ");
	uint32_t pid = (uint32_t)strtoul(argv[1], NULL, 10);
	int64_t every_ns = 1000000000 / strtol(argv[2], NULL, 10);
	if (task_list_open(&list, TASK_LIST_ANY, pid, false, true, &why) < 0)
		die(EXIT_UNSUPPORTED, "no BPF");
	read_all(list, &rows);
	n = rows.n < THREADS_MOST ? rows.n : THREADS_MOST;
	for (size_t i = 0; i < n; i++)
		slices[i] = rows.v[i].slices;
	sleep(2);
	read_all(list, &rows);
	for (size_t i = 0; i < n && i < rows.n; i++) {
		uint64_t sp = rows.v[i].slices != slices[i] ? stack_of(pid, rows.v[i].tid) : 0;
		if (!sp)
			continue;
		stacks[wanted] = (struct memory_piece){ .at = sp, .n = STACK };
		ran[wanted++] = (uint32_t)i;
	}
	fprintf(stderr, "bare: %zu of %zu threads ran\n", wanted, rows.n);
	for (int64_t next_ns = clock_ns(CLOCK_MONOTONIC);;) {
		next_ns += every_ns;
		struct timespec next = { next_ns / 1000000000, next_ns % 1000000000 };
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) != 0)
			continue;
		if (task_list_read_some(list, ran, wanted, &rows, &all) < 0)
			die(EXIT_FAILED, "cannot read the tasks");
		if (pieces_read(pid, (size_t)sysconf(_SC_PAGESIZE), stacks, wanted, &bytes) < 0)
			die(EXIT_FAILED, "cannot read the stacks");
	}
}
