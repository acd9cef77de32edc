/*
 * rules: how many CPUs and how much memory language runtimes and servers assume. They read the cgroup
 * files too, but some round up, some read only the last level, and some read none.
 *
 * A line of a table is one runtime, in one range of versions. A rule is MEASURED if the real
 * runtime was run in real cgroups and said so: it names the newest version that did, and when. Else
 * it was READ in the source or documentation. In the
 * texts q is quota / period of the process's own cgroup unless they name another, and N the number
 * of CPUs in the affinity.
 */
#include "commands/limits/rules.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* NaN if either is NaN, unlike fmin. */
static double
least(double a, double b)
{
	return isnan(a) || isnan(b) ? (double)NAN : fmin(a, b);
}

static double
up(double quota)
{
	return isnan(quota) ? quota : fmax(1, ceil(quota));
}

static double
down(double quota)
{
	return isnan(quota) ? quota : fmax(1, floor(quota));
}

/* ---- CPUs */

static double
affinity_only(const struct sight *s)
{
	return s->affinity;
}

static double
online_only(const struct sight *s)
{
	return s->online;
}

static double
go_125(const struct sight *s)
{
	return least(s->affinity, isnan(s->leaf) ? s->leaf : fmax(2, ceil(s->leaf)));
}

static double
automaxprocs(const struct sight *s)
{
	return isinf(s->leaf) ? s->affinity : down(s->leaf);
}

static double
up_of_leaf(const struct sight *s)
{
	return least(s->affinity, up(s->leaf));
}

static double
quota_or_online(const struct sight *s)
{
	return isinf(s->leaf) ? s->online : up(s->leaf);
}

static double
up_of_all(const struct sight *s)
{
	return least(s->affinity, up(s->least));
}

static double
up_of_mount(const struct sight *s)
{
	return least(s->affinity, up(s->mount));
}

static double
part_of_mount(const struct sight *s)
{
	return least(s->affinity, s->mount);
}

static double
down_of_leaf(const struct sight *s)
{
	return least(s->affinity, down(s->leaf));
}

static double
down_of_all(const struct sight *s)
{
	return least(s->affinity, down(s->least));
}

static double
down_of_topmost(const struct sight *s)
{
	return least(s->affinity, down(s->topmost));
}

static double
bun(const struct sight *s)
{
	return s->cpu_version == 1 ? down_of_leaf(s) : down_of_all(s);
}

/* It divides as integers, and takes 0 for no quota. */
static double
whole_of_topmost(const struct sight *s)
{
	return s->topmost < 1 ? s->affinity : down_of_topmost(s);
}

static double
one(const struct sight *s)
{
	(void)s;
	return 1;
}

static double
four(const struct sight *s)
{
	(void)s;
	return 4;
}

static double
five(const struct sight *s)
{
	(void)s;
	return 5;
}

static double
eight(const struct sight *s)
{
	(void)s;
	return 8;
}

static double
jobs_of_ninja(double cpus)
{
	return cpus <= 1 ? 2 : cpus == 2 ? 3 : cpus + 2;
}

static double
pool_of_python(double cpus)
{
	return fmin(32, cpus + 4);
}

static double
pool_of_piscina(double cpus)
{
	return ceil(cpus * 1.5);
}

static const double MIB = 1024.0 * 1024;

static double
least_max_of(const struct sight *s)
{
	return least(s->machine, s->memory_version == 1 ? s->all_max : s->least_max);
}

static double
own_or_all_max_of(const struct sight *s)
{
	return least(s->machine, s->memory_version == 1 ? s->all_max : s->own_max);
}

/* HotSpot takes the machine for a server only with 2 CPUs and 2 GB, less 256 MB. */
static const char *
serial_gc(double cpus, double memory)
{
	return cpus < 2         ? "uses the Serial collector: fewer than 2 CPUs" :
	    memory < 1792 * MIB ? "uses the Serial collector: less than 1792 MiB of memory" :
				  NULL;
}

