#include "proc/disks.h"

#include <errno.h>
#include <string.h>

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* A line of a partition before Linux 2.6.25: reads, sectors read, writes, sectors written. */
enum { OLD_FIELDS = 4 };

static void
set_old_fields(const struct keyed *v, struct disk *d)
{
	d->v[DISK_READS] = v[0];
	d->v[DISK_READ_SECTORS] = v[1];
	d->v[DISK_WRITES] = v[2];
	d->v[DISK_WRITTEN_SECTORS] = v[3];
}

/* "   8       0 sda 2573454 250749 …". False if a number is damaged or too few are left. */
static bool
parse_device(struct text line, struct arena *a, struct disk *d)
{
	struct keyed v[DISK_FIELDS] = { { 0 } };
	uint64_t major, minor;
	struct text name, word;
	int n = 0;

	*d = (struct disk){ 0 };
	if (text_next_u64(&line, &major) < 0 || text_next_u64(&line, &minor) < 0 ||
	    major > UINT32_MAX || minor > UINT32_MAX || !text_word(&line, &name) ||
	    memchr(name.s, '\0', name.n))
		return false;
	for (; n < DISK_FIELDS && text_word(&line, &word); n++)
		if (text_u64(word, &v[n].v) == 0)
			v[n].known = true;
		else if (word.s[0] != '-') /* in flight has been negative */
			return false;
	if (n == OLD_FIELDS)
		set_old_fields(v, d);
	else if (n > DISK_WEIGHTED_MS)
		memcpy(d->v, v, sizeof v);
	else
		return false;
	d->major = (uint32_t)major;
	d->minor = (uint32_t)minor;
	d->name = arena_copy(a, name);
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The kernel names partitions after their disk: sda1 on sda, nvme0n1p1 on nvme0n1, which ends with a
 * digit itself. */
static bool
is_part_of(const char *name, const char *disk)
{
	size_t n = strlen(disk);

	if (n == 0 || strncmp(name, disk, n) != 0)
		return false;
	name += n;
	if (is_digit(disk[n - 1]) && *name++ != 'p')
		return false;
	return is_digit(*name) && strspn(name, "0123456789") == strlen(name);
}

int
diskstats_parse(struct text t, struct arena *a, struct diskstats *out)
{
	const char *whole = NULL;
	struct text line;
	size_t cap = 0;

	*out = (struct diskstats){ 0 };
	while (text_whole_line(&t, &line)) {
		out->v = arena_grow(a, out->v, out->n, &cap, sizeof *out->v);
		struct disk *d = &out->v[out->n];
		if (!parse_device(line, a, d))
			continue;
		if (whole && is_part_of(d->name, whole))
			d->whole = whole;
		else
			whole = d->name;
		out->n++;
	}
	return out->n > 0 ? 0 : invalid();
}

const struct disk *
diskstats_find(const struct diskstats *s, const struct disk *like, size_t hint)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct disk *d = &s->v[(hint + i) % s->n];
		if (d->major == like->major && d->minor == like->minor &&
		    strcmp(d->name, like->name) == 0)
			return d;
	}
	return NULL;
}

void
disk_unwrap(struct keyed from, struct keyed *to, double most)
{
	const uint64_t wrap = UINT64_C(1) << 32;

	if (keyed_restarted(from, *to) && from.v < wrap && (double)(to->v + wrap - from.v) <= most)
		to->v += wrap;
}

int
disk_inflight_parse(struct text t, uint64_t *out)
{
	uint64_t reads, writes;
	struct text line;

	if (!text_line(&t, &line) || text_next_u64(&line, &reads) < 0 ||
	    text_next_u64(&line, &writes) < 0 || reads > UINT32_MAX || writes > UINT32_MAX)
		return invalid();
	*out = reads + writes;
	return 0;
}

int
disk_scheduler_parse(struct text t, struct text *out)
{
	struct text line, word;
	int words = 0;

	if (!text_line(&t, &line))
		return invalid();
	for (; text_word(&line, &word); words++) {
		*out = word;
		if (word.n <= 2 || word.s[0] != '[' || word.s[word.n - 1] != ']')
			continue;
		*out = (struct text){ word.s + 1, word.n - 2 };
		return 0;
	}
	return words == 1 ? 0 : invalid();
}
