/* svg: the beginning of all pictures, and the rectangles that they consist of. */
#ifndef PQ_BASE_SVG_H
#define PQ_BASE_SVG_H

#include "base/buf.h"

/* Appends the beginning of a file with a picture of that many pixels. The caller adds attributes, and '>'. */
void svg_begin(struct buf *b, unsigned width, unsigned height);

/* Appends a rectangle to a path, with one digit after the point. */
void svg_rectangle(struct buf *b, double x, double y, double w, double h);

#endif
