/* socket_owners: from the inodes of sockets to processes. */
#include "netlink/socket_owners.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fail.h"

/* Processes are walked over at most so often, which takes 2 % of a CPU at most. Owners that were not found
 * are looked for again after a longer time, which doubles: they are often in another container, and stay
 * there. */
static const int64_t AGAIN_NS = 1000000000, AGAIN_COSTS = 50, LOST_NS = 10000000000,
		     LOST_COSTS = 1000;
enum { DOUBLINGS_MOST = 6 };

static int
by_inode(const void *a, const void *b)
{
	const struct socket_owner *x = a, *y = b;

	return x->inode != y->inode ? (x->inode < y->inode ? -1 : 1) :
				      (x->pid > y->pid) - (x->pid < y->pid);
}

static int
ascending(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int
same_inode(const void *a, const void *b)
{
	uint64_t x = ((const struct socket_owner *)a)->inode,
		 y = ((const struct socket_owner *)b)->inode;

	return (x > y) - (x < y);
}

/* Inodes are not repeated. */
static struct socket_owner *
find(const struct socket_owners *o, uint64_t inode)
{
	const struct socket_owner key = { .inode = inode };

	return o->n ? bsearch(&key, o->v, o->n, sizeof *o->v, same_inode) : NULL;
}

/* "socket:[4242]" */
static bool
parse_link(const char *s, uint64_t *inode)
{
	struct text t = text_of(s), number;

	return text_skip(&t, "socket:[") && text_split(&t, ']', &number) &&
	    text_u64(number, inode) == 0;
}

static bool
read_link(int directory, const char *name, uint64_t *inode)
{
	char link[48];
	ssize_t n = readlinkat(directory, name, link, sizeof link - 1);

	link[n > 0 ? n : 0] = '\0';
	return parse_link(link, inode);
}

static bool
is_wanted(const uint64_t *wanted, size_t n, uint64_t inode)
{
	return !wanted || bsearch(&inode, wanted, n, sizeof *wanted, ascending);
}

uint32_t
other_thread(uint32_t pid)
{
	char path[32];
	struct dirent *e;
	uint64_t tid = 0;

	snprintf(path, sizeof path, "/proc/%u/task", pid);
	DIR *d = opendir(path);
	while (d && (e = readdir(d)) &&
	    (text_u64(text_of(e->d_name), &tid) < 0 || tid == pid || tid > UINT32_MAX))
		tid = 0;
	if (d)
		closedir(d);
	return (uint32_t)tid;
}

/* Adds the wanted sockets that a thread of the process has open. Returns how many files it has open; -1 with
 * errno if they cannot be read. */
static int
add_thread(struct socket_owners *o, uint32_t pid, uint32_t thread, const uint64_t *wanted, size_t n)
{
	char path[32];
	struct dirent *e;
	int files = 0;

	snprintf(path, sizeof path, "/proc/%u/fd", thread);
	DIR *d = opendir(path);
	if (!d)
		return -1;
	while ((e = readdir(d))) {
		struct socket_owner one = { .pid = pid, .thread = thread, .owners = 1 };
		files += e->d_name[0] != '.';
		if (e->d_name[0] == '.' || !read_link(dirfd(d), e->d_name, &one.inode) ||
		    !is_wanted(wanted, n, one.inode))
			continue;
		one.fd = (uint32_t)strtoul(e->d_name, NULL, 10);
		o->v = xgrow(o->v, o->n, &o->room, sizeof *o->v);
		o->v[o->n++] = one;
	}
	closedir(d);
	return files;
}

/* Adds the sockets of a process that are wanted (NULL: all). -1 with errno if they cannot be read. If
 * the first thread of a process has ended, only the folders of the other threads have the open files. */
static int
add_process(struct socket_owners *o, uint32_t pid, const uint64_t *wanted, size_t n)
{
	int files = add_thread(o, pid, pid, wanted, n), error = errno;
	uint32_t other = files > 0 ? 0 : other_thread(pid);

	if (other && add_thread(o, pid, other, wanted, n) >= 0)
		return 0;
	errno = error;
	return files < 0 ? -1 : 0;
}

/* One entry for each socket, of its first process. */
static void
merge(struct socket_owners *o)
{
	size_t kept = 0;

	if (o->n > 1)
		qsort(o->v, o->n, sizeof *o->v, by_inode);
	for (size_t i = 0; i < o->n; i++)
		if (kept > 0 && o->v[i].inode == o->v[kept - 1].inode)
			o->v[kept - 1].owners += o->v[i].pid != o->v[i - 1].pid;
		else
			o->v[kept++] = o->v[i];
	o->n = kept;
}

static void
read_name(struct socket_owner *o)
{
	char path[32];

	snprintf(path, sizeof path, "/proc/%u/comm", o->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, o->comm, sizeof o->comm - 1) : 0;
	if (fd >= 0)
		close(fd);
	if (n > 0 && o->comm[n - 1] == '\n')
		n--;
	o->comm[n > 0 ? n : 0] = '\0';
}

bool
socket_owners_has(const struct socket_owners *o, uint64_t inode)
{
	return find(o, inode);
}

const struct socket_owner *
socket_owners_get(struct socket_owners *o, uint64_t inode)
{
	struct socket_owner *one = find(o, inode);

	if (one && one->pid && !*one->comm)
		read_name(one);
	return one && one->pid ? one : NULL;
}

void
socket_owners_of(struct socket_owners *o, const uint32_t *pids, size_t n, bool *hidden)
{
	o->n = 0;
	for (size_t i = 0; i < n; i++)
		if (add_process(o, pids[i], NULL, 0) < 0 && errno != ENOENT && errno != ESRCH)
			*hidden = true;
	merge(o);
}

size_t
list_processes(uint32_t **pids)
{
	DIR *d = opendir("/proc");
	size_t n = 0, room = 0;
	struct dirent *e;
	uint64_t pid;

	*pids = NULL;
	while (d && (e = readdir(d))) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' ||
		    text_u64(text_of(e->d_name), &pid) < 0 || pid > UINT32_MAX)
			continue;
		*pids = xgrow(*pids, n, &room, sizeof **pids);
		(*pids)[n++] = (uint32_t)pid;
	}
	if (d)
		closedir(d);
	return n;
}

