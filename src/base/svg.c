#include "base/svg.h"

static void
put_attribute(struct buf *b, const char *before, unsigned x)
{
	buf_text(b, before);
	buf_u64(b, x, 1);
}

void
svg_begin(struct buf *b, unsigned width, unsigned height)
{
	buf_text(b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\"");
	put_attribute(b, " width=\"", width);
	put_attribute(b, "\" height=\"", height);
	put_attribute(b, "\" viewBox=\"0 0 ", width);
	put_attribute(b, " ", height);
	buf_char(b, '"');
}

static void
put(struct buf *b, char command, double x)
{
	buf_char(b, command);
	buf_trimmed(b, x, 1);
}

void
svg_rectangle(struct buf *b, double x, double y, double w, double h)
{
	put(b, 'M', x);
	put(b, ' ', y);
	put(b, 'h', w);
	put(b, 'v', h);
	put(b, 'h', -w);
	buf_char(b, 'z');
}
