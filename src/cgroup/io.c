/* Files of the I/O controller. */
#include "cgroup/io.h"

#include <errno.h>
#include <string.h>

#include "cgroup/pressure.h"

static int
invalid(void)
{
	errno = EINVAL;
	return -1;
}

const struct io_device *
io_find(const struct group_io *io, uint32_t major, uint32_t minor)
{
	for (size_t i = 0; i < io->n; i++)
		if (io->v[i].major == major && io->v[i].minor == minor)
			return &io->v[i];
	return NULL;
}

/* The device of that number, which is added if it is new. */
static struct io_device *
device(struct group_io *io, struct arena *a, uint32_t major, uint32_t minor)
{
	for (size_t i = 0; i < io->n; i++)
		if (io->v[i].major == major && io->v[i].minor == minor)
			return &io->v[i];
	io->v = arena_grow(a, io->v, io->n, &io->cap, sizeof *io->v);
	io->v[io->n] = (struct io_device){ .major = major, .minor = minor };
	return &io->v[io->n++];
}

/* "8:16" */
static bool
parse_number(struct text word, uint32_t *major, uint32_t *minor)
{
	struct text first;
	uint64_t a, b;

	if (!text_split(&word, ':', &first) || text_u64(first, &a) < 0 || text_u64(word, &b) < 0 ||
	    a > UINT32_MAX || b > UINT32_MAX)
		return false;
	*major = (uint32_t)a;
	*minor = (uint32_t)b;
	return true;
}

/* Sets the value of the key that the word "key=value" names. "max" is unknown: no limit. */
static void
parse_pair(struct text word, const char *const *keys, size_t n, struct keyed *out)
{
	struct text key;
	uint64_t v;

	if (!text_split(&word, '=', &key))
		return;
	for (size_t i = 0; i < n; i++)
		if (text_eq(key, keys[i]))
			out[i] = text_u64(word, &v) == 0 ? keyed_of(v) : (struct keyed){ 0 };
}

/* Lines "8:0 key=value …". Linux 5.x leaves a newline out after a device without figures: then another
 * number follows, and the figures are those of the last one. */
static int
parse_lines(struct text t, struct arena *a, const char *const *keys, size_t n, bool limits,
    struct group_io *io)
{
	bool any = t.n == 0;
	struct text line, word;
	uint32_t major, minor;

	while (text_whole_line(&t, &line)) {
		struct io_device *d = NULL;
		while (text_word(&line, &word))
			if (parse_number(word, &major, &minor)) {
				d = device(io, a, major, minor);
				any = true;
			} else if (d) {
				parse_pair(word, keys, n, limits ? d->max : d->v);
			}
	}
	return any ? 0 : invalid();
}

int
io_stat_parse(struct text t, struct arena *a, struct group_io *io)
{
	static const char *const keys[IO_FIELDS] = { "rbytes", "wbytes", "rios", "wios", "dbytes",
		"dios" };

	return parse_lines(t, a, keys, IO_FIELDS, false, io);
}

int
io_max_parse(struct text t, struct arena *a, struct group_io *io)
{
	static const char *const keys[IO_LIMITS] = { "rbps", "wbps", "riops", "wiops" };

	return parse_lines(t, a, keys, IO_LIMITS, true, io);
}

int
io_serviced_parse(struct text t, struct arena *a, bool bytes, struct group_io *io)
{
	static const struct {
		const char *word;
		enum io_field bytes, ios;
	} kinds[] = { { "Read", IO_RBYTES, IO_RIOS }, { "Write", IO_WBYTES, IO_WIOS },
		{ "Discard", IO_DBYTES, IO_DIOS } };
	struct text line, number, kind;
	uint32_t major, minor;
	bool any = t.n == 0;
	uint64_t v;

	while (text_whole_line(&t, &line)) {
		if (!text_word(&line, &number))
			continue;
		any |= text_eq(number, "Total"); /* alone if there was no I/O */
		if (!parse_number(number, &major, &minor) || !text_word(&line, &kind) ||
		    text_next_u64(&line, &v) < 0)
			continue;
		for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
			if (text_eq(kind, kinds[k].word)) {
				struct io_device *d = device(io, a, major, minor);
				d->v[bytes ? kinds[k].bytes : kinds[k].ios] = keyed_of(v);
				any = true;
			}
	}
	return any ? 0 : invalid();
}

