/* publish: gives a complete file its name. */
#ifndef PQ_BASE_PUBLISH_H
#define PQ_BASE_PUBLISH_H

enum { PUBLISH_PATH = 4200 };

/* Creates "PATH.part", or "PATH.2.part" and so on if that exists: it may be somebody's, or left by a process that was
 * killed. Returns its descriptor, or -1 with errno. */
int publish_begin(const char *path, unsigned mode, char part[PUBLISH_PATH]);

/* The mode of a file that is made from `source`: nobody may read it who may not read the source. If the
 * mode of the source is unknown, as for "-", the new file is private. */
unsigned publish_mode(const char *source);

/* Renames the file, and never over another one. Returns 0, or -1 with errno: EEXIST. */
int publish(const char *part, const char *path);

#endif
