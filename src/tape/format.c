#include "tape/format.h"

#include <errno.h>
#include <string.h>

#include "base/crc32c.h"

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
	put_le(out + 32, s->moments, 8);
	put_le(out + 40, s->ring, 8);
	put_le(out + 48, (uint64_t)s->mono_ns, 8);
	put_le(out + 56, (uint64_t)s->real_ns, 8);
	put_le(out + 64, (uint64_t)s->boot_ns, 8);
	memcpy(out + 72, s->boot_id, sizeof s->boot_id);
	put_le(out + 124, crc32c(0, out, 124), 4);
}

/* So that sums and differences of times fit. */
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
	if (memcmp(in, magic, sizeof magic) != 0 || get_le(in + 124, 4) != crc32c(0, in, 124)) {
		errno = EINVAL;
		return -1;
	}
	if (get_le(in + 8, 4) != TAPE_VERSION) {
		errno = ENOTSUP;
		return -1;
	}
	if (get_le(in + 16, 8) == 0) { /* they count from 1 */
		errno = EINVAL;
		return -1;
	}
	*s = (struct tape_segment){ .sequence = get_le(in + 16, 8),
		.run = get_le(in + 24, 8),
		.moments = get_le(in + 32, 8),
		.ring = get_le(in + 40, 8),
		.mono_ns = (int64_t)get_le(in + 48, 8),
		.real_ns = (int64_t)get_le(in + 56, 8),
		.boot_ns = (int64_t)get_le(in + 64, 8) };
	memcpy(s->boot_id, in + 72, sizeof s->boot_id);
	if (!has_times(s)) {
		errno = EINVAL;
		return -1;
	}
	return 0;
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
	return *type == TAPE_KEY || (*type >= TAPE_MOMENT && *type < TAPE_RECORDS) ? 0 : -1;
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
