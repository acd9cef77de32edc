#include "tape/cut.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What has changed since the last moment that was copied. */
static void
keep_tracks(struct tape_reader *r, struct tape_file *to, bool all)
{
	for (uint32_t i = 0; i < r->tracks.paths.n; i++) {
		struct text text = { NULL, 0 };
		if (!all && !r->tracks.v[i].fresh)
			continue;
		int error = playback_track(&r->tracks, i, &text) < 0 ? errno : 0;
		tape_writer_keep(&to->writer, map_key(&r->tracks.paths, i), error, text);
	}
}

/* Counters of two boots, or of two recorders, do not go into one segment. */
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

/* Whether the moment is of the window. */
static bool
is_within(const struct tape_reader *r, const struct moment *m, struct tape_window *w,
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
	struct moment m;
	int64_t copied = 0;
	bool all = true; /* what changed in a moment that is left out has to be kept later */
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
		if (tape_file_moment(to, &m) < 0)
			return -1;
		copied++;
	}
	return got < 0 ? -1 : copied;
}

int64_t
cut_save(struct tape_reader *r, struct span w, const unsigned char *boot_id, const char *path)
{
	char part[4096];
	struct tape_file to;

	if (access(path, F_OK) == 0) {
		errno = EEXIST;
		return -1;
	}
	if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part) {
		errno = ENAMETOOLONG;
		return -1;
	}
	unlink(part);
	if (tape_file_open(&to, part, 0) < 0)
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
	if (copied > 0 && rename(part, path) == 0)
		return copied;
	error = copied > 0 ? errno : error;
	unlink(part);
	errno = error;
	return copied > 0 ? -1 : copied;
}
