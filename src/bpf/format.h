/*
 * format: how the fields of a tracepoint lie in what it hands over: the file
 * events/SYSTEM/NAME/format of tracefs (Documentation/trace/events.rst of the kernel). Offsets
 * differ between kernels: RHEL 9 has a common field more.
 */
#ifndef PQ_BPF_FORMAT_H
#define PQ_BPF_FORMAT_H

#include <stdint.h>

#include "base/text.h"

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
