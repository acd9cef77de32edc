/*
 * detect: which runtimes a process has, and their versions. The name of its program and the names of
 * the libraries that it has mapped tell the runtime. The program itself, or a file beside it in the
 * file tree of the process, tells the version. These files are somebody else's: see host_part and
 * proc/program.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands/limits/limits.h"
#include "proc/mountinfo.h"
#include "proc/program.h"

struct detector {
	struct host *host;
	struct arena *arena;
	const char *pid;
	const struct limits_process *process;
	struct limits_program *out;
	size_t room;
};

/* libuv 1.52 is in Node.js 26, and in 24 from this minor version on. */
enum { LIBUV_152 = 16 };

enum { RULES_CPUS = 1, RULES_HEAP = 2, RULES_BOTH = 3 };

/* The process has what this rule is about. The first one of a rule stays; a later one may know the
 * version. */
static void
add(struct detector *d, const char *key, const char *version, int tables)
{
	struct limits_program *p = d->out;

	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].key, key) == 0 && (p->v[i].tables & tables)) {
			if (!p->v[i].version)
				p->v[i].version = version;
			return;
		}
	p->v = arena_grow(d->arena, p->v, p->n, &d->room, sizeof *p->v);
	p->v[p->n++] = (struct detected){ key, version && *version ? version : NULL, tables };
}

static const char *
keep(struct detector *d, const char *version)
{
	return *version ? arena_copy(d->arena, text_of(version)) : NULL;
}

/* The first runtime that is found is the one of the program; libraries may bring more. */
static void
name_it(struct detector *d, const char *name, const char *version, const char *detail)
{
	struct limits_program *p = d->out;

	if (p->name && (p->version || strcmp(p->name, name) != 0))
		return;
	p->name = name;
	p->version = version;
	p->detail = detail;
}

/* ---- Files beside the program */

/* Reads a small file in the file tree of the process. */
static bool
read_beside(struct detector *d, const char *path, struct text *t)
{
	return !strstr(path, "/../") &&
	    host_part(d->host, arena_printf(d->arena, "proc/%s/root%s", d->pid, path), 0, 64 << 10,
		t) == 0;
}

/* The path without its last `parts` names; "" if it has fewer. */
static const char *
above(struct detector *d, const char *path, int parts)
{
	size_t n = strlen(path);

	for (; parts > 0 && n > 0; parts--)
		while (n > 0 && path[--n] != '/')
			;
	return arena_copy(d->arena, (struct text){ path, n });
}

static const char *
java_version(struct detector *d, const char *home)
{
	char version[VERSION_MOST];
	struct text t;

	if (read_beside(d, arena_printf(d->arena, "%s/release", home), &t) &&
	    java_release_parse(t, version))
		return keep(d, version);
	return NULL;
}

/* By the headers that are installed with it, or by its directory: ".../node/v24.1.0/bin/node". */
static const char *
node_version_beside(struct detector *d, const char *path)
{
	static const char *const before[] = { "/node/v", "/node-v", "/node/", "/nodejs/" };
	char version[VERSION_MOST];
	struct text t;

	if (read_beside(d,
		arena_printf(d->arena, "%s/include/node/node_version.h", above(d, path, 2)), &t) &&
	    node_header_parse(t, version))
		return keep(d, version);
	for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
		if (version_after(text_of(path), before[i], version))
			return keep(d, version);
	return NULL;
}

/* Of a program that npm installed: of its package, in its directory or the one above. */
static const char *
npm_version(struct detector *d, const char *path)
{
	char version[VERSION_MOST];
	struct text t;

	for (int i = 1; i <= 2 && strstr(path, "/node_modules/"); i++)
		if (read_beside(
			d, arena_printf(d->arena, "%s/package.json", above(d, path, i)), &t) &&
		    version_after(t, "\"version\": \"", version))
			return keep(d, version);
	return NULL;
}

/* ---- What each runtime means for the rules */

/* Which Java walks up to the limits of parent cgroups: 24 and later, and 21.0.9 and later. */
static void
found_java(struct detector *d, const char *version)
{
	struct version v = version ? version_of(version) : (struct version){ 0 };
	bool walks_up = v.major >= 24 || (v.major == 21 && v.minor == 0 && v.patch >= 9);

	if (!version || walks_up)
		add(d, "java", version, RULES_BOTH);
	if (!version || !walks_up)
		add(d, "java_old", version, RULES_BOTH);
	name_it(d, "Java", version, NULL);
}

