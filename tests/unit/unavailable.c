/* Why BPF programs cannot be loaded, in words. */
#include "bpf/wait_counter.h"

#include <errno.h>

#include "unit.h"

#define ALL \
	{ \
		.nonsense = EINVAL, .capabilities = (uint64_t)1 << 21 \
	}

static const struct bpf_rights root = ALL;

/* The modes failed so: what is said. */
static const char *
said(struct bpf_failure btf, struct bpf_failure tp, const struct bpf_rights *r)
{
	static struct bpf_why why;
	struct bpf_failure raw = btf, all[3];

	btf.mode = MODE_BTF;
	raw.mode = MODE_RAW;
	tp.mode = MODE_TP;
	all[0] = btf;
	all[1] = raw;
	all[2] = tp;
	bpf_explain(all, 3, r, &why);
	CHECK(strlen(why.text) < sizeof why.text - 1 && !strchr(why.text, '\n'));
	return why.text;
}

static const char *
one_said(enum bpf_mode mode, enum bpf_step step, int error, const struct bpf_rights *r)
{
	static struct bpf_why why;
	struct bpf_failure f = { mode, step, error };

	bpf_explain(&f, 1, r, &why);
	return why.text;
}

static void
rights(void)
{
	struct bpf_rights seccomp = { .nonsense = EPERM, .seccomp = true },
			  none = { .nonsense = EINVAL };
	struct bpf_rights off = { .nonsense = ENOSYS };
	struct bpf_rights bpf = { .nonsense = EINVAL, .capabilities = (uint64_t)1 << 39 },
			  user = ALL, locked = ALL;

	user.namespaced = true;
	locked.lockdown = true;
	CHECK(strstr(one_said(MODE_ANY, STEP_MAP, EPERM, &seccomp),
	    "seccomp refuses bpf(2) (docker run --cap-add BPF --cap-add PERFMON"));
	CHECK(strstr(one_said(MODE_ANY, STEP_MAP, EPERM, &none), "needs CAP_BPF and CAP_PERFMON"));
	CHECK(strstr(one_said(MODE_ANY, STEP_MAP, EPERM, &none), "0000000000000000"));
	CHECK(strstr(one_said(MODE_ANY, STEP_MAP, EPERM, &user), "user namespace"));
	CHECK(strstr(one_said(MODE_ANY, STEP_MAP, EPERM, &root), "ulimit -l unlimited"));
	CHECK(strstr(one_said(MODE_ANY, STEP_MAP, ENOSYS, &off), "CONFIG_BPF_SYSCALL"));
	CHECK(strstr(one_said(MODE_BTF, STEP_LOAD, EPERM, &bpf), "CAP_PERFMON is missing"));
	CHECK(strstr(one_said(MODE_RAW, STEP_LOAD, EPERM, &locked), "lockdown=confidentiality"));
	CHECK(strstr(one_said(MODE_RAW, STEP_LOAD, EINVAL, &locked),
	    "lockdown=confidentiality")); /* Linux 6.1, 6.12 */
	CHECK(strstr(one_said(MODE_TP, STEP_LAYOUT, ENOENT, &locked), "lockdown=confidentiality"));
	CHECK(strstr(one_said(MODE_BTF, STEP_LAYOUT, ENOENT, &locked), "CONFIG_DEBUG_INFO_BTF"));
}

static void
absent(void)
{
	struct bpf_failure none = { .step = STEP_LAYOUT, .error = ENOENT },
			   denied = { .step = STEP_LAYOUT, .error = EACCES };

	CHECK_STRING(said(none, none, &root),
	    "this kernel has no BTF and tracefs is not mounted (mount -t tracefs nodev "
	    "/sys/kernel/tracing)");
	CHECK(strstr(said(none, denied, &root),
	    "this kernel has no BTF and tracefs (/sys/kernel/tracing) cannot be read: Permission"));
	CHECK(strstr(one_said(MODE_BTF, STEP_LAYOUT, ENOENT, &root), "CONFIG_DEBUG_INFO_BTF"));
	CHECK_STRING(one_said(MODE_TP, STEP_LAYOUT, ENOENT, &root),
	    "tracefs is not mounted (mount -t tracefs nodev /sys/kernel/tracing)");
}

static void
others(void)
{
	struct bpf_failure none = { .step = STEP_LAYOUT, .error = ENOENT },
			   bad = { .step = STEP_LAYOUT, .error = EINVAL };
	struct bpf_failure attach = { .step = STEP_ATTACH, .error = EACCES },
			   load = { .step = STEP_LOAD, .error = EINVAL };

	CHECK_STRING(
	    said(none, attach, &root), "bpf-tp: attaching to a tracepoint: Permission denied");
	CHECK(strstr(
	    said(bad, none, &root), "bpf-btf: looking up kernel types in /sys/kernel/btf/vmlinux"));
	CHECK(strstr(said(load, none, &root),
	    "bpf-btf: bpf(2), BPF_PROG_LOAD: Invalid argument (the verifier"));
	CHECK(strstr(one_said(MODE_ANY, STEP_CGROUP, EBADF, &root), "not on cgroup v2"));
	CHECK_STRING(one_said(MODE_ANY, STEP_CGROUP, ENOENT, &root),
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
