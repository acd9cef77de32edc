#include "host/open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fail.h"
#include "base/text.h"
#include "host/read_file.h"

/* openat2(2), Linux 5.6: its number, and its ways to resolve a path, from linux/openat2.h. */
enum { OPENAT2 = 437, NO_MAGIC = 0x02, NO_LINKS = 0x04, BENEATH = 0x08 };

/* From linux/magic.h. */
enum { PROC_MAGIC = 0x9fa0, CGROUP_MAGIC = 0x27e0eb, CGROUP2_MAGIC = 0x63677270 };

/* READING never waits for a writer of a named pipe. */
enum {
	READING = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
	LOOKING = O_PATH | O_CLOEXEC,
	LINKS_MOST = 8
};

static int
open_resolved(int dir, const char *path, int flags, uint64_t resolve)
{
	const struct {
		uint64_t flags, mode, resolve;
	} how = { (uint64_t)flags, 0, resolve };

	return (int)syscall(OPENAT2, dir, path, &how, sizeof how);
}

/* Whether openat2 failed because the kernel is older, or a sandbox refuses it. */
static bool
lacks_openat2(void)
{
	return errno == ENOSYS || errno == EPERM;
}

static int
close_failing(int fd, int error)
{
	close(fd);
	return fail_with(error);
}

/* ---- Without openat2: name by name */

/* A path that is being walked: the open directory, and the names that are left. */
struct walk {
	int at;
	bool follow;
	int links;
	char rest[PATH_MAX];
};

/* Puts the target of a link before the names that are left. A target that could lead out is
 * refused. */
static int
follow_link(struct walk *w, int link)
{
	char target[2 * PATH_MAX];
	ssize_t n = readlinkat(link, "", target, PATH_MAX);

	if (n < 0 || !w->follow || ++w->links > LINKS_MOST)
		return fail_with(n < 0 ? errno : ELOOP);
	snprintf(target + n, sizeof target - (size_t)n, "/%s", w->rest);
	if (*target == '/')
		return fail_with(EXDEV);
	if (strlen(target) >= sizeof w->rest)
		return fail_with(ENAMETOOLONG);
	strcpy(w->rest, target);
	return 0;
}

/* Goes on to the file of that name. */
static int
step(struct walk *w, const char *name)
{
	struct stat st;

	if (strcmp(name, "..") == 0)
		return fail_with(EXDEV);
	int next = openat(w->at, name, LOOKING | O_NOFOLLOW);
	if (next < 0)
		return -1;
	if (fstat(next, &st) < 0 || (S_ISLNK(st.st_mode) && follow_link(w, next) < 0))
		return close_failing(next, errno);
	if (S_ISLNK(st.st_mode)) {
		close(next);
		return 0;
	}
	close(w->at);
	w->at = next;
	return 0;
}

/* Opens the path without reading it (O_PATH). */
static int
walk(int dir, const char *path, bool follow)
{
	struct walk w = { .at = openat(dir, ".", LOOKING | O_DIRECTORY), .follow = follow };
	char name[NAME_MAX + 1];

	if (w.at < 0)
		return -1;
	if ((size_t)snprintf(w.rest, sizeof w.rest, "%s", path) >= sizeof w.rest)
		return close_failing(w.at, ENAMETOOLONG);
	while (*w.rest) {
		size_t n = strcspn(w.rest, "/"), skip = n + strspn(w.rest + n, "/");
		if (n > NAME_MAX)
			return close_failing(w.at, ENAMETOOLONG);
		memcpy(name, w.rest, n);
		name[n] = '\0';
		memmove(w.rest, w.rest + skip, strlen(w.rest + skip) + 1);
		if (n > 0 && step(&w, name) < 0)
			return close_failing(w.at, errno);
	}
	return w.at;
}

/* ---- Below a directory */

/* Opens the path without reading it, so that not even a device notices. ELOOP and EXDEV: a link is
 * in the way. */
static int
look_below(int dir, const char *path, uint64_t how)
{
	int fd = open_resolved(dir, path, LOOKING, BENEATH | NO_MAGIC | how);

	return fd < 0 && lacks_openat2() ? walk(dir, path, !(how & NO_LINKS)) : fd;
}

