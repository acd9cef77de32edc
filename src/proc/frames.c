/* The instructions of .eh_frame are those of DWARF 5, section 6.4. */
#include "proc/frames.h"

#include <string.h>

/* ---- Bytes in order */

struct cursor {
	struct text t;
	bool bad; /* it was read beyond the end */
};

static uint64_t
take(struct cursor *c, size_t n)
{
	uint64_t v = elf_number(c->t, 0, n);

	if (n > c->t.n) {
		c->bad = true;
		n = c->t.n;
	}
	c->t = (struct text){ c->t.s + n, c->t.n - n };
	return v;
}

static uint64_t
take_unsigned(struct cursor *c)
{
	uint64_t v = 0, byte = 0x80;

	for (unsigned shift = 0; byte & 0x80; shift += 7) {
		byte = take(c, 1);
		if (shift >= 63 || c->bad) {
			c->bad = true;
			return 0;
		}
		v |= (byte & 0x7f) << shift;
	}
	return v;
}

static int64_t
take_signed(struct cursor *c)
{
	uint64_t v = 0, byte = 0x80;
	unsigned shift = 0;

	for (; byte & 0x80; shift += 7) {
		byte = take(c, 1);
		if (shift >= 63 || c->bad) {
			c->bad = true;
			return 0;
		}
		v |= (byte & 0x7f) << shift;
	}
	if (byte & 0x40)
		v |= UINT64_MAX << shift;
	return (int64_t)v;
}

static void
skip(struct cursor *c, uint64_t n)
{
	take(c, n < c->t.n ? (size_t)n : c->t.n + (n > c->t.n));
}

/* ---- The index: pairs of a function's address and that of its entry, in order */

static int64_t
signed_word(struct text t, size_t at)
{
	return (int32_t)(uint32_t)elf_number(t, at, 4);
}

/* Reads the i-th pair, which are distances from the index. */
static bool
read_pair(const struct elf *e, uint64_t i, uint64_t *function, uint64_t *entry)
{
	struct text t;

	if (!elf_read(e, e->frame_index.address + 12 + i * 8, 8, &t) || t.n < 8)
		return false;
	*function = e->frame_index.address + (uint64_t)signed_word(t, 0);
	*entry = e->frame_index.address + (uint64_t)signed_word(t, 4);
	return true;
}

/* The address of the entry of the last function that begins at or before the address. */
static bool
find_entry(const struct elf *e, uint64_t address, uint64_t *entry)
{
	/* the version; how the three numbers are encoded, as all linkers do */
	static const char usual[] = { 1, 0x1b, 3, 0x3b };
	uint64_t function, at, from = 0, to;
	struct text t;

	if (e->frame_index.size < 20 || !elf_read(e, e->frame_index.address, 12, &t) || t.n < 12 ||
	    memcmp(t.s, usual, sizeof usual) != 0)
		return false;
	to = elf_number(t, 8, 4);
	if (to > e->frame_index.size / 8)
		return false;
	while (to - from > 1) {
		uint64_t middle = from + (to - from) / 2;
		if (!read_pair(e, middle, &function, &at))
			return false;
		if (function <= address)
			from = middle;
		else
			to = middle;
	}
	return to > from && read_pair(e, from, &function, entry) && function <= address;
}

/* ---- Without an index, as gcc links static programs: all entries */

/* Looks through the whole entries in the text, which is at that address. Returns how many bytes they
 * have; 0 at the end. */
static size_t
scan_piece(struct text t, uint64_t at, uint64_t address, uint64_t *entry)
{
	size_t done = 0;

	for (uint64_t length; t.n - done >= 16; done += (size_t)length + 4) {
		length = elf_number(t, done, 4);
		if (length < 4 || length > t.n - done - 4)
			return length < 4 ? 0 : done;
		uint64_t start = at + done + 8 + (uint64_t)signed_word(t, done + 8);
		bool common = elf_number(t, done + 4, 4) == 0;
		if (!common && address - start < elf_number(t, done + 12, 4))
			*entry = at + done;
	}
	return done;
}

