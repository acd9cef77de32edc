/* crc32c: the checksum of iSCSI, ext4 and btrfs (Castagnoli). */
#ifndef PQ_BASE_CRC32C_H
#define PQ_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from the checksum of what came before; 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
