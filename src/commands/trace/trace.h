/* trace: what the works of pq trace share. */
#ifndef PQ_COMMANDS_TRACE_H
#define PQ_COMMANDS_TRACE_H

#include "cli/args.h"
#include "commands/recorder/plan.h"
#include "trace/trace_file.h"

struct trace_options {
	struct saving_options saving;
	bool json;
	int source;      /* enum trace_source of ring.h */
	int64_t slow_ns; /* 0: not given */
	uint64_t ring;   /* bytes; 0: not given */
	int64_t last_ns; /* 0: not given */
	const char *out, *beside;
};

/* take.c: records for that time (0: until a signal ends it), and writes the trace. */
enum exit_status trace_take(const struct options *o, int64_t for_ns);

/* keep.c: keeps the newest events for that time, and saves windows of them. */
enum exit_status trace_keep(const struct options *o, int64_t for_ns);

/* Asks the process that does that, or the only one there is (NULL), to save now. */
enum exit_status trace_ask(const char *pid);

/* A work on a saved trace, which is open. */
enum exit_status trace_info(const struct options *o, const char *path, const struct trace_file *t);
enum exit_status trace_text(const struct options *o, const char *path, const struct trace_file *t);
enum exit_status trace_export(
    const struct options *o, const char *path, const struct trace_file *t);

/* The window of --from and --to; false if neither was given. */
bool trace_window(
    const struct options *o, const char *path, const struct trace_file *t, struct span *window);

/* Begins an object as buf_json_begin does; with a time of null if the trace has no reading of the
 * clock. */
void trace_json_begin(
    struct buf *b, const struct trace_file *t, uint64_t at_ns, struct report *times);

/* Events that are lost. */
uint64_t trace_lost(const struct trace_file *t);

/* Says what is damaged: "2 blocks are damaged; the end is missing". False if nothing is. */
bool trace_damage_text(const struct trace_file *t, char *out, size_t n);

/* A new file for what is recorded or exported, with this mode; "-" is stdout. Returns its descriptor, or
 * ends the program. */
int trace_create(const char *path, unsigned mode);

#endif
