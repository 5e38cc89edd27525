/* SPDX-License-Identifier: BSD-2-Clause */
/* Register accesses: find the row, keep reserved bits, call what the register does. */
#include "model.h"
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

/* Row number + 1 for each word of the BAR; 0: nobody declared it. */
static uint16_t rows[NIC_BAR0_BYTES / 4];
static pthread_once_t rows_once = PTHREAD_ONCE_INIT;

static void index_rows(void) {
    for (uint32_t r = 0; r < register_table_rows; r++) {
        const struct reg *reg = &register_table[r];
        for (uint32_t i = 0; i < reg->count; i++)
            rows[(reg->offset + i * reg->stride) / 4] = (uint16_t)(r + 1);
    }
}

/* Follows an alias to the true register. */
static bool find(uint32_t offset, struct access *a) {
    pthread_once(&rows_once, index_rows);
    uint16_t row = rows[offset / 4];
    if (!row)
        return false;
    const struct reg *reg = &register_table[row - 1];
    uint32_t i = reg->stride ? (offset - reg->offset) / reg->stride : 0;
    if (!reg->name)
        return find(reg->alias + i * reg->alias_stride, a);
    a->reg = reg;
    a->index = i + reg->first;
    a->offset = offset;
    return true;
}

static void violate(struct nic *nic, const char *sentence) {
    nic->stats.violations++;
    if (nic->config.strict)
        nic->host.violation(nic->host.ctx, sentence);
}

void nic_violate(struct nic *nic, const char *format, ...) {
    char sentence[320];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    violate(nic, sentence);
}

void register_violate(struct nic *nic, const struct access *a, const char *why) {
    char number[16] = "";
    if (a->reg->count > 1 || a->reg->first)
        snprintf(number, sizeof(number), "[%u]", a->index);
    nic_violate(nic, "%s%s (0x%05x): 0x%08x was written: %s; datasheet %s", a->reg->name, number,
                a->offset, a->value, why, a->reg->section);
}

uint32_t nic_read(struct nic *nic, uint32_t offset) {
    struct access a;
    offset &= NIC_BAR0_BYTES - 4;
    if (!find(offset, &a)) {
        nic_violate(nic, "register 0x%05x was read: nobody declared it; datasheet 8.2.2", offset);
        return 0;
    }
    return a.reg->read ? a.reg->read(nic, &a) : nic_get(nic, a.offset);
}

void nic_write(struct nic *nic, uint32_t offset, uint32_t value) {
    struct access a;
    offset &= NIC_BAR0_BYTES - 4;
    if (!find(offset, &a)) {
        nic_violate(nic, "register 0x%05x: 0x%08x was written: nobody declared it; datasheet 8.2.2",
                    offset, value);
        return;
    }
    a.value = value;
    uint32_t kept = nic_get(nic, a.offset);
    if ((value ^ kept) & ~(a.reg->writable | a.reg->ignored)) {
        bool read_only = a.reg->writable == 0;
        register_violate(nic, &a,
                         read_only    ? "it is read-only"
                         : a.reg->why ? a.reg->why
                                      : "that changes reserved bits");
        if (read_only)
            return;
    }
    a.value = ((value & a.reg->writable) | (kept & ~a.reg->writable)) & ~a.reg->self_clearing;
    if (a.reg->write)
        a.reg->write(nic, &a);
    else
        nic_put(nic, a.offset, a.value);
}

void registers_reset(struct nic *nic, bool all) {
    counters_fold(nic); /* what was moved stays in the report */
    for (uint32_t r = 0; r < register_table_rows; r++) {
        const struct reg *reg = &register_table[r];
        if (!reg->name || (reg->survives && !all))
            continue;
        for (uint32_t i = 0; i < reg->count; i++)
            nic_put(nic, reg->offset + i * reg->stride, reg->reset);
    }
    memset(nic->counters, 0, sizeof(nic->counters));
    memset(&nic->rx_tally, 0, sizeof(nic->rx_tally));
    memset(&nic->tx_tally, 0, sizeof(nic->tx_tally));
    nic->rss.dirty = true;
    interrupts_reset(nic);
    queues_reset(nic);
    mac_reset(nic);
}
