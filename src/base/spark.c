#include "base/spark.h"

#include <math.h>

const char *
spark_cell(double part, bool utf8)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
				 *const ascii[] = { "_", ".", ":", "-", "=", "+", "*", "#" };

	if (isnan(part))
		return " ";
	int level = part <= 0 ? 0 : (int)fmin(part * 7.999, 7);
	level += part > 0 && level == 0;
	return (utf8 ? blocks : ascii)[level];
}

double
spark_top(double most, double least, bool bytes)
{
	double top = 1;

	if (!(most > least))
		return least > 0 ? least : 1;
	if (bytes) {
		while (top < most)
			top *= 4;
		return top;
	}
	/* the power of 10 below it; a logarithm may be off by its last bit */
	top = pow(10, floor(log10(most)));
	const double steps[] = { 1, 2, 5 };
	for (int i = 0; i < 3; i++)
		if (most <= steps[i] * top * (1 + 1e-9))
			return steps[i] * top;
	return 10 * top;
}

double
spark_next_top(double now, double most, double least, bool bytes)
{
	bool fits = most <= now && least <= now && most > now / 5;

	return fits ? now : spark_top(most, least, bytes);
}
