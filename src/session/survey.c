#include "session/survey.h"

#include <string.h>
#include <sys/stat.h>

#include "base/fail.h"
#include "cli/open.h"

static void
check_source(const char *source)
{
	struct stat st;

	if (strcmp(source, "-") == 0 ||
	    (stat(source, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		die(EXIT_USAGE,
		    "-f %s: a recording is read twice, which a pipe cannot be: write it to a file",
		    source);
}

uint64_t
survey(const struct options *o, struct host *past)
{
	struct moment m;
	uint64_t moments = 0, rows = 0, whole = 0;
	char lost[256];

	check_source(o->source);
	struct host *h = tapes_open(o);
	while (host_next(h, 0, MOMENT_ROW, &m) > 0) {
		if (moments++ == 0)
			*past = *h;
		else if (m.restarted && rows > 0)
			die(EXIT_FAILED,
			    "%s: the machine was booted anew in it: choose the time before or "
			    "after with --from and --to",
			    o->source);
		if (m.kind == MOMENT_TICK)
			continue;
		whole = moments;
		rows++;
	}
	if (host_losses(h, lost, sizeof lost))
		warn("%s: %s", o->source, lost);
	host_close(h);
	if (rows < 2)
		die(EXIT_FAILED, "%s: %s it%s; there have to be two", o->source,
		    rows ? "only one moment in" : "no moment in",
		    o->from.written || o->to.written ? " between these times" : "");
	return whole;
}
