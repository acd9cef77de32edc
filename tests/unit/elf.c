/* What ELF files say about addresses: the names of functions, and how their frames are left. Damaged
 * files give nothing, and never a wrong name. */
#include "proc/elf.h"

#include "proc/frames.h"
#include "unit.h"

/* A file that is made here: one function of C, first, with a table of frames, and two of Go. Its
 * addresses are its offsets and BASE. */
enum {
	BASE = 0x10000,
	FILE_SIZE = 0x1000,
	CODE = 0x400,
	INDEX = 0x500,
	COMMON = 0x558,
	ENTRY = 0x570,
	GO = 0x600,
	GO_NAMES = 0x80,
	GO_DEPTHS = 0xc0,
	GO_TABLE = 0x100,
	SECTIONS = 0x800,
	SYMBOLS = 0xa40,
	NAMES = 0xb00,
	DYNAMIC = 0xc00,
	SECTION_NAMES = 0xd00,
};

static unsigned char file[FILE_SIZE];
static size_t file_size;

static int
read_file(void *ctx, uint64_t at, size_t n, struct text *out)
{
	(void)ctx;
	*out = (struct text){ "", 0 };
	if (at < file_size)
		*out = TN((char *)file + at, n < file_size - at ? n : file_size - (size_t)at);
	return 0;
}

static void
put(size_t at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		file[at + i] = (unsigned char)(v >> (8 * i));
}

static void
put_bytes(size_t at, const char *bytes, size_t n)
{
	memcpy(file + at, bytes, n);
}

static void
put_segment(int i, unsigned type, unsigned flags, uint64_t at, uint64_t size)
{
	size_t to = 64 + (size_t)i * 56;

	put(to, type, 4);
	put(to + 4, flags, 4);
	put(to + 8, at, 8);
	put(to + 16, BASE + at, 8);
	put(to + 32, size, 8);
}

static void
put_section(int i, unsigned name, unsigned type, uint64_t at, uint64_t size, unsigned link)
{
	size_t to = SECTIONS + (size_t)i * 64;

	put(to, name, 4);
	put(to + 4, type, 4);
	put(to + 16, BASE + at, 8);
	put(to + 24, at, 8);
	put(to + 32, size, 8);
	put(to + 40, link, 4);
}

static void
put_symbol(size_t at, unsigned name, unsigned type, uint64_t address, uint64_t size)
{
	put(at, name, 4);
	put(at + 4, type, 1);
	put(at + 6, 1, 2);
	put(at + 8, address, 8);
	put(at + 16, size, 8);
}

static void
put_header(void)
{
	put_bytes(0, "\177ELF\2\1\1", 7);
	put(32, 64, 8);
	put(40, SECTIONS, 8);
	put(54, 56, 2);
	put(56, 3, 2);
	put(58, 64, 2);
	put(60, 8, 2);
	put(62, 7, 2);
	put_segment(0, 1, 5, CODE, 0x100);
	put_segment(1, 1, 4, INDEX, 0x100);
	put_segment(2, 0x6474e550, 4, INDEX, 0x20);
}

/* One function of 64 bytes: it pushes %rbp, and moves the stack pointer there. */
static void
put_frames(void)
{
	static const char common[] = "\x14\0\0\0\0\0\0\0\1zR\0\1\x78\x10\1\x1b"
				     "\x0c\7\x08\x90\1\0\0",
			  code[] = "\0\x41\x0e\x10\x86\2\x43\x0d\6\0\0\0";

	put(INDEX, 0x3b031b01, 4);
	put(INDEX + 8, 1, 4);
	put(INDEX + 12, (uint32_t)(CODE - INDEX), 4);
	put(INDEX + 16, ENTRY - INDEX, 4);
	put_bytes(COMMON, common, sizeof common - 1);
	put(ENTRY, 24, 4);
	put(ENTRY + 4, ENTRY + 4 - COMMON, 4);
	put(ENTRY + 8, (uint32_t)(CODE - (ENTRY + 8)), 4);
	put(ENTRY + 12, 64, 4);
	put_bytes(ENTRY + 16, code, sizeof code - 1);
}

