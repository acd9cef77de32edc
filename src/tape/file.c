#include "tape/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/publish.h"

enum { AHEAD = 1 << 20 };

/* The kernel releases the lock when the process ends, in any way. */
static int
lock(struct tape_file *f)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(f->fd, F_SETLK, &whole) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -1;
	if (fcntl(f->fd, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK && whole.l_pid > 0)
		f->owner = whole.l_pid;
	return fail_with(EBUSY);
}

int
tape_file_owner(const char *path)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return -1;
	int result = fcntl(fd, F_GETLK, &whole), error = errno;
	close(fd);
	errno = error;
	return result < 0 ? -1 : whole.l_type == F_UNLCK ? 0 : whole.l_pid;
}

/* Whether the file is all zeros: allocated, but nothing was written. */
static bool
is_blank(int fd)
{
	char some[1 << 16];
	ssize_t n;

	for (off_t at = 0; (n = pread(fd, some, sizeof some, at)) > 0; at += n)
		if (some[0] != 0 || memcmp(some, some + 1, (size_t)n - 1) != 0)
			return false;
	return n == 0;
}

/* The next segment begins where the newest one ends. Its last record may be incomplete. */
static int
find_end(struct tape_file *f, struct tape_reader *r, struct tape_segment *from, uint64_t *at)
{
	struct sample m;
	int got;

	r->next = r->index.n - 1;
	while ((got = tape_reader_next(r, &m)) > 0)
		;
	if (got < 0) /* it may be readable later, so it must not be overwritten */
		return -1;
	*from = r->segment;
	from->samples += r->position;
	*at = r->position ? tape_block_up(r->at + TAPE_END) : r->start;
	f->ring = from->ring;
	f->closed_at = r->closed ? r->close_at : 0;
	f->index = r->index; /* moved */
	r->index = (struct tape_index){ 0 };
	return from->sequence ? 0 : -1;
}

static int
resume(struct tape_file *f, struct tape_segment *from, uint64_t *at)
{
	struct tape_reader r;
	int result = tape_reader_begin(&r, f->fd, false);

	if (result == 0 && (r.index.later || r.index.older))
		/* data after the last readable segment would be overwritten */
		result = fail_with(r.index.later ? ENOTSUP : EPROTONOSUPPORT);
	else if (result == 0)
		result = find_end(f, &r, from, at);
	else if (errno == ENODATA || (errno == EINVAL && is_blank(f->fd)))
		result = 0;
	int error = errno;
	tape_reader_free(&r);
	errno = error;
	return result;
}

/* Allocates the ring, so that a full disk shows now and not when the recording is needed. Some file
 * systems cannot allocate. */
static int
allocate(struct tape_file *f)
{
	int error;

	if (f->ring == 0)
		return 0;
	do
		error = posix_fallocate(f->fd, 0, (off_t)f->ring);
	while (error == EINTR);
	if (error == EOPNOTSUPP || error == EINVAL)
		return ftruncate(f->fd, (off_t)f->ring);
	errno = error;
	return error ? -1 : 0;
}

static int
open_file(
    struct tape_file *f, const char *path, uint64_t ring, struct tape_segment *from, uint64_t *at)
{
	struct stat st;

	if (f->fresh)
		errno = ENOENT;
	else
		f->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (f->fd < 0 && errno == ENOENT) {
		f->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		f->created = f->fd >= 0;
	}
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return fail_with(ENOTTY);
	if (lock(f) < 0) {
		f->created = false; /* the other process keeps it */
		return -1;
	}
	if (resume(f, from, at) < 0)
		return -1;
	if (from->sequence == 0)
		f->ring = from->ring = ring;
	if (ring && f->ring != ring)
		return fail_with(ERANGE);
	return allocate(f);
}

/* Removes from the index the segments that a new one of the ring overwrites. Returns the sequence
 * of the oldest one that is left, or of the new one. */
static uint64_t
make_way(struct tape_writer *w, uint64_t cleared)
{
	struct tape_index *x = &((struct tape_file *)w)->index;
	uint64_t oldest = w->segment.sequence;
	size_t n = 0;

	for (size_t i = 0; i < x->n; i++) {
		const struct tape_place *p = &x->v[i];
		if ((p->at >= w->start && p->at < w->start + w->room) || p->at >= cleared)
			continue;
		oldest = p->segment.sequence < oldest ? p->segment.sequence : oldest;
		x->v[n++] = *p;
	}
	x->n = n;
	return oldest;
}

