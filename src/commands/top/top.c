/* top: the command: a full screen of everything that queues, worst first, or the same as plain rows. */
#include "commands/top/top.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/out_file.h"
#include "base/publish.h"
#include "base/terminal.h"
#include "base/units.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "commands/top/picture.h"
#include "commands/top/screen.h"
#include "tools/targets.h"

enum { CTRL_L = 'L' - '@', KEEP_LEAST = 256 << 10, KEEP_USUAL = 16 << 20 };

static const int64_t SECOND_NS = 1000000000, MINUTE_NS = INT64_C(60) * 1000000000,
		     KEY_PAUSE_NS = 50000000;

/* ---- Keys */

static void
move_by(struct top *t, long by)
{
	if (by == 0)
		return;
	if (t->page == PAGE_DETAIL)
		scroll_move(&t->detail.scroll, by);
	else if (t->page == PAGE_HELP)
		scroll_move(&t->help, by);
	else
		list_move(&t->list, by);
}

/* What was not read so far needs the rows before: a recording has them. */
static void
read_again(struct top *t)
{
	bool frozen = t->frozen != NULL;

	if (!top_can_seek(t))
		return;
	top_freeze(t, false);
	top_seek(t, &t->shown);
	top_freeze(t, frozen);
}

static void
open_selected(struct top *t)
{
	const struct list_entry *x = list_selected(&t->list);
	struct target target = { .pid = NULL };
	char title[256];

	if (!x || t->page != PAGE_LIST)
		return;
	if (x->pid)
		target.pid = x->pid;
	else
		target.cgroup = x->key;
	snprintf(title, sizeof title, x->pid ? "process %s  %s  %s" : "cgroup %s",
	    x->pid ? x->pid : x->key, x->name ? x->name : "-", x->of ? x->of : "");
	top_open_detail(t, &target, title);
	read_again(t);
}

static void
go_back(struct top *t)
{
	if (t->page == PAGE_HELP)
		t->page = t->before_help;
	else if (t->page == PAGE_DETAIL)
		top_close_detail(t);
	else if (*t->list.filter) {
		*t->list.filter = '\0';
		list_arrange(&t->list);
	}
}

static void
edit_filter(struct top *t, int key)
{
	char *s = t->list.filter;
	size_t n = strlen(s);

	if (key == KEY_ENTER || key == KEY_ESCAPE)
		t->editing = false;
	if (key == KEY_ESCAPE)
		*s = '\0';
	if (key == KEY_BACKSPACE && n > 0) {
		do
			s[--n] = '\0';
		while (n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80);
	}
	if (key >= ' ' && key < 256 && n + 1 < FILTER_MOST) {
		s[n] = (char)key;
		s[n + 1] = '\0';
	}
	list_arrange(&t->list);
}

static void
say(struct top *t, const char *message)
{
	snprintf(t->message, sizeof t->message, "%s", message);
}

/* To the previous row, or a minute back if that is further. */
static void
go_to_past(struct top *t, bool minute)
{
	struct sample to = t->previous;

	if (t->panel.taken < 2) {
		say(t, "the recording begins here");
		return;
	}
	if (minute && to.boot == t->shown.boot && to.mono_ns > t->shown.mono_ns - MINUTE_NS)
		to.mono_ns = t->shown.mono_ns - MINUTE_NS;
	top_seek(t, &to);
}

/* To the first row that ends a minute later, or after a reboot. */
static void
go_minute_on(struct top *t)
{
	const struct sample from = t->shown;

	while (top_next_row(t) && t->shown.boot == from.boot &&
	    t->shown.mono_ns - from.mono_ns < MINUTE_NS)
		;
}

/* Goes through the time of a recording. */
static void
travel(struct top *t, int key)
{
	if (!t->host->replay) {
		say(t, "only a recording can go through time (r saves one)");
		return;
	}
	if (!top_can_seek(t) && (key == KEY_LEFT || key == '<')) {
		say(t, "a recording from a pipe cannot go back");
		return;
	}
	top_freeze(t, false); /* the rows are taken */
	if (key == KEY_LEFT || key == '<')
		go_to_past(t, key == '<');
	else if (key == KEY_RIGHT)
		top_next_row(t);
	else
		go_minute_on(t);
	top_freeze(t, true);
}