static bool
scan_entries(const struct elf *e, uint64_t address, uint64_t *entry)
{
	const uint64_t most = 32 << 20;
	uint64_t size = e->frames.size < most ? e->frames.size : most, at = 0;
	struct text t;

	*entry = 0;
	while (at < size && !*entry && elf_read(e, e->frames.address + at, ELF_PIECE, &t)) {
		size_t n = scan_piece(t, e->frames.address + at, address, entry);
		if (n == 0)
			break;
		at += n;
	}
	return *entry != 0;
}

/* ---- The instructions of an entry */

/* What the entries of a file have in common. */
struct common {
	uint64_t code_unit;
	int64_t data_unit;
	bool signal, augmented;
	char code[200];
	size_t n;
};

enum { KEPT_MOST = 8 };

/* A damaged file may have any numbers. */
static int64_t
times(int64_t a, int64_t unit)
{
	return (int64_t)((uint64_t)a * (uint64_t)unit);
}

struct run {
	struct common *common;
	struct frame_rule row, initial, kept[KEPT_MOST];
	int nkept;
	uint64_t location, address; /* now; the one that is looked for */
};

/* Of the programs for the address of a frame, only those of signal handlers and of realigned stacks
 * occur: the word in memory at a register and an offset. */
static void
set_indirect(struct run *r, struct cursor block)
{
	enum { REGISTER_0 = 0x70, DEREF = 0x06 };
	uint64_t code = take(&block, 1);

	r->row.base = (uint8_t)(code - REGISTER_0);
	r->row.offset = take_signed(&block);
	r->row.indirect = true;
	if (take(&block, 1) != DEREF || block.t.n > 0 || block.bad || code < REGISTER_0)
		r->row.base = REGISTERS;
}

static void
set_saved(struct run *r, uint64_t reg, enum saved how, int64_t offset)
{
	if (reg >= REGISTERS)
		return;
	r->row.saved[reg].how = how;
	r->row.saved[reg].offset = offset;
}

/* A register that is saved where a program says: at the stack pointer and an offset. */
static void
set_computed(struct run *r, uint64_t reg, struct cursor block)
{
	enum { SP_PLUS = 0x70 + REG_SP };
	bool simple = take(&block, 1) == SP_PLUS;
	int64_t offset = take_signed(&block);

	set_saved(r, reg, simple && !block.bad && block.t.n == 0 ? SAVED_SP : SAVED_LOST, offset);
}

static struct cursor
take_block(struct cursor *c)
{
	uint64_t n = take_unsigned(c);
	struct cursor block = { { c->t.s, n < c->t.n ? (size_t)n : c->t.n }, n > c->t.n };

	skip(c, n);
	return block;
}

static void
restore(struct run *r, uint64_t reg)
{
	if (reg < REGISTERS)
		r->row.saved[reg] = r->initial.saved[reg];
}

static void
set_frame(struct run *r, uint64_t reg, int64_t offset)
{
	r->row.base = reg < REGISTERS ? (uint8_t)reg : REGISTERS;
	r->row.offset = offset;
	r->row.indirect = false;
}

/* An instruction about the address of the frame. False if it is none. */
static bool
run_frame(struct run *r, unsigned code, struct cursor *c)
{
	int64_t unit = r->common->data_unit;
	uint64_t reg;

	switch (code) {
	case 0x0c: /* def_cfa */
		reg = take_unsigned(c);
		set_frame(r, reg, (int64_t)take_unsigned(c));
		return true;
	case 0x0d: /* def_cfa_register */
		set_frame(r, take_unsigned(c), r->row.offset);
		return true;
	case 0x0e: /* def_cfa_offset */
		r->row.offset = (int64_t)take_unsigned(c);
		return true;
	case 0x0f: /* def_cfa_expression */
		set_indirect(r, take_block(c));
		return true;
	case 0x12: /* def_cfa_sf */
		reg = take_unsigned(c);
		set_frame(r, reg, times(take_signed(c), unit));
		return true;
	case 0x13: /* def_cfa_offset_sf */
		r->row.offset = times(take_signed(c), unit);
		return true;
	default:
		return false;
	}
}

