#include "tape/format.h"

#include <errno.h>
#include <string.h>

#include "base/code.h"
#include "base/crc32c.h"
#include "base/fail.h"

static const unsigned char magic[8] = { 0x89, 'p', 'q', 't', 'a', 'p', 'e', '\n' };

void
tape_put_header(const struct tape_segment *s, unsigned char out[TAPE_HEADER])
{
	memset(out, 0, TAPE_HEADER);
	memcpy(out, magic, sizeof magic);
	le_put(out + 8, TAPE_VERSION, 4);
	le_put(out + 12, TAPE_HEADER, 4);
	le_put(out + 16, s->sequence, 8);
	le_put(out + 24, s->run, 8);
	le_put(out + 32, s->samples, 8);
	le_put(out + 40, s->ring, 8);
	le_put(out + 48, (uint64_t)s->mono_ns, 8);
	le_put(out + 56, (uint64_t)s->real_ns, 8);
	le_put(out + 64, (uint64_t)s->boot_ns, 8);
	memcpy(out + 72, s->boot_id, sizeof s->boot_id);
	le_put(out + 88, s->oldest, 8);
	le_put(out + 124, crc32c(0, out, 124), 4);
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
	if (memcmp(in, magic, sizeof magic) != 0 || le_get(in + 124, 4) != crc32c(0, in, 124))
		return fail_with(EINVAL);
	uint64_t version = le_get(in + 8, 4);
	if (version == 0 || version > TAPE_VERSION)
		return fail_with(version == 0 ? EPROTONOSUPPORT : ENOTSUP);
	*s = (struct tape_segment){ .version = (unsigned)version,
		.sequence = le_get(in + 16, 8),
		.run = le_get(in + 24, 8),
		.samples = le_get(in + 32, 8),
		.ring = le_get(in + 40, 8),
		.mono_ns = (int64_t)le_get(in + 48, 8),
		.real_ns = (int64_t)le_get(in + 56, 8),
		.boot_ns = (int64_t)le_get(in + 64, 8),
		.oldest = le_get(in + 88, 8) }; /* 0 in version 1 */
	memcpy(s->boot_id, in + 72, sizeof s->boot_id);
	return s->sequence > 0 && has_times(s) ? 0 : fail_with(EINVAL);
}

uint32_t
tape_seed(const struct tape_segment *s)
{
	unsigned char id[16];

	le_put(id, s->sequence, 8);
	le_put(id + 8, s->run, 8);
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

	le_put(head, (uint64_t)type << 24 | n, 4);
	le_put(head + 4, tape_crc(seed, head, head + TAPE_HEAD, n), 4);
}

int
tape_get_head(const unsigned char in[TAPE_HEAD], unsigned *type, size_t *n, uint32_t *crc)
{
	*type = in[3];
	*n = (size_t)le_get(in, 3);
	*crc = (uint32_t)le_get(in + 4, 4);
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

/* Most paths are: a replay looks at one for each file that it reads. */
static bool
is_clean(const char *path, size_t n)
{
	if (n == 0 || *path == '/' || *path == '.')
		return false;
	while ((path = strchr(path, '/')) != NULL)
		if (*++path == '/' || *path == '.' || *path == '\0')
			return false;
	return true;
}

bool
path_clean(const char *path, enum path_mark mark, char *out, size_t n)
{
	struct text rest = text_of(path), part;
	size_t at = 0;

	if (rest.n + 3 <= n && is_clean(path, rest.n)) {
		memcpy(out, path, rest.n);
		at = rest.n;
		rest.n = 0;
	}
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
