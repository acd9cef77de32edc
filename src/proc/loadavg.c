#include "proc/loadavg.h"

#include <errno.h>

int
loadavg_parse(struct text t, struct loadavg *out)
{
	struct text line, word, running;

	if (!text_line(&t, &line))
		goto bad;
	for (int i = 0; i < 3; i++)
		if (!text_word(&line, &word) || text_decimal(word, &out->load[i]) < 0)
			goto bad;
	if (!text_word(&line, &word) || !text_split(&word, '/', &running) ||
	    text_u64(running, &out->running) < 0 || text_u64(word, &out->threads) < 0)
		goto bad;
	return 0;
bad:
	errno = EINVAL;
	return -1;
}
