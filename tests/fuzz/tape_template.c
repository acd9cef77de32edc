/* Two texts, before and behind the first NUL: what is renewed from one to the other is as if it had
 * been taken. */
#include <stdlib.h>
#include <string.h>

#include "tape/template.h"
#include "replay.h"

static void
must_print(const struct figures *f, struct text t)
{
	struct printed p = { .valid = false };

	figures_show(f, f->values, &p);
	if (!text_same((struct text){ p.text.s, p.text.n }, t))
		abort();
	printed_free(&p);
}

static void
must_equal(const struct figures *a, const struct figures *b)
{
	if (a->count != b->count || a->text.n != b->text.n ||
	    (a->text.n > 0 && memcmp(a->text.s, b->text.s, a->text.n) != 0))
		abort();
	for (size_t i = 0; i < a->count; i++)
		if (a->values[i] != b->values[i] || a->spots[i].at != b->spots[i].at ||
		    a->spots[i].n != b->spots[i].n || a->spots[i].kind != b->spots[i].kind)
			abort();
}

static void
renew(struct figures *f, struct text t)
{
	struct figures taken = { 0 };

	figures_take(&taken, t);
	must_print(&taken, t);
	if (figures_renew(f, t)) {
		must_equal(f, &taken);
		must_print(f, t);
	} else {
		figures_take(f, t);
	}
	figures_free(&taken);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *nul = n > 0 ? memchr(data, '\0', n) : NULL;
	size_t first = nul ? (size_t)(nul - data) : n, behind = nul ? first + 1 : n;
	struct text a = { (const char *)data, first },
		    b = { (const char *)data + behind, n - behind };
	struct figures f = { 0 };

	figures_take(&f, a);
	must_print(&f, a);
	renew(&f, b);
	renew(&f, a);
	renew(&f, a);
	figures_free(&f);
	return 0;
}
