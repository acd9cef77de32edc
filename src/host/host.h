/*
 * host: the watched machine, as a sequence of samples. A sample has a clock reading and the text of
 * the machine's files. All time and all files come through this interface: nothing above it opens a
 * file, asks for the time or sleeps. So live use, replay, tests and the recorder run the same code.
 *
 * There are four kinds of host: this machine (live.c), a captured directory (capture.c), a
 * recording, and a host around another host that records what is read (both in tape/tape_host.c).
 */
#ifndef PQ_HOST_HOST_H
#define PQ_HOST_HOST_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

/* What a sample is for: a row needs all files of a tool, and a tick only one gauge. */
enum sample_kind { SAMPLE_ROW, SAMPLE_TICK };

struct sample {
	int64_t mono_ns; /* CLOCK_MONOTONIC of that machine: intervals are differences of it */
	int64_t real_ns; /* CLOCK_REALTIME of that machine: the time of the row */
	int64_t boot_ns; /* CLOCK_BOOTTIME of that machine: it advances during suspend */
	enum sample_kind kind;
	/* the machine was rebooted since the previous sample: its counters restarted at 0 */
	bool restarted;
	/* of a recording: how many times it was rebooted before, counted from its first segment on */
	unsigned boot;
};

/* Whether a was taken before b. Of a recording, by the clock that cannot be set. */
bool sample_before(const struct sample *a, const struct sample *b);

/* How far the wall clock is ahead of the boot clock, which nobody can set, or of the monotonic one, as some
 * recordings lack the boot clock. By more than CLOCK_STEP_NS, it changes only if somebody sets the wall clock. */
int64_t sample_ahead_ns(const struct sample *m);

#define CLOCK_STEP_NS INT64_C(1000000000)

/* Facts that the meaning of a text depends on. They are recorded with it. */
struct host_facts {
	uint64_t ticks_per_s; /* the unit of /proc/stat: USER_HZ */
	uint64_t page_size;   /* bytes */
	uint64_t cpus;        /* online; 0: unknown */
	char name[65], release[65], machine[65];
};

/* ---- Facts as lines "key value", in a recording and beside captured samples */

/* Sets the facts of most machines. */
void facts_begin(struct host_facts *f);

/* Sets the facts that the text has. Ignores other keys, and values that are not valid. */
void facts_parse(struct text t, struct host_facts *f);

void facts_print(const struct host_facts *f, struct buf *b);

/* Finds the rest of the line that begins with the key; false if there is none. */
bool facts_find(struct text t, const char *key, struct text *value);

/* ---- The interface of hosts */

struct host;
struct memory_ask;
struct memory_read;
struct memory_piece;

/* A text that is measured, not read from a file. */
struct provided {
	int (*print)(void *ctx, struct buf *out); /* 0, or -1 with errno */
	void (*close)(void *ctx);                 /* ends what measures it; NULL: nothing to end */
	void *ctx;
};

/* Sees the texts of some files when they are read. A live machine or a captured directory shows it each
 * of these files that pq reads; a recording shows those that changed, and all of them now and then. */
enum observed { OBSERVED_NOT, OBSERVED_TEXT, OBSERVED_NUMBER };

struct observer {
	/* What to see of the file: its text, or only its first number, which takes less time. A
	 * recording also asks for directories, whose paths end in '/': their text is the names. */
	enum observed (*wants)(const char *path);
	/* the text, or the errno of reading it */
	void (*read)(void *about, const char *path, int error, struct text text);
	void (*number)(void *about, const char *path, uint64_t first);
	void *about;
};

/* What is known of a file without reading it. */
struct host_file {
	uint64_t size; /* bytes */
	uint32_t owner;
	int64_t changed_ns; /* its mtime */
};

/* How the text of a file becomes a value of `size` bytes, by the text alone. Both functions set *out also
 * if they fail, and return 0, or -1 with errno. */
struct parser {
	size_t size; /* 0: the value has no fixed size, and is not kept */
	int (*parse)(struct text, void *out);
	/* If `parse` is NULL, `set` makes the value from numbers of the text. A recording has them, and need not
	 * print the text. `find` appends them to a list; if it is NULL, keyed_parse finds them, by the keys. How
	 * many there are, and where, depends only on the bytes that are not numbers. */
	const char *const *keys;
	size_t nkeys; /* at most KEYED_MOST */
	void (*find)(struct text, struct keyed_list *);
	int (*set)(const struct keyed *v, size_t n, void *out);
};

