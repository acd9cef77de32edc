/*
 * pq shows the queues that latency is made of. This file picks the tool. The rest, a line a file:
 *
 *   commands/limit_words.c       changes of limits as words and JSON
 *   commands/live_threads.c      the threads in /proc, with what a trace says of each
 *   commands/throttled.c         how long CPU quotas have throttled cgroups
 *   commands/recorded.c          the rows of all tools that a recording has
 *   commands/saved_trace.c       opens saved traces, and finds cgroups in them
 *   commands/check/check.c       pq check: conditions, the time that is judged, the verdict
 *   commands/check/baseline.c    whether figures are worse than in a baseline
 *   commands/check/print.c       the verdict as a line of a monitoring plug-in and as JSON
 *   commands/diff/diff.c         pq diff: the command line, and what it prints
 *   commands/diff/operand.c      what it compares: recordings, windows and baselines
 *   commands/diff/samples.c      the figures of a recording: distributions, and means of blocks
 *   commands/diff/compare.c      the rank test and its corrections
 *   commands/diff/lines.c        what changed between two recordings, worst first
 *   commands/diff/text.c         the same for people
 *   commands/diff/fail.c         how much worse a figure may get
 *   commands/diff/baseline.c     the figures of a recording as a small file
 *   commands/export.c            pq export: metrics into a file for node_exporter
 *   commands/limits/limits.c     pq limits
 *   commands/limits/gather.c     what a process or cgroup may use, read from the host
 *   commands/limits/detect.c     which runtimes a process has, and their versions
 *   commands/limits/rules.c      what language runtimes make of limits: the tables
 *   commands/limits/runtimes.c   what they make of the limits of this process
 *   commands/limits/page.c       the page for people
 *   commands/limits/page_json.c  the page as JSON
 *   commands/record/record.c     pq record: the flight recorder
 *   commands/recorder/plan.c     what is told about saving: conditions, windows, a command
 *   commands/recorder/triggers.c when a condition fires
 *   commands/recorder/saves.c    windows that are saved, and the command that runs for each
 *   commands/recorder/journal.c  the log, for people or as JSON
 *   commands/recorder/ask.c      whether another process can be asked to save
 *   commands/report/report.c     pq report: reads recordings, and writes the page
 *   commands/report/strips.c     which tool makes which picture: a table
 *   commands/report/rows.c       the rows of tools as rows of a picture
 *   commands/report/series.c     figures over time in bounded memory
 *   commands/report/verdict.c    what pq why says of the recording, and of parts of it
 *   commands/report/page.c       the page: head, verdicts, events
 *   commands/report/changes.c    what changed between two recordings, as pq diff finds it
 *   commands/report/chart.c      a picture with its axis, legend and table
 *   commands/report/svg.c        the picture itself
 *   commands/report/html.c       names, times and durations as HTML
 *   commands/tape/tape.c         pq tape: info, verify, cut, save
 *   commands/tape/pack.c         pq tape pack and unpack: captured directories
 *   commands/top/top.c           pq top: the command, its loop and its keys
 *   commands/top/rows.c          what it reads, its rows, and the time of a recording
 *   commands/top/ring.c          the last minutes, in memory, and how they are saved
 *   commands/top/draw.c          a frame: header, panel, list or details, keys
 *   commands/top/panel.c         the verdict, and bars with sparklines
 *   commands/top/list.c          cgroups, processes or threads, and what they wait for
 *   commands/top/detail.c        one cgroup or process: verdict, waits, limits
 *   commands/top/scroll.c        text that is folded and scrolled
 *   commands/top/frame.c         a screen as cells, and what changed in it
 *   commands/top/picture.c       the same as SVG
 *   commands/top/screen.c        the terminal: taken, and always given back
 *   commands/top/keys.c          the bytes of a terminal as keys
 *   commands/trace/trace.c       pq trace
 *   commands/trace/take.c        records what the scheduler does, for some time
 *   commands/trace/keep.c        keeps it all the time, and saves windows
 *   commands/trace/windows.c     windows of the rings, and conditions of single waits
 *   commands/trace/ring.c        the rings, and how they are written to a trace
 *   commands/trace/quotas.c      what CPU quotas had throttled
 *   commands/trace/threads.c     who the threads of a trace are
 *   commands/trace/info.c        pq trace info
 *   commands/trace/export.c      for other programs, with the figures of a recording
 *   commands/trace/text.c        pq trace text: a line for each time on a CPU
 *   commands/who/who.c           pq who: behind whom threads waited for a CPU: the rows
 *   commands/who/saved.c         from a saved trace
 *   commands/who/live.c          from what the scheduler does now
 *   commands/who/quotas.c        how much of the waits is due to CPU quotas
 *   commands/who/taken.c         what interrupts and a hypervisor take of CPUs
 *   commands/who/sampled.c       without BPF: from samples of /proc
 *   commands/who/merge.c         events of all CPUs in the order of their times
 *   commands/who/threads.c       the threads of this machine, and whose they are
 *   commands/who/parties.c       who threads belong to: who waits, and behind whom
 *   commands/why/why.c           pq why
 *   commands/why/evidence.c      the rows that it judges by, typed by tool
 *   commands/why/phases.c        the rows before and after a limit was changed
 *   commands/why/causes.c        the rules: busy CPUs, new processes; and the list of all
 *   commands/why/quota.c         the rules about CPU quotas
 *   commands/why/memory.c        the rules about memory
 *   commands/why/disks.c         the rules about disks, io.max and dirty pages
 *   commands/why/threads.c       the rules about what the target's threads do
 *   commands/why/sockets.c       the rules about the queues of sockets
 *   commands/why/target.c        the process of -p: zombie, stopped, or ended meanwhile
 *   commands/why/finding.c       cause, evidence and fix as text and JSON
 *
 *   cli/args.c                   the command line: which option and which word is what
 *   cli/values.c                 what the arguments of options mean
 *   cli/column_choice.c          which columns are shown: -c, -w, --spark; the list of --columns
 *   cli/tool_list.c              [interval [count]] [TOOL...] of commands with several tools
 *   cli/open.c                   the host that -f or --root names, and the recording of -o
 *   cli/output.c                 rows to stdout, and the summary
 *   cli/keys.c                   q ends a run on a terminal
 *   cli/signals.c                which signals have arrived
 *
 *   session/session.c            any number of samplers over one host, on one schedule
 *   session/sampler.c            one tool at work: its snapshots, ticks, notes and rows
 *   session/run.c                the rows of one tool: pq TOOL
 *   session/job.c                a child process that never holds up its caller
 *
 *   tools/tools.c                the list of the tools with rows
 *   tools/tool.c                 what every tool may use: notes, gauges, shared options
 *   tools/targets.c              the processes of -p, -g or the whole machine
 *   tools/hidden.c               what /proc hides from this process, and why
 *   tools/task_source.c          rows of tasks that BPF reads, where it is available
 *   tools/cgroup_rows.c          what the tools with a row per cgroup share
 *   tools/runq.c                 pq runq
 *   tools/cpu.c                  pq cpu
 *   tools/throttle.c             pq throttle
 *   tools/mem.c                  pq mem
 *   tools/psi.c                  pq psi
 *   tools/disk/disk.c            pq disk: a row per disk
 *   tools/disk/groups.c          pq disk -G: the I/O of cgroups
 *   tools/sock/sock.c            pq sock: columns and rows
 *   tools/sock/source.c          where its figures come from; how long bytes are unread
 *   tools/sock/totals.c          pq sock --totals: rows that are put together
 *   tools/sock/softnet.c         pq sock -P: how packets come in
 *   tools/tasks/tasks.c          pq tasks: columns and rows
 *   tools/tasks/scan.c           schedstat of every thread, within a budget
 *   tools/tasks/rows.c           the threads that BPF read
 *   tools/tasks/thread.c         what has grown of a thread
 *   tools/tasks/detail.c         the ranking, and the files of the worst
 *   tools/tasks/split.c          waits for quota, and behind other tasks
 *   tools/runqlat/runqlat.c      pq runqlat: percentiles and histogram
 *   tools/runqlat/source.c       where its figures come from: BPF, schedstat or the probe
 *   tools/runqlat/probe.c        threads that measure how late they wake up
 *   tools/wait/wait.c            pq wait: columns and rows
 *   tools/wait/sample.c          what each thread did since the previous sample
 *   tools/wait/threads.c         which threads the target has
 *   tools/wait/place.c           where a thread waits
 *   tools/wait/locks.c           on whom: the owners of locks
 *   tools/wait/stack.c           on which functions a thread waits
 *   tools/wait/space.c           what is mapped in a process, and what its functions are called
 *   tools/wait/perf_map.c        how a JIT compiler calls its code
 *
 *   cgroup/locate.c              the directory of a process's cgroup: mounts, namespaces, v1, v2
 *   cgroup/process.c             the files of a process whose first thread has ended
 *   cgroup/groups.c              the cgroups that a tool watches, with their parents
 *   cgroup/quota.c               CPU quota, cpuset and pids of a cgroup
 *   cgroup/memory.c              memory of a cgroup, and of the machine in the same terms
 *   cgroup/names.c               pods, containers, units and jobs, from paths and log directories
 *   cgroup/io.c                  I/O of a cgroup, its limits and its dirty pages
 *   cgroup/pressure.c            pressure of a cgroup and of the machine
 *   cgroup/limit_changes.c       which limits were changed while samples were taken
 *
 *   host/host.c                  the seam: samples, files, facts; host.h explains it
 *   host/live.c                  this machine, or a file tree under --root
 *   host/capture.c               a directory of captured samples
 *   host/open.c                  which files may be opened, and where their names may lead
 *   host/pieces.c                pieces of the memory of a process, at once
 *   host/read_file.c             a whole file, directory or link into a buffer
 *
 *   tape/format.c                the bytes of a recording: headers and heads of records
 *   tape/abridge.c               lines that a recording leaves out
 *   tape/template.c              a text as words and numbers
 *   tape/writer.c                samples onto a tape
 *   tape/file.c                  a tape as a file: one writer, rings, cutting
 *   tape/source.c                the bytes of a file or pipe, by position
 *   tape/reader.c                from segment to segment, record to record, around damage
 *   tape/losses.c                what could not be read, in words
 *   tape/state.c                 each file's text as it was at a sample
 *   tape/lookup.c                the track of a file that a tool reads
 *   tape/tape_host.c             a recording as a host, and a host that records
 *
 *   trace/writer.c               a saved trace: blocks of events
 *   trace/reader.c               a saved trace: its blocks, around damage
 *   trace/events.c               its events: of a block, and of all CPUs by time
 *   trace/format.c               the bytes that both share
 *   trace/trace_export.c         what the formats of exports share
 *   trace/perfetto.c             a trace as Perfetto's protobuf
 *   trace/proto.c                messages of protobuf
 *   trace/chrome.c               a trace as JSON for Chrome's viewer and speedscope
 *   trace/blame.c                who ran while runnable threads waited
 *   trace/wait_sums.c            sums of these waits, and what a quota has of them
 *
 *   expr/token.c                 conditions: tokens, numbers and units
 *   expr/parse.c                 conditions: from words to steps
 *   expr/eval.c                  conditions: which rows they hold for
 *
 *   table/table.c                columns, rows and cells
 *   table/aligned.c              the text format
 *   table/spark.c                sparklines: the last figures of each row
 *   table/json_csv.c             the JSON and CSV formats, and lines for flame graphs
 *   table/flame.c                flame graphs as SVG
 *   table/metrics.c              the Prometheus format
 *   table/total.c               rows of several intervals as rows of the whole time
 *   table/summary.c              averages and percentiles at the end
 *
 *   proc/machine.c               files about the machine: stat, schedstat, loadavg, meminfo
 *   proc/disks.c                 files about disks: diskstats, and some of /sys/block
 *   proc/task.c                  files about a process or thread
 *   proc/syscalls.c              the names of system calls
 *   proc/program.c               which runtime a program file has, and its version
 *   proc/mountinfo.c             where cgroups are mounted, and which a process is in
 *   proc/cpulist.c               sets of CPUs: 0-3,5
 *   proc/wait_counts.c           counts of waits, and the text that keeps them
 *   proc/task_rows.c             rows of all tasks, and the text that keeps them
 *   proc/unwind.c                the functions on a stack
 *   proc/frames.c                by which rules their frames are left
 *   proc/elf.c                   what a program file says about addresses
 *   proc/maps.c                  what is mapped in a process; names of JIT code
 *   proc/lock_owner.c            which thread holds a lock, by the memory around its futex
 *   proc/sockets.c               rows of sockets, and the text that keeps them
 *   proc/net_files.c             files about sockets and packets: tcp, udp, netstat, softnet_stat
 *
 *   netlink/socket_list.c        the sockets of namespaces that have something queued
 *   netlink/socket_owners.c      which processes have a socket open
 *   netlink/sock_diag.c          asks the kernel for sockets
 *
 *   bpf/wait_counter.c           waits for a CPU, counted in the kernel
 *   bpf/switch_ring.c            rings of what the scheduler does, written in the kernel
 *   bpf/switch_program.c         their BPF programs
 *   bpf/switch_slots.c           their memory, read while it is written
 *   bpf/perf_ring.c              switches of one process, by perf events, without privileges
 *   bpf/perf_records.c           their records
 *   bpf/task_list.c              all tasks, read by a program that walks over them
 *   bpf/task_program.c           this program
 *   bpf/program.c                the BPF programs, assembled for this kernel
 *   bpf/btf.c                    where this kernel keeps what they read
 *   bpf/bpf.c                    instructions and the bpf(2) system call
 *   bpf/unavailable.c            why BPF is not available, and what would help
 *
 *   base/arena.c                 memory that is given back all at once
 *   base/buf.c                   bytes that are written at once
 *   base/code.c                  numbers as few bytes
 *   base/crc32c.c                the checksum of blocks and records
 *   base/fail.c                  errors and the exit status
 *   base/hist.c                  a histogram with an error of at most 1 %
 *   base/map.c                   numbers for strings
 *   base/out_file.c              files that options name to be written; '-' is stdout
 *   base/printable.c            other people's bytes on a terminal
 *   base/publish.c               names for complete files
 *   base/sentence.c              sentences whose figures are known
 *   base/sha256.c                a hash: which script a page may run
 *   base/spark.c                 the characters of sparklines, and their scale
 *   base/svg.c                   what pictures share
 *   base/terminal.c              what a terminal can show: UTF-8, colours
 *   base/text.c                  pieces of other people's bytes, numbers, names that are near
 *   base/units.c                 durations, sizes and points in time
 *
 * Calls go down this list or stay in their folder; base knows nobody, and host, table and proc do
 * not know each other. scripts/arrows checks both, and that this map is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "session/session.h"
#include "cli/args.h"
#include "cli/signals.h"
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
static const struct tool *const commands[] = { &tool_top, &tool_limits, &tool_who, &tool_why,
	&tool_report, &tool_diff, &tool_check, &tool_record, &tool_tape, &tool_trace,
	&tool_export };

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

/* What other programs call what a tool shows. */
static const char *const aliases[][2] = { { "load", "runq" }, { "uptime", "runq" },
	{ "vmstat", "runq" }, { "mpstat", "cpu" }, { "quota", "throttle" }, { "cfs", "throttle" },
	{ "free", "mem" }, { "oom", "mem" }, { "htop", "top" }, { "ps", "tasks" },
	{ "pidstat", "tasks" }, { "latency", "runqlat" }, { "locks", "wait" }, { "offcpu", "wait" },
	{ "pressure", "psi" }, { "iostat", "disk" }, { "diskstats", "disk" }, { "iotop", "disk" },
	{ "io", "disk" }, { "alert", "check" }, { "replay", "tape" }, { "sched", "trace" },
	{ "timehist", "trace" }, { "ss", "sock" }, { "netstat", "sock" }, { "sockets", "sock" },
	{ "listen", "sock" } };

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
	for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++)
		if (strcasecmp(aliases[i][0], name) == 0)
			near.name = aliases[i][1];
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
	puts("Latency is time spent waiting in a queue. pq shows the queues.\n"
	     "Usage: pq TOOL [options] [interval [count]]     (options: pq help TOOL)");
	list_tools(print_tool);
	exit_printed();
}

