/* meminfo: /proc/meminfo, the machine's memory, and what /proc/vmstat adds to it. */
#ifndef PQ_PROC_MEMINFO_H
#define PQ_PROC_MEMINFO_H

#include <stdint.h>

#include "base/keyed.h"

enum meminfo_key {
	MEM_TOTAL,
	MEM_FREE,
	MEM_BUFFERS,
	MEM_CACHED,
	MEM_ANON,
	MEM_SHMEM,
	MEM_ACTIVE_FILE,
	MEM_INACTIVE_FILE,
	MEM_SLAB,
	MEM_SRECLAIMABLE,
	MEM_KERNEL_STACK,
	MEM_PAGE_TABLES,
	MEM_PERCPU,
	MEM_SWAP_TOTAL,
	MEM_SWAP_FREE,
	MEM_KEYS
};

/* Bytes; a key that this kernel has not is unknown (Percpu came with 4.20). */
struct meminfo {
	struct keyed v[MEM_KEYS];
};

/* 0, or -1 with EINVAL when MemTotal is not there. */
int meminfo_parse(struct text t, struct meminfo *out);

enum vmstat_key { VM_REFAULT, VM_REFAULT_ANON, VM_REFAULT_FILE, VM_MAJFAULT, VM_OOM_KILL, VM_KEYS };

/* Events since boot. workingset_refault was one counter before 5.9, then _anon and _file; oom_kill
 * came with 4.13. */
struct vmstat {
	struct keyed v[VM_KEYS];
};

/* 0, or -1 with EINVAL when none of them is there. */
int vmstat_parse(struct text t, struct vmstat *out);

#endif