/* Finds the numbers of a parser in a text: the list has them and nothing else. A number that is missing is
 * unknown. */
void parser_find(const struct parser *p, struct text t, struct keyed_list *out);

/* Applies it to a text. */
int parser_apply(const struct parser *p, struct text t, void *out);

/* Where a recording found a file: with it, the file is found again without its path. Zero-initialise, and
 * use it for one path. */
struct seat {
	uint64_t numbering; /* of the tracks, when the track was looked up */
	uint32_t tracks;    /* how many there were */
	int track;          /* -1: there is none */
};

/* The path top + rel + "/" + file, which is put together only where no seat is known. */
struct path_parts {
	const char *top, *rel, *file; /* "sys/fs/cgroup", "/web", "cpu.stat" */
	struct seat *seat;            /* NULL: not kept */
};

struct host_ops {
	int (*next)(struct host *, int64_t deadline_ns, enum sample_kind, struct sample *);
	int (*read)(struct host *, const char *path, struct text *);
	/* NULL: host_parse reads the text */
	int (*parse)(struct host *, const char *path, const struct parser *, void *out);
	/* NULL: the path is put together */
	int (*read_parts)(struct host *, const struct path_parts *, struct text *);
	int (*parse_parts)(
	    struct host *, const struct path_parts *, const struct parser *, void *out);
	int (*list)(struct host *, const char *path, struct text *);
	int (*link)(struct host *, const char *path, struct text *);
	bool (*losses)(struct host *, char *out, size_t n); /* NULL: nothing is ever lost */
	/* NULL: a replay reads what was measured */
	int (*provide)(struct host *, const char *path, const struct provided *);
	void (*unprovide)(struct host *, const char *path);
	/* NULL: texts are wanted, as for a recording */
	const struct provided *(*measures)(struct host *, const char *path);
	/* NULL: not supported */
	int (*count)(struct host *, const char *path, uint64_t *n);
	int (*part)(struct host *, const char *path, uint64_t at, size_t n, struct text *);
	int (*about)(struct host *, const char *path, struct host_file *);
	int (*memory)(struct host *, uint32_t pid, uint64_t at, size_t n, struct memory_read *);
	int (*pieces)(
	    struct host *, uint32_t pid, struct memory_piece *, size_t n, uint32_t *space);
	int (*wait_memory)(struct host *, struct memory_ask *);
	int (*clock)(struct host *, uint32_t pid, uint64_t *ns);
	int (*links)(struct host *, const char *path, uint64_t *n);
	uint64_t (*lists)(struct host *);
	/* NULL: host_read tells the observer */
	void (*observe)(struct host *, const struct observer *);
	void (*close)(struct host *);
};

/* Each kind of host has a structure of its own that begins with this one. */
struct host {
	const struct host_ops *ops;
	struct host_facts facts;
	bool elsewhere; /* the file tree is not that of this process */
	/* the samples were recorded: next does not wait, and they end */
	bool replay;
	/* the tools that were recorded: "runq cpu"; "": unknown, or the recording is complete */
	char tools[128];
	char asked[512];    /* the recorded target: "-p 4242", "-g /web", "-a", or "" */
	char left_out[128]; /* the recorded tools that did not read this sample: "mem psi" */
	const struct observer *observer; /* NULL: nobody observes what is read */
};

/* Whether this sample of a recording was made without reading the tool's files, which have the text
 * of an earlier sample: the recorder reads some tools less often than others. A tool that was not
 * recorded has its files, if at all, where no tool was left out. */
bool host_left_out(const struct host *h, const char *tool);

/* Sets left_out from the text of TAPE_TOOLS (tape/format.h), which a recording has per sample. */
void host_set_left_out(struct host *h, struct text t);

/* Moves to the next sample. A live host sleeps until deadline_ns (monotonic; one that has passed is
 * now) and makes a sample of that kind. A replay returns the next sample of any kind, and ignores
 * the deadline. Returns 1; 0 at the end; -1 with errno: EINTR if a signal interrupts the sleep. */
int host_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m);

