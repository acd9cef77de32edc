/* Pressure files, and why they are missing. */
#include "cgroup/pressure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const resource_names[RESOURCES] = { "cpu", "memory", "io", "irq" };

static void
find_psi(struct text t, struct keyed_list *out)
{
	psi_find(t, keyed_list_add(out, PSI_NUMBERS));
}

static int
set_psi(const struct keyed *v, size_t n, void *out)
{
	(void)n;
	return psi_set(v, out);
}

const struct parser psi_parser = { sizeof(struct psi), .find = find_psi, .set = set_psi };

/* Reads the files of a cgroup, or with g NULL those of the machine. */
static int
read_files(struct host *h, const struct groups *all, const struct group *g, bool with_irq,
    struct pressure *out)
{
	static const char *const files[RESOURCES][2] = {
		{ "proc/pressure/cpu", "cpu.pressure" },
		{ "proc/pressure/memory", "memory.pressure" },
		{ "proc/pressure/io", "io.pressure" },
		{ "proc/pressure/irq", "irq.pressure" },
	};
	bool any = false, is_machine = !g || (all->from_root && g->parent < 0);
	int cpu_error = 0;

	*out = (struct pressure){ 0 };
	for (int r = 0; r < (with_irq ? RESOURCES : PRESSURE_IRQ); r++) {
		int got = g ?
		    group_parse(h, all, g, FAMILY_PRESSURE, files[r][1], &psi_parser, &out->of[r]) :
		    host_parse(h, files[r][0], &psi_parser, &out->of[r]);
		out->known[r] = got == 0;
		if (!out->known[r] && r == PRESSURE_CPU)
			cpu_error = errno;
		any |= out->known[r];
	}
	/* "CPU full is undefined at the system level": 0 since Linux 5.19, meaningless before. */
	if (is_machine)
		out->of[PRESSURE_CPU].full = (struct psi_line){ 0 };
	errno = cpu_error;
	return any ? 0 : -1;
}

int
machine_read_pressure(struct host *h, bool with_irq, struct pressure *out)
{
	return read_files(h, NULL, NULL, with_irq, out);
}

int
group_read_pressure(struct host *h, const struct groups *all, const struct group *g, bool with_irq,
    struct pressure *out)
{
	return read_files(h, all, g, with_irq, out);
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
	if (machine_read_pressure(h, false, &machine) < 0)
		return machine_lack(h, errno, thorough);
	return LACK_ALL;
}
