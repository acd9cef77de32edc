#include "commands/record/saved.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool
is_saved(const char *name)
{
	size_t n = strlen(name);

	return strncmp(name, "pq-", 3) == 0 && n > 5 && strcmp(name + n - 5, ".tape") == 0;
}

int
saved_count(const char *directory, int recorded, uint64_t *n, uint64_t *bytes)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	struct stat st, own = { 0 };

	*n = *bytes = 0;
	if (!d)
		return -1;
	fstat(recorded, &own);
	while ((e = readdir(d))) {
		if (!is_saved(e->d_name) ||
		    fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    (st.st_dev == own.st_dev && st.st_ino == own.st_ino))
			continue;
		++*n;
		*bytes += st.st_size > 0 ? (uint64_t)st.st_size : 0;
	}
	closedir(d);
	return 0;
}

void
saved_name(char *out, size_t n, const char *directory, const char *host, int64_t real_ns)
{
	time_t t = (time_t)(real_ns / 1000000000);
	char when[32], name[65];
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(when, sizeof when, "%Y%m%dT%H%M%S", &tm);
	snprintf(name, sizeof name, "%s", *host ? host : "host");
	for (char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			*c = '_';
	for (int copy = 1; copy < 1000; copy++) { /* two conditions may fire at once */
		char again[8] = "";
		if (copy > 1)
			snprintf(again, sizeof again, "-%d", copy);
		snprintf(out, n, "%s/pq-%s-%s.%03dZ%s.tape", directory, name, when,
		    (int)(real_ns % 1000000000 / 1000000), again);
		if (access(out, F_OK) < 0)
			return;
	}
}
