/* picture: a screen as SVG, for documents and tickets: text that can be selected, readable on light and dark
 * pages, without fonts or scripts from elsewhere. */
#ifndef PQ_TOP_PICTURE_H
#define PQ_TOP_PICTURE_H

#include "commands/top/frame.h"

/* Appends the frame as a file. Empty lines at its end are left out. */
void picture_print(const struct frame *f, struct buf *out);

#endif
