/* page_cpu: the bounds of CPUs, for people. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands/limits/page.h"

/* A list of CPUs that fits, with "..." for what is left out. */
static const char *
short_list(const char *list, size_t room, char out[64])
{
	snprintf(out, 64, strlen(list) > room ? "%.*s..." : "%.*s",
	    (int)(strlen(list) > room ? room - 3 : room), list);
	return out;
}

static void
put_count(struct buf *b, const char *label, const struct cpu_count *c)
{
	char n[24], list[64];

	snprintf(n, sizeof n, "%u", c->n);
	page_row(b, label, c->n ? n : "-", c->n ? short_list(c->list, 56, list) : "", NULL);
}

static void
put_cpuset(struct buf *b, const struct chain *c)
{
	char n[24], list[64], text[48];

	for (size_t i = 0; i < c->n; i++) {
		const struct level *v = &c->v[i];
		if (!v->ncpus ||
		    (i > 0 && v->ncpus == c->v[i - 1].ncpus &&
			strcmp(v->cpus, c->v[i - 1].cpus) == 0))
			continue;
		snprintf(n, sizeof n, "%u", v->ncpus);
		snprintf(text, sizeof text, "%.32s  ", short_list(v->cpus, 32, list));
		page_row(b, "  cpuset", n, text, v->name);
	}
}

/* The levels with a quota, or that there is none. */
static void
put_quotas(struct buf *b, const struct chain *c)
{
	char value[24], ms[24], period[24], text[64];
	size_t shown = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct cpu_quota *q = &c->v[i].cpu.quota;
		if (q->known && !q->limited)
			continue;
		shown++;
		if (!q->known) {
			page_row(b, "  quota", "-", "cannot be read: ", c->v[i].name);
			continue;
		}
		snprintf(text, sizeof text, "%s of every %s ms  ",
		    page_cpus(q->cpus * (double)q->period_us / 1000, ms),
		    page_cpus((double)q->period_us / 1000, period));
		page_row(b, "  quota", page_cpus(q->cpus, value), text, c->v[i].name);
	}
	if (shown == 0 && c->n > 0)
		page_row(b, "  quota", "none", c->n > 1 ? "on no level down to " : "",
		    c->v[c->n - 1].name);
}

static void
put_burst_and_weight(struct buf *b, const struct chain *c)
{
	char value[32], ms[24];

	for (size_t i = 0; i < c->n; i++) {
		const struct keyed *burst = &c->v[i].cpu.burst_us;
		if (!burst->known || burst->v == 0)
			continue;
		snprintf(value, sizeof value, "%s ms", page_cpus((double)burst->v / 1000, ms));
		page_row(b, "  burst", value, "saved time, beyond the quota of a period  ",
		    c->v[i].name);
	}
	const struct level *leaf = c->n > 0 ? &c->v[c->n - 1] : NULL;
	if (!leaf || (!leaf->cpu.weight.known && !leaf->cpu.idle))
		return;
	snprintf(value, sizeof value, "%" PRIu64, leaf->cpu.weight.v);
	page_row(b, "  weight", leaf->cpu.idle ? "idle" : value,
	    leaf->cpu.idle      ? "runs when nobody else wants to (cpu.idle)" :
		c->version == 1 ? "cpu.shares, usually 1024: a share, no limit" :
				  "cpu.weight, usually 100: a share, no limit",
	    NULL);
}

void
page_cpu(struct buf *b, const struct page *p)
{
	const struct limits *l = p->limits;
	char value[24];

	page_headline(b, "CPUs", page_cpus(p->effective->cpus.value, value), &p->effective->cpus);
	put_count(b, "  online", &l->online);
	put_cpuset(b, &l->cpuset);
	if (!l->target.cgroup)
		put_count(b, "  affinity", &l->affinity);
	put_quotas(b, &l->cpu);
	page_doubt(b, &l->cpu, "a quota");
	put_burst_and_weight(b, &l->cpu);
}
