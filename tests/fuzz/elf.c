#include <stdlib.h>
#include <string.h>

#include "proc/elf.h"
#include "proc/frames.h"
#include "piece.h"
#include "replay.h"

struct bytes {
	struct text all;
	unsigned reads;
};

static int
read_bytes(void *ctx, uint64_t at, size_t n, struct text *out)
{
	struct bytes *b = ctx;

	b->reads++;
	if (n > ELF_PIECE)
		abort();
	*out = piece_of(b->all, at, n);
	return 0;
}

static void
check_rule(const struct frame_rule *r, uint64_t address)
{
	if (r->base >= REGISTERS || address < r->start || !memchr(r->name, '\0', sizeof r->name))
		abort();
}

static void
look_at(const struct elf *e, uint64_t address)
{
	struct symbol s[2] = { { .address = address, .begins = UINT64_MAX },
		{ .address = address + 1, .begins = address } };
	struct frame_rule r;

	if (frames_of_elf(e, address, &r))
		check_rule(&r, address);
	if (frames_of_go(e, address, &r))
		check_rule(&r, address);
	elf_name(e, s, 2);
	for (int i = 0; i < 2; i++)
		if (!memchr(s[i].name, '\0', sizeof s[i].name))
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct bytes b = { { (const char *)data, n }, 0 };
	const struct elf_file f = { read_bytes, &b };
	struct elf e;
	uint64_t address;

	if (!elf_open(&e, &f))
		return 0;
	for (unsigned i = 0; i < e.nsegments; i++) {
		const struct elf_part *p = &e.segments[i];
		look_at(&e, p->address);
		look_at(&e, p->address + p->size - 1);
		look_at(&e, p->address + p->size / 2);
		if (elf_address(&e, p->at + 4, &address))
			look_at(&e, address);
	}
	look_at(&e, e.text.address + 0x44);
	if (b.reads > 10000)
		abort();
	return 0;
}
