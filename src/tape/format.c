#include "tape/format.h"

#include <errno.h>
#include <string.h>

#include "base/fail.h"

/* The remainders of each byte, for the reflected polynomial 0x82f63b78. */
static const uint32_t table[256] = { 0x00000000, 0xf26b8303, 0xe13b70f7, 0x1350f3f4, 0xc79a971f,
	0x35f1141c, 0x26a1e7e8, 0xd4ca64eb, 0x8ad958cf, 0x78b2dbcc, 0x6be22838, 0x9989ab3b,
	0x4d43cfd0, 0xbf284cd3, 0xac78bf27, 0x5e133c24, 0x105ec76f, 0xe235446c, 0xf165b798,
	0x030e349b, 0xd7c45070, 0x25afd373, 0x36ff2087, 0xc494a384, 0x9a879fa0, 0x68ec1ca3,
	0x7bbcef57, 0x89d76c54, 0x5d1d08bf, 0xaf768bbc, 0xbc267848, 0x4e4dfb4b, 0x20bd8ede,
	0xd2d60ddd, 0xc186fe29, 0x33ed7d2a, 0xe72719c1, 0x154c9ac2, 0x061c6936, 0xf477ea35,
	0xaa64d611, 0x580f5512, 0x4b5fa6e6, 0xb93425e5, 0x6dfe410e, 0x9f95c20d, 0x8cc531f9,
	0x7eaeb2fa, 0x30e349b1, 0xc288cab2, 0xd1d83946, 0x23b3ba45, 0xf779deae, 0x05125dad,
	0x1642ae59, 0xe4292d5a, 0xba3a117e, 0x4851927d, 0x5b016189, 0xa96ae28a, 0x7da08661,
	0x8fcb0562, 0x9c9bf696, 0x6ef07595, 0x417b1dbc, 0xb3109ebf, 0xa0406d4b, 0x522bee48,
	0x86e18aa3, 0x748a09a0, 0x67dafa54, 0x95b17957, 0xcba24573, 0x39c9c670, 0x2a993584,
	0xd8f2b687, 0x0c38d26c, 0xfe53516f, 0xed03a29b, 0x1f682198, 0x5125dad3, 0xa34e59d0,
	0xb01eaa24, 0x42752927, 0x96bf4dcc, 0x64d4cecf, 0x77843d3b, 0x85efbe38, 0xdbfc821c,
	0x2997011f, 0x3ac7f2eb, 0xc8ac71e8, 0x1c661503, 0xee0d9600, 0xfd5d65f4, 0x0f36e6f7,
	0x61c69362, 0x93ad1061, 0x80fde395, 0x72966096, 0xa65c047d, 0x5437877e, 0x4767748a,
	0xb50cf789, 0xeb1fcbad, 0x197448ae, 0x0a24bb5a, 0xf84f3859, 0x2c855cb2, 0xdeeedfb1,
	0xcdbe2c45, 0x3fd5af46, 0x7198540d, 0x83f3d70e, 0x90a324fa, 0x62c8a7f9, 0xb602c312,
	0x44694011, 0x5739b3e5, 0xa55230e6, 0xfb410cc2, 0x092a8fc1, 0x1a7a7c35, 0xe811ff36,
	0x3cdb9bdd, 0xceb018de, 0xdde0eb2a, 0x2f8b6829, 0x82f63b78, 0x709db87b, 0x63cd4b8f,
	0x91a6c88c, 0x456cac67, 0xb7072f64, 0xa457dc90, 0x563c5f93, 0x082f63b7, 0xfa44e0b4,
	0xe9141340, 0x1b7f9043, 0xcfb5f4a8, 0x3dde77ab, 0x2e8e845f, 0xdce5075c, 0x92a8fc17,
	0x60c37f14, 0x73938ce0, 0x81f80fe3, 0x55326b08, 0xa759e80b, 0xb4091bff, 0x466298fc,
	0x1871a4d8, 0xea1a27db, 0xf94ad42f, 0x0b21572c, 0xdfeb33c7, 0x2d80b0c4, 0x3ed04330,
	0xccbbc033, 0xa24bb5a6, 0x502036a5, 0x4370c551, 0xb11b4652, 0x65d122b9, 0x97baa1ba,
	0x84ea524e, 0x7681d14d, 0x2892ed69, 0xdaf96e6a, 0xc9a99d9e, 0x3bc21e9d, 0xef087a76,
	0x1d63f975, 0x0e330a81, 0xfc588982, 0xb21572c9, 0x407ef1ca, 0x532e023e, 0xa145813d,
	0x758fe5d6, 0x87e466d5, 0x94b49521, 0x66df1622, 0x38cc2a06, 0xcaa7a905, 0xd9f75af1,
	0x2b9cd9f2, 0xff56bd19, 0x0d3d3e1a, 0x1e6dcdee, 0xec064eed, 0xc38d26c4, 0x31e6a5c7,
	0x22b65633, 0xd0ddd530, 0x0417b1db, 0xf67c32d8, 0xe52cc12c, 0x1747422f, 0x49547e0b,
	0xbb3ffd08, 0xa86f0efc, 0x5a048dff, 0x8ecee914, 0x7ca56a17, 0x6ff599e3, 0x9d9e1ae0,
	0xd3d3e1ab, 0x21b862a8, 0x32e8915c, 0xc083125f, 0x144976b4, 0xe622f5b7, 0xf5720643,
	0x07198540, 0x590ab964, 0xab613a67, 0xb831c993, 0x4a5a4a90, 0x9e902e7b, 0x6cfbad78,
	0x7fab5e8c, 0x8dc0dd8f, 0xe330a81a, 0x115b2b19, 0x020bd8ed, 0xf0605bee, 0x24aa3f05,
	0xd6c1bc06, 0xc5914ff2, 0x37faccf1, 0x69e9f0d5, 0x9b8273d6, 0x88d28022, 0x7ab90321,
	0xae7367ca, 0x5c18e4c9, 0x4f48173d, 0xbd23943e, 0xf36e6f75, 0x0105ec76, 0x12551f82,
	0xe03e9c81, 0x34f4f86a, 0xc69f7b69, 0xd5cf889d, 0x27a40b9e, 0x79b737ba, 0x8bdcb4b9,
	0x988c474d, 0x6ae7c44e, 0xbe2da0a5, 0x4c4623a6, 0x5f16d052, 0xad7d5351 };

