/* Flame graphs: which frames they have, and that nobody's bytes are markup in them. */
#include "table/flame.h"

#include "unit.h"

static struct buf svg;

static const char *
print(const struct flame *f, const char *title)
{
	svg.n = 0;
	flame_print(f, title, &svg);
	buf_add(&svg, "", 1);
	return svg.s;
}

static size_t
count(const char *what)
{
	size_t n = 0;

	for (const char *s = svg.s; (s = strstr(s, what)) != NULL; s++)
		n++;
	return n;
}

static void
adds_up_equal_frames(void)
{
	struct flame f = { 0 };

	flame_add(&f, "p\nmain\na", 1);
	flame_add(&f, "p\nmain\nb", 3);
	flame_add(&f, "p\nmain\na", 1);
	flame_add(&f, "p\nmain", 0.5);
	print(&f, "t");
	CHECK_U64(count("<g "), 5);
	CHECK(strstr(svg.s, "<title>all (5.50 s, 100.00 %)<"));
	CHECK(strstr(svg.s, "<title>main (5.50 s, 100.00 %)<"));
	CHECK(strstr(svg.s, "<title>a (2.00 s, 36.36 %)<"));
	/* the widest comes first */
	CHECK(strstr(svg.s, "data-x=\"0.000\" data-w=\"643.636\" data-d=\"3\"><title>b "));
	CHECK(strstr(svg.s, "data-x=\"643.636\" data-w=\"429.091\" data-d=\"3\"><title>a "));
	flame_free(&f);
}

static void
draws_recursion(void)
{
	struct flame f = { 0 };

	flame_add(&f, "p\nf\nf\nf", 1);
	flame_add(&f, "p\nf", 1);
	print(&f, "t");
	CHECK_U64(count("<title>f ("), 3);
	CHECK(strstr(svg.s, "<title>f (2.00 s, 100.00 %)<"));
	flame_free(&f);
}

static void
draws_nothing(void)
{
	struct flame f = { 0 };

	print(&f, "nothing");
	CHECK_U64(count("<g "), 0);
	CHECK(strstr(svg.s, "</svg>"));
	flame_add(&f, "", 0);
	print(&f, "no time");
	CHECK_U64(count("<g "), 1);
	CHECK(!strstr(svg.s, "nan"));
	flame_free(&f);
}

static void
draws_hostile_names(void)
{
	struct flame f = { 0 };

	flame_add(&f, "<script>&]]>\n\"' onclick=\n\xff\x1b[2J\n\xef\xbf\xbf\n\xc3\xa4", 1);
	print(&f, "</text><b>");
	CHECK_U64(count("<script>"), 1);
	CHECK_U64(count("]]>"), 1);
	CHECK(strstr(svg.s, "<title>&lt;script&gt;&amp;]]&gt; ("));
	CHECK(strstr(svg.s, "<title>&quot;&#39; onclick= ("));
	CHECK(strstr(svg.s, "<title>\\377\\033[2J ("));
	CHECK(strstr(svg.s, "<title>? ("));
	CHECK(strstr(svg.s, "<title>\xc3\xa4 ("));
	CHECK(strstr(svg.s, "&lt;/text&gt;&lt;b&gt;</text>"));
	flame_free(&f);
}

/* Names in narrow and wide frames end between two characters. */
static void
cuts_names(void)
{
	struct flame f = { 0 };
	char name[400];

	for (size_t i = 0; i + 2 < sizeof name; i += 2)
		memcpy(name + i, "\xc3\xa4", 3);
	for (int part = 1; part < 60; part++) {
		flame_add(&f, name, 1);
		flame_add(&f, "other", part);
	}
	print(&f, "t");
	CHECK_U64(count("\xc3."), 0);
	CHECK_U64(count("\xa4.."), 1);
	flame_free(&f);
}

int
main(void)
{
	unit_test("equal frames are one", adds_up_equal_frames);
	unit_test("a function that calls itself", draws_recursion);
	unit_test("no frames, no time", draws_nothing);
	unit_test("names that look like markup", draws_hostile_names);
	unit_test("names that are too long", cuts_names);
	buf_free(&svg);
	return unit_done();
}
