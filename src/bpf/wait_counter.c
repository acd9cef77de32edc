#include "bpf/wait_counter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fail.h"
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

enum { SLOTS = 1 << 16, FEWER_SLOTS = 1 << 11, MODES = 3 };

struct runqlat {
	struct runqlat_plan plan; /* and the maps */
	struct runqlat_attached on;
	int stats; /* as long as it is open, programs are timed */
	struct cpulist cpus, possible;
	struct runqlat_map_counts *values; /* of all possible CPUs, in their order */
};

/* The kernel writes as many values as it has possible CPUs, and what we were told of them may be
 * wrong: there is room for as many as a kernel can have. Pages that are not written take no
 * memory. */
static const size_t values_size = CPULIST_MOST * sizeof(struct runqlat_map_counts);

/* Before Linux 5.11 maps count as locked memory, of which a process may have 64 KiB unless it may
 * raise that. */
static int
make_slots(struct runqlat_plan *p)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	uint32_t n = SLOTS;

	p->slots = bpf_map_create(BPF_ARRAY, sizeof(struct runqlat_slot), n, "pq_slots");
	if (p->slots < 0 && errno == EPERM && setrlimit(RLIMIT_MEMLOCK, &all) == 0)
		p->slots = bpf_map_create(BPF_ARRAY, sizeof(struct runqlat_slot), n, "pq_slots");
	if (p->slots < 0 && errno == EPERM) {
		n = FEWER_SLOTS;
		p->slots = bpf_map_create(BPF_ARRAY, sizeof(struct runqlat_slot), n, "pq_slots");
	}
	p->slot_mask = (int32_t)n - 1;
	return p->slots < 0 ? -1 : 0;
}

static enum runqlat_step
failed(struct runqlat_failure *f, enum runqlat_step step)
{
	f->step = step;
	f->error = errno;
	return step;
}

static int
put_cgroup(int map, const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	int status = bpf_map_put_cgroup(map, 0, fd), error = errno;
	close(fd);
	errno = error;
	return status;
}

static enum runqlat_step
make_maps(struct runqlat *r, const struct runqlat_filter *filter, struct runqlat_failure *f)
{
	struct runqlat_plan *p = &r->plan;

	if (make_slots(p) < 0)
		return failed(f, STEP_MAP);
	p->counts =
	    bpf_map_create(BPF_PERCPU_ARRAY, sizeof(struct runqlat_map_counts), 1, "pq_counts");
	if (p->counts < 0)
		return failed(f, STEP_MAP);
	if (!filter->cgroup)
		return STEP_NONE;
	p->cgroup = bpf_map_create(BPF_CGROUP_ARRAY, sizeof(uint32_t), 1, "pq_cgroup");
	if (p->cgroup < 0)
		return failed(f, STEP_MAP);
	return put_cgroup(p->cgroup, filter->cgroup) < 0 ? failed(f, STEP_CGROUP) : STEP_NONE;
}

static enum runqlat_step
try_mode(struct runqlat *r, enum runqlat_mode mode, struct runqlat_failure *f)
{
	r->plan.mode = f->mode = mode;
	if (runqlat_layout(&r->plan) < 0)
		return failed(f, STEP_LAYOUT);
	if (runqlat_load(&r->plan, &r->on) < 0)
		return failed(f, STEP_LOAD);
	return runqlat_attach(&r->plan, &r->possible, &r->on) < 0 ? failed(f, STEP_ATTACH) :
								    STEP_NONE;
}

/* Tries one mode, or all; returns how many failed, which is 0 when one works. */
static size_t
try_modes(struct runqlat *r, enum runqlat_mode wanted, struct runqlat_failure *f)
{
	size_t n = 0;

	for (enum runqlat_mode mode = RUNQLAT_BTF; mode <= RUNQLAT_TP; mode++) {
		if (wanted != RUNQLAT_ANY && mode != wanted)
			continue;
		if (try_mode(r, mode, &f[n++]) == STEP_NONE)
			return 0;
		runqlat_detach(&r->on);
	}
	return n;
}

