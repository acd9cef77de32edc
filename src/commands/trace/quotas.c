#include "commands/trace/quotas.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/fail.h"

void
quotas_take(struct quota_list *l, struct host *host, const struct map *cgroups)
{
	throttled_begin(&l->throttled, host);
	l->left_out = cgroups->n > THROTTLED_MOST ? cgroups->n - THROTTLED_MOST : 0;
	for (uint32_t i = 0; i < cgroups->n && i < THROTTLED_MOST; i++) {
		struct throttled_time now =
		    throttled_read(&l->throttled, host, map_key(cgroups, i).s);
		if (!now.ns.known)
			continue;
		l->v = xgrow(l->v, l->n, &l->room, sizeof *l->v);
		l->v[l->n++] = (struct trace_quota){ i, (uint64_t)clock_ns(CLOCK_BOOTTIME),
			now.ns.v, now.limited };
	}
}

void
quotas_put(const struct quota_list *l, struct trace_writer *w)
{
	for (size_t i = 0; i < l->n; i++)
		trace_put_quota(w, &l->v[i]);
}

void
quotas_drop(struct quota_list *l)
{
	throttled_free(&l->throttled);
	free(l->v);
}
