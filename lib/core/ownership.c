/* SPDX-License-Identifier: BSD-2-Clause */
/* Debug builds: every change of a buffer's owner is checked. */
#include "ownership.h"
#include "error.h"
#include "pool_private.h"
#include <errno.h>
#include <stdlib.h>

static const char *const owner_names[] = { "the pool", "the program", "a port" };

bool leat_own(struct leat_pool *pool, uint32_t number, enum leat_owner from, enum leat_owner to,
              const char *place) {
    if (number >= pool->buffers) {
        leat_log(LEAT_LOG_ERROR, "%s: a packet of another pool, or of none", place);
        return false;
    }
    struct leat_owner_record *record = &private_of(pool)->owners[number];
    uint8_t expected = (uint8_t)from;
    if (!atomic_compare_exchange_strong(&record->owner, &expected, (uint8_t)to)) {
        const char *last = record->place ? record->place : "its creation";
        leat_log(LEAT_LOG_ERROR, "%s: buffer %u belongs to %s since %s, not to %s", place, number,
                 owner_names[expected], last, owner_names[from]);
        return false;
    }
    record->place = place;
    return true;
}

int leat_owners_create(struct pool *pool) {
    pool->owners = calloc(pool->public.buffers, sizeof(*pool->owners));
    return pool->owners ? 0 : leat_fail(ENOMEM, "pool: no memory to note owners");
}

const char *leat_owners_first(const struct pool *pool) {
    for (uint32_t i = 0; i < pool->public.buffers; i++)
        if (pool->owners[i].owner != LEAT_OWNER_POOL && pool->owners[i].place)
            return pool->owners[i].place;
    return "somewhere";
}
