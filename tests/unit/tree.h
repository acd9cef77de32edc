/* tree: a temporary directory for file trees that tests make. */
#ifndef TREE_H
#define TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char tree[256];

static inline _Noreturn void
tree_fail(const char *path)
{
	printf("Bail out! %s: %s\n", path, strerror(errno));
	exit(1);
}

static inline void
tree_make(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(tree, sizeof tree, "%s/pq-unit-XXXXXX", tmp && strlen(tmp) < 200 ? tmp : "/tmp");
	if (!mkdtemp(tree))
		tree_fail(tree);
}

/* Makes the directory, and those above it, below the tree. */
static inline void
make_dirs(const char *dir)
{
	char path[1024];
	int at = snprintf(path, sizeof path, "%s/%s", tree, dir);

	for (char *slash = path + strlen(tree); slash && at > 0;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			tree_fail(path);
		if (slash)
			*slash = '/';
	}
}

/* Gives the file these bytes, in place if it is there. */
static inline void
put_bytes(const char *file, const char *s, size_t n)
{
	char path[1024];

	snprintf(path, sizeof path, "%s", file);
	if (strrchr(path, '/')) {
		*strrchr(path, '/') = '\0';
		make_dirs(path);
	}
	snprintf(path, sizeof path, "%s/%s", tree, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, s, n) != (ssize_t)n || close(fd) < 0)
		tree_fail(path);
}

static inline void
put(const char *file, const char *content)
{
	put_bytes(file, content, strlen(content));
}

static inline int
tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void
remove_tree(const char *path)
{
	nftw(path, tree_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void
tree_remove(void)
{
	remove_tree(tree);
}

#endif
