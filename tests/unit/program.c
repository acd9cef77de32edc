/* Which runtime a program file has: Go, Rust, Node.js; and the files beside a program. */
#include "proc/program.h"

#include <string.h>

#include "base/buf.h"
#include "unit.h"

/* A file that is made here. */
static struct buf file;

static int
read_file(void *ctx, uint64_t at, size_t n, struct text *out)
{
	(void)ctx;
	*out = (struct text){ "", 0 };
	if (at < file.n)
		*out = (struct text){ file.s + at, n < file.n - at ? n : file.n - (size_t)at };
	return 0;
}

static struct program
parse(bool node)
{
	struct program_file f = { read_file, NULL, node, 0 };
	struct program p;

	CHECK(program_parse(&f, &p) == 0);
	return p;
}

static void
put(uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_char(&file, (char)(i < 8 ? v >> (8 * i) : 0));
}

static void
put_to(size_t n)
{
	while (file.n < n)
		buf_char(&file, '\0');
}

/* A 64-bit little-endian header. */
static void
put_header(
    uint64_t segments, unsigned nsegments, uint64_t sections, unsigned nsections, unsigned names)
{
	file.n = 0;
	buf_add(&file, "\177ELF\2\1\1", 7);
	put_to(32);
	put(segments, 8);
	put(sections, 8);
	put(0, 4);
	put(64, 2);
	put(56, 2);
	put(nsegments, 2);
	put(64, 2);
	put(nsections, 2);
	put(names, 2);
}

static void
put_string(const char *s)
{
	size_t n = strlen(s);

	put((n & 0x7f) | 0x80, 1);
	put(n >> 7, 1);
	buf_text(&file, s);
}

static void
put_go(const char *version, const char *modules)
{
	buf_add(&file, "\xff Go buildinf:\x08\x02", 16);
	put(0, 8);
	put(0, 8);
	put_string(version);
	put_string(modules);
}

/* A writable segment at 128. */
static void
go_program(const char *version, const char *modules)
{
	put_header(64, 1, 0, 0, 0);
	put(1, 4);
	put(6, 4);
	put(128, 8);
	put(0, 16);
	put(4096, 8);
	put(4096, 8);
	put_to(128);
	put_go(version, modules);
}

#define MARK "0123456789abcdef"

static void
go_is_found_in_the_data(void)
{
	go_program("go1.25.12", MARK "path\tx\nbuild\t-compiler=gc\n" MARK);
	struct program p = parse(false);
	CHECK_STRING(p.go, "1.25.12");
	CHECK(p.elf && p.go_modules && !p.go_ignores_quota && !p.go_automaxprocs);
	go_program("go1.26.1-X:nodwarf5",
	    MARK "dep\tgo.uber.org/automaxprocs\tv1.6.0\th1:x\n"
		 "build\tDefaultGODEBUG=asynctimerchan=1,containermaxprocs=0,x=1\n" MARK);
	p = parse(false);
	CHECK_STRING(p.go, "1.26.1");
	CHECK(p.go_ignores_quota && p.go_automaxprocs);
	go_program("go1.25", "");
	p = parse(false);
	CHECK_STRING(p.go, "1.25");
	CHECK(!p.go_modules);
}

/* A setting of another name, or with another value, does not turn it off. */
static void
other_settings_are_not_taken(void)
{
	go_program("go1.25.1",
	    MARK "build\tDefaultGODEBUG=xcontainermaxprocs=0,containermaxprocs=01\n"
		 "build\t-ldflags=containermaxprocs=0\n"
		 "mod\tgo.uber.org/automaxprocs\tv1\n" MARK);
	struct program p = parse(false);
	CHECK(!p.go_ignores_quota && !p.go_automaxprocs);
}

static void
forged_go_is_not_believed(void)
{
	static const char *const versions[] = { "", "1.25", "go", "gox", "devel" };

	for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
		go_program(versions[i], MARK MARK);
		CHECK_STRING(parse(false).go, "");
	}
	go_program("go1.25.12", MARK MARK);
	for (size_t n = file.n; n-- > 0;) { /* cut off anywhere */
		file.n = n;
		struct program p = parse(false);
		CHECK(strcmp(p.go, "") == 0 || strcmp(p.go, "1.25.12") == 0);
	}
}

/* Before Go 1.18 there are addresses, which are not followed. */
static void
old_go_is_told_by_its_form(void)
{
	put_header(64, 1, 0, 0, 0);
	put(1, 4);
	put(6, 4);
	put(128, 8);
	put(0, 16);
	put(64, 8);
	put_to(128);
	buf_add(&file, "\xff Go buildinf:\x08\x00", 16);
	put(UINT64_MAX, 8);
	put(UINT64_MAX, 8);
	CHECK_STRING(parse(false).go, "1.17");
}