static void
save(struct top *t)
{
	if (t->host->replay)
		say(t, "this is a recording already (pq tape cut copies a part of it)");
	else
		ring_save(&t->ring, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME), t->message,
		    sizeof t->message);
}

/* Draws what the terminal shows, or the rows, as a picture, which can use all characters and colours. */
static void
print_picture(struct top *t, int width, int height, struct buf *out)
{
	struct frame shown = t->frame;

	t->frame = (struct frame){ .utf8 = true, .colour = true };
	top_draw(t, width, height, !t->screen);
	picture_print(&t->frame, out);
	frame_free(&t->frame);
	t->frame = shown;
}

/* Returns 0, or -1 with errno. */
static int
write_picture(const struct top *t, const char *path, int flags, const struct buf *picture)
{
	const char *from = t->options->source;

	return out_write(path, O_NOCTTY | flags, from ? publish_mode(from) : 0666, picture);
}

/* To pq-top-DATE-TIME.svg in the current directory, and never over another file. */
static void
save_picture(struct top *t)
{
	time_t s = (time_t)(clock_ns(CLOCK_REALTIME) / SECOND_NS);
	struct buf picture = { 0 };
	char path[64];
	struct tm tm;

	localtime_r(&s, &tm);
	strftime(path, sizeof path, "pq-top-%Y%m%d-%H%M%S.svg", &tm);
	print_picture(t, t->frame.width, t->frame.height, &picture);
	if (write_picture(t, path, O_EXCL, &picture) < 0)
		snprintf(
		    t->message, sizeof t->message, "cannot save %s: %s", path, strerror(errno));
	else
		snprintf(t->message, sizeof t->message, "saved %s", path);
	buf_free(&picture);
}

static void
open_help(struct top *t)
{
	if (t->page != PAGE_HELP)
		t->before_help = t->page;
	t->page = PAGE_HELP;
	t->help.top = 0;
}

/* How far a key moves; 0: it does not. */
static long
step_of(int key, int screenful)
{
	switch (key) {
	case KEY_UP:
		return -1;
	case KEY_DOWN:
		return 1;
	case KEY_PAGE_UP:
		return -screenful;
	case KEY_PAGE_DOWN:
		return screenful;
	case KEY_HOME:
		return -1000000;
	case KEY_END:
		return 1000000;
	default:
		return 0;
	}
}

static void
show_view(struct top *t, enum list_view v)
{
	t->page = t->page == PAGE_HELP ? t->before_help : t->page;
	top_close_detail(t);
	top_view(t, v);
	if (v == VIEW_THREADS)
		read_again(t);
}

/* Acts on a key that changes what is shown. */
static void
act_on_view(struct top *t, int key)
{
	switch (key) {
	case KEY_ENTER:
		open_selected(t);
		break;
	case KEY_ESCAPE:
		go_back(t);
		break;
	case 'g':
		show_view(t, VIEW_CGROUPS);
		break;
	case 'p':
		show_view(t, VIEW_PROCESSES);
		break;
	case 't':
		show_view(t, VIEW_THREADS);
		break;
	case 's':
	case 'S':
		list_sort_by_next(&t->list, key == 's' ? 1 : -1);
		break;
	case '/':
		t->editing = t->page == PAGE_LIST;
		break;
	case 'h':
	case '?':
		open_help(t);
		break;
	default:
		break;
	}
}

/* Acts on a key. False: the program should end. */
static bool
act(struct top *t, int key)
{
	move_by(t, step_of(key, t->screenful));
	switch (key) {
	case KEY_LEFT:
	case KEY_RIGHT:
	case '<':
	case '>':
		travel(t, key);
		return true;
	case ' ':
		top_freeze(t, !t->frozen);
		return true;
	case 'r':
		save(t);
		return true;
	case 'P':
		save_picture(t);
		return true;
	case CTRL_L:
		frame_forget(&t->frame);
		return true;
	case 'q':
	case 'Q':
		return false;
	default:
		act_on_view(t, key);
		return true;
	}
}

