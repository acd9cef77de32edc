#include "tape/index.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fail.h"

int
tape_index_look(struct tape_index *x, struct source *s, uint64_t at, struct tape_segment *out)
{
	const unsigned char *p = source_at(s, at, 2 * TAPE_HEADER);
	struct tape_segment copy;

	if (!p)
		return errno ? -1 : 0;
	int first = tape_get_header(p, out);
	x->later |= first < 0 && errno == ENOTSUP;
	int second = tape_get_header(p + TAPE_HEADER, &copy);
	x->later |= second < 0 && errno == ENOTSUP;
	if (first < 0 && second == 0)
		*out = copy;
	x->damaged += (first < 0) != (second < 0);
	return first == 0 || second == 0;
}

void
tape_index_add(struct tape_index *x, uint64_t at, const struct tape_segment *segment)
{
	if (x->n == x->room) {
		x->room = x->room ? x->room * 2 : 16;
		x->v = xrealloc(x->v, x->room * sizeof *x->v);
	}
	x->v[x->n++] = (struct tape_place){ at, UINT64_MAX, *segment };
}

static int
by_sequence(const void *a, const void *b)
{
	const struct tape_place *x = a, *y = b;

	if (x->segment.sequence != y->segment.sequence)
		return x->segment.sequence < y->segment.sequence ? -1 : 1;
	return (x->at > y->at) - (x->at < y->at);
}

int
tape_index_scan(struct tape_index *x, struct source *s)
{
	uint64_t size = source_size(s);
	size_t piece = s->piece;
	int found = 0;

	x->n = x->damaged = 0;
	source_forget(s);
	s->piece = 2 * TAPE_HEADER; /* of a block no more than this is looked at */
	for (uint64_t at = 0; at + 2 * TAPE_HEADER <= size && found >= 0; at += TAPE_BLOCK) {
		struct tape_segment segment;
		found = tape_index_look(x, s, at, &segment);
		if (found > 0)
			tape_index_add(x, at, &segment);
	}
	s->piece = piece;
	source_forget(s);
	for (size_t i = 0; i < x->n; i++)
		x->v[i].limit = i + 1 < x->n ? x->v[i + 1].at : size;
	if (x->n > 1)
		qsort(x->v, x->n, sizeof *x->v, by_sequence);
	return found < 0 ? -1 : 0;
}

void
tape_index_free(struct tape_index *x)
{
	free(x->v);
	*x = (struct tape_index){ 0 };
}
