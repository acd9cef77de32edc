#include "tools/wait/perf_map.h"

#include <stdio.h>
#include <string.h>

/* Only the end of a larger map is read. A map that is not small is read at most once per AGAIN_NS. */
static const uint64_t MOST = 64 << 20, SMALL = 2 << 20;
static const int64_t AGAIN_NS = 1000000000;

enum { PATH_ROOM = 64 };

/* Reads the process's user, and its number in its own namespace. */
static void
read_status(struct perf_map *m, struct watch *w)
{
	struct text t, line, word, last;
	char path[PATH_ROOM];
	uint64_t v;

	m->user = m->inner_pid = UINT32_MAX;
	snprintf(path, sizeof path, "proc/%u/status", m->pid);
	if (host_read(w->host, path, &t) < 0)
		return;
	while (text_line(&t, &line)) {
		if (text_skip(&line, "Uid:") && text_word(&line, &word) &&
		    text_word(&line, &word) && text_u64(word, &v) == 0)
			m->user = (uint32_t)v;
		if (!text_skip(&line, "NStgid:"))
			continue;
		last = (struct text){ "", 0 };
		while (text_word(&line, &word))
			last = word;
		if (text_u64(last, &v) == 0)
			m->inner_pid = (uint32_t)v;
	}
}

void
perf_map_find(struct perf_map *m, struct watch *w, uint32_t pid)
{
	m->pid = pid;
	read_status(m, w);
	snprintf(m->own, sizeof m->own, "/tmp/perf-%u.map", m->inner_pid);
}

static const char *
path_of(const struct perf_map *m, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "proc/%u/root%s", m->pid, m->own);
	return path;
}

bool
perf_map_check(struct perf_map *m, struct watch *w, bool *changed)
{
	char path[PATH_ROOM];
	struct host_file now;

	*changed = false;
	if (host_about(w->host, path_of(m, path), &now) < 0 || now.owner != m->user)
		return false;
	*changed = now.size != m->file.size || now.changed_ns != m->file.changed_ns;
	m->file = now;
	return true;
}

bool
perf_map_may_read(struct perf_map *m, struct watch *w)
{
	if (m->file.size > SMALL && m->read_ns && w->now_ns - m->read_ns < AGAIN_NS)
		return false;
	m->read_ns = w->now_ns;
	return true;
}

/* Skips the first line, because the part may begin within it, and the address would be wrong. */
static uint64_t
skip_cut_line(const struct perf_map *m, struct watch *w, uint64_t at)
{
	char path[PATH_ROOM];
	struct text t;

	while (at < m->file.size && host_part(w->host, path_of(m, path), at, ELF_PIECE, &t) == 0 &&
	    t.n > 0) {
		const char *end = memchr(t.s, '\n', t.n);
		if (end)
			return at + (uint64_t)(end - t.s) + 1;
		at += t.n;
	}
	return m->file.size;
}

void
perf_map_read(struct perf_map *m, struct watch *w, struct symbol *v, size_t n)
{
	uint64_t size = m->file.size, at = 0;
	char path[PATH_ROOM];
	struct text t;

	if (size > MOST) {
		watch_note(
		    w, "process %u: only the last 64 MB of %s are read for names", m->pid, m->own);
		at = skip_cut_line(m, w, size - MOST);
	}
	while (at < size && host_part(w->host, path_of(m, path), at, ELF_PIECE, &t) == 0) {
		size_t whole = perf_map_parse(t, v, n);
		if (t.n == 0 || (whole == 0 && t.n < ELF_PIECE))
			return;
		at += whole ? whole : t.n;
	}
}