static bool
is_one_of(const char *word, const char *const *names)
{
	while (*names && strcmp(*names, word) != 0)
		names++;
	return *names;
}

/* The tool that the first word names, at which *words is left; help and version end here. */
static const struct tool *
tool_of_word(char ***words)
{
	static const char *const helps[] = { "help", "--help", "-h", NULL },
				 *const versions[] = { "version", "--version", "-V", NULL };
	static char help[] = "--help", *help_words[] = { NULL, help, NULL };
	const char *word = **words;

	if (!word)
		print_tools();
	if (is_one_of(word, versions)) {
		puts("pq " PQ_VERSION);
		exit_printed();
	}
	bool asks = is_one_of(word, helps);
	const char *name = asks ? (*words)[1] : word;
	if (!name || (asks && is_one_of(name, helps)))
		print_tools();
	if (*name == '-')
		die(EXIT_USAGE,
		    "no tool before '%s': usage is pq TOOL [options] ('pq help' lists "
		    "all tools)",
		    name);
	const struct tool *t = find(name);
	if (!t)
		unknown_tool(name);
	if (asks && (*words)[2])
		die(EXIT_USAGE, "unexpected argument '%s': usage is pq %s [TOOL]", (*words)[2],
		    word);
	if (asks || ((*words)[1] && strcmp((*words)[1], "help") == 0 && !(*words)[2]))
		*words = help_words;
	return t;
}

