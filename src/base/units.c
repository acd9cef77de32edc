#include "base/units.h"

#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

static int
fail(int error)
{
	errno = error;
	return -1;
}

static struct text
take_digits(struct text *rest)
{
	struct text digits = { rest->s, 0 };

	for (; rest->n > 0 && *rest->s >= '0' && *rest->s <= '9'; rest->n--, rest->s++)
		digits.n++;
	return digits;
}

/* ".250", or nothing, in billionths. A double would lose nanoseconds after ten digits. */
static bool
take_fraction(struct text *rest, int64_t *billionths)
{
	uint64_t v;

	*billionths = 0;
	if (!text_skip(rest, "."))
		return true;
	struct text digits = take_digits(rest);
	if (digits.n > 9 || text_u64(digits, &v) < 0)
		return false;
	for (size_t i = digits.n; i < 9; i++)
		v *= 10;
	*billionths = (int64_t)v;
	return true;
}

int64_t
duration_unit(struct text unit)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = { { "us", 1000 }, { "ms", 1000000 }, { "s", INT64_C(1000000000) },
		{ "m", INT64_C(60000000000) }, { "h", INT64_C(3600000000000) },
		{ "d", INT64_C(86400000000000) } };

	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (text_eq(unit, units[i].name))
			return units[i].ns;
	return 0;
}

int
duration_parse(struct text t, int64_t *ns)
{
	const int64_t most_ns = INT64_C(7289654400) * 1000000000 - 1; /* from 1970 to 2200 */
	struct text digits = take_digits(&t);
	int64_t billionths;
	uint64_t whole;

	if (text_u64(digits, &whole) < 0 || !take_fraction(&t, &billionths))
		return fail(EINVAL);
	int64_t unit = t.n ? duration_unit(t) : 1000000000;
	if (unit < 1000000 || whole > (uint64_t)(most_ns / unit))
		return fail(EINVAL);
	/* billionths * unit would be too large */
	*ns = (int64_t)whole * unit + billionths * (unit / 1000000) / 1000;
	return 0;
}

int
size_parse(struct text t, uint64_t *bytes)
{
	struct text digits = take_digits(&t);
	unsigned shift = text_skip(&t, "K") ? 10 :
	    text_skip(&t, "M")              ? 20 :
	    text_skip(&t, "G")              ? 30 :
	    text_skip(&t, "T")              ? 40 :
					      0;
	uint64_t v;

	if (shift > 0)
		text_skip(&t, "iB");
	if (t.n > 0 || digits.n == 0)
		return fail(EINVAL);
	if (text_u64(digits, &v) < 0)
		return -1;
	if (v == 0 || v > UINT64_MAX >> shift)
		return fail(v == 0 ? EINVAL : ERANGE);
	*bytes = v << shift;
	return 0;
}

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
