#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "replay.h"

/* Of a recording longer than a day, a time of day is no later than the last sample, and no more than
 * a day and its change of the clocks before it. */
static void
check(const struct when *w, const struct span *span, bool utc)
{
	const int64_t hour = INT64_C(3600000000000), most = 7289654399 * INT64_C(1000000000);
	int64_t ns = when_resolve(w, span, utc);

	if (w->kind == WHEN_CLOCK && span->to_ns > 26 * hour && span->to_ns < most &&
	    (ns > span->to_ns || ns < span->to_ns - 26 * hour))
		abort();
	if (w->kind == WHEN_AFTER_FIRST && ns < span->from_ns)
		abort();
	if (w->kind == WHEN_BEFORE_LAST && ns > span->to_ns)
		abort();
	if (w->kind <= WHEN_INSTANT && w->kind != WHEN_CLOCK &&
	    (ns < -24 * hour || ns > most + 25 * hour))
		abort();
}

/* The first eight bytes are a recording's end, the rest what somebody wrote; and all of them are,
 * for recordings of any time. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* half an hour after clocks were set back */
	const int64_t change = INT64_C(1792891800000000000);
	struct span spans[] = { { INT64_MIN, INT64_MAX }, { INT64_MAX, INT64_MIN }, { 0, change },
		{ 0 } };
	struct text all = { (const char *)data, n };
	struct when w;
	uint64_t bytes;

	setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	if (size_parse(all, &bytes) == 0 && bytes == 0)
		abort();
	for (size_t i = 0; i < 4; i++)
		for (int utc = 0; utc < 2 && when_parse(all, &w) == 0; utc++)
			check(&w, &spans[i], utc);
	if (n < 8)
		return 0;
	memcpy(&spans[3].to_ns, data, 8);
	if (when_parse((struct text){ all.s + 8, n - 8 }, &w) == 0) {
		check(&w, &spans[3], false);
		check(&w, &spans[3], true);
	}
	return 0;
}