/* Reads a file of this sample. Paths are relative to the root of the machine ("proc/stat"). The
 * text is valid until the next call on this host. Returns 0, or -1 with the errno of reading the
 * file on that machine. */
int host_read(struct host *h, const char *path, struct text *text);

/* Reads a file of this sample as host_read does, and sets *out by its text. A recording does not parse a
 * file again that has not changed. Returns 0, or -1 with errno: that of host_read, which leaves *out as it
 * is, or that of the parser. */
int host_parse(struct host *h, const char *path, const struct parser *p, void *out);

/* Writes the whole path; false with ENAMETOOLONG. */
bool path_join(const struct path_parts *p, char path[PATH_MAX]);

/* host_read and host_parse of a path in parts. Their other error is that of path_join. */
int host_read_parts(struct host *h, const struct path_parts *path, struct text *text);
int host_parse_parts(
    struct host *h, const struct path_parts *path, const struct parser *p, void *out);

/* Lists the subdirectories of a directory, one name per line, in any order, and otherwise as
 * host_read. Below var/log, links are listed too: the kubelet's names are those of links. Names with a newline are left out: the kernel makes none, and they could pass for two.
 * A directory that has gone since the last call may still be listed, without subdirectories. */
int host_list(struct host *h, const char *path, struct text *names);

/* Reads the target of a symbolic link, such as "socket:[4242]" of proc/PID/fd/3, without a newline,
 * and otherwise as host_read. EINVAL: not a link. */
int host_link(struct host *h, const char *path, struct text *target);

/* Counts the entries of any kind in a directory: those of /proc/PID/fd are the open files. Returns
 * 0, or -1 with errno: EOPNOTSUPP for a recording, which does not have them. */
int host_count(struct host *h, const char *path, uint64_t *n);

/* Reads the CPU clock of a process: the sum of the run times in the files schedstat of its threads, those
 * that have ended included. The kernel adds them up in one call, for any process. Returns 0, or -1 with
 * errno: EOPNOTSUPP for a recording, which does not have it, or if /proc is not of the same machine and
 * pid namespace as this process; EINVAL if there is no such process. */
int host_clock(struct host *h, uint32_t pid, uint64_t *ns);

/* Counts the hard links of a directory: those of /proc/PID/task change with the number of threads, without
 * listing them. Returns 0, or -1 with errno: EOPNOTSUPP for a recording, which does not have them. */
int host_links(struct host *h, const char *path, uint64_t *n);

/* A number that changes whenever the result of host_list may change; 0 if that is unknown, as on a live
 * host. */
uint64_t host_lists(struct host *h);

/* Reads up to n bytes at the offset `at` of proc/PID/exe, proc/PID/maps or proc/PID/map_files/…, or of a
 * regular file in the file tree of a process, proc/PID/root/…; fewer at its end. These files belong to
 * somebody, may be large, and may be on a file system that never answers: the caller looks at the
 * mounts first.
 * Returns 0, or -1 with errno: EOPNOTSUPP for a recording, which does not have them; EXDEV if it is
 * no regular file, or a link is in the way. */
int host_part(struct host *h, const char *path, uint64_t at, size_t n, struct text *text);

/* Sets *out to what is known of such a file. Returns as host_part. */
int host_about(struct host *h, const char *path, struct host_file *out);

/* What host_memory sets; valid until the next call on this host. */
struct memory_read {
	struct text bytes;
	/* a number of the address space. Where it is another one, the process may run another program,
	 * or be another process. */
	uint32_t space;
};

/* Reads up to n bytes of the memory of a process, which goes on meanwhile; fewer if the pages that
 * follow are not in memory, as with host_wait_memory. Needs the same permission. Returns 0, or -1 with errno: EFAULT no such memory, or not there now,
 * or the process has begun another program, whose memory the next call reads; EACCES no permission to
 * trace the process; EOPNOTSUPP a recording, or a copy of /proc. */
int host_memory(struct host *h, uint32_t pid, uint64_t at, size_t n, struct memory_read *out);

/* A piece of memory that host_memory_pieces reads. */
struct memory_piece {
	uint64_t at;
	size_t n;
	struct text bytes; /* n bytes; empty: not read */
};

