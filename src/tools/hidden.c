#include "tools/hidden.h"

#include <errno.h>
#include <string.h>

#include "proc/mountinfo.h"
#include "proc/task.h"

enum { SYS_PTRACE = 19 }; /* capability: include/uapi/linux/capability.h */

/* "rw,hidepid=invisible": how this process's /proc is mounted. In the arena; "" if unknown. */
static struct text
mount_options(struct watch *w)
{
	struct text text, options;

	if (host_read(w->host, "proc/self/mountinfo", &text) < 0 ||
	    !mountinfo_find_proc(text, &options))
		return (struct text){ "", 0 };
	return (struct text){ arena_copy(&w->arena, options), options.n };
}

/* The value of hidepid, unless it hides nothing. fs/proc/root.c, proc_parse_hidepid_param. */
static bool
find_hidepid(struct text options, struct text *value)
{
	return comma_list_find(options, "hidepid", value) && !text_eq(*value, "0") &&
	    !text_eq(*value, "off");
}

/* Whether hidepid does not apply to this process: fs/proc/base.c, has_pid_permissions. */
static bool
sees_all(struct watch *w, struct text options, struct text hidepid)
{
	struct text text, group;
	uint64_t capabilities, gid = 0;

	if (host_read(w->host, "proc/self/status", &text) < 0)
		return false;
	if (task_capabilities_parse(text, &capabilities) == 0 && (capabilities >> SYS_PTRACE & 1))
		return true;
	if (text_eq(hidepid, "4") || text_eq(hidepid, "ptraceable"))
		return false;
	if (comma_list_find(options, "gid", &group) && text_u64(group, &gid) < 0)
		return false;
	return task_in_group(text, gid);
}

/* Process 1 exists in every pid namespace. A recording need not have it. */
static bool
lacks_first(struct watch *w)
{
	struct text text;

	return !w->host->replay && !w->host->elsewhere &&
	    host_read(w->host, "proc/self/stat", &text) == 0 &&
	    host_read(w->host, "proc/1/stat", &text) < 0;
}

const char *
hidden_processes(struct watch *w)
{
	struct text options = mount_options(w), hidepid;

	if (find_hidepid(options, &hidepid))
		return sees_all(w, options, hidepid) ?
		    NULL :
		    arena_printf(
			&w->arena, "/proc is mounted with hidepid=%.*s", (int)hidepid.n, hidepid.s);
	return lacks_first(w) ? "process 1 is not visible in /proc" : NULL;
}

const char *
hidden_why(struct watch *w)
{
	const char *why = hidden_processes(w);

	return why ? why : "is it mounted, without hidepid?";
}

const char *
hidden_error(struct watch *w, int error, const char *usual)
{
	struct text subset;
	bool hidden = error == ENOENT && comma_list_find(mount_options(w), "subset", &subset);

	if (error == ENODATA && w->host->replay)
		return "it is not in the recording";
	if (error == EFBIG || error == EINVAL || error == ERANGE) /* there, but not understood */
		return arena_printf(&w->arena, "%s", strerror(error));
	return arena_printf(&w->arena, "%s (%s)", strerror(error),
	    hidden ? "/proc is mounted with subset=pid" : usual);
}

void
hidden_tell(struct watch *w)
{
	const char *why = hidden_processes(w);

	if (!why)
		return;
	w->hidden = arena_printf(&w->arena, "processes of other users are hidden: %s", why);
	watch_note(w, "%s; the figures cover the visible ones only", w->hidden);
}
