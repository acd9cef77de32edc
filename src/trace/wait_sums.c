#include "trace/wait_sums.h"

#include <stdlib.h>
#include <string.h>

#include "base/fail.h"

enum {
	PAIRS_MOST = 1 << 18,
	LENGTHS = 64,           /* classes of waits: by the power of two of their length in ns */
	IDLE_LONG_NS = 1000000, /* a CPU wakes up from idle in less time */
};

/* Waits of a class, which may be due to a quota. */
struct held {
	double share_ns[2][LENGTHS]; /* [0]: that saw the CPU idle for long */
};

struct held_pair {
	uint64_t wait_ns[2][LENGTHS];
};

struct sums_victim {
	struct blame_victim sum;
	bool seen;
	struct held *held; /* of a party with a quota; NULL: it has none */
};

struct sums_pair {
	struct blame_pair sum;
	struct held_pair *held;
};

static void *
zeroed(size_t n, size_t size)
{
	return memset(xmalloc(n * size), 0, n * size);
}

void *
sums_grow(void *v, uint32_t n, uint32_t *room, size_t size)
{
	uint32_t more = *room ? *room : 16;

	if (n < *room)
		return v;
	while (more <= n)
		more *= 2;
	v = xrealloc(v, more * size);
	memset((char *)v + *room * size, 0, (more - *room) * size);
	*room = more;
	return v;
}

/* ---- Victims, and pairs of a victim and a culprit */

static struct sums_victim *
victim_of(struct wait_sums *s, uint32_t party)
{
	s->victims = sums_grow(s->victims, party, &s->victims_room, sizeof *s->victims);
	if (party >= s->nvictims)
		s->nvictims = party + 1;
	return &s->victims[party];
}

static uint32_t *
slot_of(const struct wait_sums *s, uint32_t victim, uint32_t culprit)
{
	uint64_t h = ((uint64_t)victim << 32 | culprit) * 0x9e3779b97f4a7c15u;

	for (uint32_t i = (uint32_t)(h >> 32);; i++) {
		uint32_t *slot = &s->slots[i & (s->nslots - 1)];
		if (*slot == 0 ||
		    (s->pairs[*slot - 1].sum.victim == victim &&
			s->pairs[*slot - 1].sum.culprit == culprit))
			return slot;
	}
}

static void
rehash(struct wait_sums *s)
{
	s->nslots = s->nslots ? s->nslots * 2 : 256;
	free(s->slots);
	s->slots = zeroed(s->nslots, sizeof *s->slots);
	for (uint32_t i = 0; i < s->npairs; i++)
		*slot_of(s, s->pairs[i].sum.victim, s->pairs[i].sum.culprit) = i + 1;
}

static struct sums_pair *
pair_of(struct wait_sums *s, uint32_t victim, uint32_t culprit)
{
	if (s->npairs >= s->nslots / 2)
		rehash(s);
	uint32_t *slot = slot_of(s, victim, culprit);
	if (*slot)
		return &s->pairs[*slot - 1];
	if (s->npairs >= PAIRS_MOST && culprit >= BLAME_FIRST)
		return pair_of(s, victim, BLAME_OTHERS);
	s->pairs = sums_grow(s->pairs, s->npairs, &s->pairs_room, sizeof *s->pairs);
	struct sums_pair *p = &s->pairs[s->npairs];
	*p = (struct sums_pair){ .sum = { .victim = victim, .culprit = culprit } };
	*slot = ++s->npairs;
	return p;
}

/* ---- The wait at hand */

void
sums_part(struct wait_sums *s, uint32_t who, uint64_t ns, uint64_t elsewhere_ns)
{
	if (ns == 0)
		return;
	s->parts = sums_grow(s->parts, who, &s->nparts, sizeof *s->parts);
	if (s->parts[who].ns == 0) {
		s->touched =
		    sums_grow(s->touched, s->ntouched, &s->touched_room, sizeof *s->touched);
		s->touched[s->ntouched++] = who;
	}
	s->parts[who].ns += ns;
	s->parts[who].elsewhere_ns += elsewhere_ns;
}

static void
clear_parts(struct wait_sums *s)
{
	for (uint32_t i = 0; i < s->ntouched; i++)
		s->parts[s->touched[i]] = (struct part){ 0 };
	s->ntouched = 0;
}

uint32_t
sums_take(struct wait_sums *s, struct part **parts, uint32_t *room)
{
	uint32_t n = s->ntouched;

	*parts = sums_grow(*parts, n, room, sizeof **parts);
	for (uint32_t i = 0; i < n; i++) {
		(*parts)[i] = s->parts[s->touched[i]];
		(*parts)[i].who = s->touched[i];
	}
	clear_parts(s);
	return n;
}

static unsigned
length_class(uint64_t ns)
{
	return ns ? 63 - (unsigned)__builtin_clzll(ns) : 0;
}

/* Notes a wait that may be due to the quota, with its share of the queue. */
static void
hold(struct wait_sums *s, const struct wait *w)
{
	struct sums_victim *v = &s->victims[w->party];
	uint64_t own_ns = w->party < s->nparts ? s->parts[w->party].ns : 0;
	unsigned length = length_class(w->end_ns - w->from_ns - own_ns),
		 of = s->parts[BLAME_IDLE].ns < IDLE_LONG_NS;

	v->held->share_ns[of][length] += w->share_ns;
	for (uint32_t i = 0; i < s->ntouched; i++) {
		struct sums_pair *p = pair_of(s, w->party, s->touched[i]);
		if (s->touched[i] == w->party)
			continue;
		if (!p->held)
			p->held = zeroed(1, sizeof *p->held);
		p->held->wait_ns[of][length] += s->parts[s->touched[i]].ns;
	}
}

