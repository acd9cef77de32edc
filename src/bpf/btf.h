/*
 * btf: where the running kernel keeps what the programs read: tracepoints and members of structures,
 * from the types in /sys/kernel/btf/vmlinux (Documentation/bpf/btf.rst of the kernel), and fields
 * of tracepoints, from events/SYSTEM/NAME/format in tracefs (Documentation/trace/events.rst).
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
	BTF_TYPEDEF = 8, /* 9 and 10 are volatile and const */
	BTF_RESTRICT = 11,
	BTF_FUNC = 12,
	BTF_FUNC_PROTO = 13,
	BTF_VAR = 14,
	BTF_SECTION = 15,
};

struct btf {
	struct text types, strings; /* in the blob, which must stay in memory */
	uint32_t *at;               /* offset in `types` of each type: ids 1 to n */
	uint32_t n;
};

/* The start of every type. What follows depends on its kind. */
struct btf_type {
	uint32_t name; /* offset in the strings; 0: anonymous */
	/* 16 bits: count; 5 bits from bit 24 on: kind; bit 31: offsets of members contain the sizes
	 * of bit fields */
	uint32_t info;
	uint32_t size; /* in bytes, or the id of the type it refers to */
};

/* A member that is not a bit field. */
struct btf_member {
	uint32_t offset, size; /* bytes; size 0: unknown */
};

/* Reads through the whole blob once. 0, and btf_free must follow; or -1 with EINVAL: it is damaged,
 * or has another version or byte order. */
int btf_parse(struct text blob, struct btf *out);

/* The id of the type with that name. 0, or -1 with ENOENT. */
int btf_find(const struct btf *b, enum btf_kind kind, const char *name, uint32_t *id);

/* A member of the structure with that id, or of an anonymous structure in it. 0, or -1 with errno:
 * ENOENT there is none, or the id is not that of a structure; EINVAL it is a bit field, or too far
 * out. */
int btf_member(const struct btf *b, uint32_t id, const char *name, struct btf_member *out);

/* The value of a name in an enumeration with 32-bit values. 0, or -1 with ENOENT. */
int btf_enumerator(const struct btf *b, const char *name, const char *value, int32_t *out);

/* The number of parameters of a function, by the id of a typedef of a pointer to it. A
 * btf_trace_NAME has one more than its tracepoint. -1 with EINVAL if it is something else. */
int btf_params(const struct btf *b, uint32_t id);

/* Where the variable with that id is in its section. All variables that each CPU has are in one. 0, or
 * -1 with ENOENT. */
int btf_place(const struct btf *b, uint32_t id, uint32_t *offset);

void btf_free(struct btf *b);

/* ---- Fields of tracepoints
 *
 * Offsets differ between kernels: RHEL 9 has one more common field. */

/* The line "	field:pid_t prev_pid;	offset:24;	size:4;	signed:1;" */
struct format_field {
	uint32_t offset, size; /* bytes; offset + size is below 32 KiB */
};

/* 0, or -1 with errno: ENOENT the field does not exist, EINVAL its line is damaged, ERANGE it is too
 * far out. */
int format_field(struct text t, const char *name, struct format_field *out);

/* The ID of the tracepoint, from the line "ID: 314". 0, or -1 with EINVAL. */
int format_id(struct text t, uint32_t *id);

#endif
