/* Parsers of the files of the whole machine. */
#include "proc/machine.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

int
loadavg_parse(struct text t, struct loadavg *out)
{
	struct text line, word, running;

	if (!text_line(&t, &line))
		return invalid();
	for (int i = 0; i < 3; i++)
		if (!text_word(&line, &word) || text_decimal(word, &out->load[i]) < 0)
			return invalid();
	if (!text_word(&line, &word) || !text_split(&word, '/', &running) ||
	    text_u64(running, &out->running) < 0 || text_u64(word, &out->threads) < 0)
		return invalid();
	return 0;
}

int
meminfo_parse(struct text t, struct meminfo *out)
{
	/* "MemTotal:         972484 kB" */
	static const char *const keys[MEMINFO_KEYS] = {
		[MEMINFO_TOTAL] = "MemTotal:",
		[MEMINFO_FREE] = "MemFree:",
		[MEMINFO_BUFFERS] = "Buffers:",
		[MEMINFO_CACHED] = "Cached:",
		[MEMINFO_ANON] = "AnonPages:",
		[MEMINFO_SHMEM] = "Shmem:",
		[MEMINFO_ACTIVE_FILE] = "Active(file):",
		[MEMINFO_INACTIVE_FILE] = "Inactive(file):",
		[MEMINFO_SLAB] = "Slab:",
		[MEMINFO_SRECLAIMABLE] = "SReclaimable:",
		[MEMINFO_KERNEL_STACK] = "KernelStack:",
		[MEMINFO_PAGE_TABLES] = "PageTables:",
		[MEMINFO_PERCPU] = "Percpu:",
		[MEMINFO_SWAP_TOTAL] = "SwapTotal:",
		[MEMINFO_SWAP_FREE] = "SwapFree:",
	};

	keyed_parse(t, keys, MEMINFO_KEYS, out->v);
	for (int i = 0; i < MEMINFO_KEYS; i++) {
		if (out->v[i].v > UINT64_MAX / 1024)
			out->v[i] = (struct keyed){ 0 };
		out->v[i].v *= 1024;
	}
	return out->v[MEMINFO_TOTAL].known ? 0 : invalid();
}

int
vmstat_parse(struct text t, struct vmstat *out)
{
	static const char *const keys[VM_KEYS] = {
		[VM_REFAULT] = "workingset_refault",
		[VM_REFAULT_ANON] = "workingset_refault_anon",
		[VM_REFAULT_FILE] = "workingset_refault_file",
		[VM_MAJFAULT] = "pgmajfault",
		[VM_OOM_KILL] = "oom_kill",
	};

	/* A kernel has the first key or the next two. Without the first one, which only old kernels
	 * have, the search ends long before the text does. */
	size_t found = keyed_parse(t, keys + 1, VM_KEYS - 1, out->v + 1);
	out->v[VM_REFAULT] = (struct keyed){ 0 };
	if (!out->v[VM_REFAULT_ANON].known)
		found += keyed_parse(t, keys, 1, out->v);
	return found > 0 ? 0 : invalid();
}

int
dirty_parse(struct text t, struct dirty_pages *out)
{
	static const char *const keys[] = { "nr_dirty", "nr_writeback", "nr_dirty_threshold",
		"nr_dirty_background_threshold", "pgpgin", "pgpgout" };
	struct keyed v[6];

	keyed_parse(t, keys, 6, v);
	*out = (struct dirty_pages){ v[0], v[1], v[2], v[3], v[4], v[5] };
	return v[0].known ? 0 : invalid();
}

/* Sets both numbers of an average. The kernel prints two digits after the point. */
static bool
take_average(struct text word, uint64_t n[2])
{
	struct text whole;

	return text_split(&word, '.', &whole) && word.n >= 2 && text_u64(whole, &n[0]) == 0 &&
	    text_u64(word, &n[1]) == 0;
}

/* Sets the numbers of a line, unless it is damaged. */
static void
find_in_line(struct text line, struct keyed *v)
{
	static const char *const averages[] = { "avg10=", "avg60=", "avg300=" };
	struct text word;
	uint64_t n[PSI_LINE];

	for (size_t i = 0; i < 3; i++)
		if (!text_word(&line, &word) || !text_skip(&word, averages[i]) ||
		    !take_average(word, &n[2 * i]))
			return;
	if (!text_word(&line, &word) || !text_skip(&word, "total=") ||
	    text_u64(word, &n[PSI_TOTAL]) < 0)
		return;
	for (size_t i = 0; i < PSI_LINE; i++)
		v[i] = keyed_of(n[i]);
}

void
psi_find(struct text t, struct keyed v[PSI_NUMBERS])
{
	struct text line;

	memset(v, 0, PSI_NUMBERS * sizeof *v);
	while (text_line(&t, &line)) {
		if (text_skip(&line, "some "))
			find_in_line(line, v);
		else if (text_skip(&line, "full "))
			find_in_line(line, v + PSI_LINE);
	}
}

static struct psi_line
line_of(const struct keyed v[PSI_LINE])
{
	struct psi_line out = { .total_us = v[PSI_TOTAL] };

	for (size_t i = 0; i < 3; i++) {
		if (!v[2 * i].known || !v[2 * i + 1].known || v[2 * i + 1].v > 99)
			return (struct psi_line){ .total_us = { 0 } };
		out.avg[i] = (double)v[2 * i].v + (double)v[2 * i + 1].v / 100;
	}
	return out;
}

int
psi_set(const struct keyed v[PSI_NUMBERS], struct psi *out)
{
	*out = (struct psi){ line_of(v), line_of(v + PSI_LINE) };
	return out->some.total_us.known || out->full.total_us.known ? 0 : invalid();
}