static void
found_node(struct detector *d, const char *version)
{
	struct version v = version ? version_of(version) : (struct version){ 0 };
	bool looks = v.major > 22 || (v.major == 22 && v.minor >= 12),
	     recent = v.major > 25 || (v.major == 24 && v.minor >= LIBUV_152);

	if (!version || recent)
		add(d, "libuv_152", version, RULES_CPUS);
	if (!version || (looks && !recent))
		add(d, "libuv", version, RULES_CPUS);
	if (!version || !looks)
		add(d, "node_20", version, RULES_CPUS);
	add(d, "node_cpus", version, RULES_CPUS);
	add(d, "libuv_pool", version, RULES_CPUS);
	if (!version || v.major >= 26)
		add(d, "node_26", version, RULES_HEAP);
	if (!version || (v.major > 22 && v.major < 26))
		add(d, "node", version, RULES_HEAP);
	if (!version || (v.major > 18 && v.major < 23))
		add(d, "node_20", version, RULES_HEAP);
	if (version && v.major <= 18)
		add(d, "node_18", version, RULES_HEAP);
	name_it(d, "Node.js", version, NULL);
}

static void
found_python(struct detector *d, const char *version)
{
	struct version v = version ? version_of(version) : (struct version){ 0 };
	bool counts = v.major > 3 || (v.major == 3 && v.minor >= 13);

	if (!version || counts) {
		add(d, "python", version, RULES_CPUS);
		add(d, "python_pool", version, RULES_CPUS);
	}
	if (!version || !counts)
		add(d, "python_old", version, RULES_CPUS);
	name_it(d, "Python", version, NULL);
}

/* The variable GODEBUG decides, else what the program was built with. */
static bool
go_ignores_quota(const struct detector *d, const struct program *p)
{
	const struct limits_process *s = d->process;

	for (size_t i = 0; i < s->nsettings; i++)
		if (strcmp(s->settings[i].name, "GODEBUG") == 0)
			return strcmp(s->settings[i].value, "0") == 0;
	return p->go_ignores_quota;
}

static void
found_go(struct detector *d, const struct program *p)
{
	const char *version = keep(d, p->go);
	struct version v = version_of(p->go);
	bool recent = v.major > 1 || (v.major == 1 && v.minor >= 25),
	     ignores = go_ignores_quota(d, p);

	if (p->go_automaxprocs)
		add(d, "automaxprocs", NULL, RULES_CPUS);
	add(d, recent && !ignores ? "go" : "go_old", version, RULES_CPUS);
	add(d, "go", version, RULES_HEAP);
	name_it(d, "Go", version,
	    p->go_automaxprocs ? "with automaxprocs, which decides" :
		!recent        ? NULL :
		ignores        ? "containermaxprocs=0: it ignores the quota" :
		!p->go_modules ? "without build settings: go.mod is not known" :
				 NULL);
}

static void
found_rust(struct detector *d, const char *version)
{
	add(d, "tokio", version, RULES_CPUS);
	add(d, "rayon", version, RULES_CPUS);
	add(d, "num_cpus", version, RULES_CPUS);
	name_it(d, "Rust", version, NULL);
}

/* ---- By the name of the program */

