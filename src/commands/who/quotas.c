#include "commands/who/quotas.h"

#include <stdlib.h>

#include "base/fail.h"

struct quota_reading {
	struct throttled_time now;
	double grew_ns; /* since the reading before; NaN: unknown */
	bool weighed;   /* blame knew in the interval that there is a quota */
};

static void
read_cgroup(struct quotas *q, size_t i)
{
	struct quota_reading *r = &q->v[i];
	const struct throttled_time before = r->now;

	r->weighed = before.limited;
	r->now = throttled_read(&q->throttled, q->host, q->parties->trace->cgroups[i]);
	r->grew_ns = keyed_delta(before.ns, r->now.ns);
}

static void
read_all(struct quotas *q)
{
	size_t n = q->parties->trace->ncgroups;

	throttled_begin(&q->throttled, q->host);
	q->left_out = n > THROTTLED_MOST ? n - THROTTLED_MOST : 0;
	for (n -= q->left_out; q->n < n; q->n++) {
		q->v = xgrow(q->v, q->n, &q->room, sizeof *q->v);
		q->v[q->n] = (struct quota_reading){ .weighed = false };
	}
	for (size_t i = 0; i < q->n; i++)
		read_cgroup(q, i);
}

/* Of one thread among others of its cgroup it is not known how long a quota held it back, unless none
 * did. */
static void
move(struct quotas *q, uint32_t party)
{
	uint32_t cgroup = parties_cgroup(q->parties, party);

	if (cgroup == PARTIES_FREE)
		blame_throttled(q->blame, party, 0);
	if (cgroup >= q->n)
		return;
	const struct quota_reading *r = &q->v[cgroup];
	if (r->grew_ns == 0 ||
	    (r->grew_ns > 0 && r->weighed && !q->parties->by_thread && !q->sampled))
		blame_throttled(q->blame, party, (uint64_t)r->grew_ns);
}

static void
limit(void *about, uint32_t party)
{
	const struct quotas *q = about;
	uint32_t cgroup = parties_cgroup(q->parties, party);

	if (cgroup < q->n && q->v[cgroup].now.limited)
		blame_limited(q->blame, party);
}

void
quotas_read(struct quotas *q)
{
	read_all(q);
	for (uint32_t i = 0; i < blame_victims(q->blame); i++)
		if (blame_victim(q->blame, i))
			move(q, i);
	if (!q->sampled)
		parties_each(q->parties, limit, q);
}

void
quotas_free(struct quotas *q)
{
	throttled_free(&q->throttled);
	free(q->v);
}
