/* The text of sockets, and the files of /proc/net. */
#include <stdlib.h>

#include "proc/net_files.h"
#include "proc/sockets.h"
#include "replay.h"

/* What was understood is the same when it is printed and read again. */
static void
check_text(struct text t, struct arena *a)
{
	struct sock_netns *first, *again;
	struct buf b = { 0 };
	size_t n, m;

	if (sock_parse(t, a, &first, &n) == 0) {
		for (size_t i = 0; i < n; i++) {
			sock_netns_print(&first[i], &b);
			for (size_t k = 0; k < first[i].n; k++)
				sock_row_print(&first[i].v[k], &b);
		}
		if (sock_parse((struct text){ b.s, b.n }, a, &again, &m) < 0 || n != m)
			abort();
		for (size_t i = 0; i < n; i++)
			if (first[i].n != again[i].n || first[i].number != again[i].number)
				abort();
	}
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const keys[] = { "ListenOverflows", "ListenDrops" };
	struct text t = { (const char *)data, n };
	struct arena a = { 0 };
	struct sock_netns ns = { .number = 0 };
	struct softnet *softnet;
	struct keyed v[2];
	uint64_t inode, length;

	check_text(t, &a);
	for (int v6 = 0; v6 < 2; v6++)
		for (int type = SOCK_OF_TCP; type <= SOCK_OF_UDP; type++)
			net_sockets_parse(t, (enum sock_type)type, v6, &a, &ns);
	net_counters_parse(t, "TcpExt:", keys, 2, v);
	softnet_parse(t, &a, &softnet);
	net_device_drops(t);
	for (struct text rest = t; sock_tick_line(&rest, &inode, &length);)
		;
	arena_free(&a);
	return 0;
}
