#include "bpf/denied.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bpf/sys.h"

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
runqlat_rights(struct runqlat_rights *r)
{
	*r = (struct runqlat_rights){
		.seccomp = prctl(PR_GET_SECCOMP, 0, 0, 0, 0) > 0,
		.lockdown = file_has("/sys/kernel/security/lockdown", "[confidentiality]") ||
		    file_has("/proc/cmdline",
			"lockdown=confidentiality"), /* securityfs may not be mounted */
		/* "         0          0 4294967295": all users are themselves */
		.namespaced = access("/proc/self/uid_map", R_OK) == 0 &&
		    !file_has("/proc/self/uid_map", " 4294967295\n"),
		.capabilities = effective_capabilities(),
	};
	r->nonsense = bpf_nonsense() < 0 ? errno : 0;
}

static bool
may(const struct runqlat_rights *r, int capability)
{
	return (r->capabilities >> capability & 1) || (r->capabilities >> CAP_SYS_ADMIN & 1);
}

/* bpf(2) says EPERM to all that is asked. */
static void
explain_bpf(const struct runqlat_rights *r, struct runqlat_why *why)
{
	if (r->seccomp && r->nonsense == EPERM)
		snprintf(why->text, sizeof why->text,
		    "no BPF here: bpf(2) is refused by seccomp; docker run --cap-add BPF --cap-add "
		    "PERFMON, or --privileged");
	else if (!may(r, CAP_BPF))
		snprintf(why->text, sizeof why->text,
		    "needs CAP_BPF and CAP_PERFMON (CAP_SYS_ADMIN before Linux 5.8), or root "
		    "outside of a user namespace; the capabilities are %016" PRIx64,
		    r->capabilities);
	else if (r->namespaced)
		snprintf(why->text, sizeof why->text,
		    "no BPF in a user namespace, whatever the capabilities there: be root outside "
		    "of it");
	else
		snprintf(why->text, sizeof why->text,
		    "bpf(2), BPF_MAP_CREATE: EPERM with the capabilities it needs: before Linux "
		    "5.11 the limit of locked memory does that: ulimit -l unlimited");
}

static void
explain_load(const struct runqlat_rights *r, struct runqlat_why *why)
{
	if (!may(r, CAP_PERFMON))
		snprintf(why->text, sizeof why->text,
		    "CAP_BPF is there, CAP_PERFMON is missing (BPF_PROG_LOAD: EPERM); docker run "
		    "--cap-add PERFMON");
	else
		snprintf(why->text, sizeof why->text,
		    "BPF_PROG_LOAD: EPERM with the capabilities it needs: %s",
		    r->seccomp ? "a seccomp filter may refuse it" :
				 "a security module may refuse it");
}

static const struct runqlat_failure *
find_mode(const struct runqlat_failure *f, size_t n, enum runqlat_mode mode)
{
	for (size_t i = 0; i < n; i++)
		if (f[i].mode == mode)
			return &f[i];
	return NULL;
}

/* Of no use without BTF, or tracefs. */
static bool
explain_layout(const struct runqlat_failure *f, size_t n, struct runqlat_why *why)
{
	const char *btf = "it has no BTF (/sys/kernel/btf/vmlinux, CONFIG_DEBUG_INFO_BTF)",
		   *and = n > 1 ? " and " : "";
	const struct runqlat_failure *tp = find_mode(f, n, RUNQLAT_TP),
				     *typed = f[0].mode == RUNQLAT_TP ? NULL : &f[0];

	if ((typed && (typed->step != STEP_LAYOUT || typed->error != ENOENT)) ||
	    (tp && tp->step != STEP_LAYOUT))
		return false;
	if (!tp)
		snprintf(why->text, sizeof why->text, "this kernel cannot be asked so: %s", btf);
	else if (tp->error == ENOENT)
		snprintf(why->text, sizeof why->text,
		    "%s%stracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing",
		    typed ? "this kernel has no BTF" : "", and);
	else
		snprintf(why->text, sizeof why->text,
		    "%s%stracefs, /sys/kernel/tracing, cannot be read: %s",
		    typed ? "this kernel has no BTF" : "", and, strerror(tp->error));
	return true;
}

static void
explain_plainly(const struct runqlat_failure *f, struct runqlat_why *why)
{
	static const char *const modes[] = { "", "bpf-btf", "bpf-raw", "bpf-tp" };
	static const char *const steps[] = {
		[STEP_NONE] = "",
		[STEP_CGROUP] = "the cgroup",
		[STEP_MAP] = "bpf(2), BPF_MAP_CREATE",
		[STEP_LAYOUT] = "/sys/kernel/btf/vmlinux, where its types are to be found",
		[STEP_LOAD] = "bpf(2), BPF_PROG_LOAD",
		[STEP_ATTACH] = "attaching to a tracepoint",
	};
	const char *step = f->mode == RUNQLAT_TP && f->step == STEP_LAYOUT ?
	    "events/sched/*/format of tracefs" :
	    steps[f->step];

	snprintf(why->text, sizeof why->text, "%s%s%s: %s%s", modes[f->mode], f->mode ? ": " : "",
	    step, strerror(f->error),
	    f->step == STEP_LOAD && f->error != EPERM ?
		" (the verifier refuses it: please report that)" :
		"");
}

/* Such a kernel does not know the helpers that read its memory, and its tracefs is empty; what is
 * typed needs neither. */
static bool
explain_lockdown(
    const struct runqlat_failure *f, const struct runqlat_rights *r, struct runqlat_why *why)
{
	bool load = f->step == STEP_LOAD &&
	    (f->error == EINVAL || (f->error == EPERM && may(r, CAP_PERFMON)));

	if (!r->lockdown || (!load && (f->mode != RUNQLAT_TP || f->step != STEP_LAYOUT)))
		return false;
	snprintf(why->text, sizeof why->text,
	    "this kernel is locked down (lockdown=confidentiality): it lets BPF read nothing of "
	    "its memory but with BTF (bpf-btf); boot with lockdown=integrity");
	return true;
}

/* What could not be tried says less than what was. */
static bool
is_absent(const struct runqlat_failure *f)
{
	return f->step == STEP_LAYOUT && f->error == ENOENT;
}

void
runqlat_explain(const struct runqlat_failure *f, size_t n, const struct runqlat_rights *r,
    struct runqlat_why *why)
{
	const struct runqlat_failure *first = f;

	for (size_t i = 0; i < n && is_absent(first); i++)
		first = &f[i];
	if (r->nonsense == ENOSYS)
		snprintf(why->text, sizeof why->text,
		    "this kernel has no bpf(2): CONFIG_BPF_SYSCALL is off");
	else if (first->step == STEP_CGROUP && first->error == EBADF)
		snprintf(why->text, sizeof why->text,
		    "the cgroup is not of version 2: BPF cannot ask for others; -p asks for a "
		    "process");
	else if (first->step == STEP_MAP && first->error == EPERM)
		explain_bpf(r, why);
	else if (explain_lockdown(first, r, why))
		return;
	else if (first->step == STEP_LOAD && first->error == EPERM)
		explain_load(r, why);
	else if (!explain_layout(f, n, why))
		explain_plainly(first, why);
}
