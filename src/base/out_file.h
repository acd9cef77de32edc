/* out_file: a file that an option names to be written (.writes of base/option.h): "-" is stdout. */
#ifndef PQ_BASE_OUT_FILE_H
#define PQ_BASE_OUT_FILE_H

#include <stdbool.h>

#include "base/buf.h"

bool out_is_stdout(const char *path);

/* What messages call it: "stdout" for "-". */
const char *out_name(const char *path);

/* Opens it as open(2) does, with these flags beside O_WRONLY, O_CREAT and O_CLOEXEC; of stdout it is a copy. Returns
 * the descriptor, or -1 with errno. */
int out_open(const char *path, int flags, unsigned mode);

/* Checks before hours of work that it can be written. Returns 0, or -1 with errno. An existing file stays as it is,
 * and no new one is left. */
int out_check(const char *path);

/* Opens it so, writes the text, and closes it. Returns 0, or -1 with errno. A reader of stdout that has gone is no
 * error. A regular file that could not be written wholly is removed, unless the name is a link to it. */
int out_write(const char *path, int flags, unsigned mode, const struct buf *text);

#endif
