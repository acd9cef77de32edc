#include "cli/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/units.h"

static bool
take_time(struct text arg, bool zero, int64_t *to)
{
	const int64_t least_ns = 1000000, most_ns = INT64_C(31) * 86400 * 1000000000;
	int64_t ns;

	if (duration_parse(arg, &ns) < 0 || (ns < least_ns && !(zero && ns == 0)) || ns > most_ns)
		return false;
	*to = ns;
	return true;
}

int
interval_parse(struct text t, int64_t *ns)
{
	return take_time(t, false, ns) ? 0 : -1;
}

static bool
take_number(const struct option *o, struct text arg, unsigned *to)
{
	uint64_t n;

	if (text_u64(arg, &n) < 0 || n == 0 || n > o->most)
		return false;
	*to = (unsigned)n;
	return true;
}

static bool
take_share(struct text arg, double *to)
{
	bool percent = arg.n > 0 && arg.s[arg.n - 1] == '%';
	double x;

	arg.n -= percent;
	if (text_decimal(arg, &x) < 0)
		return false;
	x = percent ? x / 100 : x;
	if (x < 0.001 || x > 1)
		return false;
	*to = x;
	return true;
}

static bool
take_size(struct text arg, uint64_t *to)
{
	uint64_t bytes;

	if (size_parse(arg, &bytes) < 0 || bytes > INT64_MAX)
		return false;
	*to = bytes;
	return true;
}

static bool
take_when(const char *arg, struct when_option *to)
{
	to->written = arg;
	return when_parse(text_of(arg), &to->when) == 0;
}

static bool
take_choice(const struct option *o, const char *arg, int *to)
{
	for (int i = 0; o->choices[i]; i++)
		if (strcmp(o->choices[i], arg) == 0) {
			*to = i + 1;
			return true;
		}
	return false;
}

static bool
take_cpus(const char *arg, struct cpu_choice *to)
{
	to->given = true;
	to->listed = strcmp(arg, "ALL") != 0 && strcmp(arg, "all") != 0;
	return !to->listed || cpulist_parse(text_of(arg), &to->list) == 0;
}

bool
value_take(const struct option *o, char *into, const char *arg, int at)
{
	void *to = into + o->at;

	switch (o->type) {
	case OPTION_FLAG:
		*(bool *)to = true;
		return true;
	case OPTION_TEXT:
	case OPTION_PATH:
		*(const char **)to = arg;
		return !o->want || *arg;
	case OPTION_LIST: {
		struct option_list *l = to;
		l->at[l->n] = at;
		l->v[l->n++] = arg;
		return true;
	}
	case OPTION_NUMBER:
	case OPTION_ROWS:
		return take_number(o, text_of(arg), to);
	case OPTION_SHARE:
		return take_share(text_of(arg), to);
	case OPTION_TIME:
	case OPTION_DELAY:
		return take_time(text_of(arg), o->type == OPTION_DELAY, to);
	case OPTION_SIZE:
		return take_size(text_of(arg), to);
	case OPTION_WHEN:
		return take_when(arg, to);
	case OPTION_CHOICE:
		return take_choice(o, arg, to);
	case OPTION_CPUS:
		return take_cpus(arg, to);
	case OPTION_COMMAND:
	case OPTION_TABLE:
	case OPTION_END:
		break;
	}
	return true;
}

const char *
option_written(const struct option *o, char out[32])
{
	if (o->letter)
		snprintf(out, 32, "-%c", o->letter);
	else
		snprintf(out, 32, "--%s", o->name);
	return out;
}

/* "auto, always or never" */
static const char *
listed(const char *const *choices, char *out, size_t size)
{
	size_t n = 0;

	for (int i = 0; choices[i] && n < size; i++)
		n += (size_t)snprintf(out + n, size - n, "%s%s",
		    i == 0             ? "" :
			choices[i + 1] ? ", " :
					 " or ",
		    choices[i]);
	return out;
}

void
value_wrong(const struct option *o, const char *arg)
{
	static const char *const usual[] = {
		[OPTION_TIME] = "a time from 1ms to 31d, such as 100ms, 10s or 5m",
		[OPTION_DELAY] = "0, or a time from 1ms to 31d, such as 500ms, 10s or 5m",
		[OPTION_SIZE] = "a size such as 64M or 1G",
		[OPTION_WHEN] = "a time such as 17:12, 2026-11-22 17:12:01, +5m (after the start), "
				"-90s (before the end) or @1790000000",
		[OPTION_CPUS] = "a list of CPUs such as 0,2-3, or ALL",
	};
	char name[32], choices[200];
	const char *want = o->choices ? listed(o->choices, choices, sizeof choices) :
	    o->want                   ? o->want :
					usual[o->type];

	if (o->most)
		die(EXIT_USAGE, "invalid %s '%s': want %s, from 1 to %llu", option_written(o, name),
		    arg, want, (unsigned long long)o->most);
	die(EXIT_USAGE, "invalid %s '%s': want %s", option_written(o, name), arg, want);
}

void
target_check(const struct target *t)
{
	uint64_t pid;

	if (t->pid && (text_u64(text_of(t->pid), &pid) < 0 || pid == 0))
		die(EXIT_USAGE, "invalid -p '%s': want the number of a process", t->pid);
	if (t->cgroup && !*t->cgroup)
		die(EXIT_USAGE, "invalid -g '': want a cgroup such as /web, or its directory");
}

/* The line of the expression, and one with a mark under its byte `at`. */
static void
print_marked(const char *source, size_t at)
{
	struct buf b = { 0 };
	size_t width = 0;
	char *before = xstrdup(source);

	before[at < strlen(source) ? at : strlen(source)] = '\0';
	buf_printable(&b, before);
	for (size_t i = 0; i < b.n; i++)
		/* characters, not bytes */
		width += ((unsigned char)b.s[i] & 0xc0) != 0x80;
	b.n = 0;
	buf_text(&b, "  ");
	buf_printable(&b, source);
	buf_text(&b, "\n  ");
	buf_pad(&b, width);
	buf_text(&b, "^\n");
	fwrite(b.s, 1, b.n, stderr);
	buf_free(&b);
	free(before);
}

void
condition_wrong(const char *option, const char *source, const struct expr_error *e)
{
	warn("%s: %s", option, e->message);
	print_marked(source, e->at);
	exit((int)fail_status(EXIT_USAGE));
}

struct expr *
condition_parse(const char *option, const char *source, const struct expr_tool *known, size_t n)
{
	struct expr_error e;
	struct expr *x = expr_parse(source, known, n, &e);

	if (!x)
		condition_wrong(option, source, &e);
	return x;
}
