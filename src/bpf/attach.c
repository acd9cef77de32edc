#include "bpf/attach.h"

#include <errno.h>
#include <unistd.h>

#include "bpf/sys.h"

static void
drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Links first: a program without one does nothing any more. */
void
runqlat_detach(struct runqlat_attached *a)
{
	for (int e = 0; e < RUNQLAT_EVENTS; e++)
		drop(&a->link[e]);
	for (int e = 0; e < RUNQLAT_EVENTS; e++)
		drop(&a->program[e]);
}

static int
load(const struct runqlat_plan *p, enum runqlat_event e, struct runqlat_attached *a)
{
	static const enum bpf_program types[] = {
		[RUNQLAT_BTF] = BPF_TRACING,
		[RUNQLAT_RAW] = BPF_RAW_TRACEPOINT,
		[RUNQLAT_TP] = BPF_TRACEPOINT,
	};
	static const char *const names[] = { "pq_switch", "pq_wakeup", "pq_new" };
	struct code code;

	runqlat_program(p, e, &code);
	a->program[e] = bpf_program_load(types[p->mode], &code, p->btf_id[e], names[e]);
	return a->program[e] < 0 ? -1 : 0;
}

static int
load_all(const struct runqlat_plan *p, struct runqlat_attached *a)
{
	for (enum runqlat_event e = ON_SWITCH; e < RUNQLAT_EVENTS; e++)
		if (load(p, e, a) < 0)
			return -1;
	return 0;
}

/* Not every kernel has both ways to read its memory: bpf_probe_read_kernel came with Linux 5.5. */
int
runqlat_load(struct runqlat_plan *p, struct runqlat_attached *a)
{
	if (load_all(p, a) == 0)
		return 0;
	if (p->mode != RUNQLAT_RAW || errno == EPERM)
		return -1;
	runqlat_detach(a);
	p->old_probe_read = true;
	return load_all(p, a);
}

/* On the first CPU that is online. */
static int
attach_event(
    const struct runqlat_plan *p, enum runqlat_event e, const struct cpulist *possible, int program)
{
	int fd = -1;

	errno = ENODEV;
	for (unsigned cpu = 0; fd < 0 && errno == ENODEV && cpu < CPULIST_MOST; cpu++)
		if (cpulist_has(possible, cpu))
			fd = bpf_attach_event(program, p->event_id[e], (int)cpu);
	return fd;
}

/* The switch first: wakeups before it would be waits of which no end is seen. */
int
runqlat_attach(
    const struct runqlat_plan *p, const struct cpulist *possible, struct runqlat_attached *a)
{
	for (enum runqlat_event e = ON_SWITCH; e < RUNQLAT_EVENTS; e++) {
		if (p->mode == RUNQLAT_TP)
			a->link[e] = attach_event(p, e, possible, a->program[e]);
		else
			a->link[e] = bpf_attach_raw(
			    a->program[e], p->mode == RUNQLAT_RAW ? runqlat_event_name(e) : NULL);
		if (a->link[e] < 0)
			return -1;
	}
	return 0;
}
