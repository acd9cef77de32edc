#include "host/host.h"

#include <errno.h>

int
host_next(struct host *h, int64_t deadline_ns, enum moment_kind kind, struct moment *m)
{
	return h->ops->next(h, deadline_ns, kind, m);
}

int
host_read(struct host *h, const char *path, struct text *text)
{
	return h->ops->read(h, path, text);
}

int
host_list(struct host *h, const char *path, struct text *names)
{
	return h->ops->list(h, path, names);
}

int
host_link(struct host *h, const char *path, struct text *target)
{
	return h->ops->link(h, path, target);
}

int
host_provide(struct host *h, const char *path, const struct provided *p)
{
	if (h->ops->provide)
		return h->ops->provide(h, path, p);
	errno = EOPNOTSUPP;
	return -1;
}

int
host_count(struct host *h, const char *path, uint64_t *n)
{
	if (h->ops->count)
		return h->ops->count(h, path, n);
	errno = EOPNOTSUPP;
	return -1;
}

bool
host_losses(struct host *h, char *out, size_t n)
{
	return h->ops->losses && h->ops->losses(h, out, n);
}

void
host_close(struct host *h)
{
	h->ops->close(h);
}
