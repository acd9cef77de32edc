/* sha256: the SHA-256 hash (FIPS 180-4) of bytes in memory. */
#ifndef PQ_BASE_SHA256_H
#define PQ_BASE_SHA256_H

#include <stddef.h>

void sha256(const void *bytes, size_t n, unsigned char out[32]);

#endif
