#include "commands/saved_trace.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fail.h"

static const char *
open_error(int error)
{
	switch (error) {
	case EINVAL:
		return "not a saved trace";
	case ENOTSUP:
		return "saved by a later version of pq, which this version cannot read";
	default:
		return strerror(error);
	}
}

void
saved_trace_open(struct trace_file *t, const char *path)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) :
					  open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		die(errno == ENOENT ? EXIT_USAGE : EXIT_FAILED, "cannot open %s: %s", path,
		    strerror(errno));
	if (trace_open(t, fd) < 0)
		die(errno == EINVAL || errno == EISDIR ? EXIT_USAGE : EXIT_FAILED, "%s: %s", path,
		    open_error(errno));
	close(fd);
}

/* Whether a cgroup is the one that -g names, or below it: by its path, or by the name of a directory
 * in it. */
static bool
is_cgroup(const char *path, const char *wanted, size_t n)
{
	if (*wanted == '/')
		return strncmp(path, wanted, n) == 0 &&
		    (n == 1 || path[n] == '\0' || path[n] == '/');
	struct text rest = text_of(path), part;
	while (text_split(&rest, '/', &part))
		if (part.n == n && memcmp(part.s, wanted, n) == 0)
			return true;
	return false;
}

bool *
saved_trace_cgroups(const struct trace_file *t, const char *path, const char *wanted)
{
	static const char mount[] = "/sys/fs/cgroup";
	const char *name = wanted;
	bool any = false;

	if (strncmp(name, mount, sizeof mount - 1) == 0 && name[sizeof mount - 1] == '/')
		name += sizeof mount - 1;
	size_t n = strlen(name);
	while (n > 1 && name[n - 1] == '/')
		n--;
	bool *chosen = xmalloc((t->ncgroups + 1) * sizeof *chosen);
	for (size_t i = 0; i < t->ncgroups; i++)
		any |= chosen[i] = is_cgroup(t->cgroups[i], name, n);
	if (!any)
		die(EXIT_USAGE, "%s: no thread of a cgroup '%s' is in it", path, wanted);
	return chosen;
}
