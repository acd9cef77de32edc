/*
 * pq shows the queues that latency is made of. This file picks the tool; the rest is
 *
 *   session/            session: samplers over one host, when they tick and are read; sampler: a
 *                       tool at work; run: its rows on stdout; signals
 *   option.c words.c    the command line: what it means, and its words against the table of
 *                       options; request.c: what they ask of a tool; when.c: times and sizes
 *   tapes.c             what -f names and -o writes, opened
 *   condition.c         conditions of the command line, and where one is wrong
 *   verdict/            what judges by the tools' rows: check: pq check, with _plan (what is to be
 *                       judged), _watch (over which time), _command (that of --during), _line and
 *                       _json (what is said)
 *     why               pq why: evidence (what the tools tell), causes_quota, _cpu, _memory, _waits
 *                       (what is concluded), finding (what is said)
 *   recorder/           pq record and pq tape: plan (what is to be done), record, account, triggers
 *                       (conditions), saves (saved, cut), job, spawn, journal; tape, info, pack
 *     export            pq export, with textfile: the file it writes
 *   limits/             pq limits: gather and process read it, effective draws the conclusions,
 *                       rules and rules_memory: of runtimes; judge: what they make of it; page
 *                       (_cpu, _memory, _runtimes, _json); command
 *   tool/               one question each; tool.h is their contract, tools.c their list, watch.c
 *                       what they use of a run
 *     runq runq_cpus cpu cpu_usage throttle mem, and cgroups: what those of cgroups share
 *     tasks             with _scan, _budget, _rank, _detail, _split, _rows
 *     runqlat           runqlat_hist; latency: from where its figures are, latency_read: those of a
 *                       moment
 *     wait              with _threads (which ones), _look (what each did), _place (where it waits),
 *                       _clock, _count, _sums
 *     psi               psi_rows: its columns and rows
 *     whose             whose tasks these look at; whose_path: the paths of their files
 *   cgroup/             v1 and v2 side by side: locate, atlas, mounts, place (in which directory),
 *                       groups (which ones), cpu, memory, pressure, bounds
 *   proc/               one kernel file each, from text to a struct: stat loadavg schedstat psi
 *                       meminfo task task_wait mountinfo …, and syscalls: their names
 *   host/               where text and time come from: host.h is the seam; its makers are live
 *                       (with kept: its open files), moments, tape_host, and record, which keeps on
 *                       a tape what is read through it
 *     tape              the format; figures, codec: a text as words and numbers; paths, facts
 *     tape_writer       tape_records, tracks: what it keeps of each file; tape_file: the file it
 *                       writes
 *     tape_reader       tape_walk, tape_index: from segment to segment; playback: each file as it
 *                       was; source: the bytes
 *   bpf/                runqlat: waits for a CPU, counted in the kernel; program, parts: its
 *                       programs; layout: of which kernel; attach, why (not); asm, sys, btf,
 *                       format: for any BPF tool
 *   table/              what happens to rows: the column table, text, json, csv, folded, metrics
 *                       (metrics_lines: its lines), time, the summary; expr: conditions over
 *                       columns
 *   base/               text arena buf hist keyed human crc32c fail: known by all, knowing nobody
 *
 * Calls go down this list or stay in their folder; host, table and proc do not know each other.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "session/run.h"
#include "cli/args.h"
#include "version.h"

/* A program of its own, pq-runq, is this same file with one tool: -DPQ_ONLY=runq. */
#ifdef PQ_ONLY
#define PASTE(a, b) a##b
#define TOOL(name) PASTE(tool_, name)
static const struct tool *const only = &TOOL(PQ_ONLY);

static const struct tool *
find(const char *name)
{
	return strcmp(name, only->name) == 0 ? only : NULL;
}

static void
list_tools(void (*f)(const struct tool *))
{
	f(only);
}
#else
static const struct tool *const only = NULL;
static const struct tool *const commands[] = { &tool_limits, &tool_why, &tool_check, &tool_record,
	&tool_tape, &tool_export };

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const struct tool *
find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return tools_find(text_of(name));
}

static void
list_tools(void (*f)(const struct tool *))
{
	for (size_t i = 0; tools[i]; i++)
		f(tools[i]);
	for (size_t i = 0; i < COMMANDS; i++)
		f(commands[i]);
}
#endif

/* "pq-runq" and "/usr/bin/pq-runq" are runq; other names are no tool's. */
static const struct tool *
tool_of_program(const char *argv0)
{
	const char *slash = strrchr(argv0, '/'), *name = slash ? slash + 1 : argv0;

	if (only)
		return only;
	return strncmp(name, "pq-", 3) == 0 ? find(name + 3) : NULL;
}

static struct nearest *guess;

static void
try_name(const struct tool *t)
{
	nearest_try(guess, t->name);
}

_Noreturn static void
unknown_tool(const char *name)
{
	struct nearest near = nearest_to(text_of(name));

	guess = &near;
	list_tools(try_name);
	if (near.name)
		die(EXIT_USAGE, "unknown tool '%s'; did you mean '%s'? ('pq help' lists all tools)",
		    name, near.name);
	die(EXIT_USAGE, "unknown tool '%s' ('pq help' lists all tools)", name);
}

static void
print_tool(const struct tool *t)
{
	printf("  %-9s %s\n", t->name, t->brief);
}

_Noreturn static void
print_tools(void)
{
	puts("Usage: pq TOOL [options] [interval [count]]\n\nLatency is time spent waiting in a "
	     "queue. pq shows the queues.\n");
	list_tools(print_tool);
	puts("\nRun 'pq help TOOL' or 'man pq-TOOL' for the options of a tool.");
	exit_printed();
}

/* The tool that the first word names, at which *words is left; --help and the like end here. */
static const struct tool *
tool_of_word(char ***words)
{
	static char help[] = "--help", *help_words[] = { NULL, help, NULL };
	const char *word = **words;

	if (!word)
		die(EXIT_USAGE, "no tool given ('pq help' lists all tools)");
	if (strcmp(word, "--version") == 0) {
		puts("pq " PQ_VERSION);
		exit_printed();
	}
	bool asks =
	    strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
	if (asks && !(*words)[1])
		print_tools();
	const struct tool *t = find(asks ? (*words)[1] : word);
	if (!t)
		unknown_tool(asks ? (*words)[1] : word);
	if (asks)
		*words = help_words;
	return t;
}

int
main(int argc, char **argv)
{
	static struct options options;
	const struct tool *tool = argc > 0 ? tool_of_program(argv[0]) : NULL;
	static char *none[] = { NULL, NULL, NULL };
	char **words = argc > 0 ? argv : none, name[64];

	if (!tool) {
		words++;
		tool = tool_of_word(&words);
	}
	snprintf(name, sizeof name, "pq %s", tool->name);
	fail_name(name);
	if (tool->judges)
		fail_always(EXIT_UNSUPPORTED);
	options_parse(&options, tool, words + 1);
	return (int)(tool->command ? tool->command(&options) : run(&options));
}
