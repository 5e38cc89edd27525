/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another process's pool, mapped for as long as it takes to register it with a device on that
 * process's behalf. No buffer of it is ever handed out here, and nothing in it is read or written.
 */
#ifndef LEAT_CORE_FOREIGN_H
#define LEAT_CORE_FOREIGN_H

#include <leat/pool.h>

/* Maps the memfd. -EINVAL: it is not what `bytes` and `stride` say, or can still shrink, which
 * would be felt by whoever has it mapped. */
int leat_foreign_map(struct leat_pool **pool, int fd, uint64_t bytes, uint32_t stride);
void leat_foreign_unmap(struct leat_pool *pool); /* NULL is allowed */

#endif
