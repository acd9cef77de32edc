/* pictures of pq top: what the frame shows, in its place, and nothing that a browser would run. */
#include <string.h>

#include "commands/top/picture.h"
#include "unit.h"

static struct buf svg;

static const char *
picture_of(const struct frame *f)
{
	svg.n = 0;
	picture_print(f, &svg);
	buf_add(&svg, "", 1);
	return svg.s;
}

static struct frame
frame_of(int width, int height)
{
	struct frame f = { .utf8 = true, .colour = true };

	frame_begin(&f, width, height);
	return f;
}

static void
puts_text(void)
{
	struct frame f = frame_of(20, 6);

	frame_at(&f, 0, 0, STYLE_BOLD);
	frame_text(&f, "pq  ");
	f.style = STYLE_RED;
	frame_text(&f, "top");
	frame_at(&f, 1, 2, STYLE_DIM);
	frame_text(&f, "verdict");
	const char *s = picture_of(&f);
	CHECK(
	    strstr(s, "<title id=\"title\">pq  top</title><desc id=\"verdict\">  verdict</desc>"));
	CHECK(strstr(s, ">pq  </tspan>"));
	CHECK(strstr(s,
	    "<tspan class=\"c0 b\" x=\"12\" textLength=\"28.8\">pq  </tspan>"
	    "<tspan class=\"c3\" x=\"40.8\" textLength=\"21.6\">top</tspan>"));
	CHECK(strstr(s, "<tspan class=\"c0 d\" x=\"26.4\" textLength=\"50.4\">verdict</tspan>"));
	CHECK(strstr(s, " width=\"168\" height=\"56\" ")); /* two lines: the rest is empty */
	frame_free(&f);
}

/* Fonts differ in them, so they are shapes: their heights are eighths of 14 pixels. */
static void
draws_blocks(void)
{
	struct frame f = frame_of(10, 1);

	frame_at(&f, 0, 0, STYLE_GREEN);
	frame_text(&f, "a▁█▔b"); /* the last of them is no such block */
	const char *s = picture_of(&f);
	CHECK(
	    strstr(s, "<path class=\"c1\" d=\"M19.2 25.3h7.2v1.8h-7.2zM26.4 13h7.2v14h-7.2z\"/>"));
	CHECK(strstr(s, ">a</tspan>"));
	CHECK(strstr(s, " x=\"33.6\" textLength=\"14.4\">▔b</tspan>"));
	CHECK(!strstr(strstr(s, "</desc>"), "█"));
	frame_free(&f);
}

static void
draws_reversed(void)
{
	struct frame f = frame_of(10, 1);

	frame_at(&f, 0, 0, STYLE_REVERSE);
	frame_text(&f, "name");
	frame_fill(&f, STYLE_REVERSE);
	const char *s = picture_of(&f);
	CHECK(strstr(s, "<path class=\"c0\" d=\"M12 12h72v16h-72z\"/>"));
	CHECK(strstr(s, "<tspan class=\"r\" x=\"12\" "));
	frame_free(&f);
}

/* Each keeps its two columns. */
static void
keeps_wide_characters(void)
{
	struct frame f = frame_of(10, 1);

	frame_at(&f, 0, 0, STYLE_PLAIN);
	frame_text(&f, "a漢字b");
	const char *s = picture_of(&f);
	CHECK(strstr(s, " x=\"12\" textLength=\"7.2\">a</tspan>"));
	CHECK(strstr(s, " x=\"19.2\" textLength=\"14.4\">漢</tspan>"));
	CHECK(strstr(s, " x=\"33.6\" textLength=\"14.4\">字</tspan>"));
	CHECK(strstr(s, " x=\"48\" textLength=\"7.2\">b</tspan>"));
	frame_free(&f);
}

static void
escapes_names(void)
{
	struct frame f = frame_of(60, 2);

	frame_at(&f, 0, 0, STYLE_PLAIN);
	frame_text(&f, "</title><script>&\"'\x1b[2J\xff");
	const char *s = picture_of(&f);
	CHECK(strstr(s, ">&lt;/title&gt;&lt;script&gt;&amp;&quot;&#39;\\033[2J\\377</tspan>"));
	CHECK(strstr(s, "<title id=\"title\">&lt;/title&gt;&lt;script&gt;"));
	CHECK(!strstr(s, "<script"));
	frame_free(&f);
}

static void
draws_nothing(void)
{
	struct frame f = frame_of(1, 1);
	const char *s = picture_of(&f);

	CHECK(strstr(s, "<title id=\"title\"></title><desc id=\"verdict\"></desc>"));
	CHECK(strcmp(s + strlen(s) - 7, "</svg>\n") == 0);
	frame_free(&f);
}

int
main(void)
{
	unit_test("text, in its column and style; empty lines at the end are left out", puts_text);
	unit_test("blocks of sparklines are shapes", draws_blocks);
	unit_test("reversed cells have a background", draws_reversed);
	unit_test("characters of two columns", keeps_wide_characters);
	unit_test("names from elsewhere are text", escapes_names);
	unit_test("an empty frame", draws_nothing);
	buf_free(&svg);
	return unit_done();
}
