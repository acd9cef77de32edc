#include "tools/cgroup_rows.h"

#include <errno.h>
#include <string.h>

#include "cgroup/locate.h"

static void
say_why(struct watch *w, enum family f, bool first)
{
	const struct target *t = &w->ask->target;

	if (first && *w->host->tools && errno != EACCES && errno != EPERM) {
		watch_fail(w, EXIT_UNSUPPORTED,
		    "the cgroup files of %s%s are not on this tape: it has those that were asked "
		    "for when it was recorded (-p, -g, -a)",
		    t->pid ? "process " : "",
		    t->cgroup  ? t->cgroup :
			t->pid ? t->pid :
			t->all ? "all groups" :
				 "pq itself");
		return;
	}
	switch (errno) {
	case ESRCH:
		if (first) {
			watch_fail(w, EXIT_USAGE,
			    "no process %s here; -p takes the number of one that runs", t->pid);
			return;
		}
		watch_note(w, "process %s has ended", t->pid);
		w->ended = true;
		return;
	case ENOENT:
		if (t->cgroup) {
			watch_fail(w, EXIT_USAGE,
			    "no cgroup %s in the %s hierarchy; -g takes a name as in "
			    "/proc/PID/cgroup, or a directory below /sys/fs/cgroup",
			    t->cgroup, controller_of[f] ? controller_of[f] : "v2");
			return;
		}
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cannot read /proc/self/cgroup: this kernel has no cgroups, or /proc is not "
		    "mounted");
		return;
	case EACCES:
	case EPERM:
		watch_fail(w, EXIT_UNSUPPORTED,
		    "not permitted to see the cgroup of process %s: same user or CAP_SYS_PTRACE "
		    "needed",
		    t->pid ? t->pid : "self");
		return;
	default:
		if (!controller_of[f]) {
			watch_fail(w, EXIT_UNSUPPORTED,
			    "cgroups have pressure on v2 only, and no v2 hierarchy can be seen "
			    "from here: boot with systemd.unified_cgroup_hierarchy=1, or mount "
			    "cgroup2; pq psi shows the machine's");
			return;
		}
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no cgroup hierarchy with the %s controller can be seen from here: is "
		    "/sys/fs/cgroup mounted?",
		    controller_of[f]);
	}
}

bool
cgroups_read(struct watch *w, enum family f, struct arena *a, struct groups *out)
{
	struct groups_watch *g = w->state;
	bool first = g->last == NULL && g->place[f].version == 0;

	if (first) {
		g->target = w->ask->target;
		g->family = f;
	}
	if (groups_read(g, w->host, a, out) < 0) {
		if (!first && errno != ESRCH) { /* it may come to be seen again */
			watch_note(w,
			    "the cgroup of process %s cannot be seen any more: its rows end here",
			    g->target.pid ? g->target.pid : "self");
			*out = (struct groups){ 0 };
			return true;
		}
		say_why(w, f, first);
		return false;
	}
	if (g->moved)
		watch_note(w, "process %s is in another cgroup now: %s",
		    g->target.pid ? g->target.pid : "self", out->v[out->n - 1].name);
	if (out->cut)
		watch_note(w, "more than %d cgroups: the others are left out", GROUPS_MOST);
	if (first && !out->from_root && !g->target.all && controller_of[f])
		watch_note(w,
		    "levels above %s are hidden by the cgroup namespace or mount: their limits "
		    "hold too",
		    out->v[0].name);
	return true;
}

bool
cgroups_seen(struct watch *w, const struct group *g, const char *file)
{
	struct groups_watch *state = w->state;
	bool absent = !g->read && !state->was_read && errno == ENOENT;

	if (!g->read)
		watch_note(w, "cgroup %s: %s: %s; %s", g->name, file, strerror(errno),
		    absent ? "the controller is not on there (cgroup.subtree_control of the level "
			     "above)" :
			     "its rows end here");
	state->was_read |= g->read;
	return !absent;
}

void
cgroups_no_pressure(struct watch *w, const struct group *g, const char *file, int some, int full)
{
	if (watch_shows(w, some) || watch_shows(w, full))
		watch_note(w,
		    "cgroup %s: no %s (cgroup v2 with CONFIG_PSI has it): %%some and %%full are "
		    "unknown",
		    g->name, file);
}

const char *
cgroups_note(const struct groups *groups, enum family f, bool restarted)
{
	static const char *const notes[][2] = {
		[SCOPE_EXACT] = { NULL, "reset" },
		[SCOPE_SEARCHED] = { "found-by-search", "found-by-search,reset" },
		[SCOPE_GUESS] = { "mount-root(guess)", "mount-root(guess),reset" },
	};

	return notes[groups->top[f].scope][restarted];
}

void
cgroups_release(struct watch *w)
{
	groups_free(w->state);
}