uint32_t
crc32c(uint32_t crc, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	crc = ~crc;
	while (n--)
		crc = table[(crc ^ *p++) & 255] ^ (crc >> 8);
	return ~crc;
}

static const unsigned char magic[8] = { 0x89, 'p', 'q', 't', 'a', 'p', 'e', '\n' };

static void
put_le(unsigned char *out, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		out[i] = (unsigned char)(v >> 8 * i);
}

static uint64_t
get_le(const unsigned char *in, int bytes)
{
	uint64_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint64_t)in[i] << 8 * i;
	return v;
}

void
tape_put_header(const struct tape_segment *s, unsigned char out[TAPE_HEADER])
{
	memset(out, 0, TAPE_HEADER);
	memcpy(out, magic, sizeof magic);
	put_le(out + 8, TAPE_VERSION, 4);
	put_le(out + 12, TAPE_HEADER, 4);
	put_le(out + 16, s->sequence, 8);
	put_le(out + 24, s->run, 8);
	put_le(out + 32, s->samples, 8);
	put_le(out + 40, s->ring, 8);
	put_le(out + 48, (uint64_t)s->mono_ns, 8);
	put_le(out + 56, (uint64_t)s->real_ns, 8);
	put_le(out + 64, (uint64_t)s->boot_ns, 8);
	memcpy(out + 72, s->boot_id, sizeof s->boot_id);
	put_le(out + 88, s->oldest, 8);
	put_le(out + 124, crc32c(0, out, 124), 4);
}

/* Whether sums and differences of its times cannot overflow. */
static bool
has_times(const struct tape_segment *s)
{
	/* 36 years since boot; the year 2116 */
	const int64_t most_mono = INT64_MAX / 8, most_real = INT64_MAX / 2;

	return s->mono_ns >= 0 && s->mono_ns <= most_mono && s->boot_ns >= 0 &&
	    s->boot_ns <= most_mono && s->real_ns >= 0 && s->real_ns <= most_real;
}

int
tape_get_header(const unsigned char in[TAPE_HEADER], struct tape_segment *s)
{
	if (memcmp(in, magic, sizeof magic) != 0 || get_le(in + 124, 4) != crc32c(0, in, 124))
		return fail_with(EINVAL);
	uint64_t version = get_le(in + 8, 4);
	if (version == 0 || version > TAPE_VERSION)
		return fail_with(version == 0 ? EPROTONOSUPPORT : ENOTSUP);
	*s = (struct tape_segment){ .version = (unsigned)version,
		.sequence = get_le(in + 16, 8),
		.run = get_le(in + 24, 8),
		.samples = get_le(in + 32, 8),
		.ring = get_le(in + 40, 8),
		.mono_ns = (int64_t)get_le(in + 48, 8),
		.real_ns = (int64_t)get_le(in + 56, 8),
		.boot_ns = (int64_t)get_le(in + 64, 8),
		.oldest = get_le(in + 88, 8) }; /* 0 in version 1 */
	memcpy(s->boot_id, in + 72, sizeof s->boot_id);
	return s->sequence > 0 && has_times(s) ? 0 : fail_with(EINVAL);
}

