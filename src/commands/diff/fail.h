/*
 * fail: what --fail allows: how much worse a figure may get.
 *
 *  throttle.held_cpus +10%    a significant increase of its mean by more than 10 %
 *  runqlat.p99_us p99 +200    of the 99th percentile, by more than 200 of the column's unit
 *  mem.used_bytes max +64M    sizes, and times such as 5ms, have units
 *  cpu.idle_pct -10%          of a figure of which less is worse
 *  throttle.* 10%, * 10%      all figures of a tool, or of all, that have a worse direction
 */
#ifndef PQ_COMMANDS_DIFF_FAIL_H
#define PQ_COMMANDS_DIFF_FAIL_H

#include "commands/diff/lines.h"

enum statistic { STATISTIC_MEAN, STATISTIC_MEDIAN, STATISTIC_P90, STATISTIC_P99, STATISTIC_MAX };

struct fail_rule {
	int tool, column; /* index in tools[], and of its column; -1: all */
	enum statistic statistic;
	bool less; /* a decrease counts; else an increase. Of all figures: the worse direction */
	bool relative; /* the amount is a part of A, not in the unit of the column */
	double amount;
};

/* Parses a rule. Returns 0, or -1 with the error in `why`. */
int fail_parse(const char *source, struct fail_rule *out, char why[200]);

enum fail_result { FAIL_NOT, FAIL_YES, FAIL_UNKNOWN };

/* Applies the rule. Sets `asked` of the lines that it is about, and `fails` of lines that it does not
 * allow. Returns FAIL_UNKNOWN if none could be judged, or if the recordings are too short for any change. */
enum fail_result fail_apply(const struct fail_rule *f, struct comparison *c);

/* How many of the lines of a rule could be judged, and why the others could not. */
struct fail_counts {
	size_t judged, few, only_one;
	const struct line *unknown; /* the first of the others; NULL: none */
};

struct fail_counts fail_count(const struct comparison *c);

double spread_statistic(const struct spread *g, const struct column *c, enum statistic s);

#endif