/* Rows for a stdout that is closed must not go into the file that is opened next, which would get its
 * number. Writing to a file opened by O_PATH fails with EBADF, as if it were still closed. */
static void
keep_closed(int fd)
{
	int nothing = fcntl(fd, F_GETFD) < 0 ? open("/", O_PATH) : fd;

	if (nothing < 0 || nothing == fd)
		return;
	dup2(nothing, fd);
	close(nothing);
}

int
main(int argc, char **argv)
{
	static struct options options;
	const struct tool *tool = argc > 0 ? tool_of_program(argv[0]) : NULL;
	static char *none[4];
	char **words = argc > 0 ? argv : none, name[64];

	keep_closed(STDOUT_FILENO);
	keep_closed(STDERR_FILENO);
	signals_ignore_pipe();
	if (!tool) {
		words++;
		tool = tool_of_word(&words);
	} else if (tool->runs && argv[1] && strcmp(argv[1], tool->runs->name) == 0) {
		words++;
		tool = tool->runs;
	}
	snprintf(name, sizeof name, "pq %s", tool->name);
	fail_name(name);
	if (tool->judges)
		fail_always(EXIT_UNSUPPORTED);
	options_parse(&options, tool, words + 1);
	return (int)(tool->command ? tool->command(&options) : run(&options));
}