static void
begin_run(struct tape_file *f, struct tape_segment *from, uint64_t at)
{
	if (getrandom(&from->run, sizeof from->run, GRND_NONBLOCK) != sizeof from->run)
		from->run ^= (uint64_t)getpid() << 32;
	tape_writer_begin(&f->writer, f->fd, f->stream, from, at);
	f->writer.oldest = make_way;
}

static int
open_tape(struct tape_file *f, const char *path, uint64_t ring, bool fresh)
{
	struct tape_segment from = { .ring = ring };
	uint64_t at = 0;

	*f = (struct tape_file){ .fd = -1,
		.path = path,
		.stream = strcmp(path, "-") == 0,
		.ring = ring,
		.fresh = fresh };
	if (f->stream)
		f->fd = STDOUT_FILENO;
	if (!f->stream && open_file(f, path, ring, &from, &at) < 0) {
		int error = errno;
		if (f->created)
			unlink(path);
		if (f->fd >= 0)
			close(f->fd);
		tape_index_free(&f->index);
		errno = error;
		return -1;
	}
	begin_run(f, &from, at);
	return 0;
}

int
tape_file_open(struct tape_file *f, const char *path, uint64_t ring)
{
	return open_tape(f, path, ring, false);
}

int
tape_file_create(struct tape_file *f, const char *path)
{
	return open_tape(f, path, 0, true);
}

int
tape_file_memory(struct tape_file *f, uint64_t ring)
{
	struct tape_segment from = { .ring = ring };

	*f = (struct tape_file){
		.fd = memfd_create("pq", MFD_CLOEXEC), .path = "memory", .ring = ring
	};
	if (f->fd < 0 || ftruncate(f->fd, (off_t)ring) < 0) {
		int error = errno;
		if (f->fd >= 0)
			close(f->fd);
		return fail_with(error);
	}
	begin_run(f, &from, 0);
	return 0;
}

/* Makes the closing record of the run before the end of a segment. Otherwise the file would seem whole
 * if it lost all that this run writes. */
static void
reopen(struct tape_file *f)
{
	static const char end[TAPE_END];

	/* an error shows when the next record is written */
	ssize_t n = f->closed_at ? pwrite(f->fd, end, sizeof end, (off_t)f->closed_at) : 0;
	(void)n;
	f->closed_at = 0;
}

int
tape_file_sample(struct tape_file *f, const struct sample *m)
{
	if (!f->stream && !f->ring && f->writer.at + AHEAD / 2 > f->allocated) {
		f->allocated = f->writer.at + AHEAD;
		/* an error shows when writing */
		fallocate(f->fd, FALLOC_FL_KEEP_SIZE, (off_t)f->writer.at, AHEAD);
	}
	uint64_t sequence = f->writer.segment.sequence;
	if (tape_writer_sample(&f->writer, m) < 0)
		return -1;
	if (f->writer.segment.sequence == sequence)
		return 0;
	tape_index_add(&f->index, f->writer.start, &f->writer.segment);
	reopen(f);
	return 0;
}

int
tape_file_check(const struct tape_file *f, bool path)
{
	const struct tape_writer *w = &f->writer;
	const uint64_t least = f->ring ? f->ring : w->begun ? w->at : 0;
	struct stat own, there;

	if (f->stream)
		return 0;
	if (fstat(f->fd, &own) < 0 || (path && stat(f->path, &there) < 0))
		return -1;
	if (own.st_size < 0 || (uint64_t)own.st_size < least)
		return fail_with(ENODATA);
	return path && (own.st_dev != there.st_dev || own.st_ino != there.st_ino) ?
	    fail_with(ESTALE) :
	    0;
}

void
tape_file_replace(struct tape_file *f, struct tape_file *fresh)
{
	struct tape_writer w = fresh->writer, old = f->writer;

	memcpy(w.segment.boot_id, old.segment.boot_id, sizeof w.segment.boot_id);
	w.tracks = old.tracks;
	w.out = old.out;
	w.give_up = old.give_up;
	w.turn = old.turn;
	w.segment_turn = old.turn;
	close(f->fd);
	tape_index_free(&f->index);
	*f = *fresh;
	f->writer = w;
	lock(f); /* closing the old descriptor released it if the file is the same, truncated */
}

