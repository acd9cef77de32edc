/* crc32c: the checksum of the blocks and records of files. */
#ifndef PQ_BASE_CRC32C_H
#define PQ_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32C (Castagnoli), as in iSCSI, ext4 and btrfs, continued from the checksum `crc` of the
 * bytes before; 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