/* Reads keys and acts on them. Sets *changed if there were any. False: the program should end. */
static bool
take_keys(struct top *t, struct key_reader *keys, bool paused, bool *changed)
{
	struct pollfd in = { STDIN_FILENO, POLLIN, 0 };
	char bytes[32];
	int key;

	if (!screen_taken() && poll(&in, 1, 0) > 0) {
		ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return false; /* the terminal has gone */
		key_feed(keys, bytes, n > 0 ? (size_t)n : 0);
		paused = false;
	}
	while ((key = key_next(keys, paused)) != KEY_NONE) {
		enum top_page page = t->page;
		*changed = true;
		*t->message = '\0';
		if (t->editing)
			edit_filter(t, key);
		else if (!act(t, key))
			return false;
		/* keys that were typed ahead scroll its lines, which drawing folds and counts */
		if (t->page != page)
			top_draw(t, t->frame.width, t->frame.height, false);
	}
	return true;
}

/* ---- The screen */

struct screen_loop {
	struct key_reader keys;
	int64_t key_ns;  /* when the last bytes of a key may have come */
	int64_t play_ns; /* when the next row of a recording is due (CLOCK_MONOTONIC) */
	struct buf out;
};

/* A row of a recording lasts as long as it did. */
static void
set_play(const struct top *t, struct screen_loop *l)
{
	const struct panel *p = &t->panel;
	const struct panel_row *row = &p->rows[(p->taken - 1) % HISTORY_MOST];
	int64_t span_ns = p->taken ? row->to_ns - row->from_ns : 0;

	span_ns = span_ns < 0 ? 0 : span_ns > 10 * SECOND_NS ? 10 * SECOND_NS : span_ns;
	l->play_ns = clock_ns(CLOCK_MONOTONIC) + span_ns;
}

static int64_t
due_ns(const struct top *t, const struct screen_loop *l)
{
	int64_t due = !t->host->replay ? session_due_ns(&t->machine.session) :
	    t->frozen || t->ended      ? INT64_MAX :
					 l->play_ns;

	if (key_begun(&l->keys) && l->key_ns + KEY_PAUSE_NS < due)
		due = l->key_ns + KEY_PAUSE_NS;
	return due;
}

static bool
draw(struct top *t, struct screen_loop *l)
{
	int width, height;

	if (screen_taken())
		return true;
	screen_size(&width, &height);
	top_draw(t, width, height, false);
	l->out.n = 0;
	frame_diff(&t->frame, &l->out);
	return screen_write(&l->out);
}

/* Takes the row that is due, if any. True if something else is to be shown. */
static bool
advance(struct top *t, struct screen_loop *l)
{
	int64_t now_ns = clock_ns(CLOCK_MONOTONIC);

	if (!t->host->replay)
		return now_ns >= session_due_ns(&t->machine.session) && top_step(t) && !t->frozen;
	if (t->frozen || t->ended || now_ns < l->play_ns)
		return false;
	top_next_row(t);
	set_play(t, l);
	return true;
}

/* True once per resize, and after the program was continued. */
static bool
redraws(struct top *t)
{
	bool resized = signals_resized(), lost = screen_continued() || resized;

	/* what was resized there and back has the size that it had, but has lost a part */
	if (lost)
		frame_forget(&t->frame);
	return lost;
}

