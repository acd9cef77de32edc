/* Lines of /proc/PID/maps, and maps of JIT code. */
#include "proc/maps.h"

#include "unit.h"

static void
reads_mappings(void)
{
	struct mapping m;
	char path[32];

	CHECK(mapping_parse(
	    T("7f43b5382000-7f43b53a8000 r-xp 00026000 fe:00 4242     /usr/lib/a b.so"), &m));
	CHECK_U64(m.start, 0x7f43b5382000);
	CHECK_U64(m.end, 0x7f43b53a8000);
	CHECK_U64(m.at, 0x26000);
	CHECK(m.code && m.readable);
	CHECK(mapping_path(m.path, path, sizeof path));
	CHECK_STRING(path, "/usr/lib/a b.so");
	CHECK(mapping_parse(T("1000-2000 -w-p 00000000 00:00 0 "), &m));
	CHECK(!m.code && !m.readable);
	CHECK_TEXT(m.path, "");
	CHECK(mapping_parse(T("ffffffffff600000-ffffffffff601000 --xp 0 00:00 0 [vsyscall]"), &m));
	CHECK_TEXT(m.path, "[vsyscall]");
}

static void
copies_paths(void)
{
	char path[8];

	CHECK(mapping_path(T("/a\\012b"), path, sizeof path));
	CHECK_STRING(path, "/a\nb");
	CHECK(mapping_path(T("/a\\01"), path, sizeof path));
	CHECK_STRING(path, "/a\\01");
	CHECK(mapping_path(T("/234567"), path, sizeof path));
	CHECK(!mapping_path(T("/2345678"), path, sizeof path));
	CHECK(!mapping_path(T("/a\0b"), path, sizeof path));
}

static void
refuses_damaged_mappings(void)
{
	static const char *const lines[] = { "", "-", "1000", "1000-", "1000-2000", "1000-2000 r-x",
		"1000-2000 r-xp", "1000-2000 r-xp 0", "1000-2000 r-xp 0 fe:00",
		"2000-1000 r-xp 0 0:0 0", "1000-1000 r-xp 0 0:0 0",
		"11111111111111111-2 r-xp 0 0:0 0", "x-y r-xp 0 0:0 0", "1000-2000 r-xpx 0 0:0 0",
		"1000 -2000 r-xp 0 0:0 0" };
	struct mapping m;

	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		CHECK(!mapping_parse(TN(lines[i], strlen(lines[i])), &m));
		if (unit.bad)
			printf("# %s\n", lines[i]);
	}
}

/* The name that the map gives the address. */
static const char *
name_in(struct text map, uint64_t address)
{
	static struct symbol s;

	s = (struct symbol){ .address = address };
	perf_map_parse(map, &s, 1);
	return s.name;
}

static void
reads_both_forms(void)
{
	struct text map = T("7f00c000 40 LazyCompile:~read /a b.js:1\n"
			    "0x7f00c040 0x20 Lcom/x/Worker;::run\n");

	CHECK_STRING(name_in(map, 0x7f00c000), "LazyCompile:~read /a b.js:1");
	CHECK_STRING(name_in(map, 0x7f00c03f), "LazyCompile:~read /a b.js:1");
	CHECK_STRING(name_in(map, 0x7f00c040), "Lcom/x/Worker;::run");
	CHECK_STRING(name_in(map, 0x7f00c060), "");
	CHECK_STRING(name_in(map, 0), "");
}

static void
takes_the_last_name(void)
{
	CHECK_STRING(name_in(T("1000 40 old\n2000 40 other\n1000 40 new\n"), 0x1010), "new");
}

/* The rest of a line that is cut off comes with the next piece. */
static void
reads_whole_lines(void)
{
	struct symbol s = { .address = 0x1010 };

	CHECK_U64(perf_map_parse(T("1000 40 a\n1000 40 b"), &s, 1), 10);
	CHECK_STRING(s.name, "a");
	CHECK_U64(perf_map_parse(T("1000 40 b"), &s, 1), 0);
	CHECK_U64(perf_map_parse(T(""), &s, 1), 0);
	CHECK_STRING(s.name, "a");
}

static void
skips_damaged_lines(void)
{
	CHECK_STRING(name_in(T("\n40\n1000\n1000 \n1000 40\n1000 40 \n0x 40 a\n1000 0x a\n"
			       "1000  40 a\n 1000 40 a\n11111111111111111 40 a\n1000 40\ta\n"),
			 0x1000),
	    "");
	CHECK_STRING(name_in(T("1000 0 none\n"), 0x1000), "");
	CHECK_STRING(
	    name_in(T("fffffffffffffff0 ffffffffffffffff top\n"), 0xfffffffffffffff8), "top");
	CHECK_STRING(name_in(T("fffffffffffffff0 ffffffffffffffff top\n"), 0x8), "");
}

static void
cuts_long_names(void)
{
	char line[300] = "1000 40 ";
	size_t n = strlen(line);

	memset(line + n, 'n', sizeof line - n);
	line[sizeof line - 1] = '\n';
	const char *name = name_in(TN(line, sizeof line), 0x1000);
	CHECK_U64(strlen(name), SYMBOL_NAME_MOST - 1);
	CHECK_STRING(name + SYMBOL_NAME_MOST - 5, "n...");
}

int
main(void)
{
	unit_test("lines of maps", reads_mappings);
	unit_test("paths of maps", copies_paths);
	unit_test("damaged lines of maps", refuses_damaged_mappings);
	unit_test("maps of JIT code with 0x and without", reads_both_forms);
	unit_test("the last of several names", takes_the_last_name);
	unit_test("a line that is cut off", reads_whole_lines);
	unit_test("damaged lines of maps of JIT code", skips_damaged_lines);
	unit_test("a long name ends in dots", cuts_long_names);
	return unit_done();
}