static void
add_to_pair(
    struct wait_sums *s, const struct wait *w, const struct part *part, uint32_t who, bool slow)
{
	struct blame_pair *p = &pair_of(s, w->party, who)->sum;

	p->wait_ns += part->ns;
	p->elsewhere_ns += part->elsewhere_ns;
	p->waits++;
	p->slow += slow;
	if (part->ns > p->longest_ns) {
		p->longest_ns = part->ns;
		p->longest_end_ns = w->end_ns;
		p->longest_tid = w->tid;
	}
}

/* Who has the largest part of the wait. */
static uint32_t
worst_of(const struct wait_sums *s)
{
	uint32_t worst = BLAME_UNKNOWN;
	uint64_t most = 0;

	for (uint32_t i = 0; i < s->ntouched; i++)
		if (s->parts[s->touched[i]].ns > most) {
			worst = s->touched[i];
			most = s->parts[worst].ns;
		}
	return worst;
}

static void
add_to_victim(struct wait_sums *s, const struct wait *w, bool slow)
{
	struct sums_victim *v = victim_of(s, w->party);
	uint64_t wait_ns = w->end_ns - w->from_ns;
	uint32_t worst = slow ? worst_of(s) : 0;

	v->seen = true;
	v->sum.waits++;
	v->sum.wait_ns += w->end_ns - w->piece_ns;
	v->sum.slow += slow;
	if (wait_ns >= v->sum.longest_ns) {
		v->sum.longest_ns = wait_ns;
		v->sum.longest_end_ns = w->end_ns;
		v->sum.longest_tid = w->tid;
	}
	for (uint32_t i = 0; i < s->ntouched; i++) {
		const struct part *part = &s->parts[s->touched[i]];
		add_to_pair(s, w, part, s->touched[i], slow && s->touched[i] == worst);
		v->sum.elsewhere_ns += part->elsewhere_ns;
	}
	if (s->nparts && s->parts[BLAME_IDLE].ns >= IDLE_LONG_NS)
		v->sum.idle_ns += s->parts[BLAME_IDLE].ns;
}

bool
sums_count(struct wait_sums *s, const struct wait *w)
{
	bool slow = s->slow_ns && w->end_ns - w->from_ns >= s->slow_ns;

	add_to_victim(s, w, slow && !w->slow);
	if (s->ntouched && s->victims[w->party].held)
		hold(s, w);
	clear_parts(s);
	return slow;
}

struct blame_victim *
sums_victim(struct wait_sums *s, uint32_t party)
{
	struct sums_victim *v = victim_of(s, party);

	v->seen = true;
	return &v->sum;
}

/* ---- The quota */

void
sums_limit(struct wait_sums *s, uint32_t party)
{
	struct sums_victim *v = victim_of(s, party);

	if (!v->held)
		v->held = zeroed(1, sizeof *v->held);
}

bool
sums_limited(const struct wait_sums *s, uint32_t party)
{
	return party < s->nvictims && s->victims[party].held;
}

/* Moves this share of the waits of a class to the quota. */
static uint64_t
move(struct wait_sums *s, uint32_t party, int of, int length, double share)
{
	uint64_t moved = 0;

	for (uint32_t i = 0; i < s->npairs; i++) {
		struct sums_pair *p = &s->pairs[i];
		if (p->sum.victim != party || !p->held)
			continue;
		uint64_t *held = &p->held->wait_ns[of][length];
		uint64_t ns = share < 1 ? (uint64_t)((double)*held * share) : *held;
		*held -= ns;
		p->sum.wait_ns -= ns;
		moved += ns;
	}
	return moved;
}

void
sums_throttled(struct wait_sums *s, uint32_t party, uint64_t throttled_ns)
{
	double left = (double)throttled_ns;
	uint64_t moved = 0;

	if (!sums_limited(s, party)) {
		if (throttled_ns == 0 && sums_seen(s, party))
			s->victims[party].sum.quota_known = true;
		return;
	}
	struct sums_victim *v = &s->victims[party];
	v->sum.quota_known = true;
	for (int of = 0; of < 2; of++)
		for (int i = LENGTHS - 1; i >= 0 && left > 0; i--) {
			double share_ns = v->held->share_ns[of][i];
			if (share_ns <= 0)
				continue;
			moved += move(s, party, of, i, left / share_ns);
			left -= share_ns;
		}
	pair_of(s, party, BLAME_QUOTA)->sum.wait_ns += moved;
}

/* ---- Results */

const struct blame_victim *
sums_seen(const struct wait_sums *s, uint32_t party)
{
	return party < s->nvictims && s->victims[party].seen ? &s->victims[party].sum : NULL;
}

const struct blame_pair *
sums_pair(const struct wait_sums *s, size_t i)
{
	return &s->pairs[i].sum;
}

void
sums_clear(struct wait_sums *s)
{
	for (uint32_t i = 0; i < s->nvictims; i++) {
		s->victims[i].sum = (struct blame_victim){ 0 };
		s->victims[i].seen = false;
		if (s->victims[i].held)
			*s->victims[i].held = (struct held){ 0 };
	}
	for (uint32_t i = 0; i < s->npairs; i++)
		free(s->pairs[i].held);
	s->npairs = 0;
	if (s->nslots)
		memset(s->slots, 0, s->nslots * sizeof *s->slots);
}

void
sums_free(struct wait_sums *s)
{
	sums_clear(s);
	for (uint32_t i = 0; i < s->nvictims; i++)
		free(s->victims[i].held);
	free(s->victims);
	free(s->pairs);
	free(s->slots);
	free(s->parts);
	free(s->touched);
}