static struct runqlat *
make(const struct runqlat_filter *filter, const struct cpulist *possible)
{
	struct runqlat *r = xmalloc(sizeof *r);

	*r = (struct runqlat){
		.plan = { .slots = -1, .counts = -1, .cgroup = -1, .tgid = filter->tgid },
		.on = { { -1, -1, -1 }, { -1, -1, -1 } },
		.stats = -1,
		.cpus = filter->cpus ? *filter->cpus : *possible,
		.possible = *possible,
	};
	r->values = mmap(NULL, values_size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->values == MAP_FAILED)
		out_of_memory();
	return r;
}

int
runqlat_open(struct runqlat **out, enum runqlat_mode mode, const struct runqlat_filter *filter,
    const struct cpulist *possible, struct runqlat_why *why)
{
	struct runqlat_failure f[MODES] = { { RUNQLAT_ANY, STEP_NONE, 0 } };
	struct runqlat_rights rights;
	struct runqlat *r = make(filter, possible);
	size_t n = make_maps(r, filter, f) == STEP_NONE ? try_modes(r, mode, f) : 1;

	*out = r;
	if (n == 0)
		return 0;
	runqlat_rights(&rights);
	runqlat_explain(f, n, &rights, why);
	runqlat_close(r);
	*out = NULL;
	errno = f[0].error;
	return -1;
}

static void
add(struct runqlat_counts *c, const struct runqlat_map_counts *v)
{
	c->switches += v->switches;
	c->sum_ns += v->sum_ns;
	c->negative += v->negative;
	c->lost += v->lost;
	for (size_t b = 0; b < RUNQLAT_BUCKETS; b++) {
		c->bucket[b] += v->bucket[b];
		c->waits += v->bucket[b];
	}
}

/* "run_time_ns:	5213", "run_cnt:	41" */
static bool
timed(int program, struct buf *b, uint64_t *ns, uint64_t *n)
{
	static const char *const keys[] = { "run_time_ns:", "run_cnt:" };
	struct keyed v[2];
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", program);
	if (bpf_read_file(path, b) < 0 || keyed_parse((struct text){ b->s, b->n }, keys, 2, v) < 2)
		return false;
	*ns += v[0].v;
	*n += v[1].v;
	return true;
}

/* A kernel that does not time its programs leaves both unknown. */
static void
read_own(const struct runqlat *r, struct runqlat_counts *out)
{
	struct buf b = { 0 };
	uint64_t ns = 0, n = 0;
	bool known = r->stats >= 0;

	for (int e = 0; known && e < RUNQLAT_EVENTS; e++)
		known = timed(r->on.program[e], &b, &ns, &n);
	buf_free(&b);
	if (!known)
		return;
	out->events = keyed_of(n);
	out->events_ns = keyed_of(ns);
}

int
runqlat_read(struct runqlat *r, struct runqlat_counts *out)
{
	const struct runqlat_map_counts *v = r->values;

	*out = (struct runqlat_counts){ 0 };
	if (bpf_map_read(r->plan.counts, 0, r->values) < 0)
		return -1;
	for (unsigned cpu = 0; cpu < CPULIST_MOST; cpu++) {
		if (!cpulist_has(&r->possible, cpu))
			continue;
		if (cpulist_has(&r->cpus, cpu))
			add(out, v);
		v++;
	}
	read_own(r, out);
	return 0;
}

int
runqlat_time(struct runqlat *r)
{
	r->stats = bpf_stats();
	return r->stats < 0 ? -1 : 0;
}

/* The first pid namespace has always had this number. */
bool
runqlat_knows_pids(void)
{
	const ino_t first = 0xeffffffc; /* PROC_PID_INIT_INO */
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == first;
}

const char *
runqlat_mode_name(const struct runqlat *r)
{
	static const char *const names[] = { "", "bpf-btf", "bpf-raw", "bpf-tp" };

	return names[r->plan.mode];
}

void
runqlat_close(struct runqlat *r)
{
	if (!r)
		return;
	runqlat_detach(&r->on);
	for (size_t i = 0; i < 4; i++) {
		int fd =
		    (const int[]){ r->plan.slots, r->plan.counts, r->plan.cgroup, r->stats }[i];
		if (fd >= 0)
			close(fd);
	}
	munmap(r->values, values_size);
	free(r);
}
