/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns a buffer: checked in debug builds (LEAT_OWNERSHIP), free of cost elsewhere. A driver
 * notes each change of hands; a change that is not allowed is logged with both places.
 */
#ifndef LEAT_CORE_OWNERSHIP_H
#define LEAT_CORE_OWNERSHIP_H

#include <leat/pool.h>
#include <stdbool.h>

enum leat_owner { LEAT_OWNER_POOL, LEAT_OWNER_PROGRAM, LEAT_OWNER_PORT };

#ifdef LEAT_OWNERSHIP
/* False, and logged, when the buffer of `number` is not `from`'s; else it becomes `to`'s. */
bool leat_own(struct leat_pool *pool, uint32_t number, enum leat_owner from, enum leat_owner to,
              const char *place);
#else
static inline bool leat_own(struct leat_pool *pool, uint32_t number, enum leat_owner from,
                            enum leat_owner to, const char *place) {
    (void)pool, (void)number, (void)from, (void)to, (void)place;
    return true;
}
#endif

#define LEAT_PLACE_TEXT(line) #line
#define LEAT_PLACE_LINE(line) LEAT_PLACE_TEXT(line)
#define LEAT_PLACE            __FILE__ ":" LEAT_PLACE_LINE(__LINE__)

#endif