/* A program whose name tells the runtime; of some also the version. */
static const struct named {
	const char *program, *name, *key;
	int tables;
} programs[] = {
	{ "nginx", "nginx", "nginx", RULES_CPUS },
	{ "envoy", "Envoy", "envoy", RULES_CPUS },
	{ "haproxy", "HAProxy", "haproxy", RULES_CPUS },
	{ "named", "BIND", "bind", RULES_CPUS },
	{ "deno", "Deno", "deno", RULES_BOTH },
	{ "bun", "Bun", "bun", RULES_BOTH },
	{ "bun.exe", "Bun", "bun", RULES_BOTH }, /* npm's, also on Linux */
	{ "dotnet", ".NET", "dotnet", RULES_BOTH },
	{ "ruby", "Ruby", "ruby", RULES_CPUS },
	{ "php-fpm", "PHP-FPM", "php_fpm", RULES_CPUS },
	{ "beam.smp", "Erlang", "erlang", RULES_CPUS },
	{ "duckdb", "DuckDB", "duckdb", RULES_BOTH },
	{ "mariadbd", "MariaDB", "mariadb", RULES_CPUS },
	{ "postgres", "PostgreSQL", "postgresql", RULES_CPUS },
	{ "redis-server", "Redis", "redis", RULES_BOTH },
	{ "redis-check-rdb", "Redis", "redis", RULES_BOTH }, /* Debian links redis-server to it */
	{ "valkey-server", "Valkey", "redis", RULES_BOTH },
	{ "valkey-check-rdb", "Valkey", "redis", RULES_BOTH },
	{ "memcached", "memcached", "memcached", RULES_CPUS },
	{ "ninja", "ninja", "ninja", RULES_CPUS },
	{ "xz", "xz", "xz", RULES_CPUS },
	{ "zstd", "zstd", "zstd", RULES_CPUS },
	{ "R", "R", "r", RULES_CPUS },
};

/* The same for mapped libraries. */
static const struct named libraries[] = {
	{ "libgomp", "OpenMP", "openmp", RULES_CPUS },
	{ "libopenblas", "OpenBLAS", "openblas", RULES_CPUS },
	{ "libscipy_openblas", "OpenBLAS", "openblas", RULES_CPUS },
	{ "libtbb.so", "oneTBB", "onetbb", RULES_CPUS },
	{ "libduckdb", "DuckDB", "duckdb", RULES_BOTH },
	{ "libruby", "Ruby", "ruby", RULES_CPUS },
	{ "libcoreclr.so", ".NET", "dotnet", RULES_BOTH },
};

/* "ruby3.3" is ruby. */
static bool
is_called(const char *base, const char *program)
{
	size_t n = strlen(program);

	if (strncmp(base, program, n) != 0)
		return false;
	for (base += n; *base; base++)
		if (!isdigit((unsigned char)*base) && *base != '.')
			return false;
	return true;
}

static void
found_named(struct detector *d, const struct named *p, const char *version)
{
	add(d, p->key, version, p->tables);
	name_it(d, p->name, version, NULL);
}

/* "8.4" of php-fpm8.4, "18" of .../postgresql/18/bin/postgres */
static const char *
version_of_named(struct detector *d, const struct named *p, const char *base, const char *path)
{
	char version[VERSION_MOST] = "";

	if (version_after(text_of(base), p->program, version) && strchr(version, '.'))
		return keep(d, version);
	if (!path)
		return NULL;
	if (version_after(text_of(path), "/postgresql/", version))
		return keep(d, version);
	return npm_version(d, path);
}

static void
by_name(struct detector *d, const char *base, const char *path)
{
	char version[VERSION_MOST] = "";

	if (is_called(base, "java"))
		found_java(d, path ? java_version(d, above(d, path, 2)) : NULL);
	else if (is_called(base, "python")) /* "python3" is no version */
		found_python(d,
		    version_after(text_of(base), "python", version) && strchr(version, '.') ?
			keep(d, version) :
			NULL);
	else
		for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
			if (is_called(base, programs[i].program))
				found_named(
				    d, &programs[i], version_of_named(d, &programs[i], base, path));
}

/* ---- By mapped libraries */

/* The version of Node.js by the number of its binary interface; NULL for others. */
static const char *
node_of_abi(const char *abi)
{
	static const char *const known[][2] = { { "72", "12" }, { "83", "14" }, { "93", "16" },
		{ "108", "18" }, { "115", "20" }, { "127", "22.12" }, { "137", "24" } };

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strcmp(known[i][0], abi) == 0)
			return known[i][1];
	return NULL;
}

/* libjvm.so is in lib/server of the JVM's directory, or in jre/lib/amd64/server. */
static const char *
java_home(struct detector *d, const char *path)
{
	const char *lib = above(d, path, 2), *name = strrchr(lib, '/');

	return above(d, path, name && strcmp(name, "/lib") == 0 ? 3 : 5);
}