/* An instruction about a saved register, whose number comes first. False if it is none. */
static bool
run_saved(struct run *r, unsigned code, struct cursor *c)
{
	int64_t unit = r->common->data_unit;
	struct cursor before = *c;
	uint64_t reg = take_unsigned(c);

	switch (code) {
	case 0x05: /* offset_extended */
		set_saved(r, reg, SAVED_AT, times((int64_t)take_unsigned(c), unit));
		return true;
	case 0x06: /* restore_extended */
		restore(r, reg);
		return true;
	case 0x07: /* undefined */
		set_saved(r, reg, SAVED_LOST, 0);
		return true;
	case 0x08: /* same_value */
		set_saved(r, reg, SAVED_NOT, 0);
		return true;
	case 0x10: /* expression */
		set_computed(r, reg, take_block(c));
		return true;
	case 0x11: /* offset_extended_sf */
		set_saved(r, reg, SAVED_AT, times(take_signed(c), unit));
		return true;
	case 0x09: /* register: it is in another one */
	case 0x14: /* val_offset */
	case 0x15: /* val_offset_sf */
		set_saved(r, reg, SAVED_LOST, 0);
		take_unsigned(c);
		return true;
	case 0x16: /* val_expression */
		set_saved(r, reg, SAVED_LOST, 0);
		take_block(c);
		return true;
	default:
		*c = before;
		return false;
	}
}

/* Any other instruction whose first byte has its number alone. False if it is not known. */
static bool
run_other(struct run *r, unsigned code, struct cursor *c)
{
	switch (code) {
	case 0x00: /* nop */
		return true;
	case 0x02: /* advance_loc1, 2, 4 */
	case 0x03:
	case 0x04:
		r->location += take(c, (size_t)1 << (code - 2)) * r->common->code_unit;
		return true;
	case 0x0a: /* remember_state */
		if (r->nkept == KEPT_MOST)
			return false;
		r->kept[r->nkept++] = r->row;
		return true;
	case 0x0b: /* restore_state */
		if (r->nkept == 0)
			return false;
		r->row = r->kept[--r->nkept];
		return true;
	case 0x2e: /* GNU_args_size */
		take_unsigned(c);
		return true;
	default:
		return false;
	}
}

/* Runs the instructions up to the address. */
static bool
run(struct run *r, struct text code)
{
	enum { ADVANCE = 1, OFFSET = 2, RESTORE = 3 };
	struct cursor c = { code, false };

	while (c.t.n > 0 && !c.bad) {
		struct frame_rule before = r->row;
		uint64_t byte = take(&c, 1), low = byte & 63, was = r->location;
		bool known = true;
		if (byte >> 6 == ADVANCE)
			r->location += low * r->common->code_unit;
		else if (byte >> 6 == OFFSET)
			set_saved(r, low, SAVED_AT,
			    times((int64_t)take_unsigned(&c), r->common->data_unit));
		else if (byte >> 6 == RESTORE)
			restore(r, low);
		else
			known = run_frame(r, (unsigned)byte, &c) ||
			    run_saved(r, (unsigned)byte, &c) || run_other(r, (unsigned)byte, &c);
		if (!known || r->location < was)
			return false;
		if (r->location > r->address) {
			r->row = before;
			return !c.bad;
		}
	}
	return !c.bad;
}

/* ---- Entries */

/* Reads what the entry at the address refers to. */
static bool
read_common(const struct elf *e, uint64_t address, struct common *out)
{
	struct text t;
	char augmentation[8] = "";
	size_t n = 0;

	*out = (struct common){ .n = 0 };
	if (!elf_read(e, address, 256, &t) || elf_number(t, 4, 4) != 0)
		return false;
	uint64_t length = elf_number(t, 0, 4);
	struct cursor c = { t, false };
	if (length < t.n - (t.n < 4 ? t.n : 4))
		c.t.n = (size_t)length + 4;
	skip(&c, 8);
	uint64_t version = take(&c, 1);
	for (uint64_t letter; (letter = take(&c, 1)) != 0 && n < sizeof augmentation - 1;)
		augmentation[n++] = (char)letter;
	out->code_unit = take_unsigned(&c);
	out->data_unit = take_signed(&c);
	uint64_t returns = version == 1 ? take(&c, 1) : take_unsigned(&c);
	out->augmented = *augmentation == 'z';
	if (out->augmented)
		take_block(&c);
	out->signal = strchr(augmentation, 'S') != NULL;
	if (c.bad || returns != REG_IP || c.t.n > sizeof out->code || out->code_unit > 16 ||
	    out->data_unit > 64 || out->data_unit < -64)
		return false;
	memcpy(out->code, c.t.s, c.t.n);
	out->n = c.t.n;
	return true;
}