/* Two functions of 32 bytes after that of C. The first has no frame for 4 bytes, then one of 24. */
static void
put_go(void)
{
	put(GO, 0xfffffff1, 4);
	put(GO + 6, 1, 1);
	put(GO + 7, 8, 1);
	put(GO + 8, 2, 8);
	put(GO + 24, BASE + CODE + 0x40, 8);
	put(GO + 32, GO_NAMES, 8);
	put(GO + 56, GO_DEPTHS, 8);
	put(GO + 64, GO_TABLE, 8);
	put_bytes(GO + GO_NAMES, "main.wait\0main.main", 20);
	put_bytes(GO + GO_DEPTHS, "\0\2\4\x30\x1c\0\2\x20\0", 9);
	put(GO + GO_TABLE + 4, 0x20, 4);
	put(GO + GO_TABLE + 8, 0x20, 4);
	put(GO + GO_TABLE + 12, 0x50, 4);
	put(GO + GO_TABLE + 16, 0x40, 4);
	put(GO + GO_TABLE + 0x20 + 16, 1, 4);
	put(GO + GO_TABLE + 0x50 + 4, 10, 4);
	put(GO + GO_TABLE + 0x50 + 16, 6, 4);
	put(GO + GO_TABLE + 0x50 + 41, 1, 1);
}

static void
make(void)
{
	memset(file, 0, sizeof file);
	file_size = sizeof file;
	put_header();
	put_frames();
	put_go();
	put_section(1, 1, 1, CODE, 0x100, 0);
	put_section(2, 7, 2, SYMBOLS, 4 * 24, 3);
	put_section(3, 0, 3, NAMES, 0x40, 0);
	put_section(4, 0, 11, DYNAMIC, 2 * 24, 3);
	put_section(5, 15, 1, GO, 0x180, 0);
	put_section(7, 0, 3, SECTION_NAMES, 0x40, 0);
	put_bytes(SECTION_NAMES, "\0.text\0.symtab\0.gopclntab", 26);
	put_bytes(NAMES, "\0__first\0first\0other\0exported", 30);
	put_symbol(SYMBOLS + 24, 1, 2, BASE + CODE, 64);
	put_symbol(SYMBOLS + 48, 9, 2, BASE + CODE, 64);
	put_symbol(SYMBOLS + 72, 15, 1, BASE + CODE, 64);
	put_symbol(DYNAMIC + 24, 21, 2, BASE + CODE + 64, 16);
}

static bool
open_made(struct elf *e)
{
	const struct elf_file f = { read_file, NULL };

	return elf_open(e, &f);
}

/* The name of the function at the address, or "". */
static const char *
name_at(uint64_t address)
{
	static struct symbol s;
	struct elf e;

	s = (struct symbol){ .address = address, .begins = UINT64_MAX };
	if (open_made(&e))
		elf_name(&e, &s, 1);
	return s.name;
}

/* ---- Whole files */

static void
finds_addresses(void)
{
	struct elf e;
	uint64_t address = 0;
	struct text t;

	make();
	CHECK(open_made(&e));
	CHECK(elf_address(&e, CODE + 5, &address));
	CHECK_U64(address, BASE + CODE + 5);
	CHECK(!elf_address(&e, INDEX, &address)); /* it is no code */
	CHECK(!elf_address(&e, CODE + 0x100, &address));
	CHECK(elf_read(&e, BASE + CODE, 0x200, &t));
	CHECK_U64(t.n, 0x100);
	CHECK(!elf_read(&e, BASE + 16, 8, &t));
}

static void
names_functions(void)
{
	make();
	CHECK_STRING(name_at(BASE + CODE), "first");
	CHECK_STRING(name_at(BASE + CODE + 63), "first");
	CHECK_STRING(name_at(BASE + CODE + 64), "exported");
	CHECK_STRING(name_at(BASE + CODE + 80), "");
	CHECK_STRING(name_at(0), "");
	CHECK_STRING(name_at(UINT64_MAX), "");
}

