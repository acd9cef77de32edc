/* What the tools that show cgroups share. */
#include "tools/cgroup_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cgroup/locate.h"
#include "tools/targets.h"

/* The v1 controller whose hierarchy has the cgroup of -g; NULL: none. */
static const char *
hierarchy_with(struct watch *w)
{
	const char *found = NULL;
	struct arena a = { 0 };
	struct place place;
	struct atlas at;

	if (atlas_open(&at, w->host, &a, "self") == 0)
		for (int f = 0; f < FAMILIES && !found; f++)
			if (controller_of[f] &&
			    locate_name(&at, w->ask->target.cgroup, (enum family)f, &place) == 0)
				found = controller_of[f];
	arena_free(&a);
	return found;
}

static void
say_no_such_cgroup(struct watch *w, enum family f)
{
	const char *name = w->ask->target.cgroup, *other = hierarchy_with(w);
	const char *wanted = controller_of[f] ? controller_of[f] : "v2";

	if (other)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no such cgroup in the %s hierarchy: %s (it is in that of %s)", wanted, name,
		    other);
	else
		watch_fail(w, EXIT_USAGE,
		    "no such cgroup in the %s hierarchy: %s (want a name as in /proc/PID/cgroup, "
		    "or a directory below /sys/fs/cgroup)",
		    wanted, name);
}

/* Why the recording, or the machine, does not have the cgroup of the target. */
static void
say_not_found(struct watch *w, enum family f)
{
	char words[320];
	int mounts_error = ((const struct groups_watch *)w->state)->mounts_error;
	const struct target *t = &w->ask->target;

	if (t->cgroup && errno == ENOENT)
		say_no_such_cgroup(w, f);
	else if (errno == ENOENT)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cannot read /proc/self/cgroup: this kernel has no cgroups, or /proc is not "
		    "mounted");
	else if (errno == EXDEV)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "%s: its cgroup mount is hidden under another file system, which is not "
		    "followed",
		    target_words(t, words));
	else if (errno == ENODEV && mounts_error)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cannot read /proc/self/mountinfo: %s, and no %s hierarchy is at "
		    "/sys/fs/cgroup",
		    strerror(mounts_error), controller_of[f] ? controller_of[f] : "v2");
	else if (errno == EACCES || errno == EPERM)
		watch_fail(w, EXIT_UNSUPPORTED,
		    "cannot read the cgroup of process %s: permission denied (run as the same user "
		    "or with CAP_SYS_PTRACE)",
		    t->pid ? t->pid : "self");
	else if (controller_of[f])
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no cgroup hierarchy with the %s controller is visible from here: is "
		    "/sys/fs/cgroup mounted?",
		    controller_of[f]);
	else
		watch_fail(w, EXIT_UNSUPPORTED,
		    "no cgroup v2 hierarchy is visible from here, and only v2 has pressure per "
		    "cgroup: boot with systemd.unified_cgroup_hierarchy=1 or mount cgroup2 (pq psi "
		    "without -p, -g and -a shows the machine)");
}

static void
say_why(struct watch *w, enum family f, bool first)
{
	const struct target *t = &w->ask->target;
	char words[320];

	if (first && *w->host->tools && errno != EACCES && errno != EPERM)
		watch_fail(w, EXIT_UNSUPPORTED, "%s: %s", target_words(t, words),
		    recording_lacks_cgroup(w->host, t));
	else if (errno == ESRCH)
		targets_gone(w, first);
	else
		say_not_found(w, f);
}

bool
cgroups_read(struct watch *w, enum family f, struct arena *a, struct groups *out)
{
	struct groups_watch *g = w->state;
	bool first = g->last == NULL && g->place[f].version == 0;
	const char *pid = w->ask->target.pid ? w->ask->target.pid : "self";

	if (first) {
		bool all = g->target.all;
		g->target = w->ask->target;
		g->target.all |= all;
		g->family = f;
	}
	if (groups_read(g, w->host, a, out) < 0) {
		if (first || errno == ESRCH) {
			say_why(w, f, first);
			return false;
		}
		/* it may become visible again */
		watch_note(
		    w, "the cgroup of process %s is no longer visible: its rows end here", pid);
		*out = (struct groups){ 0 };
		return true;
	}
	if (first && g->mounts_error)
		watch_note(w,
		    "cannot read /proc/self/mountinfo: %s; cgroups are looked for at "
		    "/sys/fs/cgroup",
		    strerror(g->mounts_error));
	if (g->moved)
		watch_note(
		    w, "process %s has moved to another cgroup: %s", pid, out->v[out->n - 1].name);
	if (out->cut)
		watch_note(w, "more than %d cgroups: the others are omitted", GROUPS_MOST);
	if (first && !out->from_root && !g->target.all && controller_of[f])
		watch_note(w,
		    "parent cgroups of %s are hidden by the cgroup namespace or mount; their "
		    "limits also apply",
		    out->v[0].name);
	return true;
}