/* Sections 1 to 3: names, and two more. */
static void
sections(const char *name, uint64_t at, uint64_t size)
{
	put_header(0, 0, 64, 3, 1);
	put_to(64 + 64);
	put(1, 4); /* .shstrtab */
	put(0, 20);
	put(512, 8);
	put(64, 8);
	put_to(64 + 128);
	put(11, 4);
	put(0, 20);
	put(at, 8);
	put(size, 8);
	put_to(512);
	buf_add(&file, "\0.shstrtab\0", 11);
	buf_add(&file, name, strlen(name) + 1);
	put_to(640);
}

static void
sections_are_found_by_name(void)
{
	sections(".go.buildinfo", 640, 200);
	put_go("go1.24.4", MARK MARK);
	CHECK_STRING(parse(false).go, "1.24.4");
	sections(".comment", 640, 60);
	buf_text(&file, "GCC: (Debian) 12.2.0");
	buf_char(&file, '\0');
	buf_text(&file, "rustc version 1.95.0 (abcdef 2026-04-14)");
	CHECK_STRING(parse(false).rust, "1.95.0");
	sections(".rodata", 640, 1 << 20);
	put_to(400000);
	buf_text(&file, "https://nodejs.org/download/release/v24.21.0/node-v24.21.0.tar.gz");
	CHECK_STRING(parse(true).node, "24.21.0");
	CHECK_STRING(parse(false).node, "");
}

/* Offsets and sizes that lead nowhere. */
static void
damaged_headers_end(void)
{
	const uint64_t wrong[] = { 0, 1, 641, 1 << 20, UINT64_MAX, UINT64_MAX - 63, INT64_MAX };

	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
			sections(".go.buildinfo", wrong[i], wrong[j]);
			CHECK_STRING(parse(false).go, "");
			put_header(wrong[i], 65535, wrong[j], 65535, 65535);
			CHECK_STRING(parse(true).go, "");
		}
	file.n = 0;
	CHECK(!parse(false).elf);
	buf_text(&file, "#!/bin/sh\nexec go\n");
	CHECK(!parse(false).elf);
}

static void
files_beside_a_program(void)
{
	char v[VERSION_MOST] = "";

	CHECK(java_release_parse(
	    text_of("IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"21.0.13\"\nJAVA_VERSION_DATE=\"2026\"\n"),
	    v));
	CHECK_STRING(v, "21.0.13");
	CHECK(java_release_parse(text_of("JAVA_VERSION=\"1.8.0_402\""), v));
	CHECK_STRING(v, "1.8.0");
	CHECK(!java_release_parse(text_of("JAVA_VERSION=\"\033[2J\"\n"), v));
	CHECK(!java_release_parse(text_of("X_JAVA_VERSION=\"21\"\n"), v));
	CHECK(!java_release_parse(
	    text_of("JAVA_VERSION=\"1234567890123456789012345678901234567890\"\n"), v));
	CHECK(node_header_parse(
	    text_of("#define NODE_MAJOR_VERSION 24\n#define NODE_MINOR_VERSION 0\n"
		    "#define NODE_PATCH_VERSION 10\n"),
	    v));
	CHECK_STRING(v, "24.0.10");
	CHECK(!node_header_parse(text_of("#define NODE_MAJOR_VERSION 99999999\n"), v));
	CHECK(version_after(text_of("libpython3.13.so.1.0"), "libpython", v));
	CHECK_STRING(v, "3.13");
	CHECK(!version_after(text_of("libpython.so"), "libpython", v));
}

static void
versions_are_numbers(void)
{
	struct version v = version_of("21.0.13");

	CHECK(v.major == 21 && v.minor == 0 && v.patch == 13);
	v = version_of("24");
	CHECK(v.major == 24 && v.minor == 0 && v.patch == 0);
	v = version_of("99999999999999999999.1");
	CHECK(v.major == 0 && v.minor == 1);
}

int
main(void)
{
	unit_test(
	    "Go build information is found in the data, without sections", go_is_found_in_the_data);
	unit_test("only containermaxprocs=0 of DefaultGODEBUG makes Go ignore the quota",
	    other_settings_are_not_taken);
	unit_test(
	    "forged and truncated build information is not believed", forged_go_is_not_believed);
	unit_test("the addresses of Go before 1.18 are not followed", old_go_is_told_by_its_form);
	unit_test("Go, Rust and Node.js are found by their sections", sections_are_found_by_name);
	unit_test("offsets and sizes that lead nowhere find nothing", damaged_headers_end);
	unit_test(
	    "release of a JVM, headers of Node.js, names of libraries", files_beside_a_program);
	unit_test("a version is up to three numbers", versions_are_numbers);
	buf_free(&file);
	return unit_done();
}
