#include "table/flame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fail.h"
#include "base/svg.h"

/* ---- The tree */

static void
add_node(struct flame *f, uint32_t name)
{
	f->v = xgrow(f->v, f->n, &f->room, sizeof *f->v);
	f->v[f->n++] = (struct flame_node){ .name = name };
}

/* The callee with this name, which may be new; 0 if there is no room. */
static uint32_t
find_callee(struct flame *f, uint32_t caller, struct text frame)
{
	uint32_t name = map_put(&f->names, frame), last = 0;

	for (uint32_t i = f->v[caller].first; i; last = i, i = f->v[i].next)
		if (f->v[i].name == name)
			return i;
	if (f->n == FLAME_NODES_MOST)
		return 0;
	add_node(f, name);
	if (last)
		f->v[last].next = (uint32_t)(f->n - 1);
	else
		f->v[caller].first = (uint32_t)(f->n - 1);
	return (uint32_t)(f->n - 1);
}

void
flame_add(struct flame *f, const char *frames, double seconds)
{
	struct text rest = text_of(frames), frame;
	uint32_t at = 0;

	if (f->n == 0)
		add_node(f, map_put(&f->names, text_of("all")));
	f->v[0].seconds += seconds;
	while (text_line(&rest, &frame) && (at = find_callee(f, at, frame)) != 0)
		f->v[at].seconds += seconds;
}

void
flame_free(struct flame *f)
{
	map_free(&f->names);
	free(f->v);
}

/* ---- SVG */

enum { WIDTH = 1200, MARGIN = 10, ROW = 17, TOP = 50, LETTER = 7 };

struct drawing {
	const struct flame *flame;
	struct buf *out;
	int depth; /* of the deepest frame */
};

static void
put(struct buf *b, const char *before, double x, int digits)
{
	buf_text(b, before);
	buf_fixed(b, x, digits);
}

static unsigned
hash_of(const char *s)
{
	unsigned h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h >> 8;
}

/* Processes and threads are grey, the kernel is orange, what is no function is green. */
static void
put_colour(struct buf *b, const char *name, int depth)
{
	unsigned h = hash_of(name), shade = h % 40;
	size_t n = strlen(name);
	bool kernel = n > 4 && strcmp(name + n - 4, "_[k]") == 0;
	char text[40];

	if (depth <= 2)
		snprintf(text, sizeof text, "rgb(%u,%u,%u)", 190 + shade, 190 + shade, 200 + shade);
	else if (kernel)
		snprintf(text, sizeof text, "rgb(%u,%u,80)", 215 + shade, 140 + h / 64 % 40);
	else if (*name == '[')
		snprintf(text, sizeof text, "rgb(%u,%u,110)", 110 + shade, 190 + shade);
	else
		snprintf(text, sizeof text, "rgb(%u,%u,%u)", 215 + shade, 185 + h / 64 % 50,
		    110 + h / 4096 % 50);
	buf_text(b, text);
}

/* As much of the name as is visible in a frame of that width. */
static void
put_label(struct buf *b, const char *name, double width)
{
	size_t n = strlen(name), room = width < 3 * LETTER ? 0 : (size_t)(width - 6) / LETTER;
	char part[WIDTH / LETTER + 4];

	if (n > room) {
		n = room > 2 ? room - 2 : 0;
		while (n > 0 && ((unsigned char)name[n] & 0xc0) == 0x80)
			n--;
	}
	memcpy(part, name, n);
	strcpy(part + n, n > 0 && n < strlen(name) ? ".." : "");
	buf_markup(b, part);
}

static void
draw_frame(struct drawing *d, const struct flame_node *node, double x, double width, int depth)
{
	const char *name = map_key(&d->flame->names, node->name).s;
	double y = TOP + (d->depth - depth) * ROW, all = d->flame->v[0].seconds;
	struct buf *b = d->out;

	put(b, "<g class=\"f\" data-x=\"", x, 3);
	put(b, "\" data-w=\"", width, 3);
	put(b, "\" data-d=\"", depth, 0);
	buf_text(b, "\"><title>");
	buf_markup(b, name);
	put(b, " (", node->seconds, 2);
	put(b, " s, ", all > 0 ? 100 * node->seconds / all : 0, 2);
	put(b, " %)</title><rect x=\"", MARGIN + x, 3);
	put(b, "\" y=\"", y, 0);
	put(b, "\" width=\"", width, 3);
	put(b, "\" height=\"", ROW - 1, 0);
	buf_text(b, "\" fill=\"");
	put_colour(b, name, depth);
	put(b, "\"/><text x=\"", MARGIN + x + 3, 3);
	put(b, "\" y=\"", y + 12, 0);
	buf_text(b, "\">");
	put_label(b, name, width);
	buf_text(b, "</text></g>\n");
}

static int
depth_of(const struct flame *f, uint32_t at)
{
	int most = 0;

	for (uint32_t i = f->v[at].first; i; i = f->v[i].next) {
		int depth = depth_of(f, i) + 1;
		most = depth > most ? depth : most;
	}
	return most;
}

/* The widest first. */
static int
by_time(const void *a, const void *b)
{
	const struct flame_node *const *x = a, *const *y = b;

	if ((*x)->seconds != (*y)->seconds)
		return (*x)->seconds < (*y)->seconds ? 1 : -1;
	return *x < *y ? -1 : *x > *y;
}

