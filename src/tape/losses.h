/* losses: the parts of a recording that could not be read, as numbers and as a sentence. */
#ifndef PQ_TAPE_LOSSES_H
#define PQ_TAPE_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What could not be read. */
struct tape_losses {
	uint64_t samples;     /* lost because of damage */
	uint64_t places;      /* damaged places */
	uint64_t overwritten; /* segments overwritten by the recorder before they were read */
	uint64_t segments;    /* whose headers are missing before the oldest one that was found */
	uint64_t bytes;       /* the file is so much smaller than its ring */
	uint64_t ring;        /* the size of that ring */
	bool torn;            /* it ends in an incomplete record */
	bool unclosed;        /* nobody writes it, and it has no closing record */
	uint64_t foreign;     /* segments of other recordings, which were joined to this one */
	uint64_t behind;      /* bytes after the closing record of the newest segment */
	bool gone;            /* it was deleted or cut short while it was followed */
	bool later, older;    /* segments of a later version, or of version 0, were skipped */
};

/* Prints one line about what was lost; false if nothing was. */
bool tape_losses_text(const struct tape_losses *l, char *out, size_t n);

#endif
