/* Pressure of the machine and of a cgroup, and why it is missing. */
#include "cgroup/pressure.h"

#include <errno.h>

#include "tree.h"
#include "unit.h"

#define STALLED \
	"some avg10=1.00 avg60=0.00 avg300=0.00 total=7\nfull avg10=2.00 avg60=0.00 avg300=0.00 " \
	"total=3\n"

static struct host *
next(void)
{
	struct host *h = host_capture(tree);
	struct sample m;

	if (!h || host_next(h, 0, SAMPLE_ROW, &m) != 1)
		tree_fail(tree);
	return h;
}

static void
of_the_machine(void)
{
	struct pressure p;

	tree_make();
	put("t0/clock", "1 1\n");
	put("t0/proc/pressure/cpu", STALLED);
	put("t0/proc/pressure/memory", STALLED);
	put("t0/proc/pressure/irq", "full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n");
	struct host *h = next();
	CHECK_INT(machine_read_pressure(h, true, &p), 0);
	CHECK(p.known[PRESSURE_CPU] && p.known[PRESSURE_MEMORY] && !p.known[PRESSURE_IO] &&
	    p.known[PRESSURE_IRQ]);
	CHECK(p.of[PRESSURE_CPU].some.total_us.known && !p.of[PRESSURE_CPU].full.total_us.known);
	CHECK(p.of[PRESSURE_MEMORY].full.total_us.known && !p.of[PRESSURE_IO].some.total_us.known);
	CHECK_U64(p.of[PRESSURE_IRQ].full.total_us.v, 9);
	CHECK_INT(machine_read_pressure(h, false, &p), 0);
	CHECK(!p.known[PRESSURE_IRQ]);
	host_close(h);
	tree_remove();
}

/* Of the machine, with these as cpu's file, the note of an error, and the kernel's configuration;
 * NULL: not there. */
static enum pressure_lack
lack_with(const char *cpu, const char *error, const char *config, bool thorough)
{
	struct pressure p;

	tree_make();
	put("facts", "release 6.1.0-test\n");
	put("t0/clock", "1 1\n");
	put("t0/proc/loadavg", "");
	if (cpu)
		put("t0/proc/pressure/cpu", cpu);
	if (error)
		put("t0/proc/pressure/cpu.errno", error);
	if (config)
		put("t0/boot/config-6.1.0-test", config);
	struct host *h = next();
	CHECK(machine_read_pressure(h, true, &p) < 0);
	enum pressure_lack lack = machine_lack(h, errno, thorough);
	host_close(h);
	tree_remove();
	return lack;
}

static void
lacks(void)
{
	CHECK_INT(lack_with(NULL, NULL, NULL, true), LACK_EITHER);
	CHECK_INT(lack_with(NULL, NULL, "CONFIG_PSI=y\n", true), LACK_ENABLED);
	CHECK_INT(lack_with(NULL, NULL, "CONFIG_PSI=y\n", false), LACK_EITHER);
	CHECK_INT(lack_with(NULL, NULL, "# CONFIG_PSI is not set\n", true), LACK_BUILT);
	CHECK_INT(
	    lack_with(NULL, "95 Operation not supported\n", "# CONFIG_PSI is not set\n", true),
	    LACK_ENABLED);
	CHECK_INT(lack_with(NULL, "13 Permission denied\n", NULL, true), LACK_OTHER);
	CHECK_INT(lack_with("", NULL, NULL, true), LACK_OTHER);
	CHECK_INT(lack_with("some avg10=", NULL, NULL, true), LACK_OTHER);
}

static void
configurations(void)
{
	CHECK(pressure_is_built(T("CONFIG_A=y\nCONFIG_PSI=y\n")));
	CHECK(pressure_is_built(T("CONFIG_PSI=y")));
	CHECK(!pressure_is_built(T("")));
	CHECK(!pressure_is_built(T("# CONFIG_PSI is not set\nCONFIG_PSI_DEFAULT_DISABLED=y\n")));
	CHECK(!pressure_is_built(T(" CONFIG_PSI=y\nXCONFIG_PSI=y\nCONFIG_PSI=yes\n")));
}

int
main(void)
{
	unit_test("CPU full of the machine is unknown, and so is a missing file", of_the_machine);
	unit_test("absent and disabled pressure are distinguished", lacks);
	unit_test("the kernel configuration gives the reason", configurations);
	return unit_done();
}