static void
draw(struct drawing *d, const struct flame_node *node, double x, double width, int depth)
{
	const struct flame_node **callees = NULL;
	size_t n = 0, room = 0;

	draw_frame(d, node, x, width, depth);
	for (uint32_t i = node->first; i; i = d->flame->v[i].next) {
		callees = xgrow(callees, n, &room, sizeof(struct flame_node *));
		callees[n++] = &d->flame->v[i];
	}
	if (n > 1)
		qsort(callees, n, sizeof(struct flame_node *), by_time);
	for (size_t i = 0; i < n; i++) {
		double part = node->seconds > 0 ? width * callees[i]->seconds / node->seconds : 0;
		draw(d, callees[i], x, part, depth + 1);
		x += part;
	}
	free(callees);
}

/* A click shows a frame as wide as the picture; '/' or "search" marks frames by a part of their name;
 * Escape or "reset" undoes both. */
static const char *const script[] = {
	"(function () {",
	"'use strict';",
	"var svg = document.documentElement, width = 1180, margin = 10, letter = 7;",
	"var frames = Array.prototype.map.call(svg.querySelectorAll('g.f'), function (g) {",
	"  var title = g.querySelector('title').textContent;",
	"  return { g: g, x: +g.dataset.x, w: +g.dataset.w, d: +g.dataset.d,",
	"    name: title.slice(0, title.lastIndexOf(' (')),",
	"    rect: g.querySelector('rect'), text: g.querySelector('text') };",
	"});",
	"function label(name, w) {",
	"  var room = w < 3 * letter ? 0 : Math.floor((w - 6) / letter);",
	"  return name.length <= room ? name : room > 2 ? name.slice(0, room - 2) + '..' : '';",
	"}",
	"function place(f, x, w, faint) {",
	"  f.g.style.display = w > 0.05 ? '' : 'none';",
	"  f.g.style.opacity = faint ? 0.5 : 1;",
	"  f.rect.setAttribute('x', margin + x);",
	"  f.rect.setAttribute('width', w);",
	"  f.text.setAttribute('x', margin + x + 3);",
	"  f.text.textContent = label(f.name, w);",
	"}",
	"function zoom(to) {",
	"  var e = 0.002, scale = to.w > 0 ? width / to.w : 1;",
	"  frames.forEach(function (f) {",
	"    var outer = f.x <= to.x + e && f.x + f.w >= to.x + to.w - e;",
	"    var inner = f.x >= to.x - e && f.x + f.w <= to.x + to.w + e;",
	"    if (f.d < to.d && outer)",
	"      place(f, 0, width, true);",
	"    else if (f.d >= to.d && inner)",
	"      place(f, (f.x - to.x) * scale, f.w * scale, false);",
	"    else",
	"      place(f, 0, 0, false);",
	"  });",
	"}",
	"function search(part) {",
	"  var end = -1, found = 0;",
	"  frames.forEach(function (f) {",
	"    var match = part !== '' && f.name.toLowerCase().indexOf(part.toLowerCase()) >= 0;",
	"    f.rect.style.fill = match ? 'rgb(200,80,220)' : '';",
	"    f.match = match;",
	"  });",
	"  frames.slice().sort(function (a, b) { return a.x - b.x || a.d - b.d; })",
	"    .forEach(function (f) {",
	"      if (f.match && f.x + f.w > end + 0.002) {",
	"        found += f.x + f.w - Math.max(f.x, end);",
	"        end = f.x + f.w;",
	"      }",
	"    });",
	"  svg.querySelector('#found').textContent = part === '' ? '' :",
	"    part + ': ' + (100 * found / width).toFixed(1) + ' %';",
	"}",
	"function ask() {",
	"  var part = window.prompt('Part of a name:', '');",
	"  if (part !== null)",
	"    search(part);",
	"}",
	"function reset() { zoom(frames[0]); search(''); }",
	"frames.forEach(function (f) {",
	"  f.g.addEventListener('click', function () { zoom(f); });",
	"});",
	"svg.querySelector('#search').addEventListener('click', ask);",
	"svg.querySelector('#reset').addEventListener('click', reset);",
	"window.addEventListener('keydown', function (key) {",
	"  if (key.key === '/') { key.preventDefault(); ask(); }",
	"  if (key.key === 'Escape') reset();",
	"});",
	"window.flame = { zoom: zoom, search: search, reset: reset, frames: frames };",
	"}());",
};

static void
begin_svg(struct drawing *d, const char *title)
{
	struct buf *b = d->out;
	int height = TOP + (d->depth + 1) * ROW + MARGIN;

	svg_begin(b, WIDTH, (unsigned)height);
	buf_text(b,
	    ">\n<style>text { font: 11px monospace; fill: #000; } g.f { cursor: pointer; } "
	    "g.f:hover rect { stroke: #000; } "
	    ".button { cursor: pointer; fill: #06c; }</style>\n"
	    "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
	    "<text x=\"10\" y=\"20\" style=\"font-size:14px\">");
	buf_markup(b, title);
	buf_text(b,
	    "</text>\n<text id=\"search\" class=\"button\" x=\"10\" y=\"40\">search</text>\n"
	    "<text id=\"reset\" class=\"button\" x=\"70\" y=\"40\">reset</text>\n"
	    "<text id=\"found\" x=\"130\" y=\"40\"></text>\n");
}

void
flame_print(const struct flame *f, const char *title, struct buf *out)
{
	struct drawing d = { f, out, f->n > 0 ? depth_of(f, 0) : 0 };

	begin_svg(&d, title);
	if (f->n > 0)
		draw(&d, &f->v[0], 0, WIDTH - 2 * MARGIN, 0);
	buf_text(out, "<script><![CDATA[\n");
	for (size_t i = 0; i < sizeof script / sizeof *script; i++) {
		buf_text(out, script[i]);
		buf_char(out, '\n');
	}
	buf_text(out, "]]></script>\n</svg>\n");
}
