/* sock: pq sock --totals, and in pq export: a row for each address that is listened at, and for each
 * program of a cgroup in place of its connections. Their number does not grow with the load. */
#include <math.h>
#include <string.h>

#include "tools/sock/sock.h"

/* What becomes of a column if rows are put together. Labels and levels that are not listed are those of
 * the worst one, which comes first. */
enum rule { OF_WORST, SUM, MOST, OF_ONE };

static const unsigned char rules[SOCK_COLUMNS] = {
	[SOCK_RECV] = SUM,
	[SOCK_UNREAD_MS] = MOST,
	[SOCK_SEND] = SUM,
	[SOCK_UNSENT] = SUM,
	[SOCK_UNACKED] = SUM,
	[SOCK_RTT] = MOST,
	[SOCK_RETRANS] = SUM,
	[SOCK_DROP] = SUM,
	[SOCK_ZERO_WINDOW] = MOST,
	[SOCK_WINDOW_PCT] = MOST,
	[SOCK_SNDBUF_PCT] = MOST,
	[SOCK_RECV_AGO] = OF_ONE,
	[SOCK_ACK_AGO] = OF_ONE,
	[SOCK_RMEM] = SUM,
	[SOCK_WMEM] = SUM,
	[SOCK_RCVBUF] = OF_ONE,
	[SOCK_SNDBUF] = OF_ONE,
	[SOCK_COUNT] = SUM,
	[SOCK_PID] = OF_ONE,
	[SOCK_OWNERS] = OF_ONE,
	[SOCK_STATE] = OF_ONE,
	[SOCK_PEER] = OF_ONE,
	[SOCK_NETNS] = OF_ONE,
};

static bool
is_listener(const struct cell *row)
{
	return !isnan(row[SOCK_ACCEPT].num);
}

/* What names a row: type, program, cgroup and, of a listener, its address. */
static struct text
key_of(struct buf *b, const struct cell *row)
{
	static const enum sock_column names[] = { SOCK_TYPE, SOCK_PROCESS, SOCK_CGROUP,
		SOCK_LOCAL };

	b->n = 0;
	buf_char(b, is_listener(row) ? 'l' : 's');
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *name = row[names[i]].label;
		if (names[i] == SOCK_LOCAL && !is_listener(row))
			continue;
		buf_char(b, '\n');
		buf_text(b, name ? name : "");
	}
	return (struct text){ b->s, b->n };
}

/* Turns the row of a socket into that of a total. Counters of connections end with them, so a total of
 * them would fall. */
static void
begin_total(struct cell *row)
{
	const struct cell unknown = { .num = NAN, .raw = NAN };
	bool listener = is_listener(row);

	for (int i = 0; i < SOCK_COLUMNS; i++) {
		if (rules[i] == OF_ONE || (i == SOCK_LOCAL && !listener))
			row[i] = unknown;
		row[i].raw = listener ? row[i].raw : NAN;
	}
	row[SOCK_PROCESS].brief = NULL;
	row[SOCK_COUNT] = (struct cell){ .num = 1, .raw = NAN, .weight = 1 };
}

static void
add_to_total(struct cell *to, const struct cell *from)
{
	for (int i = 0; i < SOCK_COLUMNS; i++) {
		if (rules[i] == SUM && !isnan(from[i].num))
			to[i].num = isnan(to[i].num) ? from[i].num : to[i].num + from[i].num;
		if (rules[i] == SUM)
			to[i].raw += from[i].raw;
		if (rules[i] == MOST)
			to[i].num = fmax(to[i].num, from[i].num);
	}
}

void
sock_put_together(struct sock_watch *s, struct table *t)
{
	size_t first = t->pinned, kept = first;

	map_clear(&s->total_keys);
	for (size_t i = first; i < t->nrows; i++) {
		struct cell *row = &t->cells[i * t->ncolumns];
		uint32_t known = s->total_keys.n,
			 total = map_put(&s->total_keys, key_of(&s->total_key, row));
		struct cell *to = &t->cells[(first + total) * t->ncolumns];
		begin_total(row);
		if (total < known) {
			add_to_total(to, row);
			continue;
		}
		if (to != row)
			memcpy(to, row, t->ncolumns * sizeof *row);
		kept++;
	}
	t->nrows = kept;
}
