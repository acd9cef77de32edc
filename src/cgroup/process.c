#include "cgroup/process.h"

#include <string.h>

#include "base/buf.h"
#include "proc/mountinfo.h"
#include "proc/task.h"

/* "proc/NUMBER/FILE" */
static const char *
path_of(char out[PROCESS_NUMBER + 16], const char *number, const char *file)
{
	stpcpy(stpcpy(stpcpy(out, "proc/"), number), file);
	return out;
}

static bool
has_ended(struct host *h, const char *number)
{
	struct task_stat stat;
	struct text text;
	char path[PROCESS_NUMBER + 16];

	return host_read(h, path_of(path, number, "/stat"), &text) == 0 &&
	    task_stat_parse(text, &stat) == 0 && stat.state == 'Z';
}

void
process_living(struct host *h, char number[PROCESS_NUMBER])
{
	struct text names, name;
	char path[PROCESS_NUMBER + 16], other[PROCESS_NUMBER];
	uint64_t tid;

	if (strcmp(number, "self") == 0 || !has_ended(h, number))
		return;
	if (host_list(h, path_of(path, number, "/task"), &names) < 0)
		return;
	while (text_line(&names, &name)) {
		if (text_u64(name, &tid) < 0)
			continue;
		*put_digits(other, tid, 1) = '\0';
		if (strcmp(other, number) != 0) {
			memcpy(number, other, sizeof other);
			return;
		}
	}
}

static int
read_cgroup(struct host *h, const char *number, struct text *out)
{
	char path[PROCESS_NUMBER + 16];

	return host_read(h, path_of(path, number, "/cgroup"), out);
}

/* Whether the kernel may have written it of a task that has ended: all hierarchies of v1 have the root. */
static bool
may_be_wrong(struct text t)
{
	struct text line, id, controllers;
	bool v1 = false;

	while (text_line(&t, &line)) {
		if (!text_split(&line, ':', &id) || !text_split(&line, ':', &controllers) ||
		    text_eq(id, "0"))
			continue;
		if (!text_eq(line, "/"))
			return false;
		v1 = true;
	}
	return v1;
}

int
process_cgroup(struct host *h, char number[PROCESS_NUMBER], struct text *out)
{
	char process[PROCESS_NUMBER];

	if (read_cgroup(h, number, out) < 0)
		return -1;
	if (!may_be_wrong(*out))
		return 0;
	memcpy(process, number, sizeof process);
	process_living(h, number);
	if (read_cgroup(h, number, out) == 0)
		return 0;
	memcpy(number, process, sizeof process); /* the other thread has ended too */
	return read_cgroup(h, number, out);
}

bool
process_cpu_cgroup(struct host *h, uint32_t pid, struct text *path)
{
	char number[PROCESS_NUMBER];
	struct text text;

	*put_digits(number, pid, 1) = '\0';
	return process_cgroup(h, number, &text) == 0 && pidcgroup_find(text, "cpu", path) != 0;
}