static const char *
note_java(const struct sight *s, double cpus)
{
	return serial_gc(cpus, least_max_of(s));
}

static const char *
note_java_old(const struct sight *s, double cpus)
{
	return serial_gc(cpus, own_or_all_max_of(s));
}

static const char *
note_dotnet(const struct sight *s, double cpus)
{
	(void)s;
	return cpus < 2 ? "server GC is off: fewer than 2 CPUs" : NULL;
}

/* Code decides, so there is nothing to set from outside. */
static const struct cpu_setting set_workers = { "workers: ", " (in its code)", 1 },
				set_threads = { "threads: ", " (in its code)", 1 },
				set_go = { "GOMAXPROCS=", "", 1 },
				set_java = { "-XX:ActiveProcessorCount=", "", 1 },
				set_dotnet = { "DOTNET_PROCESSOR_COUNT=", "", 1 },
				set_tokio = { "TOKIO_WORKER_THREADS=", "", 1 },
				set_rayon = { "RAYON_NUM_THREADS=", "", 1 },
				/* one slow file or name server would block a pool of one */
    set_pool = { "UV_THREADPOOL_SIZE=", "", 2 }, set_envoy = { "--concurrency ", "", 1 },
				set_nginx = { "worker_processes ", ";", 1 },
				set_python = { "PYTHON_CPU_COUNT=", "", 1 },
				set_openmp = { "OMP_NUM_THREADS=", "", 1 },
				set_openblas = { "OPENBLAS_NUM_THREADS=", "", 1 },
				set_loky = { "LOKY_MAX_CPU_COUNT=", "", 1 },
				set_duckdb = { "SET threads=", ";", 1 }, set_jobs = { "-j", "", 1 },
				set_T = { "-T", "", 1 }, set_haproxy = { "nbthread ", "", 1 },
				set_mariadb = { "thread_pool_size=", "", 1 },
				set_postgresql = { "max_parallel_workers=", "", 1 },
				set_redis = { "io-threads ", "", 1 },
				set_memcached = { "-t ", "", 1 }, set_bind = { "-n ", "", 1 },
				set_php = { "pm.max_children = ", "", 5 },
				set_erlang = { "+S ", "", 1 }, set_ghc = { "+RTS -N", "", 1 },
				set_r = { "MC_CORES=", "", 1 },
				set_piscina = { "maxThreads: ", "", 1 };

