#include "base/human.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

struct scale {
	double from, unit;
	const char *name;
};

/* The largest scale that the value reaches; up to three digits. */
static const char *
print(double v, const struct scale *scales, size_t n, char out[HUMAN_MOST])
{
	size_t i = 0;

	if (isnan(v) || isinf(v)) {
		snprintf(out, HUMAN_MOST, "-");
		return out;
	}
	while (i + 1 < n && v < scales[i].from)
		i++;
	v /= scales[i].unit;
	snprintf(
	    out, HUMAN_MOST, v < 10 && v != floor(v) ? "%.1f %s" : "%.0f %s", v, scales[i].name);
	return out;
}

const char *
human_duration(double s, char out[HUMAN_MOST])
{
	static const struct scale scales[] = {
		{ 2 * 86400, 86400, "days" },
		{ 2 * 3600, 3600, "hours" },
		{ 120, 60, "minutes" },
		{ 1, 1, "s" },
		{ 0, 1e-3, "ms" },
	};

	return print(s, scales, sizeof scales / sizeof scales[0], out);
}

const char *
human_size(double bytes, char out[HUMAN_MOST])
{
	static const struct scale scales[] = {
		{ 1024.0 * 1024 * 1024, 1024.0 * 1024 * 1024, "GiB" },
		{ 1024 * 1024, 1024 * 1024, "MiB" },
		{ 1024, 1024, "KiB" },
		{ 0, 1, "bytes" },
	};

	return print(bytes, scales, sizeof scales / sizeof scales[0], out);
}