int
tape_file_close(struct tape_file *f)
{
	int result = f->writer.run_samples ? tape_writer_close(&f->writer) : 0;

	if (!f->stream && !f->ring && f->writer.run_samples &&
	    ftruncate(f->fd, (off_t)(f->writer.at + TAPE_END)) < 0)
		result = -1;
	if (f->created && f->writer.run_samples == 0)
		unlink(f->path);
	if (close(f->fd) < 0 && errno != EINTR)
		result = -1;
	tape_writer_end(&f->writer);
	tape_index_free(&f->index);
	return result;
}

/* ---- Copying a window */

/* Passes the tracks that have changed since the last copied sample, or all, to the writer. */
static void
keep_tracks(struct tape_reader *r, struct tape_file *to, bool all)
{
	for (uint32_t i = 0; i < r->tracks.paths.n; i++) {
		struct text text = { NULL, 0 };
		if (!all && !playback_is_fresh(&r->tracks, i))
			continue;
		int error = playback_track(&r->tracks, i, &text) < 0 ? errno : 0;
		tape_writer_keep(&to->writer, map_key(&r->tracks.paths, i), error, text);
	}
}

/* Begins a new segment after a reboot: a segment has one boot_id. */
static void
follow_boot(const struct tape_reader *r, struct tape_file *to)
{
	if (memcmp(to->writer.segment.boot_id, r->segment.boot_id, sizeof r->segment.boot_id) == 0)
		return;
	memcpy(to->writer.segment.boot_id, r->segment.boot_id, sizeof r->segment.boot_id);
	to->writer.begun = false;
}

static void
seek(struct tape_reader *r, struct span w, const unsigned char *boot_id)
{
	if (boot_id) {
		tape_reader_seek_mono(r, boot_id, w.from_ns);
		return;
	}
	if (!r->in_order)
		tape_reader_seek(r, w.from_ns);
	r->wanted.to_ns = w.to_ns;
}

/* Whether the sample is in the window. */
static bool
is_within(const struct tape_reader *r, const struct sample *m, struct tape_window *w,
    const unsigned char *boot_id)
{
	if (!boot_id)
		return tape_window_has(w, m);
	return memcmp(r->segment.boot_id, boot_id, sizeof r->segment.boot_id) == 0 &&
	    m->mono_ns >= w->times.from_ns && m->mono_ns <= w->times.to_ns;
}

int64_t
cut_copy(struct tape_reader *r, struct span w, const unsigned char *boot_id, struct tape_file *to)
{
	struct tape_window window = { .times = w };
	struct sample m;
	int64_t copied = 0;
	bool all = true; /* after a sample that is left out, all tracks may have changed */
	int got;

	seek(r, w, boot_id);
	while ((got = tape_reader_next(r, &m)) > 0) {
		if (!is_within(r, &m, &window, boot_id)) {
			all = true;
			continue;
		}
		follow_boot(r, to);
		keep_tracks(r, to, all);
		all = false;
		if (tape_file_sample(to, &m) < 0)
			return -1;
		copied++;
	}
	return got < 0 ? -1 : copied;
}

/* Creates the file that gets the name `path` once it is complete. */
static int
create_part(struct tape_file *f, const char *path, char part[PUBLISH_PATH])
{
	struct tape_segment from = { .ring = 0 };

	*f = (struct tape_file){ .fd = publish_begin(path, 0600, part), .path = part };
	if (f->fd < 0)
		return -1;
	begin_run(f, &from, 0);
	return 0;
}

int64_t
cut_save(struct tape_reader *r, struct span w, const unsigned char *boot_id, const char *path)
{
	char part[PUBLISH_PATH];
	struct tape_file to;
	struct stat st;

	if (lstat(path, &st) == 0)
		return fail_with(EEXIST);
	if (create_part(&to, path, part) < 0)
		return -1;
	int64_t copied = cut_copy(r, w, boot_id, &to);
	int error = errno;
	if (copied > 0 && fsync(to.fd) < 0) {
		copied = -1;
		error = errno;
	}
	if (tape_file_close(&to) < 0 && copied >= 0) {
		copied = -1;
		error = errno;
	}
	if (copied > 0 && publish(part, path) == 0)
		return copied;
	error = copied > 0 ? errno : error;
	unlink(part);
	errno = error;
	return copied > 0 ? -1 : copied;
}
