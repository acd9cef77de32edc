#include "host/captured.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/read_file.h"

int
captured_open(int dir, const char *path)
{
	return openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* A file that is no kernel's comes whole, but nothing is lost by asking. */
int
captured_text(int fd, struct buf *b)
{
	bool whole = false;

	return slurp_file(fd, b, &whole);
}

int
captured_slurp(int dir, const char *path, int (*slurp)(int, struct buf *), struct buf *b)
{
	int fd = captured_open(dir, path);

	if (fd < 0)
		return -1;
	int result = slurp(fd, b);
	int error = errno;
	close(fd);
	errno = error;
	return result;
}

/* The file `clock`: MONOTONIC_NS REALTIME_NS, and "tick" when the moment was one. */
static int
read_clock(int dir, struct buf *b, struct moment *out)
{
	uint64_t mono, real;

	if (captured_slurp(dir, "clock", captured_text, b) < 0)
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
		out->kind = MOMENT_TICK;
	return 0;
}

/* proc/uptime: "15.18 51.38", seconds since boot and seconds idle. */
static int
read_uptime(int dir, struct buf *b, int64_t *mono_ns)
{
	struct text rest, line, word;
	double seconds;

	if (captured_slurp(dir, "proc/uptime", captured_text, b) < 0)
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

	if (captured_slurp(dir, "proc/stat", captured_text, b) < 0)
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

/* A moment without a clock: the machine's own. */
static int
derive_clock(int dir, struct buf *b, struct moment *out)
{
	int64_t boot_ns;

	if (read_uptime(dir, b, &out->mono_ns) < 0 || read_boot_time(dir, b, &boot_ns) < 0)
		return -1;
	out->real_ns = boot_ns + out->mono_ns;
	return 0;
}

int
captured_clock(int dir, struct buf *b, struct moment *out)
{
	return read_clock(dir, b, out) == 0 || derive_clock(dir, b, out) == 0 ? 0 : -1;
}
