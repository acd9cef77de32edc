#include "tools/cpu_usage.h"

#include <math.h>

static const enum cpu_field field_of[] = {
	[USR] = CPU_USER,
	[NICE] = CPU_NICE,
	[SYS] = CPU_SYSTEM,
	[IOWAIT] = CPU_IOWAIT,
	[IRQ] = CPU_IRQ,
	[SOFT] = CPU_SOFTIRQ,
	[STEAL] = CPU_STEAL,
	[GUEST] = CPU_GUEST,
	[GNICE] = CPU_GUEST_NICE,
	[IDLE] = CPU_IDLE,
};

enum cpu_field
cpu_field_of(int column)
{
	return field_of[column];
}

/* A counter that ran backwards (iowait and idle do, others when a CPU was offline) has counted
 * nothing: never more, as then a busy CPU would look idle. */
static double
grown(const struct cpu_time *from, const struct cpu_time *to, enum cpu_field f)
{
	return to->ticks[f] > from->ticks[f] ? (double)(to->ticks[f] - from->ticks[f]) : 0;
}

/* A sandbox may make up a file of zeros. */
static bool
has_counted(const struct cpu_time *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < CPU_FIELDS; i++)
		sum |= c->ticks[i];
	return sum != 0;
}

struct usage
cpu_usage(const struct cpu_time *from, const struct cpu_time *to)
{
	double guest = grown(from, to, CPU_GUEST), guest_nice = grown(from, to, CPU_GUEST_NICE);
	struct usage u = { .part = {
		[USR] = fmax(0, grown(from, to, CPU_USER) - guest),
		[NICE] = fmax(0, grown(from, to, CPU_NICE) - guest_nice),
		[SYS] = grown(from, to, CPU_SYSTEM),
		[IOWAIT] = grown(from, to, CPU_IOWAIT),
		[IRQ] = grown(from, to, CPU_IRQ),
		[SOFT] = grown(from, to, CPU_SOFTIRQ),
		[STEAL] = grown(from, to, CPU_STEAL),
		[GUEST] = guest,
		[GNICE] = guest_nice,
		[IDLE] = grown(from, to, CPU_IDLE),
	}, .fields = from->fields < to->fields ? from->fields : to->fields };

	for (int i = USR; i <= IDLE; i++)
		u.whole += u.part[i];
	return u;
}

/* In less than two ticks, nothing counted means nothing. */
void
cpu_usage_fill(struct usage *u, const struct cpu_time *to, double span_ticks)
{
	if (u->whole == 0 && span_ticks >= 2 && has_counted(to))
		u->part[IDLE] = u->whole = span_ticks;
}

void
cpu_usage_add(struct usage *sum, const struct usage *u)
{
	for (int i = USR; i <= IDLE; i++)
		sum->part[i] += u->part[i];
	sum->whole += u->whole;
	sum->fields = sum->fields && sum->fields < u->fields ? sum->fields : u->fields;
}

void
cpu_count(struct counted *counted, const struct cpu_time *now, const struct usage *u)
{
	static const struct cpu_time zero;
	struct usage all = cpu_usage(&zero, now);

	for (int i = USR; i <= IDLE; i++)
		counted->ticks[i] = counted->begun ? counted->ticks[i] + u->part[i] : all.part[i];
	counted->begun = true;
}
