/*
 * replay: what a fuzz target includes. libFuzzer calls LLVMFuzzerTestOneInput with a block of
 * exactly n bytes; with -DREPLAY there is a main that does the same with each file named, or in a
 * directory named, on the command line, and prints one line of TAP. A target that finds something
 * wrong aborts.
 */
#ifndef REPLAY_H
#define REPLAY_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#ifdef REPLAY

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned replayed;
static const char *replaying = "nothing";

static int
replay_file(const char *path, const struct stat *st, int type)
{
	size_t size = (size_t)st->st_size;
	uint8_t *data;
	FILE *f;

	if (type != FTW_F)
		return type == FTW_D ? 0 : -1;
	replaying = path;
	data = malloc(size); /* no more than there is, so that a read beyond it is seen by ASan */
	f = fopen(path, "rb");
	if (!f || (size > 0 && (!data || fread(data, 1, size, f) != size)))
		return -1;
	fclose(f);
	printf("# %s\n", path); /* the last one is the one that aborted */
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	replayed++;
	return 0;
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (ftw(argv[i], replay_file, 16) == 0)
			continue;
		printf("not ok 1 - %s: %s (%s)\n1..1\n", argv[i], strerror(errno), replaying);
		return 1;
	}
	printf("%s 1 - %u inputs\n1..1\n", replayed > 0 ? "ok" : "not ok", replayed);
	return replayed == 0;
}

#endif
#endif
