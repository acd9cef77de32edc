/* pieces: reads many pieces of the memory of one process by few system calls. */
#ifndef PQ_HOST_PIECES_H
#define PQ_HOST_PIECES_H

#include "base/buf.h"
#include "host/host.h"

/* Reads the pieces that are wholly in memory into b; the others have no bytes afterwards. It makes two system
 * calls for each 128 pieces. The pid is one of this process's namespace. Returns 0, or -1 with the errno of move_pages(2) or process_vm_readv(2), such as
 * EPERM, ESRCH or ENOSYS. */
int pieces_read(uint32_t pid, size_t page, struct memory_piece *v, size_t n, struct buf *b);

#endif
