/*
 * io: what the I/O controller tells about a cgroup, v1 and v2 side by side, for each disk.
 *
 * v2  io.stat, io.max ("max": no limit), io.pressure; memory.stat for dirty pages
 * v1  blkio.throttle.io_service_bytes, io_serviced, read_bps_device, write_bps_device,
 *     read_iops_device and write_iops_device; without them blkio.bfq.io_service_bytes and
 *     io_serviced. They count what the cgroup sends itself; pages that are written later count as
 *     those of the root
 */
#ifndef PQ_CGROUP_IO_H
#define PQ_CGROUP_IO_H

#include "base/arena.h"
#include "cgroup/groups.h"

enum io_field { IO_RBYTES, IO_WBYTES, IO_RIOS, IO_WIOS, IO_DBYTES, IO_DIOS, IO_FIELDS };

/* As of the fields: bytes and requests per second. */
enum io_limit { IO_RBPS, IO_WBPS, IO_RIOPS, IO_WIOPS, IO_LIMITS };

struct io_device {
	uint32_t major, minor;
	struct keyed v[IO_FIELDS]; /* since the cgroup was created, child cgroups included on v2 */
	struct keyed max[IO_LIMITS]; /* of this level alone; unknown: no limit */
};

struct group_io {
	struct io_device *v;
	size_t n, cap;
	bool limited; /* a device has a limit */
	struct keyed some_us, full_us;
	struct keyed dirty, writeback; /* bytes */
};

/* io.stat: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6". Devices are in the arena. Skips
 * damaged lines and unknown keys. 0, or -1 with EINVAL if there is text, but no device in it. */
int io_stat_parse(struct text t, struct arena *a, struct group_io *io);

/* io.max: "8:0 rbps=1048576 wbps=max riops=max wiops=120". The same. */
int io_max_parse(struct text t, struct arena *a, struct group_io *io);

/* A file of v1: "8:0 Read 4096"; `bytes` says which fields it has. The same. */
int io_serviced_parse(struct text t, struct arena *a, bool bytes, struct group_io *io);

/* A limit of v1: "8:0 1048576". The same. */
int io_v1_limit_parse(struct text t, struct arena *a, enum io_limit which, struct group_io *io);

/* Reads the counters, the limits and the pressure. 0, or -1 with the errno of io.stat if there is none:
 * the cgroup was removed, or has no I/O controller. */
int group_read_io(struct host *h, const struct groups *all, const struct group *g, struct arena *a,
    struct group_io *out);

/* Reads dirty and writeback from memory.stat, if the cgroup has it. */
void group_read_dirty(
    struct host *h, const struct groups *all, const struct group *g, struct group_io *out);

/* The device of that number, or NULL. */
const struct io_device *io_find(const struct group_io *io, uint32_t major, uint32_t minor);

#endif