static void
cuts_long_names(void)
{
	make();
	put_section(3, 0, 3, NAMES, 0x100, 0);
	memset(file + NAMES + 1, 'f', SYMBOL_NAME_MOST - 1);
	put(SYMBOLS + 48, 1, 4);
	CHECK_U64(strlen(name_at(BASE + CODE)), SYMBOL_NAME_MOST - 1);
	file[NAMES + SYMBOL_NAME_MOST] = 'f';
	CHECK_U64(strlen(name_at(BASE + CODE)), SYMBOL_NAME_MOST - 1);
	CHECK_STRING(name_at(BASE + CODE) + SYMBOL_NAME_MOST - 5, "f...");
}

/* ---- Frames */

static void
leaves_frames(void)
{
	struct frame_rule r;
	struct elf e;

	make();
	CHECK(open_made(&e));
	CHECK(frames_of_elf(&e, BASE + CODE, &r));
	CHECK_U64(r.start, BASE + CODE);
	CHECK_U64(r.end, BASE + CODE + 64);
	CHECK_INT(r.base, REG_SP);
	CHECK_INT(r.offset, 8);
	CHECK_INT(r.saved[REG_IP].how, SAVED_AT);
	CHECK_INT(r.saved[REG_IP].offset, -8);
	CHECK_INT(r.saved[REG_BP].how, SAVED_NOT);
	CHECK(frames_of_elf(&e, BASE + CODE + 1, &r));
	CHECK_INT(r.offset, 16);
	CHECK_INT(r.saved[REG_BP].how, SAVED_AT);
	CHECK_INT(r.saved[REG_BP].offset, -16);
	CHECK(frames_of_elf(&e, BASE + CODE + 4, &r));
	CHECK_INT(r.base, REG_BP);
	CHECK(!frames_of_elf(&e, BASE + CODE + 64, &r));
	CHECK(!frames_of_elf(&e, BASE + CODE - 1, &r));
}

/* As gcc links static programs. */
static void
leaves_frames_without_index(void)
{
	struct frame_rule r;
	struct elf e;

	make();
	put(64 + 2 * 56, 0, 4);
	put_section(6, 26, 1, COMMON, GO - COMMON, 0);
	put_bytes(SECTION_NAMES + 26, ".eh_frame", 10);
	CHECK(open_made(&e));
	CHECK_U64(e.frame_index.size, 0);
	CHECK(frames_of_elf(&e, BASE + CODE + 1, &r));
	CHECK_INT(r.offset, 16);
	CHECK(!frames_of_elf(&e, BASE + CODE + 64, &r));
	put(COMMON, 0xffffffff, 4);
	CHECK(!frames_of_elf(&e, BASE + CODE + 1, &r));
	put(COMMON, 0, 4);
	CHECK(!frames_of_elf(&e, BASE + CODE + 1, &r));
}

static void
leaves_frames_of_go(void)
{
	struct frame_rule r;
	struct elf e;

	make();
	CHECK(open_made(&e));
	CHECK(frames_of_go(&e, BASE + CODE + 0x40, &r));
	CHECK_STRING(r.name, "main.wait");
	CHECK_INT(r.offset, 8);
	CHECK(frames_of_go(&e, BASE + CODE + 0x44, &r));
	CHECK_INT(r.offset, 32);
	CHECK_INT(r.saved[REG_BP].how, SAVED_AT);
	CHECK(!r.top);
	CHECK(frames_of_go(&e, BASE + CODE + 0x61, &r));
	CHECK_STRING(r.name, "main.main");
	CHECK(r.top);
	CHECK(!frames_of_go(&e, BASE + CODE + 0x80, &r));
	CHECK(!frames_of_go(&e, BASE + CODE + 0x3f, &r));
}

/* ---- Damaged files */

/* Reads everything of the file. What it says of the one function is right, or it says nothing. */
static void
look_at_all(void)
{
	struct frame_rule r;
	struct elf e;

	if (!open_made(&e))
		return;
	const char *name = name_at(BASE + CODE);
	CHECK(!*name || strcmp(name, "first") == 0 || strcmp(name, "__first") == 0);
	if (frames_of_elf(&e, BASE + CODE, &r))
		CHECK(r.base == REG_SP && r.offset == 8);
	frames_of_go(&e, BASE + CODE + 0x44, &r);
}