/* Remembers which sockets have no known owner, and how many searches found none. */
static void
note_lost(
    struct socket_owners *o, const struct socket_owners *before, const uint64_t *inodes, size_t n)
{
	const size_t found = o->n;

	for (size_t i = 0; i < n; i++) {
		const struct socket_owner *last = find(before, inodes[i]);
		if (find(&(struct socket_owners){ .v = o->v, .n = found }, inodes[i]))
			continue;
		o->v = xgrow(o->v, o->n, &o->room, sizeof *o->v);
		o->v[o->n++] = (struct socket_owner){ .inode = inodes[i],
			.lost = 1 + (last ? last->lost : 0) };
	}
	if (o->n > found)
		qsort(o->v, o->n, sizeof *o->v, by_inode);
}

static void
walk(struct socket_owners *o, const uint64_t *inodes, size_t n)
{
	int64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	struct socket_owners before = *o;
	uint32_t *pids;
	size_t npids = list_processes(&pids);

	*o = (struct socket_owners){ .n = 0 };
	for (size_t i = 0; i < npids; i++)
		add_process(o, pids[i], inodes, n);
	free(pids);
	merge(o);
	note_lost(o, &before, inodes, n);
	free(before.v);
	o->walked_ns = clock_ns(CLOCK_MONOTONIC);
	o->cost_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
}

/* Whether the process still has the socket open there. */
static bool
still_has(const struct socket_owner *o)
{
	char path[48];
	uint64_t inode;

	snprintf(path, sizeof path, "/proc/%u/fd/%u", o->thread, o->fd);
	return read_link(AT_FDCWD, path, &inode) && inode == o->inode;
}

static int64_t
longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Whether there is no need to look for the owner now. */
static bool
is_settled(const struct socket_owner *o, int64_t since_ns, int64_t lost_ns)
{
	unsigned doublings = o->lost <= DOUBLINGS_MOST ? o->lost - 1 : DOUBLINGS_MOST;

	return o->pid ? still_has(o) : since_ns < lost_ns << doublings;
}

void
socket_owners_find(struct socket_owners *o, uint64_t *inodes, size_t n)
{
	int64_t since_ns = clock_ns(CLOCK_MONOTONIC) - o->walked_ns,
		wait_ns = longer(AGAIN_NS, o->cost_ns * AGAIN_COSTS),
		lost_ns = longer(LOST_NS, o->cost_ns * LOST_COSTS);
	size_t known = 0;

	if (n > 1)
		qsort(inodes, n, sizeof *inodes, ascending);
	for (size_t i = 0; i < n; i++) {
		const struct socket_owner *one = find(o, inodes[i]);
		known += one && is_settled(one, since_ns, lost_ns);
	}
	if (known < n && (o->walked_ns == 0 || since_ns >= wait_ns))
		walk(o, inodes, n);
}

void
socket_owners_free(struct socket_owners *o)
{
	free(o->v);
	*o = (struct socket_owners){ .n = 0 };
}
