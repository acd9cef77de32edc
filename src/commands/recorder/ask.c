/* ask: whether a process can be asked to save. */
#include "commands/recorder/ask.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "host/read_file.h"

/* By the line
 * "SigCgt:	0000000000014a02" of /proc/PID/status, which has a bit per signal. */
bool
ask_is_caught(int pid)
{
	enum { DIGIT = (SIGUSR1 - 1) / 4, BIT = (SIGUSR1 - 1) % 4 };
	static const char hex[] = "0123456789abcdef";
	struct text rest, line, mask;
	struct buf status = { 0 };
	char path[64];
	bool whole = false, catches = false;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	rest = slurp_file(fd, &status, &whole) < 0 ? (struct text){ "", 0 } :
						     (struct text){ status.s, status.n };
	while (text_line(&rest, &line)) {
		if (!text_skip(&line, "SigCgt:") || !text_word(&line, &mask) || mask.n <= DIGIT)
			continue;
		const char *digit = strchr(hex, mask.s[mask.n - 1 - DIGIT]);
		catches = digit && ((digit - hex) >> BIT & 1);
	}
	buf_free(&status);
	close(fd);
	return catches;
}
