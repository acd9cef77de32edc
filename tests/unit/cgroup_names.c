/* Names of cgroups: what paths say, what the kubelet's directories say, and when they are read. */
#include "cgroup/names.h"

#include <unistd.h>

#include "tree.h"
#include "unit.h"

#define ID_1 "a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"
#define ID_2 "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"
#define UID "1b4e28ba-2fa1-11d2-883f-0016d3cca427"
#define UID_ "1b4e28ba_2fa1_11d2_883f_0016d3cca427"
#define SLICE "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice"

static void
check_name(const char *got, const char *want, const char *path)
{
	if (!want ? !CHECK(!got) : !CHECK_STRING(got ? got : "(none)", want))
		printf("# for %s\n", path);
}

/* A path and its names: pod, namespace, container, unit, job, and the one for people. */
struct example {
	const char *path;
	struct group_names want;
};

static void
check_all(struct names *n, struct host *h, const struct example *v)
{
	for (; v->path; v++) {
		const struct group_names *g = names_of(n, h, v->path);
		check_name(g->pod, v->want.pod, v->path);
		check_name(g->namespace, v->want.namespace, v->path);
		check_name(g->container, v->want.container, v->path);
		check_name(g->unit, v->want.unit, v->path);
		check_name(g->job, v->want.job, v->path);
		check_name(g->brief, v->want.brief, v->path);
	}
}

/* On a machine without log directories. */
static void
check_paths(const struct example *v)
{
	struct names n = { .row = 0 };
	struct host *h = host_live(tree);

	names_row(&n, h);
	check_all(&n, h, v);
	names_free(&n);
	host_close(h);
}

static void
plain(void)
{
	static const struct example v[] = {
		{ "/", { .brief = NULL } },
		{ "/web", { .brief = NULL } },
		{ "/../../web", { .brief = NULL } },
		{ "/system.slice", { .brief = NULL } },
		{ "/kubepods.slice/kubepods-burstable.slice", { .brief = NULL } },
		{ "/kubepods/besteffort", { .brief = NULL } },
		{ "", { .brief = NULL } },
		{ "//", { .brief = NULL } },
		{ .path = NULL },
	};

	check_paths(v);
}

static void
unknown_ids(void)
{
	static const struct example v[] = {
		{ SLICE, { .brief = "pod1b4e28ba-2fa<a427" } },
		{ SLICE "/cri-containerd-" ID_1 ".scope",
		    { .brief = "pod1b4e28ba-2fa<a427/a1b2c3d4e5f6<8f90" } },
		{ "/kubepods/burstable/pod" UID "/" ID_1,
		    { .brief = "pod1b4e28ba-2fa<a427/a1b2c3d4e5f6<8f90" } },
		{ "/system.slice/docker-" ID_1 ".scope", { .brief = "docker-a1b2c3d4e5f6<8f90" } },
		{ "/machine.slice/libpod-" ID_1 ".scope/container",
		    { .brief = "libpod-a1b2c3d4e5f6<8f90/container" } },
		{ "/docker/" ID_1, { .brief = "docker/a1b2c3d4e5f6<8f90" } },
		{ "/" ID_1, { .brief = "a1b2c3d4e5f6<8f90" } },
		{ "/docker/buildkit/ojc5y6n7d2k1q8w9e0r1t2y3u",
		    { .brief = "/docker/buildkit/ojc5y6n7d2k1<2y3u" } },
		{ "/docker/" ID_1 "/docker/" ID_2, { .brief = "docker/0f1e2d3c4b5a<e1f0" } },
		{ .path = NULL },
	};

	check_paths(v);
}

static void
no_ids(void)
{
	static const struct example v[] = {
		/* a digit too many, and a letter that is none */
		{ "/docker-0" ID_1 ".scope",
		    { .unit = "docker-0" ID_1 ".scope", .brief = "docker-0" ID_1 ".scope" } },
		{ "/kubepods/podx" UID, { .brief = NULL } },
		{ "/kubepods/pod12345678", { .brief = NULL } },
		{ "/other/pod" UID, { .brief = NULL } },
		{ "/x-pod" UID_ ".slice", { .brief = NULL } },
		/* conmon watches a container */
		{ "/machine.slice/libpod-conmon-" ID_1 ".scope",
		    { .unit = "libpod-conmon-" ID_1 ".scope",
			.brief = "libpod-conmon-" ID_1 ".scope" } },
		{ "/lxc", { .brief = NULL } },
		{ "/lxc.monitor.web", { .brief = NULL } },
		{ "/job_1/step_0", { .brief = NULL } },
		{ "/.service", { .brief = NULL } },
		{ .path = NULL },
	};

	check_paths(v);
}

