/*
 * btf: the types of the running kernel, as /sys/kernel/btf/vmlinux has them
 * (Documentation/bpf/btf.rst): the little of them that is asked to find a tracepoint and a member
 * of a structure.
 */
#ifndef PQ_BPF_BTF_H
#define PQ_BPF_BTF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum btf_kind {
	BTF_INT = 1,
	BTF_PTR = 2,
	BTF_STRUCT = 4,
	BTF_UNION = 5,
	BTF_ENUM = 6,
	BTF_TYPEDEF = 8, /* then volatile and const */
	BTF_RESTRICT = 11,
	BTF_FUNC_PROTO = 13,
};

struct btf {
	struct text types, strings; /* in the blob, which must stay */
	uint32_t *at;               /* where in `types` each type is: those of 1 to n */
	uint32_t n;
};

/* What every type begins with; what follows depends on its kind. */
struct btf_type {
	uint32_t name; /* where in the strings; 0: anonymous */
	/* 16 bits of a count, 5 of the kind at bit 24, bit 31: the members' offsets have a bit
	 * field's size */
	uint32_t info;
	uint32_t size; /* bytes, or the type that it refers to */
};

/* A member that is no bit field. */
struct btf_member {
	/* bytes from the structure's start; size is 0 when it is not known */
	uint32_t offset, size;
};

/* Looks through the whole blob once. 0, and btf_free is to follow; or -1 with EINVAL: it is
 * damaged, of another version, or of a machine of the other byte order. */
int btf_parse(struct text blob, struct btf *out);

/* The id of the type with that name. 0, or -1 with ENOENT. */
int btf_find(const struct btf *b, enum btf_kind kind, const char *name, uint32_t *id);

/* A member of the structure with that id; those of its anonymous members are its own. 0, or -1 with
 * errno: ENOENT there is none, or the id is no structure's; EINVAL the member is a bit field, or
 * too far out. */
int btf_member(const struct btf *b, uint32_t id, const char *name, struct btf_member *out);

/* How many parameters a function has to which the typedef with that id is a pointer: a
 * btf_trace_NAME has one more than its tracepoint. -1 with EINVAL when it is something else. */
int btf_params(const struct btf *b, uint32_t id);

void btf_free(struct btf *b);

/*
 * format: how the fields of a tracepoint lie in what it hands over: the file
 * events/SYSTEM/NAME/format of tracefs (Documentation/trace/events.rst of the kernel). Offsets
 * differ between kernels: RHEL 9 has a common field more.
 */

/* Of a line "	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;". */
struct format_field {
	uint32_t offset, size; /* bytes; offset + size is below 32 KiB */
};

/* 0, or -1 with errno: ENOENT there is no such field, EINVAL its line is damaged, ERANGE it lies
 * too far out. */
int format_field(struct text t, const char *name, struct format_field *out);

/* The tracepoint's number, of the line "ID: 314". 0, or -1 with EINVAL. */
int format_id(struct text t, uint32_t *id);

#endif
