/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of drop reasons. */
#include <leat/stats.h>
#include <stddef.h>

static const struct {
    const char *name, *meaning;
} reasons[] = {
#define REASON(id, name, meaning) { name, meaning },
    LEAT_DROP_REASONS(REASON)
#undef REASON
};

const char *leat_drop_name(enum leat_drop reason) {
    return reason < LEAT_DROP_COUNT ? reasons[reason].name : NULL;
}

const char *leat_drop_meaning(enum leat_drop reason) {
    return reason < LEAT_DROP_COUNT ? reasons[reason].meaning : NULL;
}
