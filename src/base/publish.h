/* publish: gives a complete file its name. */
#ifndef PQ_BASE_PUBLISH_H
#define PQ_BASE_PUBLISH_H

/* Renames the file, and never over another one. Returns 0, or -1 with errno: EEXIST. */
int publish(const char *part, const char *path);

#endif