int
io_v1_limit_parse(struct text t, struct arena *a, enum io_limit which, struct group_io *io)
{
	struct text line, number;
	uint32_t major, minor;
	bool any = t.n == 0;
	uint64_t v;

	while (text_whole_line(&t, &line))
		if (text_word(&line, &number) && parse_number(number, &major, &minor) &&
		    text_next_u64(&line, &v) == 0) {
			device(io, a, major, minor)->max[which] = keyed_of(v);
			any = true;
		}
	return any ? 0 : invalid();
}

static bool
read(struct host *h, const struct groups *all, const struct group *g, const char *file,
    struct text *text)
{
	return group_read(h, all, g, FAMILY_IO, file, text) == 0;
}

static int
read_v1(struct host *h, const struct groups *all, const struct group *g, struct arena *a,
    struct group_io *io)
{
	static const char *const limits[IO_LIMITS] = { "blkio.throttle.read_bps_device",
		"blkio.throttle.write_bps_device", "blkio.throttle.read_iops_device",
		"blkio.throttle.write_iops_device" };
	struct text text;
	bool throttle = read(h, all, g, "blkio.throttle.io_service_bytes", &text);
	if (!throttle && !read(h, all, g, "blkio.bfq.io_service_bytes", &text))
		return -1;
	if (io_serviced_parse(text, a, true, io) < 0)
		return -1;
	if (read(h, all, g, throttle ? "blkio.throttle.io_serviced" : "blkio.bfq.io_serviced",
		&text))
		io_serviced_parse(text, a, false, io);
	for (int i = 0; throttle && i < IO_LIMITS; i++)
		if (read(h, all, g, limits[i], &text))
			io_v1_limit_parse(text, a, (enum io_limit)i, io);
	return 0;
}

/* The root has no io.max. */
static int
read_v2(struct host *h, const struct groups *all, const struct group *g, struct arena *a,
    struct group_io *io)
{
	struct text text;
	struct psi psi;

	if (!read(h, all, g, "io.stat", &text) || io_stat_parse(text, a, io) < 0)
		return -1;
	if (read(h, all, g, "io.max", &text))
		io_max_parse(text, a, io);
	if (group_parse(h, all, g, FAMILY_PRESSURE, "io.pressure", &psi_parser, &psi) == 0) {
		io->some_us = psi.some.total_us;
		io->full_us = psi.full.total_us;
	}
	return 0;
}

int
group_read_io(struct host *h, const struct groups *all, const struct group *g, struct arena *a,
    struct group_io *out)
{
	int got = all->top[FAMILY_IO].version == 1 ? read_v1(h, all, g, a, out) :
						     read_v2(h, all, g, a, out);

	for (size_t i = 0; i < out->n; i++)
		for (int k = 0; k < IO_LIMITS; k++)
			out->limited |= out->v[i].max[k].known;
	return got;
}

void
group_read_dirty(
    struct host *h, const struct groups *all, const struct group *g, struct group_io *out)
{
	static const char *const keys[2][2] = { { "total_dirty", "total_writeback" },
		{ "file_dirty", "file_writeback" } };
	struct keyed v[2];
	struct text text;

	if (group_read(h, all, g, FAMILY_MEMORY, "memory.stat", &text) < 0)
		return;
	keyed_parse(text, keys[all->top[FAMILY_MEMORY].version == 2], 2, v);
	out->dirty = v[0];
	out->writeback = v[1];
}
