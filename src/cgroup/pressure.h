/*
 * pressure: for how long tasks stood still, of the machine (/proc/pressure) and of a cgroup (v2
 * only), in the same terms.
 *
 * CPU      cpu.pressure     "full" since Linux 5.13, of a cgroup only: the machine has a
 *            placeholder there
 * memory   memory.pressure
 * I/O      io.pressure
 * irq      irq.pressure     "full" only; since Linux 6.1, with CONFIG_IRQ_TIME_ACCOUNTING
 *
 * A kernel without it has none of these, or (disabled, in Linux 5.10) some that fail with
 * EOPNOTSUPP. Since Linux 6.1 it can be switched off for a cgroup by writing 0 to cgroup.pressure:
 * then the others vanish there.
 */
#ifndef PQ_CGROUP_PRESSURE_H
#define PQ_CGROUP_PRESSURE_H

#include "proc/machine.h"
#include "cgroup/groups.h"

enum resource { PRESSURE_CPU, PRESSURE_MEMORY, PRESSURE_IO, PRESSURE_IRQ, RESOURCES };

extern const char *const resource_names[RESOURCES]; /* "cpu", … as files are named */

/* Lines that are not there, or make no sense, are not known. */
struct pressure {
	struct psi of[RESOURCES];
	bool known[RESOURCES]; /* the file is there and tells something */
};

/* Why nothing is known. */
enum pressure_lack {
	LACK_BUILT,    /* the kernel is built without it */
	LACK_ENABLED,  /* the kernel has it, and was booted without */
	LACK_EITHER,   /* one of these two */
	LACK_ALL,      /* the machine has it, its cgroups have not */
	LACK_SWITCHED, /* it is switched off for this cgroup */
	LACK_GROUP,    /* the cgroup is gone */
	LACK_OTHER,    /* another errno tells */
};

/* 0 when something is known; -1 with the errno of cpu's file: ENOENT, EOPNOTSUPP, EINVAL (it makes
 * no sense), … irq is the last one, and looked for if it is asked for. */
int machine_read_pressure(struct host *h, bool with_irq, struct pressure *out);

/* The same of a cgroup. */
int group_read_pressure(struct host *h, const struct groups *all, const struct group *g,
    bool with_irq, struct pressure *out);

/* Why the machine, and why a cgroup, has none, from the errno that reading it had. Thorough: the
 * kernel's configuration in /boot may be read for it, some 300 kB, which a recorder's tape is
 * better without. */
enum pressure_lack machine_lack(struct host *h, int error, bool thorough);
enum pressure_lack group_lack(
    struct host *h, const struct groups *all, const struct group *g, int error, bool thorough);

/* Whether the text of a kernel's configuration says that it is built with it. */
bool pressure_is_built(struct text config);

#endif
