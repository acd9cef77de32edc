/*
 * machine: the files of /proc that describe the whole machine, each from text to a struct: loadavg,
 * meminfo, vmstat, pressure, schedstat, stat. A parser returns 0, or -1 with EINVAL if the text has
 * nothing that it looks for.
 */
#ifndef PQ_PROC_MACHINE_H
#define PQ_PROC_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

/* ---- /proc/loadavg: "0.51 0.62 0.71 2/112 4242" */

struct loadavg {
	double load[3]; /* mean number of runnable or uninterruptible tasks: 1, 5, 15 minutes */
	/* tasks that run or wait for a CPU now; includes the reader, excludes throttled tasks */
	uint64_t running;
	/* all tasks, kernel threads included; 0 in some sandboxes, and then the other figures are
	 * made up too */
	uint64_t threads;
};

int loadavg_parse(struct text t, struct loadavg *out);

/* ---- /proc/meminfo and /proc/vmstat */

enum meminfo_key {
	MEMINFO_TOTAL,
	MEMINFO_FREE,
	MEMINFO_BUFFERS,
	MEMINFO_CACHED,
	MEMINFO_ANON,
	MEMINFO_SHMEM,
	MEMINFO_ACTIVE_FILE,
	MEMINFO_INACTIVE_FILE,
	MEMINFO_SLAB,
	MEMINFO_SRECLAIMABLE,
	MEMINFO_KERNEL_STACK,
	MEMINFO_PAGE_TABLES,
	MEMINFO_PERCPU,
	MEMINFO_SWAP_TOTAL,
	MEMINFO_SWAP_FREE,
	MEMINFO_KEYS
};

/* Bytes. A key that the kernel lacks is unknown (Percpu needs Linux 4.20). */
struct meminfo {
	struct keyed v[MEMINFO_KEYS];
};

/* MemTotal must be there. */
int meminfo_parse(struct text t, struct meminfo *out);

enum vmstat_key { VM_REFAULT, VM_REFAULT_ANON, VM_REFAULT_FILE, VM_MAJFAULT, VM_OOM_KILL, VM_KEYS };

/* Events since boot. Linux 5.9 split workingset_refault into _anon and _file; oom_kill needs Linux
 * 4.13. */
struct vmstat {
	struct keyed v[VM_KEYS];
};

int vmstat_parse(struct text t, struct vmstat *out);

/* From /proc/vmstat too. Pages, and kB since boot that were read from block devices and written to
 * them. */
struct dirty_pages {
	struct keyed dirty, writeback; /* not yet written; being written */
	/* writers wait where dirty and writeback pages exceed the middle of the two; above the
	 * threshold nearly all of the time. vm.dirty_ratio and vm.dirty_background_ratio, or
	 * ..._bytes, say what they are */
	struct keyed threshold, background;
	struct keyed read_kb, written_kb;
};

/* The number of dirty pages must be there. */
int dirty_parse(struct text t, struct dirty_pages *out);

/* ---- Pressure stall information: /proc/pressure/{cpu,memory,io,irq}, and X.pressure of a cgroup */

/* A line "some avg10=55.78 avg60=14.49 avg300=3.23 total=10566264". */
struct psi_line {
	/* stalled since boot, or since the cgroup was created. Unknown if the line is not there: cpu
	 * has no "full" before Linux 5.13, irq never has "some" */
	struct keyed total_us;
	double avg[3]; /* % of the last 10, 60 and 300 s, updated every 2 s */
};

struct psi {
	struct psi_line some, full;
};

/* One whole line must be there. (With CONFIG_PSI_DEFAULT_DISABLED reading the file fails with
 * EOPNOTSUPP.) */
int psi_parse(struct text t, struct psi *out);

/* Its numbers: of "some", then of "full", the % before and after the point of each average, and the total. */
enum { PSI_TOTAL = 6, PSI_LINE, PSI_NUMBERS = 2 * PSI_LINE };

/* Both steps of psi_parse: the text as numbers, unknown if their line is missing or damaged, and these as a
 * value. */
void psi_find(struct text t, struct keyed v[PSI_NUMBERS]);
int psi_set(const struct keyed v[PSI_NUMBERS], struct psi *out);

/* ---- /proc/schedstat: counters of the scheduler per CPU (CONFIG_SCHEDSTATS) */

/* A line "cpu0 0 0 0 0 0 0 1404592766 1839662010 643"; its last three fields are the same in
 * versions 14 to 17. */
struct cpu_sched {
	unsigned cpu;
	uint64_t run_ns; /* time in which tasks ran */
	/* time in which tasks waited, throttled time included; added when a task gets the CPU */
	uint64_t delay_ns;
	uint64_t runs; /* how often a task got the CPU */
};

struct schedstat {
	struct cpu_sched *cpus; /* the CPUs online */
	size_t ncpus;
};

/* The array is in the arena. Skips damaged lines; one CPU must be left. */
int schedstat_parse(struct text t, struct arena *a, struct schedstat *out);

/* The two steps of schedstat_parse: from the text to numbers, four of each line that is not damaged, and from
 * these to the value. */
void schedstat_numbers(struct text t, struct keyed_list *out);
int schedstat_set(const struct keyed *v, size_t n, struct arena *a, struct schedstat *out);

/* The CPU of that number, or NULL; looks at index `hint` first. */
const struct cpu_sched *schedstat_find(const struct schedstat *s, unsigned cpu, size_t hint);

/* ---- /proc/stat: CPU time */

/* The fields of a line "cpu0 14 0 102 1294 0 0 3 0 0 0", in the kernel's order. */
enum cpu_field {
	STAT_USER,
	STAT_NICE,
	STAT_SYSTEM,
	STAT_IDLE,
	STAT_IOWAIT,
	STAT_IRQ,
	STAT_SOFTIRQ,
	STAT_STEAL,
	STAT_GUEST,
	STAT_GUEST_NICE,
	STAT_FIELDS
};

/* Clock ticks (USER_HZ) since boot. user includes guest, and nice includes guest_nice. */
struct cpu_time {
	unsigned cpu;
	int fields; /* how many this kernel has; the others are unknown, and 0 here */
	uint64_t ticks[STAT_FIELDS];
};

struct stat_file {
	struct cpu_time *cpus; /* the CPUs online, in the kernel's order */
	size_t ncpus;
	bool cut;       /* the text ends within a line */
	bool only_cpus; /* no line follows those of the CPUs: all kernels write some */
};

/* The array is in the arena. Skips damaged and truncated lines; one CPU must be left. */
int stat_parse(struct text t, struct arena *a, struct stat_file *out);

/* Its line "processes N": tasks (threads) created since boot. 0 counts as missing. */
int stat_parse_forks(struct text t, uint64_t *forks);

/* Its line "procs_blocked N": tasks waiting for I/O. Missing in a file that says that no task was
 * ever created, as some sandboxes write: its figures are made up. */
int stat_parse_blocked(struct text t, uint64_t *blocked);

/* The two steps of it: keyed_parse by these keys, and from its numbers to the value. */
enum { STAT_BLOCKED_KEYS = 2 };
extern const char *const stat_blocked_keys[STAT_BLOCKED_KEYS];
int stat_blocked_set(const struct keyed v[STAT_BLOCKED_KEYS], uint64_t *blocked);

/* The CPU of that number, or NULL; looks at index `hint` first. */
const struct cpu_time *stat_find(const struct stat_file *f, unsigned cpu, size_t hint);

#endif
