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

/* Has the verifier look at a program, which is under the GPL, as the helpers are. btf_id: for
 * BPF_TRACING, the type "btf_trace_NAME" of the tracepoint that it is for; else 0. EPERM: not
 * allowed; EACCES, EINVAL and others: refused. */
int bpf_program_load(
    enum bpf_program type, const struct code *code, uint32_t btf_id, const char *name);

/* Runs a program at a tracepoint; NULL: where its btf_id says. */
int bpf_attach_raw(int program, const char *tracepoint);

/* Runs a program at the tracepoint with that id, on all CPUs: an event on any one of them will do,
 * and `cpu` must be online, else ENODEV. */
int bpf_attach_event(int program, uint32_t id, int cpu);

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

#endif
