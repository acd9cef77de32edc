/* atlas: what is known of a process's surroundings. */
#include <string.h>

#include "cgroup/mounts.h"

int
atlas_open(struct atlas *at, struct host *h, struct arena *a, const char *pid)
{
	struct text text;

	*at = (struct atlas){ .host = h, .arena = a, .pid = pid };
	if (host_read(h, arena_printf(a, "proc/%s/cgroup", pid), &text) < 0)
		return -1;
	at->cgroup = (struct text){ arena_copy(a, text), text.n };
	return 0;
}

static void
draw(struct atlas *at, const char *pid, const char *prefix, bool own, struct view *v)
{
	struct cgroup_mount m;
	struct text text;
	size_t cap = 0;

	*v = (struct view){ .prefix = prefix, .own = own };
	if (host_read(at->host, arena_printf(at->arena, "proc/%s/mountinfo", pid), &text) < 0)
		return;
	while (mountinfo_next(&text, at->arena, &m)) {
		v->mounts = arena_grow(at->arena, v->mounts, v->count, &cap, sizeof *v->mounts);
		v->mounts[v->count++] = m;
	}
}

/* Under --root, what our own mountinfo names is found through /proc/self/root, if the tree has a
 * real /proc. */
static const char *
own_prefix(struct host *h)
{
	struct text names;

	return h->elsewhere && host_list(h, "proc/self/root/", &names) == 0 ? "proc/self/root/" :
									      "";
}

/* Whose mounts to ask: our own, which show the most levels; those of the process, through
 * /proc/PID/root (a debug container sees its target only so); those of process 1, which under
 * --root lie below that root. */
const struct view *
atlas_view(struct atlas *at, int i)
{
	bool self = strcmp(at->pid, "self") == 0;

	if (at->drawn[i])
		return &at->views[i];
	at->drawn[i] = true;
	if (i == 0)
		draw(at, "self", own_prefix(at->host), self, &at->views[i]);
	else if (i == 1 && !self)
		draw(at, at->pid, arena_printf(at->arena, "proc/%s/root/", at->pid), true,
		    &at->views[i]);
	else if (i == 2)
		draw(at, "1", at->host->elsewhere ? "" : "proc/1/root/", false, &at->views[i]);
	return &at->views[i];
}

/* As the procfs names it, and as its innermost namespace does ("NSpid:	4242	1"): for ourselves the
 * latter is what cgroup.procs shows, should the procfs be another namespace's. */
const uint64_t *
atlas_pids(struct atlas *at)
{
	struct text text, line, word;
	bool self = strcmp(at->pid, "self") == 0;

	if (at->pids_read)
		return at->pids;
	at->pids_read = true;
	if (host_read(at->host, arena_printf(at->arena, "proc/%s/status", at->pid), &text) < 0)
		return at->pids;
	while (text_line(&text, &line)) {
		if (text_skip(&line, "Pid:") && text_word(&line, &word) &&
		    text_u64(word, &at->pids[0]) < 0)
			at->pids[0] = 0;
		if (self && text_skip(&line, "NSpid:"))
			while (text_word(&line, &word))
				if (text_u64(word, &at->pids[1]) < 0)
					at->pids[1] = 0;
	}
	return at->pids;
}
