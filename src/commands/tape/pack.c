/* pack: pq tape unpack and pq tape pack: between a recording and a captured directory, which has a
 * file tree for each sample. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"
#include "host/open.h"
#include "base/fail.h"
#include "base/out_file.h"
#include "cli/open.h"
#include "commands/tape/tape.h"

enum { DEEPEST = 40 };

/* Makes the directories that lead to a file. */
static int
make_parents(int dir, const char *path)
{
	char part[PATH_MAX];

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
		if (mkdirat(dir, part, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

static int
write_file(int dir, const char *path, struct text text)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);

	if (fd < 0)
		return -1;
	while (text.n > 0) {
		ssize_t n = write(fd, text.s, text.n);
		if (n < 0)
			break;
		text = (struct text){ text.s + n, text.n - (size_t)n };
	}
	int error = errno;
	if (close(fd) < 0 || text.n == 0)
		return text.n == 0 ? 0 : -1;
	errno = error;
	return -1;
}

/* Makes the directories that a listing names. */
static int
make_directory(int dir, const char *path, struct text names)
{
	struct text name;
	char sub[PATH_MAX];

	while (text_line(&names, &name)) {
		if (name.n == 0 || memchr(name.s, '/', name.n) || memchr(name.s, '\0', name.n) ||
		    text_eq(name, ".") || text_eq(name, ".."))
			continue;
		snprintf(sub, sizeof sub, "%s%.*s", path, (int)name.n, name.s);
		if (mkdirat(dir, sub, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* Writes a track as a file, or the errno of its reading as NAME.errno. */
static int
unpack_track(int dir, struct playback *p, uint32_t i)
{
	const char *path = map_key(&p->paths, i).s;
	size_t n = strlen(path);
	struct text text = { NULL, 0 };
	char note[PATH_MAX + 32], link[PATH_MAX + 16], why[128];
	int error = playback_track(p, i, &text) < 0 ? errno : 0;

	if (error == ENOENT || strcmp(path, TAPE_FACTS) == 0)
		return 0;
	if (make_parents(dir, path) < 0)
		return -1;
	if (path[n - 1] == '/')
		return error ? 0 : make_directory(dir, path, text);
	if (path[n - 1] == PATH_LINK) { /* a real link could lead to a file of this machine */
		snprintf(link, sizeof link, "%.*s.link", (int)(n - 1), path);
		path = link;
	}
	if (!error)
		return write_file(dir, path, text);
	snprintf(note, sizeof note, "%s.errno", path);
	snprintf(why, sizeof why, "%d %s\n", error, strerror(error));
	return write_file(dir, note, text_of(why));
}

static int
unpack_sample(int dir, struct playback *p, const struct sample *m, uint64_t number)
{
	char name[32], clock[80];
	struct text facts;

	snprintf(name, sizeof name, "t%llu", (unsigned long long)number);
	snprintf(clock, sizeof clock, "%lld %lld%s\n", (long long)m->mono_ns, (long long)m->real_ns,
	    m->kind == SAMPLE_TICK ? " tick" : "");
	if (number == 0 && playback_text(p, TAPE_FACTS, &facts) == 0 &&
	    write_file(dir, "facts", facts) < 0)
		return -1;
	if (mkdirat(dir, name, 0755) < 0)
		return -1;
	int tree = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0)
		return -1;
	int result =
	    mkdirat(tree, "proc", 0755) < 0 || write_file(tree, "clock", text_of(clock)) < 0 ? -1 :
											       0;
	for (uint32_t i = 0; i < p->paths.n && result == 0; i++)
		result = unpack_track(tree, p, i);
	close(tree);
	return result;
}

enum exit_status
tape_unpack(const struct options *o, const char *path, const char *to)
{
	struct tape_reader r;
	struct sample m;
	uint64_t n = 0;
	int got;

	if (out_is_stdout(to))
		die(EXIT_USAGE, "-o -: a directory cannot be written to stdout (want its name)");
	input_open(&r, path);
	struct tape_window w = { .times = input_window(&r, o) };
	if (mkdir(to, 0700) < 0) /* as private as a tape: it has files that only root may read */
		die(errno == EEXIST ? EXIT_USAGE : EXIT_FAILED, "cannot create directory %s: %s",
		    to,
		    errno == EEXIST ? "it exists already (choose a new name)" : strerror(errno));
	int dir = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		die(EXIT_FAILED, "cannot write to %s: %s", to, strerror(errno));
	r.wanted.to_ns = w.times.to_ns;
	while ((got = tape_reader_next(&r, &m)) > 0) {
		if (!tape_window_has(&w, &m))
			continue;
		if (unpack_sample(dir, &r.tracks, &m, n++) < 0)
			die(EXIT_FAILED, "cannot write to %s: %s", to, strerror(errno));
	}
	close(dir);
	if (n == 0)
		input_empty(o, path);
	input_close(&r, path);
	return EXIT_DONE;
}

/* The host reads the files of a sample; the tree under its directory says which ones there are. */
struct packing {
	struct host *host;
	struct tape_writer *writer;
	int sample; /* its directory */
};

static void
pack_one(struct packing *p, const char *path, enum path_mark mark)
{
	char name[PATH_MAX];
	struct text text = { NULL, 0 };

	if (!path_clean(path, mark, name, sizeof name))
		return;
	int result = mark == PATH_DIRECTORY ? host_list(p->host, path, &text) :
	    mark == PATH_LINK               ? host_link(p->host, path, &text) :
					      host_read(p->host, path, &text);
	tape_writer_keep(p->writer, text_of(name), result < 0 ? errno : 0, text);
}

static bool
cut_suffix(char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);
	bool has = n > m && strcmp(s + n - m, suffix) == 0;

	if (has)
		s[n - m] = '\0';
	return has;
}

/* "X.errno" has the errno of reading X, and "X.link" the target of the link X. */
static void
pack_file(struct packing *p, const char *path)
{
	char named[PATH_MAX];

	snprintf(named, sizeof named, "%s", path);
	cut_suffix(named, ".errno");
	if (cut_suffix(named, ".link"))
		pack_one(p, named, PATH_LINK);
	else if (strcmp(path, "clock") != 0)
		pack_one(p, named, PATH_FILE);
}

static void pack_tree(struct packing *p, int fd, const char *path, int depth, bool linked);

/* A link of a descriptor, or one without a file, is kept as a link. Another one, such as
 * sys/fs/cgroup/cpu, is followed, as the tools do: it is another name of a file or directory of the
 * sample. Below a followed link no other is followed, as they may form loops. */
static void
pack_link(struct packing *p, const char *path, int depth, bool linked)
{
	int fd = linked || text_find(text_of(path), "/fd/") ? -1 : open_below(p->sample, path);
	struct stat st;

	if (fd < 0 && errno == EXDEV && !linked)
		warn("%s/%s: a link that leads out of the sample: not followed",
		    host_capture_name(p->host), path);
	if (fd < 0 || fstat(fd, &st) < 0) {
		pack_one(p, path, PATH_LINK);
	} else if (S_ISDIR(st.st_mode)) {
		pack_tree(p, fd, path, depth + 1, true);
		return;
	} else {
		pack_file(p, path);
	}
	if (fd >= 0)
		close(fd);
}

static void
pack_entry(struct packing *p, int dir, const char *name, const char *path, int depth, bool linked)
{
	struct stat st;
	char below[PATH_MAX];

	int n = snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name);
	if ((size_t)n >= sizeof below || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISLNK(st.st_mode))
		pack_link(p, below, depth, linked);
	else if (S_ISREG(st.st_mode))
		pack_file(p, below);
	else if (S_ISDIR(st.st_mode))
		pack_tree(p, open_below(p->sample, below), below, depth + 1, linked);
}

/* Takes the descriptor over. */
static void
pack_tree(struct packing *p, int fd, const char *path, int depth, bool linked)
{
	DIR *d = fd < 0 || depth > DEEPEST ? NULL : fdopendir(fd);
	const struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (*path)
		pack_one(p, path, PATH_DIRECTORY);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			pack_entry(p, dirfd(d), e->d_name, path, depth, linked);
	closedir(d);
}

/* Files of an earlier sample that this one does not have: else they would keep their text. */
static void
pack_missing(struct packing *p)
{
	const struct tracks *all = &p->writer->tracks;

	for (uint32_t i = 0; i < all->paths.n; i++) {
		struct text path = map_key(&all->paths, i);
		if (all->v[i].touched != p->writer->turn && !text_eq(path, TAPE_FACTS))
			tape_writer_keep(p->writer, path, ENOENT, (struct text){ NULL, 0 });
	}
}

/* Adds "whole 1": a file that is not in the directory does not exist. */
static void
pack_facts(struct packing *p, int dir)
{
	char text[4096];
	int fd = open_below(dir, "facts");
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 16);
	struct text value;

	if (fd >= 0)
		close(fd);
	n = n < 0 ? 0 : n;
	if (!facts_find((struct text){ text, (size_t)n }, "whole", &value))
		n += snprintf(text + n, 16, "whole 1\n");
	tape_writer_keep(p->writer, text_of(TAPE_FACTS), 0, (struct text){ text, (size_t)n });
}

enum exit_status
tape_pack(const struct options *o, const char *from, const char *to)
{
	struct host *h = host_capture(from);
	struct tape_file out;
	struct sample m;
	int got;

	(void)o;
	if (!h)
		die(errno == ENOENT || errno == ENOTDIR ? EXIT_USAGE : EXIT_FAILED, "%s: %s", from,
		    errno == ENOENT || errno == ENOTDIR ? "not a captured directory" :
							  strerror(errno));
	create_output(&out, to);
	struct packing p = { h, &out.writer, -1 };
	int dir = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	pack_facts(&p, dir);
	while ((got = host_next(h, 0, SAMPLE_ROW, &m)) > 0) {
		p.sample = open_below(dir, host_capture_name(h));
		pack_tree(&p, dup(p.sample), "", 0, false);
		pack_missing(&p);
		close(p.sample);
		if (tape_file_sample(&out, &m) < 0)
			output_incomplete(to, errno);
	}
	if (got < 0)
		die(EXIT_FAILED, "%s/%s: %s", from, host_capture_name(h), strerror(errno));
	close(dir);
	host_close(h);
	if (tape_file_close(&out) < 0)
		output_incomplete(to, errno);
	return EXIT_DONE;
}