int
psi_parse(struct text t, struct psi *out)
{
	struct keyed v[PSI_NUMBERS];

	psi_find(t, v);
	return psi_set(v, out);
}

/* The numbers of a line of a CPU that are looked at. */
enum { SCHED_CPU, SCHED_RUN, SCHED_DELAY, SCHED_RUNS, SCHED_LINE };

/* Appends the numbers of the rest of a line after "cpu", unless it is damaged. */
static void
add_cpu_line(struct text line, struct keyed_list *out)
{
	struct text word;
	uint64_t v[SCHED_LINE], skipped;

	if (!text_word(&line, &word) || text_u64(word, &v[SCHED_CPU]) < 0)
		return;
	for (int i = 0; i < 6; i++)
		if (text_next_u64(&line, &skipped) < 0)
			return;
	for (int i = SCHED_RUN; i < SCHED_LINE; i++)
		if (text_next_u64(&line, &v[i]) < 0)
			return;
	struct keyed *to = keyed_list_add(out, SCHED_LINE);
	for (int i = 0; i < SCHED_LINE; i++)
		to[i] = keyed_of(v[i]);
}

void
schedstat_numbers(struct text t, struct keyed_list *out)
{
	struct text line;

	while (text_whole_line(&t, &line))
		if (text_skip(&line, "cpu"))
			add_cpu_line(line, out);
}

int
schedstat_set(const struct keyed *v, size_t n, struct arena *a, struct schedstat *out)
{
	*out = (struct schedstat){ .cpus = arena_alloc(a, n / SCHED_LINE * sizeof *out->cpus) };
	for (size_t i = 0; i + SCHED_LINE <= n; i += SCHED_LINE)
		if (v[i + SCHED_CPU].v <= INT_MAX)
			out->cpus[out->ncpus++] = (struct cpu_sched){ (unsigned)v[i + SCHED_CPU].v,
				v[i + SCHED_RUN].v, v[i + SCHED_DELAY].v, v[i + SCHED_RUNS].v };
	return out->ncpus > 0 ? 0 : invalid();
}

int
schedstat_parse(struct text t, struct arena *a, struct schedstat *out)
{
	struct keyed_list found = { 0 };

	schedstat_numbers(t, &found);
	int result = schedstat_set(found.v, found.n, a, out);
	keyed_list_free(&found);
	return result;
}

const struct cpu_sched *
schedstat_find(const struct schedstat *s, unsigned cpu, size_t hint)
{
	for (size_t i = 0; i < s->ncpus; i++) {
		const struct cpu_sched *c = &s->cpus[(hint + i) % s->ncpus];
		if (c->cpu == cpu)
			return c;
	}
	return NULL;
}

/* The rest of a line after "cpu": "0 14 0 102 …". */
static bool
parse_cpu(struct text line, struct cpu_time *c)
{
	struct text word;
	uint64_t cpu;
	int n = 0;

	if (!text_word(&line, &word) || text_u64(word, &cpu) < 0 || cpu > INT_MAX)
		return false;
	*c = (struct cpu_time){ .cpu = (unsigned)cpu };
	while (n < STAT_FIELDS && text_word(&line, &word))
		if (text_u64(word, &c->ticks[n++]) < 0)
			return false;
	c->fields = n;
	return n > STAT_IDLE; /* Linux 2.4 had the first four: fewer means a truncated line */
}

int
stat_parse(struct text t, struct arena *a, struct stat_file *out)
{
	struct text line;
	size_t cap = 0;

	*out = (struct stat_file){ .cut = t.n > 0 && t.s[t.n - 1] != '\n', .only_cpus = true };
	while (text_whole_line(&t, &line)) {
		bool is_cpu = text_skip(&line, "cpu");
		out->only_cpus &= is_cpu;
		if (!is_cpu && out->ncpus > 0)
			break;                                  /* the CPUs come first */
		if (!is_cpu || line.n == 0 || line.s[0] == ' ') /* "cpu ": the sum of all */
			continue;
		out->cpus = arena_grow(a, out->cpus, out->ncpus, &cap, sizeof *out->cpus);
		if (parse_cpu(line, &out->cpus[out->ncpus]))
			out->ncpus++;
	}
	return out->ncpus > 0 ? 0 : invalid();
}

/* A number in a line of its own. */
static int
parse_key(struct text t, const char *key, uint64_t *v)
{
	struct keyed found;

	if (keyed_parse(t, &key, 1, &found) == 0)
		return invalid();
	*v = found.v;
	return 0;
}

int
stat_parse_forks(struct text t, uint64_t *forks)
{
	return parse_key(t, "processes", forks) == 0 && *forks > 0 ? 0 : invalid();
}

const char *const stat_blocked_keys[STAT_BLOCKED_KEYS] = { "processes", "procs_blocked" };

int
stat_blocked_set(const struct keyed v[STAT_BLOCKED_KEYS], uint64_t *blocked)
{
	if (!v[1].known || (v[0].known && v[0].v == 0))
		return invalid();
	*blocked = v[1].v;
	return 0;
}

int
stat_parse_blocked(struct text t, uint64_t *blocked)
{
	struct keyed v[STAT_BLOCKED_KEYS];

	keyed_parse(t, stat_blocked_keys, STAT_BLOCKED_KEYS, v);
	return stat_blocked_set(v, blocked);
}

const struct cpu_time *
stat_find(const struct stat_file *f, unsigned cpu, size_t hint)
{
	for (size_t i = 0; i < f->ncpus; i++) {
		const struct cpu_time *c = &f->cpus[(hint + i) % f->ncpus];
		if (c->cpu == cpu)
			return c;
	}
	return NULL;
}