static bool
is_plain(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

static bool
is_directory(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_of_cgroups(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && (fs.f_type == CGROUP_MAGIC || fs.f_type == CGROUP2_MAGIC);
}

static bool
is_of_proc(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == PROC_MAGIC;
}

/* Opens for reading what look_below found, if it is allowed. Takes the descriptor over. */
static int
open_found_if(int found, bool (*allowed)(int fd))
{
	char path[48];

	if (found < 0)
		return fail_with(errno == ELOOP ? EXDEV : errno);
	if (!allowed(found))
		return close_failing(found, EXDEV);
	snprintf(path, sizeof path, "/proc/self/fd/%d", found);
	int fd = open(path, READING), error = errno;
	close(found);
	errno = error;
	return fd;
}

static bool
is_plain_of_cgroups(int fd)
{
	return is_plain(fd) && is_of_cgroups(fd);
}

static int
open_found(int found, bool cgroups)
{
	return open_found_if(found, cgroups ? is_plain_of_cgroups : is_plain);
}

int
open_below(int dir, const char *path)
{
	int fd = open_resolved(dir, path, READING, BENEATH | NO_MAGIC);

	if (fd < 0 && lacks_openat2())
		return open_found(walk(dir, path, true), false);
	return fd < 0 || is_plain(fd) ? fd : close_failing(fd, EXDEV);
}

int
link_below(int dir, const char *path, struct buf *b)
{
	char above[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (!slash)
		return slurp_link(dir, path, b);
	if ((size_t)snprintf(above, sizeof above, "%.*s", (int)(slash - path), path) >=
	    sizeof above)
		return fail_with(ENAMETOOLONG);
	int at = look_below(dir, above, 0);
	if (at < 0)
		return -1;
	int result = slurp_link(at, slash + 1, b), error = errno;
	close(at);
	errno = error;
	return result;
}

/* ---- Of a machine */

/* The kernel's and root's part of this machine. */
static int
open_trusted(int root, const char *path)
{
	int fd = open_resolved(root, path, READING, NO_MAGIC);

	return fd < 0 && lacks_openat2() ? openat(root, path, READING) : fd;
}

/* The part of proc/PID/root/… after "root/", which belongs to the process; NULL: another path. */
static const char *
part_of_process(const char *path, char process[64])
{
	struct text t = text_of(path), pid;

	if (!text_skip(&t, "proc/") || !text_split(&t, '/', &pid) || !text_skip(&t, "root/") ||
	    pid.n == 0 || pid.n > 32)
		return NULL;
	snprintf(process, 64, "proc/%.*s", (int)pid.n, pid.s);
	return t.s + strspn(t.s, "/");
}

/* Opens, by a link that /proc makes up, the root or the program of a process. -1 with ENOTTY if
 * there is no such link, as the directory is not of a /proc. */
static int
open_made_up(int root, const char *process, const char *link, int flags, bool elsewhere)
{
	int dir = elsewhere ? look_below(root, process, 0) : openat(root, process, LOOKING);

	if (dir < 0)
		return -1;
	if (!is_of_proc(dir))
		return close_failing(dir, ENOTTY);
	int fd = openat(dir, link, LOOKING | flags), error = errno;
	close(dir);
	errno = error;
	return fd;
}

static int
open_process_root(int root, const char *process, bool elsewhere)
{
	return open_made_up(root, process, "root", O_DIRECTORY, elsewhere);
}

static bool
is_trusted(const char *path)
{
	struct text t = text_of(path);

	return text_skip(&t, "proc/") || text_skip(&t, "sys/") || text_skip(&t, "boot/") ||
	    text_eq(t, "proc") || text_eq(t, "sys");
}

/* As look_below, for a path below the root of a process. */
static int
look_in_process(int root, const char *process, const char *part, bool elsewhere)
{
	int top = open_process_root(root, process, elsewhere);

	if (top < 0)
		return -1;
	int found = look_below(top, part, NO_LINKS), error = errno;
	close(top);
	errno = error;
	return found;
}

/* -1 with ENOTTY as open_process_root. */
static int
open_of_process(int root, const char *process, const char *part, bool elsewhere)
{
	if (!*part) /* the root itself */
		return open_found(open_process_root(root, process, elsewhere), false);
	return open_found(look_in_process(root, process, part, elsewhere), true);
}

int
open_of_machine(int root, const char *path, bool elsewhere)
{
	char process[64];

	path += strspn(path, "/");
	const char *part = part_of_process(path, process);
	if (part) {
		int fd = open_of_process(root, process, part, elsewhere);
		if (fd >= 0 || errno != ENOTTY)
			return fd;
	}
	if (is_trusted(path))
		return elsewhere ? open_below(root, path) : open_trusted(root, path);
	if (!elsewhere && lists_links(path))
		return open_found_if(look_below(root, path, NO_LINKS), is_directory);
	return open_found(look_below(root, path, NO_LINKS), !elsewhere);
}

static bool
is_regular(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

/* "proc/PID/maps" */
static bool
is_maps(const char *path)
{
	struct text t = text_of(path), pid;

	return text_skip(&t, "proc/") && text_split(&t, '/', &pid) && text_eq(t, "maps");
}

/* Sets process to "proc/PID" of "proc/PID/exe", or to "proc/PID/map_files" of a file that is mapped
 * in a process; returns the name of the link there, or NULL. */
static const char *
link_of_program(const char *path, char process[64])
{
	struct text t = text_of(path), pid;
	const char *dir = "";

	if (!text_skip(&t, "proc/") || !text_split(&t, '/', &pid) || pid.n == 0 || pid.n > 32)
		return NULL;
	if (text_skip(&t, "map_files/") && !memchr(t.s, '/', t.n))
		dir = "/map_files";
	else if (!text_eq(t, "exe"))
		return NULL;
	snprintf(process, 64, "proc/%.*s%s", (int)pid.n, pid.s, dir);
	return t.s;
}

int
open_of_program(int root, const char *path, bool elsewhere)
{
	char process[64];
	const char *part = part_of_process(path, process);
	const char *link = link_of_program(path, process);
	int found;

	if (part)
		found = look_in_process(root, process, part, elsewhere);
	else if (link)
		found = open_made_up(root, process, link, 0, elsewhere);
	else if (is_maps(path))
		return open_of_machine(root, path, elsewhere);
	else
		return fail_with(EXDEV);
	if (found < 0 && errno == ENOTTY) /* a copied tree */
		found = look_below(root, path, NO_LINKS);
	return open_found_if(found, is_regular);
}

int
link_of_machine(int root, const char *path, bool elsewhere, struct buf *b)
{
	bool plain = !elsewhere && is_trusted(path) && !strstr(path, "/root/");

	return plain ? slurp_link(root, path, b) : link_below(root, path, b);
}
