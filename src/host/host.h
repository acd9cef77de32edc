/*
 * host: the machine being watched, as a sequence of samples. Each sample (struct sample) has a clock
 * reading and the text of the machine's files. Time and files come through this one seam: nothing
 * above it opens a file, asks for the time or sleeps. So live use, replay, tests and the recorder,
 * which is a host around a host, are the same code.
 *
 * Makers: this machine (live.c), a directory of captured samples (capture.c), a tape
 * (tape/tape_host.c), and a host around another one that puts what is read through it on a tape
 * (tape/recording.c).
 */
#ifndef PQ_HOST_HOST_H
#define PQ_HOST_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"

/* What a sample is for: a row needs all files of a tool; a tick looks at one gauge in between. */
enum sample_kind { SAMPLE_ROW, SAMPLE_TICK };

struct sample {
	int64_t mono_ns; /* CLOCK_MONOTONIC of that machine: differences of it are spans */
	int64_t real_ns; /* CLOCK_REALTIME of that machine: what the row's time shows */
	int64_t boot_ns; /* CLOCK_BOOTTIME of that machine: it advances during suspend */
	enum sample_kind kind;
	/* the machine was rebooted since the previous sample: its counters restarted at 0 */
	bool restarted;
};

/* What changes the meaning of a text, and is therefore recorded with it. */
struct host_facts {
	uint64_t ticks_per_s; /* the unit of /proc/stat: USER_HZ */
	uint64_t page_size;   /* bytes */
	uint64_t cpus;        /* that are online; 0: unknown */
	char name[65], release[65], machine[65];
};

/* The facts as a recording keeps them: lines "key value", beside captured samples and on a tape. */

/* What holds for most machines. */
void facts_begin(struct host_facts *f);

/* Sets what the text tells. Other keys are skipped, and so is a value that cannot be. */
void facts_parse(struct text t, struct host_facts *f);

void facts_print(const struct host_facts *f, struct buf *b);

/* The rest of the line that begins with the key; false when there is none. */
bool facts_find(struct text t, const char *key, struct text *value);

struct host;

/* A text that is no file's, as it has to be measured. */
struct provided {
	int (*print)(void *ctx, struct buf *out); /* 0, or -1 with errno */
	void *ctx;
};

struct host_ops {
	int (*next)(struct host *, int64_t deadline_ns, enum sample_kind, struct sample *);
	int (*read)(struct host *, const char *path, struct text *);
	int (*list)(struct host *, const char *path, struct text *);
	int (*link)(struct host *, const char *path, struct text *);
	bool (*losses)(struct host *, char *out, size_t n); /* NULL: it loses nothing */
	/* NULL: a replay reads what was measured */
	int (*provide)(struct host *, const char *path, const struct provided *);
	/* NULL: it does not keep that */
	int (*count)(struct host *, const char *path, uint64_t *n);
	void (*close)(struct host *);
};

/* A maker's own structure begins with this one. */
struct host {
	const struct host_ops *ops;
	struct host_facts facts;
	bool elsewhere; /* the file tree is not the one that this process lives in */
	/* the samples were recorded: next does not wait, and they end */
	bool replay;
	/* for which a tape was recorded: "runq cpu"; "" when that is not known, or all that there
	 * was is on it */
	char tools[128];
	char asked[512]; /* the recorded target: "-p 4242", "-g /web", "-a", or "" */
};

/* Moves on to the next sample. A live host sleeps until deadline_ns (monotonic; one that has passed
 * is now) and makes a sample of the kind asked for; a replay gives the sample that was kept next,
 * of whatever kind, and ignores the deadline. Returns 1; 0 when there are no more; -1 with errno:
 * EINTR when a signal came. */
int host_next(struct host *h, int64_t deadline_ns, enum sample_kind kind, struct sample *m);

/* The text of a file in this sample; paths are relative to the machine's root ("proc/stat"). It is
 * valid until the next call on this host. Returns 0, or -1 with the errno that reading the file
 * has, or had, on that machine. */
int host_read(struct host *h, const char *path, struct text *text);

/* The names of a directory's sub-directories in this sample, one per line, in no order. One with a
 * newline in its name is left out: the kernel makes none, and it could pass for two. Otherwise as
 * host_read, but that a directory which has gone since it was listed last may come out empty. */
int host_list(struct host *h, const char *path, struct text *names);

/* What a symbolic link leads to in this sample, such as "socket:[4242]" of proc/PID/fd/3: no file's
 * text, and no newline behind it. Otherwise as host_read; EINVAL when the path is no link. */
int host_link(struct host *h, const char *path, struct text *target);

/* How many entries a directory has, of any kind: of /proc/PID/fd how many files are open. 0, or -1
 * with errno: EOPNOTSUPP on a tape, which does not have it. */
int host_count(struct host *h, const char *path, uint64_t *n);

/* From now on reading this path gives what is printed in that sample; NULL: no more. So what is
 * measured goes the way of what is read, onto a tape and back. 0; -1 with errno: EOPNOTSUPP it is a
 * replay. */
int host_provide(struct host *h, const char *path, const struct provided *p);

/* One line about what of a recording could not be read, so far; false when nothing was lost. */
bool host_losses(struct host *h, char *out, size_t n);

void host_close(struct host *h);

/* The machine that this program runs on, or the one whose file tree stands under `root` ("/"). NULL
 * with errno. */
struct host *host_live(const char *root);

/* A directory that holds one directory per sample, taken in the order of their names, each a tree
 * with proc/ and sys/: what scripts/capture writes. NULL with errno; ENOENT also when there is no
 * sample in it. */
struct host *host_capture(const char *dir);

/* The name of the directory of the present sample in it. */
const char *host_capture_name(const struct host *h);

/* A tape, from a file, or a pipe that is read as it comes. The descriptor becomes the host's. NULL
 * with errno: EINVAL it is no tape, ENOTSUP it is of a later version, ENODATA there is no sample on
 * it. */
struct host *host_tape(int fd, bool pipe);

/* The times of the first and of the last sample of a tape that is a file. 0, or -1 with errno. */
int host_tape_span(struct host *h, struct span *out);

/* Before the first host_next: only this much of the tape (CLOCK_REALTIME); follow: wait for more at
 * its end. */
void host_tape_window(struct host *h, struct span window, bool follow);

struct tape_writer;
struct tape_file;

/* The inner host, and what is read through it is kept on the tape: host_recorded ends a sample. A
 * file is read once in a sample, however often it is asked for. Closing it closes the inner one,
 * and leaves the writer. `about` is what the tape is to say of itself, in lines "key value". */
struct host *host_record(struct host *inner, struct tape_writer *w, struct text about);

/* All that is wanted of this sample was read: puts it on that tape. 0, or -1 with errno, see
 * tape_writer_sample. */
int host_recorded(struct host *h, struct tape_file *f);

#endif