static void
loop(struct top *t)
{
	struct screen_loop l = { .key_ns = 0 };
	bool goes_on = true;

	set_play(t, &l);
	for (bool changed = true; goes_on && !signals_stop(); changed = false) {
		if (changed || l.out.n == 0)
			goes_on = draw(t, &l);
		bool begun = key_begun(&l.keys);
		signals_wait(screen_taken() ? -1 : STDIN_FILENO, due_ns(t, &l));
		int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
		goes_on = goes_on &&
		    take_keys(t, &l.keys, begun && now_ns >= l.key_ns + KEY_PAUSE_NS, &changed);
		l.key_ns = key_begun(&l.keys) && begun ? l.key_ns : now_ns;
		changed |= advance(t, &l);
		changed |= redraws(t);
		changed |= ring_saved(&t->ring, now_ns, t->message, sizeof t->message);
		goes_on &= (t->host->replay || !t->ended) && !screen_orphaned();
		if (changed && goes_on && !signals_stop())
			goes_on = draw(t, &l);
	}
	buf_free(&l.out);
}

static void
on_screen(struct top *t)
{
	if (top_begin(t) && (!t->host->replay || top_next_row(t)) && screen_enter())
		loop(t);
	screen_leave();
}

/* ---- Rows */

_Noreturn static void
cannot_write(const char *path)
{
	die(EXIT_FAILED, "cannot write %s: %s", out_name(path), strerror(errno));
}

/* Fails now if the picture cannot be written, not after an hour of samples. */
static void
check_picture(const struct top *t)
{
	const struct buf nothing = { 0 };

	if (t->own->svg && write_picture(t, t->own->svg, 0, &nothing) < 0)
		cannot_write(t->own->svg);
}

/* How many lines the verdict takes depends on the height, too. */
static int
rows_height(const struct top *t, int width)
{
	int without = 1 + METERS + 1 + (int)t->own->rows, n = 3;

	while (n > 1 && panel_verdict_lines(width, without + n) != n)
		n--;
	return without + n;
}

static bool
print(struct top *t, struct buf *out, bool first)
{
	enum { PLAIN_WIDTH = 80 };
	int width = PLAIN_WIDTH, height = 0;

	if (isatty(STDOUT_FILENO))
		screen_size(&width, &height);
	out->n = 0;
	if (!first)
		buf_char(out, '\n');
	top_draw(t, width, rows_height(t, width), true);
	frame_lines(&t->frame, out);
	return output_write(out);
}

static void
draw_last_row(struct top *t, struct buf *out)
{
	enum { PICTURE_WIDTH = 112 }; /* the least with a long sparkline */

	print_picture(t, PICTURE_WIDTH, rows_height(t, PICTURE_WIDTH), out);
	if (write_picture(t, t->own->svg, O_TRUNC, out) < 0)
		cannot_write(t->own->svg);
}

static void
as_rows(struct top *t)
{
	const struct options *o = t->options;
	struct buf out = { 0 };
	uint64_t n = 0, count = o->count ? o->count : o->interval_ns || o->source ? UINT64_MAX : 1;

	if (!top_begin(t))
		return;
	for (bool more = true; more && n < count && top_next_row(t); n++)
		more = t->own->svg || print(t, &out, n == 0);
	if (t->own->svg && t->panel.taken > 0)
		draw_last_row(t, &out);
	buf_free(&out);
}

/* ---- The command */

/* In the order of the words of --sort. */
static const char *const sort_words[] = { "hurt", "cpu", "wait", "quota", "mem", "io", "lock",
	"name", NULL };
static const int sorts[] = { LIST_HURT, LIST_CPU, LIST_WAIT, LIST_QUOTA, LIST_MEMORY, LIST_IO,
	LIST_LOCK, LIST_NAME };
static const char *const view_words[] = { "cgroups", "processes", "threads", NULL };

static void
set_up(struct top *t, const struct options *o)
{
	const struct top_options *own = o->ask.options;

	memset(t, 0, sizeof *t);
	t->options = o;
	t->own = own;
	t->interval_ns = o->interval_ns || o->source ? o->interval_ns : SECOND_NS;
	t->list.view = own->view ? (enum list_view)(own->view - 1) : VIEW_CGROUPS;
	t->list.sort = sorts[own->sort ? own->sort - 1 : 0];
	snprintf(t->list.filter, sizeof t->list.filter, "%s", own->filter ? own->filter : "");
}

