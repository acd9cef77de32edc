#include "trace/format.h"

#include <errno.h>
#include <string.h>

#include "base/code.h"
#include "base/crc32c.h"
#include "base/fail.h"

static const unsigned char magic[8] = { 0x89, 'p', 'q', 't', 'r', 'a', 'c', '\n' };

void
trace_put_header(unsigned char out[TRACE_HEADER])
{
	memcpy(out, magic, sizeof magic);
	le_put(out + 8, TRACE_VERSION, 4);
	le_put(out + 12, crc32c(0, out, 12), 4);
}

int
trace_get_header(const unsigned char in[TRACE_HEADER])
{
	if (memcmp(in, magic, sizeof magic) != 0 || le_get(in + 12, 4) != crc32c(0, in, 12))
		return fail_with(EINVAL);
	return le_get(in + 8, 4) == TRACE_VERSION ? 0 : fail_with(ENOTSUP);
}

void
trace_put_block(struct buf *out, enum trace_kind kind, const struct buf *payload)
{
	unsigned char head[TRACE_HEAD];

	le_put(head, (uint64_t)kind << 24 | payload->n, 4);
	le_put(head + 4, crc32c(0, payload->s, payload->n), 4);
	le_put(head + 8, crc32c(0, head, 8), 4);
	buf_add(out, (const char *)head, sizeof head);
	buf_add(out, payload->s, payload->n);
}

bool
trace_get_head(const unsigned char in[TRACE_HEAD], struct trace_head *h)
{
	if (in[3] == 0 || in[3] >= TRACE_KINDS || le_get(in + 8, 4) != crc32c(0, in, 8))
		return false;
	*h = (struct trace_head){ in[3], (size_t)le_get(in, 3), (uint32_t)le_get(in + 4, 4) };
	return true;
}
