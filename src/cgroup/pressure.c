#include "cgroup/pressure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const resource_names[RESOURCES] = { "cpu", "memory", "io", "irq" };

/* Notes what a text tells; a damaged one is EINVAL. */
static int
take(struct text text, enum resource r, struct pressure *out)
{
	if (psi_parse(text, &out->of[r]) < 0)
		return -1;
	out->known[r] = true;
	return 0;
}

/* 0 when some file told something, else -1 with what was wrong with cpu's. */
static int
conclude(const struct pressure *p, int cpu_error)
{
	for (int r = 0; r < RESOURCES; r++)
		if (p->known[r])
			return 0;
	errno = cpu_error;
	return -1;
}

/* "CPU full is undefined at the system level": what stands there is 0 since Linux 5.19, and before
 * that of no meaning. */
static void
forget_placeholder(struct pressure *p)
{
	p->of[PRESSURE_CPU].full = (struct psi_line){ 0 };
}

int
machine_read_pressure(struct host *h, bool with_irq, struct pressure *out)
{
	static const char *const files[] = { "proc/pressure/cpu", "proc/pressure/memory",
		"proc/pressure/io", "proc/pressure/irq" };
	struct text text;
	int cpu_error = 0;

	*out = (struct pressure){ 0 };
	for (int r = 0; r < (with_irq ? RESOURCES : PRESSURE_IRQ); r++) {
		if ((host_read(h, files[r], &text) < 0 || take(text, (enum resource)r, out) < 0) &&
		    r == PRESSURE_CPU)
			cpu_error = errno;
	}
	forget_placeholder(out);
	return conclude(out, cpu_error);
}

int
group_read_pressure(struct host *h, const struct groups *all, const struct group *g, bool with_irq,
    struct pressure *out)
{
	static const char *const files[] = { "cpu.pressure", "memory.pressure", "io.pressure",
		"irq.pressure" };
	struct text text;
	int cpu_error = 0;

	*out = (struct pressure){ 0 };
	for (int r = 0; r < (with_irq ? RESOURCES : PRESSURE_IRQ); r++) {
		if ((group_read(h, all, g, FAMILY_PRESSURE, files[r], &text) < 0 ||
			take(text, (enum resource)r, out) < 0) &&
		    r == PRESSURE_CPU)
			cpu_error = errno;
	}
	if (all->from_root && g->parent < 0)
		forget_placeholder(out); /* the root is the machine */
	return conclude(out, cpu_error);
}

bool
pressure_is_built(struct text config)
{
	struct text line;

	while (text_line(&config, &line))
		if (text_eq(line, "CONFIG_PSI=y"))
			return true;
	return false;
}

enum pressure_lack
machine_lack(struct host *h, int error, bool thorough)
{
	const char *release = h->facts.release;
	char path[96];
	struct text text;

	if (error != ENOENT)
		return error == EOPNOTSUPP ? LACK_ENABLED : LACK_OTHER;
	snprintf(path, sizeof path, "boot/config-%s", release);
	if (thorough && *release && !strchr(release, '/') && host_read(h, path, &text) == 0)
		return pressure_is_built(text) ? LACK_ENABLED : LACK_BUILT;
	if (host_read(h, "sys/fs/cgroup/cpu.pressure", &text) < 0 && errno == EOPNOTSUPP)
		return LACK_ENABLED;
	return LACK_EITHER;
}

enum pressure_lack
group_lack(
    struct host *h, const struct groups *all, const struct group *g, int error, bool thorough)
{
	struct pressure machine;
	struct text text;

	if (error == EOPNOTSUPP)
		return LACK_ENABLED;
	if (error != ENOENT && error != ENODEV)
		return LACK_OTHER;
	if (group_read(h, all, g, FAMILY_PRESSURE, "cgroup.pressure", &text) == 0)
		return LACK_SWITCHED;
	if (group_read(h, all, g, FAMILY_PRESSURE, "cgroup.procs", &text) < 0 &&
	    errno != EOPNOTSUPP)
		return LACK_GROUP;
	return machine_read_pressure(h, false, &machine) < 0 ? machine_lack(h, errno, thorough) :
							       LACK_ALL;
}