/* A ring that grows beyond the memory of the machine would end other programs. */
static void
check_keep(const struct top_options *own)
{
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	uint64_t half = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page / 2 : UINT64_MAX;
	char least[HUMAN_MOST], most[HUMAN_MOST];

	if (own->keep < KEEP_LEAST)
		die(EXIT_USAGE, "invalid --keep: too small: want %s or more; 16M is usual",
		    human_size(KEEP_LEAST, least));
	if (own->keep > half && own->keep > KEEP_USUAL)
		die(EXIT_USAGE,
		    "invalid --keep: too large: want at most %s, half of this machine's memory",
		    human_size((double)half, most));
}

static enum exit_status
top(const struct options *given)
{
	struct options *o = xmalloc(sizeof *o);
	struct top *t = xmalloc(sizeof *t);

	*o = *given;
	if (o->words > 2)
		die(EXIT_USAGE, "unexpected argument '%s': usage is pq top [interval [count]]",
		    o->word[2]);
	options_numbers(o, o->word[0], o->words > 1 ? o->word[1] : NULL);
	set_up(t, o);
	check_keep(t->own);
	check_picture(t);
	t->screen = !t->own->plain && !t->own->svg && screen_possible();
	t->frame.utf8 = terminal_utf8();
	t->frame.colour = t->screen && terminal_colours();
	signals_catch();
	if (t->screen)
		on_screen(t);
	else
		as_rows(t);
	enum exit_status status =
	    t->panel.taken > 0 || signals_stop() ? EXIT_DONE : session_status(&t->machine.session);
	if (o->source && t->panel.taken == 0 && !signals_stop()) {
		warn("%s: no rows: a row needs two samples (see pq tape info)", o->source);
		status = EXIT_FAILED;
	}
	session_tell_losses(&t->machine.session);
	top_end(t);
	free(t);
	free(o);
	return status;
}

#define AT(member) offsetof(struct top_options, member)

static const struct top_options usual_options = { .rows = 10, .keep = KEEP_USUAL };

static const struct option options[] = {
	{ 0, "view", "WHAT", OPTION_CHOICE, AT(view), .help = "list cgroups, processes or threads",
	    .choices = view_words },
	{ 0, "sort", "KEY", OPTION_CHOICE, AT(sort),
	    .help = "hurt (usual), cpu, wait, quota, mem, io, lock or name",
	    .choices = sort_words },
	{ 0, "filter", "TEXT", OPTION_TEXT, AT(filter),
	    .help = "only names that contain TEXT, in any case" },
	{ 0, "plain", NULL, OPTION_FLAG, AT(plain), .help = "print rows, also on a terminal" },
	{ 0, "svg", "FILE", OPTION_PATH, AT(svg), .writes = true,
	    .help = "draw the last sample as a picture in FILE ('-': on stdout)", .want = "a file",
	    .not_with = "--plain" },
	{ 'n', NULL, "N", OPTION_NUMBER, AT(rows),
	    .help = "print at most N rows of the list (usual: 10)", .want = "a number of rows",
	    .most = 400 },
	{ 0, "keep", "SIZE", OPTION_SIZE, AT(keep),
	    .help = "keep the last minutes in SIZE bytes, for key r (16M)" },
	{ .type = OPTION_END },
};

const struct tool tool_top = {
	.name = "top",
	.brief = "a full screen: everything that queues, worst first",
	.usage = "[options] [interval [count]]",
	.examples = "  pq top               the machine, once per second; h shows the keys\n"
		    "  pq top -f spike.tape walk through a recording with the arrow keys\n"
		    "  pq top -f spike.tape --to 12:03:20 --svg top.svg\n"
		    "  pq top 5 >log        prints rows if stdout is not a terminal\n",
	.shared = (const struct option *const[]){ &option_source, &option_from, &option_to,
	    &option_root, NULL },
	.options = options,
	.options_size = sizeof(struct top_options),
	.defaults = &usual_options,
	.command = top,
};