uint32_t
tape_seed(const struct tape_segment *s)
{
	unsigned char id[16];

	put_le(id, s->sequence, 8);
	put_le(id + 8, s->run, 8);
	return crc32c(0, id, sizeof id);
}

size_t
tape_begin_record(struct buf *b)
{
	size_t start = b->n;

	buf_room(b, TAPE_HEAD);
	b->n += TAPE_HEAD;
	return start;
}

void
tape_end_record(struct buf *b, size_t start, uint32_t seed, unsigned type)
{
	unsigned char *head = (unsigned char *)b->s + start;
	size_t n = b->n - start - TAPE_HEAD;

	put_le(head, (uint64_t)type << 24 | n, 4);
	put_le(head + 4, tape_crc(seed, head, head + TAPE_HEAD, n), 4);
}

int
tape_get_head(const unsigned char in[TAPE_HEAD], unsigned *type, size_t *n, uint32_t *crc)
{
	*type = in[3];
	*n = (size_t)get_le(in, 3);
	*crc = (uint32_t)get_le(in + 4, 4);
	return *type == TAPE_KEY || *type == TAPE_CLOSED ||
		(*type >= TAPE_SAMPLE && *type < TAPE_RECORDS) ?
	    0 :
	    -1;
}

uint32_t
tape_crc(uint32_t seed, const unsigned char head[TAPE_HEAD], const void *bytes, size_t n)
{
	return crc32c(crc32c(seed, head, 4), bytes, n);
}

uint64_t
tape_block_up(uint64_t at)
{
	return (at + TAPE_BLOCK - 1) / TAPE_BLOCK * TAPE_BLOCK;
}

bool
path_clean(const char *path, enum path_mark mark, char *out, size_t n)
{
	struct text rest = text_of(path), part;
	size_t at = 0;

	while (text_split(&rest, '/', &part)) {
		if (part.n == 0 || text_eq(part, "."))
			continue;
		if (text_eq(part, "..") || at + part.n + 3 > n)
			return false;
		if (at > 0)
			out[at++] = '/';
		memcpy(out + at, part.s, part.n);
		at += part.n;
	}
	if (mark != PATH_FILE)
		out[at++] = (char)mark;
	out[at] = '\0';
	return at > 0;
}

/* The codes of numbers. The first byte selects the code, which says how many bytes follow. */
static const struct tape_code {
	uint8_t first, last; /* first bytes */
	uint8_t more;        /* bytes that follow */
	/* its smallest number; it has (last - first + 1) << 8 * more numbers */
	uint64_t base;
} zeros[] = {
	{ 0, 63, 0, 1 },
	{ 64, 71, 1, 65 },
}, numbers[] = {
	{ 72, 191, 0, 0 },
	{ 192, 223, 1, 120 },
	{ 224, 239, 2, 120 + (32 << 8) },
	{ 240, 247, 3, 120 + (32 << 8) + (16 << 16) },
};

enum {
	ZEROS = sizeof zeros / sizeof zeros[0],
	NUMBERS = sizeof numbers / sizeof numbers[0],
	RAW = 247,
	ZEROS_MOST = 64 + (8 << 8)
};

static uint64_t
room_of(const struct tape_code *c)
{
	return (uint64_t)(c->last - c->first + 1) << 8 * c->more;
}

static void
put_low(struct buf *b, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_char(b, (char)(v >> 8 * i));
}

static void
put_with(struct buf *b, const struct tape_code *c, uint64_t v)
{
	v -= c->base;
	buf_char(b, (char)(c->first + (v >> 8 * c->more)));
	put_low(b, v, c->more);
}

void
code_put(struct buf *b, uint64_t v)
{
	int bytes = 1;

	for (int i = 0; i < NUMBERS; i++) {
		if (v - numbers[i].base < room_of(&numbers[i])) {
			put_with(b, &numbers[i], v);
			return;
		}
	}
	while (bytes < 8 && v >> 8 * bytes)
		bytes++;
	buf_char(b, (char)(RAW + bytes));
	put_low(b, v, bytes);
}

