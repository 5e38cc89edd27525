/* SPDX-License-Identifier: BSD-2-Clause */
/* The register table itself: no offset twice, aliases that lead somewhere, names and sections. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include "softnic/model.h"
#include <cmocka.h>

static uint16_t owner[NIC_BAR0_BYTES / 4];

static void claim(uint32_t row) {
    const struct reg *reg = &register_table[row];
    assert_true(reg->count > 0);
    assert_true(reg->count == 1 || reg->stride >= 4);
    for (uint32_t i = 0; i < reg->count; i++) {
        uint32_t offset = reg->offset + i * reg->stride;
        assert_true(offset < NIC_BAR0_BYTES && offset % 4 == 0);
        if (owner[offset / 4])
            fail_msg("0x%05x is both %s[%u] and %s", offset, reg->name ? reg->name : "an alias", i,
                     register_table[owner[offset / 4] - 1].name);
        owner[offset / 4] = (uint16_t)(row + 1);
    }
}

static void no_offset_twice(void **state) {
    (void)state;
    for (uint32_t row = 0; row < register_table_rows; row++)
        claim(row);
}

static void aliases_lead_to_registers(void **state) {
    (void)state;
    for (uint32_t row = 0; row < register_table_rows; row++) {
        const struct reg *reg = &register_table[row];
        for (uint32_t i = 0; !reg->name && i < reg->count; i++) {
            uint16_t to = owner[(reg->alias + i * reg->alias_stride) / 4];
            assert_true(to);
            assert_non_null(register_table[to - 1].name);
        }
    }
}

static void every_row_cites(void **state) {
    (void)state;
    for (uint32_t row = 0; row < register_table_rows; row++) {
        const struct reg *reg = &register_table[row];
        if (!reg->name)
            continue;
        assert_true(*reg->name);
        assert_memory_equal(reg->section, "8.2.3.", 6);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_offset_twice),
        cmocka_unit_test(aliases_lead_to_registers),
        cmocka_unit_test(every_row_cites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