static void
reads_cut_files(void)
{
	for (size_t n = 0; n <= FILE_SIZE; n += n < 300 ? 1 : 7) {
		make();
		file_size = n;
		look_at_all();
	}
	make();
	file_size = 0;
	CHECK_STRING(name_at(BASE + CODE), "");
}

static void
refuses_other_files(void)
{
	static const size_t at[] = { 0, 4, 5 }; /* the mark; 64 bits; the order of bytes */
	struct elf e;

	for (size_t i = 0; i < 3; i++) {
		make();
		file[at[i]] ^= 3;
		CHECK(!open_made(&e));
	}
	make();
	put(56, 0, 2);
	CHECK(!open_made(&e));
}

static void
reads_parts_outside(void)
{
	static const uint64_t wrong[] = { FILE_SIZE - 8, FILE_SIZE, 1ull << 40, INT64_MAX,
		UINT64_MAX - 8, UINT64_MAX };

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		for (int section = 1; section < 8; section++) {
			make();
			put(SECTIONS + (size_t)section * 64 + 24, wrong[i], 8);
			look_at_all();
			put(SECTIONS + (size_t)section * 64 + 32, wrong[i], 8);
			look_at_all();
		}
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		for (size_t segment = 0; segment < 3; segment++)
			for (size_t member = 8; member <= 32; member += 8) {
				make();
				put(64 + segment * 56 + member, wrong[i], 8);
				struct elf e;
				struct frame_rule r;
				if (open_made(&e))
					frames_of_elf(&e, BASE + CODE, &r);
			}
}

static void
reads_huge_counts(void)
{
	struct frame_rule r;
	struct elf e;

	make();
	put(SECTIONS + 2 * 64 + 32, UINT64_MAX, 8); /* symbols */
	CHECK_STRING(name_at(BASE + CODE), "first");
	put(56, 0xffff, 2);
	put(60, 0xffff, 2);
	look_at_all();
	make();
	put(INDEX + 8, 0xffffffff, 4);
	CHECK(open_made(&e) && !frames_of_elf(&e, BASE + CODE, &r));
	make();
	put(GO + 8, UINT64_MAX, 8);
	CHECK(open_made(&e) && !frames_of_go(&e, BASE + CODE + 0x44, &r));
}

static void
reads_tables_without_end(void)
{
	make();
	put_section(3, 0, 3, FILE_SIZE - 5, 5, 0);
	memcpy(file + FILE_SIZE - 5, "\0firs", 5);
	put(SYMBOLS + 48, 1, 4);
	CHECK_STRING(name_at(BASE + CODE), "");
	put(SYMBOLS + 48, 0xffffffff, 4);
	CHECK_STRING(name_at(BASE + CODE), "");
}

/* Every byte of the frame tables is damaged in turn. The result may be wrong in this one respect, and
 * must be in bounds. */
static void
reads_damaged_frames(void)
{
	struct frame_rule r;
	struct elf e;

	for (size_t at = INDEX; at < GO + 0x180; at++)
		for (int flip = 1; flip < 256; flip = flip * 2 + 1) {
			make();
			file[at] ^= (unsigned char)flip;
			if (!open_made(&e))
				continue;
			for (uint64_t pc = BASE + CODE; pc < BASE + CODE + 0x80; pc += 3) {
				CHECK(!frames_of_elf(&e, pc, &r) || r.base < REGISTERS);
				CHECK(!frames_of_go(&e, pc, &r) ||
				    memchr(r.name, '\0', sizeof r.name));
			}
		}
}

int
main(void)
{
	unit_test("addresses of code at offsets of the file", finds_addresses);
	unit_test("functions have the plainest of their names", names_functions);
	unit_test("a long name ends in dots", cuts_long_names);
	unit_test("frames by .eh_frame", leaves_frames);
	unit_test("frames by .eh_frame without an index", leaves_frames_without_index);
	unit_test("frames and names by the table of Go", leaves_frames_of_go);
	unit_test("files that are cut off", reads_cut_files);
	unit_test("files of other kinds", refuses_other_files);
	unit_test("sections and segments outside of the file", reads_parts_outside);
	unit_test("huge counts", reads_huge_counts);
	unit_test("tables of names without end", reads_tables_without_end);
	unit_test("damaged tables of frames", reads_damaged_frames);
	return unit_done();
}
