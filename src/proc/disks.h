/*
 * disks: /proc/diskstats and the small files about disks in /sys/block, from text to structs. A parser
 * returns 0, or -1 with EINVAL if the text has nothing that it looks for.
 */
#ifndef PQ_PROC_DISKS_H
#define PQ_PROC_DISKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

/* The figures after the name, in the kernel's order. Requests are counted when they end. Sectors have
 * 512 bytes. The first 11 are in all kernels since 2.6.25, discards since 4.18, flushes since 5.5. */
enum disk_field {
	DISK_READS,
	DISK_READS_MERGED,
	DISK_READ_SECTORS,
	DISK_READ_MS, /* from the start of a request to its end, summed over all requests */
	DISK_WRITES,
	DISK_WRITES_MERGED,
	DISK_WRITTEN_SECTORS,
	DISK_WRITE_MS,
	DISK_IN_FLIGHT,   /* requests now: a gauge, all others are counters */
	DISK_BUSY_MS,     /* time with a request in flight */
	DISK_WEIGHTED_MS, /* each ms counts once for every request in flight */
	DISK_DISCARDS,
	DISK_DISCARDS_MERGED,
	DISK_DISCARDED_SECTORS,
	DISK_DISCARD_MS,
	DISK_FLUSHES,
	DISK_FLUSH_MS,
	DISK_FIELDS
};

struct disk {
	const char *name; /* "sda", "nvme0n1p1" */
	uint32_t major, minor;
	const char *whole; /* of a partition: the disk that it is on; NULL: it is a disk */
	struct keyed v[DISK_FIELDS];
};

struct diskstats {
	struct disk *v; /* in the kernel's order: a disk, then its partitions */
	size_t n;
};

/* The array and the names are in the arena. Skips damaged lines; one device must be left. Kernels
 * before 2.6.25 have only requests and sectors of partitions. */
int diskstats_parse(struct text t, struct arena *a, struct diskstats *out);

/* The device of that name and number, or NULL; looks at index `hint` first. */
const struct disk *diskstats_find(const struct diskstats *s, const struct disk *like, size_t hint);

/* How much a counter of a device grew. The kernel prints times, and on 32-bit machines all counters, as
 * numbers of 32 bits, which wrap around to 0. So this sets *to to the value that it would have with more
 * bits, if it wrapped; leaves it if it did not, or if the counter was reset. A counter that wraps cannot
 * have grown by more than `most`. */
void disk_unwrap(struct keyed from, struct keyed *to, double most);

/* /sys/block/D/inflight: "       3        5": reads, and writes. */
int disk_inflight_parse(struct text t, uint64_t *out);

/* /sys/block/D/queue/scheduler: "none [mq-deadline] bfq"; the word in brackets, or the only word. */
int disk_scheduler_parse(struct text t, struct text *out);

#endif