static void
by_library(struct detector *d, struct text path)
{
	const char *whole = arena_copy(d->arena, path), *slash = strrchr(whole, '/');
	const char *base = slash ? slash + 1 : whole;
	char version[VERSION_MOST] = "";

	if (strcmp(base, "libjvm.so") == 0 && !d->out->name)
		found_java(d, java_version(d, java_home(d, whole)));
	else if (version_after(text_of(base), "libpython", version))
		found_python(d, strchr(version, '.') ? keep(d, version) : NULL);
	else if (version_after(text_of(base), "libnode.so.", version))
		found_node(d, node_of_abi(version));
	for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++) {
		const struct named *l = &libraries[i];
		if (strncmp(base, l->program, strlen(l->program)) != 0)
			continue;
		/* .../shared/Microsoft.NETCore.App/10.0.1/libcoreclr.so */
		if (!version_after(path, "/Microsoft.NETCore.App/", version))
			version_after(text_of(base), "libruby-", version);
		found_named(d, l, keep(d, version));
	}
}

/* A line of maps ends with the path, after five columns; a library has several lines, one after the
 * other. */
static void
by_maps(struct detector *d)
{
	struct text t, line, last = { "", 0 };

	if (host_part(d->host, arena_printf(d->arena, "proc/%s/maps", d->pid), 0, 512 << 10, &t) <
	    0)
		return;
	t.s = arena_copy(d->arena, t);
	while (text_line(&t, &line)) {
		const char *slash = memchr(line.s, '/', line.n);
		if (!slash)
			continue;
		struct text path = { slash, line.n - (size_t)(slash - line.s) };
		if (text_same(path, last) || !text_find(path, "/lib"))
			continue;
		last = path;
		by_library(d, path);
	}
}

/* ---- By the program itself */

struct program_reader {
	struct host *host;
	const char *path;
};

static int
read_program(void *ctx, uint64_t at, size_t n, struct text *out)
{
	const struct program_reader *r = ctx;

	return host_part(r->host, r->path, at, n, out);
}

/* Whether the program is on a file system that may never answer: then it is not read. */
static bool
is_remote(struct detector *d, const char *path)
{
	struct text t;

	if (host_read(d->host, arena_printf(d->arena, "proc/%s/mountinfo", d->pid), &t) < 0)
		return !d->host->replay;
	return mountinfo_may_wait(t, path);
}

static void
by_program(struct detector *d, const char *base, const char *path)
{
	struct program_reader r = { d->host, arena_printf(d->arena, "proc/%s/exe", d->pid) };
	bool node = is_called(base, "node") || is_called(base, "nodejs");
	struct program_file file = { read_program, &r, node, 0 };
	struct program p;

	if (program_parse(&file, &p) < 0) {
		d->out->error = errno;
		p = (struct program){ 0 };
	}
	if (node)
		found_node(d, *p.node ? keep(d, p.node) : node_version_beside(d, path));
	else if (*p.go)
		found_go(d, &p);
	else if (*p.rust && !d->out->name)
		found_rust(d, keep(d, p.rust));
}

/* The program's path; NULL with d->out->error. A deleted program has a mark after its name. */
static const char *
program_path(struct detector *d)
{
	static const char mark[] = " (deleted)";
	struct text t;

	if (host_link(d->host, arena_printf(d->arena, "proc/%s/exe", d->pid), &t) < 0) {
		d->out->error = errno;
		return NULL;
	}
	size_t n = sizeof mark - 1;
	if (t.n > n && memcmp(t.s + t.n - n, mark, n) == 0)
		t.n -= n;
	return arena_copy(d->arena, t);
}

void
limits_detect(struct host *h, struct arena *a, const char *pid,
    const struct limits_process *process, struct limits_program *out)
{
	struct detector d = { h, a, pid, process, out, 0 };
	const char *path = program_path(&d), *slash = path ? strrchr(path, '/') : NULL;

	out->path = path;
	if (!path) {
		if (process->comm)
			by_name(&d, process->comm, NULL);
		return;
	}
	const char *base = slash ? slash + 1 : path;
	bool remote = is_remote(&d, path);
	by_name(&d, base, remote ? NULL : path);
	if (remote)
		out->error = EREMOTE;
	else
		by_program(&d, base, path);
	by_maps(&d);
}
