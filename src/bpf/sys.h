/*
 * sys: bpf(2) and perf_event_open(2), raw: libc has neither, and their headers are the kernel's.
 * Numbers and layouts are those of include/uapi/linux/bpf.h and perf_event.h. All descriptors are
 * closed on exec; what was loaded or attached ends with them.
 *
 * Each function returns a descriptor, or 0, and -1 with errno.
 */
#ifndef PQ_BPF_SYS_H
#define PQ_BPF_SYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "bpf/asm.h"
#include "bpf/program.h"

enum bpf_map { BPF_ARRAY = 2, BPF_PERCPU_ARRAY = 6, BPF_CGROUP_ARRAY = 8 };
enum bpf_program { BPF_TRACEPOINT = 5, BPF_RAW_TRACEPOINT = 17, BPF_TRACING = 26 };

enum bpf_helper {
	BPF_LOOKUP = 1,
	BPF_PROBE_READ = 4,
	BPF_TIME_NS = 5,   /* of CLOCK_MONOTONIC */
	BPF_PID_TGID = 14, /* of the current task: the process is the upper half */
	BPF_CURRENT_UNDER_CGROUP = 37,
	BPF_PROBE_READ_KERNEL = 113, /* Linux 5.5 */
};

/* A map; names have at most 15 letters and are for those who list maps. */
int bpf_map_create(enum bpf_map type, uint32_t value_size, uint32_t entries, const char *name);

/* Copies the value of key `key`, for a per-CPU map of all possible CPUs one after the other, each
 * in whole 8 bytes. */
int bpf_map_read(int map, uint32_t key, void *value);

/* Puts a cgroup, by the descriptor of its directory, at a place in a BPF_CGROUP_ARRAY. EBADF: it is
 * not of version 2. */
int bpf_map_put_cgroup(int map, uint32_t key, int cgroup);

/* Has the kernel time all BPF programs as long as the descriptor is open (Linux 5.8). */
int bpf_stats(void);

/* A call that no kernel knows: errno is EINVAL if it came through, ENOSYS if there is no bpf(2),
 * EPERM if seccomp keeps it. */
int bpf_nonsense(void);

/* The whole text of a file of the running kernel into b, which is emptied first. */
int bpf_read_file(const char *path, struct buf *b);

/* The same for a large one that does not change: mapped where the kernel can do that, which takes a
 * copy of it less. */
struct bpf_view {
	struct text text;
	struct buf copy;
	bool mapped;
};

/* 0, and bpf_unview is to follow; or -1 with errno. */
int bpf_view(const char *path, struct bpf_view *v);
void bpf_unview(struct bpf_view *v);

/* attach: the programs of runqlat, loaded and running at their tracepoints as long as their
 * descriptors are open. */

/* Descriptors; -1: none. All are -1 to start. */
struct runqlat_attached {
	int program[RUNQLAT_EVENTS], link[RUNQLAT_EVENTS];
};

/* Loads the programs of a plan that has its maps and its layout. 0, or -1 with errno: see
 * bpf_program_load. Where it fails, here and below, runqlat_detach is to follow. */
int runqlat_load(struct runqlat_plan *p, struct runqlat_attached *a);

/* Runs them. 0, or -1 with errno. */
int runqlat_attach(
    const struct runqlat_plan *p, const struct cpulist *possible, struct runqlat_attached *a);

void runqlat_detach(struct runqlat_attached *a);

#endif