/* Reads the whole entry at the address, and what it refers to. Addresses in it are distances of four
 * bytes, as all compilers write them for code up to 2 GB. */
static bool
read_entry(const struct elf *e, uint64_t address, struct common *common, struct text *out)
{
	struct text t;

	if (!elf_read(e, address, 8, &t) || t.n < 8)
		return false;
	uint64_t length = elf_number(t, 0, 4), back = elf_number(t, 4, 4);
	if (length < 16 || length > ELF_PIECE - 4 || back == 0 || back > address + 4)
		return false;
	return read_common(e, address + 4 - back, common) &&
	    elf_read(e, address, (size_t)length + 4, out) && out->n == length + 4;
}

bool
frames_of_elf(const struct elf *e, uint64_t address, struct frame_rule *out)
{
	struct common common;
	struct run r = { .common = &common, .address = address };
	uint64_t entry = 0;
	struct text t;

	bool found =
	    e->frame_index.size ? find_entry(e, address, &entry) : scan_entries(e, address, &entry);
	if (!found || !read_entry(e, entry, &common, &t))
		return false;
	uint64_t start = entry + 8 + (uint64_t)signed_word(t, 8), size = elf_number(t, 12, 4);
	if (address < start || address - start >= size)
		return false;
	struct cursor c = { { t.s + 16, t.n - 16 }, false };
	if (common.augmented)
		take_block(&c);
	r.row.base = REGISTERS;
	r.location = start;
	if (c.bad || !run(&r, (struct text){ common.code, common.n }))
		return false;
	r.initial = r.row;
	r.location = start;
	if (!run(&r, c.t) || r.row.base >= REGISTERS)
		return false;
	*out = r.row;
	out->start = start;
	out->end = start + size;
	out->signal = common.signal;
	out->top = out->saved[REG_IP].how == SAVED_LOST;
	return true;
}

/* ---- Go: internal/abi/symtab.go and runtime/symtab.go, from Go 1.18 on */

struct go_table {
	const struct elf *elf;
	uint64_t functions, names_at, pcs_at, table_at; /* offsets in .gopclntab */
	uint64_t text;                                  /* the address where Go's code begins */
	uint64_t unit;
	bool lines; /* Go 1.20: a function also has its first line */
};

static bool
read_go(const struct go_table *g, uint64_t at, size_t n, struct text *out)
{
	const struct elf_part *p = &g->elf->go_table;

	if (at >= p->size || at > INT64_MAX / 4 || p->at > INT64_MAX / 4)
		return false;
	n = n < p->size - at ? n : (size_t)(p->size - at);
	return g->elf->file.read(g->elf->file.ctx, p->at + at, n, out) == 0 && out->n > 0;
}

static bool
open_go(struct go_table *g)
{
	const struct elf_part *text = &g->elf->text;
	struct text t;

	if (!read_go(g, 0, 72, &t) || t.n < 72)
		return false;
	uint64_t magic = elf_number(t, 0, 4);
	g->lines = magic == 0xfffffff1u;
	g->unit = elf_number(t, 6, 1);
	g->functions = elf_number(t, 8, 8);
	g->text = elf_number(t, 24, 8);
	g->names_at = elf_number(t, 32, 8);
	g->pcs_at = elf_number(t, 56, 8);
	g->table_at = elf_number(t, 64, 8);
	/* a relocated number is not in the file, and other code may come before that of Go */
	if (g->text == 0 && g->elf->frame_index.size == 0)
		g->text = text->address;
	return g->text >= text->address && g->text - text->address < text->size &&
	    (magic == 0xfffffff0u || magic == 0xfffffff1u) && elf_number(t, 7, 1) == 8 &&
	    g->unit > 0 && g->unit <= 4 && g->functions <= g->elf->go_table.size / 8 &&
	    g->table_at < g->elf->go_table.size;
}

