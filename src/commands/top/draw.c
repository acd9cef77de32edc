/* draw: puts a frame of pq top together: a header, the panel, the list or the details, and the keys. */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "commands/top/top.h"

static const struct panel *
shown_panel(const struct top *t)
{
	return t->frozen ? t->frozen : &t->panel;
}

static void
put_interval(const struct top *t, char *out, size_t n)
{
	const struct panel *p = shown_panel(t);
	char text[HUMAN_MOST];

	if (t->interval_ns) {
		snprintf(out, n, "every %s", human_duration((double)t->interval_ns * 1e-9, text));
		return;
	}
	const struct panel_row *row = &p->rows[(p->taken - 1) % HISTORY_MOST];
	snprintf(out, n, "row of %s",
	    p->taken ? human_duration((double)(row->to_ns - row->from_ns) * 1e-9, text) : "-");
}

static const char *
state_of(const struct top *t)
{
	bool replay = t->host->replay;

	return t->ended && replay ? "end of the recording" :
	    t->frozen             ? (replay ? "paused" : "frozen") :
	    replay                ? "playing" :
				    "live";
}

/* A part of the header, if it fits before `end`. */
static void
put_part(struct frame *f, unsigned style, const char *text, int end)
{
	if (f->column + frame_columns(f, text) + 2 > end)
		return;
	f->style = style;
	frame_text(f, text);
	f->style = STYLE_PLAIN;
	frame_text(f, "  ");
}

/* "pq top  17:12:01  every 1 s  node-1            live" */
static void
draw_header(const struct top *t, struct frame *f, bool plain)
{
	const struct panel *p = shown_panel(t);
	struct report times = { .utc = t->options->utc };
	char text[256], set[256], clock[16];
	int end = f->width - (plain ? 0 : frame_columns(f, state_of(t)));

	times.fractions = t->interval_ns % 1000000000 != 0;
	clock_text(clock, &times, p->real_ns);
	frame_at(f, 0, 0, STYLE_PLAIN);
	put_part(f, STYLE_BOLD, "pq top", end);
	put_part(f, STYLE_PLAIN, clock, end);
	/* of the two, a clock that was set says more */
	bool was_set = panel_clock(p, set, sizeof set);
	put_interval(t, text, sizeof text);
	put_part(f, STYLE_PLAIN, text, was_set ? end - frame_columns(f, set) - 2 : end);
	if (was_set)
		put_part(f, STYLE_YELLOW, set, end);
	if (end - f->column > 2)
		frame_cut(f, t->host->facts.name, end - f->column - (plain ? 0 : 2));
	if (plain)
		return;
	frame_at(f, 0, end, STYLE_BOLD | (t->frozen || t->ended ? STYLE_YELLOW : STYLE_GREEN));
	frame_text(f, state_of(t));
}

/* ---- The last line */

struct key_words {
	const char *key, *what;
};

/* The end of the text, after a mark, if it is wider than that. */
static void
put_end(struct frame *f, const char *text, int room)
{
	bool cut = frame_columns(f, text) > room;

	while (*text && frame_columns(f, text) + cut > room)
		text += frame_fit(f, text, 0);
	frame_text(f, !cut ? "" : f->utf8 ? "…" : "<");
	frame_text(f, text);
}

static void
draw_filter(const struct top *t, struct frame *f, int line)
{
	static const char keys[] = "  Enter keeps it, Esc clears it";

	frame_at(f, line, 0, STYLE_BOLD);
	frame_text(f, "filter: ");
	f->style = STYLE_PLAIN;
	put_end(f, t->list.filter, f->width - f->column - 1);
	f->style = STYLE_REVERSE;
	frame_text(f, " ");
	f->style = STYLE_DIM;
	if (f->column + frame_columns(f, keys) <= f->width)
		frame_text(f, keys);
}

static void
put_key(struct frame *f, const char *key, const char *what)
{
	f->style = STYLE_BOLD;
	frame_text(f, key);
	f->style = STYLE_PLAIN;
	frame_text(f, " ");
	frame_text(f, what);
	frame_text(f, "  ");
}

/* Keys that do not fit are left out, but never how to quit: the help has all. */
static void
put_keys(struct frame *f, const struct key_words *keys, size_t n)
{
	static const char quit[] = "q", what[] = "quit";
	int end = f->width - frame_columns(f, quit) - 1 - frame_columns(f, what);

	for (size_t i = 0; i < n; i++) {
		int columns = frame_columns(f, keys[i].key) + 1 + frame_columns(f, keys[i].what);
		if (f->column + columns + 2 <= end)
			put_key(f, keys[i].key, keys[i].what);
	}
	put_key(f, quit, what);
}

