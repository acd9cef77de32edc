#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "netlink/socket_owners.h"
#include "unit.h"

/* The inode of no socket. */
static const uint64_t NOBODYS = UINT64_MAX;

/* Whether the owners of these two are looked for, some seconds after it was done last. */
static bool
walks_after(struct socket_owners *o, int64_t seconds, uint64_t first, uint64_t second)
{
	uint64_t inodes[] = { second, first };

	o->cost_ns = 0;
	o->walked_ns = clock_ns(CLOCK_MONOTONIC) - seconds * 1000000000;
	int64_t before_ns = o->walked_ns;
	socket_owners_find(o, inodes, 2);
	return o->walked_ns != before_ns;
}

static void
finds_ours(void)
{
	struct socket_owners o = { .n = 0 };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	struct stat st;

	if (!CHECK(fd >= 0 && fstat(fd, &st) == 0))
		return;
	CHECK(walks_after(&o, 3600, st.st_ino, NOBODYS));
	const struct socket_owner *ours = socket_owners_get(&o, st.st_ino);
	CHECK(ours && ours->pid == (uint32_t)getpid() && ours->fd == (uint32_t)fd);
	CHECK(!socket_owners_get(&o, NOBODYS));
	CHECK(!walks_after(&o, 5, st.st_ino, NOBODYS));
	close(fd);
	CHECK(walks_after(&o, 5, st.st_ino, NOBODYS));
	CHECK(!socket_owners_get(&o, st.st_ino));
	socket_owners_free(&o);
}

/* Each time it was in vain, they are looked for again after twice as long. */
static void
gives_up_slowly(void)
{
	struct socket_owners o = { .n = 0 };
	int64_t after_s = 10;

	CHECK(walks_after(&o, 3600, NOBODYS, NOBODYS - 1));
	for (int i = 0; i < 8; i++) {
		CHECK(!walks_after(&o, after_s - 1, NOBODYS, NOBODYS - 1));
		CHECK(walks_after(&o, after_s + 1, NOBODYS, NOBODYS - 1));
		after_s = after_s < 640 ? 2 * after_s : after_s;
	}
	CHECK(walks_after(&o, 2, NOBODYS, NOBODYS - 2)); /* a new one */
	socket_owners_free(&o);
}

int
main(void)
{
	unit_test("the process of a socket, as long as it has it open", finds_ours);
	unit_test("a socket of nobody is looked for more and more rarely", gives_up_slowly);
	return unit_done();
}