/* The i-th pair of the table: a function's distance from the start of the text, and its record. */
static bool
read_function(const struct go_table *g, uint64_t i, uint64_t *entry, uint64_t *record)
{
	struct text t;

	if (!read_go(g, g->table_at + i * 8, 8, &t) || t.n < 8)
		return false;
	*entry = elf_number(t, 0, 4);
	*record = g->table_at + elf_number(t, 4, 4);
	return true;
}

static bool
find_function(
    const struct go_table *g, uint64_t at, uint64_t *start, uint64_t *end, uint64_t *record)
{
	uint64_t from = 0, to = g->functions, ignored;

	while (to - from > 1) {
		uint64_t middle = from + (to - from) / 2;
		if (!read_function(g, middle, start, record))
			return false;
		if (*start <= at)
			from = middle;
		else
			to = middle;
	}
	/* after the last function is the end of the text */
	return to > from && read_function(g, from + 1, end, &ignored) &&
	    read_function(g, from, start, record) && at >= *start && at < *end;
}

/* The depth of the stack at a distance from the start of a function: changes of it, and for how
 * long they hold. */
static bool
find_depth(const struct go_table *g, uint64_t table, uint64_t at, int64_t *depth)
{
	const int64_t MOST = 1 << 30;
	struct text t;
	uint64_t pc = 0;

	*depth = -1;
	if (table == 0 || !read_go(g, g->pcs_at + table, ELF_PIECE, &t))
		return false;
	struct cursor c = { t, false };
	for (bool first = true; !c.bad; first = false) {
		uint64_t change = take_unsigned(&c);
		if (change == 0 && !first)
			return false;
		if (change > UINT32_MAX || *depth < -MOST || *depth > MOST)
			return false;
		*depth += change & 1 ? -(int64_t)(change >> 1) - 1 : (int64_t)(change >> 1);
		pc += take_unsigned(&c) * g->unit;
		if (at < pc)
			return !c.bad && *depth >= 0 && *depth < MOST;
	}
	return false;
}

static void
read_go_name(const struct go_table *g, uint64_t at, char out[SYMBOL_NAME_MOST])
{
	struct text t;

	if (!read_go(g, g->names_at + at, SYMBOL_NAME_MOST, &t))
		return;
	const char *end = memchr(t.s, '\0', t.n);
	size_t n = end ? (size_t)(end - t.s) : SYMBOL_NAME_MOST - 4;
	if (!end && t.n < SYMBOL_NAME_MOST)
		return;
	memcpy(out, t.s, n);
	strcpy(out + n, end ? "" : "...");
}

bool
frames_of_go(const struct elf *e, uint64_t address, struct frame_rule *out)
{
	enum { TOP_FRAME = 1, SP_WRITE = 2 };
	struct go_table g = { .elf = e };
	uint64_t at, start, end, record;
	int64_t depth;
	struct text t;

	*out = (struct frame_rule){ .base = REG_SP };
	if (e->go_table.size == 0 || !open_go(&g) || address < g.text)
		return false;
	at = address - g.text;
	if (!find_function(&g, at, &start, &end, &record) || !read_go(&g, record, 44, &t) ||
	    t.n < 44)
		return false;
	uint64_t flags = elf_number(t, g.lines ? 41 : 37, 1), name = elf_number(t, 4, 4);
	uint64_t depths = elf_number(t, 16, 4);
	out->start = g.text + start;
	out->end = g.text + end;
	out->top = flags & TOP_FRAME;
	out->stop = flags & SP_WRITE;
	read_go_name(&g, name, out->name);
	if (!find_depth(&g, depths, at - start, &depth))
		return false;
	out->offset = depth + 8;
	out->saved[REG_IP].how = SAVED_AT;
	out->saved[REG_IP].offset = -8;
	if (depth > 0) {
		out->saved[REG_BP].how = SAVED_AT;
		out->saved[REG_BP].offset = -16;
	}
	return true;
}
