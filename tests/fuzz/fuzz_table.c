/* SPDX-License-Identifier: BSD-2-Clause */
/* The input is a sequence of operations on a table of few keys, private or shared, that is often
 * full; half of the keys share one hash. A plain array says what must come out. */
#include <leat/table.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 128, CAPACITY = 80 };

static void must(bool holds) {
    if (!holds)
        abort();
}

static void make_key(const struct leat_table *table, uint32_t *key, uint32_t number) {
    key[0] = number & 1 ? -table->nh[0] : number; /* cancels the second word in the hash */
    key[1] = number;
}

static void operate(struct leat_table *table, uint8_t operation, uint32_t *model, uint32_t *used) {
    uint32_t key[2], number = operation % KEYS;
    make_key(table, key, number);
    uint64_t hash = leat_table_hash(table, key, sizeof(key));
    must(leat_table_find(table, key, sizeof(key), hash) == model[number]);
    if (operation >= KEYS) {
        bool made;
        uint32_t index = leat_table_insert(table, key, sizeof(key), hash, &made);
        must(model[number] == LEAT_TABLE_NONE ? made == (index != LEAT_TABLE_NONE)
                                              : !made && index == model[number]);
        must(table->flags & LEAT_TABLE_SHARED || index != LEAT_TABLE_NONE || *used == CAPACITY);
        *used += made;
        model[number] = index;
    } else if (model[number] != LEAT_TABLE_NONE) {
        leat_table_remove(table, model[number]);
        model[number] = LEAT_TABLE_NONE;
        --*used;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct leat_table_opts opts = {
        .size = sizeof(opts), .capacity = CAPACITY, .key_bytes = 8, .entry_bytes = 16, .seed = 1
    };
    uint32_t model[KEYS], used = 0, swept = 0;
    struct leat_table *table;
    if (size == 0)
        return 0;
    opts.flags = data[0] & 1 ? LEAT_TABLE_SHARED : 0;
    must(leat_table_create(&table, &opts) == 0);
    memset(model, 0xff, sizeof(model));
    for (size_t i = 1; i < size; i++)
        operate(table, data[i], model, &used);
    for (uint32_t i = 0; i < leat_table_entries(table); i++)
        swept += leat_table_used(table, i);
    must(swept == used);
    leat_table_destroy(table);
    return 0;
}
