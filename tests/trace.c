/*
 * Writes a saved trace to stdout, from lines on stdin. Times are in ns since boot.
 *
 *  clocks BOOT REAL           cgroup PATH              thread TID PID COMM CGROUP [kernel]
 *  switch AT CPU PREV STATE NEXT      waking AT CPU TID TO       migrate AT CPU TID TO
 *  new AT CPU TID             exec AT CPU TID          exit AT CPU TID
 *  loss CPU FROM TO N         mark AT WORDS            fact KEY VALUE
 *  quota CGROUP AT THROTTLED [limited]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/trace_file.h"

enum { WORDS = 8 };

static uint64_t
number(const char *word)
{
	return word ? strtoull(word, NULL, 10) : 0;
}

static uint32_t
small(const char *word)
{
	return (uint32_t)number(word);
}

static void
put_thread(struct trace_writer *w, char **word)
{
	struct trace_thread t = { .tid = small(word[1]),
		.pid = small(word[2]),
		.cgroup = word[4] && *word[4] != '-' ? small(word[4]) : (uint32_t)TRACE_NO_CGROUP,
		.kernel = word[5] != NULL };

	for (size_t i = 0; word[3] && word[3][i] && i + 1 < sizeof t.comm; i++)
		t.comm[i] = word[3][i];
	trace_put_thread(w, &t);
}

static void
put_fact(struct trace_writer *w, const char *key, const char *value)
{
	char line[1024];
	int n = snprintf(line, sizeof line, "%s %s\n", key, value);

	if (n > 0 && (size_t)n < sizeof line)
		trace_put_facts(w, (struct text){ line, (size_t)n });
}

static int
kind_of(const char *word)
{
	static const char *const kinds[SCHED_KINDS] = { "", "switch", "waking", "new", "exec",
		"exit", "migrate" };

	for (int i = 1; i < SCHED_KINDS; i++)
		if (strcmp(word, kinds[i]) == 0)
			return i;
	return 0;
}

static void
put_event(struct trace_writer *w, int kind, char **word)
{
	struct sched_event e = { .at_ns = number(word[1]),
		.cpu = small(word[2]),
		.tid = small(word[3]),
		.kind = (uint8_t)kind };

	if (kind == SCHED_SWITCH) {
		e.state = word[4] ? *word[4] : 'S';
		e.other = small(word[5]);
	} else {
		e.to = small(word[4]);
	}
	trace_put_event(w, &e);
}

static int
put_line(struct trace_writer *w, char **word, const char *rest)
{
	if (strcmp(word[0], "clocks") == 0)
		trace_put_clocks(
		    w, &(struct trace_clocks){ number(word[1]), number(word[2]), number(word[1]) });
	else if (strcmp(word[0], "cgroup") == 0)
		trace_put_cgroup(w, word[1]);
	else if (strcmp(word[0], "thread") == 0)
		put_thread(w, word);
	else if (strcmp(word[0], "loss") == 0)
		trace_put_loss(w,
		    &(struct trace_loss){
			small(word[1]), number(word[2]), number(word[3]), number(word[4]) });
	else if (strcmp(word[0], "quota") == 0)
		trace_put_quota(w,
		    &(struct trace_quota){
			small(word[1]), number(word[2]), number(word[3]), word[4] != NULL });
	else if (strcmp(word[0], "mark") == 0)
		trace_put_mark(w, number(word[1]), rest);
	else if (strcmp(word[0], "fact") == 0)
		put_fact(w, word[1], rest);
	else if (kind_of(word[0]))
		put_event(w, kind_of(word[0]), word);
	else
		return -1;
	return 0;
}

int
main(void)
{
	struct trace_writer *w = trace_writer_new(STDOUT_FILENO);
	char line[1024], copy[sizeof line];

	while (fgets(line, sizeof line, stdin)) {
		char *word[WORDS] = { NULL }, *rest = copy;
		int n = 0;
		line[strcspn(line, "\n")] = '\0';
		memcpy(copy, line, sizeof copy);
		for (int blanks = 0; blanks < 2 && *rest; rest++)
			blanks += *rest == ' ';
		for (char *s = strtok(line, " \t"); s && n < WORDS - 1; s = strtok(NULL, " \t"))
			word[n++] = s;
		if (n > 0 && *word[0] != '#' && put_line(w, word, rest) < 0) {
			fprintf(stderr, "trace: unknown line: %s\n", copy);
			return 2;
		}
	}
	return trace_writer_end(w) < 0;
}
