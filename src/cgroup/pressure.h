/*
 * pressure: how long tasks stalled, of the machine (/proc/pressure) and of a cgroup (v2 only), in
 * the same terms.
 *
 * CPU      cpu.pressure     "full" of a cgroup since Linux 5.13; undefined for the machine
 * memory   memory.pressure
 * I/O      io.pressure
 * irq      irq.pressure     only "full"; since Linux 6.1, with CONFIG_IRQ_TIME_ACCOUNTING
 *
 * A kernel with pressure disabled has none of these files, or (Linux 5.10) has some that fail with
 * EOPNOTSUPP. Since Linux 6.1, writing 0 to cgroup.pressure switches it off for one cgroup, and the
 * other files disappear there.
 */
#ifndef PQ_CGROUP_PRESSURE_H
#define PQ_CGROUP_PRESSURE_H

#include "cgroup/groups.h"
#include "proc/machine.h"

enum resource { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_IRQ, RESOURCES };

extern const char *const resource_names[RESOURCES]; /* as in file names: "cpu", … */

/* The text of any of these files as a struct psi. */
extern const struct parser psi_parser;

/* A line that is missing or invalid is unknown. */
struct pressure {
	struct psi of[RESOURCES];
	bool known[RESOURCES]; /* the file is there and has a valid line */
};

/* Why there is no pressure. */
enum pressure_lack {
	LACK_BUILT,    /* the kernel is built without it */
	LACK_ENABLED,  /* the kernel has it, and was booted with it disabled */
	LACK_EITHER,   /* one of these two */
	LACK_ALL,      /* the machine has it, cgroups do not */
	LACK_SWITCHED, /* it is switched off for this cgroup */
	LACK_GROUP,    /* the cgroup was removed */
	LACK_OTHER,    /* errno says why */
};

/* 0 if a file was valid; -1 with the errno of cpu's file: ENOENT, EOPNOTSUPP, EINVAL (invalid) …
 * Skips irq unless with_irq. */
int machine_read_pressure(struct host *h, bool with_irq, struct pressure *out);
int group_read_pressure(struct host *h, const struct groups *all, const struct group *g,
    bool with_irq, struct pressure *out);

/* Why the machine, or a cgroup, has no pressure; error is the errno of reading it. If thorough,
 * reads the kernel's configuration in /boot too: some 300 KB, which should not get into a
 * recording. */
enum pressure_lack machine_lack(struct host *h, int error, bool thorough);
enum pressure_lack group_lack(
    struct host *h, const struct groups *all, const struct group *g, int error, bool thorough);

/* Whether a kernel with this configuration is built with pressure. */
bool pressure_is_built(struct text config);

#endif