static bool
get_low(struct text *rest, int bytes, uint64_t *v)
{
	*v = 0;
	if (rest->n < (size_t)bytes)
		return false;
	for (int i = 0; i < bytes; i++)
		*v |= (uint64_t)(unsigned char)rest->s[i] << 8 * i;
	*rest = (struct text){ rest->s + bytes, rest->n - (size_t)bytes };
	return true;
}

static bool
get_with(struct text *rest, const struct tape_code *c, unsigned char first, uint64_t *v)
{
	if (!get_low(rest, c->more, v))
		return false;
	*v += c->base + ((uint64_t)(first - c->first) << 8 * c->more);
	return true;
}

/* The one of n codes that has this first byte, or NULL. */
static const struct tape_code *
find_code(const struct tape_code *c, int n, unsigned char first)
{
	for (int i = 0; i < n; i++)
		if (first >= c[i].first && first <= c[i].last)
			return &c[i];
	return NULL;
}

bool
code_get(struct text *rest, uint64_t *v)
{
	if (rest->n == 0)
		return false;
	unsigned char first = (unsigned char)rest->s[0];
	const struct tape_code *c = find_code(numbers, NUMBERS, first);
	if (!c && first <= RAW)
		return false;
	*rest = (struct text){ rest->s + 1, rest->n - 1 };
	return c ? get_with(rest, c, first, v) : get_low(rest, first - RAW, v);
}

/* 0, -1, 1, -2, … as 0, 1, 2, 3, … */
static uint64_t
zigzag(uint64_t v)
{
	return v << 1 ^ (v >> 63 ? UINT64_MAX : 0);
}

static uint64_t
zagzig(uint64_t v)
{
	return v >> 1 ^ (v & 1 ? UINT64_MAX : 0);
}

void
code_put_signed(struct buf *b, int64_t v)
{
	code_put(b, zigzag((uint64_t)v));
}

bool
code_get_signed(struct text *rest, int64_t *v)
{
	uint64_t u;

	if (!code_get(rest, &u))
		return false;
	*v = (int64_t)zagzig(u);
	return true;
}

void
code_put_text(struct buf *b, struct text t)
{
	code_put(b, t.n);
	buf_add(b, t.s, t.n);
}

bool
code_get_text(struct text *rest, struct text *t)
{
	uint64_t n;

	if (!code_get(rest, &n) || n > rest->n)
		return false;
	*t = (struct text){ rest->s, (size_t)n };
	*rest = (struct text){ rest->s + n, rest->n - (size_t)n };
	return true;
}

static void
put_zeros(struct deltas *d)
{
	while (d->zeros > 0) {
		uint64_t n = d->zeros < ZEROS_MOST ? d->zeros : ZEROS_MOST;
		put_with(d->out, &zeros[n >= zeros[1].base], n);
		d->zeros -= n;
	}
}

void
deltas_put(struct deltas *d, uint64_t from, uint64_t to)
{
	if (from == to) {
		d->zeros++;
		return;
	}
	put_zeros(d);
	code_put(d->out, zigzag(to - from));
}

void
deltas_skip(struct deltas *d, uint64_t n)
{
	d->zeros += n;
}

/* Reads the next code: a run of zeros, which goes to d->zeros, or a difference. After the end, all
 * differences are 0. */
static uint64_t
next_delta(struct deltas_read *d)
{
	uint64_t v = 0;

	if (d->rest.n == 0) {
		d->zeros = UINT64_MAX;
		return 0;
	}
	unsigned char first = (unsigned char)d->rest.s[0];
	const struct tape_code *c = find_code(zeros, ZEROS, first);
	if (!c) {
		d->bad |= !code_get(&d->rest, &v);
		d->rest.n = d->bad ? 0 : d->rest.n;
		return v;
	}
	d->rest = (struct text){ d->rest.s + 1, d->rest.n - 1 };
	d->bad |= !get_with(&d->rest, c, first, &d->zeros);
	return 0;
}

bool
deltas_add(struct deltas_read *d, uint64_t *v, size_t n)
{
	bool changed = false;

	for (size_t i = 0; i < n;) {
		uint64_t delta = d->zeros ? 0 : next_delta(d);
		if (d->zeros) {
			uint64_t skip = d->zeros < n - i ? d->zeros : n - i;
			d->zeros -= skip;
			i += (size_t)skip;
			continue;
		}
		changed |= delta != 0;
		v[i++] += zagzig(delta);
	}
	return changed;
}
