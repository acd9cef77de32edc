#include "proc/task_status.h"

#include <errno.h>

/* The name cannot pass for another line: the kernel escapes a newline in it here. */
int
task_status_parse(struct text t, struct task_status *out)
{
	struct task_status s = { .state = '\0' };
	struct text line, word;
	uint64_t v;

	while (text_whole_line(&t, &line)) {
		if (line.n == 0 || (line.s[0] != 'S' && line.s[0] != 'v' && line.s[0] != 'n'))
			continue;
		if (text_skip(&line, "State:") && text_word(&line, &word) && !s.state)
			s.state = word.s[0];
		else if (text_skip(&line, "voluntary_ctxt_switches:") &&
		    text_next_u64(&line, &v) == 0)
			s.voluntary = keyed_of(v);
		else if (text_skip(&line, "nonvoluntary_ctxt_switches:") &&
		    text_next_u64(&line, &v) == 0)
			s.involuntary = keyed_of(v);
	}
	if (!s.state) {
		errno = EINVAL;
		return -1;
	}
	*out = s;
	return 0;
}