const struct runtime rules_cpus[] = {
	{ { "go", "Go 1.25 and later", "1.25 and later, built for go 1.25 or later",
	      "min(N, max(2, q up))", "1.27, 2026-11-28", .known_by = MEASURED, .usual = true,
	      .follows = true },
	    go_125, LOOKS_AT_LEAF, .set = &set_go, .over = "its minimum is 2" },
	{ { "go_old", "Go before 1.25", "1.5 to 1.24, or built for an older go in go.mod", "N",
	      "1.24.4, 2026-11-28", .known_by = MEASURED, .usual = true },
	    affinity_only, LOOKS_NOWHERE, .set = &set_go },
	{ { "automaxprocs", "Go, automaxprocs", "go.uber.org/automaxprocs",
	      "max(1, q down), even above N", "1.5.3, 2026-11-28", .known_by = MEASURED },
	    automaxprocs, LOOKS_AT_LEAF, .set = &set_go },
	{ { "java", "Java 24 and later", "24 and later, 21.0.9 and later of 21",
	      "min(N, q up), lowest q of all levels", "26.0.2, 2026-11-28", .known_by = MEASURED,
	      .usual = true },
	    up_of_all, LOOKS_AT_ALL, .set = &set_java, .note = note_java },
	{ { "java_old", "Java 10 to 23", "10 to 23, and 8u191 and later; not 21.0.9 and later",
	      "min(N, q up)", "17.0.15, 2026-11-28", .known_by = MEASURED, .usual = true },
	    up_of_leaf, LOOKS_AT_LEAF, .set = &set_java, .note = note_java_old },
	{ { "dotnet", ".NET", "5 and later", "min(N, q up)", "10.0, 2026-11-28",
	      .known_by = MEASURED, .usual = true },
	    up_of_leaf, LOOKS_AT_LEAF, .set = &set_dotnet, .note = note_dotnet,
	    .comm = ".NET Server GC" },
	{ { "tokio", "Rust std, tokio", "Rust 1.59 and later",
	      "min(N, q down), lowest q of all levels", "1.95, tokio 1.53.2, 2026-11-28",
	      .known_by = MEASURED, .usual = true },
	    down_of_all, LOOKS_AT_ALL, .set = &set_tokio },
	{ { "rayon", "Rust rayon", "rayon-core 1.10 and later",
	      "min(N, q down), lowest q of all levels", "1.13, 2026-11-28", .known_by = MEASURED },
	    down_of_all, LOOKS_AT_ALL, .set = &set_rayon },
	{ { "num_cpus", "Rust num_cpus", "num_cpus 1.13 and later", "min(N, q up)",
	      "1.17, 2026-11-28", .known_by = MEASURED },
	    up_of_leaf, LOOKS_AT_LEAF, .set = &set_threads },
	{ { "libuv", "Node.js 22 and on", "Node.js 22.12 and later, libuv 1.49 to 1.52",
	      "v2: min(N, q down), q of the topmost level that has one, N below 1",
	      "Node.js 26.10, 2026-11-28", .known_by = MEASURED, .usual = true },
	    whole_of_topmost, LOOKS_AT_TOPMOST, .set = &set_workers, .over = "takes 0 for no quota",
	    .v2_only = true },
	{ { "libuv_153", "libuv 1.53", "libuv 1.53 and later",
	      "v2: min(N, q down), q of the topmost level that has one", "1.53.0, 2026-11-28",
	      .known_by = MEASURED },
	    down_of_topmost, LOOKS_AT_TOPMOST, .set = &set_workers, .v2_only = true },
	{ { "node_20", "Node.js before 22", "Node.js 18.14 to 22.11", "N",
	      "Node.js 20.20, 2026-11-28", .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_workers },
	{ { "node_cpus", "Node os.cpus()", "Node.js 12 and later", "online CPUs",
	      "Node.js 26.10, 2026-11-28", .known_by = MEASURED },
	    online_only, LOOKS_NOWHERE, .set = &set_workers, .over = "ignores the affinity" },
	{ { "libuv_pool", "Node.js file pool", "libuv 1.0 and later", "4",
	      "Node.js 26.10, 2026-11-28", .known_by = MEASURED, .usual = true },
	    four, LOOKS_FIXED, .set = &set_pool, .over = "4 unless set", .comm = "libuv-worker" },
	{ { "piscina", "Node piscina", "4 and 5", "1.5 times the CPUs of Node.js",
	      "5.3.2, 2026-11-28", .known_by = MEASURED },
	    whole_of_topmost, LOOKS_AT_TOPMOST, .set = &set_piscina, .over = "takes 0 for no quota",
	    .v2_only = true, .threads = pool_of_piscina },
	{ { "deno", "Deno", "2.0 and later", "min(N, q down), lowest q of all levels",
	      "2.9.6, 2026-11-28", .known_by = MEASURED },
	    down_of_all, LOOKS_AT_ALL, .set = &set_threads },
	{ { "bun", "Bun", "1.4 and later",
	      "min(N, q down), lowest q of all levels, on v1 of its own cgroup",
	      "1.4.5, 2026-11-28", .known_by = MEASURED },
	    bun, LOOKS_AT_ALL, .set = &set_workers, .v1_leaf = true },
	{ { "envoy", "Envoy", "since 2025", "min(N, q down)", NULL, .known_by = READ },
	    down_of_leaf, LOOKS_AT_LEAF, .set = &set_envoy, .comm = "wrk:worker_" },
	{ { "nginx", "nginx, auto", "worker_processes auto", "online CPUs", "1.30.6, 2026-11-28",
	      .known_by = MEASURED, .usual = true },
	    online_only, LOOKS_NOWHERE, .set = &set_nginx },
	{ { "haproxy", "HAProxy", "2.4 and later", "N", "3.2.26, 2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_haproxy },
	{ { "bind", "BIND named", "9.11 and later", "N", "9.20, 2026-11-28", .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_bind },
	{ { "python", "Python 3.13", "3.13 and later, os.process_cpu_count", "N",
	      "3.14.10, 2026-11-28", .known_by = MEASURED, .usual = true },
	    affinity_only, LOOKS_NOWHERE, .set = &set_python },
	{ { "python_old", "Python before 3.13", "before 3.13; os.cpu_count of later ones too",
	      "online CPUs", "3.13.18, 2026-11-28", .known_by = MEASURED, .usual = true },
	    online_only, LOOKS_NOWHERE, .set = &set_workers },
	{ { "python_pool", "Python thread pool", "3.13 and later, ThreadPoolExecutor",
	      "min(32, N + 4)", "3.14.10, 2026-11-28", .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_workers, .threads = pool_of_python },
	{ { "joblib", "Python joblib", "1.3 and later, loky", "min(N, q up), q of the mount",
	      "1.5.3, 2026-11-28", .known_by = MEASURED },
	    up_of_mount, LOOKS_AT_MOUNT, .set = &set_loky },
	{ { "ruby", "Ruby Etc", "2.2 and later, Etc.nprocessors", "N", "3.3, 2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_workers },
	{ { "concurrent_ruby", "Ruby concurrent", "concurrent-ruby 1.3.1 and later",
	      "min(N, q), q of the mount, not rounded; v1: of /sys/fs/cgroup/cpu,cpuacct",
	      "1.3.8, 2026-11-28", .known_by = MEASURED },
	    part_of_mount, LOOKS_AT_MOUNT, .set = &set_workers,
	    .v1_mount = "/sys/fs/cgroup/cpu,cpuacct" },
	{ { "php_fpm", "PHP-FPM", "pm.max_children as installed", "5", "8.4, 2026-11-28",
	      .known_by = MEASURED },
	    five, LOOKS_FIXED, .set = &set_php, .over = "5 unless set" },
	{ { "erlang", "Erlang, Elixir", "OTP 24 and later", "min(N, max(1, q down))",
	      "OTP 29.1, 2026-11-28", .known_by = MEASURED },
	    down_of_leaf, LOOKS_AT_LEAF, .set = &set_erlang },
	{ { "ghc", "Haskell GHC -N", "7.4 and later, +RTS -N", "N", "9.10.3, 2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_ghc },
	{ { "ocaml", "OCaml 5", "5.0 and later, recommended_domain_count", "N", "5, 2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_threads },
	{ { "r", "R parallel", "detectCores", "online CPUs", "4.6.2, 2026-11-28",
	      .known_by = MEASURED },
	    online_only, LOOKS_NOWHERE, .set = &set_r },
	{ { "cxx_threads", "C++ threads", "std::thread::hardware_concurrency, GCC", "online CPUs",
	      "GCC 16, 2026-11-28", .known_by = MEASURED },
	    online_only, LOOKS_NOWHERE, .set = &set_threads },
	{ { "glibc_nprocs", "C get_nprocs", "glibc 2.35 and later", "online CPUs",
	      "2.43, 2026-11-28", .known_by = MEASURED },
	    online_only, LOOKS_NOWHERE, .set = &set_threads },
	{ { "openmp", "OpenMP, libgomp", "GCC 4.7 and later", "N", "2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_openmp },
	{ { "openblas", "OpenBLAS", "0.3 and later", "N", "0.3.34, 2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_openblas },
	{ { "onetbb", "oneTBB", "2022.3 and later", "min(N, q up)", "2023.1, 2026-11-28",
	      .known_by = MEASURED },
	    up_of_leaf, LOOKS_AT_LEAF, .set = &set_threads },
	{ { "onetbb_old", "oneTBB to 2022.2", "2021 to 2022.2", "N", NULL, .known_by = READ },
	    affinity_only, LOOKS_NOWHERE, .set = &set_threads },
	{ { "duckdb", "DuckDB", "1.0 and later", "q up, even above the machine, or online CPUs",
	      "2.0, 2026-11-28", .known_by = MEASURED },
	    quota_or_online, LOOKS_AT_LEAF, .set = &set_duckdb },
	{ { "mariadb", "MariaDB pool", "thread_pool_size", "N", "11.8.9, 2026-11-28",
	      .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_mariadb },
	{ { "postgresql", "PostgreSQL", "max_parallel_workers as installed", "8",
	      "18.6, 2026-11-28", .known_by = MEASURED },
	    eight, LOOKS_FIXED, .set = &set_postgresql, .over = "8 unless set" },
	{ { "redis", "Redis, Valkey", "io-threads as installed", "1", "8.0.6, 2026-11-28",
	      .known_by = MEASURED },
	    one, LOOKS_FIXED, .set = &set_redis, .over = "1 unless set" },
	{ { "memcached", "memcached", "1.4 and later", "4", "1.6.45, 2026-11-28",
	      .known_by = MEASURED },
	    four, LOOKS_FIXED, .set = &set_memcached, .over = "4 unless set" },
	{ { "nproc", "nproc 9.10", "coreutils 9.10 and later",
	      "v2: min(N, q up), lowest q of all levels", "9.10, 2026-11-28", .known_by = MEASURED,
	      .usual = true },
	    up_of_all, LOOKS_AT_ALL, .set = &set_openmp, .v2_only = true },
	{ { "nproc_old", "nproc before 9.10", "coreutils before 9.10", "N", NULL,
	      .known_by = READ },
	    affinity_only, LOOKS_NOWHERE, .set = &set_openmp },
	{ { "make_nproc", "make -j$(nproc)", "coreutils 9.10 and later",
	      "v2: min(N, q up), lowest q of all levels", "9.10, 2026-11-28",
	      .known_by = MEASURED },
	    up_of_all, LOOKS_AT_ALL, .set = &set_jobs, .v2_only = true },
	{ { "ninja", "ninja", "1.12 and later",
	      "v2: jobs for n = min(N, max(1, q down)): n + 2, but 2 for 1 and 3 for 2",
	      "1.13.2, 2026-11-28", .known_by = MEASURED },
	    down_of_leaf, LOOKS_AT_LEAF, .set = &set_jobs, .v2_only = true,
	    .threads = jobs_of_ninja },
	{ { "xz", "xz -T0", "5.4 and later", "N", "5.8, 2026-11-28", .known_by = MEASURED },
	    affinity_only, LOOKS_NOWHERE, .set = &set_T },
	{ { "zstd", "zstd -T0", "1.5 and later", "online CPUs", "2026-11-28",
	      .known_by = MEASURED },
	    online_only, LOOKS_NOWHERE, .set = &set_T },
	{ .about = { .key = NULL } },
};

/* ---- Memory */

static double
nothing(const struct sight *s)
{
	(void)s;
	return INFINITY;
}

static double
machine_only(const struct sight *s)
{
	return s->machine;
}

static double
dotnet(const struct sight *s)
{
	return s->memory_version == 1 ? s->all_max : s->least_max;
}

static double
node(const struct sight *s)
{
	return least(s->machine, least(s->own_max, s->own_high));
}

/* Until libuv 1.45: the directory where v1 is mounted, and nothing of v2. */
static double
node_18(const struct sight *s)
{
	return s->memory_version == 1 ? least(s->machine, s->mount_max) : s->machine;
}

static double
duckdb(const struct sight *s)
{
	return least(s->machine, s->own_max);
}

static double
unbounded(double seen)
{
	return isnan(seen) ? seen : (double)INFINITY;
}

static const double JAVA_USUAL = 96 * 1.3 * 1024 * 1024;

/* A part of the memory, but at least about 125 MiB, the default MaxHeapSize on 64 bits; half of the
 * memory where that is less. */
static double
java_part(double seen, double part)
{
	if (isnan(seen))
		return seen;
	return seen / 2 < JAVA_USUAL ? seen / 2 : fmax(seen * part, JAVA_USUAL);
}

static double
java_heap(double seen)
{
	return java_part(seen, 0.25);
}

static double
dotnet_heap(double seen)
{
	return isnan(seen) || isinf(seen) ? seen : fmax(20 * MIB, 0.75 * seen);
}

static double
four_fifths(double seen)
{
	return 0.8 * seen;
}

/* V8's old generation: half of the memory, from 256 MiB to 2 GiB, 4 GiB from 15 GiB on. */
static double
old_generation(double seen)
{
	return fmax(256 * MIB, fmin(seen / 2, (seen >= 15 * 1024 * MIB ? 4096 : 2048) * MIB));
}

/* With three semi-spaces, which are this part of the old generation, but at least `least_mib`. */
static double
v8_heap(double seen, double part, double least_mib, double most_mib)
{
	double old = old_generation(seen);

	if (isnan(seen))
		return seen;
	return old + 3 * fmax(least_mib * MIB, fmin(seen / 2 * part, most_mib * MIB));
}

/* Without a semi-space of its size below 512 MiB of old generation. */
static double
node_20_heap(double seen)
{
	return v8_heap(seen, seen < 1024 * MIB ? 0 : 1.0 / 128, 1, 16);
}

static double
node_24_heap(double seen)
{
	return v8_heap(seen, seen < 1024 * MIB ? 0 : 1.0 / 32, 1, 64);
}

static double
node_26_heap(double seen)
{
	return v8_heap(seen, 1.0 / 64, 1, 32);
}

/* Whatever the limit, as if there were 4 GiB for the old generation from 8 GiB on. */
static double
deno_heap(double seen)
{
	return isnan(seen) ? seen : fmin(seen / 2, 4096 * MIB) + 96 * MIB;
}

/* ---- Settings of the heap */

/* "3000MiB", "1073741824"; "off" and "" are no limit (runtime/mgcpacer.go, readGOMEMLIMIT) */
static double
go_bytes(struct text value, double seen)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	struct text digits = { value.s, 0 };
	uint64_t n;

	(void)seen;
	if (value.n == 0 || text_eq(value, "off"))
		return INFINITY;
	while (digits.n < value.n && value.s[digits.n] >= '0' && value.s[digits.n] <= '9')
		digits.n++;
	struct text unit = { value.s + digits.n, value.n - digits.n };
	if (text_u64(digits, &n) < 0)
		return NAN;
	for (int i = 0; i < 5; i++)
		if (text_eq(unit, units[i]))
			return ldexp((double)n, 10 * i);
	return unit.n == 0 ? (double)n : (double)NAN;
}

/* "3g", "512M", "1073741824" */
static double
java_bytes(struct text value, double seen)
{
	static const char letters[] = "kKmMgGtT";
	uint64_t n;

	(void)seen;
	const char *letter = value.n > 0 ? strchr(letters, value.s[value.n - 1]) : NULL;
	bool scaled = letter && *letter;
	value.n -= scaled;
	if (text_u64(value, &n) < 0)
		return NAN;
	return ldexp((double)n, scaled ? 10 + 10 * (int)((letter - letters) / 2) : 0);
}

static double
share_of(struct text value)
{
	double percent;

	return text_decimal(value, &percent) == 0 && percent <= 100 ? percent / 100 : (double)NAN;
}

static double
java_percent(struct text value, double seen)
{
	double part = share_of(value);

	return isnan(part) ? part : java_part(seen, part);
}

/* Hexadecimal with or without 0x: .NET reads all its variables so. */
static double
hex(struct text value)
{
	double v = 0;

	if (!text_skip(&value, "0x"))
		text_skip(&value, "0X");
	for (size_t i = 0; i < value.n; i++) {
		static const char digits[] = "0123456789abcdef0123456789ABCDEF";
		const char *digit = value.s[i] ? strchr(digits, value.s[i]) : NULL;
		if (!digit)
			return NAN;
		v = v * 16 + (double)((digit - digits) % 16);
	}
	return value.n > 0 && v < 0x1p64 ? v : (double)NAN;
}

static double
dotnet_bytes(struct text value, double seen)
{
	(void)seen;
	return hex(value);
}

static double
dotnet_percent(struct text value, double seen)
{
	double percent = hex(value);

	return percent <= 100 ? percent / 100 * seen : (double)NAN;
}

static double
node_bytes(struct text value, double seen)
{
	uint64_t n;

	(void)seen;
	return text_u64(value, &n) == 0 ? (double)n * MIB : (double)NAN;
}

static double
node_percent(struct text value, double seen)
{
	return share_of(value) * seen;
}

static bool
is_given_by(const struct opinion *o, const char *option)
{
	return o->given && o->given->option && strcmp(o->given->option, option) == 0;
}

/* "GOMEMLIMIT=86MiB"; small limits in KiB. */
static const char *
heap_go(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	double bytes = room * (share > 0 ? share : 0.9);
	bool large = bytes >= 64 * MIB;

	(void)o;
	(void)seen;
	return arena_printf(a, "GOMEMLIMIT=%.0f%s", floor(large ? bytes / MIB : bytes / 1024),
	    large ? "MiB" : "KiB");
}

/* A percentage is of the memory that Java sees; it does not count beside -Xmx, nor in little
 * memory. */
static const char *
heap_java(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	double part = share > 0 ? share : 0.75;
	bool counts =
	    !o->given || is_given_by(o, "-XX:MaxRAMPercentage=") ? seen / 2 >= JAVA_USUAL : false;

	if (counts && seen <= room)
		return arena_printf(a, "-XX:MaxRAMPercentage=%.0f", part * 100);
	return arena_printf(a, "-Xmx%.0fm", floor(room * part / MIB));
}

static const char *
heap_dotnet(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	(void)seen;
	if (o->believed < room)
		return NULL;
	return arena_printf(a, "DOTNET_GCHeapHardLimit=0x%llx",
	    (unsigned long long)(room * (share > 0 ? share : 0.75)));
}

/* A percentage beats a size. */
static const char *
heap_node(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	static const char percentage[] = "--max-old-space-size-percentage=";
	double part = share > 0 ? share : 0.75;

	if (o->believed < room)
		return NULL;
	if (is_given_by(o, percentage))
		return arena_printf(a, "%s%.0f", percentage, floor(room * part / seen * 100));
	return arena_printf(a, "--max-old-space-size=%.0f", floor(room * part / MIB));
}

static const char *
heap_duckdb(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	(void)seen;
	if (o->fit != FIT_MORE)
		return NULL;
	return arena_printf(
	    a, "SET memory_limit='%.0fMiB';", floor(room * (share > 0 ? share : 0.75) / MIB));
}

static const char *
heap_redis(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	(void)o;
	(void)seen;
	return arena_printf(a, "maxmemory %.0fmb", floor(room * (share > 0 ? share : 0.75) / MIB));
}

/* It takes V8's options on its command line. */
static const char *
heap_deno(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	const char *set = heap_node(a, room, o, seen, share);

	return set ? arena_printf(a, "--v8-flags=%s", set) : NULL;
}

static const char *
heap_none(struct arena *a, double room, const struct opinion *o, double seen, double share)
{
	(void)a;
	(void)room;
	(void)o;
	(void)seen;
	(void)share;
	return NULL;
}

static const struct heap_setting
    go_settings[2] = { { { "GOMEMLIMIT=" }, go_bytes } },
    java_settings[2] = { { { "-Xmx", "-XX:MaxHeapSize=" }, java_bytes },
	    { { "-XX:MaxRAMPercentage=" }, java_percent } },
    dotnet_settings[2] = { { { "DOTNET_GCHeapHardLimit=", "COMPlus_GCHeapHardLimit=" },
			       dotnet_bytes },
	    { { "DOTNET_GCHeapHardLimitPercent=", "COMPlus_GCHeapHardLimitPercent=" },
		dotnet_percent } },
    node_settings[2] = { { { "--max-old-space-size-percentage=" }, node_percent },
	    { { "--max-old-space-size=" }, node_bytes } },
    no_settings[2] = { { { NULL }, NULL } };

/* Beside its heap of 259 MiB, a program that only allocates needed some 29 MiB in Node.js 24. */
static const double NODE_BESIDE = 32.0 * 1024 * 1024;

const struct memory_rule rules_memory[] = {
	{ { "go", "Go", "1.19 and later",
	      "none; GOMEMLIMIT is a soft limit for all memory of the runtime", "1.27, 2026-11-28",
	      .known_by = MEASURED, .usual = true },
	    nothing, unbounded, heap_go, .settings = go_settings },
	{ { "java", "Java 24 and later", "24 and later, 21.0.9 and later of 21",
	      "25 % of the lowest limit of all levels, 125 MiB at least, or half",
	      "25.0.5, 2026-11-28", .known_by = MEASURED, .usual = true },
	    least_max_of, java_heap, heap_java, .settings = java_settings },
	{ { "java_old", "Java 10 to 23", "10 to 23, and 8u191 and later; not 21.0.9 and later",
	      "25 % of its own limit, on v1 of the lowest, 125 MiB at least, or half",
	      "17.0.15, 2026-11-28", .known_by = MEASURED, .usual = true },
	    own_or_all_max_of, java_heap, heap_java, .settings = java_settings },
	{ { "dotnet", ".NET", "5 and later",
	      "75 % of the lowest limit of all levels, 20 MiB at least", NULL, .known_by = READ,
	      .usual = true },
	    dotnet, dotnet_heap, heap_dotnet, .settings = dotnet_settings },
	{ { "node", "Node.js 24", "23 to 25",
	      "half of its own max or high, 256 MiB to 2 GiB, 4 GiB from 15 GiB on, and the young "
	      "generation",
	      "24.21, 2026-11-28", .known_by = MEASURED, .usual = true },
	    node, node_24_heap, heap_node, .settings = node_settings, .beside = NODE_BESIDE },
	{ { "node_26", "Node.js 26", "26 and later",
	      "as Node.js 24, with a smaller young generation", "26.10, 2026-11-28",
	      .known_by = MEASURED },
	    node, node_26_heap, heap_node, .settings = node_settings, .beside = NODE_BESIDE },
	{ { "node_20", "Node.js 20, 22", "19 to 22",
	      "as Node.js 24, with a smaller young generation", "22.23, 2026-11-28",
	      .known_by = MEASURED },
	    node, node_20_heap, heap_node, .settings = node_settings, .beside = NODE_BESIDE },
	{ { "node_18", "Node.js 12 to 18", "12 to 18",
	      "v1: as Node.js 20, of the mount's limit; v2: of the machine", NULL,
	      .known_by = READ },
	    node_18, node_20_heap, heap_node, .settings = node_settings, .beside = NODE_BESIDE },
	{ { "deno", "Deno", "2.0 and later",
	      "half of the machine, at most 4 GiB, and the young generation", "2.9.6, 2026-11-28",
	      .known_by = MEASURED },
	    machine_only, deno_heap, heap_deno, .settings = no_settings, .beside = NODE_BESIDE },
	{ { "bun", "Bun", "1.4 and later", "none", NULL, .known_by = READ }, nothing, unbounded,
	    heap_none, .settings = no_settings },
	{ { "duckdb", "DuckDB", "1.0 and later", "80 % of its own limit, or of the machine",
	      "1.5.6, 2026-11-28", .known_by = MEASURED },
	    duckdb, four_fifths, heap_duckdb, .settings = no_settings },
	{ { "redis", "Redis, Valkey", "maxmemory as installed", "none", NULL, .known_by = READ },
	    nothing, unbounded, heap_redis, .settings = no_settings },
	{ .about = { .key = NULL } },
};
