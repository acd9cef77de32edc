/* process_vm_readv(2) reads pieces in order, and stops at the first page that cannot be read. A page that is not
 * in memory would be loaded first, and that could wait for a disk or for another program (FUSE, userfaultfd). So
 * move_pages(2), which moves nothing here, first tells which pages are there. Only a page that leaves the memory
 * between these two calls is loaded. */
#include "host/pieces.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/fail.h"

enum { BATCH = 128, PAGES_EACH = 4 };

/* How many pages the piece touches; 0: too many, or it is nowhere. */
static size_t
pages_of(const struct memory_piece *p, size_t page)
{
	if (p->n == 0 || p->n > PAGES_EACH * page || p->at > INT64_MAX - p->n)
		return 0;
	size_t pages = (size_t)((p->at % page + p->n + page - 1) / page);
	return pages <= PAGES_EACH ? pages : 0;
}

/* Asks for each page of the pieces, in order, whether it is in memory. */
static int
ask_pages(uint32_t pid, size_t page, const struct memory_piece *v, size_t n, int *status)
{
	void *pages[BATCH * PAGES_EACH];
	size_t asked = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < pages_of(&v[i], page); k++)
			pages[asked++] = (void *)(uintptr_t)(v[i].at - v[i].at % page + k * page);
	if (asked == 0)
		return 0;
	return syscall(SYS_move_pages, pid, asked, pages, NULL, status, 0) < 0 ? -1 : 0;
}

/* Whether so many pages, from there on in the answer, are all in memory. */
static bool
are_there(const int *status, size_t pages)
{
	for (size_t k = 0; k < pages; k++)
		if (status[k] < 0)
			return false;
	return true;
}

static int
read_batch(uint32_t pid, size_t page, struct memory_piece *v, size_t n, struct buf *b)
{
	int status[BATCH * PAGES_EACH], *answer = status;
	struct iovec from[BATCH], to = { b->s + b->n, 0 };
	size_t wanted = 0;

	if (ask_pages(pid, page, v, n, status) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t pages = pages_of(&v[i], page);
		if (pages > 0 && are_there(answer, pages)) {
			from[wanted++] = (struct iovec){ (void *)(uintptr_t)v[i].at, v[i].n };
			v[i].bytes = (struct text){ b->s + b->n + to.iov_len, v[i].n };
			to.iov_len += v[i].n;
		}
		answer += pages;
	}
	ssize_t got = wanted ? process_vm_readv((pid_t)pid, &to, 1, from, wanted, 0) : 0;
	for (size_t i = 0; i < n; i++) /* those after a page that was unmapped meanwhile */
		if (v[i].bytes.n > 0 &&
		    (got < 0 || v[i].bytes.s + v[i].bytes.n > b->s + b->n + got))
			v[i].bytes = (struct text){ NULL, 0 };
	b->n += got > 0 ? (size_t)got : 0;
	return got < 0 && errno != EFAULT ? -1 : 0;
}

int
pieces_read(uint32_t pid, size_t page, struct memory_piece *v, size_t n, struct buf *b)
{
	size_t total = 0;

	for (size_t i = 0; i < n; i++) {
		v[i].bytes = (struct text){ NULL, 0 };
		total += pages_of(&v[i], page) ? v[i].n : 0;
	}
	b->n = 0;
	buf_room(b, total + 1);
	for (size_t i = 0; i < n; i += BATCH)
		if (read_batch(pid, page, v + i, n - i < BATCH ? n - i : BATCH, b) < 0)
			return -1;
	return 0;
}