/* Reads several pieces of the memory of a running process. `pid` must not be the number of another of its threads:
 * when that thread has ended, another process may have this number. Leaves out a piece of more than 4 pages, and one with
 * a page that is not in memory. They are valid until the next call of this function. Sets *space as host_memory
 * does: the pieces are of that space. Returns 0, or -1 with errno, as host_memory or for another reason. Even if
 * it fails, host_memory may be able to read each piece. */
int host_memory_pieces(
    struct host *h, uint32_t pid, struct memory_piece *v, size_t n, uint32_t *space);

/* Memory of a process around a place for which one of its threads waits. */
struct memory_ask {
	uint32_t pid,
	    tid; /* proc/PID/task/TID/mem is read: proc/PID/mem is empty if the first thread has ended */
	uint64_t at; /* an address on a page that must be there */
	uint32_t before,
	    after; /* so many bytes around it, as far as the pages next to it are there */
	/* set by the call, and valid until the next one on this host: */
	struct text call;  /* the text of the thread's file syscall */
	struct text bytes; /* the memory, from the address `from` on */
	uint64_t from;
};

/* Reads them. Everything is read twice, and the thread must not have run in between: what the memory
 * says held while it waited. Neither process nor thread notices it, and nothing is read that is not in
 * memory, so that no other program, which may never answer, has to bring it there. Returns 0, or -1
 * with errno: EAGAIN the thread ran, or the memory changed; EFAULT no such memory, or not there now;
 * EOPNOTSUPP a recording, which does not have it, or a copy of /proc; EACCES no permission to trace
 * the process. */
int host_wait_memory(struct host *h, struct memory_ask *m);

/* From now on reading this path gives what p->print prints for the sample. So measured texts can be
 * recorded and replayed as files are. NULL: use what measures this path already, for another
 * sampler. Returns 0, or -1 with errno: EEXIST if something measures this path already; ENOENT for
 * NULL if nothing does; EOPNOTSUPP for a replay, which has the recorded text. */
int host_provide(struct host *h, const char *path, const struct provided *p);

/* Undoes one host_provide. After the last one, p->close ends what measures the path. Does nothing if
 * nothing measures it. */
void host_unprovide(struct host *h, const char *path);

/* What measures this path, for a caller who knows it and can take its figures without their text. NULL:
 * nothing does, or the text is wanted, as it is recorded. */
const struct provided *host_measures(struct host *h, const char *path);

/* From now on host_next and host_read show the observer files; NULL: no longer. The observer must not
 * read the host. */
void host_observe(struct host *h, const struct observer *o);

/* Prints one line about the parts of a recording that could not be read so far; false if there are
 * none. */
bool host_losses(struct host *h, char *out, size_t n);

void host_close(struct host *h);

/* ---- Kinds of hosts */

/* This machine, or the machine whose file tree is below `root` ("/"). NULL with errno. */
struct host *host_live(const char *root);

/* A captured directory: it has a directory for each sample, in the order of their names, each a
 * file tree with proc/ and sys/. scripts/capture writes it. NULL with errno; ENOENT also if it has
 * no sample. */
struct host *host_capture(const char *dir);

/* The name of the directory of the present sample. */
const char *host_capture_name(const struct host *h);

/* A recording in a file, or from a pipe. The host takes over the descriptor. NULL with errno:
 * EINVAL not a recording, ENOTSUP of a later version, ENODATA without samples. */
struct host *host_tape(int fd, bool pipe);

/* Sets *out to the times of the first and the last sample of a recording in a file. Returns 0, or
 * -1 with errno: ESPIPE for a pipe. */
int host_tape_span(struct host *h, struct span *out);

/* Goes to the beginning of a recording, limits it to this window (CLOCK_REALTIME), and forgets the
 * observer. `follow`: wait for more samples at the end. */
void host_tape_window(struct host *h, struct span window, bool follow);

/* Skips the samples before this one. To be called after host_tape_window; only for a file. */
void host_tape_skip(struct host *h, const struct sample *to);

struct tape_writer;
struct tape_file;

/* A host around `inner` that records what is read. It reads each file once per sample, so that all
 * tools see the same text. `about` is what the recording says of itself, in lines "key value".
 * Closing the host closes `inner`, but not the writer. */
struct host *host_record(struct host *inner, struct tape_writer *w, struct text about);

/* Ends the sample: writes what was read for it. Returns 0, or -1 with the errno of
 * tape_writer_sample. */
int host_recorded(struct host *h, struct tape_file *f);

#endif
