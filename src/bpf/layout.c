/* What the programs have to know of the running kernel: from its BTF, or from the formats of its
 * tracepoints. */
#include "bpf/program.h"

#include <errno.h>
#include <stdio.h>

#include "bpf/sys.h"

const char *
runqlat_event_name(enum runqlat_event e)
{
	static const char *const names[] = { "sched_switch", "sched_wakeup", "sched_wakeup_new" };

	return names[e];
}

static int
find_tracepoint(const struct btf *b, enum runqlat_event e, uint32_t *id)
{
	char name[64];

	snprintf(name, sizeof name, "btf_trace_%s", runqlat_event_name(e));
	return btf_find(b, BTF_TYPEDEF, name, id);
}

/* task_struct.state became __state in Linux 5.14. */
static int
find_members(const struct btf *b, struct runqlat_plan *p)
{
	uint32_t task;

	if (btf_find(b, BTF_STRUCT, "task_struct", &task) < 0 ||
	    btf_member(b, task, "pid", &p->pid) < 0 ||
	    btf_member(b, task, "tgid", &p->tgid_member) < 0)
		return -1;
	return btf_member(b, task, "__state", &p->state) == 0 ?
	    0 :
	    btf_member(b, task, "state", &p->state);
}

static int
from_types(const struct btf *b, struct runqlat_plan *p)
{
	/* the first parameter is not one of the tracepoint's */
	enum { CONTEXT = 1, WITH_STATE = 4 };
	uint32_t id;

	for (enum runqlat_event e = ON_SWITCH; p->mode == RUNQLAT_BTF && e < RUNQLAT_EVENTS; e++)
		if (find_tracepoint(b, e, &p->btf_id[e]) < 0)
			return -1;
	p->state_argument =
	    find_tracepoint(b, ON_SWITCH, &id) == 0 && btf_params(b, id) >= CONTEXT + WITH_STATE;
	return find_members(b, p);
}

/* A type or member that is not there is no missing file: EINVAL. */
static int
parse_types(struct text blob, struct runqlat_plan *p)
{
	struct btf b;

	if (btf_parse(blob, &b) < 0)
		return -1;
	int status = from_types(&b, p);
	btf_free(&b);
	errno = EINVAL;
	return status;
}

static int
from_btf(struct runqlat_plan *p)
{
	struct bpf_view types;

	if (bpf_view("/sys/kernel/btf/vmlinux", &types) < 0)
		return -1;
	int status = parse_types(types.text, p);
	bpf_unview(&types);
	return status;
}

/* tracefs has had a place of its own since Linux 4.1; ENOENT of the old one would hide why the new
 * one could not be read. */
static int
read_format(enum runqlat_event e, struct buf *b)
{
	static const char *const mounts[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	int error = ENOENT;

	for (size_t i = 0; i < 2; i++) {
		char path[128];
		snprintf(path, sizeof path, "%s/events/sched/%s/format", mounts[i],
		    runqlat_event_name(e));
		if (bpf_read_file(path, b) == 0)
			return 0;
		if (error == ENOENT)
			error = errno;
	}
	errno = error;
	return -1;
}

static int
parse_format(struct text t, enum runqlat_event e, struct runqlat_plan *p)
{
	if (format_id(t, &p->event_id[e]) < 0 ||
	    format_field(t, e == ON_SWITCH ? "next_pid" : "pid", &p->next_pid[e]) < 0)
		return -1;
	if (e != ON_SWITCH)
		return 0;
	return format_field(t, "prev_pid", &p->prev_pid) == 0 &&
		format_field(t, "prev_state", &p->prev_state) == 0 ?
	    0 :
	    -1;
}

static int
from_formats(struct runqlat_plan *p)
{
	struct buf b = { 0 };
	int status = 0;

	for (enum runqlat_event e = ON_SWITCH; status == 0 && e < RUNQLAT_EVENTS; e++) {
		status = read_format(e, &b);
		if (status == 0 && parse_format((struct text){ b.s, b.n }, e, p) < 0) {
			errno = EINVAL;
			status = -1;
		}
	}
	int error = errno;
	buf_free(&b);
	errno = error;
	return status;
}

int
runqlat_layout(struct runqlat_plan *p)
{
	return p->mode == RUNQLAT_TP ? from_formats(p) : from_btf(p);
}
