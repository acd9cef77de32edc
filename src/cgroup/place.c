/* place: where a cgroup is, once it is located. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cgroup/locate.h"
#include "cgroup/mounts.h"

int
place_read(
    struct host *h, const struct place *p, const char *rel, const char *file, struct text *text)
{
	char path[PATH_MAX];
	size_t n = 0;
	const char *const parts[] = { p->top, rel, "/", file };

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		size_t more = strlen(parts[i]);
		if (n + more >= sizeof path) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(path + n, parts[i], more + 1);
		n += more;
	}
	return host_read(h, path, text);
}

/* Only below the root is there cgroup.type (v2); only in the root is there cgroup.sane_behavior
 * (v1). */
bool
place_is_root(struct host *h, const struct place *p)
{
	struct text text;

	if (p->version == 1)
		return place_read(h, p, "", "cgroup.sane_behavior", &text) == 0;
	return place_read(h, p, "", "cgroup.type", &text) < 0 && errno == ENOENT;
}

const char *
place_name(struct arena *a, const struct place *p, const char *rel)
{
	bool bare = strcmp(p->root, "/") == 0 || *p->root == '\0';

	if (bare && *rel == '\0')
		return "/";
	if (bare)
		return arena_copy(a, text_of(rel));
	return arena_printf(a, "%s%s", p->root, rel);
}

const char *
place_below(const struct place *p, const char *name)
{
	return route_below(name, p->root);
}
