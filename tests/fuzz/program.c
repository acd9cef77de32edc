#include <stdlib.h>
#include <string.h>

#include "proc/program.h"
#include "piece.h"
#include "replay.h"

struct bytes {
	struct text all;
	size_t read; /* so far */
};

static int
read_bytes(void *ctx, uint64_t at, size_t n, struct text *out)
{
	struct bytes *b = ctx;

	b->read += n;
	*out = piece_of(b->all, at, n);
	return 0;
}

/* Digits and points only, and ended by a NUL. */
static void
check_version(const char version[VERSION_MOST])
{
	size_t n = 0;

	while (n < VERSION_MOST && version[n])
		if (!strchr("0123456789.", version[n++]))
			abort();
	if (n == VERSION_MOST)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct text t = { (const char *)data, n };
	char version[VERSION_MOST] = "";
	struct program p = { 0 };

	for (int node = 0; node < 2; node++) {
		struct bytes b = { t, 0 };
		struct program_file file = { read_bytes, &b, node, 0 };
		if (program_parse(&file, &p) < 0 || b.read > PROGRAM_MOST)
			abort();
		check_version(p.go);
		check_version(p.rust);
		check_version(p.node);
	}
	go_build_parse(t, &p);
	check_version(p.go);
	if (java_release_parse(t, version))
		check_version(version);
	if (node_header_parse(t, version))
		check_version(version);
	if (version_after(t, "lib", version))
		check_version(version);
	return 0;
}