static void
machines(void)
{
	static const struct example v[] = {
		{ "/lxc/web1", { .container = "web1", .brief = "web1" } },
		{ "/lxc/101/ns/system.slice/nginx.service",
		    { .container = "101",
			.unit = "nginx.service",
			.brief = "101/ns/system.slice/nginx.service" } },
		{ "/lxc.payload.web1/init.scope",
		    { .container = "web1", .unit = "init.scope", .brief = "web1/init.scope" } },
		{ "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt",
		    { .container = "qemu-1-vm", .brief = "qemu-1-vm/libvirt" } },
		/* no escape hides a '/' or ends the string */
		{ "/machine-a\\x2f..\\x00b\\x2.scope",
		    { .container = "a\\x2f..\\x00b\\x2", .brief = "a\\x2f..\\x00b\\x2" } },
		{ .path = NULL },
	};

	check_paths(v);
}

static void
units(void)
{
	static const struct example v[] = {
		{ "/system.slice/nginx.service",
		    { .unit = "nginx.service", .brief = "nginx.service" } },
		{ "/init.scope", { .unit = "init.scope", .brief = "init.scope" } },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope",
		    { .unit = "app-x.scope", .brief = "user@1000.service/app-x.scope" } },
		{ "/system.slice/docker.service/a",
		    { .unit = "docker.service", .brief = "docker.service/a" } },
		{ "/system.slice/containerd.service/kubepods-burstable-pod" UID_
		  ".slice/cri-containerd-" ID_1 ".scope",
		    { .brief = "pod1b4e28ba-2fa<a427/a1b2c3d4e5f6<8f90" } },
		{ .path = NULL },
	};

	check_paths(v);
}

static void
jobs(void)
{
	static const struct example v[] = {
		{ "/system.slice/slurmstepd.scope",
		    { .unit = "slurmstepd.scope", .brief = "slurmstepd.scope" } },
		{ "/system.slice/slurmstepd.scope/job_123",
		    { .unit = "slurmstepd.scope", .job = "123", .brief = "slurm/123" } },
		{ "/system.slice/slurmstepd.scope/job_123/step_batch/user/task_0",
		    { .unit = "slurmstepd.scope",
			.job = "123.batch",
			.brief = "slurm/123.batch/user/task_0" } },
		{ "/system.slice/node1_slurmstepd.scope/s5K1KKYAYG5D00/step_0",
		    { .unit = "node1_slurmstepd.scope",
			.job = "s5K1KKYAYG5D00.0",
			.brief = "slurm/s5K1KKYAYG5D00.0" } },
		{ "/slurm/uid_1000/job_7/step_0/task_0",
		    { .job = "7.0", .brief = "slurm/7.0/task_0" } },
		{ "/slurm_node1/uid_0/job_7", { .job = "7", .brief = "slurm/7" } },
		{ .path = NULL },
	};

	check_paths(v);
}

static void
make_link(const char *name)
{
	char path[1024];

	make_dirs("var/log/containers");
	snprintf(path, sizeof path, "%s/var/log/containers/%s", tree, name);
	if (symlink("/nowhere", path) < 0)
		tree_fail(path);
}

static void
kubelet(void)
{
	static const struct example v[] = {
		{ SLICE, { .pod = "web-0", .namespace = "shop", .brief = "shop/web-0" } },
		{ SLICE "/cri-containerd-" ID_1 ".scope",
		    { .pod = "web-0",
			.namespace = "shop",
			.container = "app",
			.brief = "shop/web-0/app" } },
		/* the sandbox has no log */
		{ SLICE "/crio-" ID_2 ".scope",
		    { .pod = "web-0",
			.namespace = "shop",
			.brief = "shop/web-0/0f1e2d3c4b5a<e1f0" } },
		{ "/kubepods/burstable/pod" UID "/" ID_1 "/system.slice/cron.service",
		    { .pod = "web-0",
			.namespace = "shop",
			.container = "app",
			.unit = "cron.service",
			.brief = "shop/web-0/app/system.slice/cron.service" } },
		/* kind: a node in a container */
		{ "/docker/" ID_2 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_
		  ".slice/cri-containerd-" ID_1 ".scope",
		    { .pod = "web-0",
			.namespace = "shop",
			.container = "app",
			.brief = "shop/web-0/app" } },
		/* Docker in a pod: Kubernetes knows the outer container */
		{ "/kubepods/pod" UID "/" ID_1 "/docker/" ID_2,
		    { .pod = "web-0",
			.namespace = "shop",
			.container = "app",
			.brief = "shop/web-0/app/docker/0f1e2d3c4b5a<e1f0" } },
		{ "/system.slice/docker-" ID_1 ".scope",
		    { .pod = "web-0",
			.namespace = "shop",
			.container = "app",
			.brief = "shop/web-0/app" } },
		{ .path = NULL },
	};

	make_link("web-0_shop_app-" ID_1 ".log");
	make_dirs("var/log/pods/shop_web-0_" UID "/app");
	check_paths(v);
}

