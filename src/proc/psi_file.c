#include "proc/psi_file.h"

#include <errno.h>
#include <stddef.h>

static void
parse_line(struct text line, struct psi_line *out)
{
	static const char *const keys[] = { "avg10=", "avg60=", "avg300=" };
	struct psi_line p = { 0 };
	struct text word;

	for (size_t i = 0; i < 3; i++)
		if (!text_word(&line, &word) || !text_skip(&word, keys[i]) ||
		    text_decimal(word, &p.avg[i]) < 0)
			return;
	if (!text_word(&line, &word) || !text_skip(&word, "total=") ||
	    text_u64(word, &p.total_us) < 0)
		return;
	p.known = true;
	*out = p;
}

int
psi_parse(struct text t, struct psi *out)
{
	struct text line;

	*out = (struct psi){ 0 };
	while (text_line(&t, &line)) {
		if (text_skip(&line, "some "))
			parse_line(line, &out->some);
		else if (text_skip(&line, "full "))
			parse_line(line, &out->full);
	}
	if (out->some.known || out->full.known)
		return 0;
	errno = EINVAL;
	return -1;
}
