#include "proc/meminfo.h"

#include <errno.h>

int
meminfo_parse(struct text t, struct meminfo *out)
{
	/* "MemTotal:         972484 kB" */
	static const char *const keys[MEM_KEYS] = {
		[MEM_TOTAL] = "MemTotal:",
		[MEM_FREE] = "MemFree:",
		[MEM_BUFFERS] = "Buffers:",
		[MEM_CACHED] = "Cached:",
		[MEM_ANON] = "AnonPages:",
		[MEM_SHMEM] = "Shmem:",
		[MEM_ACTIVE_FILE] = "Active(file):",
		[MEM_INACTIVE_FILE] = "Inactive(file):",
		[MEM_SLAB] = "Slab:",
		[MEM_SRECLAIMABLE] = "SReclaimable:",
		[MEM_KERNEL_STACK] = "KernelStack:",
		[MEM_PAGE_TABLES] = "PageTables:",
		[MEM_PERCPU] = "Percpu:",
		[MEM_SWAP_TOTAL] = "SwapTotal:",
		[MEM_SWAP_FREE] = "SwapFree:",
	};

	keyed_parse(t, keys, MEM_KEYS, out->v);
	for (int i = 0; i < MEM_KEYS; i++) {
		if (out->v[i].v > UINT64_MAX / 1024)
			out->v[i] = (struct keyed){ 0 };
		out->v[i].v *= 1024;
	}
	if (out->v[MEM_TOTAL].known)
		return 0;
	errno = EINVAL;
	return -1;
}

int
vmstat_parse(struct text t, struct vmstat *out)
{
	static const char *const keys[VM_KEYS] = {
		[VM_REFAULT] = "workingset_refault",
		[VM_REFAULT_ANON] = "workingset_refault_anon",
		[VM_REFAULT_FILE] = "workingset_refault_file",
		[VM_MAJFAULT] = "pgmajfault",
		[VM_OOM_KILL] = "oom_kill",
	};

	if (keyed_parse(t, keys, VM_KEYS, out->v) > 0)
		return 0;
	errno = EINVAL;
	return -1;
}
