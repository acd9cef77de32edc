/* Why BPF programs cannot be loaded, in words. */
#include "bpf/wait_counter.h"

#include <errno.h>

#include "unit.h"

#define ALL \
	{ \
		.nonsense = EINVAL, .capabilities = (uint64_t)1 << 21 \
	}

static const struct runqlat_rights root = ALL;

/* The modes failed so: what is said. */
static const char *
said(struct runqlat_failure btf, struct runqlat_failure tp, const struct runqlat_rights *r)
{
	static struct runqlat_why why;
	struct runqlat_failure raw = btf, all[3];

	btf.mode = RUNQLAT_BTF;
	raw.mode = RUNQLAT_RAW;
	tp.mode = RUNQLAT_TP;
	all[0] = btf;
	all[1] = raw;
	all[2] = tp;
	runqlat_explain(all, 3, r, &why);
	CHECK(strlen(why.text) < sizeof why.text - 1 && !strchr(why.text, '\n'));
	return why.text;
}

static const char *
one_said(enum runqlat_mode mode, enum runqlat_step step, int error, const struct runqlat_rights *r)
{
	static struct runqlat_why why;
	struct runqlat_failure f = { mode, step, error };

	runqlat_explain(&f, 1, r, &why);
	return why.text;
}

static void
rights(void)
{
	struct runqlat_rights seccomp = { .nonsense = EPERM, .seccomp = true },
			      none = { .nonsense = EINVAL };
	struct runqlat_rights off = { .nonsense = ENOSYS };
	struct runqlat_rights bpf = { .nonsense = EINVAL, .capabilities = (uint64_t)1 << 39 },
			      user = ALL, locked = ALL;

	user.namespaced = true;
	locked.lockdown = true;
	CHECK(strstr(one_said(RUNQLAT_ANY, STEP_MAP, EPERM, &seccomp),
	    "refused by seccomp; docker run --cap-add BPF --cap-add PERFMON"));
	CHECK(
	    strstr(one_said(RUNQLAT_ANY, STEP_MAP, EPERM, &none), "needs CAP_BPF and CAP_PERFMON"));
	CHECK(strstr(one_said(RUNQLAT_ANY, STEP_MAP, EPERM, &none), "0000000000000000"));
	CHECK(strstr(one_said(RUNQLAT_ANY, STEP_MAP, EPERM, &user), "user namespace"));
	CHECK(strstr(one_said(RUNQLAT_ANY, STEP_MAP, EPERM, &root), "ulimit -l unlimited"));
	CHECK(strstr(one_said(RUNQLAT_ANY, STEP_MAP, ENOSYS, &off), "CONFIG_BPF_SYSCALL"));
	CHECK(strstr(one_said(RUNQLAT_BTF, STEP_LOAD, EPERM, &bpf), "CAP_PERFMON is missing"));
	CHECK(strstr(one_said(RUNQLAT_RAW, STEP_LOAD, EPERM, &locked), "lockdown=confidentiality"));
	CHECK(strstr(one_said(RUNQLAT_RAW, STEP_LOAD, EINVAL, &locked),
	    "lockdown=confidentiality")); /* Linux 6.1, 6.12 */
	CHECK(
	    strstr(one_said(RUNQLAT_TP, STEP_LAYOUT, ENOENT, &locked), "lockdown=confidentiality"));
	CHECK(strstr(one_said(RUNQLAT_BTF, STEP_LAYOUT, ENOENT, &locked), "CONFIG_DEBUG_INFO_BTF"));
}

static void
absent(void)
{
	struct runqlat_failure none = { .step = STEP_LAYOUT, .error = ENOENT },
			       denied = { .step = STEP_LAYOUT, .error = EACCES };

	CHECK_STRING(said(none, none, &root),
	    "this kernel has no BTF and tracefs is not mounted: mount -t tracefs nodev "
	    "/sys/kernel/tracing");
	CHECK(strstr(said(none, denied, &root),
	    "this kernel has no BTF and tracefs, /sys/kernel/tracing, cannot be read: Permission"));
	CHECK(strstr(one_said(RUNQLAT_BTF, STEP_LAYOUT, ENOENT, &root), "CONFIG_DEBUG_INFO_BTF"));
	CHECK_STRING(one_said(RUNQLAT_TP, STEP_LAYOUT, ENOENT, &root),
	    "tracefs is not mounted: mount -t tracefs nodev /sys/kernel/tracing");
}

static void
others(void)
{
	struct runqlat_failure none = { .step = STEP_LAYOUT, .error = ENOENT },
			       bad = { .step = STEP_LAYOUT, .error = EINVAL };
	struct runqlat_failure attach = { .step = STEP_ATTACH, .error = EACCES },
			       load = { .step = STEP_LOAD, .error = EINVAL };

	CHECK_STRING(
	    said(none, attach, &root), "bpf-tp: attaching to a tracepoint: Permission denied");
	CHECK(strstr(said(bad, none, &root), "bpf-btf: /sys/kernel/btf/vmlinux"));
	CHECK(strstr(said(load, none, &root),
	    "bpf-btf: bpf(2), BPF_PROG_LOAD: Invalid argument (the verifier"));
	CHECK(strstr(one_said(RUNQLAT_ANY, STEP_CGROUP, EBADF, &root), "not of version 2"));
	CHECK_STRING(one_said(RUNQLAT_ANY, STEP_CGROUP, ENOENT, &root),
	    "the cgroup: No such file or directory");
}

int
main(void)
{
	unit_test("missing permissions have their message", rights);
	unit_test("missing kernel features have their message", absent);
	unit_test("other failures have their message", others);
	return unit_done();
}
