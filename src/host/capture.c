/* capture: a directory of captured file trees (t0, t1, …) as a host. Each is a sample: a tree with
 * proc/ and sys/, as scripts/capture writes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fail.h"
#include "host/host.h"
#include "host/read_file.h"

struct samples {
	struct host host;
	int dir, now; /* the directory, and the tree of the present sample (-1 before the first) */
	char **names; /* of the samples, in order */
	size_t count, at;
	struct buf text;
};

/* Files of a tree. */

/* Opens what is at the path below a directory, whatever it is; -1 with errno. */
static int
open_at(int dir, const char *path)
{
	return openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A plain file comes whole; one more read costs nothing here. */
static int
slurp_text(int fd, struct buf *b)
{
	bool whole = false;

	return slurp_file(fd, b, &whole);
}

static int
read_at(int dir, const char *path, int (*slurp)(int, struct buf *), struct buf *b)
{
	int fd = open_at(dir, path);

	if (fd < 0)
		return -1;
	int result = slurp(fd, b);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

/* The time of a sample. */

/* The file `clock`: MONOTONIC_NS REALTIME_NS, and "tick" when the sample was one. */
static int
read_clock(int dir, struct buf *b, struct sample *out)
{
	uint64_t mono, real;

	if (read_at(dir, "clock", slurp_text, b) < 0)
		return -1;
	struct text rest = { b->s, b->n }, line, word;
	if (!text_line(&rest, &line) || text_next_u64(&line, &mono) < 0 ||
	    text_next_u64(&line, &real) < 0 || mono > INT64_MAX / 8 || real > INT64_MAX / 2) {
		errno = EINVAL;
		return -1;
	}
	out->mono_ns = (int64_t)mono;
	out->real_ns = (int64_t)real;
	if (text_word(&line, &word) && text_eq(word, "tick"))
		out->kind = SAMPLE_TICK;
	return 0;
}

/* proc/uptime: "15.18 51.38", seconds since boot and seconds idle. */
static int
read_uptime(int dir, struct buf *b, int64_t *mono_ns)
{
	struct text rest, line, word;
	double seconds;

	if (read_at(dir, "proc/uptime", slurp_text, b) < 0)
		return -1;
	rest = (struct text){ b->s, b->n };
	if (!text_line(&rest, &line) || !text_word(&line, &word) ||
	    text_decimal(word, &seconds) < 0 || seconds > 1e9) {
		errno = EINVAL;
		return -1;
	}
	*mono_ns = (int64_t)(seconds * 100 + 0.5) * 10000000; /* it has hundredths */
	return 0;
}

/* The line "btime 1790000000" of proc/stat: when the machine was booted, seconds since 1970. */
static int
read_boot_time(int dir, struct buf *b, int64_t *boot_ns)
{
	struct text rest, line;
	uint64_t seconds;

	if (read_at(dir, "proc/stat", slurp_text, b) < 0)
		return -1;
	rest = (struct text){ b->s, b->n };
	while (text_line(&rest, &line)) {
		if (!text_skip(&line, "btime ") || text_u64(line, &seconds) < 0 ||
		    seconds > UINT32_MAX)
			continue;
		*boot_ns = (int64_t)seconds * 1000000000;
		return 0;
	}
	errno = EINVAL;
	return -1;
}

/* A sample without a clock file: the machine's own clocks. */
static int
derive_clock(int dir, struct buf *b, struct sample *out)
{
	int64_t boot_ns;

	if (read_uptime(dir, b, &out->mono_ns) < 0 || read_boot_time(dir, b, &boot_ns) < 0)
		return -1;
	out->real_ns = boot_ns + out->mono_ns;
	return 0;
}

/* Sets the sample's time and kind: from the file `clock`, or without one from the machine's own
 * uptime and boot time. 0; -1 with errno. */
static int
sample_clock(int dir, struct buf *b, struct sample *out)
{
	return read_clock(dir, b, out) == 0 || derive_clock(dir, b, out) == 0 ? 0 : -1;
}

/* The host. */

/* A capture notes in "X.errno" ("95 Operation not supported") that reading X failed. */
static int
captured_error(struct samples *m, const char *path)
{
	char note[4096];
	struct text rest, line, word;
	uint64_t error;

	if ((size_t)snprintf(note, sizeof note, "%s.errno", path) >= sizeof note)
		return ENAMETOOLONG;
	if (read_at(m->now, note, slurp_text, &m->text) < 0)
		return ENOENT;
	rest = (struct text){ m->text.s, m->text.n };
	if (!text_line(&rest, &line) || !text_word(&line, &word) || text_u64(word, &error) < 0 ||
	    error - 1 >= 4095)
		return EIO;
	return (int)error;
}

static int
samples_read(struct host *h, const char *path, struct text *text)
{
	struct samples *m = (struct samples *)h;

	if (read_at(m->now, path, slurp_text, &m->text) < 0) {
		if (errno == ENOENT)
			errno = captured_error(m, path);
		return -1;
	}
	*text = (struct text){ m->text.s, m->text.n };
	return 0;
}

static int
samples_list(struct host *h, const char *path, struct text *names)
{
	struct samples *m = (struct samples *)h;

	if (read_at(m->now, path, slurp_directories, &m->text) < 0)
		return -1;
	*names = (struct text){ m->text.s, m->text.n };
	return 0;
}

/* A captured link; or a file X.link, which has its target, where the link itself could not be
 * kept. */
static int
samples_link(struct host *h, const char *path, struct text *target)
{
	struct samples *m = (struct samples *)h;
	char file[4096];
	struct text text;

	if (slurp_link(m->now, path, &m->text) == 0) {
		*target = (struct text){ m->text.s, m->text.n };
		return 0;
	}
	if ((size_t)snprintf(file, sizeof file, "%s.link", path) >= sizeof file) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (samples_read(h, file, &text) < 0)
		return -1;
	*target = text;
	if (text.n > 0 && text.s[text.n - 1] == '\n')
		target->n--;
	return 0;
}

static int
samples_count(struct host *h, const char *path, uint64_t *n)
{
	struct samples *m = (struct samples *)h;
	int fd = openat(m->now, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (fd < 0) {
		if (errno == ENOENT)
			errno = captured_error(m, path);
		return -1;
	}
	if (slurp_count(fd, n) < 0)
		error = errno;
	close(fd);
	errno = error;
	return error ? -1 : 0;
}

static int
samples_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *out)
{
	struct samples *m = (struct samples *)h;

	(void)deadline_ns;
	(void)kind; /* a captured sample has all files */
	if (m->now >= 0)
		close(m->now);
	m->now = -1;
	if (m->at == m->count)
		return 0;
	m->now = open_at(m->dir, m->names[m->at++]);
	if (m->now < 0)
		return -1;
	*out = (struct sample){ .kind = SAMPLE_ROW };
	if (sample_clock(m->now, &m->text, out) < 0)
		return -1;
	out->boot_ns = out->mono_ns;
	return 1;
}

static void
samples_close(struct host *h)
{
	struct samples *m = (struct samples *)h;

	for (size_t i = 0; i < m->count; i++)
		free(m->names[i]);
	free(m->names);
	if (m->now >= 0)
		close(m->now);
	close(m->dir);
	buf_free(&m->text);
	free(m);
}

static const struct host_ops samples_ops = { samples_next, samples_read, samples_list, samples_link,
	NULL, NULL, samples_count, samples_close };

static int
by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strverscmp(*x, *y); /* t9 before t10 */
}

/* A directory is a sample when it has a proc/ in it. */
static bool
is_sample(int dir, const char *name)
{
	char path[512];
	struct stat st;

	return (size_t)snprintf(path, sizeof path, "%s/proc/.", name) < sizeof path &&
	    fstatat(dir, path, &st, 0) == 0;
}

static void
add_sample(struct samples *m, struct text name)
{
	char *s = xmalloc(name.n + 1);

	memcpy(s, name.s, name.n);
	s[name.n] = '\0';
	if (!is_sample(m->dir, s)) {
		free(s);
		return;
	}
	if ((m->count & (m->count - 1)) == 0) /* full at each power of two */
		m->names = xrealloc(m->names, (m->count ? m->count * 2 : 1) * sizeof *m->names);
	m->names[m->count++] = s;
}

static int
find_samples(struct samples *m)
{
	struct text rest, line;

	if (slurp_directories(m->dir, &m->text) < 0)
		return -1;
	rest = (struct text){ m->text.s, m->text.n };
	while (text_line(&rest, &line))
		add_sample(m, line);
	if (m->count == 0) {
		errno = ENOENT;
		return -1;
	}
	qsort(m->names, m->count, sizeof *m->names, by_name);
	return 0;
}

/* The file `facts` beside the samples; what it lacks is as on most machines. */
static void
read_facts(struct samples *m)
{
	struct text about, value;

	facts_begin(&m->host.facts);
	if (read_at(m->dir, "facts", slurp_text, &m->text) < 0)
		return;
	about = (struct text){ m->text.s, m->text.n };
	facts_parse(about, &m->host.facts);
	m->host.elsewhere = facts_find(about, "elsewhere", &value) && text_eq(value, "1");
}

const char *
host_capture_name(const struct host *h)
{
	const struct samples *m = (const struct samples *)h;

	return m->names[m->at - 1];
}

struct host *
host_capture(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	struct samples *m = xmalloc(sizeof *m);
	*m = (struct samples){
		.host = { .ops = &samples_ops, .replay = true }, .dir = fd, .now = -1
	};
	if (find_samples(m) < 0) {
		int error = errno;
		samples_close(&m->host);
		errno = error;
		return NULL;
	}
	read_facts(m);
	return &m->host;
}
