/* source: where pq tasks gets its figures: rows that a BPF program wrote, or files of each thread. BPF
 * gives the rows as the text of a file that the host provides, so that a recording has them too. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bpf/task_list.h"
#include "tools/tasks/tasks.h"

static int
print_rows(void *ctx, struct buf *out)
{
	struct tasks_state *state = ctx;

	return task_list_print(state->list, out);
}

/* The rows of one process are another file than those of all. */
static void
name_file(const struct watch *w, char out[24])
{
	const char *pid = w->ask->target.pid;

	snprintf(out, 24, pid ? "pq/tasks-%.10s" : "pq/tasks", pid);
}

/* Times after boot are those of the first time namespace, which always has this inode number. */
static bool
knows_times(void)
{
	const ino_t first = 0xeffffffa; /* PROC_TIME_INIT_INO */
	struct stat st;

	return stat("/proc/self/ns/time", &st) < 0 || st.st_ino == first;
}

static bool
open_list(struct watch *w, struct bpf_why *why)
{
	static const enum task_list_mode modes[] = { [TASKS_BPF_LOOP] = TASK_LIST_LOOP,
		[TASKS_BPF_ITER] = TASK_LIST_ITER,
		[TASKS_PROC] = TASK_LIST_ANY };
	struct tasks_state *state = w->state;
	uint64_t pid = 0;

	if (w->ask->target.pid && text_u64(text_of(w->ask->target.pid), &pid) < 0)
		pid = 0;
	if (w->host->elsewhere)
		snprintf(why->text, sizeof why->text, "--root reads files only");
	else if (!wait_counter_knows_pids() || !knows_times())
		snprintf(why->text, sizeof why->text,
		    "it needs the host's process IDs and clock, and this is a pid or time "
		    "namespace "
		    "(docker run --pid=host)");
	else
		return task_list_open(
			   &state->list, modes[tasks_options(w)->source], (uint32_t)pid, why) == 0;
	return false;
}

bool
tasks_find_recorded(struct watch *w)
{
	struct tasks_state *state = w->state;
	struct text text;
	char file[24];

	name_file(w, file);
	if (host_read(w->host, file, &text) < 0)
		snprintf(file, sizeof file, "pq/tasks");
	if (host_read(w->host, file, &text) < 0)
		return false;
	memcpy(state->rows_file, file, sizeof file);
	return true;
}

bool
tasks_begin_source(struct watch *w)
{
	enum tasks_source wanted = tasks_options(w)->source;
	struct tasks_state *state = w->state;
	const struct provided p = { print_rows, state };
	struct bpf_why why;

	if (wanted == TASKS_PROC)
		return true;
	if (w->host->replay && tasks_find_recorded(w))
		return true;
	if (!w->host->replay && open_list(w, &why)) {
		name_file(w, state->rows_file);
		return host_provide(w->host, state->rows_file, &p) == 0 ||
		    watch_fail(w, EXIT_FAILED, "too many sources: %s", strerror(errno));
	}
	if (wanted == TASKS_ANY)
		return true;
	if (w->host->replay)
		watch_fail(w, EXIT_UNSUPPORTED, "the recording was made without BPF");
	else
		watch_fail(w, EXIT_UNSUPPORTED, "BPF is not available: %s", why.text);
	return false;
}

int
tasks_read_rows(struct watch *w)
{
	struct tasks_state *state = w->state;
	struct task_rows *now = &state->rows[state->scans % 2];
	struct text text;

	now->n = 0;
	if (host_read(w->host, state->rows_file, &text) < 0)
		return -1;
	return task_rows_parse(text, &state->rows[(state->scans + 1) % 2], now);
}

void
tasks_end_source(struct watch *w)
{
	struct tasks_state *state = w->state;

	if (state->list)
		host_provide(w->host, state->rows_file, NULL);
	task_list_close(state->list);
	state->list = NULL;
}
