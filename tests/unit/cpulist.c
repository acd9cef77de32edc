/* Lists of CPUs */
#include "proc/cpulist.h"

#include <errno.h>

#include "unit.h"

static int
count(const struct cpulist *l)
{
	int n = 0;

	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++)
		n += cpulist_has(l, cpu);
	return n;
}

static void
lists(void)
{
	struct cpulist l;

	CHECK_INT(cpulist_parse(T("1-2,3,5-9,200-210"), &l), 0);
	CHECK_INT(count(&l), 19);
	CHECK(
	    cpulist_has(&l, 1) && cpulist_has(&l, 3) && cpulist_has(&l, 9) && cpulist_has(&l, 210));
	CHECK(!cpulist_has(&l, 0) && !cpulist_has(&l, 4) && !cpulist_has(&l, 10) &&
	    !cpulist_has(&l, 199));
}

static void
single(void)
{
	struct cpulist l;

	CHECK_INT(cpulist_parse(T("0"), &l), 0);
	CHECK(cpulist_has(&l, 0));
	CHECK_INT(count(&l), 1);
	CHECK_INT(cpulist_parse(T("63-64"), &l), 0);
	CHECK_INT(count(&l), 2);
	CHECK(cpulist_has(&l, 63) && cpulist_has(&l, 64));
	CHECK_INT(cpulist_parse(T("7-7,7,5-7"), &l), 0);
	CHECK_INT(count(&l), 3);
}

static void
the_most(void)
{
	struct cpulist l;

	CHECK_INT(cpulist_parse(T("0-8191"), &l), 0);
	CHECK_INT(count(&l), 8192);
	CHECK(!cpulist_has(&l, 8192) && !cpulist_has(&l, UINT32_MAX));
	CHECK(cpulist_parse(T("8192"), &l) < 0 && errno == ERANGE);
	CHECK(cpulist_parse(T("0-8192"), &l) < 0 && errno == ERANGE);
	CHECK(cpulist_parse(T("0-18446744073709551615"), &l) < 0 && errno == ERANGE);
	CHECK(cpulist_parse(T("99999999999999999999"), &l) < 0);
}

static void
no_lists(void)
{
	static const char *const bad[] = { "", ",", "-", "x", "1-", "-1", "1-2-3", "3-1", "1,,2",
		",1", "1,", "1 ,2", "1, 2", " 1", "1\n", "1.5", "0x1", "ALL", "1-x", "+1", "1,-",
		"1,2-" };
	struct cpulist l;

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!CHECK(cpulist_parse(TN(bad[i], strlen(bad[i])), &l) < 0 && errno == EINVAL))
			printf("# for '%s'\n", bad[i]);
	CHECK(cpulist_parse(T("1\0,2"), &l) < 0);
}

/* What stands behind the text is none of its business, be it a minus. */
static void
only_the_text(void)
{
	const char *s = "1-2";
	struct cpulist l;

	CHECK_INT(cpulist_parse((struct text){ s, 1 }, &l), 0);
	CHECK_INT(count(&l), 1);
	CHECK(cpulist_parse((struct text){ s, 2 }, &l) < 0);
}

static void
adds(void)
{
	struct cpulist l = { 0 };

	cpulist_add(&l, 0);
	cpulist_add(&l, 8191);
	cpulist_add(&l, 8192);
	cpulist_add(&l, UINT32_MAX);
	CHECK_INT(count(&l), 2);
	CHECK(cpulist_has(&l, 8191));
}

static void
prints(void)
{
	struct cpulist l;
	char out[64];

	CHECK_INT(cpulist_parse(T("3,1-2,5-9,200,8191"), &l), 0);
	CHECK_INT(cpulist_count(&l), 10);
	CHECK(cpulist_print(&l, out, sizeof out));
	CHECK_STRING(out, "1-3,5-9,200,8191");
	CHECK(!cpulist_print(&l, out, 12));
	CHECK_STRING(out, "1-3,5-9...");
	l = (struct cpulist){ 0 };
	CHECK(cpulist_print(&l, out, sizeof out));
	CHECK_STRING(out, "");
	CHECK_INT(cpulist_count(&l), 0);
}

int
main(void)
{
	unit_test("ranges and single CPUs", lists);
	unit_test("one CPU, and the same one twice", single);
	unit_test("8192 CPUs, and no more", the_most);
	unit_test("invalid lists are errors", no_lists);
	unit_test("nothing is read after the end of the text", only_the_text);
	unit_test("CPUs are added one by one", adds);
	unit_test("a list is printed as the kernel writes it", prints);
	return unit_done();
}
