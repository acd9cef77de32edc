#include "proc/environ.h"

bool
environ_find(struct text t, const char *name, struct text *value)
{
	struct text one;

	while (text_split(&t, '\0', &one)) {
		if (!text_skip(&one, name) || !text_skip(&one, "="))
			continue;
		*value = one;
		return true;
	}
	return false;
}

bool
environ_option(struct text value, const char *prefix, struct text *out)
{
	struct text word;
	bool found = false;

	while (text_word(&value, &word)) {
		if (!text_skip(&word, prefix))
			continue;
		*out = word;
		found = true;
	}
	return found;
}
