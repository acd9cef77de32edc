#include "proc/pidcgroup.h"

#include <string.h>

#include "proc/mountinfo.h"

static void
strip_deleted(struct text *path)
{
	static const char mark[] = " (deleted)";
	size_t n = sizeof mark - 1;

	if (path->n > n && memcmp(path->s + path->n - n, mark, n) == 0)
		path->n -= n;
}

int
pidcgroup_find(struct text t, const char *controller, struct text *path)
{
	struct text line, id, controllers;
	int found = 0;

	while (text_line(&t, &line)) {
		if (!text_split(&line, ':', &id) || !text_split(&line, ':', &controllers) ||
		    line.n == 0 || line.s[0] != '/' || memchr(line.s, '\0', line.n))
			continue;
		if (controller && comma_list_has(controllers, controller)) {
			*path = line;
			return 1;
		}
		if (controllers.n == 0 && text_eq(id, "0")) {
			*path = line;
			strip_deleted(path);
			found = 2;
		}
	}
	return found;
}