/* Why a cgroup has no files of a controller. */
static const char *
why_absent(struct watch *w, char out[160])
{
	struct groups_watch *state = w->state;
	const char *controller = controller_of[state->family];

	if (controller && controller_is_disabled(w->host, &state->place[state->family], controller))
		snprintf(out, 160,
		    "the kernel has the %s controller disabled (see cgroup_disable= and "
		    "cgroup_enable= on its command line)",
		    controller);
	else
		snprintf(out, 160,
		    "the controller is not enabled (see cgroup.subtree_control of the parent "
		    "cgroup)");
	return out;
}

bool
cgroups_seen(struct watch *w, const struct group *g, const char *file)
{
	struct groups_watch *state = w->state;
	bool absent = !g->read && !state->was_read && errno == ENOENT;
	char why[160];
	int error = errno;

	if (!g->read && error == ENODATA && w->host->replay)
		watch_note(
		    w, "cgroup %s: %s is not in the recording: it has no rows", g->name, file);
	else if (!g->read)
		watch_note(w, "cgroup %s: %s: %s; %s", g->name, file, strerror(error),
		    absent ? why_absent(w, why) : "its rows end here");
	state->was_read |= g->read;
	return !absent;
}

void
cgroups_no_pressure(struct watch *w, const struct group *g, const char *file, int some, int full)
{
	if (watch_shows(w, some) || watch_shows(w, full))
		watch_note(w,
		    "cgroup %s: no %s: %%some and %%full are unknown (they need cgroup v2 and "
		    "CONFIG_PSI)",
		    g->name, file);
}

void
falls_add(struct falls *f, struct keyed from, struct keyed to)
{
	bool fell = keyed_restarted(from, to);

	f->fallen += fell;
	f->kept += !fell && from.known && from.v > 0 && to.known;
}

bool
falls_all(const struct falls *f)
{
	return f->fallen > 0 && f->kept == 0;
}

void
cells_name(struct cell *path, struct cell *names, const char *name, const struct group_names *g)
{
	cell_brief(path, name, g ? g->brief : NULL);
	if (!g)
		return;
	const char *const labels[GROUP_NAMES] = { g->pod, g->namespace, g->container, g->unit,
		g->job };
	for (int i = 0; i < GROUP_NAMES; i++)
		cell_label(&names[i], labels[i]);
}

void
cell_level(struct cell *c, const struct groups *all, size_t i, const char *level)
{
	int at = (int)i;

	while (at >= 0 && all->v[at].name != level)
		at = all->v[at].parent;
	const struct group_names *names = at >= 0 ? all->v[at].names : NULL;
	cell_brief(c, level, names ? names->brief : NULL);
}

void
cells_group(struct cell *row, size_t ncolumns, const struct groups *all, size_t i, enum family f,
    bool reset)
{
	static const char *const notes[][2] = {
		[SCOPE_EXACT] = { NULL, "reset" },
		[SCOPE_SEARCHED] = { "found-by-search", "found-by-search,reset" },
		[SCOPE_UNLISTED] = { "process-not-listed", "process-not-listed,reset" },
		[SCOPE_GUESS] = { "mount-root(guess)", "mount-root(guess),reset" },
	};
	struct cell *note = &row[ncolumns - 1];

	cells_name(&row[0], note - GROUP_NAMES, all->v[i].name, all->v[i].names);
	cell_label(note, notes[all->top[f].scope][reset]);
}

void
cgroups_rows(struct watch *w, const struct cgroups_interval *t, enum family f, cgroups_fill *fill,
    struct table *out)
{
	for (size_t i = 0; i < t->to_groups->n; i++) {
		int before = groups_before(t->from_groups, t->to_groups, i);
		if (before < 0)
			continue;
		struct cell *row = table_row(out);
		bool reset = fill(t, (size_t)before, i, row);
		cells_group(row, out->ncolumns, t->to_groups, i, f, reset);
	}
	watch_tell_counters(w, t->time, false);
}

void
cgroups_release(struct watch *w)
{
	groups_free(w->state);
}
