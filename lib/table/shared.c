/* SPDX-License-Identifier: BSD-2-Clause */
/* Removing from a table that others write, too: first from sight, then from memory. */
#include <leat/table.h>

bool leat_table_retire(struct leat_table *table, uint32_t index) {
    if (index >= table->entries)
        return false;
    return leat_table_swap(leat_table_slot(table, index), index + 1,
                           LEAT_TABLE_CLAIMED | LEAT_TABLE_RETIRED);
}

/* The entry is zero before its slot is free, so that who claims it need not clear it. */
void leat_table_release(struct leat_table *table, uint32_t index) {
    uint64_t *entry = leat_table_entry(table, index);
    uint64_t hash = leat_table_hash(table, entry, table->key_bytes);
    uint32_t first = leat_table_first(table, hash);
    for (uint32_t i = 0; i < table->entry_bytes / 8; i++)
        __atomic_store_n(&entry[i], 0, __ATOMIC_RELAXED);
    if (first != index / LEAT_TABLE_SLOTS)
        leat_table_count(&leat_table_bucket(table, first)->away, -1u);
    leat_table_count(&table->removes, 1);
    leat_table_swap(leat_table_slot(table, index), LEAT_TABLE_CLAIMED | LEAT_TABLE_RETIRED, 0);
}
