/* unavailable: says why BPF programs could not be loaded or attached, and what would help. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/wait_counter.h"

/* ---- What this process may do */

enum { CAP_SYS_ADMIN = 21, CAP_PERFMON = 38, CAP_BPF = 39 };

static uint64_t
effective_capabilities(void)
{
	enum { VERSION_3 = 0x20080522 };
	struct {
		uint32_t version;
		int pid;
	} header = { VERSION_3, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} half[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	syscall(SYS_capget, &header, half);
	return half[0].effective | (uint64_t)half[1].effective << 32;
}

static bool
file_has(const char *path, const char *what)
{
	struct buf b = { 0 };
	bool has =
	    bpf_read_file(path, &b) == 0 && b.n > 0 && memmem(b.s, b.n, what, strlen(what)) != NULL;

	buf_free(&b);
	return has;
}

void
bpf_rights_read(struct bpf_rights *r)
{
	*r = (struct bpf_rights){
		.seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0,
		/* securityfs may not be mounted */
		.lockdown = file_has("/sys/kernel/security/lockdown", "[confidentiality]") ||
		    file_has("/proc/cmdline", "lockdown=confidentiality"),
		/* "         0          0 4294967295" maps every user to itself */
		.namespaced = access("/proc/self/uid_map", R_OK) == 0 &&
		    !file_has("/proc/self/uid_map", " 4294967295\n"),
		.capabilities = effective_capabilities(),
	};
	r->nonsense = bpf_nonsense() < 0 ? errno : 0;
}

static bool
may(const struct bpf_rights *r, int capability)
{
	return (r->capabilities >> capability & 1) || (r->capabilities >> CAP_SYS_ADMIN & 1);
}

/* ---- What failed */

static void __attribute__((format(printf, 2, 3))) say(struct bpf_why *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->text, sizeof why->text, fmt, ap);
	va_end(ap);
}

/* Every bpf(2) call fails with EPERM. */
static void
explain_bpf(const struct bpf_rights *r, struct bpf_why *why)
{
	if (r->seccomp && r->nonsense == EPERM)
		say(why,
		    "seccomp refuses bpf(2) (docker run --cap-add BPF --cap-add PERFMON, or "
		    "--privileged)");
	else if (!may(r, CAP_BPF))
		say(why,
		    "needs CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8), or root "
		    "outside a user namespace; this process has capabilities %016" PRIx64,
		    r->capabilities);
	else if (r->namespaced)
		say(why,
		    "not possible in a user namespace, whatever its capabilities (run as root "
		    "outside it)");
	else
		say(why,
		    "bpf(2), BPF_MAP_CREATE: EPERM although the capabilities suffice: before Linux "
		    "5.11 the limit of locked memory is the cause (ulimit -l unlimited)");
}

static void
explain_load(const struct bpf_rights *r, struct bpf_why *why)
{
	if (!may(r, CAP_PERFMON))
		say(why,
		    "CAP_PERFMON is missing, CAP_BPF is there (BPF_PROG_LOAD: EPERM; docker run "
		    "--cap-add PERFMON)");
	else
		say(why, "BPF_PROG_LOAD: EPERM although the capabilities suffice: %s",
		    r->seccomp ? "a seccomp filter may refuse it" :
				 "a security module may refuse it");
}

/* A kernel with lockdown=confidentiality does not know the helpers that read its memory, and its
 * tracefs is empty. MODE_BTF needs neither. */
static bool
explain_lockdown(const struct bpf_failure *f, const struct bpf_rights *r, struct bpf_why *why)
{
	bool load = f->step == STEP_LOAD &&
	    (f->error == EINVAL || (f->error == EPERM && may(r, CAP_PERFMON)));

	if (!r->lockdown || (!load && (f->mode != MODE_TP || f->step != STEP_LAYOUT)))
		return false;
	say(why,
	    "this kernel is locked down (lockdown=confidentiality): BPF may read kernel memory "
	    "only through BTF (use bpf-btf, or boot with lockdown=integrity)");
	return true;
}

/* True if neither BTF nor tracefs could be used. */
static bool
explain_layout(const struct bpf_failure *f, size_t n, struct bpf_why *why)
{
	const struct bpf_failure *tp = f[n - 1].mode == MODE_TP ? &f[n - 1] : NULL,
				 *btf = f[0].mode == MODE_TP ? NULL : &f[0];
	const char *no_btf = btf ? "this kernel has no BTF and " : "";

	if ((btf && (btf->step != STEP_LAYOUT || btf->error != ENOENT)) ||
	    (tp && tp->step != STEP_LAYOUT))
		return false;
	if (!tp)
		say(why,
		    "this kernel has no BTF (/sys/kernel/btf/vmlinux needs "
		    "CONFIG_DEBUG_INFO_BTF)");
	else if (tp->error == ENOENT)
		say(why, "%stracefs is not mounted (mount -t tracefs nodev /sys/kernel/tracing)",
		    no_btf);
	else
		say(why, "%stracefs (/sys/kernel/tracing) cannot be read: %s", no_btf,
		    strerror(tp->error));
	return true;
}

static void
explain_plainly(const struct bpf_failure *f, struct bpf_why *why)
{
	static const char *const modes[] = { "", "bpf-btf: ", "bpf-raw: ", "bpf-tp: " };
	static const char *const steps[] = {
		[STEP_NONE] = "",
		[STEP_CGROUP] = "the cgroup",
		[STEP_MAP] = "bpf(2), BPF_MAP_CREATE",
		[STEP_LAYOUT] = "looking up kernel types in /sys/kernel/btf/vmlinux",
		[STEP_LOAD] = "bpf(2), BPF_PROG_LOAD",
		[STEP_ATTACH] = "attaching to a tracepoint",
		[STEP_RUN] = "running the program",
	};
	const char *step = f->mode == MODE_TP && f->step == STEP_LAYOUT ?
	    "reading events/sched/*/format in tracefs" :
	    steps[f->step];

	say(why, "%s%s: %s%s", modes[f->mode], step, strerror(f->error),
	    f->step == STEP_LOAD && f->error != EPERM ?
		" (the verifier rejects the program: please report this)" :
		"");
}

/* A mode that the kernel does not have says less than one that was tried and failed. */
static bool
is_absent(const struct bpf_failure *f)
{
	return f->step == STEP_LAYOUT && f->error == ENOENT;
}

void
bpf_explain(const struct bpf_failure *f, size_t n, const struct bpf_rights *r, struct bpf_why *why)
{
	const struct bpf_failure *first = f;

	for (size_t i = 0; i < n && is_absent(first); i++)
		first = &f[i];
	if (r->nonsense == ENOSYS)
		say(why, "this kernel has no bpf(2): it is built without CONFIG_BPF_SYSCALL");
	else if (first->step == STEP_CGROUP && first->error == EBADF)
		say(why,
		    "the cgroup is not on cgroup v2, which BPF needs (select a process with -p "
		    "instead)");
	else if (first->step == STEP_MAP && first->error == EPERM)
		explain_bpf(r, why);
	else if (explain_lockdown(first, r, why))
		return;
	else if (first->step == STEP_LOAD && first->error == EPERM)
		explain_load(r, why);
	else if (!explain_layout(f, n, why))
		explain_plainly(first, why);
}