static void
foreign_names(void)
{
	static const char *const not_logs[] = { "", ".log", "app.log", ID_1 ".log", "-" ID_1 ".log",
		"web-0_shop_app-0" ID_1 ".log", "web-0_shop_app" ID_1 ".log",
		"web-0_shop-" ID_1 ".log", "_shop_app-" ID_1 ".log", "web-0__app-" ID_1 ".log",
		"web-0_shop_-" ID_1 ".log", "web-0_shop_a_b-" ID_1 ".log",
		("web-0_shop_app-" ID_1) };
	static const char *const not_pods[] = { "", "_", "__", "shop_web-0", "shop_web-0_",
		"_web-0_" UID, "shop__" UID, "shop_web-0_" UID "0", "shop_web_0_" UID,
		"shop_web-0_1b4e28ba" };
	struct text a, b, c, d;

	for (size_t i = 0; i < sizeof not_logs / sizeof not_logs[0]; i++)
		if (!CHECK(!name_of_log(TN(not_logs[i], strlen(not_logs[i])), &a, &b, &c, &d)))
			printf("# for %s\n", not_logs[i]);
	for (size_t i = 0; i < sizeof not_pods / sizeof not_pods[0]; i++)
		if (!CHECK(
			!name_of_pod_directory(TN(not_pods[i], strlen(not_pods[i])), &a, &b, &c)))
			printf("# for %s\n", not_pods[i]);
	/* of a pod from a file: 32 digits */
	CHECK(name_of_pod_directory(
	    T("kube-system_etcd-node1_a1b2c3d4e5f60718293a4b5c6d7e8f90"), &a, &b, &c));
	CHECK_TEXT(a, "kube-system");
	CHECK_TEXT(b, "etcd-node1");
}

/* The kubelet makes the link after the runtime has made the cgroup. */
static void
late(void)
{
	static const char path[] = "/kubepods/pod" UID "/" ID_2;
	struct names n = { .row = 0 };
	struct host *h = host_live(tree);

	names_row(&n, h);
	CHECK_STRING(names_of(&n, h, path)->pod, "web-0");
	CHECK(!names_of(&n, h, path)->container);
	make_link("web-0_shop_late-" ID_2 ".log");
	CHECK(!names_of(&n, h, path)->container);
	names_row(&n, h);
	const struct group_names *g = names_of(&n, h, path);
	if (CHECK(g->container))
		CHECK_STRING(g->container, "late");
	CHECK_U64(n.pending, 0);
	names_free(&n);
	host_close(h);
}

/* The directories are read less and less often for a name that they do not have. */
static void
never(void)
{
	static const char path[] = "/kubepods/pod" UID "/dead0000dead0000dead0000dead0000"
				   "dead0000dead0000dead0000dead0000";
	struct names n = { .row = 0 };
	struct host *h = host_live(tree);
	unsigned reads = 0;

	for (int row = 1; row <= 2000; row++) {
		names_row(&n, h);
		names_of(&n, h, path);
		reads += n.listed_at == n.row;
	}
	CHECK_U64(n.pending, 0);
	CHECK(reads >= 5);
	CHECK(reads <= 12);
	names_free(&n);
	host_close(h);
}

/* Cgroups come and go: the names of those that went are forgotten, those of the last row are not
 * yet. */
static void
many(void)
{
	struct names n = { .row = 0 };
	struct host *h = host_live(tree);
	const struct group_names *last = NULL;
	char path[64];

	for (unsigned row = 0; row < 100; row++) {
		names_row(&n, h);
		if (last)
			CHECK_STRING(last->unit, "last.service");
		for (unsigned i = 0; i < 100; i++) {
			snprintf(path, sizeof path, "/a%u-%u.service", row, i);
			names_of(&n, h, path);
		}
		snprintf(path, sizeof path, "/row%u/last.service", row);
		last = names_of(&n, h, path);
	}
	CHECK(n.paths.n < 2000);
	names_free(&n);
	host_close(h);
}

/* A snapshot keeps the names of its cgroups until the next one was compared with it, while names of new
 * cgroups are added. */
static void
kept(void)
{
	struct names n = { .row = 0 };
	struct host *h = host_live(tree);
	char path[64];

	names_row(&n, h);
	const struct group_names *first = names_of(&n, h, "/first.service");
	names_row(&n, h);
	for (unsigned i = 0; i < 500; i++) {
		snprintf(path, sizeof path, "/b%u.service", i);
		names_of(&n, h, path);
	}
	CHECK(names_of(&n, h, "/first.service") == first);
	CHECK_STRING(first->unit, "first.service");
	names_free(&n);
	host_close(h);
}

int
main(void)
{
	tree_make();
	unit_test("a plain path has no name", plain);
	unit_test("IDs without a name are shortened in their middle", unknown_ids);
	unit_test("what only looks like an ID, a pod or a job is none", no_ids);
	unit_test("containers of LXC and machined have their names in the path", machines);
	unit_test("the innermost systemd unit that is no slice", units);
	unit_test("Slurm jobs and steps, by number and by SLUID", jobs);
	unit_test("the kubelet's directories name pods and containers", kubelet);
	unit_test("other names in the kubelet's directories are ignored", foreign_names);
	unit_test("a name that appears after its cgroup is found", late);
	unit_test("a name that never appears costs few reads", never);
	unit_test("names of cgroups that went are forgotten", many);
	unit_test("names stay where they are while others are added", kept);
	tree_remove();
	return unit_done();
}