/* That the list is filtered is told before its order. */
static void
draw_keys(const struct top *t, struct frame *f, int line)
{
	enum { SHORT = 12 };
	const char *space = t->frozen ? "go on" : "freeze", *filter = t->list.filter;
	bool filtered = *filter;
	char sort[48];

	if (frame_columns(f, filter) > SHORT)
		filter = "filtered";

	snprintf(sort, sizeof sort, "sort: %s", list_sort_name(t->list.sort));
	const struct key_words of_help[] = { { "Esc", "back" }, { "Up/Down", "scroll" } },
			       of_detail[] = { { "Esc", "back" }, { "Up/Down", "scroll" },
				       { "space", space }, { "h", "help" } },
			       of_list[] = { { "h", "help" }, { "Enter", "more" },
				       { filtered ? "/" : "s", filtered ? filter : sort },
				       { filtered ? "s" : "/", filtered ? sort : "filter" },
				       { "g p t", "view" }, { "space", space } };
	frame_at(f, line, 0, STYLE_PLAIN);
	if (t->page == PAGE_HELP)
		put_keys(f, of_help, sizeof of_help / sizeof *of_help);
	else if (t->page == PAGE_DETAIL)
		put_keys(f, of_detail, sizeof of_detail / sizeof *of_detail);
	else
		put_keys(f, of_list, sizeof of_list / sizeof *of_list);
}

static void
draw_last(const struct top *t, struct frame *f, int line)
{
	if (t->editing) {
		draw_filter(t, f, line);
	} else if (*t->message) {
		frame_at(f, line, 0, STYLE_BOLD);
		frame_cut(f, t->message, f->width);
	} else {
		draw_keys(t, f, line);
	}
}

/* ---- Help */

static const char help[] =
    "#Keys\n"
    "  Up, Down, PgUp, PgDn, Home, End   move in the list\n"
    "  Enter       details of the selected cgroup or process: verdict, waits, limits\n"
    "  Esc         back\n"
    "  g  p  t     list cgroups, processes, threads\n"
    "  s  S        sort by the next column, by the one before\n"
    "  /           filter by a part of the name, the process, its ID or the cgroup\n"
    "  space       freeze the screen, and let it go on\n"
    "  r           save the last minutes as a recording (live)\n"
    "  P           save the screen as a picture (SVG)\n"
    "  Left Right  the row before and the next one (recording)\n"
    "  < >         a minute back, a minute on (recording)\n"
    "  Ctrl-L      draw the screen again\n"
    "  h           this help\n"
    "  q, Ctrl-C   quit; Ctrl-Z suspends\n"
    "#Columns, in % of the interval: 100 is one thread all the time\n"
    "  %waits  all waits together\n"
    "  %CPU    on a CPU\n"
    "  %wait   runnable, but waiting for a CPU, quotas included\n"
    "  %quota  throttled: of a cgroup by its counters, of a task where certain\n"
    "  %mem    memory pressure of the cgroup (cgroup v2)\n"
    "  %I/O    in uninterruptible sleep, mostly for I/O (one sample a row)\n"
    "  %lock   waiting for a lock (one sample in ten seconds)\n"
    "  They are sorted by %waits, unless s chose another order.\n"
    "#Above the list: bars, and the last minute\n"
    "  waiting    tasks that wait for a CPU; ~ is an estimate, by the run queue\n"
    "  throttled  CPUs held back by a quota, of the cgroup with the most\n"
    "  memory     unreclaimable memory, in % of the limit nearest to it\n"
    "  pressure   time in which tasks stalled for CPU, memory, I/O\n"
    "  sockets    fullest accept queue; bytes not yet read; lost connections;\n"
    "             retr: TCP segments that were sent again\n"
    "  disks      the busiest; queue: requests in flight; r, w: mean wait\n";

static void
draw_help(struct top *t, struct frame *f, int line, int lines)
{
	struct buf b = { 0 };

	buf_text(&b, help);
	buf_text(&b, t->nnotes ? "#What could not be measured, or only partly\n" : "");
	for (size_t i = 0; i < t->nnotes; i++) {
		buf_text(&b, "  ");
		buf_printable(&b, t->notes[i]);
		buf_char(&b, '\n');
	}
	scroll_draw(&t->help, f, &b, line, lines);
	buf_free(&b);
}

void
top_draw(struct top *t, int width, int height, bool plain)
{
	struct frame *f = &t->frame;
	int last = plain ? height : height - 1, line = 1;

	frame_begin(f, width, height);
	draw_header(t, f, plain);
	if (t->page == PAGE_HELP) {
		draw_help(t, f, line, last - line);
	} else {
		line += panel_draw(shown_panel(t), f, line, plain);
		if (t->page == PAGE_DETAIL)
			detail_draw(&t->detail, f, line, last - line);
		else
			list_draw(&t->list, f, line, last - line, !plain);
	}
	/* the list and the details have a heading */
	int below = last - line - (t->page != PAGE_HELP);
	t->screenful = below > 1 ? below : 1;
	if (!plain && height > 3)
		draw_last(t, f, last);
}
