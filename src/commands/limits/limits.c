/* limits: the command: the limits of a process or cgroup, and what runtimes make of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/open.h"
#include "commands/limits/limits.h"
#include "session/session.h"
#include "tools/hidden.h"
#include "tools/targets.h"

struct limits_options {
	double share; /* of the memory limit for heaps; 0: the defaults */
	bool json, all;
};

_Noreturn static void
die_gone(struct host *h, const char *pid)
{
	struct watch w = { .host = h };
	const char *hidden = hidden_processes(&w);

	if (hidden)
		die(EXIT_UNSUPPORTED, "process %s does not exist or is hidden: %s", pid, hidden);
	die(EXIT_USAGE, "no such process: %s", pid);
}

_Noreturn static void
die_why(struct host *h, const struct target *t)
{
	char words[320];

	target_words(t, words);
	if (*h->tools && errno != EACCES && errno != EPERM)
		die(EXIT_UNSUPPORTED, "%s: %s", words, recording_lacks_cgroup(h, t));
	if (errno == ESRCH)
		die_gone(h, t->pid);
	if (errno == EACCES || errno == EPERM)
		die(EXIT_UNSUPPORTED,
		    "%s: cannot read its cgroup: permission denied (run as the same user or with "
		    "CAP_SYS_PTRACE)",
		    words);
	if (errno == ENOENT)
		die(EXIT_USAGE,
		    "no such cgroup: %s (want a name as in /proc/PID/cgroup, or a directory below "
		    "/sys/fs/cgroup)",
		    t->cgroup);
	die(EXIT_UNSUPPORTED,
	    "no cgroup hierarchy is visible from here: is /sys/fs/cgroup mounted?");
}

static void
say_doubts(const struct limits *l, const struct host *h)
{
	char words[320];

	if (h->replay && *h->tools && (l->cpu.error || l->memory.error || !l->memory_total.known))
		warn("the recording has the files of %s only, which pq limits reads in part; what "
		     "it lacks is unknown",
		    h->tools);
	if (l->mounts_error && !(l->cpu.error && l->memory.error))
		warn("cannot read /proc/self/mountinfo: %s; cgroups are looked for at "
		     "/sys/fs/cgroup",
		    strerror(l->mounts_error));
	if (!l->cpu.error || !l->memory.error || *h->tools)
		return;
	if (l->mounts_error)
		warn("cannot read /proc/self/mountinfo: %s, and no cgroup hierarchy is at "
		     "/sys/fs/cgroup",
		    strerror(l->mounts_error));
	warn("%s: its cgroup %s; its limits are unknown", target_words(&l->target, words),
	    l->cpu.error == EXDEV ?
		"mount is hidden under another file system, which is not followed" :
		"is not visible from here");
}

static void
print(const struct limits *l, const struct host *h, struct arena *a, const struct options *o)
{
	const struct limits_options *own = o->ask.options;
	struct effective effective = limits_effective(l);
	struct opinions opinions = runtimes_judge(a, l, &effective, own->share);
	struct page page = { l, &effective, &opinions, o->utc, h->replay, own->all };
	struct buf b = { 0 };

	(own->json ? page_json : page_text)(&b, &page);
	fwrite(b.s, 1, b.n, stdout);
	buf_free(&b);
}

/* A live host raises the soft limit of open files of pq; the page shows it as pq was started. */
static void
restore_soft_limit(struct limits *l, const struct host *h, const struct rlimit *before)
{
	if (!l->target.pid && !l->target.cgroup && !h->replay && l->process.rlimits.files.known &&
	    before->rlim_cur != RLIM_INFINITY)
		l->process.rlimits.files.soft = keyed_of(before->rlim_cur);
}

static enum exit_status
limits(const struct options *o)
{
	struct target target = o->ask.target;
	struct rlimit before = { RLIM_INFINITY, RLIM_INFINITY };
	struct session s = { .options = o };
	struct arena a = { 0 };
	struct limits l;
	char why[1024];

	if (o->words > 0)
		die(EXIT_USAGE,
		    "unexpected argument '%s': select a process with -p or a cgroup with -g",
		    o->word[0]);
	getrlimit(RLIMIT_NOFILE, &before);
	s.host = open_host(o);
	if (!session_start(&s))
		die(EXIT_FAILED, "interrupted before the first sample");
	recording_target(s.host, o->tool, &target);
	if (!targets_resolve(s.host, &a, &target, why))
		die(EXIT_USAGE, "%s", why);
	if (limits_gather(s.host, &a, &target, &l) < 0)
		die_why(s.host, &target);
	l.real_ns = s.now.real_ns;
	restore_soft_limit(&l, s.host, &before);
	say_doubts(&l, s.host);
	print(&l, s.host, &a, o);
	names_free(&l.names);
	arena_free(&a);
	session_end(&s);
	exit_printed();
}

static const struct option options[] = {
	{ 0, "share", "PART", OPTION_SHARE, offsetof(struct limits_options, share),
	    .help = "share of the memory limit for Go (0.9) and heaps (0.75)",
	    .want = "a share of the memory limit such as 0.8 (0.001 to 1)" },
	{ 0, "all", NULL, OPTION_FLAG, offsetof(struct limits_options, all),
	    .help = "show all runtimes, not only the usual or detected ones" },
	{ 0, "json", NULL, OPTION_FLAG, offsetof(struct limits_options, json),
	    .help = "print one JSON object" },
	{ .type = OPTION_END },
};

const struct tool tool_limits = {
	.name = "limits",
	.brief = "CPU and memory limits of a process, and what runtimes make of them",
	.usage = "[-p PID | -g CGROUP] [options]",
	.examples = "  pq limits                 limits of this container or shell\n"
		    "  pq limits -p 4242         of a process, with its threads and environment\n"
		    "  pq limits -g /shop/api    of a cgroup\n"
		    "  pq limits --json -p 4242 | jq .cpus.limit_cpus\n",
	.shared = (const struct option *const[]){ &option_source, &option_from, &option_root,
	    &option_pid, &option_cgroup, NULL },
	.shared_help = { .pid = "the limits of this process",
	    .cgroup = "the limits of this cgroup: /web, or its directory" },
	.options = options,
	.options_size = sizeof(struct limits_options),
	.command = limits,
};
